// failure: nodes that die, stop and come back, without a restart of anything else.
import assert from "node:assert/strict";
import {test} from "node:test";

import {Raw, connect, join, push} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";

const is_gone = (row) => row === undefined || row.state === "down";

// Waits until none of `nodes` counts `name` as a member; how long that took.
async function gone(nodes, name, within_ms) {
  const start = performance.now();
  await Promise.all(nodes.map((node) => {
    return until(`${node.name} sees that ${name} is gone`, async () => {
      const row = (await node.nodes()).get(name);
      if (!is_gone(row)) throw new Error(JSON.stringify(row));
      return true;
    }, within_ms);
  }));
  return performance.now() - start;
}

// One push from each channel reaches all channels.
async function all_hear_all(channels, round) {
  for (const channel of channels) channel.heard.length = 0;
  for (const [i, channel] of channels.entries()) await push(channel, "new_msg", {round, from: i});
  const expected = channels.map((_, from) => ({round, from}));
  for (const [i, channel] of channels.entries()) {
    await until(`client ${i} hears everyone in round ${round}`, () => {
      return channel.heard.length >= channels.length;
    });
    const heard = channel.heard.map(({payload}) => payload);
    assert.deepEqual(heard.sort((a, b) => a.from - b.from), expected);
  }
}

// The dead node is once the one that all others named, and once one that named it.
for (const victim_index of [0, 1]) {
  const role = ["that its peers named", "that named its peer"][victim_index];
  test(`a killed node ${role} is down in 4 s, and back after its restart`,
    in_group(async (group) => {
      const seed = await group.start();
      const nodes = [seed];
      for (let i = 0; i < 2; ++i) nodes.push(await group.start({peers: [seed]}));
      await meshed(nodes);
      const victim = nodes[victim_index];
      const others = nodes.filter((node) => node !== victim);
      const pids = others.map((node) => node.pid);
      const channels = await Promise.all(nodes.map(async (node) => {
        return join(await connect(group, node.socket_url), "room:failure");
      }));
      await all_hear_all(channels, "before");

      await victim.kill();
      await gone(others, victim.name, 4000);
      await all_hear_all(channels.filter((_, i) => i !== victim_index), "without it");

      await victim.start();
      await meshed(nodes);
      const back = channels[victim_index];
      await until("phoenix.js has joined again", () => back.isJoined(), 10000);
      await all_hear_all(channels, "after");
      assert.deepEqual(others.map((node) => node.pid), pids);
      assert.ok(others.every((node) => node.child.is_running));
    }));
}

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`${signal}: clients are closed with 1012, exit 0, and others know at once`,
    in_group(async (group) => {
      const first = await group.start();
      const second = await group.start({peers: [first]});
      await meshed([first, second]);
      const joined = await Raw.open(group, second);
      await joined.join("room:stop");
      const idle = await Raw.open(group, second);

      const stopping = second.stop(signal);
      await gone([first], second.name, 1000);
      assert.equal(await joined.close_code(), 1012);
      assert.equal(await idle.close_code(), 1012);
      const {code, signal: ended_by} = await stopping;
      assert.deepEqual({code, ended_by}, {code: 0, ended_by: null});
    }));
}

test("a node that restarts quickly is taken back at once", in_group(async (group) => {
  const first = await group.start();
  const second = await group.start({peers: [first]});
  await meshed([first, second]);
  const here = await join(await connect(group, first.socket_url), "room:quick");
  for (let round = 0; round < 3; ++round) {
    const before = (await first.nodes()).get(second.name).incarnation;
    await second.kill();
    await second.start();
    await until("the new incarnation is up", async () => {
      const row = (await first.nodes()).get(second.name);
      if (row?.state === "up" && row.incarnation !== before) return true;
      throw new Error(JSON.stringify(row));
    }, 2000);
    const there = await join(await connect(group, second.socket_url), "room:quick");
    await all_hear_all([here, there], round);
  }
}));
