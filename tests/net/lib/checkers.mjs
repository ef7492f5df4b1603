// checkers: a client on every node that publishes and listens, and the sums of what they heard.
//
// The rule: once a fault is over and everybody sees everybody, each checker has heard all that was
// sent since it joined, once, in order. Of a sender whose connection ended before its time only
// what its node had accepted is sure to come, and that only if the node was stopped in good order.
import assert from "node:assert/strict";
import {fileURLToPath} from "node:url";

import {Child} from "../../e2e/lib/child.mjs";
import {until} from "../../e2e/lib/wait.mjs";
import {ip_program} from "./network.mjs";

const program = fileURLToPath(new URL("checker_main.mjs", import.meta.url));
const topics = ["room:1", "room:2", "room:3", "room:4"];
const defaults = {topics, per_second: 50, padding: 50};

class Checker {
  constructor(group, node, options) {
    this.node = node;
    this.name = node.name;
    const config = {url: "ws://127.0.0.1:4000/socket/websocket?vsn=2.0.0", name: node.name,
      ...defaults, ...options};
    this.child = new Child(ip_program, ["netns", "exec", node.namespace, process.execPath, program,
      JSON.stringify(config)], {input: null});
    this.answer_count = 0;
    group.add(() => this.child.kill());
  }

  // The answer to one command; only one may be under way.
  async ask(command) {
    const index = this.answer_count++;
    this.child.write(`${command}\n`);
    const line = await until(`the checker on ${this.name} answers to ${command}`, () => {
      if (!this.child.is_running) throw new Error(this.child.err);
      return this.child.lines[index];
    }, 10000);
    return JSON.parse(line);
  }
}

// How many of a stream a report lacks. The first connection hears the others from their first
// message, a later one from the first that it got.
function missing(report, key, last) {
  const stream = report.heard[key];
  const from_the_start = report.connections.length === 1;
  if (!stream || stream.first === null) return from_the_start ? last : 0;
  const first = from_the_start ? 1 : stream.first;
  return Math.max(0, last - first + 1 - stream.count);
}

const ended_by = {sudden_death: "sudden death", stop: "stop"};

export class Checkers {
  // How the connections of a node's checker may end: by its sudden death, or by an orderly stop.
  endings = new Map();

  // One on each node, `options` by index of the node beside those for all; joined everywhere,
  // publishing, and heard by all.
  static async start(group, nodes, options = {}) {
    const checkers = new Checkers();
    checkers.all = nodes.map((node) => {
      return new Checker(group, node, {...options.all, ...options[node.index]});
    });
    for (const {name} of checkers.all) await checkers.joined(name);
    await checkers.ask("publish");
    await checkers.heard_by_all();
    return checkers;
  }

  ask(command) {
    return Promise.all(this.all.map((checker) => checker.ask(command)));
  }

  of(name) {
    return this.all.find((checker) => checker.name === name);
  }

  joined(name) {
    return until(`the checker on ${name} has joined`, async () => {
      return (await this.of(name).ask("report")).is_joined;
    }, 10000);
  }

  // From now on each hears each again, some messages at least.
  async heard_by_all(within_ms = 10000) {
    await this.ask("mark");
    await until("every checker hears every other", async () => {
      const reports = await this.ask("report");
      const counts = reports.map(({arrivals}) => {
        return this.all.map(({name}) => arrivals[name]?.count ?? 0);
      });
      if (counts.flat().every((count) => count >= 20)) return true;
      const closes = reports.map(({connections}) => connections.map(({close}) => close));
      throw new Error(JSON.stringify({counts, closes}));
    }, within_ms);
  }

  // How messages came from each to each since the last mark: {to: {from: {count, gap_ms, ...}}}.
  async arrivals() {
    const reports = await this.ask("report");
    return Object.fromEntries(reports.map(({arrivals}, i) => [this.all[i].name, arrivals]));
  }

  // The node is about to die, or to be stopped, and its checker's connections with it.
  will_die(node) {
    this.endings.set(node.name, ended_by.sudden_death);
  }

  will_stop(node) {
    this.endings.set(node.name, ended_by.stop);
  }

  // Publishes no more, waits until all that must come has come, sends one message more behind
  // it on every stream, so that whatever comes twice has come, and sums up. The node `may_lose`
  // may have lost messages, as many as it has counted.
  async settle(context, {may_lose, within_ms = 20000} = {}) {
    await this.ask("stop");
    const whole = async () => {
      const sums = await this.sums();
      const wrong = sums.some(({name, missing, lost, not_accepted}) => {
        return not_accepted || missing !== (name === may_lose ? lost : 0);
      });
      if (wrong) throw new Error(show(sums));
      return true;
    };
    let late;
    await until("every checker has heard everything", whole, within_ms).catch((error) => {
      late = error;
    });
    await this.ask("round");
    await until("every checker has heard what was sent last", whole, late ? 1000 : 10000)
      .catch((error) => {
        late ??= error;
      });
    const sums = await this.sums();
    for (const line of show(sums).split("\n")) context.diagnostic(line);
    if (late) throw late;
    for (const {name, duplicates, disorders, refused, closes} of sums) {
      assert.deepEqual({name, duplicates, disorders, refused, closes},
        {name, duplicates: 0, disorders: 0, refused: [], closes: []});
    }
    return sums;
  }

  // For each checker: what it sent, heard and missed, by sender, and what its node says to that.
  async sums() {
    const reports = await this.ask("report");
    const metrics = await this.ask("metrics");
    const senders = reports.flatMap(({connections}) => connections);
    return reports.map((report, i) => {
      const {name} = this.all[i];
      const sum = {name, sent: 0, not_accepted: 0, heard: 0, missing: 0, missing_from: {},
        duplicates: 0, disorders: 0, refused: [], closes: [],
        noticed: metrics[i].roost_gaps_detected_total,
        repaired: metrics[i].roost_gaps_repaired_total,
        lost: metrics[i].roost_gaps_lost_total};
      for (const {sent, accepted, refused, close} of report.connections) {
        for (const topic of topics) {
          sum.sent += sent[topic];
          if (close === null) sum.not_accepted += sent[topic] - accepted[topic];
        }
        sum.refused.push(...refused);
        if (close !== null && !this.endings.has(name)) sum.closes.push(close);
      }
      for (const sender of senders) {
        for (const topic of topics) this.#add_stream(sum, report, sender, topic);
      }
      return sum;
    });
  }

  #add_stream(sum, report, {sender, sent, accepted, close}, topic) {
    const key = `${sender} ${topic}`;
    const stream = report.heard[key] ?? {count: 0, last: 0, duplicates: 0, disorders: 0};
    let last = sent[topic];
    if (close !== null) {
      const is_stop = this.endings.get(sender.split(".")[0]) === ended_by.stop;
      last = Math.max(stream.last, is_stop ? accepted[topic] : 0);
    }
    const lacking = missing(report, key, last);
    sum.heard += stream.count;
    sum.missing += lacking;
    if (lacking) sum.missing_from[sender] = (sum.missing_from[sender] ?? 0) + lacking;
    sum.duplicates += stream.duplicates;
    sum.disorders += stream.disorders;
  }
}

function show(sums) {
  return sums.map((sum) => {
    const {name, sent, not_accepted, heard, missing_from, refused, closes} = sum;
    const {noticed, repaired, lost} = sum;
    return `${name}: sent ${sent} (${not_accepted} not accepted), heard ${heard}, ` +
      `missing ${sum.missing} ${JSON.stringify(missing_from)}, duplicate ${sum.duplicates}, ` +
      `out of order ${sum.disorders}, refused ${refused.length} ${refused.slice(0, 2)}, ` +
      `closed [${closes}]; its node: gaps ${noticed}, repaired ${repaired}, lost ${lost}`;
  }).join("\n");
}
