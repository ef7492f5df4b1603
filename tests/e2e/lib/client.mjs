// client: the two kinds of WebSocket clients of the tests.
//
// connect() and join() are phoenix.js, as an application uses it. Raw speaks single frames, to see
// the exact text that goes over the wire, and to send what phoenix.js never would.
import {Socket} from "phoenix";
import WebSocket from "ws";

import {until, within} from "./wait.mjs";

export {WebSocket};

// A connected phoenix.js socket at ws://HOST:PORT/socket; the group disconnects it.
export async function connect(group, socket_url, options = {}) {
  const socket = new Socket(socket_url, {transport: WebSocket, timeout: 5000, ...options});
  group.add(() => socket.disconnect());
  socket.connect();
  await until(`phoenix.js is connected to ${socket_url}`, () => socket.isConnected());
  return socket;
}

// A joined channel. What it hears is in channel.heard as {event, payload}; a refused join rejects.
export async function join(socket, topic, params = {}) {
  const channel = socket.channel(topic, params);
  channel.heard = [];
  channel.onMessage = (event, payload) => {
    if (!event.startsWith("phx_") && !event.startsWith("chan_")) {
      channel.heard.push({event, payload});
    }
    return payload;
  };
  const joined = new Promise((resolve, reject) => {
    channel.join()
      .receive("ok", resolve)
      .receive("error", (answer) => reject(new Error(`join refused: ${JSON.stringify(answer)}`)))
      .receive("timeout", () => reject(new Error("no answer to the join")));
  });
  channel.answer = await within(6000, `the join of ${topic}`, joined);
  return channel;
}

export function push(channel, event, payload) {
  return within(6000, `the answer to ${event}`, new Promise((resolve, reject) => {
    channel.push(event, payload)
      .receive("ok", resolve)
      .receive("error", (answer) => reject(new Error(`refused: ${JSON.stringify(answer)}`)))
      .receive("timeout", () => reject(new Error(`no answer to ${event}`)));
  }));
}

export class Raw {
  #waiting = [];
  #unread = [];

  constructor(url, options = {}) {
    this.ws = new WebSocket(url, {perMessageDeflate: false, ...options});
    this.ws.on("message", (data, is_binary) => {
      const frame = is_binary ? data : data.toString("utf8");
      const reader = this.#waiting.shift();
      if (reader) reader(frame);
      else this.#unread.push(frame);
    });
    this.ws.on("error", (error) => (this.error = error));
    this.closed = new Promise((resolve) => {
      this.ws.on("close", (code, reason) => resolve({code, reason: reason.toString()}));
    });
  }

  // An open connection at ws://HOST:PORT/socket/websocket; the group closes it.
  static async open(group, node, query = "?vsn=2.0.0", options = {}) {
    const raw = new Raw(`${node.socket_url}/websocket${query}`, options);
    group.add(() => raw.ws.terminate());
    await until(`a WebSocket to ${node.name} is open`, () => {
      if (raw.error) throw raw.error;
      return raw.ws.readyState === WebSocket.OPEN;
    });
    return raw;
  }

  // A frame: an array is sent as JSON, a string or bytes as they are.
  send(frame, options = {}) {
    const data = Array.isArray(frame) ? JSON.stringify(frame) : frame;
    this.ws.send(data, {binary: false, ...options});
  }

  // The next frame as it came: a string, or a Buffer if it was binary.
  async next(what = "a frame", ms = 5000) {
    if (this.#unread.length) return this.#unread.shift();
    const arrival = new Promise((resolve) => this.#waiting.push(resolve));
    const end = this.closed.then(({code}) => {
      throw new Error(`closed with ${code} while waiting for ${what}`);
    });
    return within(ms, what, Promise.race([arrival, end]));
  }

  async next_json(what, ms) {
    return JSON.parse(await this.next(what, ms));
  }

  // Sends a frame and returns the next one.
  async ask(frame, options) {
    this.send(frame, options);
    return this.next(`the answer to ${String(frame).slice(0, 100)}`);
  }

  async join(topic, ref = "1") {
    const answer = JSON.parse(await this.ask([ref, ref, topic, "phx_join", {}]));
    if (answer[4].status !== "ok") throw new Error(`join refused: ${JSON.stringify(answer)}`);
  }

  // Proves that everything sent before has been handled without any frame to this client: the
  // next frame is the answer to a heartbeat.
  async quiet() {
    const ref = `quiet-${performance.now()}`;
    const answer = await this.ask([null, ref, "phoenix", "heartbeat", {}]);
    const expected = [null, ref, "phoenix", "phx_reply", {response: {}, status: "ok"}];
    if (answer !== JSON.stringify(expected)) throw new Error(`expected nothing, got ${answer}`);
  }

  // The code with which the other side closed.
  async close_code(ms = 5000) {
    return (await within(ms, "the connection's close", this.closed)).code;
  }
}

// The status with which an upgrade was refused, or 101.
export function upgrade_status(url, options = {}) {
  return within(5000, `the answer of ${url}`, new Promise((resolve, reject) => {
    const ws = new WebSocket(url, options);
    ws.on("open", () => (ws.terminate(), resolve(101)));
    ws.on("unexpected-response", (request, answer) => {
      request.destroy();
      resolve(answer.statusCode);
    });
    ws.on("error", reject);
  }));
}
