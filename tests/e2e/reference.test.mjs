// The application that Phoenix's own tests assume, behind a node: what clients see of it, frame by
// frame, is what they see of Phoenix (seen live: 1.8).
import assert from "node:assert/strict";
import {test} from "node:test";

import {connect, join, Raw} from "./lib/client.mjs";
import {in_group} from "./lib/node.mjs";
import {figure, reference_backend} from "./lib/programs.mjs";
import {until} from "./lib/wait.mjs";

const flags = ["room:*", "presence:*"].flatMap((topic) => {
  return ["--rule", `${topic} join=backend push=backend`];
});

async function start(group) {
  const node = await group.start({flags});
  reference_backend(group, node);
  await until("the backend is there", async () => await figure(node, "backend_workers") === 1);
  return node;
}

test("text: every event of the application", in_group(async (group) => {
  const node = await start(group);
  const raw = await Raw.open(group, node);
  const other = await Raw.open(group, node);
  const steps = [
    [["1", "1", "room:a", "phx_join", {"k": 1}],
      ["1", "1", "room:a", "phx_reply", {status: "ok", response: {params: {k: 1}}}]],
    [["1", "2", "room:a", "echo", {"b": 2}],
      ["1", "2", "room:a", "phx_reply", {status: "ok", response: {b: 2}}]],
    [["1", "3", "room:a", "echo_err", {"b": 2}],
      ["1", "3", "room:a", "phx_reply", {status: "error", response: {b: 2}}]],
    [["1", "4", "room:a", "status", {}],
      ["1", "4", "room:a", "phx_reply", {status: "ok", response: {}}]],
    [["1", "5", "room:a", "push_me", {"b": 3}],
      ["1", null, "room:a", "pushed", {b: 3}],
      ["1", "5", "room:a", "phx_reply", {status: "ok", response: {}}]],
    // No reply at all, but the broadcast.
    [["1", "6", "room:a", "new_msg", {"b": 4}], [null, null, "room:a", "new_msg", {b: 4}]],
    [["2", "7", "room:refused", "phx_join", {}],
      ["2", "7", "room:refused", "phx_reply", {status: "error", response: {reason: "unauthorized"}}]],
    [["2", "8", "room:crash", "phx_join", {}],
      ["2", "8", "room:crash", "phx_reply", {status: "error", response: {reason: "join crashed"}}]],
    [["3", "9", "presence:p", "phx_join", {}],
      ["3", "9", "presence:p", "phx_reply", {status: "ok", response: {params: {}}}]],
    [["1", "10", "room:a", "leave_me", {}],
      ["1", "10", "room:a", "phx_reply", {status: "ok", response: {}}],
      ["1", "1", "room:a", "phx_close", {}]],
    // An event for which there is no clause crashes the channel, and nothing else.
    [["4", "11", "room:a", "phx_join", {}],
      ["4", "11", "room:a", "phx_reply", {status: "ok", response: {params: {}}}]],
    [["4", "12", "room:a", "no_clause", {}],
      ["4", "4", "room:a", "phx_error", {reason: "channel_crash"}]],
    [["4", "13", "room:a", "echo", {}],
      [null, "13", "room:a", "phx_reply", {status: "error", response: {reason: "unmatched topic"}}]],
    [["3", "14", "presence:p", "echo", {}],
      ["3", "14", "presence:p", "phx_reply", {status: "ok", response: {}}]],
  ];
  for (const [said, ...expected] of steps) {
    raw.send(said);
    for (const frame of expected) assert.deepEqual(await raw.next_json(said[3]), frame);
  }
  // "from" goes to all but who said it.
  raw.send(["5", "15", "room:b", "phx_join", {}]);
  await raw.next();
  await other.join("room:b", "1");
  raw.send(["5", "16", "room:b", "from", {"b": 5}]);
  assert.deepEqual(await other.next_json(), [null, null, "room:b", "new_msg", {b: 5}]);
  await raw.quiet();
}));

test("bytes in every direction", in_group(async (group) => {
  const node = await start(group);
  const raw = await Raw.open(group, node);
  const old = await Raw.open(group, node, "?vsn=1.0.0");
  await raw.join("room:bin");
  old.send(JSON.stringify({topic: "room:bin", event: "phx_join", payload: {}, ref: "1"}));
  await old.next();
  const hex = (...parts) => parts.map((part) => {
    return typeof part === "string" ? Buffer.from(part) : Buffer.from([part]);
  }).reduce((all, part) => Buffer.concat([all, part]));
  // 00 | n join_ref | n ref | n topic | n event
  raw.send(hex(0, 1, 1, 8, 6, "1", "2", "room:bin", "binary", 9, 8), {binary: true});
  const expected = [
    hex(0, 1, 8, 6, "1", "room:bin", "pushed", 9, 8),
    hex(2, 8, 5, "room:bin", "bytes", 9, 8),
    hex(1, 1, 1, 8, 2, "1", "2", "room:bin", "ok", 0, 255, 9, 8),
  ];
  for (const frame of expected) assert.deepEqual(await raw.next(), frame);
  assert.deepEqual(await old.next_json(),
    {topic: "room:bin", event: "bytes", payload: {base64: "CQg="}, ref: null});
  // A join may be said, and answered, in bytes.
  raw.send(hex(0, 1, 1, 12, 8, "2", "4", "room:binjoin", "phx_join", 7), {binary: true});
  assert.deepEqual(await raw.next(), hex(1, 1, 1, 12, 2, "2", "4", "room:binjoin", "ok", 1, 2, 3));
}));

test("while a join is slow its connection goes on, and what it says to the channel waits", in_group(async (group) => {
  const node = await start(group);
  const raw = await Raw.open(group, node);
  raw.send(["1", "1", "room:slow", "phx_join", {}]);
  raw.send(["1", "2", "room:slow", "echo", {"n": 2}]);
  await raw.quiet();  // Phoenix answers no heartbeat now
  assert.deepEqual((await raw.next_json())[1], "1");
  assert.deepEqual(await raw.next_json(),
    ["1", "2", "room:slow", "phx_reply", {status: "ok", response: {n: 2}}]);
}));

test("phoenix.js joins again after a crash", in_group(async (group) => {
  const node = await start(group);
  const socket = await connect(group, node.socket_url);
  const channel = await join(socket, "room:1");
  channel.push("no_clause", {});
  await until("the channel has failed", () => channel.state === "errored");
  await until("it has joined again", () => channel.state === "joined");
}));
