// supabase: what of realtime-js works with a node, and what does not. Told in proto/client.md.
import assert from "node:assert/strict";
import {writeFileSync} from "node:fs";
import {join as path_join} from "node:path";
import {after, before, describe, test} from "node:test";

import {Raw} from "./lib/client.mjs";
import {Group, in_group, roost} from "./lib/node.mjs";
import {plain_encode, supabase} from "./lib/phoenix_clients.mjs";
import {run} from "./lib/child.mjs";
import {until} from "./lib/wait.mjs";

const topic = "realtime:room";
const plain = [{vsn: "1.0.0"}, {vsn: "2.0.0", encode: plain_encode}];

let group, node;
before(async () => {
  group = await Group.create();
  node = await group.start({flags: ["--rule", "realtime:self:* join=open push=broadcast",
    "--rule", "realtime:* join=open push=others"]});
});
after(() => group?.end());

async function listener_of(name) {
  const raw = await Raw.open(group, node);
  await raw.join(name);
  return raw;
}

for (const options of plain) {
  describe(`with vsn ${options.vsn} and frames as Phoenix has them`, () => {
    test("who hears its own broadcasts is the rule's word, not `self`", async () => {
      for (const [name, hears_itself] of [["realtime:room", false], ["realtime:self:1", true]]) {
        for (const self of [false, true]) {
          const room = await supabase(group, node.socket_url, options)
            .join(name, {broadcast: {self, ack: true}});
          const other = await listener_of(name);
          await room.say("said", {n: 1});
          assert.deepEqual(await other.next_json(), [null, null, name, "broadcast",
            {type: "broadcast", event: "said", payload: {n: 1}}]);
          // The answer comes behind the broadcast.
          assert.equal(room.heard.length, hears_itself ? 1 : 0);
          await room.leave();
          other.ws.terminate();
        }
      }
    });

    test("what a backend publishes is heard if it has the shape of a broadcast", async () => {
      const room = await supabase(group, node.socket_url, options).join(topic);
      await node.publish(topic, "new_msg", {n: 0});
      await node.publish(topic, "broadcast", {event: "said", payload: {n: 1}});
      await until("it is heard", () => room.heard.length > 0);
      assert.deepEqual(room.heard, [{event: "said", payload: {n: 1}}]);
      await room.leave();
    });

    test("a refused join is told as CHANNEL_ERROR with the reason", async () => {
      const closed = await group.start({flags: ["--rule", "news:* join=open"]});
      const {client} = supabase(group, closed.socket_url, options);
      const told = [];
      client.channel("room").subscribe((status, error) => told.push([status, error?.message]));
      await until("it is told", () => told.length > 0);
      assert.deepEqual(told[0], ["CHANNEL_ERROR", "unmatched topic"]);
    });

    test("track() is answered like any push, and nobody is present", async () => {
      const here = await supabase(group, node.socket_url, options).join(topic);
      const there = await supabase(group, node.socket_url, options)
        .join(topic, {broadcast: {ack: true}, presence: {enabled: true}});
      assert.equal(await here.channel.track({name: "ada"}), "ok");
      await here.say("after", {});
      await until("what came after it is heard", () => there.heard.length > 0);
      assert.deepEqual(there.channel.presenceState(), {});
      await here.leave();
      await there.leave();
    });

    test("a listener for changes of a database is SUBSCRIBED, and hears none", async () => {
      const {client} = supabase(group, node.socket_url, options);
      const statuses = [];
      const channel = client.channel("changes");
      channel.on("postgres_changes", {event: "*", schema: "public"}, () => assert.fail("a change"));
      channel.subscribe((status) => statuses.push(status));
      await until("it is told", () => statuses.length > 0);
      assert.deepEqual(statuses, ["SUBSCRIBED"]);
      await channel.unsubscribe();
    });

    test("httpSend() finds nobody: the HTTP API is another", async () => {
      const {client} = supabase(group, node.socket_url, options);
      await assert.rejects(client.channel("room").httpSend("said", {n: 1}), /the endpoint returned 404/);
    });
  });
}

test("as it is made, it hears others, and what it sends is a frame that no other reads",
  in_group(async (own) => {
    const strict = await own.start();
    const client = supabase(own, strict.socket_url, {timeout: 500});
    const room = await client.join(topic);
    await strict.publish(topic, "broadcast", {event: "said", payload: {n: 1}});
    await until("it hears", () => room.heard.length === 1);
    assert.equal(await room.channel.send({type: "broadcast", event: "said", payload: {}}),
      "timed out");
    await until("the log names the reason", () => {
      return /client frame rejected .*reason="binary frame is not a push"/.test(strict.log);
    });
    // The tenth closes the connection; it comes back, as it was.
    for (let i = 1; i < 10; ++i) room.channel.send({type: "broadcast", event: "said", payload: {}});
    await until("it is closed", () => client.codes.length > 0);
    assert.equal(client.codes[0], 1008);
    await until("it has joined again", () => room.is_joined(), 8000);
    await strict.publish(topic, "broadcast", {event: "said", payload: {n: 2}});
    await until("it hears again", () => room.heard.length === 2);
  }));

test("a token is shown in the handshake, and a fresh one by setAuth()", in_group(async (own) => {
  const key = path_join(own.dir, "token.key");
  writeFileSync(key, "correct horse battery staple, and then some\n", {mode: 0o600});
  const guarded = await own.start({flags: ["--token-key-file", key, "--token-leeway", "0",
    "--rule", "realtime:* join=token push=others"]});
  const token = async (seconds) => {
    const {out} = await run(roost, ["token", "--sub", "ada", "--topic", "realtime:*",
      "--expires", String(seconds), "--key-file", key]);
    return out.trim();
  };
  const without = supabase(own, guarded.socket_url, {vsn: "1.0.0"});
  const told = [];
  without.client.channel("room").subscribe((status, error) => told.push([status, error?.message]));
  await until("it is told", () => told.length > 0);
  assert.deepEqual(told[0], ["CHANNEL_ERROR", "token needed"]);

  // The parameters are read anew at each connection.
  const enter = async () => {
    let current = await token(4);
    const params = {apikey: "anon", get token() { return current; }};
    const client = supabase(own, guarded.socket_url, {vsn: "1.0.0", params});
    return {client, room: await client.join(topic), renew: async () => (current = await token(60))};
  };
  const [lazy, eager] = [await enter(), await enter()];
  await lazy.renew();
  await eager.client.client.setAuth(await eager.renew());
  await until("the token of the lazy one has expired", () => lazy.client.codes.length > 0, 10000);
  assert.equal(lazy.client.codes[0], 4001);
  await until("it is back with the fresh one", () => lazy.room.is_joined(), 8000);
  assert.deepEqual(eager.client.codes, [], "the one that called setAuth() stayed");
  await eager.room.say("said", {n: 1});
  await until("it is heard", () => lazy.room.heard.length === 1);
}));
