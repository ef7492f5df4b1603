// sends: the bytes of a turn leave by io_uring or one by one, and nobody can tell which.
import assert from "node:assert/strict";
import {dirname, join as path_join} from "node:path";
import {test} from "node:test";
import {fileURLToPath} from "node:url";

import {LongPoll} from "phoenix";

import {run} from "./lib/child.mjs";
import {Raw, connect, join} from "./lib/client.mjs";
import {in_group, roostd} from "./lib/node.mjs";
import {RawWebSocket, frame, opcodes, text} from "./lib/raw_ws.mjs";
import {until} from "./lib/wait.mjs";

const without_uring = path_join(dirname(fileURLToPath(import.meta.url)), "lib/without_uring.py");
const by_uring = "client_sends_by_uring_total";
const flood = ["--max-messages", "0", "--max-queue-bytes", "100000000"];

// Where the kernel allows none, only the other way is there to be tested.
let uring_allowed;
async function modes(group) {
  if (uring_allowed === undefined) {
    const node = await group.start();
    uring_allowed = node.log.includes("io_uring is in use");
    await node.stop();
  }
  return uring_allowed ? ["on", "off"] : ["off"];
}

function in_each_mode(what, body) {
  test(what, in_group(async (group, context) => {
    for (const mode of await modes(group)) {
      context.diagnostic(`--io-uring ${mode}`);
      const node = await group.start({shards: 1, flags: [...flood, "--io-uring", mode]});
      await body(group, node, mode);
      const sent = await until("the figures are posted", async () => {
        return (await node.metric("client_sends_total")) > 0 && {by: await node.metric(by_uring)};
      });
      if (mode === "on") assert.ok(sent.by > 0, "nothing was sent by io_uring");
      else assert.equal(sent.by, 0);
      assert.ok(node.child.is_running);
    }
  }));
}

const push = (n, body = "") => text(JSON.stringify(["1", String(n), "room:1", "n", {n, body}]));
const join_room = text(JSON.stringify(["1", "1", "room:1", "phx_join", {}]));

async function raw_member(group, node) {
  const raw = await RawWebSocket.open(group, node);
  raw.send(join_room);
  await until("it has joined", () => raw.messages.length === 1);
  raw.messages.length = 0;
  return raw;
}

// The numbers that came as broadcasts.
const numbers = (raw) => raw.messages.map((message) => JSON.parse(message))
  .filter(([, , , event]) => event === "n").map(([, , , , {n}]) => n);
const up_to = (count) => Array.from({length: count}, (_, i) => i + 1);

in_each_mode("more clients than fit in a batch hear everything in order, also ten in a turn",
  async (group, node) => {
    const members = await Promise.all(Array.from({length: 300}, () => raw_member(group, node)));
    const [sender] = members;
    for (let n = 1; n <= 20; ++n) sender.send(push(n));
    for (let turn = 0; turn < 5; ++turn) {
      sender.send(Buffer.concat(up_to(10).map((i) => push(20 + turn * 10 + i))));
    }
    await until("all have heard all", () => members.every((raw) => numbers(raw).length === 70),
      20000);
    for (const raw of members) assert.deepEqual(numbers(raw), up_to(70));
    // The answers of the publisher came to it alone.
    assert.equal(sender.messages.length, 140);
    assert.ok(members.slice(1).every((raw) => raw.messages.length === 70));
  });

in_each_mode("clients that read in bits get whole frames in order, and the pongs they asked for",
  async (group, node, mode) => {
    const members = await Promise.all(Array.from({length: 6}, () => raw_member(group, node)));
    const sender = await raw_member(group, node);
    const body = "x".repeat(50000);
    const count = 400;
    const stop = {};
    // They stop reading, ask for pongs, and read again, each at its own pace.
    const wobble = members.map((raw, i) => new Promise((done) => {
      let beat = 0;
      const timer = setInterval(() => {
        if (stop.now) {
          clearInterval(timer);
          raw.line.socket.resume();
          return done();
        }
        if (++beat % (i + 2) === 0) raw.line.socket.resume();
        else raw.line.socket.pause();
        raw.send(frame(opcodes.ping, `beat ${beat}`));
      }, 5);
    }));
    for (let n = 1; n <= count; ++n) {
      sender.send(push(n, body));
      if (n % 20 === 0) await until(`${n} is heard`, () => numbers(sender).length >= n, 10000);
    }
    stop.now = true;
    await Promise.all(wobble);
    await until("all have heard all", () => members.every((raw) => {
      return raw.messages.length >= count;
    }), 30000);
    for (const raw of members) {
      assert.deepEqual(numbers(raw), up_to(count));
      assert.ok(raw.pongs > 0);
    }
    if (mode === "on") {
      await until("some sends were short", async () => (await node.metric("client_sends_short_total")) > 0);
    }
  });

in_each_mode("clients that vanish or close in the middle of it cost nobody else a message",
  async (group, node) => {
    const members = await Promise.all(Array.from({length: 40}, () => raw_member(group, node)));
    const sender = await raw_member(group, node);
    const others = await Promise.all(Array.from({length: 60}, () => raw_member(group, node)));
    const count = 120;
    for (let n = 1; n <= count; ++n) {
      sender.send(push(n, "x".repeat(2000)));
      const other = others[n - 1];
      if (!other) continue;
      if (n % 3 === 0) other.line.socket.resetAndDestroy();
      else if (n % 3 === 1) other.end();
      else other.send(frame(opcodes.close, Buffer.from([0x03, 0xe9])));
    }
    await until("all who stayed have heard all", () => [sender, ...members].every((raw) => {
      return numbers(raw).length === count;
    }), 20000);
    for (const raw of members) assert.deepEqual(numbers(raw), up_to(count));
    await until("the others are gone", async () => (await node.metric("connections")) === 41);
  });

in_each_mode("one that is closed for its bad frames is told why behind all it was sent",
  async (group, node) => {
    const bad = await raw_member(group, node);
    const sender = await raw_member(group, node);
    const count = 50;
    // In one turn with the broadcasts: as many bad frames as are too many.
    sender.send(Buffer.concat(up_to(count).map((n) => push(n))));
    bad.send(Buffer.concat(Array.from({length: 200}, () => text("{"))));
    assert.equal(await bad.ended(), 1008);
    const heard = numbers(bad);
    assert.deepEqual(heard, up_to(heard.length));
    await until("the other has heard all", () => numbers(sender).length === count);
  });

in_each_mode("a client that polls hears the same as one with a WebSocket", async (group, node) => {
  const [poller, socket] = await Promise.all([
    connect(group, node.socket_url.replace(/^ws/, "http"), {transport: LongPoll}),
    connect(group, node.socket_url)]);
  const [polling, listening] = [await join(poller, "room:1"), await join(socket, "room:1")];
  const sender = await raw_member(group, node);
  for (let n = 1; n <= 100; ++n) sender.send(push(n));
  for (const channel of [polling, listening]) {
    await until("it has heard all", () => channel.heard.length === 100, 10000);
    assert.deepEqual(channel.heard.map(({payload}) => payload.n), up_to(100));
  }
});

for (const call of ["io_uring_setup", "io_uring_enter"]) {
  test(`where ${call} is refused: auto does without it and says so, on does not start`,
    in_group(async (group) => {
      const wrapper = ["python3", without_uring, call];
      const node = await group.start({wrapper, shards: 2});
      assert.match(node.log, /io_uring is refused: Operation not permitted/);
      const [one, two] = [await Raw.open(group, node), await Raw.open(group, node)];
      await one.join("room:1");
      await two.join("room:1");
      one.send(["1", "2", "room:1", "hello", {}]);
      assert.equal(await two.next(), '[null,null,"room:1","hello",{}]');
      assert.equal(await node.metric(by_uring), 0);

      const {flags} = await group.node();
      const refused = await run("python3",
        [without_uring, call, roostd, ...flags, "--io-uring", "on"]);
      assert.equal(refused.code, 69);
      assert.match(refused.err,
        /^roostd: --io-uring on: io_uring is refused: Operation not permitted.*--io-uring auto/m);
    }));
}

test("the log says which way is taken", in_group(async (group) => {
  const off = await group.start({flags: ["--io-uring", "off"]});
  assert.match(off.log, /io_uring is off/);
  const wrong = await run(roostd, ["--io-uring", "maybe"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /--io-uring.*maybe/);
}));
