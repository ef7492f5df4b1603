// The example backends do what they say, each behind a real node.
import assert from "node:assert/strict";
import {copyFileSync, symlinkSync} from "node:fs";
import {join as path, resolve} from "node:path";
import {test} from "node:test";

import {connect, join, push} from "./lib/client.mjs";
import {in_group} from "./lib/node.mjs";
import {examples, figure, python, started} from "./lib/programs.mjs";
import {until} from "./lib/wait.mjs";

async function with_backend(group, topic, program, ...args) {
  const node = await group.start({flags: ["--rule", `${topic} join=backend push=backend`]});
  const backend = started(group, program, [...args.map((arg) => resolve(examples, arg)), node.control],
    {env: {ROOST_CONTROL: node.control}});
  await until("the backend is there", async () => {
    if (!backend.is_running) throw new Error(backend.err);
    return await figure(node, "backend_workers") === 1;
  });
  return {node, backend};
}

test("a chat with authorisation, in Python", in_group(async (group) => {
  const {node} = await with_backend(group, "room:*", python, "chat_backend.py");
  const ann = await connect(group, node.socket_url);
  const bob = await connect(group, node.socket_url);
  const [one, two] = [await join(ann, "room:lobby", {name: "ann"}),
                      await join(bob, "room:lobby", {name: "bob"})];
  assert.deepEqual(two.answer, {host: "ann"});
  await assert.rejects(join(bob, "room:staff", {name: "bob"}), /not a member/);
  await push(two, "say", {body: "hello"});
  await until("both have heard it", () => {
    const said = {event: "said", payload: {from: "bob", body: "hello"}};
    return [one, two].every(({heard}) => JSON.stringify(heard) === JSON.stringify([said]));
  });
  await assert.rejects(push(two, "close", {}), /not allowed/);
  await push(one, "close", {});
  await until("its channel is closed", () => one.state === "closed");
  await until("the other has heard it", () => two.heard.at(-1).event === "closed");
}));

async function check_echo(group, node) {
  const socket = await connect(group, node.socket_url);
  const channel = await join(socket, "echo:1");
  assert.deepEqual(await push(channel, "say", {a: ["ü"]}), {a: ["ü"]});
  await assert.rejects(push(channel, "error", {a: 1}), /refused: {"a":1}/);
  return channel;
}

test("an echo, in Python", in_group(async (group) => {
  const {node} = await with_backend(group, "echo:*", python, "echo_backend.py");
  await check_echo(group, node);
}));

test("an echo, in JavaScript", in_group(async (group) => {
  // Beside the packages that it needs.
  copyFileSync(path(examples, "echo_backend.mjs"), path(group.dir, "echo_backend.mjs"));
  symlinkSync(new URL("node_modules", import.meta.url).pathname, path(group.dir, "node_modules"));
  const program = path(group.dir, "echo_backend.mjs");
  const {node} = await with_backend(group, "echo:*", process.execPath, program);
  await check_echo(group, node);
}));

test("an echo, in C++ with the library; it loses nothing when it ends", in_group(async (group) => {
  const program = process.env.ECHO_BACKEND ??
    path(examples, "../../build/dev/tests/echo_backend");
  const {node, backend} = await with_backend(group, "echo:*", program);
  const channel = await check_echo(group, node);
  await push(channel, "shout", {a: 1});
  await until("it is heard", () => channel.heard.at(-1)?.event === "shouted");
  backend.signal("SIGTERM");
  assert.equal((await backend.end()).code, 0);
  assert.equal(await figure(node, "backend_workers_lost_total"), 0);
}));

test("roost reply makes a shell command a backend", in_group(async (group) => {
  const node = await group.start({flags: ["--rule", "echo:* join=backend push=backend"]});
  const command = 'case $ROOST_EVENT in "") ;; error) cat; exit 1 ;; slow) sleep 60 ;; ' +
    'text) echo no json ;; *) cat ;; esac';
  const reply = node.roost_running(["reply", "echo:*", "--command", command]);
  await until("the backend is there", async () => await figure(node, "backend_workers") === 1);
  const channel = await check_echo(group, node);
  await assert.rejects(push(channel, "text", {}), /backend failed/);
  await until("it says why", () => /something else than JSON, for push echo:1 text/.test(reply.err));
  const asked = await node.roost(["req", "echo:1", "say", '{"a":1}', "--user", "ann"]);
  assert.deepEqual([asked.code, asked.out], [0, '{"a":1}\n']);
  const error = await node.roost(["--json", "req", "echo:1", "error", '{"a":2}']);
  assert.deepEqual([error.code, error.out], [1, '{"status":"error","response":{"a":2}}\n']);
  reply.signal("SIGTERM");
  assert.equal((await reply.end()).code, 0);

  const wrong = await node.roost(["reply", "a*b", "--command", "cat"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /patterns must be topics, or prefixes that end in \*/);
}));
