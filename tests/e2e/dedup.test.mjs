// dedup: a message that is published again with the same id shows once in the whole group.
import assert from "node:assert/strict";
import {test} from "node:test";

import {connect, join, push} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {resume} from "./lib/resume.mjs";
import {until} from "./lib/wait.mjs";

const topic = "room:dedup";

async function start_two(group, flags = []) {
  const first = await group.start({flags});
  const second = await group.start({flags, peers: [first]});
  await meshed([first, second]);
  return [first, second];
}

function member(group, node, of_topic = topic) {
  return connect(group, node.socket_url).then((socket) => join(socket, of_topic));
}

// Publishes over the control socket. Whether it was a repetition.
async function publish(node, id, payload, of_topic = topic) {
  const json = JSON.stringify(payload);
  const [answer] = await node.roost_json(["pub", "--id", id, of_topic, "new_msg", json]);
  return answer.duplicate;
}

// These numbers, and then nothing before a message that is published after them all.
let last_end = 1000;
async function hear_just(node, members, expected) {
  const end = ++last_end;
  await node.publish(topic, "new_msg", {n: end});
  for (const [i, channel] of members.entries()) {
    const heard = () => channel.heard.map(({payload}) => payload.n);
    await until(`member ${i} hears the end`, () => heard().includes(end));
    assert.deepEqual(heard(), [...expected, end], `member ${i}`);
    channel.heard.length = 0;
  }
}

test("the same id twice on one node's control socket", in_group(async (group) => {
  const [first, second] = await start_two(group);
  const members = [await member(group, first), await member(group, second)];
  const subscriber = second.roost_running(["--json", "sub", topic]);
  await until("the subscriber listens", async () => {
    await second.publish(topic, "probe", {});
    return subscriber.lines.length > 0;
  });
  for (const channel of members) {
    await until("the probes are heard", () => channel.heard.length > 0);
  }
  const seen = subscriber.lines.length;
  await first.publish(topic, "probes_end", {});
  for (const channel of members) {
    await until("all probes are heard", () => channel.heard.at(-1)?.event === "probes_end");
    channel.heard.length = 0;
  }
  assert.equal(await publish(first, "order-17", {n: 1}), false);
  assert.equal(await publish(first, "order-17", {n: 1}), true);
  assert.equal(await publish(first, "order-18", {n: 2}), false);
  await hear_just(first, members, [1, 2]);
  await until("the subscriber has heard it all", () => subscriber.out.includes(String(last_end)));
  const events = subscriber.lines.slice(seen).map((line) => JSON.parse(line))
    .filter(({event}) => event === "new_msg");
  assert.deepEqual(events.map(({payload}) => payload.n), [1, 2, last_end]);
}));

test("the same id on the control sockets of two nodes", in_group(async (group) => {
  const [first, second] = await start_two(group);
  const members = [await member(group, first), await member(group, second)];
  assert.equal(await publish(first, "order-17", {n: 1}), false);
  await until("the second node has it", () => members[1].heard.length === 1);
  await publish(second, "order-17", {n: 1});
  await until("a retry on the first node is answered", () => publish(first, "order-17", {n: 1}));
  await hear_just(second, members, [1]);

  // At the same time on both: one of the two is heard, whichever.
  for (let n = 2; n < 12; ++n) {
    await Promise.all([first, second].map((node) => publish(node, `order-${100 + n}`, {n})));
    await hear_just(n % 2 ? first : second, members, [n]);
  }
}));

test("a push that is retried, on the same node and on another", in_group(async (group) => {
  const [first, second] = await start_two(group);
  const members = [await member(group, first), await member(group, second)];
  const again = await member(group, first);
  const payload = {n: 1, roost_id: "click-1"};
  assert.deepEqual(await push(members[0], "new_msg", payload), {});
  assert.deepEqual(await push(members[0], "new_msg", payload), {duplicate: true});
  for (const channel of [again, members[1]]) {
    await until("everybody has it", () => channel.heard.length > 0);
    assert.deepEqual(channel.heard[0].payload, payload, "the payload goes as it came");
    assert.deepEqual(await push(channel, "new_msg", payload), {duplicate: true});
  }
  await hear_just(first, [...members, again], [1]);
  await hear_just(second, [...members, again], []);
}));

test("a push and a backend's message with one id are one message", in_group(async (group) => {
  const [first, second] = await start_two(group);
  const members = [await member(group, first), await member(group, second)];
  await push(members[0], "new_msg", {n: 1, roost_id: "one"});
  await until("the second node has it", () => members[1].heard.length > 0);
  await publish(second, "one", {n: 1});
  await publish(first, "one", {n: 1});
  await hear_just(second, members, [1]);
}));

test("topics are independent, and so are messages without an id", in_group(async (group) => {
  const [first, second] = await start_two(group);
  const members = [await member(group, first), await member(group, second)];
  const elsewhere = await member(group, second, "room:elsewhere");
  assert.equal(await publish(first, "order-17", {n: 1}), false);
  assert.equal(await publish(first, "order-17", {n: 1}, "room:elsewhere"), false);
  assert.deepEqual(await push(members[0], "new_msg", {n: 2}), {});
  assert.deepEqual(await push(members[0], "new_msg", {n: 2}), {});
  await until("the other topic's message is heard", () => elsewhere.heard.length === 1);
  for (const channel of members) {
    await until("three messages are heard", () => channel.heard.length === 3);
    assert.deepEqual(channel.heard.map(({payload}) => payload.n).toSorted(), [1, 2, 2]);
    channel.heard.length = 0;
  }
  await hear_just(first, members, []);
}));

test("an id that is too long or no string is refused", in_group(async (group) => {
  const node = await group.start();
  const channel = await member(group, node);
  for (const roost_id of ["", "x".repeat(129), 17, null, {}]) {
    await assert.rejects(push(channel, "new_msg", {n: 1, roost_id}), /roost_id must be a string/);
  }
  const {code, err} = await node.roost(["pub", "--id", "x".repeat(129), topic, "new_msg", "{}"]);
  assert.notEqual(code, 0);
  assert.match(err, /id/);
  assert.equal(await publish(node, "x".repeat(128), {n: 2}), false);
  await push(channel, "new_msg", {n: 3, roost_id: "y".repeat(128)});
  await until("both are heard", () => channel.heard.length === 2);
}));

test("after the window an id is new again", in_group(async (group) => {
  const node = await group.start({flags: ["--dedup-window", "1"]});
  const channel = await member(group, node);
  assert.equal(await publish(node, "order-17", {n: 1}), false);
  assert.equal(await publish(node, "order-17", {n: 2}), true);
  await until("the id is forgotten", async () => !(await publish(node, "order-17", {n: 3})));
  await until("it is heard again", () => channel.heard.length === 2);
  assert.deepEqual(channel.heard.map(({payload}) => payload.n), [1, 3]);
}));

test("a repetition is not in the history, wherever it was published", in_group(async (group) => {
  const [first, second] = await start_two(group, ["--rule", "room:* history=100,10m"]);
  const members = [await member(group, first), await member(group, second)];
  await publish(first, "order-17", {n: 1});
  await publish(first, "order-17", {n: 1});
  for (const channel of members) await until("it is heard", () => channel.heard.length === 1);
  await publish(second, "order-17", {n: 1});
  await second.publish(topic, "new_msg", {n: 2});
  for (const channel of members) await until("two are heard", () => channel.heard.length === 2);
  for (const node of [first, second]) {
    const late = await join_with_history(group, node, {last: 10});
    assert.deepEqual(late.told, [1, 2], node.name);
  }
}));

test("a client that heard a message does not get its repetition by resuming elsewhere",
  in_group(async (group) => {
    const [first, second] = await start_two(group, ["--rule", "room:* history=100,10m"]);
    const here = await join_with_history(group, first, {});
    await publish(first, "order-17", {n: 1});
    await until("it is heard", () => here.told.length === 1);
    // Nobody listens on the second node, which therefore does not know the message.
    await publish(second, "order-17", {n: 1});
    const there = await join_with_history(group, second, here.room.positions());
    await second.publish(topic, "new_msg", {n: 3});
    await until("the end is heard", () => there.told.at(-1) === 3);
    assert.deepEqual([here.told.slice(0, 1), there.told], [[1], [3]]);
  }));

test("a repetition is not in a history that is put together from two nodes",
  in_group(async (group) => {
    const nodes = await start_two(group, ["--rule", "room:* history=100,10m"]);
    // Nobody listens: neither node knows the other's message until it is asked.
    for (const node of nodes) await publish(node, "order-17", {n: 1});
    await nodes[0].publish(topic, "new_msg", {n: 2});
    for (const node of nodes) {
      const late = await join_with_history(group, node, {last: 10});
      assert.deepEqual(late.told.toSorted(), [1, 2], node.name);
    }
  }));

// A client that has been told what it missed.
async function join_with_history(group, node, seen) {
  const told = [];
  const room = resume(await connect(group, node.socket_url), topic, {seen});
  room.on("new_msg", ({n}) => told.push(n));
  let replayed;
  room.join().receive("ok", (reply) => (replayed = reply.replayed));
  await until("it has all that was replayed", () => told.length === replayed);
  return {room, told};
}
