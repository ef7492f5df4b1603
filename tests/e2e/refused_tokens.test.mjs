// refused_tokens: clients that come again and again with a token that is not valid.
import assert from "node:assert/strict";
import {randomBytes} from "node:crypto";
import {chmodSync, writeFileSync} from "node:fs";
import {join as path_join} from "node:path";
import {after, before, describe, test} from "node:test";

import {WebSocket, connect, join} from "./lib/client.mjs";
import {Group} from "./lib/node.mjs";
import {Line, handshake, parse_answer, request} from "./lib/raw_http.mjs";
import {until} from "./lib/wait.mjs";

const forwarded_for = (address) => ({"X-Forwarded-For": address});
const at_once = 5;  // refusals in a row that do not wait

let group;

before(async () => {
  group = await Group.create();
  group.key_file = path_join(group.dir, "token.key");
  writeFileSync(group.key_file, randomBytes(48).toString("base64"));
  chmodSync(group.key_file, 0o600);
});
after(() => group?.end());

function start(flags = []) {
  return group.start({flags: ["--token-key-file", group.key_file, ...flags]});
}

async function good_token(node) {
  const {out, err} = await node.roost(["token", "--sub", "ada", "--key-file", group.key_file]);
  assert.equal(err, "");
  return out.trim();
}

function with_token(token, headers) {
  return handshake(headers, `GET /socket/websocket?vsn=2.0.0&token=${token} HTTP/1.1`);
}

// Shows a token that is none. Its answer comes on the line.
async function show(place, {headers, from} = {}) {
  const line = await Line.open(group, place, from);
  line.send(with_token("dead", headers));
  return line;
}

async function answer_of(line) {
  return parse_answer(await line.until_closed(9000));
}

async function refusals(many, place, options) {
  for (let i = 0; i < many; ++i) {
    assert.equal((await answer_of(await show(place, options))).status, 403);
  }
}

async function metric(node, name) {
  const {body} = await node.get("/metrics");
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(body)[1]);
}

const delayed = (node) => metric(node, "roost_refusals_delayed_total");

describe("of one address", () => {
  let node;
  before(async () => (node = await start()));

  test("the answers come later and later, and nobody else waits", async () => {
    await refusals(at_once, node.port);
    assert.equal(await delayed(node), 0);
    await refusals(9 - at_once, node.port);
    const tenth = await show(node.port);
    await until("the tenth waits", async () => await delayed(node) === 10 - at_once);

    assert.equal((await answer_of(await show(node.port, {from: "127.0.0.2"}))).status, 403);
    const welcome = await Line.open(group, node.port);
    welcome.send(with_token(await good_token(node)));
    await until("a good token of the same address is taken", () => /^HTTP\/1.1 101 /.test(welcome.text));
    assert.equal(tenth.text, "", "the tenth was answered before them");

    const {status, headers, body} = await answer_of(tenth);
    assert.deepEqual([status, headers.connection, body], [403, "close", "malformed token\n"]);
    assert.equal(await metric(node, 'roost_clients_refused_total{reason="token"}'), 11);
  });

  test("the log has one line for all of them, and still one for others", async () => {
    const odd = await Line.open(group, node.port);
    odd.send(handshake({}, "GET /nowhere HTTP/1.1"));
    assert.equal((await answer_of(odd)).status, 404);
    await until("the log tells of the other", () => /client refused {2}reason=path/.test(node.log));
    const lines = node.log.match(/client refused {2}reason=token[^\n]*/g);
    assert.deepEqual(lines, ['client refused  reason=token detail="malformed token" address=127.0.0.1']);
  });

  test("who hangs up while it waits is gone", async () => {
    const before_them = await delayed(node);
    const lines = await Promise.all(Array.from({length: 20}, () => show(node.port)));
    await until("all wait", async () => await delayed(node) === before_them + lines.length);
    assert.ok(await metric(node, "roost_connections_arriving") >= lines.length);
    assert.deepEqual(lines.map(({text}) => text).join(""), "");
    lines.forEach((line, i) => i % 2 ? line.socket.end() : line.socket.resetAndDestroy());
    await until("none is there", async () => await metric(node, "roost_connections_arriving") <= 1);
  });

  test("who asks for more before the answer gets none", async () => {
    for (const more of [with_token("dead"), request("GET /healthz HTTP/1.1", {Host: "a"})]) {
      const before_it = await delayed(node);
      const patient = await show(node.port);
      await until("it waits", async () => await delayed(node) === before_it + 1);
      patient.send(more);
      const hasty = await Line.open(group, node.port);
      hasty.send(with_token("dead") + more);
      for (const line of [patient, hasty]) assert.equal(await line.until_closed(), "");
    }
    assert.equal((await node.get("/healthz")).status, 200);
  });

  test("who cannot be kept waiting is answered at once", async () => {
    const before_it = [node.log.length, await delayed(node)];
    const line = await Line.open(group, node.port);
    line.send(handshake({}, "GET /socket/websocket?vsn=2.0.0&token=dead HTTP/1.0"));
    assert.equal((await answer_of(line)).status, 403);
    assert.doesNotMatch(node.log.slice(before_it[0]), /libwebsockets/);
    assert.equal(await delayed(node), before_it[1]);
  });
});

test("phoenix.js waits, too, and is in as soon as its token is good", async () => {
  const node = await start();
  const token = await good_token(node);
  let shown = "dead";
  const connecting = connect(group, node.socket_url, {
    params: () => ({token: shown}), transport: WebSocket, reconnectAfterMs: () => 10});
  connecting.catch(() => {});
  await until("its refusals wait", async () => await delayed(node) >= 2);
  shown = token;
  await join(await connecting, "room:1");
});

test("behind a proxy it is the client's address that counts, and the proxy never waits", async () => {
  const socket = path_join(group.dir, "proxied.sock");
  const node = await start(["--trusted-proxy", "127.0.0.1", "--trusted-proxy", "unix",
    "--listen", `unix:${socket}`]);
  const ada = {headers: forwarded_for("192.0.2.1")};
  await refusals(7, node.port, ada);
  await refusals(2, socket, ada);
  const tenth = await show(socket, ada);
  await until("the tenth waits", async () => await delayed(node) === 10 - at_once);
  await refusals(1, node.port, {headers: forwarded_for("192.0.2.2")});
  for (const place of [node.port, socket]) await refusals(2 * at_once, place);
  assert.equal(tenth.text, "", "the tenth was answered before them");
  assert.equal((await answer_of(tenth)).status, 403);
  assert.equal(await delayed(node), 10 - at_once);
});

test("a short time for handshakes is not used up by waiting", async () => {
  const node = await start(["--handshake-timeout", "1"]);
  await refusals(at_once + 4, node.port);
  assert.equal(await delayed(node), 4);
  assert.equal(await metric(node, 'roost_clients_refused_total{reason="slow"}'), 0);
});
