// rows: what Phoenix does and no other test holds, row by row, from the outside.
import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";

import {stand_still} from "./lib/child.mjs";
import {Raw, connect, join, push} from "./lib/client.mjs";
import {Group, in_group, meshed} from "./lib/node.mjs";
import {Line, handshake} from "./lib/raw_http.mjs";
import {RawWebSocket, frame, opcodes} from "./lib/raw_ws.mjs";
import {until, within} from "./lib/wait.mjs";

let group, node;
before(async () => {
  group = await Group.create();
  node = await group.start();
});
after(() => group?.end());

const ok = (join_ref, ref, topic) => {
  return `[${join_ref},${ref},"${topic}","phx_reply",{"response":{},"status":"ok"}]`;
};

describe("the handshake", () => {
  const head_for = async (changes, query = "vsn=2.0.0") => {
    const line = await Line.open(group, node.port);
    line.send(handshake(changes, `GET /socket/websocket?${query} HTTP/1.1`));
    await until("it is answered", () => line.text.includes("\r\n\r\n"));
    line.socket.destroy();
    return line.text;
  };

  test("the answer proves that the key was read, and says nothing of what was not asked for",
    async () => {
      const head = await head_for();
      assert.match(head, /^HTTP\/1\.1 101 /);
      assert.match(head, /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
      assert.match(head, /\r\nupgrade: websocket\r\n/i);
      assert.doesNotMatch(head, /sec-websocket-(extensions|protocol)/i);
    });

  test("compression that is offered is not taken", async () => {
    const head = await head_for({
      "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"});
    assert.match(head, /^HTTP\/1\.1 101 /);
    assert.doesNotMatch(head, /sec-websocket-extensions/i);
  });

  test("parameters of every shape are taken, a vsn of another shape is not", async () => {
    for (const [query, status] of [
      ["user_id=alice&nested%5Bx%5D=1&nested%5By%5D%5B0%5D=p&vsn=2.0.0", 101],
      ["a[b]=1&a[]=x&&=&vsn=2.0.0", 101], ["vsn[]=2.0.0", 403], ["vsn%5B%5D=2.0.0", 403],
      ["vsn=", 403], ["vsn=2", 403]]) {
      const head = await head_for({}, query);
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), query);
    }
  });

  test("of two vsn the last counts: phoenix.js puts its own behind those of the page", async () => {
    const client = await connect(group, node.socket_url, {params: {vsn: "1.0.0", other: "x"}});
    const channel = await join(client, "room:vsn");
    await push(channel, "said", {n: 1});
    assert.deepEqual(channel.heard, [{event: "said", payload: {n: 1}}]);
    assert.match(await head_for({}, "vsn=2.0.0&vsn=9"), /^HTTP\/1\.1 403 /);
  });
});

describe("joins", () => {
  test("the payload may be anything", async () => {
    const client = await Raw.open(group, node);
    for (const [i, payload] of ['"text"', "[1,2]", "null", "1", "true", "{}"].entries()) {
      assert.equal(await client.ask(`["${i}","${i}","room:any-${i}","phx_join",${payload}]`),
        ok(`"${i}"`, `"${i}"`, `room:any-${i}`));
    }
  });

  test("a topic with a NUL is a topic", async () => {
    const client = await Raw.open(group, node);
    const topic = "room:\\u0000";
    assert.equal(await client.ask(`["1","1","${topic}","phx_join",{}]`), ok('"1"', '"1"', topic));
    client.send(`["1","2","${topic}","new_msg",{}]`);
    assert.equal(await client.next(), `[null,null,"${topic}","new_msg",{}]`);
  });

  test("a second join with the same join_ref is a join like another", async () => {
    const client = await Raw.open(group, node);
    await client.join("room:same");
    client.send('["1","1","room:same","phx_join",{}]');
    assert.equal(await client.next(), ok('"1"', '"1"', "room:same"));
    assert.equal(await client.next(), '["1","1","room:same","phx_close",{}]');
    client.send('["1","2","room:same","new_msg",{}]');
    assert.equal(await client.next(), '[null,null,"room:same","new_msg",{}]');
    assert.equal(await client.next(), ok('"1"', '"2"', "room:same"));
  });

  test("after a join with a null join_ref its ref is none that a push may carry", async () => {
    const client = await Raw.open(group, node);
    await client.ask('[null,"5","room:null","phx_join",{}]');
    const answer = JSON.parse(await client.ask('["5","6","room:null","new_msg",{}]'));
    assert.deepEqual(answer[4], {response: {reason: "stale"}, status: "error"});
    client.send('[null,"7","room:null","new_msg",{}]');
    assert.equal(await client.next(), '[null,null,"room:null","new_msg",{}]');
    assert.equal(await client.next(), ok('"5"', '"7"', "room:null"));
  });

  test("a join that waits holds up its own channel alone", in_group(async (own) => {
    const first = await own.start();
    const second = await own.start({peers: [first]});
    await meshed([first, second]);
    const client = await Raw.open(own, first);
    await client.join("room:there");
    await stand_still(second.child);
    client.send('["2","2","room:waits","phx_join",{}]');
    client.send('["2","3","room:waits","new_msg",{}]');
    client.send('["1","4","room:there","new_msg",{}]');
    client.send('[null,"5","phoenix","heartbeat",{}]');
    assert.equal(await client.next(), '[null,null,"room:there","new_msg",{}]');
    assert.equal(await client.next(), ok('"1"', '"4"', "room:there"));
    assert.equal(await client.next(), ok("null", '"5"', "phoenix"));
    second.child.signal("SIGCONT");
    assert.equal(await client.next(), ok('"2"', '"2"', "room:waits"));
    assert.equal(await client.next(), '[null,null,"room:waits","new_msg",{}]');
    assert.equal(await client.next(), ok('"2"', '"3"', "room:waits"));
  }));
});

describe("ends", () => {
  test("the code of a close comes back, and no reason", async () => {
    for (const code of [1000, 1001, 1011, 3000, 4999]) {
      const client = await RawWebSocket.open(group, node);
      client.send(frame(opcodes.close, Buffer.concat([
        Buffer.from([code >> 8, code & 255]), Buffer.from("a reason")])));
      assert.equal(await client.ended(), code);
    }
  });

  test("the node's own closes have no reason", async () => {
    const client = await Raw.open(group, node);
    for (let i = 0; i < 10; ++i) client.send("nonsense");
    const {code, reason} = await within(5000, "the close", client.closed);
    assert.deepEqual([code, reason], [1008, ""]);
  });

  test("pings of a client do not count as words of it, answers to the node's do",
    in_group(async (own) => {
      const strict = await own.start({flags: ["--idle-timeout", "2"]});
      const silent = await Raw.open(own, strict, "?vsn=2.0.0", {autoPong: false});
      const answering = await Raw.open(own, strict);
      let pongs = 0;
      silent.ws.on("pong", () => ++pongs);
      const pinging = setInterval(() => {
        if (silent.ws.readyState === 1) silent.ws.ping();
      }, 100);
      own.add(() => clearInterval(pinging));
      assert.equal(await silent.close_code(8000), 1001);
      assert.ok(pongs > 0, "they were answered");
      await answering.quiet();
    }));
});

describe("phoenix.js", () => {
  const quick = {rejoinAfterMs: () => 30};

  test("a refused join is tried again by itself, and is taken when there is room", in_group(
    async (own) => {
      const small = await own.start({flags: ["--max-channels", "1"]});
      const socket = await connect(own, small.socket_url, quick);
      const first = await join(socket, "room:1");
      const second = socket.channel("room:2", {});
      const reasons = [];
      second.join().receive("error", ({reason}) => reasons.push(reason));
      await until("it is refused, and again", () => reasons.length > 1);
      assert.equal(reasons[0], "too many channels joined");
      first.leave();
      await until("it is in", () => second.state === "joined");
    }));

  test("what is pushed before the join is answered is sent after it, in order", async () => {
    const socket = await connect(group, node.socket_url);
    const channel = socket.channel("room:early", {});
    const heard = [];
    channel.on("said", ({n}) => heard.push(n));
    channel.join();
    for (let n = 1; n <= 20; ++n) channel.push("said", {n});
    await until("all is heard", () => heard.length === 20);
    assert.deepEqual(heard, Array.from({length: 20}, (_, i) => i + 1));
  });

  test("a second channel of a topic takes the place of the first", async () => {
    const socket = await connect(group, node.socket_url, quick);
    const old = await join(socket, "room:two");
    const fresh = await join(socket, "room:two");
    await push(fresh, "said", {n: 1});
    assert.equal(old.state, "closed");
    assert.deepEqual(fresh.heard, [{event: "said", payload: {n: 1}}]);
    const {channels} = (await node.roost_json(["topics"])).find((row) => row.topic === "room:two");
    assert.equal(channels, 1);
  });

  test("leave and join in one go, many times, end in one joined channel", async () => {
    const socket = await connect(group, node.socket_url, quick);
    let channel;
    for (let round = 0; round < 10; ++round) {
      channel = socket.channel("room:flap", {});
      channel.join();
      if (round < 9) channel.leave();
    }
    await until("the last one is joined", () => channel.state === "joined");
    const heard = [];
    channel.on("said", ({n}) => heard.push(n));
    await push(channel, "said", {n: 1});
    assert.deepEqual(heard, [1]);
  });
});
