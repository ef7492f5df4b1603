// Workers are killed, stopped and started again under load: every request is accounted for, at the
// client, at the node and at the workers.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {join as path} from "node:path";
import {test} from "node:test";

import {stand_still} from "./lib/child.mjs";
import {Raw} from "./lib/client.mjs";
import {in_group} from "./lib/node.mjs";
import {figure, python, started} from "./lib/programs.mjs";
import {until} from "./lib/wait.mjs";

const worker_program = new URL("lib/noting_worker.py", import.meta.url).pathname;
const clients_count = 20;

class Load {
  answers = new Map();  // n -> status and reason, each once
  twice = [];
  sent = 0;

  async start(group, node) {
    this.clients = await Promise.all(Array.from({length: clients_count}, async () => {
      const raw = await Raw.open(group, node);
      await raw.join("room:load");
      return raw;
    }));
    this.loops = this.clients.map((raw) => this.#run(raw));
  }

  // One push after the other, each with a number of its own.
  async #run(raw) {
    while (!this.is_over) {
      const n = ++this.sent;
      raw.send(["1", String(n), "room:load", "count", {n}]);
      const [, ref, , event, {status, response}] = await raw.next_json("an answer", 15_000);
      assert.equal(event, "phx_reply");
      if (this.answers.has(Number(ref))) this.twice.push(ref);
      this.answers.set(Number(ref), status === "ok" ? "ok" : response.reason);
      assert.equal(Number(ref), n, "in order");
    }
  }

  async end() {
    this.is_over = true;
    await Promise.all(this.loops);
  }

  count(answer) {
    return [...this.answers.values()].filter((seen) => seen === answer).length;
  }
}

test("workers killed, stopped and restarted under load", in_group(async (group) => {
  const node = await group.start({flags: [
    "--rule", "room:* join=open push=backend", "--backend-deadline", "3000"]});
  const notes = [];
  const worker = (credit) => {
    notes.push(path(group.dir, `worker-${notes.length}`));
    return started(group, python, [worker_program, node.control, notes.at(-1), String(credit)]);
  };
  let workers = [worker(1), worker(4), worker(4)];
  await until("the workers are there", async () => await figure(node, "backend_workers") === 3);
  const load = new Load();
  await load.start(group, node);
  const answered_more = (what) => {
    const before = load.count("ok");
    return until(what, () => load.count("ok") > before + 200, 20_000);
  };
  await answered_more("they answer");
  for (let round = 0; round < 3; ++round) {
    await workers[0].kill();
    await answered_more("the others go on");
    await stand_still(workers[1]);
    await answered_more("the last one goes on");
    if (round === 0) {
      await until("the one that stands still is given up", async () => {
        return await figure(node, "backend_workers") === 1;
      }, 10_000);
      await answered_more("the last one goes on alone");
    }
    await workers[2].kill();
    workers[1].signal("SIGCONT");
    await answered_more("the one that stood still goes on");
    // All of them at once: requests wait until a backend is there again.
    await workers[1].kill();
    workers = [worker(1), worker(4), worker(4)];
    await answered_more("the new ones go on");
  }
  await load.end();

  const all = Array.from({length: load.sent}, (_, i) => i + 1);
  assert.deepEqual(load.twice, []);
  assert.deepEqual(all.filter((n) => !load.answers.has(n)), [], "none is lost");
  const counts = {};
  for (const answer of load.answers.values()) counts[answer] = (counts[answer] ?? 0) + 1;
  const kinds = ["ok", "backend failed", "backend timed out", "backend unavailable"];
  assert.deepEqual(Object.keys(counts).filter((answer) => !kinds.includes(answer)), []);
  assert.ok(counts["backend failed"] > 0, JSON.stringify(counts));
  assert.ok(counts["backend timed out"] > 0, JSON.stringify(counts));

  // What the workers have seen, each at most once among them all.
  const seen = notes.flatMap((file) => readFileSync(file, "utf8").split("\n").slice(0, -1));
  assert.equal(new Set(seen).size, seen.length, "none is given to two");
  const known = new Set(seen.map(Number));
  for (const [n, answer] of load.answers) {
    if (answer === "ok") assert.ok(known.has(n), `${n} was answered by a worker`);
    if (answer === "backend unavailable") assert.ok(!known.has(n), `${n} was seen by nobody`);
  }

  // The node has counted the same.
  const {body} = await node.get("/metrics");
  const at_node = (outcome) => Number(body.split("\n").find((line) => {
    return line.startsWith(`roost_backend_requests_total{kind="push",outcome="${outcome}"}`);
  }).split(" ")[1]);
  assert.deepEqual(
    ["answered", "failed", "late", "unavailable"].map(at_node),
    kinds.map((answer) => counts[answer] ?? 0));
}));

test("a restart of the backend loses no client and no request", in_group(async (group) => {
  const node = await group.start({flags: ["--rule", "room:* join=backend push=backend"]});
  const note = path(group.dir, "note");
  const start = () => started(group, python, [worker_program, node.control, note, "16"]);
  const first = start();
  const load = new Load();
  await load.start(group, node);
  await until("some are answered", () => load.count("ok") > 100);
  first.signal("SIGTERM");  // it answers what it has
  assert.equal((await first.end()).code, 0);
  const between = load.count("ok");
  start();
  await until("more are answered", () => load.count("ok") > between + 100, 10_000);
  await load.end();
  assert.equal(load.count("ok"), load.sent);
  assert.equal(readFileSync(note, "utf8").split("\n").length - 1, load.sent);
}));

test("without a backend clients are told so at once", in_group(async (group) => {
  const node = await group.start({flags: [
    "--rule", "room:* join=backend", "--backend-deadline", "500"]});
  const raw = await Raw.open(group, node);
  await until("the node waits for none any more", async () => {
    const before = performance.now();
    const answer = JSON.parse(await raw.ask(["1", "1", "room:1", "phx_join", {}]));
    assert.deepEqual(answer[4], {status: "error", response: {reason: "backend unavailable"}});
    return performance.now() - before < 250;
  });
}));
