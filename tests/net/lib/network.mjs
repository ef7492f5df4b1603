// network: hosts that are network namespaces, on a bridge whose cables can be cut and spoiled.
//
// The bridge is in a namespace of its own too: nothing is changed on the machine's own network, and
// several networks can exist at once. Host n has the address 10.77.0.n on its eth0, and hangs on
// the bridge's port `port<n>`, where the faults are made with `tc`. Packets are dropped by programs
// of classic BPF, as many kernels have no netem; for delay see there.
import {readdirSync, readlinkSync} from "node:fs";
import {spawnSync} from "node:child_process";
import {fileURLToPath} from "node:url";

import {Child, find_program, run} from "../../e2e/lib/child.mjs";
import {until} from "../../e2e/lib/wait.mjs";

export const ip_program = find_program("ip");
const tc_program = find_program("tc");
const delay_program = fileURLToPath(new URL("delay_main.mjs", import.meta.url));

async function done(program, args) {
  const {code, err} = await run(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${err}`);
}

const ip = (...args) => done(ip_program, args);
const tc = (namespace, ...args) => done(tc_program, ["-n", namespace, ...args]);

const pass = 0xffffffff;
const drop = 2;
const load_random = "32 0 0 4294963256";  // The offset at which the kernel keeps random numbers.

// Programs of classic BPF as tc takes them: "code if_true if_false value", after their count.
const bytecode = (...steps) => [steps.length, ...steps].join(",");
const drop_all = bytecode(`6 0 0 ${drop}`);
const drop_part = (part) => {
  const below = Math.round(part * 2 ** 32);
  return bytecode(load_random, `53 0 1 ${below}`, `6 0 0 ${pass}`, `6 0 0 ${drop}`);
};
const drop_from = (address) => {
  const number = address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return bytecode("40 0 0 12", "21 0 3 2048", "32 0 0 26", `21 0 1 ${number}`,
    `6 0 0 ${drop}`, `6 0 0 ${pass}`);
};

const rate_limit = (rate) => ["tbf", "rate", rate, "burst", "16kb", "latency", "300ms"];
const vxlan = (port) => {
  return ["type", "vxlan", "id", "77", "local", "10.78.0.1", "remote", "10.78.0.2",
    "dstport", String(port)];
};

const namespaces = new Set();
let network_count = 0;

// Also when the test itself dies.
process.on("exit", () => {
  for (const name of namespaces) spawnSync(ip_program, ["netns", "del", name]);
});

// What a test left behind that was killed by force, and so could not clean up.
async function sweep() {
  let names = [];
  try {
    names = readdirSync("/run/netns");
  } catch {
    // Nobody has made a namespace yet.
  }
  for (const name of names) {
    const [, pid] = name.match(/^roost-(\d+)-/) ?? [];
    if (!pid) continue;
    try {
      readlinkSync(`/proc/${pid}/exe`);
    } catch {
      await run(ip_program, ["netns", "del", name]);
    }
  }
}

// What cannot be had here, each as the reason for it or false: namespaces at all, filters that
// drop packets, a limited rate, a delay.
export async function what_is_missing() {
  const all = (reason) => ({namespaces: reason, filters: reason, rate: reason, delay: reason});
  if (process.getuid() !== 0) return all("needs root to make network namespaces");
  if (!ip_program || !tc_program) return all("needs the programs `ip` and `tc` (iproute2)");
  await sweep();
  const name = `roost-${process.pid}-probe`;
  namespaces.add(name);
  const why_not = async (what, ...tries) => {
    try {
      for (const attempt of tries) await attempt();
      return false;
    } catch (error) {
      return `${what} not to be had here: ${error.message}`;
    }
  };
  try {
    const reason = await why_not("network namespaces are", () => ip("netns", "add", name),
      () => ip("-n", name, "link", "add", "port1", "type", "bridge"));
    if (reason) return all(reason);
    return {
      namespaces: false,
      filters: await why_not("filters of packets are",
        () => tc(name, "qdisc", "add", "dev", "port1", "clsact"),
        () => tc(name, "filter", "add", "dev", "port1", "egress", "bpf", "da", "bytecode",
          drop_part(0.5))),
      rate: await why_not("a limited rate is",
        () => tc(name, "qdisc", "add", "dev", "port1", "root", ...rate_limit("1mbit"))),
      delay: await why_not("vxlan, needed for a delay, is",
        () => ip("-n", name, "link", "add", "delayed", ...vxlan(5001))),
    };
  } finally {
    await run(ip_program, ["netns", "del", name]);
    namespaces.delete(name);
  }
}

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

export class Network {
  hosts = [];

  // A bridge and `count` hosts. The cable of the host `delayed` is one whose delay can be set.
  static async build(group, count, {delayed} = {}) {
    const network = new Network();
    network.prefix = `roost-${process.pid}-${++network_count}`;
    network.bridge = await add_namespace(group, `${network.prefix}-bridge`);
    await ip("-n", network.bridge, "link", "add", "br0", "type", "bridge");
    await ip("-n", network.bridge, "link", "set", "br0", "up");
    for (let n = 1; n <= count; ++n) {
      const host = await add_namespace(group, `${network.prefix}-${n}`);
      if (n === delayed) await network.#add_delayed_cable(group, n, host);
      else await network.#add_cable(n, host);
      await ip("-n", network.bridge, "link", "set", `port${n}`, "master", "br0", "up");
      await ip("-n", host, "addr", "add", `10.77.0.${n}/24`, "brd", "+", "dev", "eth0");
      await ip("-n", host, "link", "set", "eth0", "up");
      network.hosts.push(host);
    }
    return network;
  }

  // Host n hears nobody and is heard by nobody.
  cut(n) {
    return ip("-n", this.bridge, "link", "set", `port${n}`, "down");
  }

  heal(n) {
    return ip("-n", this.bridge, "link", "set", `port${n}`, "up");
  }

  // Of the packets to host n, and of those from it, a part is lost: 0.2 is every fifth.
  async lose(n, part) {
    await this.#add_filter(n, "ingress", drop_part(part));
    await this.#add_filter(n, "egress", drop_part(part));
  }

  // Host n hears nobody, and is heard by all.
  deafen(n) {
    return this.#add_filter(n, "egress", drop_all);
  }

  // Host n does not hear host `from`; everything else passes.
  deafen_to(n, from) {
    return this.#add_filter(n, "egress", drop_from(`10.77.0.${from}`));
  }

  // At most so much to host n, and as much from it.
  async limit(n, rate) {
    await tc(this.bridge, "qdisc", "add", "dev", `port${n}`, "root", ...rate_limit(rate));
    await tc(this.hosts[n - 1], "qdisc", "add", "dev", "eth0", "root", ...rate_limit(rate));
  }

  async unlimit(n) {
    await tc(this.bridge, "qdisc", "del", "dev", `port${n}`, "root");
    await tc(this.hosts[n - 1], "qdisc", "del", "dev", "eth0", "root");
  }

  // Takes the filters of lose() and deafen() away. Returns how many packets they have dropped.
  async take_filters(n) {
    const show = ["-n", this.bridge, "-s", "-j", "qdisc", "show", "dev", `port${n}`];
    const {out} = await run(tc_program, show);
    await tc(this.bridge, "qdisc", "del", "dev", `port${n}`, "clsact");
    return JSON.parse(out).find(({kind}) => kind === "clsact").drops;
  }

  // Holds every packet up for so long, in each direction, on the cable that was built for it.
  delay(ms) {
    this.delayer.write(`${ms}\n`);
    return until(`packets are delayed by ${ms} ms`, () => this.delayer.lines.at(-1) === `${ms}`);
  }

  #add_cable(n, host) {
    return ip("link", "add", `port${n}`, "netns", this.bridge, "type", "veth",
      "peer", "name", "eth0", "netns", host);
  }

  // Both ends of this cable speak UDP (VXLAN) to a program in a namespace beside the bridge's,
  // which hands on what it gets from either to the other, later. The way there leads over a second
  // bridge, which unlike a veth makes the kernel write the checksums of the packets in the tunnel.
  async #add_delayed_cable(group, n, host) {
    const {bridge} = this;
    const beside = await add_namespace(group, `${this.prefix}-delay`);
    await ip("link", "add", "beside", "netns", bridge, "type", "veth",
      "peer", "name", "eth0", "netns", beside);
    await ip("-n", bridge, "link", "add", "br1", "type", "bridge");
    await ip("-n", bridge, "link", "set", "beside", "master", "br1", "up");
    await ip("-n", bridge, "addr", "add", "10.78.0.1/24", "dev", "br1");
    await ip("-n", bridge, "link", "set", "br1", "up");
    await ip("-n", beside, "addr", "add", "10.78.0.2/24", "dev", "eth0");
    await ip("-n", beside, "link", "set", "eth0", "up");
    const mtu = ["mtu", "1400"];  // What the tunnel adds has room in 1500.
    await ip("-n", bridge, "link", "add", `port${n}`, ...mtu, ...vxlan(5001));
    await ip("-n", bridge, "link", "add", "other_end", ...mtu, ...vxlan(5002));
    await ip("-n", bridge, "link", "set", "other_end", "netns", host, "name", "eth0");
    this.delayer = new Child(ip_program,
      ["netns", "exec", beside, process.execPath, delay_program, "10.78.0.1", "5001", "5002"],
      {input: null});
    group.add(() => this.delayer.kill());
    await this.delay(0);
  }

  async #add_filter(n, direction, program) {
    const device = ["dev", `port${n}`];
    await run(tc_program, ["-n", this.bridge, "qdisc", "add", ...device, "clsact"]);
    await tc(this.bridge, "filter", "add", ...device, direction, "bpf", "da", "bytecode", program);
  }
}
