// wires: bytes, and both versions of the protocol, on one topic of two nodes.
import assert from "node:assert/strict";
import {createHash, randomBytes} from "node:crypto";
import {after, before, describe, test} from "node:test";

import {Raw, connect, join, upgrade_status} from "./lib/client.mjs";
import {Group, meshed} from "./lib/node.mjs";
import {Line, handshake, parse_answer} from "./lib/raw_http.mjs";
import {until, within} from "./lib/wait.mjs";

let group, one, two;
before(async () => {
  group = await Group.create();
  [one] = [await group.start()];
  two = await group.start({peers: [one]});
  await meshed([one, two]);
});
after(() => group?.end());

const sha = (bytes) => createHash("sha256").update(Buffer.from(bytes)).digest("hex");

// An old client: version 1.0, single frames.
async function old_client(node, topic, query = "?vsn=1.0.0") {
  const client = await Raw.open(group, node, query);
  const answer = await client.ask(
    JSON.stringify({topic, event: "phx_join", payload: {}, ref: "1"}));
  assert.equal(answer, `{"event":"phx_reply","payload":{"response":{},"status":"ok"},` +
    `"ref":"1","topic":"${topic}"}`);
  return client;
}

describe("bytes", () => {
  for (const size of [0, 1, 125, 126, 65535, 65536, 500000]) {
    test(`${size} bytes of phoenix.js reach phoenix.js on both nodes as they are`, async () => {
      const topic = `room:bytes-${size}`;
      const speaker = await join(await connect(group, one.socket_url), topic);
      const listener = await join(await connect(group, two.socket_url), topic);
      const bytes = randomBytes(size);
      const payload = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + size);
      await within(6000, "the answer", new Promise((resolve, reject) => {
        speaker.push("img", payload).receive("ok", resolve).receive("error", reject);
      }));
      for (const channel of [speaker, listener]) {
        await until("the bytes have come", () => channel.heard.length > 0);
        const [{event, payload: heard}] = channel.heard;
        assert.equal(event, "img");
        assert.ok(heard instanceof ArrayBuffer);
        assert.equal(sha(heard), sha(bytes));
      }
    });
  }

  test("a client of version 1.0 is told them as base64, and nobody is disturbed", async () => {
    const topic = "room:mixed";
    const speaker = await join(await connect(group, one.socket_url), topic);
    const old = await old_client(two, topic);
    const buffer = new Uint8Array([1, 2, 255]).buffer;
    for (const payload of [buffer, {n: 1}]) {
      await within(6000, "the answer", new Promise((resolve, reject) => {
        speaker.push("img", payload).receive("ok", resolve).receive("error", reject);
      }));
    }
    assert.equal(await old.next(),
      `{"event":"img","payload":{"base64":"AQL/"},"ref":null,"topic":"${topic}"}`);
    assert.equal(await old.next(),
      `{"event":"img","payload":{"n":1},"ref":null,"topic":"${topic}"}`);
    await until("the speaker hears itself", () => speaker.heard.length === 2);
  });

  test("the frames are those of Phoenix", async () => {
    const raw = await Raw.open(group, one);
    await raw.join("room:bin");
    raw.send(Buffer.from("\0\x01\x01\x08\x0712room:binnew_msg\x01\x02\x03", "latin1"),
      {binary: true});
    const frames = [await raw.next(), await raw.next()];
    const text = frames.find((frame) => typeof frame === "string");
    assert.equal(text,
      '["1","2","room:bin","phx_reply",{"response":{},"status":"ok"}]');
    assert.equal(frames.find((frame) => frame !== text).toString("latin1"),
      "\x02\x08\x07room:binnew_msg\x01\x02\x03");
  });

  test("the tool publishes them and prints them", async () => {
    const topic = "room:tool";
    const channel = await join(await connect(group, two.socket_url), topic);
    const sub = two.roost_running(["sub", "-C", "1", topic]);
    const ended = sub.end(8000);
    // When it is live cannot be seen from here: publish until it has ended.
    while (sub.is_running) {
      const published = await one.roost(["pub", "--binary", topic, "img"], {input: "\x01\x02"});
      assert.equal(published.code, 0, published.err);
    }
    assert.equal((await ended).code, 0, sub.err);
    assert.equal(sub.out, `${topic} img {"base64":"AQI="}\n`);
    await until("the bytes have come", () => channel.heard.length > 0);
    assert.deepEqual([...new Uint8Array(channel.heard[0].payload)], [1, 2]);
    const refused = await one.roost(["pub", "--binary", "x".repeat(256), "img"], {input: ""});
    assert.equal(refused.code, 1);
    assert.match(refused.err, /at most 255 bytes/);
  });
});

describe("version 1.0", () => {
  test("is spoken without a vsn too, and meets version 2.0", async () => {
    const topic = "room:v1";
    const old = await old_client(one, topic, "");
    const channel = await join(await connect(group, two.socket_url), topic);
    old.send(JSON.stringify({topic, event: "new_msg", payload: {b: 1}, ref: "2"}));
    await until("version 2.0 hears it", () => channel.heard.length > 0);
    assert.deepEqual(channel.heard[0], {event: "new_msg", payload: {b: 1}});
    const frames = new Set([await old.next(), await old.next()]);
    assert.deepEqual(frames, new Set([
      `{"event":"new_msg","payload":{"b":1},"ref":null,"topic":"${topic}"}`,
      `{"event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"2","topic":"${topic}"}`,
    ]));
    assert.equal(
      await old.ask('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"7"}'),
      '{"event":"phx_reply","payload":{"response":{},"status":"ok"},"ref":"7","topic":"phoenix"}');
  });

  test("the version is found behind a long parameter", async () => {
    const url = `${one.socket_url}/websocket?a=${"x".repeat(2000)}&&vsn=2.0.0&b=1`;
    assert.equal(await upgrade_status(url), 101);
    assert.equal(await upgrade_status(url.replace("2.0.0", "3.0.0")), 403);
  });

  test("versions are told apart as Phoenix does", async () => {
    const expected = {"1.0.0": 101, "1.0.9": 101, "2.0.0": 101, "2.0.7": 101, "2.1.0": 403,
      "3.0.0": 403, "1.1.0": 403, abc: 403, 2: 403, "2.0.": 403, "2.0.x": 403};
    for (const [vsn, status] of Object.entries(expected)) {
      assert.equal(await upgrade_status(`${one.socket_url}/websocket?vsn=${vsn}`), status, vsn);
    }
  });
});

test("an offer of compressed messages is ignored, and what is compressed is not taken", async () => {
  const offers = ["permessage-deflate",
    "permessage-deflate; client_max_window_bits; server_no_context_takeover, x-webkit-deflate-frame",
    "x".repeat(254), ["permessage-deflate", "x".repeat(230)]];
  for (const offer of offers) {
    const line = await Line.open(group, one.port);
    line.send(handshake({"Sec-WebSocket-Extensions": offer}));
    await until("it is answered", () => line.text.includes("\r\n\r\n"));
    const {status, headers} = parse_answer(line.text);
    assert.deepEqual([status, headers["sec-websocket-extensions"]], [101, undefined], offer);
  }
  const client = await Raw.open(group, one, "?vsn=2.0.0", {perMessageDeflate: {threshold: 0}});
  assert.equal(client.ws.extensions, "");
  await client.join("room:plain");
  const text = "again ".repeat(1000);
  await two.publish("room:plain", "say", {text});
  assert.equal((await client.next_json())[4].text, text);
  // A masked text frame with RSV1, as if it had been agreed upon.
  client.ws._socket.write(Buffer.from("c18100000000ff", "hex"));
  assert.equal(await client.close_code(), 1002);
});
