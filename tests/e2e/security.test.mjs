// security: with a group key, nodes let in each other and nobody else, and say whom they refuse.
import assert from "node:assert/strict";
import {chmodSync, statSync, writeFileSync} from "node:fs";
import net from "node:net";
import {dirname, join as path_join} from "node:path";
import {test} from "node:test";
import {fileURLToPath} from "node:url";

import {Child, run} from "./lib/child.mjs";
import {Raw} from "./lib/client.mjs";
import {in_group, meshed, roost, roostd} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";

const stranger_program = path_join(dirname(fileURLToPath(import.meta.url)), "lib/stranger.py");
const one = "11".repeat(32);
const two = "22".repeat(32);

// A key file of the group with these lines.
function key_file(group, lines, name = "group.key") {
  const path = path_join(group.dir, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""), {mode: 0o600});
  return path;
}

function with_key(group, key, name) {
  return key ? {flags: ["--group-key-file", key_file(group, [key], name)]} : {};
}

function stranger(group, ...args) {
  const child = new Child("/usr/bin/python3", [stranger_program, ...args]);
  group.add(() => child.kill());
  return child;
}

// The row of an address, once it has this state.
function row_of(node, address, state, within_ms = 8000) {
  return until(`${node.name} shows ${address} as ${state}`, async () => {
    const rows = await node.roost_json(["nodes"]);
    const row = rows.find((candidate) => candidate.address === address);
    if (row?.state !== state) throw new Error(JSON.stringify(rows));
    return row;
  }, within_ms);
}

// What is published on each of the nodes is heard on all of them.
async function assert_whole(group, nodes, topic) {
  const listeners = [];
  for (const node of nodes) {
    const listener = await Raw.open(group, node);
    await listener.join(topic);
    listeners.push(listener);
  }
  for (const node of nodes) await node.publish(topic, "from", {name: node.name});
  for (const listener of listeners) {
    const heard = [];
    while (heard.length < nodes.length) heard.push((await listener.next_json())[4].name);
    assert.deepEqual(heard.sort(), nodes.map((node) => node.name).sort());
    listener.ws.terminate();
  }
}

test("two nodes with the same key mesh, and messages cross", in_group(async (group) => {
  const first = await group.start(with_key(group, one));
  const second = await group.start({...with_key(group, one), peers: [first]});
  await meshed([first, second]);
  await assert_whole(group, [first, second], "room:keyed");
}));

test("nodes with the same key find each other by beacon", in_group(async (group) => {
  const nodes = [];
  for (let i = 0; i < 2; ++i) nodes.push(await group.start({...with_key(group, one), beacon: true}));
  await meshed(nodes);
  await assert_whole(group, nodes, "room:keyed");
}));

const has_another = "the handshake failed: it has no group key, or another one";
const wrong_calls = [
  {caller: null, called: one, noted: "it has no group key",
    reason: "the handshake failed: it has a group key, this node has none, or it is no node"},
  {caller: one, called: null, noted: "it has a group key, this node has none", reason: has_another},
  {caller: two, called: one, noted: "it has another group key", reason: has_another},
];
const word = (key) => (key === null ? "without a key" : `with key ${key.slice(0, 2)}`);

// Without beacons, all that the called node sees of the other is a connection.
for (const {caller, called, reason, noted} of wrong_calls) {
  test(`a node ${word(caller)} that calls one ${word(called)} is not let in, and both name the other`,
    in_group(async (group) => {
      const far = await group.start(with_key(group, called, "far.key"));
      const near = await group.start({...with_key(group, caller, "near.key"), peers: [far]});
      assert.equal((await row_of(near, far.group_listen, "refused")).reason, reason);
      assert.equal((await row_of(far, "127.0.0.1:0", "refused", 20000)).reason, noted);
      assert.ok(far.log.includes(
        `caller of the group port turned away  reason="${noted}" from=127.0.0.1`), far.log);
      assert.ok(far.log.includes(`node refused  node=127.0.0.1:0 reason="${noted}"`), far.log);
      assert.equal((await far.roost_json(["nodes"])).length, 2);
      assert.equal((await near.roost_json(["nodes"])).length, 2);
      const listener = await Raw.open(group, near);
      await listener.join("room:x");
      await far.publish("room:x", "secret", {});
      await listener.quiet();
    }));
}

test("what hangs up in the midst of a handshake is shown as refused, and up as soon as it is a node",
  in_group(async (group) => {
    const far = await group.node();
    // It reads a greeting and goes, as a node does that is killed just then.
    const nobody = net.createServer((socket) => {
      socket.on("error", () => {}).once("data", () => socket.destroy());
    });
    group.add(() => nobody.close());
    await new Promise((done) => nobody.listen(far.group_port, "127.0.0.1", done));
    const near = await group.start({peers: [far]});
    const row = await row_of(near, far.group_listen, "refused");
    assert.match(row.reason, /^the handshake failed: .*, or it is no node$/);
    await new Promise((done) => nobody.close(done));
    await far.start();
    await meshed([near, far], 4000);
  }));

test("a node that comes back with the right key is let in", in_group(async (group) => {
  const far = await group.start(with_key(group, one, "far.key"));
  const file = key_file(group, [two], "near.key");
  const near = await group.start({flags: ["--group-key-file", file], peers: [far]});
  const watcher = await group.start({flags: ["--group-key-file", path_join(group.dir, "far.key")],
    peers: [far, near]});
  await row_of(watcher, near.group_listen, "refused");
  await near.stop();
  key_file(group, [one], "near.key");
  await near.start();
  await meshed([far, near, watcher]);
  await assert_whole(group, [far, near, watcher], "room:right");

  // The one that was called comes back without a key, and then with it again.
  for (const state of ["refused", "up"]) {
    await far.stop();
    far.options.flags = state === "up" ? with_key(group, one, "far.key").flags : [];
    await far.start();
    await row_of(near, far.group_listen, state);
  }
  await meshed([far, near, watcher]);
  await assert_whole(group, [far, near, watcher], "room:again");
}));

test("beacons of nodes without the key, or with another, are refused and named by all",
  in_group(async (group) => {
    const keyed = await group.start({...with_key(group, one, "keyed.key"), beacon: true});
    const bare = await group.start({beacon: true});
    const other = await group.start({...with_key(group, two, "other.key"), beacon: true});
    const expected = [
      [keyed, bare, "its beacon has no group key"],
      [keyed, other, "its beacon has another group key"],
      [bare, keyed, "its beacon has a group key, this node has none"],
      [bare, other, "its beacon has a group key, this node has none"],
      [other, keyed, "its beacon has another group key"],
      [other, bare, "its beacon has no group key"],
    ];
    for (const [node, seen, reason] of expected) {
      assert.equal((await row_of(node, seen.group_listen, "refused")).reason, reason);
    }
    assert.match(keyed.log, /node refused  node=127\.0\.0\.1:\d+ reason="its beacon has no group key"/);
    for (const node of [keyed, bare, other]) {
      const rows = await node.roost_json(["nodes"]);
      assert.deepEqual(rows.map((row) => row.state), ["self", "refused", "refused"]);
    }
  }));

test("what is published between nodes with a key is heard by nobody without it",
  in_group(async (group) => {
    const first = await group.start(with_key(group, one));
    const second = await group.start({...with_key(group, one), peers: [first]});
    await meshed([first, second]);
    const publisher = `tcp://127.0.0.1:${first.group_port + 1}`;
    const member = stranger(group, "sub", publisher, one);
    const outsiders = [
      stranger(group, "sub", publisher),
      stranger(group, "sub", publisher, two),
      stranger(group, "sub", publisher, two, one),  // it knows whom it calls
    ];
    for (const child of [member, ...outsiders]) {
      await until("it calls", () => child.lines[0] === "connecting");
    }
    const secret = Buffer.from("top secret").toString("hex");
    await until("who has the key hears what is published, three times", async () => {
      await first.publish("room:1", "say", {text: "top secret"});
      return member.lines.filter((line) => line.includes(secret)).length >= 3;
    });
    for (const outsider of outsiders) {
      assert.ok(outsider.is_running, outsider.err);
      assert.deepEqual(outsider.lines, ["connecting"]);
    }
    const row = await row_of(first, "127.0.0.1:0", "refused");
    assert.equal(row.reason, "its key is none of the group's");
  }));

test("a caller of the group port with a foreign key is named, and the group goes on",
  in_group(async (group) => {
    const first = await group.start(with_key(group, one));
    const second = await group.start({...with_key(group, one), peers: [first]});
    await meshed([first, second]);
    stranger(group, "dealer", `tcp://${first.group_listen}`, two, one);
    await row_of(first, "127.0.0.1:0", "refused");
    await assert_whole(group, [first, second], "room:calm");
    assert.equal((await second.roost_json(["nodes"])).length, 2);
  }));

test("a key is exchanged while the group works, with two keys at once", in_group(async (group) => {
  const nodes = [];
  for (let i = 0; i < 3; ++i) nodes.push(await group.node());
  for (const node of nodes) {
    node.options.peers = nodes.filter((other) => other !== node);
    node.options.flags = ["--group-key-file", key_file(group, [one], `${node.name}.key`)];
    await node.start();
  }
  await meshed(nodes);
  const steps = [["# the new one is the second", one, two], [two, one], ["", two]];
  for (const [step, lines] of steps.entries()) {
    for (const node of nodes) {
      const others = nodes.filter((other) => other !== node);
      const before = others.map((other) => other.log.length);
      key_file(group, lines, `${node.name}.key`);
      await node.stop();
      await assert_whole(group, others, `room:while-${step}`);
      await node.start();
      await meshed(nodes);
      await assert_whole(group, nodes, `room:after-${step}`);
      for (const [i, other] of others.entries()) {
        assert.doesNotMatch(other.log.slice(before[i]), /node (down|silent|refused)|not connected/);
      }
    }
  }
  const late = await group.start({...with_key(group, one, "late.key"), peers: [nodes[0]]});
  await row_of(late, nodes[0].group_listen, "refused");
}));

test("a key file that is wrong ends the start with 78 and one sentence", in_group(async (group) => {
  const how = "a key is 64 hex digits, as roost keygen prints them";
  const cases = [
    [[one.slice(1)], `line 1 is no key: ${how}`],
    [["# nothing", ""], `it holds no key: ${how}`],
    [[one, two, "33".repeat(32)],
      "line 3 holds a third key: keep one, or two while one is exchanged"],
  ];
  const start = (file) => run(roostd, ["--group-key-file", file, "--listen", "127.0.0.1:1"]);
  for (const [lines, sentence] of cases) {
    const file = key_file(group, lines);
    const {code, err} = await start(file);
    assert.equal(code, 78);
    assert.equal(err, `roostd: --group-key-file ${file}: ${sentence}\n`);
  }
  const file = key_file(group, [one]);
  chmodSync(file, 0o644);
  const readable = await start(file);
  assert.equal(readable.code, 78);
  assert.match(readable.err, /^roostd: --group-key-file .*: every user can read it: .*\n$/);
  const missing = await start(path_join(group.dir, "none.key"));
  assert.equal(missing.code, 78);
  assert.match(missing.err, /none\.key: cannot be read: No such file or directory .*keygen.*\n$/);
}));

test("keygen makes keys that a node takes, and overwrites none", in_group(async (group) => {
  const printed = await run(roost, ["keygen"]);
  assert.equal(printed.code, 0);
  assert.match(printed.out, /^[0-9a-f]{64}\n$/);
  assert.notEqual((await run(roost, ["keygen"])).out, printed.out);
  const as_json = await run(roost, ["--json", "keygen"]);
  assert.match(JSON.parse(as_json.out).key, /^[0-9a-f]{64}$/);

  const file = path_join(group.dir, "made.key");
  assert.deepEqual(await run(roost, ["keygen", "--out", file]),
    {code: 0, signal: null, out: "", err: ""});
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = await run(roost, ["keygen", "--out", file]);
  assert.equal(again.code, 1);
  assert.match(again.err, /made\.key exists: a key is not overwritten/);
  await group.start({flags: ["--group-key-file", file]});
}));
