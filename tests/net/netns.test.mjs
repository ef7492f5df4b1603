// netns: three nodes on three network stacks find each other by beacon alone.
//
// Each node lives in a network namespace of its own, all on one bridge: see lib/network.mjs.
import assert from "node:assert/strict";
import {test} from "node:test";

import {in_group, meshed} from "../e2e/lib/node.mjs";
import {until} from "../e2e/lib/wait.mjs";
import {start_nodes} from "./lib/host.mjs";
import {Network, what_is_missing} from "./lib/network.mjs";

const missing = await what_is_missing();

// What is published on one node is printed by a `roost sub` on each of the others.
async function message_crosses(from, others) {
  const topic = `room:${performance.now()}`;
  const subs = others.map((node) => node.roost_running(["sub", "-C", "1", topic]));
  await until(`a message of ${from.name} reaches ${others.map((node) => node.name)}`, async () => {
    await from.publish(topic, "crossed", {from: from.name});
    return subs.every((sub) => !sub.is_running);
  }, 10000);
  for (const sub of subs) {
    const {code, out} = await sub.end();
    assert.deepEqual([code, out], [0, `${topic} crossed {"from":"${from.name}"}\n`]);
  }
}

test("three hosts on one network: found by beacon, cut off, and healed",
  {skip: missing.namespaces}, in_group(async (group) => {
    const network = await Network.build(group, 3);
    const nodes = await start_nodes(group, network);
    const [first, second, third] = nodes;
    const row = (await first.nodes()).get(second.name);
    assert.match(row.address, /^10\.77\.0\.2:/, "the address is the one on the network");
    await message_crosses(first, [second, third]);
    await message_crosses(third, [first, second]);

    await network.cut(3);
    await until("the first node sees that the third is gone", async () => {
      const seen = (await first.nodes()).get(third.name);
      return seen === undefined || seen.state === "down";
    }, 5000);
    await message_crosses(first, [second]);

    await network.heal(3);
    await meshed(nodes, 15000);
    await message_crosses(first, [second, third]);
    await message_crosses(third, [first, second]);
  }));
