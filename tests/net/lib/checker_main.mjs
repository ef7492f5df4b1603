// checker_main: a client that publishes numbered messages, and accounts for all that it hears.
//
// checker_main.mjs '{"url", "name", "topics", "per_second", "padding"}' connects, joins the topics,
// and then obeys the lines of its standard input, each answered by one line of JSON:
//
//     publish   publishes at the rate, on the topics in turn, until told to stop
//     stop      publishes no more
//     round     publishes one message on each topic
//     mark      begins anew to measure how the others' messages arrive
//     report    says what was sent and heard
//     metrics   says what the node counts
//
// When the connection ends it makes a new one, joins again, and publishes under a new sender name
// ("host1.2") once told to. The end of the input ends it.
import {createInterface} from "node:readline";
import {setTimeout as pause} from "node:timers/promises";

import {WebSocket} from "../../e2e/lib/client.mjs";

const {url, name, topics, per_second, padding} = JSON.parse(process.argv[2]);
const pad = "x".repeat(padding);
const connect_again_ms = 100;

// What one sender says on one topic, as heard here.
class Stream {
  seen = new Set();
  first = null;  // Of those heard since the last join.
  count = 0;     // Since then too.
  last = 0;
  duplicates = 0;
  disorders = 0;

  hear(number) {
    if (this.seen.has(number)) {
      ++this.duplicates;
      return;
    }
    this.seen.add(number);
    this.first ??= number;
    ++this.count;
    if (number < this.last) ++this.disorders;
    this.last = Math.max(this.last, number);
  }

  join_again() {
    Object.assign(this, {first: null, count: 0});
  }
}

const streams = new Map();  // By "sender topic".
const connections = [];     // One after another: {sender, sent, accepted, refused, close}.
let arrivals = new Map();   // By name of the sender's host, since the last mark.
let marked_at = Date.now();
let publishing = null;

const current = () => connections.at(-1);

function on_note(topic, {from, number, at}) {
  const key = `${from} ${topic}`;
  if (!streams.has(key)) streams.set(key, new Stream());
  streams.get(key).hear(number);

  const now = Date.now();
  const host = from.split(".")[0];
  const none = {count: 0, last: marked_at, gap_ms: 0, latency_ms: Infinity};
  const arrival = arrivals.get(host) ?? none;
  arrivals.set(host, {
    count: arrival.count + 1,
    last: now,
    gap_ms: Math.max(arrival.gap_ms, now - arrival.last),
    latency_ms: Math.min(arrival.latency_ms, now - at),
  });
}

function on_reply(connection, topic, ref, {status, response}) {
  const [what, number] = ref.split(" ");
  if (status !== "ok") connection.refused.push(`${topic} ${ref}: ${JSON.stringify(response)}`);
  else if (what === "join") connection.joined.add(topic);
  else if (what === "note") connection.accepted[topic] = Number(number);
}

function publish_on(topic) {
  const connection = current();
  const number = ++connection.sent[topic];
  const payload = {from: connection.sender, number, at: Date.now(), pad};
  connection.ws.send(JSON.stringify(["1", `note ${number}`, topic, "note", payload]));
}

function publish() {
  clearInterval(publishing);
  const connection = current();
  const start = performance.now();
  let count = 0;
  publishing = setInterval(() => {
    if (connection.ws.readyState !== WebSocket.OPEN) return clearInterval(publishing);
    for (; count < (performance.now() - start) * per_second / 1000; ++count) {
      publish_on(topics[count % topics.length]);
    }
  }, 10);
}

function connect() {
  const ws = new WebSocket(url, {perMessageDeflate: false});
  const none = () => Object.fromEntries(topics.map((topic) => [topic, 0]));
  const connection = {ws, joined: new Set(), sender: `${name}.${connections.length + 1}`,
    sent: none(), accepted: none(), refused: [], close: null};
  ws.on("open", () => {
    connections.push(connection);
    for (const stream of streams.values()) stream.join_again();
    for (const topic of topics) {
      ws.send(JSON.stringify(["1", `join ${topic}`, topic, "phx_join", {}]));
    }
  });
  ws.on("message", (data) => {
    const [, ref, topic, event, payload] = JSON.parse(data);
    if (event === "note") on_note(topic, payload);
    else if (event === "phx_reply") on_reply(connection, topic, ref, payload);
    else connection.refused.push(`${topic} ${event}: ${JSON.stringify(payload)}`);
  });
  ws.on("error", () => {});  // A close follows.
  ws.on("close", async (code) => {
    connection.close = code;
    await pause(connect_again_ms);
    connect();
  });
}

function report() {
  const now = Date.now();
  return {
    is_joined: current()?.close === null && current().joined.size === topics.length,
    connections: connections.map(({ws, joined, ...rest}) => rest),
    heard: Object.fromEntries([...streams].map(([key, {seen, ...rest}]) => [key, rest])),
    arrivals: Object.fromEntries([...arrivals].map(([host, {last, ...rest}]) => {
      return [host, {...rest, gap_ms: Math.max(rest.gap_ms, now - last)}];
    })),
  };
}

// The node's numbers by name, those without labels.
async function metrics() {
  const text = await (await fetch(new URL("/metrics", url.replace("ws:", "http:")))).text();
  return Object.fromEntries([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, key, value]) => {
    return [key, Number(value)];
  }));
}

const answers = {
  publish,
  stop: () => clearInterval(publishing),
  round: () => topics.forEach(publish_on),
  mark: () => {
    marked_at = Date.now();
    arrivals = new Map();
  },
  report,
  metrics,
};

connect();
for await (const line of createInterface({input: process.stdin})) {
  console.log(JSON.stringify((await answers[line]()) ?? {}));
}
process.exit();
