// guests: clients with tokens, at a node that asks for them.
import assert from "node:assert/strict";
import {randomBytes} from "node:crypto";
import {chmodSync, writeFileSync} from "node:fs";
import {join as path_join} from "node:path";
import {after, before, describe, test} from "node:test";

import {run} from "./lib/child.mjs";
import {Raw, WebSocket, connect, join, push, upgrade_status} from "./lib/client.mjs";
import {Group, roostd} from "./lib/node.mjs";
import {free_ports} from "./lib/ports.mjs";
import {Line, handshake} from "./lib/raw_http.mjs";
import {until} from "./lib/wait.mjs";

let group, node, key_file;
const rules = ["user:{sub}", "open:* join=open", "room:* join=token", "news join=open push=deny"];

function write_key(name, text = randomBytes(48).toString("base64")) {
  const file = path_join(group.dir, name);
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  return file;
}

before(async () => {
  group = await Group.create();
  key_file = write_key("token.key");
  node = await group.start({flags: ["--token-key-file", key_file,
    ...rules.flatMap((rule) => ["--rule", rule])]});
});
after(() => group?.end());

async function token_of(sub, more = [], file = key_file) {
  const made = await node.roost(["token", "--sub", sub, "--key-file", file, ...more]);
  assert.equal(made.code, 0, made.err);
  return made.out.trim();
}

const subprotocols = (token) =>
  `phoenix, base64url.bearer.phx.${Buffer.from(token).toString("base64").replace(/=+$/, "")}`;

const asks = async (query, options) => upgrade_status(
  `${node.socket_url}/websocket?vsn=2.0.0${query}`, options);

describe("at the handshake", () => {
  test("a valid token is taken from the parameters and the header", async () => {
    const token = await token_of("ada");
    assert.equal(await asks(`&token=${token}`), 101);
    assert.equal(await asks("", {headers: {Authorization: `Bearer ${token}`}}), 101);
    assert.equal(await asks(""), 101, "without any");
  });

  test("a subprotocol's token may come in pieces, and is read to its end", async () => {
    for (const [token, answer] of [[await token_of("ada"), /^HTTP\/1.1 101 /],
      ["x".repeat(9000), /^HTTP\/1.1 400 [^]*too long here: send the token as the parameter/]]) {
      const bytes = handshake({"Sec-WebSocket-Protocol": subprotocols(token)});
      const line = await Line.open(group, node.port);
      line.socket.setNoDelay(true);
      for (let at = 0; at < bytes.length; at += 100) {
        await new Promise((sent) => line.socket.write(bytes.slice(at, at + 100), sent));
      }
      await until(`${answer}`, () => answer.test(line.text));
    }
  });

  test("one that is not is refused, whichever way it comes", async () => {
    const foreign = await token_of("ada", [], write_key("foreign.key"));
    for (const token of [foreign, "x", "a.b.c", "x".repeat(8300 - 2000)]) {
      assert.equal(await asks(`&token=${token}`), 403);
      assert.equal(await asks("", {headers: {Authorization: `Bearer ${token}`}}), 403);
    }
    assert.equal(await asks("", {headers: {
      "Sec-WebSocket-Protocol": subprotocols(foreign)}}), 403);
    assert.match((await node.get("/metrics")).body, /clients_refused_total\{reason="token"\} [1-9]/);
  });
});

describe("with phoenix.js", () => {
  const with_token = (token) => connect(group, node.socket_url, {params: {token}});

  test("a topic of a user's own is joined by its devices, and by nobody else", async () => {
    const ada = await token_of("ada"), bob = await token_of("bob");
    const laptop = await join(await with_token(ada), "user:ada");
    const phone = await join(await with_token(ada), "user:ada");
    await assert.rejects(join(await with_token(bob), "user:ada"), /topic of another/);
    await assert.rejects(join(await connect(group, node.socket_url), "user:ada"), /token needed/);
    await push(laptop, "note", {n: 1});
    await until("the phone hears it", () => phone.heard.length === 1);
  });

  test("authToken is a token like any other", async () => {
    const ada = await token_of("ada"), bob = await token_of("bob");
    const laptop = await join(await connect(group, node.socket_url, {authToken: ada}), "user:ada");
    await assert.rejects(join(await connect(group, node.socket_url, {authToken: bob}), "user:ada"),
      /topic of another/);
    await push(laptop, "note", {n: 1});
    await until("it is heard", () => laptop.heard.length === 1);
  });

  test("what a token allows is what its topics say, within the rules", async () => {
    const token = await token_of("ada", ["--join", "room:*", "--push", "room:1"]);
    const socket = await with_token(token);
    const first = await join(socket, "room:1"), second = await join(socket, "room:2");
    await push(first, "say", {});
    await assert.rejects(push(second, "say", {}), /push not in token/);
    await assert.rejects(join(socket, "open:1"), /topic not in token/);
    await assert.rejects(push(await join(await with_token(await token_of("eve")), "news"), "e", {}),
      /push denied/);
  });

  test("without a token what is open can be joined, and nothing else", async () => {
    const socket = await connect(group, node.socket_url);
    await join(socket, "open:1");
    await assert.rejects(join(socket, "room:1"), /token needed/);
    await assert.rejects(join(socket, "other"), /unmatched topic/);
  });
});

describe("in band", () => {
  test("a token that expires is announced, and a fresh one keeps the connection", async () => {
    const short = await token_of("ada", ["--expires", "30"]);
    const one = await Raw.open(group, node, `?vsn=2.0.0&token=${short}`);
    const told = await one.next_json("the warning");
    assert.deepEqual(told.slice(0, 4), [null, null, "phoenix", "roost:token_expires"]);
    assert.ok(told[4].in <= 40 && told[4].in > 20, JSON.stringify(told));
    await one.join("room:1");
    const fresh = await token_of("ada");
    assert.equal(await one.ask(["1", "2", "room:1", "access_token", {access_token: fresh}]),
      '["1","2","room:1","phx_reply",{"response":{},"status":"ok"}]');
    const other = JSON.parse(await one.ask(
      [null, "3", "phoenix", "access_token", {access_token: await token_of("bob")}]));
    assert.equal(other[4].status, "error");
    await one.ask([null, "4", "phoenix", "access_token", {access_token: "a.b.c"}]);
    await until("the log says why, and of whom", () => {
      return /token refused {2}reason="malformed token" .*address=127\.0\.0\.1/.test(node.log);
    });
  });

  test("after its token a connection is closed with 4001", async () => {
    const strict = await group.start({flags: ["--token-key-file", key_file, "--token-leeway", "0"]});
    const token = await token_of("ada", ["--expires", "2"]);
    const client = new Raw(`${strict.socket_url}/websocket?vsn=2.0.0&token=${token}`);
    assert.equal(await client.close_code(8000), 4001);
  });
});

test("keys are exchanged without dropping anybody", async () => {
  const first = write_key("one.key"), changing = write_key("changing.key");
  const other = await group.start({flags: ["--token-key-file", first, "--token-key-file", changing]});
  const old = await token_of("ada", [], changing);
  const ask = (token) => upgrade_status(`${other.socket_url}/websocket?vsn=2.0.0&token=${token}`);
  const kept = new WebSocket(`${other.socket_url}/websocket?vsn=2.0.0&token=${old}`);
  group.add(() => kept.terminate());
  await until("it is open", () => kept.readyState === WebSocket.OPEN);
  write_key("changing.key");
  const fresh = await token_of("ada", [], changing);
  assert.equal(await ask(fresh), 403);
  other.child.signal("SIGHUP");
  await until("the new key is known", async () => await ask(fresh) === 101);
  // Each shard exchanges its keys for itself.
  await until("the old key is not", async () => await ask(old) === 403);
  assert.equal(kept.readyState, WebSocket.OPEN);
  write_key("changing.key", "short");
  other.child.signal("SIGHUP");
  await until("the node says what is wrong", () => other.log.includes("the token keys stay as they were"));
  assert.equal(await ask(fresh), 101);
});

test("a node that other machines reach wants keys, or to be told that it is insecure", async () => {
  const {code, err} = await run(roostd, ["--listen", "0.0.0.0:1"]);
  assert.equal(code, 78);
  assert.match(err, /^roostd: --listen 0.0.0.0:1 .*: give --token-key-file, or --insecure/);
  const open = await group.start({flags: ["--listen", `0.0.0.0:${await free_ports()}`, "--insecure"]});
  await until("it says so", () => open.log.includes("INSECURE"));
});
