// Messages that are not for everybody, and many at once: what clients see, and what the answer says.
import assert from "node:assert/strict";
import {test} from "node:test";

import {connect, join} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";
import {Worker} from "./lib/worker.mjs";

const flags = ["--rule", "room:* join=backend", "--rule", "*"];

// Clients of two nodes in room:1, with their sessions as a backend hears of them.
async function two_nodes(group) {
  const a = await group.start({flags});
  const b = await group.start({flags, peers: [a]});
  await meshed([a, b]);
  const people = {};
  for (const node of [a, b]) {
    const worker = await Worker.start(group, node, ["room:*"], ({payload}) => (
      {payload: "{}", user: JSON.parse(payload).user}));
    for (const user of ["ann", "bob"]) {
      const socket = await connect(group, node.socket_url);
      const channel = await join(socket, "room:1", {user});
      people[user + (node === a ? 1 : 2)] = {socket, channel, session: worker.asked.at(-1).session};
    }
  }
  return {a, b, people};
}

// What was said last is said to all: what somebody has not heard by then never comes.
async function heard(node, people) {
  await node.publish("room:1", "end", {});
  const all = {};
  for (const [name, {channel}] of Object.entries(people)) {
    await until(`${name} hears the end`, () => channel.heard.some(({event}) => event === "end"));
    all[name] = channel.heard.map(({event}) => event).filter((event) => event !== "end");
    channel.heard.length = 0;
  }
  return all;
}

test("a message to all but a session, to a session, to a user, to a node", in_group(async (group) => {
  const {a, b, people} = await two_nodes(group);
  const {ann1, ann2} = people;
  const pub = (...args) => a.roost_json(["pub", "room:1", "news", "{}", ...args]);

  // The excluded session is of the other node; then of the one that publishes.
  const [row] = await pub("--except", ann2.session);
  assert.match(row.position, /^[0-9a-f]{16}\.\d+\/\d+$/);
  assert.equal(row.channels, 2);
  assert.equal(row.peers, 1);
  assert.deepEqual(await heard(a, people),
                   {ann1: ["news"], bob1: ["news"], ann2: [], bob2: ["news"]});
  assert.equal((await pub("--except", ann1.session))[0].channels, 1);
  assert.deepEqual(await heard(a, people),
                   {ann1: [], bob1: ["news"], ann2: ["news"], bob2: ["news"]});

  for (const name of ["ann1", "ann2"]) {
    const [to] = await pub("--to", people[name].session);
    assert.equal(to.channels, 1);
    assert.equal(to.position, "");
    const expected = {ann1: [], bob1: [], ann2: [], bob2: []};
    assert.deepEqual(await heard(a, people), {...expected, [name]: ["news"]});
  }

  assert.equal((await pub("--user", "ann"))[0].channels, 2);
  assert.deepEqual(await heard(a, people), {ann1: ["news"], bob1: [], ann2: ["news"], bob2: []});

  assert.equal((await pub("--local"))[0].channels, 2);
  assert.deepEqual(await heard(a, people), {ann1: ["news"], bob1: ["news"], ann2: [], bob2: []});
  assert.equal((await pub("--node", b.name))[0].channels, 2);
  assert.deepEqual(await heard(a, people), {ann1: [], bob1: [], ann2: ["news"], bob2: ["news"]});

  const nowhere = await a.roost(["pub", "room:1", "news", "{}", "--node", "nobody"]);
  assert.notEqual(nowhere.code, 0);
  assert.match(nowhere.err, /no node of the group in view has the name nobody/);
}));

test("many topics in one request", in_group(async (group) => {
  const node = await group.start({flags: ["--rule", "*"]});
  const socket = await connect(group, node.socket_url);
  const channels = [];
  for (const topic of ["one", "two"]) channels.push(await join(socket, topic));
  const rows = await node.roost_json(["pub", "one", "news", "{}", "--topic", "two", "--topic", "empty"]);
  assert.deepEqual(rows.map(({topic, channels: count}) => [topic, count]),
                   [["one", 1], ["two", 1], ["empty", 0]]);
  for (const channel of channels) {
    await until("it is heard", () => channel.heard.length === 1);
  }
}));
