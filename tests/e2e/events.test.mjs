// events: what a backend hears of clients that come and go.
import assert from "node:assert/strict";
import {test} from "node:test";

import {Raw} from "./lib/client.mjs";
import {in_group} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";

const lines = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

// Where the node's log stands: the cursor of its newest event.
async function first_cursor(node) {
  const {incarnation} = (await node.nodes()).get(node.name);
  return `${incarnation}/0`;
}

test("a client is told of from its connecting to its end, by roost events and roost sessions",
  in_group(async (group) => {
    const node = await group.start({flags: ["--events"]});
    const start = await first_cursor(node);
    const client = await Raw.open(group, node);
    await client.join("room:1");
    const [session] = await until("the session is listed", async () =>
      (await node.roost_json(["sessions"])).filter(({channels}) => channels.length === 1));
    assert.equal(session.node, node.name);
    assert.equal(session.channels[0].topic, "room:1");
    client.ws.close();

    const {out} = await node.roost(["--json", "events", "--after", start, "-C", "6"]);
    const events = lines(out);
    assert.deepEqual(events.map(({event}) => event),
      ["connected", "joined", "topic_occupied", "left", "topic_vacated", "disconnected"]);
    for (const {event, session: name} of events) {
      if (!event.startsWith("topic_")) assert.equal(name, session.session);
    }
    assert.equal(events[1].join, events[3].join);
    assert.equal(events[0].address, session.address);
    assert.equal(events[5].reason, "client closed");
    await until("nobody is listed", async () => (await node.roost_json(["sessions"])).length === 0);
  }));

test("a consumer that is killed at random misses none of 10,000 events, and hears none twice",
  {timeout: 240_000}, in_group(async (group) => {
    const node = await group.start({flags: ["--events", "--max-joins", "0"]});
    let cursor = await first_cursor(node);
    const heard = [];
    const drive = (async () => {
      // Each join and leave is four events: the topic has no other channel.
      const clients = await Promise.all(Array.from({length: 10}, () => Raw.open(group, node)));
      await Promise.all(clients.map(async (client, at) => {
        for (let i = 0; i < 250; ++i) {
          await client.join(`room:${at}-${i}`);
          client.send(["1", "2", `room:${at}-${i}`, "phx_leave", {}]);
          assert.equal((await client.next_json())[3], "phx_reply");
          assert.equal((await client.next_json())[3], "phx_close");
        }
      }));
    })();
    let kills = 0;
    const wanted = 10 + 10 * 250 * 4;
    while (heard.length < wanted) {
      const began = performance.now();
      const consumer = node.roost_running(["--json", "events", "--after", cursor]);
      const patience = 30 + Math.random() * 300;
      const count = () => consumer.out.split("\n").length - 1;
      await until("it is time to kill it", () => heard.length + count() >= wanted ||
        performance.now() > began + patience, 10_000 + patience);
      await consumer.kill();
      ++kills;
      // Only whole lines were taken in.
      const taken = consumer.out.slice(0, consumer.out.lastIndexOf("\n") + 1);
      for (const event of lines(taken)) {
        assert.notEqual(event.event, "gap");
        heard.push(event);
        cursor = event.cursor;
      }
    }
    await drive;
    assert.ok(kills > 2, `killed ${kills} times`);
    assert.deepEqual(heard.map(({cursor: at}) => +at.split("/")[1]),
      Array.from({length: wanted}, (_, i) => i + 1));
  }));

test("a node without --events refuses, and says why", in_group(async (group) => {
  const node = await group.start();
  const {code, err} = await node.roost(["events"]);
  assert.equal(code, 1);
  assert.match(err, /--events/);
}));
