// The HTTP API: who is let in, what is published, listed and kicked, and how errors look.
import assert from "node:assert/strict";
import {writeFileSync} from "node:fs";
import {join as path_of} from "node:path";
import {test} from "node:test";

import {connect, join, Raw} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";
import {Worker} from "./lib/worker.mjs";

const keys = ["0123456789abcdef0123", "another-key-of-the-api"];

function key_flags(group) {
  const file = path_of(group.dir, "api.keys");
  writeFileSync(file, `# of the shop\n${keys[0]}\n${keys[1]}\n`, {mode: 0o600});
  return ["--api-key-file", file];
}

async function call(node, method, path, body, headers = {}) {
  const answer = await fetch(node.url + path, {
    method, body: body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body),
    headers: {authorization: `Bearer ${keys[0]}`, ...headers},
  });
  const text = await answer.text();
  const type = answer.headers.get("content-type");
  if (answer.status !== 200) {
    assert.equal(type, "application/problem+json");
    const problem = JSON.parse(text);
    assert.equal(problem.status, answer.status);
    assert.ok(problem.type && problem.title && problem.detail && problem.code, text);
  }
  return {status: answer.status, body: JSON.parse(text)};
}

test("without keys the API is off, and with them it is closed to others", in_group(async (group) => {
  const off = await group.start({flags: ["--rule", "*"]});
  const closed = await call(off, "GET", "/api/nodes");
  assert.equal(closed.status, 404);
  assert.match(closed.body.detail, /--api-key-file/);

  const node = await group.start({flags: ["--rule", "*", ...key_flags(group)]});
  for (const authorization of ["", "Bearer wrong", `Basic ${keys[0]}`, `Bearer ${keys[0]}x`]) {
    const refused = await call(node, "POST", "/api/publish", {topic: "room:1"}, {authorization});
    assert.equal(refused.status, 401);
    assert.equal(refused.body.code, "bad_key");
  }
  for (const key of keys) {
    const {status, body} = await call(node, "GET", "/api/nodes", undefined,
                                      {authorization: `Bearer ${key}`});
    assert.equal(status, 200);
    assert.ok(body.nodes.some(({name, state}) => name === node.name && state === "self"));
  }
}));

test("publishing by HTTP: one, many, bytes", in_group(async (group) => {
  const node = await group.start({flags: ["--rule", "*", ...key_flags(group)]});
  const socket = await connect(group, node.socket_url);
  const channel = await join(socket, "room:1");
  const one = await call(node, "POST", "/api/publish",
                         {topic: "room:1", event: "news", payload: {n: 1}});
  assert.equal(one.status, 200);
  assert.equal(one.body.peers, 0);
  assert.equal(one.body.results[0].channels, 1);
  assert.match(one.body.results[0].position, /^[0-9a-f]{16}\.\d+\/\d+$/);

  const many = await call(node, "POST", "/api/publish", {messages: [
    {topics: ["room:1", "room:2"], event: "news", payload: {n: 2}},
    {topic: "room:1", event: "bytes", base64: Buffer.from("\u0000ab").toString("base64")},
  ]});
  assert.deepEqual(many.body.results.map(({topic, channels}) => [topic, channels]),
                   [["room:1", 1], ["room:2", 0], ["room:1", 1]]);
  const bytes = await call(node, "POST", "/api/publish?topic=room:1&event=raw",
                           new Uint8Array([0, 255]), {"content-type": "application/octet-stream"});
  assert.equal(bytes.status, 200);

  await until("all is heard", () => channel.heard.length === 4);
  assert.deepEqual(channel.heard.slice(0, 2), [{event: "news", payload: {n: 1}},
                                               {event: "news", payload: {n: 2}}]);
  assert.deepEqual(new Uint8Array(channel.heard[2].payload), new Uint8Array([0, 97, 98]));
  assert.deepEqual(new Uint8Array(channel.heard[3].payload), new Uint8Array([0, 255]));

  assert.deepEqual((await call(node, "GET", "/api/topics")).body,
                   {topics: [{topic: "room:1", channels: 1}]});
  assert.deepEqual((await call(node, "GET", "/api/topics/room:1")).body,
                   {topic: "room:1", channels: 1});
  assert.equal((await call(node, "GET", "/api/topics/room:9")).body.code, "no_topic");
}));

test("what is wrong is named", in_group(async (group) => {
  const node = await group.start({flags: ["--rule", "*", ...key_flags(group)]});
  const message = {topic: "room:1", event: "news", payload: {}};
  for (const [body, detail, status = 400] of [
    [[1], /must be a JSON object/],
    [{...message, topic: undefined}, /topic is missing/],
    [{...message, topic: ""}, /topic must not be empty/],
    [{...message, topic: "a".repeat(1025)}, /1024/],
    [{...message, payload: 1}, /payload must be an object/],
    [{...message, base64: "=="}, /base64/],
    [{...message, colour: 1}, /unknown member: colour/],
    [{...message, to: "x"}, /to must be the name of a session/],
    [{...message, event: "phx_close"}, /phx_/],
    [{messages: [message, {topic: "a"}]}, /message 2: event is missing/],
    [{messages: []}, /must not be empty/],
    [{messages: Array(1001).fill(message)}, /1000/, 413],
    [{...message, scope: "node", node: "nobody"}, /nobody/, 404],
  ]) {
    const refused = await call(node, "POST", "/api/publish", body);
    assert.equal(refused.status, status, JSON.stringify(refused.body));
    assert.match(refused.body.detail, detail);
  }
  assert.equal((await call(node, "GET", "/api/publish")).status, 405);
  assert.equal((await call(node, "GET", "/api/nothing")).status, 404);
  assert.equal((await call(node, "DELETE", "/api/sessions/x")).status, 400);
}));

test("a session of another node is kicked: it comes back, or stays away", in_group(async (group) => {
  const flags = ["--rule", "room:* join=backend", ...key_flags(group)];
  const a = await group.start({flags});
  const b = await group.start({flags, peers: [a]});
  await meshed([a, b]);
  const worker = await Worker.start(group, b, ["room:*"], () => ({payload: "{}"}));
  for (const [query, code] of [["", 4002], ["?final=1", 1000]]) {
    const raw = await Raw.open(group, b);
    raw.send(["1", "1", "room:1", "phx_join", {}]);
    await until("the backend is asked", () => worker.asked.length > 0);
    const {session} = worker.asked.pop();
    worker.asked.length = 0;
    const kicked = await call(a, "DELETE", `/api/sessions/${session}${query}`);
    assert.equal(kicked.status, 200, JSON.stringify(kicked.body));
    assert.equal((await raw.closed).code, code);
    await until("it is gone", async () => {
      const again = await call(a, "DELETE", `/api/sessions/${session}`);
      return again.status === 404 && again.body.code === "no_session";
    });
  }
}));
