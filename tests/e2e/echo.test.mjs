// echo: /echo sends back what it hears, as the tools that test WebSocket servers expect.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";

import {Raw, WebSocket, upgrade_status} from "./lib/client.mjs";
import {Group} from "./lib/node.mjs";
import {until, within} from "./lib/wait.mjs";

let group, node;

before(async () => {
  group = await Group.create();
  node = await group.start({flags: ["--echo", "--max-frame-bytes", "2000000"]});
});
after(() => group?.end());

async function open() {
  const client = new Raw(`${node.url.replace("http", "ws")}/echo`);
  group.add(() => client.ws.terminate());
  await until("the echo is open", () => client.ws.readyState === WebSocket.OPEN);
  return client;
}

test("it is there only where it was asked for, and for the pages that may call", async () => {
  const without = await group.start();
  assert.equal(await upgrade_status(`ws://${without.listen}/echo`), 404);
  const evil = {origin: "https://evil.example.net"};
  assert.equal(await upgrade_status(`ws://${node.listen}/echo`, evil), 403);
});

test("text and bytes of each length come back as what they were", async () => {
  const client = await open();
  for (const size of [0, 1, 125, 126, 127, 1023, 1024, 1025, 65535, 65536, 1999999]) {
    const text = "é".repeat(size >> 1) + "x".repeat(size & 1);
    assert.equal(await client.ask(text), text);
    const bytes = Buffer.alloc(size, 0xfe);
    const back = await client.ask(bytes, {binary: true});
    assert.ok(Buffer.isBuffer(back) && back.equals(bytes), `${size} bytes`);
  }
});

test("fragments are one message, with pings in between", async () => {
  const client = await open();
  let pongs = 0;
  client.ws.on("pong", () => ++pongs);
  const text = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich 🥊";
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; ++i) {
    client.send(bytes.subarray(i, i + 1), {fin: i === bytes.length - 1});
    if (i === 10) client.ws.ping("here");
  }
  assert.equal(await client.next(), text);
  await until("the pong is there", () => pongs === 1);
  for (const [i, piece] of ["", "middle", ""].entries()) client.send(piece, {fin: i === 2});
  assert.equal(await client.next(), "middle");
  client.send(Buffer.alloc(700000, 1), {binary: true, fin: false});
  client.send(Buffer.alloc(700000, 2), {binary: true});
  const big = await client.next();
  assert.equal(big.length, 1400000);
  assert.equal(big[699999] * 10 + big[700000], 12);
});

test("many messages at once come back in order, also to one who reads late", async () => {
  const client = await open();
  client.ws._socket.pause();
  const count = 300;
  const body = "x".repeat(20000);
  for (let i = 0; i < count; ++i) client.send(`${i} ${body}`);
  const other = await open();
  assert.equal(await other.ask("meanwhile"), "meanwhile");
  client.ws._socket.resume();
  for (let i = 0; i < count; ++i) assert.equal(await client.next(), `${i} ${body}`);
});

test("one who does not read at all is closed", async () => {
  const client = await open();
  client.ws._socket.pause();
  const body = Buffer.alloc(1000000);
  for (let i = 0; i < 40; ++i) client.send(body, {binary: true});
  // Nothing was read: what tells of the end is that no more can be written.
  await until("it is cut", () => client.ws._socket?.destroyed ?? true, 20000);
  assert.notEqual(await client.close_code(), 1000);
  assert.equal(await (await open()).ask("alive"), "alive");
});

test("pings are answered with what they carry", async () => {
  const client = await open();
  for (const data of ["", "x", "y".repeat(125)]) {
    const pong = new Promise((resolve) => client.ws.once("pong", (bytes) => resolve(`${bytes}`)));
    client.ws.ping(data);
    assert.equal(await within(3000, "the pong", pong), data);
  }
});

test("text that is not UTF-8 closes with 1007, as soon as it is clear", async () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82]]) {
    const client = await open();
    client.send(Buffer.from([0x61, ...bytes]));
    assert.equal(await client.close_code(), 1007, Buffer.from(bytes).toString("hex"));
  }
  const early = await open();
  early.send(Buffer.from([0x61, 0xff]), {fin: false});
  assert.equal(await early.close_code(), 1007);
  const split = await open();
  split.send(Buffer.from([0xe2, 0x82]), {fin: false});
  split.send(Buffer.from([0xac]));
  assert.equal(await split.next(), "€");
});

test("a message over --max-frame-bytes closes with 1009, whole or in pieces", async () => {
  const whole = await open();
  whole.send(Buffer.alloc(2000001), {binary: true});
  assert.equal(await whole.close_code(), 1009);
  const pieces = await open();
  for (let i = 0; i < 3; ++i) pieces.send(Buffer.alloc(700000), {binary: true, fin: false});
  assert.equal(await pieces.close_code(), 1009);
});

test("the code of a close comes back", async () => {
  for (const code of [1000, 1001, 1003, 1011, 3000, 4999]) {
    const client = await open();
    client.ws.close(code, "done");
    assert.equal(await client.close_code(), code);
  }
  const client = await open();
  client.ws.close();
  assert.equal(await client.close_code(), 1005);
});

test("breaches of the protocol close with 1002, or end the connection", async () => {
  const mask = [0x80, 1, 2, 3, 4];
  const breaches = {
    "an unknown opcode": [0x83, ...mask],
    "a reserved bit": [0xf1, ...mask],
    "a ping in fragments": [0x09, ...mask],
    "a continuation of nothing": [0x80, ...mask],
    "a ping too long": [0x89, 0xfe, 0, 126, 1, 2, 3, 4, ...Array(126).fill(0)],
    "text within a message": [0x01, 0x81, 1, 2, 3, 4, 0x60, 0x81, 0x81, 1, 2, 3, 4, 0x60],
  };
  for (const [what, bytes] of Object.entries(breaches)) {
    const client = await open();
    client.ws._socket.write(Buffer.from(bytes));
    assert.ok([1002, 1006].includes(await client.close_code()), what);
  }
  assert.equal(await (await open()).ask("alive"), "alive");
});
