// resume_killed: nodes are killed and restarted under a client that comes back at once. What two
// publishers on the nodes that live have said comes once and in order, or the client is told that
// something is missing.
import assert from "node:assert/strict";
import {test} from "node:test";

import {connect, join, push} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {keeping, quick, resume, topic} from "./lib/resume.mjs";
import {until} from "./lib/wait.mjs";
import {Wire} from "./lib/wire.mjs";

// A client that checks what it hears. `told` has the results of its resumes, `faults` what came
// twice, or was passed over without a word.
async function listen(group, url) {
  const socket = await connect(group, url, quick);
  const client = {last: {}, told: [], faults: []};
  const may_jump = new Set();
  const forgive = () => Object.keys(client.last).forEach((from) => may_jump.add(from));
  client.room = resume(socket, topic, {
    onResume: (result) => {
      client.told.push(result);
      if (!result.recovered) forgive();
    },
    onGap: forgive,
  });
  client.room.on("new_msg", ({from, n}) => {
    const expected = (client.last[from] ?? 0) + 1;
    if (n < expected || (n > expected && !may_jump.has(from))) {
      client.faults.push(`${from}: ${n} instead of ${expected} after resume ` +
        `${client.told.length}, ${JSON.stringify(client.told.at(-1))}`);
    }
    may_jump.delete(from);
    client.last[from] = n;
  });
  client.room.join();
  await until("it is joined", () => client.room.state === "joined");
  return client;
}

// Publishers that keep eight pushes each on their way. What they sent is in `sent`.
async function talk(group, nodes) {
  const traffic = {sent: {}, is_over: false, loops: []};
  for (const [i, node] of nodes.entries()) {
    const channel = await join(await connect(group, node.socket_url), topic);
    channel.onMessage = (_event, payload) => payload;
    const from = `publisher ${i}`;
    traffic.sent[from] = 0;
    const one_by_one = async () => {
      while (!traffic.is_over) {
        await push(channel, "new_msg", {from, n: ++traffic.sent[from]});
      }
    };
    traffic.loops.push(...Array.from({length: 8}, one_by_one));
  }
  return traffic;
}

// Where the client finds itself after its node was killed.
const places = {
  "on the same node, restarted": () => 2,
  "on a node that lived": () => 0,
  "on either, by turns": (round) => [2, 1, 2, 0][round % 4],
};
for (const [where, place_of] of Object.entries(places)) {
  test(`a client comes back ${where}`, in_group(async (group) => {
    const flags = keeping("100000,10m");
    const seed = await group.start({flags});
    const nodes = [seed];
    for (let i = 0; i < 2; ++i) nodes.push(await group.start({flags, peers: [seed]}));
    await meshed(nodes);
    const wire = await Wire.build(group, nodes[2]);
    const client = await listen(group, wire.socket_url);
    const traffic = await talk(group, nodes.slice(0, 2));
    const all = (check) => Object.keys(traffic.sent).every(check);
    const seen = () => JSON.stringify({...traffic, loops: undefined, ...client, room: undefined});
    for (let round = 0; round < 8; ++round) {
      const before = {...client.last};
      await until("traffic is heard", () => {
        if (all((from) => client.last[from] > (before[from] ?? 0) + 20)) return true;
        throw new Error(seen());
      }, 20000);
      const back = client.told.length + 1;
      await nodes[2].kill();
      await nodes[2].start();
      await wire.plug(nodes[place_of(round)]);
      await until("it came back", () => client.told.length >= back, 10000);
    }
    traffic.is_over = true;
    await Promise.all(traffic.loops);
    await until("it heard the last of all", () => {
      if (all((from) => client.last[from] === traffic.sent[from])) return true;
      throw new Error(seen());
    }, 15000);
    assert.deepEqual(client.faults, []);
  }));
}
