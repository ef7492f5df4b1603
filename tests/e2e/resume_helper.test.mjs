// resume_helper: client/roost-resume.js with the real phoenix.js, against a server that says
// exactly what each test wants to see it handle.
import assert from "node:assert/strict";
import {test} from "node:test";

import {Socket} from "phoenix";
import WebSocket, {WebSocketServer} from "ws";

import {resume} from "./lib/resume.mjs";
import {until} from "./lib/wait.mjs";

const topic = "room:1";
const one = "00c0ffee00c0ffee.0";
const other = "00c0ffee00c0ffee.65535";
const older = "0badcafe0badcafe.1";

// Answers each join of `topic` by the next of `answers`, a function (or the last of them again).
class Server {
  joins = [];
  answers = [];

  static async start(context) {
    const server = new Server();
    server.wss = new WebSocketServer({host: "127.0.0.1", port: 0, perMessageDeflate: false});
    server.wss.on("connection", (ws) => {
      ws.on("message", (data) => server.hear(ws, JSON.parse(data.toString())));
    });
    context.after(() => server.stop());
    await until("the server listens", () => server.wss.address());
    return server;
  }

  stop() {
    this.drop();
    this.wss.close();
  }

  hear(ws, [join_ref, ref, topic, event, payload]) {
    const reply = (response, status = "ok") => {
      ws.send(JSON.stringify([join_ref, ref, topic, "phx_reply", {status, response}]));
    };
    if (event !== "phx_join") return reply({});
    this.joins.push(payload);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    answer({reply, say: (at, payload, event) => this.say_to(ws, at, payload, event)});
  }

  say_to(ws, at, payload = {}, event = "new_msg") {
    ws.send(JSON.stringify([null, at, topic, event, payload]));
  }

  say(at, payload, event) {
    for (const ws of this.wss.clients) this.say_to(ws, at, payload, event);
  }

  drop() {
    for (const ws of this.wss.clients) ws.terminate();
  }

  connect(context, options = {}) {
    const url = `ws://127.0.0.1:${this.wss.address().port}/socket`;
    const socket = new Socket(url, {
      transport: WebSocket, reconnectAfterMs: () => 20, rejoinAfterMs: () => 20, ...options});
    context.after(() => socket.disconnect());
    socket.connect();
    return socket;
  }
}

const ok = (response) => ({reply}) => reply(response);

// A room made by the helper, and what it tells in the order told.
function enter(socket, options = {}) {
  const told = [];
  const room = resume(socket, topic, {
    onResume: (result) => told.push({resumed: result}), onGap: (gap) => told.push({gap}),
    ...options});
  room.on("new_msg", ({n}) => told.push(n));
  room.join();
  return {room, told};
}

test("a first join asks for positions, and takes them from the answer", async (context) => {
  const server = await Server.start(context);
  server.answers = [ok({positions: {[one]: 4, [other]: 7}, recovered: true, replayed: 0})];
  const {room, told} = enter(server.connect(context), {params: {token: "t"}});
  assert.deepEqual(room.positions(), {});
  await until("it is joined", () => room.state === "joined");
  assert.deepEqual(server.joins, [{token: "t", since: {}}]);
  assert.deepEqual(room.positions(), {[one]: 4, [other]: 7});
  assert.deepEqual(told, [], "there was nothing to come back to");
});

test("a message moves its origin's position, after its handlers ran", async (context) => {
  const server = await Server.start(context);
  server.answers = [ok({positions: {[one]: 4}, recovered: true, replayed: 0})];
  const {room, told} = enter(server.connect(context));
  const inside = [];
  room.on("new_msg", () => inside.push(room.positions()));
  await until("it is joined", () => room.state === "joined");
  server.say(`${one}/5`, {n: 1});
  server.say(`${other}/12`, {n: 2});
  server.say(`${one}/9`, {n: 3});
  await until("three messages came", () => told.length === 3);
  assert.deepEqual(told, [1, 2, 3]);
  assert.deepEqual(inside, [{[one]: 4}, {[one]: 5}, {[one]: 5, [other]: 12}]);
  assert.deepEqual(room.positions(), {[one]: 9, [other]: 12});
});

test("coming back: the join says how far it came, and tells before what is replayed",
  async (context) => {
    const server = await Server.start(context);
    server.answers = [
      ok({positions: {[one]: 4, [older]: 3}, recovered: true, replayed: 0}),
      ({reply, say}) => {
        reply({positions: {[one]: 5, [other]: 0}, recovered: true, replayed: 2});
        say(`${one}/8`, {n: 2});
        say(`${other}/1`, {n: 3});
      },
    ];
    let joins = 0;
    const {room, told} = enter(server.connect(context), {params: () => ({number: ++joins})});
    await until("it is joined", () => room.state === "joined");
    server.say(`${one}/5`, {n: 1});
    await until("a message came", () => told.length === 1);
    server.drop();
    await until("everything came", () => told.length === 4);
    assert.deepEqual(server.joins, [
      {number: 1, since: {}}, {number: 2, since: {[one]: 5, [older]: 3}}]);
    assert.deepEqual(told,
      [1, {resumed: {recovered: true, replayed: 2, truncated: false}}, 2, 3]);
    assert.deepEqual(room.positions(), {[one]: 8, [other]: 1}, "forgotten origins are gone");
  });

for (const seen of [{[one]: 17}, {last: 3}, {seconds: 60}]) {
  test(`a first join may start from ${JSON.stringify(seen)}`, async (context) => {
    const server = await Server.start(context);
    server.answers = [({reply, say}) => {
      reply({positions: {[one]: 17}, recovered: true, replayed: 1});
      say(`${one}/18`, {n: 1});
    }];
    const {room, told} = enter(server.connect(context), {seen});
    await until("the replay came", () => told.length === 2);
    assert.deepEqual(server.joins, [{since: seen}]);
    assert.deepEqual(told, [{resumed: {recovered: true, replayed: 1, truncated: false}}, 1]);
    assert.deepEqual(room.positions(), {[one]: 18});
  });
}

test("nothing saved yet (null) is a first join", async (context) => {
  const server = await Server.start(context);
  server.answers = [ok({positions: {[one]: 1}, recovered: true, replayed: 0})];
  const {room, told} = enter(server.connect(context), {seen: null});
  await until("it is joined", () => room.state === "joined");
  assert.deepEqual([server.joins, told], [[{since: {}}], []]);
});

test("what was not recovered is told, and the answer's positions count", async (context) => {
  const server = await Server.start(context);
  server.answers = [ok({positions: {[other]: 2}, recovered: false, replayed: 0, truncated: true})];
  const {room, told} = enter(server.connect(context), {seen: {[one]: 17}});
  await until("it is told", () => told.length === 1);
  assert.deepEqual(told, [{resumed: {recovered: false, replayed: 0, truncated: true}}]);
  assert.deepEqual(room.positions(), {[other]: 2});
});

test("a gap is told, and passed", async (context) => {
  const server = await Server.start(context);
  server.answers = [ok({positions: {[one]: 4}, recovered: true, replayed: 0})];
  const {room, told} = enter(server.connect(context));
  await until("it is joined", () => room.state === "joined");
  const gap = {origin: one, from: 5, to: 9};
  server.say(`${one}/9`, gap, "roost:gap");
  server.say(`${one}/10`, {n: 1});
  await until("both came", () => told.length === 2);
  assert.deepEqual(told, [{gap}, 1]);
  assert.deepEqual(room.positions(), {[one]: 10});
});

test("a handler that throws stops no bookkeeping", async (context) => {
  const server = await Server.start(context);
  server.answers = [ok({positions: {[one]: 4}, recovered: true, replayed: 0})];
  const socket = server.connect(context);
  const thrown = [];
  const hear = socket.onConnMessage;
  socket.onConnMessage = (message) => {  // As a browser: report it, and go on.
    try {
      hear.call(socket, message);
    } catch (error) {
      thrown.push(error.message);
    }
  };
  const {room, told} = enter(socket);
  room.on("new_msg", ({n}) => {
    if (n === 1) throw new Error("one is too much");
  });
  await until("it is joined", () => room.state === "joined");
  server.say(`${one}/5`, {n: 1});
  await until("the handler threw", () => thrown.length === 1);
  assert.deepEqual(room.positions(), {[one]: 5});
  server.say(`${other}/1`, {n: 2});
  await until("the next message came", () => told.length === 2);
  assert.deepEqual([thrown, told], [["one is too much"], [1, 2]]);
  assert.deepEqual(room.positions(), {[one]: 5, [other]: 1});
});

test("onMessage stays the application's, and other channels stay as they were",
  async (context) => {
    const server = await Server.start(context);
    server.answers = [ok({positions: {[one]: 4}, recovered: true, replayed: 0})];
    const socket = server.connect(context);
    const {room, told} = enter(socket);
    room.onMessage = (event, payload) => (event === "new_msg" ? {n: 10 * payload.n} : payload);
    const plain = socket.channel("room:2");
    assert.ok(!Object.hasOwn(plain, "trigger") && !Object.hasOwn(plain, "join"));
    await until("it is joined", () => room.state === "joined");
    server.say(`${one}/5`, {n: 1});
    await until("a message came", () => told.length === 1);
    assert.deepEqual(told, [10]);
    assert.deepEqual(room.positions(), {[one]: 5});
  });

test("replies and messages without a place move nothing", async (context) => {
  const server = await Server.start(context);
  server.answers = [ok({positions: {[one]: 4}, recovered: true, replayed: 0})];
  const {room, told} = enter(server.connect(context));
  await until("it is joined", () => room.state === "joined");
  let is_answered = false;
  room.push("hello", {}).receive("ok", () => (is_answered = true));
  for (const at of [null, "17", 17, "a/b", `${one}/`, `${one}0/5/6`]) server.say(at, {n: 1});
  await until("all of it came", () => is_answered && told.length === 6);
  assert.deepEqual(room.positions(), {[one]: 4});
  let is_left = false;
  room.leave().receive("ok", () => (is_left = true));
  await until("it has left", () => is_left);
  assert.deepEqual(room.positions(), {[one]: 4});
});

test("what a join that timed out brings late is not heard twice", async (context) => {
  const server = await Server.start(context);
  let answer_late;
  const replay = (positions) => ({reply, say}) => {
    reply({positions, recovered: true, replayed: 2});
    say(`${one}/5`, {n: 1});
    say(`${one}/6`, {n: 2});
  };
  server.answers = [
    (join) => (answer_late = () => replay({[one]: 4})(join)),
    (join) => {
      answer_late();
      replay({[one]: 4})(join);
      join.say(`${one}/7`, {n: 3});
    },
  ];
  const {room, told} = enter(server.connect(context, {timeout: 300}), {seen: {[one]: 4}});
  await until("the live message came", () => told.at(-1) === 3);
  assert.deepEqual(server.joins, [{since: {[one]: 4}}, {since: {[one]: 4}}]);
  assert.deepEqual(told,
    [{resumed: {recovered: true, replayed: 2, truncated: false}}, 1, 2, 3]);
  assert.deepEqual(room.positions(), {[one]: 7});
});

test("saved positions that are refused are given up, and that is told", async (context) => {
  const server = await Server.start(context);
  server.answers = [
    ({reply}) => reply({reason: "bad since: nonsense is no origin"}, "error"),
    ok({positions: {[one]: 4}, recovered: true, replayed: 0}),
  ];
  const {room, told} = enter(server.connect(context), {seen: {nonsense: 1}});
  await until("it is joined", () => room.state === "joined");
  assert.deepEqual(server.joins, [{since: {nonsense: 1}}, {since: {}}]);
  assert.deepEqual(told, [{resumed: {recovered: false, replayed: 0, truncated: false}}]);
  server.drop();
  await until("it came back", () => told.length === 2);
  assert.deepEqual(told[1], {resumed: {recovered: true, replayed: 0, truncated: false}});
});

test("another refusal leaves the positions alone", async (context) => {
  const server = await Server.start(context);
  server.answers = [
    ({reply}) => reply({reason: "join denied"}, "error"),
    ok({positions: {[one]: 17}, recovered: true, replayed: 0}),
  ];
  const {room, told} = enter(server.connect(context), {seen: {[one]: 17}});
  await until("it is joined", () => room.state === "joined");
  assert.deepEqual(server.joins, [{since: {[one]: 17}}, {since: {[one]: 17}}]);
  assert.deepEqual(told, [{resumed: {recovered: true, replayed: 0, truncated: false}}]);
});

test("a server that knows no positions: nothing is promised", async (context) => {
  const server = await Server.start(context);
  server.answers = [ok({})];
  const {room, told} = enter(server.connect(context));
  await until("it is joined", () => room.state === "joined");
  server.say(null, {n: 1});
  await until("a message came", () => told.length === 1);
  server.drop();
  await until("it came back", () => told.length === 2);
  assert.deepEqual(told, [1, {resumed: {recovered: false, replayed: 0, truncated: false}}]);
  assert.deepEqual(server.joins, [{since: {}}, {since: {}}]);
});
