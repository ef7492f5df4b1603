// bench: the loads of `roost bench` against real nodes, and what it says when something is wrong.
import assert from "node:assert/strict";
import {once} from "node:events";
import {readFileSync} from "node:fs";
import {after, before, describe, test} from "node:test";

import {WebSocketServer} from "ws";

import {run} from "./lib/child.mjs";
import {Group, meshed, roost} from "./lib/node.mjs";
import {free_ports} from "./lib/ports.mjs";
import {until} from "./lib/wait.mjs";

// A loss is one after ten seconds of silence; and others may want the processor.
const bench = (args) => run(roost, ["bench", ...args], {within_ms: 60_000});
const url = (...nodes) => nodes.flatMap((node) => ["--url", node.socket_url]);

// The figures of a load that went well.
async function figures(args) {
  const {code, out, err} = await bench(["--json", ...args]);
  assert.equal(code, 0, `${args.join(" ")}: ${err}`);
  return JSON.parse(out);
}

async function counter(node, name) {
  const {body} = await node.get("/metrics");
  return Number(body.match(new RegExp(`^${name} (\\d+)$`, "m"))[1]);
}

describe("roost bench", () => {
  let group, one, two, three;
  before(async () => {
    group = await Group.create();
    one = await group.start({flags: ["--rule", "closed* join=deny", "--rule", "*"]});
    two = await group.start({peers: [one]});
    three = await group.start({peers: [one]});
    await meshed([one, two, three]);
  });
  after(() => group.end());

  test("fanout: every message to every client, in order, on all nodes", async () => {
    const seen = await figures(["fanout", ...url(one, two), "--topic", "fan", "--clients", "30",
      "--messages", "40"]);
    assert.equal(seen.load, "fanout");
    assert.deepEqual([seen.deliveries, seen.lost, seen.out_of_order], [1200, 0, 0]);
    assert.ok(seen.latency_p50_us > 0 && seen.latency_p99_us >= seen.latency_p50_us);
  });

  test("fanout at a rate and in batches", async () => {
    const seen = await figures(["fanout", ...url(one), "--topic", "rate", "--clients", "5",
      "--messages", "100", "--rate", "200", "--batch", "10", "--payload", "2000"]);
    assert.deepEqual([seen.deliveries, seen.lost], [500, 0]);
    // The first at once, the last batch after 0.45 s: a slow machine needs longer, none less.
    assert.ok(seen.messages_per_second < 230, JSON.stringify(seen));
  });

  test("rooms: every member of every room publishes, the rooms span the nodes", async () => {
    const seen = await figures(["rooms", ...url(one, two), "--clients", "40", "--topics", "8",
      "--messages", "20"]);
    assert.deepEqual([seen.deliveries, seen.lost, seen.out_of_order], [40 * 20 * 5, 0, 0]);
  });

  test("cross: a node without interest gets nothing of it", async () => {
    const received = "roost_group_broadcasts_received_total";
    const before = await counter(three, received);
    const at_two = await counter(two, received);
    const load = ["cross", ...url(one, two), "--topic", "across", "--clients", "10", "--messages",
      "200"];
    const seen = await figures(load);
    assert.deepEqual([seen.deliveries, seen.lost, seen.out_of_order], [2000, 0, 0]);
    await until("node two has counted what it got", async () => {
      return await counter(two, received) >= at_two + 200;
    });
    assert.equal(await counter(three, received), before);

    // The same counter counts when the node is interested.
    const listener = three.roost_running(["sub", "across"]);
    await three.roost(["sub", "-E", "across"]);
    await figures(load);
    await until("node three has counted what it got", async () => {
      return await counter(three, received) >= before + 200;
    });
    await listener.kill();
  });

  test("idle and join", async () => {
    const idle = await figures(["idle", ...url(one), "--clients", "50", "--seconds", "0.2"]);
    assert.equal(idle.clients, 50);
    const join = await figures(["join", ...url(one, two), "--clients", "500"]);
    assert.equal(join.lost, 0);
    assert.ok(join.joins_per_second > 0 && join.probe_p99_us > 0, JSON.stringify(join));
  });

  test("a node has as many descriptors as its connections need, if it may", async () => {
    const limits = (node) => {
      const line = /^Max open files +(\d+) +(\d+|unlimited)/m;
      const [, soft, hard] = readFileSync(`/proc/${node.pid}/limits`, "utf8").match(line);
      return {soft: Number(soft), hard: hard === "unlimited" ? Infinity : Number(hard)};
    };
    const few = await group.start({flags: ["--max-connections", "100"]});
    assert.equal(limits(few).soft, Math.min(100 + 64 + 4096, limits(few).hard));
    const bound = await group.start({open_files: 1000, flags: ["--max-connections", "100"]});
    assert.equal(limits(bound).soft, 1000);
    const open = await group.start();
    assert.ok(limits(open).soft <= 65536);
  });

  test("text for people, progress on stderr", async () => {
    const {code, out} = await bench(["fanout", ...url(one), "--clients", "3", "--messages", "5"]);
    assert.equal(code, 0);
    assert.match(out, /^deliveries +15$/m);
    assert.match(out, /^lost +0$/m);
  });

  const wrong = [
    ["a refused join", () => ["fanout", ...url(one), "--topic", "closed"], 1, ["closed", "--topic"]],
    ["too many messages", () => ["fanout", ...url(one), "--clients", "2", "--rate", "50000",
      "--messages", "50000"], 1, ["too many messages", "--rate"]],
    ["too few descriptors", () => ["idle", ...url(one), "--clients", "1000000"], 1,
      ["1000064", "ulimit"]],
    ["no node", () => ["fanout", "--url", "ws://127.0.0.1:1"], 69, ["127.0.0.1:1", "refused"]],
    ["another path", () => ["fanout", "--url", `${one.socket_url}/else`], 1, ["404"]],
    ["TLS", () => ["fanout", "--url", "wss://example.org"], 2, ["wss://example.org", "ws://"]],
    ["no WebSocket", () => ["fanout", "--url", "http://127.0.0.1"], 2, ["http://", "ws://"]],
    ["cross with one node", () => ["cross", ...url(one)], 2, ["--url", "two"]],
    ["rooms without clients", () => ["rooms", "--clients", "5", "--topics", "6"], 2, ["--clients"]],
    ["an unknown load", () => ["sideways"], 2, ["sideways", "fanout"]],
  ];
  for (const [name, args, expected, words] of wrong) {
    test(`${name}: exit ${expected}, and it says why`, async () => {
      const {code, err} = await bench(args());
      assert.equal(code, expected, err);
      for (const word of words) assert.ok(err.includes(word), `no "${word}" in: ${err}`);
    });
  }
});

// A server of two words: what it is to do wrong, it does with the third message.
async function careless(answer) {
  const port = await free_ports();
  const server = new WebSocketServer({host: "127.0.0.1", port, path: "/socket/websocket"});
  await once(server, "listening");
  const everybody = new Set();
  let count = 0;
  server.on("connection", (ws) => {
    everybody.add(ws);
    ws.on("message", (data) => {
      const [join_ref, ref, topic, event, payload] = JSON.parse(data);
      ws.send(JSON.stringify([join_ref, ref, topic, "phx_reply", {status: "ok", response: {}}]));
      if (event === "phx_join") return;
      const text = JSON.stringify([null, null, topic, event, payload]);
      for (const text_now of answer(text, ++count)) for (const to of everybody) to.send(text_now);
    });
  });
  return {server, url: `ws://127.0.0.1:${port}/socket`};
}

describe("roost bench notices", () => {
  let held;
  const faults = {
    "a message that comes twice": [(text, n) => (n === 3 ? [text, text] : [text]), /out of order +[1-9]/],
    "messages that change places": [(text, n) => {
      if (n === 3) {
        held = text;
        return [];
      }
      return n === 4 ? [text, held] : [text];
    }, /out of order +[1-9]/],
    "a message that is lost": [(text, n) => (n === 3 ? [] : [text]), /lost +[1-9]/],
  };
  for (const [name, [answer, shown]] of Object.entries(faults)) {
    test(name, async () => {
      const {server, url: at} = await careless(answer);
      const {code, out, err} = await bench(["fanout", "--url", at, "--clients", "4", "--batch", "5",
        "--messages", "20"]);
      server.close();
      for (const client of server.clients) client.terminate();
      assert.equal(code, 1, err);
      assert.match(out, shown);
      assert.match(err, /lost, or came out of their order/);
    });
  }
});
