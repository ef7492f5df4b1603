// closes: what phoenix.js does after each close, as the table in proto/client.md tells it.
import assert from "node:assert/strict";
import {readFileSync, writeFileSync} from "node:fs";
import {join as path_join} from "node:path";
import {after, test} from "node:test";

import {Socket as Socket18} from "phoenix";
import {Socket as Socket17} from "phoenix17";
import WebSocket from "ws";

import {stand_still} from "./lib/child.mjs";
import {join, push} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";

const versions = [["1.8", Socket18], ["1.7", Socket17]];
const api_key = "0123456789abcdef0123456789abcdef";
const breach = Buffer.from([0x83, 0x80, 1, 2, 3, 4]);  // a reserved opcode

// An unmodified phoenix.js, and the connection that it has: what phoenix.js itself never says is
// said there.
async function enter(group, node, [version, Socket], {first_options = {}, params = {}} = {}) {
  const made = [];
  class Transport extends WebSocket {
    constructor(url) {
      super(url, undefined, made.length === 0 ? first_options : {});
      made.push(this);
    }
  }
  const socket = new Socket(node.socket_url, {transport: Transport, params, timeout: 5000});
  const codes = [];
  socket.onClose((event) => codes.push(event.code));
  group.add(() => socket.disconnect());
  socket.connect();
  const channel = await join(socket, `room:${version}`);
  return {socket, channel, codes, made, get connection() { return made.at(-1); }};
}

// Whatever the node says last, the client comes back by itself and hears and is heard.
async function is_back(client, within_ms = 10000) {
  await until("phoenix.js has joined again", () => {
    return client.made.length > 1 && client.socket.isConnected() && client.channel.isJoined();
  }, within_ms);
  client.channel.heard.length = 0;
  await push(client.channel, "again", {n: 1});
  await until("its message has come back", () => client.channel.heard.length > 0);
  assert.deepEqual(client.channel.heard, [{event: "again", payload: {n: 1}}]);
}

async function closes_with(client, code, within_ms = 8000) {
  await until(`phoenix.js sees a close with ${code}`, () => client.codes.length > 0, within_ms);
  assert.equal(client.codes[0], code);
}

// Of each row: what makes the node close.
const causes = {
  "silence for `--idle-timeout`": {
    flags: ["--idle-timeout", "2"], options: {first_options: {autoPong: false}}, provoke: () => {},
  },
  "a breach of the WebSocket protocol": {
    provoke: ({connection}) => connection._socket.write(breach),
  },
  "the node died, or the way to it broke": {
    act: async (node) => {
      await node.kill();
      await node.start();
    },
  },
  "text that is not UTF-8": {
    provoke: ({connection}) => connection.send(Buffer.from([0x22, 0xff, 0x22]), {binary: false}),
  },
  "ten bad frames": {
    log: /client closed: too many bad frames/,
    provoke: ({connection}) => {
      for (let i = 0; i < 10; ++i) connection.send("nonsense");
    },
  },
  "too much said to a channel that is still joining": {
    log: /client closed: too much said to a joining channel/,
    // A node that stands still lets joins wait for it.
    prepare: async (group, node) => {
      const peer = await group.start({peers: [node]});
      await meshed([node, peer]);
      return peer;
    },
    provoke: async ({socket, connection, channel}, peer) => {
      await stand_still(peer.child);
      const fresh = `${channel.topic}:fresh`;
      socket.channel(fresh, {}).join();
      for (let i = 0; i < 65; ++i) {
        connection.send(JSON.stringify([null, `early-${i}`, fresh, "said", {}]));
      }
    },
    finish: (peer) => peer.child.signal("SIGCONT"),
  },
  "no heed paid to refusals": {
    log: /client refused: too many a second/,
    flags: ["--max-messages", "10"],
    provoke: ({connection}) => {
      for (let i = 0; i < 10_500; ++i) connection.send('[null,"1","phoenix","heartbeat",{}]');
    },
  },
  "a message beyond `--max-frame-bytes`": {
    flags: ["--max-frame-bytes", "20000"],
    provoke: ({channel}) => channel.push("big", {text: "x".repeat(20000)}),
  },
  "kicked by a backend": {
    act: async (node) => {
      const url = `http://127.0.0.1:${node.port}/api/sessions`;
      for (const {session} of await node.roost_json(["sessions"])) {
        const {status} = await fetch(`${url}/${session}`, {method: "DELETE",
          headers: {authorization: `Bearer ${api_key}`}});
        assert.equal(status, 200);
      }
    },
    prepare: (group) => {
      writeFileSync(path_join(group.dir, "api.keys"), `${api_key}\n`, {mode: 0o600});
    },
    flags: (group) => ["--events", "--api-key-file", path_join(group.dir, "api.keys")],
  },
  "the node stops": {
    act: async (node) => {
      await node.stop();
      await node.start();
    },
  },
  "more than `--max-queue-bytes` wait for the client": {
    flags: ["--max-queue-bytes", "200000"],
    provoke: async ({connection, channel: {topic}}, _, node) => {
      const is_there = async () => {
        return (await node.roost_json(["topics"])).some((row) => row.topic === topic);
      };
      connection._socket.pause();
      const body = "x".repeat(50_000);
      for (let n = 0; await is_there(); ++n) {
        assert.ok(n < 500, "the node lets go of it");
        await node.publish(topic, "much", {body});
      }
      connection._socket.resume();
    },
  },
  "its token has expired": {
    prepare: (group) => {
      writeFileSync(path_join(group.dir, "token.key"), "a secret of some length, for these tests\n",
        {mode: 0o600});
    },
    flags: (group) => ["--token-key-file", path_join(group.dir, "token.key"),
      "--token-leeway", "0", "--rule", "room:* join=token"],
    options: async (group, node) => {
      const token_for = async (seconds) => (await node.roost(["token", "--sub", "ada", "--expires",
        String(seconds), "--key-file", path_join(group.dir, "token.key")])).out.trim();
      const tokens = [await token_for(3), await token_for(60)];
      return {params: () => ({token: tokens.length > 1 ? tokens.shift() : tokens[0]})};
    },
    provoke: () => {},
  },
};

const text = readFileSync(new URL("../../proto/client.md", import.meta.url), "utf8");
const rows = [...text.matchAll(/^\| (\d{4}) \| (.*?) \| (.*?) \|$/gm)]
  .map(([, code, when, what]) => ({code: Number(code), when, what}));

test("the table and the causes here are of the same closes, and none is 1000", () => {
  assert.deepEqual(rows.map((row) => row.when).sort(), Object.keys(causes).sort());
  assert.ok(rows.every(({code}) => code !== 1000));
  const hub = readFileSync(new URL("../../daemon/core/hub.hpp", import.meta.url), "utf8");
  const [, body] = /enum class CloseCode[^{]*\{([^}]*)\}/.exec(hub);
  // Of that one the text beside the table tells: clients need not come back.
  assert.match(body, /kicked_for_good = 1000/);
  for (const [, code] of body.replace("1000", "").matchAll(/= (\d{4})/g)) {
    assert.ok(rows.some((row) => row.code === Number(code)), `${code} has a row`);
  }
});

for (const {code, when, what} of rows) {
  test(`${code}, ${when}: ${what}`, in_group(async (group) => {
    assert.equal(what, "connects and joins again");
    const {flags = [], options = {}, log = /./, prepare, provoke, act, finish} = causes[when];
    const is_made_before = typeof flags === "function";
    if (is_made_before) prepare(group);
    const node = await group.start({flags: is_made_before ? flags(group) : flags});
    const prepared = prepare && !is_made_before ? await prepare(group, node) : undefined;
    const clients = [];
    for (const version of versions) {
      clients.push(await enter(group, node, version,
        typeof options === "function" ? await options(group, node) : options));
    }
    if (act) await act(node);
    for (const client of clients) {
      if (provoke) await provoke(client, prepared, node);
      await closes_with(client, code);
    }
    finish?.(prepared);
    await until("the log says why", () => log.test(node.log));
    for (const client of clients) {
      await is_back(client);
      // Between the first and the last there are attempts that find nobody.
      assert.deepEqual(client.codes, [code, ...client.codes.slice(1).fill(1006)]);
    }
  }));
}

for (const [version, Socket] of versions) {
  test(`after a refused handshake phoenix.js ${version} tries again, with fresh parameters`,
    in_group(async (group) => {
      writeFileSync(path_join(group.dir, "token.key"), "a secret of some length, for these tests\n",
        {mode: 0o600});
      const node = await group.start({flags: [
        "--token-key-file", path_join(group.dir, "token.key"), "--rule", "room:* join=token"]});
      const made = await node.roost(["token", "--sub", "ada", "--key-file",
        path_join(group.dir, "token.key")]);
      const shown = [];
      const params = () => {
        shown.push(shown.length < 3 ? "no.valid.token" : made.out.trim());
        return {token: shown.at(-1)};
      };
      const socket = new Socket(node.socket_url, {transport: WebSocket, params});
      const codes = [];
      socket.onClose((event) => codes.push(event.code));
      group.add(() => socket.disconnect());
      socket.connect();
      await join(socket, "room:1");
      assert.deepEqual(codes, [1006, 1006, 1006]);
    }));
}
