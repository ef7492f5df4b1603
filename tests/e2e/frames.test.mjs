// frames: whatever frames, handshakes and floods come, each is answered as lib/bad_frames.mjs says,
// and a client beside them hears every message of a counter, in order and in time.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {after, before, describe, test} from "node:test";

import {bad_frames, max_frame_bytes} from "./lib/bad_frames.mjs";
import {Raw} from "./lib/client.mjs";
import {Group, in_group} from "./lib/node.mjs";
import {Line, handshake} from "./lib/raw_http.mjs";
import {RawWebSocket, frame, opcodes, text} from "./lib/raw_ws.mjs";
import {until, within} from "./lib/wait.mjs";

const late_ms = 2000;

// A member of a topic that others may not disturb, and the one who counts for it, on one node. The
// counting goes on by itself until it is checked.
class Witness {
  sent = [];
  heard = [];

  static async join(group, node) {
    const witness = new Witness();
    witness.client = await Raw.open(group, node);
    witness.counter = await Raw.open(group, node);
    for (const client of [witness.client, witness.counter]) await client.join("room:peace");
    for (const {ws} of [witness.client, witness.counter]) {
      ws.on("close", (code) => (witness.lost ??= `closed with ${code}`));
    }
    witness.client.ws.on("message", (data) => {
      const [, , , event, payload] = JSON.parse(data);
      if (event !== "count") witness.lost ??= `it has heard ${data}`;
      const ms = performance.now() - witness.sent[payload.n];
      if (ms > late_ms) witness.lost ??= `message ${payload.n} took ${Math.round(ms)} ms`;
      witness.heard.push(payload.n);
    });
    const counting = setInterval(() => witness.count(), 20);
    group.add(() => clearInterval(counting));
    return witness;
  }

  count() {
    const n = this.sent.length;
    this.sent.push(performance.now());
    this.counter.send(["1", `${n}`, "room:peace", "count", {n}]);
  }

  async check(what) {
    this.count();
    const count = this.sent.length;
    await until(`the witness has heard everything after ${what}`, () => {
      return this.lost || this.heard.length >= count;
    });
    assert.equal(this.lost, undefined, what);
    assert.ok(this.heard.every((n, i) => n === i), `in order, after ${what}`);
  }
}

// In kB. A build with a sanitizer maps terabytes, and keeps freed memory for a while.
function memory(node) {
  const status = readFileSync(`/proc/${node.pid}/status`, "utf8");
  const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)[1]);
  return {rss: of("VmRSS"), is_sanitized: of("VmSize") > 2 ** 30};
}

const joins = {
  "2.0.0": text('["1","1","room:bad","phx_join",{}]'),
  "1.0.0": text('{"topic":"room:bad","event":"phx_join","payload":{},"ref":"1"}'),
};
const last_beats = {
  "2.0.0": text('[null,"last","phoenix","heartbeat",{}]'),
  "1.0.0": text('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"last"}'),
};

let group, node, witness, memory_before;
before(async () => {
  group = await Group.create();
  node = await group.start({flags: ["--max-frame-bytes", String(max_frame_bytes),
    "--handshake-timeout", "1"]});
  witness = await Witness.join(group, node);
  await witness.check("nothing");
  memory_before = memory(node);
});
after(() => group?.end());

async function joined(vsn = "2.0.0") {
  const client = await RawWebSocket.open(group, node, vsn);
  client.send(joins[vsn]);
  await until("it has joined", () => client.messages.length === 1);
  client.messages.length = 0;
  return client;
}

async function is_answered({what, bytes, vsn = "2.0.0", answers = [], code}) {
  const client = await joined(vsn);
  client.send(bytes);
  if (code === undefined) client.send(last_beats[vsn]);
  await until(`"${what}" is answered`, () => {
    if (client.has_ended || client.code !== null) return true;
    if (client.messages.some((message) => String(message).includes('"last"'))) return true;
    throw new Error(client.messages.map(String).join("\n"));
  });
  const messages = client.messages.map(String).filter((message) => !message.includes('"last"'));
  assert.deepEqual(messages, answers, what);
  assert.equal(client.code, code ?? null, what);
  client.end();
}

for (const [what, cases] of Object.entries(bad_frames)) {
  describe(what, () => {
    for (const bad of cases) {
      test(bad.what, async () => {
        await is_answered(bad);
        assert.ok(node.child.is_running);
        await witness.check(bad.what);
      });
    }
  });
}

describe("floods", () => {
  test("a message of empty fragments that never ends takes nothing", async () => {
    const client = await joined();
    client.send(text('["1","2",', {fin: false}));
    const empty = Buffer.concat(Array(1000).fill(frame(opcodes.continuation, "", {fin: false})));
    for (let i = 0; i < 50; ++i) client.send(empty);
    client.send(frame(opcodes.continuation, '"room:bad","m",{}]'));
    await until("the message is heard", () => client.messages.length === 2, 10000);
    client.end();
    await witness.check("empty fragments");
  });

  test("who does not answer a close is cut off", async () => {
    const clients = await Promise.all([1, 2].map(() => joined()));
    clients[0].send(text(Buffer.from([0xff])));
    clients[1].send(text("x", {says: 2n ** 40n, width: 8}));
    const codes = await Promise.all(clients.map((client) => client.ended()));
    assert.deepEqual(codes, [1007, 1009]);
    await witness.check("silent ends");
  });

  test("joins by the thousand are refused beyond the limits, and answered", async () => {
    const client = await joined();
    const count = 3000;
    for (let i = 0; i < count; ++i) {
      client.send(text(JSON.stringify([`${i}`, `${i}`, `room:${i}`, "phx_join", {}])));
    }
    await until("each is answered", () => client.messages.length >= count, 10000);
    const statuses = client.messages.map((message) => JSON.parse(message)[4]);
    assert.equal(statuses.filter(({status}) => status === "ok").length, 99, "with room:bad, 100");
    const reasons = new Set(statuses.map(({response}) => response.reason).filter(Boolean));
    assert.deepEqual(reasons,
      new Set(["too many channels joined", "too many joins a second"]));
    client.end();
    await witness.check("joins");
  });

  test("leaves and joins of one topic, over and over", async () => {
    const client = await joined();
    const count = 30;  // No more than may be said to a channel that is still joining.
    for (let i = 0; i < count; ++i) {
      client.send(text(`["1","${i}","room:bad","phx_leave",{}]`));
      client.send(text(`["1","${i}","room:bad","phx_join",{}]`));
    }
    // A reply and a close for each leave, a reply for each join.
    await until("each is answered", () => client.messages.length >= 3 * count);
    assert.ok(client.messages.every((message) => !message.includes('"error"')));
    client.end();
    await witness.check("leaves and joins");
  });

  test("pings by the ten thousand", async () => {
    const client = await joined();
    const pings = Buffer.concat(Array(1000).fill(frame(opcodes.ping, "p".repeat(100))));
    for (let i = 0; i < 20; ++i) client.send(pings);
    client.send(last_beats["2.0.0"]);
    await until("what comes behind them is answered", () => client.messages.length > 0, 10000);
    assert.ok(client.pongs > 0 && client.pongs <= 20_000);
    client.end();
    await witness.check("pings");
  });

  test("pings of one who does not read", async () => {
    const client = await joined();
    client.line.socket.pause();
    const pings = Buffer.concat(Array(1000).fill(frame(opcodes.ping, "p".repeat(100))));
    for (let i = 0; i < 100; ++i) client.send(pings);
    await witness.check("pings");
    client.end();
  });

  test("connections that come and go at once", async () => {
    for (let round = 0; round < 10; ++round) {
      const lines = await Promise.all(Array.from({length: 50}, () => Line.open(group, node.port)));
      for (const [i, line] of lines.entries()) {
        if (i % 3 === 0) line.send(handshake());
        if (i % 3 === 1) line.send(Buffer.concat([Buffer.from(handshake()), joins["2.0.0"]]));
        line.socket.destroy();
      }
    }
    await witness.check("connections");
  });

  test("a hundred handshakes byte by byte: those who are slow are closed, the others let in",
    async () => {
      const bytes = handshake();
      const lines = await Promise.all(Array.from({length: 100}, () => Line.open(group, node.port)));
      // The first half takes 0.2 s, the second would take 20 s.
      let at = 0;
      const dripping = setInterval(() => {
        ++at;
        for (const [i, line] of lines.entries()) {
          if (line.socket.destroyed) continue;
          if (i < 50) line.send(bytes.slice((at - 1) * 20, at * 20));
          else line.send(bytes[at - 1] ?? "x");
        }
      }, 10);
      group.add(() => clearInterval(dripping));
      await until("the quick are let in", () => lines.slice(0, 50).every((line) => {
        return line.text.startsWith("HTTP/1.1 101 ");
      }));
      const slow_ones = lines.slice(50).map((line) => line.closed);
      await within(8000, "the end of the slow", Promise.all(slow_ones));
      clearInterval(dripping);
      for (const line of lines) line.socket.destroy();
      await witness.check("slow handshakes");
    });
});

test("at the end nobody is left over, and the memory is about what it was", async (context) => {
  await until("only the witness and its counter are left", async () => {
    const {body} = await node.get("/metrics");
    return /^roost_connections 2$/m.test(body);
  }, 15000);
  await witness.check("everything");
  const {rss, is_sanitized} = memory(node);
  const grown = rss - memory_before.rss;
  context.diagnostic(`VmRSS was ${memory_before.rss} kB and is ${rss} kB`);
  assert.ok(grown < (is_sanitized ? 600_000 : 40_000),
    `it has grown by ${grown} kB from ${memory_before.rss} kB`);
});

test("beyond its descriptors a node lets nobody in, and serves those it has", in_group(
  async (own) => {
    const small = await own.start({open_files: 200, flags: ["--handshake-timeout", "2"]});
    const beside = await Witness.join(own, small);
    const lines = [];
    for (let i = 0; i < 400; ++i) {
      lines.push(await Line.open(own, small.port).catch(() => null));
      lines.at(-1)?.send(handshake());
    }
    const is_in = (line) => line?.text.startsWith("HTTP/1.1 101 ");
    await until("some are in", () => lines.some(is_in));
    await beside.check("connections beyond the limit");
    assert.ok(!lines.every(is_in), "not all are in");
    for (const line of lines) line?.socket.destroy();
    await until("others are let in again", async () => {
      const line = await Line.open(own, small.port);
      line.send(handshake());
      await until("it is in", () => is_in(line), 1000);
      line.socket.destroy();
      return true;
    }, 10000);
    await beside.check("their end");
  }));
