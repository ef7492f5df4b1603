// raw_http: requests byte by byte, as no HTTP library would send them.
import net from "node:net";

import {within} from "./wait.mjs";

// One connection to a port, from an address of this machine if that matters, or to the path of a
// unix socket. What has come is in `text`.
export class Line {
  text = "";

  static async open(group, place, localAddress) {
    const line = new Line();
    const where = typeof place === "number" ? {port: place, host: "127.0.0.1", localAddress}
      : {path: place};
    line.socket = net.connect(where);
    group.add(() => line.socket.destroy());
    line.socket.setEncoding("latin1").on("data", (text) => (line.text += text));
    line.socket.on("error", (error) => (line.error = error));
    line.closed = new Promise((resolve) => line.socket.on("close", () => resolve(line.text)));
    await within(5000, `a connection to ${place}`, new Promise((resolve, reject) => {
      line.socket.on("connect", resolve);
      line.socket.on("error", reject);
    }));
    return line;
  }

  send(bytes) {
    this.socket.write(bytes);
  }

  // Everything that came until the other side ended the connection.
  async until_closed(ms = 5000) {
    return within(ms, "the end of the connection", this.closed);
  }
}

export function request(head, headers = {}) {
  const lines = Object.entries(headers).flatMap(([name, values]) => {
    return [values].flat().map((value) => `${name}: ${value}`);
  });
  return [head, ...lines, "", ""].join("\r\n");
}

export const websocket_headers = {
  Host: "127.0.0.1", Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

export function handshake(changes = {}, head = "GET /socket/websocket?vsn=2.0.0 HTTP/1.1") {
  const headers = {...websocket_headers, ...changes};
  for (const name of Object.keys(headers)) if (headers[name] === null) delete headers[name];
  return request(head, headers);
}

// An answer to its end: status, headers in lower case, body.
export function parse_answer(text) {
  const [head, ...rest] = text.split("\r\n\r\n");
  const [first, ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return {status: Number(first.split(" ")[1]), headers, body: rest.join("\r\n\r\n")};
}

// Sends a request, and waits until the node has answered and ended the connection.
export async function ask(group, place, bytes) {
  const line = await Line.open(group, place);
  line.send(bytes);
  const text = await line.until_closed().catch((error) => {
    throw new Error(`${error.message}\nafter: ${bytes}\nthere came: ${line.text}`);
  });
  return parse_answer(text);
}
