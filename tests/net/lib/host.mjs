// host: a roostd on a host of a Network, with the ports that a user would have.
import {readFileSync} from "node:fs";

import {Child} from "../../e2e/lib/child.mjs";
import {meshed, Node, roostd} from "../../e2e/lib/node.mjs";
import {until} from "../../e2e/lib/wait.mjs";
import {ip_program} from "./network.mjs";

export class HostNode extends Node {
  constructor(group, namespace, index, flags = []) {
    super(group, `host${index}`, {beacon: true, flags}, {port: 4000, group_port: 7370});
    Object.assign(this, {namespace, index, address: `10.77.0.${index}`});
  }

  get flags() {
    return ["--listen", "0.0.0.0:4000", "--insecure", "--group-listen", "0.0.0.0:7370", "--name", this.name,
      "--control", this.control, "--shards", "1", ...this.options.flags];
  }

  async start() {
    this.child = new Child(ip_program, ["netns", "exec", this.namespace, roostd, ...this.flags]);
    await until(`${this.name} answers`, async () => {
      if (!this.child.is_running) throw new Error(this.log);
      return (await this.roost(["ping"])).code === 0;
    });
    return this;
  }

  // What it holds of the machine's memory.
  get memory_bytes() {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return 1024 * Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]);
  }
}

// A node on every host of the network, all in view of each other.
export async function start_nodes(group, network, flags = []) {
  const nodes = network.hosts.map((host, i) => new HostNode(group, host, i + 1, flags));
  group.nodes.push(...nodes);
  await Promise.all(nodes.map((node) => node.start()));
  await meshed(nodes);
  return nodes;
}
