// raw_ws: WebSocket frames bit by bit, also those that no library would send.
import {Line, handshake} from "./raw_http.mjs";
import {until, within} from "./wait.mjs";

export const opcodes = {continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10};

const bytes_of = (content) => (typeof content === "string" ? Buffer.from(content) : content);

// One frame. `says` is the length that the head tells, `width` the bytes that it takes for it
// (0, 2 or 8), where they are to be others than those that fit.
export function frame(opcode, content = "", {fin = true, rsv = 0, mask = true, says, width} = {}) {
  const payload = Buffer.from(bytes_of(content));
  const size = says ?? payload.length;
  const length_bytes = width ?? (size < 126 ? 0 : size < 65536 ? 2 : 8);
  const head = Buffer.alloc(2 + length_bytes);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (mask ? 0x80 : 0) | [Number(size) & 127, 0, 126, 0, 0, 0, 0, 0, 127][length_bytes];
  if (length_bytes === 2) head.writeUInt16BE(Number(size), 2);
  if (length_bytes === 8) head.writeBigUInt64BE(BigInt(size), 2);
  if (!mask) return Buffer.concat([head, payload]);
  const key = Buffer.from([0x5a, 0xa5, 0x3c, 0xc3]);
  for (let i = 0; i < payload.length; ++i) payload[i] ^= key[i & 3];
  return Buffer.concat([head, key, payload]);
}

export const text = (content, options) => frame(opcodes.text, content, options);
export const binary = (content, options) => frame(opcodes.binary, content, options);

// One message in frames of these contents.
export function fragments(pieces, opcode = opcodes.text) {
  return Buffer.concat(pieces.map((piece, i) => {
    return frame(i === 0 ? opcode : opcodes.continuation, piece, {fin: i === pieces.length - 1});
  }));
}

// A connection on which bytes are sent as they are given. What came is in `messages` (text frames
// as strings, binary ones as Buffers), `pongs`, and at last `code`: null if it ended without a
// close.
export class RawWebSocket {
  messages = [];
  pongs = 0;
  code = null;
  #unread = "";

  static async open(group, node, vsn = "2.0.0") {
    const raw = new RawWebSocket();
    raw.line = await Line.open(group, node.port);
    raw.line.send(handshake({}, `GET /socket/websocket?vsn=${vsn} HTTP/1.1`));
    await until("the handshake is answered", () => raw.line.text.includes("\r\n\r\n"));
    if (!raw.line.text.startsWith("HTTP/1.1 101 ")) throw new Error(raw.line.text);
    raw.#unread = raw.line.text.slice(raw.line.text.indexOf("\r\n\r\n") + 4);
    raw.line.socket.on("data", (chunk) => {
      raw.#unread += chunk;
      raw.#read();
    });
    return raw;
  }

  get has_ended() {
    return this.line.socket.destroyed;
  }

  // The node's frames are whole and not masked.
  #read() {
    for (;;) {
      const bytes = Buffer.from(this.#unread.slice(0, 10), "latin1");
      if (bytes.length < 2) return;
      const short = bytes[1];
      if (short > 127) throw new Error("the node masks its frames");
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < head) return;
      const size = head === 4 ? bytes.readUInt16BE(2)
        : head === 10 ? Number(bytes.readBigUInt64BE(2)) : short;
      if (this.#unread.length < head + size) return;
      const content = Buffer.from(this.#unread.slice(head, head + size), "latin1");
      this.#unread = this.#unread.slice(head + size);
      const opcode = bytes[0] & 15;
      if (opcode === opcodes.text) this.messages.push(content.toString());
      if (opcode === opcodes.binary) this.messages.push(content);
      if (opcode === opcodes.pong) ++this.pongs;
      if (opcode === opcodes.close) this.code = content.length < 2 ? 1005 : content.readUInt16BE(0);
    }
  }

  send(bytes) {
    if (this.has_ended) return;
    this.line.send(bytes);
  }

  end() {
    this.line.socket.destroy();
  }

  async ended(ms = 5000) {
    await within(ms, "the end of the connection", this.line.closed);
    return this.code;
  }
}
