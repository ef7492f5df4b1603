// slow: what becomes of a client that does not read, by the rule of its topic, and of the others.
import assert from "node:assert/strict";
import {test} from "node:test";

import {run} from "./lib/child.mjs";
import {in_group, roostd} from "./lib/node.mjs";
import {RawWebSocket, text} from "./lib/raw_ws.mjs";
import {until} from "./lib/wait.mjs";

const topic = "feed:1";
const body = "x".repeat(20000);
const count = 1500;  // more than the sockets of both sides take

async function member(group, node, {name = topic, params = {}} = {}) {
  const raw = await RawWebSocket.open(group, node);
  raw.send(text(JSON.stringify(["1", "1", name, "phx_join", params])));
  await until("it has joined", () => raw.messages.length === 1);
  assert.equal(JSON.parse(raw.messages.shift())[4].status, "ok");
  return raw;
}

const parsed = (raw) => raw.messages.map((message) => JSON.parse(message));
const heard = (raw) => parsed(raw).filter(([, , , event]) => event === "n");
const numbers = (raw) => heard(raw).map(([, , , , {n}]) => n);
const up_to = (last) => Array.from({length: last}, (_, i) => i + 1);

async function start(group, slow) {
  return group.start({shards: 1, flags: ["--max-messages", "0", "--max-queue-bytes", "300000",
    "--rule", `feed:*${slow ? ` slow=${slow}` : ""}`, "--rule", "*"]});
}

// Publishes all of it while `slow` does not read and `reader` does.
async function flood(group, node, slow, reader) {
  slow.line.socket.pause();
  const sender = await member(group, node, {name: "other:1"});
  const publisher = await member(group, node);
  for (let n = 1; n <= count; ++n) {
    publisher.send(text(JSON.stringify(["1", String(n), topic, "n", {n, body}])));
    if (n % 50 === 0) await until(`${n} is heard`, () => heard(reader).length >= n, 15000);
  }
  assert.deepEqual(numbers(reader), up_to(count));
  // Who has nothing to do with it is answered.
  sender.send(text('["1","9","other:1","n",{"n":1}]'));
  await until("another topic goes on", () => sender.messages.length === 2);
  return publisher;
}

for (const slow of ["", "disconnect"]) {
  test(`slow=${slow || "(nothing)"}: it is closed with 1013, and may come back`,
    in_group(async (group) => {
      const node = await start(group, slow);
      const [reader, lazy] = [await member(group, node), await member(group, node)];
      await flood(group, node, lazy, reader);
      await until("it is closed", () => node.log.includes("it does not read fast enough"));
      lazy.line.socket.resume();
      await lazy.ended(10000);
      // Cut while it did not read it may not get as far as the code.
      assert.ok([1013, null].includes(lazy.code), `${lazy.code}`);
      assert.deepEqual(numbers(lazy), up_to(numbers(lazy).length));
      await member(group, node);
    }));
}

for (const slow of ["drop-oldest", "latest"]) {
  test(`slow=${slow}: it stays, misses the oldest, and hears the newest`,
    in_group(async (group) => {
      const node = await start(group, slow);
      const [reader, lazy] = [await member(group, node), await member(group, node)];
      const publisher = await flood(group, node, lazy, reader);
      lazy.line.socket.resume();
      await until("it has heard the last", () => numbers(lazy).at(-1) === count, 15000);
      const got = numbers(lazy);
      assert.ok(got.length < count);
      assert.deepEqual(got, [...got].sort((a, b) => a - b));
      assert.equal(new Set(got).size, got.length);
      if (slow === "latest") {
        // One jump: what the sockets had taken before, and the newest.
        assert.deepEqual(got.slice(0, -1), up_to(got.length - 1));
      }
      const name = slow === "latest" ? "slow_messages_replaced_total" : "slow_messages_dropped_total";
      await until("what it has missed is counted", async () => {
        return await node.metric(name) === count - got.length;
      });
      assert.equal(await node.metric("connections"), 4);
      // It goes on like the others.
      publisher.send(text(JSON.stringify(["1", "last", topic, "n", {n: count + 1}])));
      await until("all hear what comes next", () => [lazy, reader].every((raw) => {
        return numbers(raw).at(-1) === count + 1;
      }));
    }));

  test(`slow=${slow}: a channel with positions is told what it has missed, before what follows`,
    in_group(async (group) => {
      const node = await start(group, slow);
      const reader = await member(group, node);
      const lazy = await member(group, node, {params: {since: {}}});
      await flood(group, node, lazy, reader);
      lazy.line.socket.resume();
      await until("it has heard the last", () => numbers(lazy).at(-1) === count, 15000);
      let last = 0;
      let gaps = 0;
      for (const [join_ref, position, name, event, payload] of parsed(lazy)) {
        assert.equal(join_ref, null);
        assert.equal(name, topic);
        if (event === "n") {
          assert.equal(payload.n, last + 1);
          last = payload.n;
          continue;
        }
        assert.equal(event, "roost:gap");
        assert.equal(payload.slow, true);
        assert.equal(position, `${payload.origin}/${payload.to}`);
        assert.ok(payload.from <= payload.to);
        // The numbers of this topic's stream and those of the messages are the same here.
        assert.equal(payload.from, last + 1);
        last = payload.to;
        ++gaps;
      }
      assert.ok(gaps >= 1);
      assert.equal(last, count);
    }));
}

test("a wrong policy is named, with those that are right", async () => {
  const {code, err} = await run(roostd, ["--rule", "feed:* slow=never"]);
  assert.equal(code, 2);
  assert.match(err, /slow=never is not known: slow is one of disconnect, drop-oldest, latest/);
});
