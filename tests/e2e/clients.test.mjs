// clients: every client of Phoenix, on two nodes of which one is restarted under it.
import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";

import {kinds, longest_wait} from "./lib/phoenix_clients.mjs";
import {Group, in_group, meshed} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";

const topic = "realtime:room";

async function start_two(group) {
  const first = await group.start();
  const second = await group.start({peers: [first]});
  await meshed([first, second]);
  return [first, second];
}

// How many channels the node has for the topic.
async function channels_of(node, name) {
  return (await node.roost_json(["topics"])).find((row) => row.topic === name)?.channels ?? 0;
}

describe("on two nodes", () => {
  let group, nodes;
  before(async () => {
    group = await Group.create();
    nodes = await start_two(group);
  });
  after(() => group?.end());

  for (const {name, make} of kinds) {
    test(`${name}: joins, is answered, is heard on both nodes, and leaves`, async () => {
      const own_topic = `realtime:${name}`;
      const clients = nodes.map((node) => make(group, node.socket_url));
      const rooms = [];
      for (const client of clients) rooms.push(await client.join(own_topic));
      const expected = [];
      for (const [i, room] of rooms.entries()) {
        for (let n = 1; n <= 3; ++n) {
          const message = {event: "said", payload: {from: i, n, text: "grüße \"室\" 😀"}};
          await room.say(message.event, message.payload);
          expected.push(message);
        }
        // One publisher's messages are in order; these are so as each waits for the one before.
        for (const listener of rooms) {
          await until("all is heard", () => listener.heard.length >= expected.length);
          assert.deepEqual(listener.heard, expected);
        }
      }
      await rooms[0].leave();
      await until("the node has let go of the channel", async () => {
        return (await channels_of(nodes[0], own_topic)) === 0;
      });
      await rooms[1].say("after", {});
      await until("it is heard", () => rooms[1].heard.at(-1).event === "after");
      assert.deepEqual(rooms[0].heard, expected);

      // And comes back.
      const again = await clients[0].join(own_topic);
      await rooms[1].say("again", {n: 1});
      await until("it is heard again", () => again.heard.at(-1)?.event === "again");
      // The one before may still have been on its way from the other node.
      assert.deepEqual(again.heard.filter(({event}) => event !== "after"),
        [{event: "again", payload: {n: 1}}]);
      await again.say("and answers", {n: 2});
      await until("it is heard", () => rooms[1].heard.at(-1).event === "and answers");
      assert.deepEqual(clients.map((client) => client.codes), [[], []]);
    });
  }
});

describe("a join as soon as the leave is answered", () => {
  for (const {name, make} of kinds) {
    test(name, in_group(async (group) => {
      const client = make(group, (await group.start()).socket_url);
      const fresh = await (await client.join(topic)).leave_and_join(topic);
      for (let n = 1; n <= 3; ++n) await fresh.say("said", {n});
      await until("all is heard", () => fresh.heard.length >= 3);
      assert.deepEqual(fresh.heard.map(({payload}) => payload.n), [1, 2, 3]);
      assert.ok(fresh.is_joined());
    }));
  }
});

// All kinds in one room: each is heard by each, once.
async function all_hear_all(members, round) {
  for (const {room} of members) room.heard.length = 0;
  for (const [from, {room}] of members.entries()) await room.say("said", {round, from});
  const expected = members.map((_, from) => ({event: "said", payload: {round, from}}));
  for (const {name, room} of members) {
    await until(`${name} hears everyone in round ${round}`, () => {
      if (room.heard.length >= members.length) return true;
      throw new Error(JSON.stringify(room.heard));
    });
    assert.deepEqual(room.heard.sort((a, b) => a.payload.from - b.payload.from), expected, name);
  }
}

for (const [signal, code] of [["SIGTERM", 1012], ["SIGKILL", 1006]]) {
  test(`${signal} and a new start: every client joins again, within its own back-off`,
    in_group(async (group) => {
      const [first, second] = await start_two(group);
      const members = [];
      for (const node of [first, second]) {
        for (const kind of kinds) {
          const client = kind.make(group, node.socket_url);
          members.push({...kind, node, client, name: `${kind.name} on ${node.name}`,
            room: await client.join(topic)});
        }
      }
      await all_hear_all(members, "before");

      const began = performance.now();
      await second.stop(signal);
      const [stayed, went] = [first, second].map((node) => {
        return members.filter((member) => member.node === node);
      });
      for (const {name, client, room} of went) {
        await until(`${name} knows that it is alone`, () => client.codes.length > 0);
        assert.equal(client.codes[0], code, name);
        assert.ok(!room.is_joined(), name);
      }
      await second.start();
      const away_ms = performance.now() - began;
      await Promise.all(went.map(({name, room, ...kind}) => {
        // A second for the machine: the time of the waits is the client's own.
        return until(`${name} has joined again`, () => room.is_joined(),
          longest_wait(kind, away_ms) + 1000);
      }));
      await meshed([first, second]);
      await all_hear_all(members, "after");
      for (const node of [first, second]) {
        assert.equal(await channels_of(node, topic), kinds.length, "no channel is left over");
      }
      for (const {name, client} of stayed) assert.deepEqual(client.codes, [], name);
    }));
}
