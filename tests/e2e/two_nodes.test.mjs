// two_nodes: what one client sends on one node reaches every client on every node.
import assert from "node:assert/strict";
import {test} from "node:test";

import {Raw, connect, join, push} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";

async function two_nodes(group) {
  const first = await group.start();
  const second = await group.start({peers: [first]});
  await meshed([first, second]);
  return [first, second];
}

// `count` joined members; what each hears is in member.heard as [publisher, number].
async function members(group, node, topic, count) {
  const all = [];
  while (all.length < count) {
    const batch = Math.min(50, count - all.length);
    all.push(...await Promise.all(Array.from({length: batch}, async () => {
      const member = await Raw.open(group, node);
      await member.join(topic);
      member.heard = [];
      member.ws.on("message", (data) => {
        const [, , , event, payload] = JSON.parse(data);
        if (event === "numbered") member.heard.push([payload.from, payload.n]);
      });
      return member;
    })));
  }
  return all;
}

for (const count of [1, 2, 500]) {
  test(`a room with ${count} members on each of two nodes hears everything once and in order`,
    in_group(async (group) => {
      const nodes = await two_nodes(group);
      const topic = `room:${count}`;
      const per_publisher = 20;
      const listeners = (await Promise.all(
        nodes.map((node) => members(group, node, topic, count)))).flat();

      const channels = await Promise.all(nodes.map(async (node) => {
        return join(await connect(group, node.socket_url), topic);
      }));
      const sent = [];
      for (let n = 1; n <= per_publisher; ++n) {
        channels.forEach((channel, i) => {
          sent.push(push(channel, "numbered", {from: `client ${i}`, n}));
        });
      }
      await Promise.all(sent);
      for (const [i, node] of nodes.entries()) {
        await node.publish(topic, "numbered", {from: `roost ${i}`, n: 1});
      }

      const total = 2 * per_publisher + 2;
      await until(`all ${listeners.length} members have heard ${total} messages`, () => {
        const short = listeners.filter((member) => member.heard.length < total);
        if (short.length === 0) return true;
        throw new Error(`${short.length} members are short, one has ${short[0].heard.length}`);
      }, 15000);
      const expected = {
        "client 0": Array.from({length: per_publisher}, (_, i) => i + 1),
        "client 1": Array.from({length: per_publisher}, (_, i) => i + 1),
        "roost 0": [1],
        "roost 1": [1],
      };
      for (const member of listeners) {
        const heard = {};
        for (const [from, n] of member.heard) (heard[from] ??= []).push(n);
        assert.deepEqual(heard, expected);
      }
    }));
}

test("a sender hears its own broadcast, once, and its push is answered", in_group(async (group) => {
  const [first, second] = await two_nodes(group);
  const here = await join(await connect(group, first.socket_url), "room:echo");
  const there = await join(await connect(group, second.socket_url), "room:echo");
  assert.deepEqual(await push(here, "new_msg", {body: "hi"}), {});
  await push(here, "last", {});
  for (const channel of [here, there]) {
    await until("both messages are heard", () => channel.heard.length >= 2);
    assert.deepEqual(channel.heard,
      [{event: "new_msg", payload: {body: "hi"}}, {event: "last", payload: {}}]);
  }
}));

test("other topics are not disturbed, on either node", in_group(async (group) => {
  const [first, second] = await two_nodes(group);
  const outsiders = [await Raw.open(group, first), await Raw.open(group, second)];
  for (const outsider of outsiders) await outsider.join("room:other");
  const insider = await Raw.open(group, second);
  await insider.join("room:mine");
  await first.publish("room:mine", "new_msg", {});
  assert.equal(await insider.next(), '[null,null,"room:mine","new_msg",{}]');
  for (const outsider of outsiders) await outsider.quiet();
}));

test("a message published after a join's reply is heard, from any node", in_group(async (group) => {
  const [first, second] = await two_nodes(group);
  const publisher = await Raw.open(group, first);
  for (let round = 0; round < 40; ++round) {
    const topic = `fresh:${round}`;
    const listener = await Raw.open(group, second);
    await publisher.join(topic);
    await listener.join(topic);
    publisher.send(["1", "2", topic, "new_msg", {round}]);
    assert.equal(await listener.next(`message ${round}`),
      `[null,null,"${topic}","new_msg",{"round":${round}}]`);
    listener.ws.terminate();
    for (let own = 0; own < 2; ++own) await publisher.next("its own broadcast and its reply");
  }
}));

test("a newcomer is heard on the node it named within a second", in_group(async (group) => {
  const first = await group.start();
  const listener = await Raw.open(group, first);
  await listener.join("room:new");
  const heard = listener.next("a message of the newcomer", 10000);
  let is_heard = false;
  heard.then(() => (is_heard = true)).catch(() => {});
  const newcomer = await group.start({peers: [first]});
  await until("the first node hears the newcomer", async () => {
    await newcomer.publish("room:new", "hello", {});
    return is_heard;
  }, 1000);
}));

test("a third node that names one peer is in the mesh with all", in_group(async (group) => {
  const [first, second] = await two_nodes(group);
  const third = await group.start({peers: [first]});
  await meshed([first, second, third]);
  const there = await join(await connect(group, second.socket_url), "room:three");
  const late = await join(await connect(group, third.socket_url), "room:three");
  await push(late, "new_msg", {from: "third"});
  await until("the second node hears the third", () => there.heard.length === 1);
  await push(there, "new_msg", {from: "second"});
  await until("the third node hears the second", () => late.heard.length === 2);
  assert.deepEqual(late.heard.map(({payload}) => payload.from), ["third", "second"]);
  assert.deepEqual(there.heard.map(({payload}) => payload.from), ["third", "second"]);
}));

test("nodes on one machine find each other by beacon", in_group(async (group) => {
  const nodes = [];
  for (let i = 0; i < 3; ++i) nodes.push(await group.start({beacon: true}));
  await meshed(nodes);
  const listener = await Raw.open(group, nodes[2]);
  await listener.join("room:beacon");
  await nodes[0].publish("room:beacon", "found", {by: "beacon"});
  assert.equal(await listener.next(), '[null,null,"room:beacon","found",{"by":"beacon"}]');
}));
