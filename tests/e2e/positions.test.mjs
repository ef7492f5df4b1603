// positions: what a join with `since` asks for, and what it is answered, frame by frame.
import assert from "node:assert/strict";
import {test} from "node:test";

import {Raw, connect, join, push} from "./lib/client.mjs";
import {in_group} from "./lib/node.mjs";
import {
  enter, go_away, has_told, join_since, keeping, kept, not_recovered, numbers, publish_numbers,
  start_two, topic,
} from "./lib/resume.mjs";
import {until} from "./lib/wait.mjs";
import {Wire} from "./lib/wire.mjs";

const place = /^[0-9a-f]{16}\.\d+\/\d+$/;

test("the last so many, or the last so many seconds", in_group(async (group) => {
  const [first, second] = await start_two(group);
  await publish_numbers(first, 1, 5);
  for (const node of [first, second]) {
    for (const [since, expected, is_recovered] of [
      [{last: 3}, [3, 4, 5], true], [{last: 5}, [1, 2, 3, 4, 5], true],
      [{last: 0}, [], true], [{seconds: 60}, [1, 2, 3, 4, 5], true], [{}, [], true]]) {
      const {status, response, replay} = await join_since(group, node, since);
      assert.deepEqual([node.name, since, status, replay, response.recovered],
        [node.name, since, "ok", expected, is_recovered]);
    }
    await until("all of it is more than a second old", async () => {
      return (await join_since(group, node, {seconds: 1})).replay.length === 0;
    });
    assert.deepEqual((await join_since(group, node, {seconds: 60})).replay, [1, 2, 3, 4, 5]);
  }
}));

test("what is too old is gone, and that is told", in_group(async (group) => {
  const node = await group.start({flags: keeping("100,1s")});
  const wire = await Wire.build(group, node);
  const client = await enter(group, wire.socket_url);
  await publish_numbers(node, 1, 1);
  await has_told(client, 1);
  await go_away(wire, client);
  await publish_numbers(node, 2, 3);
  assert.deepEqual((await join_since(group, node, {last: 10})).replay, [1, 2, 3]);
  await until("all of it is too old", async () => {
    return (await join_since(group, node, {last: 10})).replay.length === 0;
  });
  await wire.plug(node);
  await has_told(client, 2);
  assert.deepEqual(client.told, [1, not_recovered(0)]);
  await publish_numbers(node, 4, 4);
  await has_told(client, 3);
  assert.equal(client.told.at(-1), 4);
}));

test("the positions of an answer are the place before what is replayed", in_group(async (group) => {
  const [first, second] = await start_two(group);
  await publish_numbers(first, 1, 2);
  await publish_numbers(second, 3, 4);
  const all = await join_since(group, second, {last: 10});
  assert.equal(all.frames.length, 4);
  for (const answer of [all, await join_since(group, second, all.response.positions),
    await join_since(group, first, all.response.positions)]) {
    assert.deepEqual(answer.replay.toSorted(), [1, 2, 3, 4]);
    assert.equal(answer.response.recovered, true);
    const seen = {...answer.response.positions};
    for (const [join_ref, ref, of_topic, event] of answer.frames) {
      assert.deepEqual([join_ref, of_topic, event], [null, topic, "new_msg"]);
      assert.match(ref, place);
      const [origin, number] = ref.split("/");
      assert.ok(Number(number) > seen[origin], `${ref} after ${JSON.stringify(seen)}`);
      seen[origin] = Number(number);
    }
    for (const node of [first, second]) {
      const {response, replay} = await join_since(group, node, seen);
      assert.deepEqual([replay, response.recovered], [[], true]);
    }
  }
}));

test("a replay that is too large for the client's queue is cut to its newest part",
  in_group(async (group) => {
    const node = await group.start({flags: [...kept, "--max-queue-bytes", "100000"]});
    const before = (await join_since(group, node, {})).response.positions;
    const filler = "x".repeat(10000);
    for (let n = 1; n <= 12; ++n) await node.publish(topic, "new_msg", {n, filler});
    const {response, replay} = await join_since(group, node, before);
    assert.deepEqual([response.recovered, response.truncated], [false, true]);
    assert.ok(replay.length > 2 && replay.length < 10, `replayed: ${replay}`);
    assert.deepEqual(replay, numbers(13 - replay.length, 12));
    const rest = await join_since(group, node, response.positions);
    assert.deepEqual([rest.response.recovered, rest.response.truncated, rest.replay],
      [true, undefined, replay], "its positions are the place before that part");
  }));

test("under heavy traffic the replay follows the answer, before anything live",
  in_group(async (group) => {
    const nodes = await start_two(group, keeping("100000,10m"));
    const channels = await Promise.all(nodes.map(async (node) => {
      return join(await connect(group, node.socket_url), topic);
    }));
    let is_over = false;
    let n = 0;
    const talk = channels.map(async (channel) => {
      while (!is_over) await push(channel, "new_msg", {n: ++n});
    });
    try {
      let seen = (await join_since_busily(group, nodes[0], {}, 0)).seen;
      for (let round = 1; round <= 8; ++round) {
        const node = nodes[round % 2];
        const before = n;
        await until("something was missed", () => n > before + 20, 10000);
        const answer = await join_since_busily(group, node, seen, 20);
        assert.equal(answer.response.recovered, true, JSON.stringify(answer.response));
        assert.ok(answer.response.replayed >= 18, JSON.stringify(answer.response));
        seen = answer.seen;
      }
    } finally {
      is_over = true;
      await Promise.all(talk);
    }
  }));

// Joins, and listens on for so many live messages. Each origin's numbers only rise.
async function join_since_busily(group, node, since, live) {
  const client = await Raw.open(group, node);
  const answer = JSON.parse(await client.ask(["1", "1", topic, "phx_join", {since}]));
  const {status, response} = answer[4];
  assert.equal(status, "ok");
  const seen = {...response.positions};
  for (let i = 0; i < response.replayed + live; ++i) {
    const [join_ref, ref, , event] = await client.next_json(`message ${i}`);
    assert.deepEqual([join_ref, event], [null, "new_msg"]);
    const [origin, number] = ref.split("/");
    assert.ok(Number(number) > (seen[origin] ?? 0), `${ref} after ${JSON.stringify(seen)}`);
    seen[origin] = Number(number);
  }
  client.ws.terminate();
  return {response, seen};
}

test("channels without `since` are as ever, beside one with positions", in_group(async (group) => {
  const [first, second] = await start_two(group);
  const plain = [await Raw.open(group, first), await Raw.open(group, second)];
  for (const client of plain) {
    const answer = await client.ask(["1", "2", topic, "phx_join", {token: "since"}]);
    assert.equal(answer,
      `["1","2","${topic}","phx_reply",{"response":{},"status":"ok"}]`);
  }
  const {client: positioned, response} = await join_since(group, second, {});
  assert.ok(Object.keys(response.positions).length > 0);
  const publisher = await Raw.open(group, first);
  await first.publish(topic, "new_msg", {n: 1});
  for (const client of plain) {
    assert.equal(await client.next(), `[null,null,"${topic}","new_msg",{"n":1}]`);
  }
  const [join_ref, ref, ...rest] = await positioned.next_json();
  assert.deepEqual([join_ref, ...rest], [null, topic, "new_msg", {n: 1}]);
  assert.match(ref, place);
  publisher.ws.terminate();

  // The reply to a push stands beside it as before.
  positioned.send(["1", "7", topic, "new_msg", {n: 2}]);
  const frames = [await positioned.next_json(), await positioned.next_json()];
  const reply = frames.find((frame) => frame[3] === "phx_reply");
  assert.deepEqual(reply, ["1", "7", topic, "phx_reply", {response: {}, status: "ok"}]);
  for (const client of plain) {
    assert.equal(await client.next(), `[null,null,"${topic}","new_msg",{"n":2}]`);
  }
}));

test("a bad since is refused by name, and costs nothing else", in_group(async (group) => {
  const node = await group.start({flags: kept});
  const client = await Raw.open(group, node);
  const origin = "00c0ffee00c0ffee.0";
  for (const since of [5, "now", [], [1], true, {nonsense: 1}, {last: -1}, {last: "3"},
    {last: 1.5}, {seconds: null}, {last: 1, seconds: 1}, {last: 1, [origin]: 1},
    {[origin]: "17"}, {[origin]: -1}, {[`${origin}/17`]: 1}, {"00C0FFEE00C0FFEE.0": 1},
    {"c0ffee.0": 1}]) {
    const answer = JSON.parse(await client.ask(["1", "2", topic, "phx_join", {since}]));
    const text = JSON.stringify([since, answer]);
    assert.deepEqual(answer.slice(0, 4), ["1", "2", topic, "phx_reply"], text);
    assert.equal(answer[4].status, "error", text);
    assert.match(answer[4].response.reason, /^bad since/, text);
  }
  const as_ever = await client.ask(["1", "2", topic, "phx_join", {since: null}]);
  assert.equal(as_ever, `["1","2","${topic}","phx_reply",{"response":{},"status":"ok"}]`);
  await node.publish(topic, "new_msg", {n: 1});
  assert.equal(await client.next(), `[null,null,"${topic}","new_msg",{"n":1}]`);
}));
