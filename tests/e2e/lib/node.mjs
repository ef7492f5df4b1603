// node: real roostd processes in a group of their own, each with its own ports and control socket.
//
// A Group is one test's world: a directory, a group name, a beacon port, the nodes and whatever
// else the test started. `await group.end()` ends all of it, by process id.
import {mkdtempSync, rmSync} from "node:fs";
import http from "node:http";
import {tmpdir} from "node:os";
import {dirname, join, resolve} from "node:path";
import {fileURLToPath} from "node:url";

import {Child, run} from "./child.mjs";
import {free_ports} from "./ports.mjs";
import {until} from "./wait.mjs";

const build = resolve(dirname(fileURLToPath(import.meta.url)), "../../../build/dev");
export const roostd = resolve(process.env.ROOSTD ?? join(build, "daemon/roostd"));
export const roost = resolve(process.env.ROOST ?? join(build, "client/roost"));

// An HTTP answer: status, headers and body.
export function http_get(url, headers = {}) {
  return new Promise((done, fail) => {
    const request = http.get(url, {headers, agent: false, timeout: 5000}, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text) => (body += text));
      answer.on("end", () => done({status: answer.statusCode, headers: answer.headers, body}));
    });
    request.on("error", fail);
    request.on("timeout", () => request.destroy(new Error(`no answer from ${url} in 5 s`)));
  });
}

export class Node {
  constructor(group, name, options, ports) {
    Object.assign(this, {group, name, options, ...ports});
    this.listen = `127.0.0.1:${this.port}`;
    this.group_listen = `127.0.0.1:${this.group_port}`;
    this.control = `ipc://${group.dir}/${name}.sock`;
    this.url = `http://${this.listen}`;
    this.socket_url = `ws://${this.listen}/socket`;
  }

  get flags() {
    const {peers = [], beacon = false, flags = []} = this.options;
    return [
      "--listen", this.listen, "--group-listen", this.group_listen, "--name", this.name,
      "--group", this.options.group ?? this.group.name, "--control", this.control,
      "--shards", String(this.options.shards ?? 2),
      ...(beacon
        ? ["--beacon-port", String(this.group.beacon_port), "--beacon-address", "127.255.255.255"]
        : ["--no-beacon"]),
      ...peers.flatMap((peer) => ["--peer", peer.group_listen ?? peer]), ...flags,
    ];
  }

  get pid() {
    return this.child.pid;
  }

  get log() {
    return this.child.out + this.child.err;
  }

  // Also starts it again after its end: same name, ports and flags, a new process.
  async start() {
    // `exec` keeps it the child of ours.
    const {env, open_files, wrapper = []} = this.options;
    const [program, ...first] = open_files
      ? ["/bin/sh", "-c", `ulimit -n ${open_files}; exec "$0" "$@"`, roostd]
      : [...wrapper, roostd];
    this.child = new Child(program, [...first, ...this.flags], {env});
    await until(`${this.name} is ready at ${this.url}/readyz`, async () => {
      if (!this.child.is_running) return false;
      return (await http_get(`${this.url}/readyz`)).status === 200;
    }).catch((error) => {
      throw new Error(`${error.message}\n${this.child.command}\n${this.log}`);
    });
    return this;
  }

  // A clean stop. Its exit: code, signal.
  async stop(signal = "SIGTERM") {
    this.child.signal(signal);
    return this.child.end();
  }

  // Sudden death.
  async kill() {
    return this.child.kill();
  }

  // Runs `roost` against this node.
  roost(args, options) {
    return run(roost, ["--control", this.control, ...args], options);
  }

  // A `roost` that goes on, such as `roost sub`; the group ends it.
  roost_running(args) {
    const child = new Child(roost, ["--control", this.control, ...args]);
    this.group.add(() => child.kill());
    return child;
  }

  async roost_json(args) {
    const {code, out, err} = await this.roost(["--json", ...args]);
    if (code !== 0) throw new Error(`roost ${args.join(" ")} ended with ${code}: ${err}`);
    return out.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  // What it knows of the group, by name of the node: of several incarnations the one that is up.
  async nodes() {
    const seen = new Map();
    for (const row of await this.roost_json(["nodes"])) {
      if (!["self", "up"].includes(seen.get(row.name)?.state)) seen.set(row.name, row);
    }
    return seen;
  }

  async publish(topic, event, payload) {
    const {code, err} = await this.roost(["pub", topic, event, JSON.stringify(payload)]);
    if (code !== 0) throw new Error(`roost pub on ${this.name} ended with ${code}: ${err}`);
  }

  get(path, headers) {
    return http_get(this.url + path, headers);
  }

  // One number of /metrics, by its name without the prefix.
  async metric(name) {
    const line = (await this.get("/metrics")).body.match(new RegExp(`^roost_${name} (\\d+)$`, "m"));
    if (!line) throw new Error(`there is no metric roost_${name}`);
    return Number(line[1]);
  }
}

export class Group {
  nodes = [];
  endings = [];

  static async create() {
    const group = new Group();
    group.dir = mkdtempSync(join(tmpdir(), "roost-e2e-"));
    group.beacon_port = await free_ports();
    group.name = `test-${process.pid}-${group.beacon_port}`;
    return group;
  }

  // What to do at the end, before the nodes are ended; last added is first done.
  add(ending) {
    this.endings.unshift(ending);
  }

  // A node with ports of its own, not yet started.
  async node(options = {}) {
    const port = await free_ports();
    const group_port = await free_ports(2);
    const name = options.name ?? `n${this.nodes.length + 1}`;
    const node = new Node(this, name, options, {port, group_port});
    this.nodes.push(node);
    return node;
  }

  async start(options) {
    return (await this.node(options)).start();
  }

  async end() {
    const results = await Promise.allSettled(this.endings.map(async (ending) => ending()));
    for (const node of this.nodes) if (node.child) await node.kill();
    rmSync(this.dir, {recursive: true, force: true});
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }
}

// Runs a test in a group of its own, ends the group, and shows the nodes' logs if it failed.
export function in_group(test_body) {
  return async (context) => {
    const group = await Group.create();
    try {
      await test_body(group, context);
    } catch (error) {
      for (const node of group.nodes) {
        if (node.child) context.diagnostic(`log of ${node.name}:\n${node.log.slice(-6000)}`);
      }
      throw error;
    } finally {
      await group.end();
    }
  };
}

// Waits until every one of these nodes sees all the others up, as they are now: not what is still
// remembered of one that has been started again.
export async function meshed(nodes, within_ms = 8000) {
  const selves = await Promise.all(nodes.map(async (node) => {
    return (await node.nodes()).get(node.name)?.incarnation;
  }));
  for (const node of nodes) {
    await until(`${node.name} sees ${nodes.map((n) => n.name)} up`, async () => {
      const seen = await node.nodes();
      const missing = nodes.filter((other, i) => {
        const row = seen.get(other.name);
        return row?.state !== (other === node ? "self" : "up") || row.incarnation !== selves[i];
      });
      if (missing.length) throw new Error(JSON.stringify([...seen.values()]));
      return true;
    }, within_ms);
  }
}
