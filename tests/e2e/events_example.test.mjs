// events_example: the audit log in tests/examples, and what is told of a node that stops.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {join} from "node:path";
import {test} from "node:test";
import {fileURLToPath} from "node:url";

import {Child} from "./lib/child.mjs";
import {Raw} from "./lib/client.mjs";
import {in_group} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";

const example = fileURLToPath(new URL("../examples/presence_audit.py", import.meta.url));
const built_example = fileURLToPath(
  new URL("../../build/dev/tests/events_example", import.meta.url));

test("the audit log goes on after its own end: each join and leave is in it once",
  in_group(async (group) => {
    const node = await group.start({flags: ["--events"]});
    const file = join(group.dir, "audit.log");
    const begin = () => {
      const child = new Child("/usr/bin/python3", [example, node.control, file]);
      group.add(() => child.kill());
      return child;
    };
    const seen = () => readFileSync(file, "utf8").split("\n").filter(Boolean)
      .map((line) => line.split(" ")).filter(([, what]) => ["joined", "left"].includes(what))
      .map(([, what, topic]) => `${what} ${topic}`);
    let audit = begin();
    await until("the log begins", () => readFileSync(file, "utf8").includes("from here on"));
    const client = await Raw.open(group, node);
    await client.join("room:1");
    await until("the join is in the log", () => seen().length === 1);

    await audit.kill();
    await client.join("room:2");
    audit = begin();
    await until("what happened meanwhile is in the log", () => seen().length === 2);
    client.ws.close();
    await until("both leaves are in the log", () => seen().length === 4);
    assert.deepEqual(seen().slice(0, 2), ["joined room:1", "joined room:2"]);
    assert.deepEqual(seen().slice(2).sort(), ["left room:1", "left room:2"]);
    assert.ok(audit.is_running, audit.err);
  }));

test("the example of the library goes on after its own end", in_group(async (group) => {
  const node = await group.start({flags: ["--events"]});
  const file = join(group.dir, "cursor");
  const begin = () => {
    const child = new Child(process.env.EVENTS_EXAMPLE ?? built_example, [file],
      {env: {ROOST_CONTROL: node.control}});
    group.add(() => child.kill());
    return child;
  };
  const cursor = () => readFileSync(file, "utf8");
  const first = begin();
  await until("it knows where it is", () => cursor().endsWith("/0"));
  const client = await Raw.open(group, node);
  await until("it has the first event", () => cursor().endsWith("/1"));
  await first.kill();
  await client.join("room:1");
  const second = begin();
  await until("it has what happened meanwhile", () => cursor().endsWith("/3"));
  const [session] = await node.roost_json(["sessions"]);
  assert.deepEqual(first.lines, [`connected ${session.session} `]);
  assert.deepEqual(second.lines,
    [`joined ${session.session} room:1`, "topic_occupied  room:1"]);
}));

test("a node that stops tells of the end of each of its clients, with the reason",
  in_group(async (group) => {
    const node = await group.start({flags: ["--events"]});
    const {incarnation} = (await node.nodes()).get(node.name);
    const clients = [];
    while (clients.length < 200) clients.push(await Raw.open(group, node));
    const consumer = node.roost_running(["--json", "events", "--after", `${incarnation}/0`]);
    await until("the consumer is there", () => consumer.lines.length === 200);
    await node.stop();
    await consumer.ended;
    const ends = consumer.lines.map((line) => JSON.parse(line)).slice(200);
    assert.equal(ends.length, 200);
    assert.equal(new Set(ends.map(({session}) => session)).size, 200);
    for (const {event, reason} of ends) {
      assert.deepEqual([event, reason], ["disconnected", "node stopped"]);
    }
  }));
