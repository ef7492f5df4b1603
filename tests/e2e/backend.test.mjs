// A backend behind a real node: who may join, what is answered to a push, what is done beside it.
import assert from "node:assert/strict";
import {test} from "node:test";
import {LongPoll} from "phoenix";

import {connect, join, push, Raw} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {figure} from "./lib/programs.mjs";
import {until} from "./lib/wait.mjs";
import {Worker} from "./lib/worker.mjs";

const flags = ["--rule", "room:* join=backend push=backend"];

test("a backend decides who joins, and answers pushes", in_group(async (group) => {
  const node = await group.start({flags});
  const worker = await Worker.start(group, node, ["room:*"], ({kind, topic, event, payload}) => {
    if (kind === "join" && topic === "room:secret") {
      return {status: "error", payload: JSON.stringify({reason: "members only"})};
    }
    if (kind === "join") return {payload: JSON.stringify({welcome: topic})};
    return event === "echo" ? {payload} : {status: "error", payload: '{"reason":"what?"}'};
  });
  const socket = await connect(group, node.socket_url);
  const channel = await join(socket, "room:1", {name: "ann"});
  assert.deepEqual(channel.answer, {welcome: "room:1"});
  assert.deepEqual(await push(channel, "echo", {a: 1}), {a: 1});
  await assert.rejects(push(channel, "other", {}), /"what\?"/);
  await assert.rejects(join(socket, "room:secret"), /members only/);

  const [asked, pushed] = worker.asked;
  assert.equal(asked.kind, "join");
  assert.deepEqual(JSON.parse(asked.payload), {name: "ann"});
  assert.match(asked.session, /^[0-9a-f]{16}\.\d+-\d+$/);
  assert.ok(asked.deadline_ms > 4000 && asked.deadline_ms <= 5000);
  assert.equal(pushed.session, asked.session);
  assert.equal(pushed.event, "echo");
}));

test("what a backend does beside its answer", in_group(async (group) => {
  const node = await group.start({flags});
  await Worker.start(group, node, ["room:*"], ({kind, event, payload}) => {
    if (kind === "join") {
      return {user: "ann", data: '{"role":"host"}',
              actions: [{do: "push", event: "state", payload: '{"n":1}'}]};
    }
    const actions = {
      say: [{do: "broadcast", event: "said", payload}],
      tell: [{do: "others", event: "told", payload}],
      both: [{do: "push", event: "mine", payload: "{}"},
             {do: "broadcast", topic: "room:2", event: "there", payload: "{}"}],
      out: [{do: "leave"}],
      away: [{do: "disconnect"}],
    }[event];
    return {actions};
  });
  const ann = await connect(group, node.socket_url);
  const bob = await connect(group, node.socket_url);
  const [one, two] = [await join(ann, "room:1"), await join(bob, "room:1")];
  const other = await join(bob, "room:2");
  const heard = (channel, expected) => until("it is heard", () => {
    const events = channel.heard.map(({event}) => event);
    assert.deepEqual(events, expected);
    return true;
  });
  await heard(one, ["state"]);
  await push(one, "say", {});
  await push(one, "tell", {});
  await push(one, "both", {});
  await heard(one, ["state", "said", "mine"]);
  await heard(two, ["state", "said", "told"]);
  await heard(other, ["state", "there"]);
  await push(one, "out", {});
  await until("its channel is closed", () => one.state === "closed");
  const closed = new Promise((resolve) => bob.onClose(resolve));
  await push(two, "away", {});
  assert.equal((await closed).code, 1008);
}));

test("a join that waits holds up nothing else of its connection", in_group(async (group) => {
  const node = await group.start({flags: [...flags, "--rule", "* join=open"]});
  const worker = await Worker.start(group, node, ["room:*"]);
  const raw = await Raw.open(group, node);
  raw.send(["1", "1", "room:1", "phx_join", {}]);
  await until("the worker is asked", () => worker.asked.length === 1);
  await raw.join("open:1", "2");
  await raw.quiet();
  worker.respond(worker.asked[0], {});
  assert.deepEqual(await raw.next_json(),
    ["1", "1", "room:1", "phx_reply", {status: "ok", response: {}}]);
}));

test("the backend of another node decides where there is none", in_group(async (group) => {
  const here = await group.start({flags});
  const there = await group.start({flags, peers: [here]});
  const alone = await group.start({
    flags: [...flags, "--handler-scope", "local", "--backend-deadline", "500"], peers: [here]});
  await meshed([here, there, alone]);
  const worker = await Worker.start(group, there, ["room:*"], ({payload}) => ({payload}));
  const socket = await connect(group, here.socket_url);
  await until("the other node offers it", async () => await figure(here, "backend_workers") === 1);
  const channel = await join(socket, "room:1");
  assert.deepEqual(await push(channel, "echo", {a: 1}), {a: 1});
  assert.equal(worker.asked.at(-1).event, "echo");

  // A worker beside the node comes before it.
  const own = await Worker.start(group, here, ["room:*"], () => ({payload: '{"own":true}'}));
  assert.deepEqual(await push(channel, "echo", {}), {own: true});
  await own.leave();
  assert.deepEqual(await push(channel, "echo", {b: 1}), {b: 1});

  const local = await connect(group, alone.socket_url);
  await assert.rejects(join(local, "room:1"), /backend unavailable/);

  // The node goes with a request of ours.
  worker.decide = () => {};
  const pushed = push(channel, "echo", {});
  await until("it is asked", () => worker.asked.at(-1).payload === "{}");
  await there.kill();
  await assert.rejects(pushed, /backend failed/);
}));

test("a backend decides who connects", in_group(async (group) => {
  const node = await group.start({flags: [
    "--backend-connect", "--forward-header", "Cookie", "--forward-header", "x-tenant",
    "--rule", "* join=backend push=backend"]});
  const worker = await Worker.start(group, node, ["*"], ({kind, payload, user}) => {
    if (kind !== "connect") return {payload: JSON.stringify({user})};
    const {name} = JSON.parse(payload);
    return name ? {user: name} : {status: "error", payload: '{"reason":"who are you?"}'};
  }, {kinds: ["connect", "join", "push"]});
  const headers = {cookie: "a=1; b=2", "X-Tenant": "acme", "x-other": "not told"};
  const raw = await Raw.open(group, node, "?vsn=2.0.0&name=ann%20b", {headers});
  // Said before the answer, and in its order.
  raw.send(["1", "1", "room:1", "phx_join", {}]);
  assert.deepEqual((await raw.next_json())[4].response, {user: "ann b"});
  const [asked] = worker.asked;
  assert.deepEqual(JSON.parse(asked.payload), {name: "ann b", vsn: "2.0.0"});
  assert.deepEqual(asked.headers,
    [{name: "cookie", value: "a=1; b=2"}, {name: "x-tenant", value: "acme"}]);
  assert.equal(asked.address, "127.0.0.1");
  assert.equal(worker.asked[1].session, asked.session);

  const stranger = new Raw(`${node.socket_url}/websocket?vsn=2.0.0`);
  assert.deepEqual(await stranger.next_json(),
    [null, null, "phoenix", "phx_error", {reason: "who are you?"}]);
  assert.equal(await stranger.close_code(), 1008);

  const polling = await connect(group, node.socket_url, {
    params: {name: "bob"}, transport: LongPoll});
  assert.deepEqual((await join(polling, "room:1")).answer, {user: "bob"});

  // Heartbeats are answered while it waits, and without an answer it is told so.
  worker.decide = () => {};
  const waiting = await Raw.open(group, node);
  await until("it is asked", () => worker.asked.at(-1).kind === "connect");
  await waiting.quiet();
  worker.close();
  assert.deepEqual(await waiting.next_json(),
    [null, null, "phoenix", "phx_error", {reason: "backend failed"}]);
  assert.equal(await waiting.close_code(), 1013);
}));
