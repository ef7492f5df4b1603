// netns: three nodes on three network stacks find each other by beacon alone.
//
// Each node lives in a network namespace of its own, all on one bridge, with the ports that a user
// would have. The bridge is in a fourth namespace: nothing is changed on the machine's own network.
import assert from "node:assert/strict";
import {spawnSync} from "node:child_process";
import {test} from "node:test";

import {Child, find_program, run} from "../e2e/lib/child.mjs";
import {in_group, meshed, Node, roostd} from "../e2e/lib/node.mjs";
import {until} from "../e2e/lib/wait.mjs";

const ip_program = find_program("ip");

async function ip(...args) {
  const {code, err} = await run(ip_program, args);
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${err}`);
}

async function why_not() {
  if (process.getuid() !== 0) return "needs root to make network namespaces";
  if (!ip_program) return "needs the program `ip` (iproute2)";
  const name = `roost-probe-${process.pid}`;
  try {
    await ip("netns", "add", name);
    await ip("-n", name, "link", "add", "br0", "type", "bridge");
  } catch (error) {
    return `network namespaces are not to be had here: ${error.message}`;
  } finally {
    await run(ip_program, ["netns", "del", name]);
  }
  return false;
}

class NamespaceNode extends Node {
  constructor(group, namespace, index) {
    super(group, `host${index}`, {beacon: true}, {port: 4000, group_port: 7370});
    Object.assign(this, {namespace, address: `10.77.0.${index}`});
  }

  get flags() {
    return ["--listen", "0.0.0.0:4000", "--group-listen", "0.0.0.0:7370", "--name", this.name,
      "--control", this.control, "--shards", "1"];
  }

  async start() {
    this.child = new Child(ip_program, ["netns", "exec", this.namespace, roostd, ...this.flags]);
    await until(`${this.name} answers`, async () => {
      if (!this.child.is_running) throw new Error(this.log);
      return (await this.roost(["ping"])).code === 0;
    });
    return this;
  }
}

const namespaces = new Set();

// Also when the test itself dies.
process.on("exit", () => {
  for (const name of namespaces) spawnSync(ip_program, ["netns", "del", name]);
});

async function add_namespace(group, name) {
  namespaces.add(name);
  group.add(async () => {
    await ip("netns", "del", name);
    namespaces.delete(name);
  });
  await ip("netns", "add", name);
  await ip("-n", name, "link", "set", "lo", "up");
  return name;
}

// A bridge, and `count` hosts 10.77.0.1, 10.77.0.2, ... on its ports port1, port2, ...
async function build_network(group, count) {
  const bridge = await add_namespace(group, `roost-${process.pid}-bridge`);
  await ip("-n", bridge, "link", "add", "br0", "type", "bridge");
  await ip("-n", bridge, "link", "set", "br0", "up");
  const hosts = [];
  for (let n = 1; n <= count; ++n) {
    const host = await add_namespace(group, `roost-${process.pid}-${n}`);
    await ip("link", "add", `port${n}`, "netns", bridge, "type", "veth",
      "peer", "name", "eth0", "netns", host);
    await ip("-n", bridge, "link", "set", `port${n}`, "master", "br0", "up");
    await ip("-n", host, "addr", "add", `10.77.0.${n}/24`, "brd", "+", "dev", "eth0");
    await ip("-n", host, "link", "set", "eth0", "up");
    hosts.push(host);
  }
  const set_cable = (n, state) => ip("-n", bridge, "link", "set", `port${n}`, state);
  return {hosts, cut: (n) => set_cable(n, "down"), heal: (n) => set_cable(n, "up")};
}

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

test("three hosts on one network: found by beacon, cut off, and healed", {skip: await why_not()},
  in_group(async (group) => {
    const network = await build_network(group, 3);
    const nodes = network.hosts.map((host, i) => new NamespaceNode(group, host, i + 1));
    group.nodes.push(...nodes);
    for (const node of nodes) await node.start();
    await meshed(nodes);
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
