// hostile: whatever one client sends, another client notices nothing and lives on.
import assert from "node:assert/strict";
import {after, before, test} from "node:test";

import {Raw} from "./lib/client.mjs";
import {Group} from "./lib/node.mjs";
import {until} from "./lib/wait.mjs";

const topic = "room:peace";
let group, node, other_node, witness, far_witness;

before(async () => {
  group = await Group.create();
  node = await group.start({flags: ["--max-frame-bytes", "20000"]});
  other_node = await group.start({peers: [node]});
  witness = await Raw.open(group, node);
  await witness.join(topic);
  far_witness = await Raw.open(group, other_node);
  await far_witness.join(topic);
  await until("the nodes see each other", async () => {
    return (await node.nodes()).get(other_node.name)?.state === "up";
  });
});
after(() => group?.end());

async function attacker(options) {
  const client = await Raw.open(group, node, "?vsn=2.0.0", options);
  await client.join(topic);
  return client;
}

// The witnesses have heard nothing, live, and still hear what is published.
let calm = 0;
async function assert_peace() {
  const n = ++calm;
  await node.publish(topic, "calm", {n});
  for (const client of [witness, far_witness]) {
    assert.equal(await client.next(), `[null,null,"${topic}","calm",{"n":${n}}]`);
    await client.quiet();
  }
}

const bad_frames = {
  "no JSON": ["nonsense", "", " ", "[", "[1,", "{]", '["1","1","room:peace","new_msg",{}',
    "\u0000"],
  "JSON that is no array": ["{}", '"text"', "1", "null", "true"],
  "too few elements": ["[]", "[1]", '["1","1","room:peace","new_msg"]'],
  "an event that is no string": ['["1","2","room:peace",42,{}]', '["1","2","room:peace",null,{}]',
    '["1","2","room:peace",{"a":1},{}]'],
  "JSON with errors in the payload": ['["1","2","room:peace","new_msg",{"a":}]',
    '["1","2","room:peace","new_msg",{"a":1,}]', '["1","2","room:peace","new_msg",{"a":NaN}]',
    '["1","2","room:peace","new_msg",{"a":"\u0001"}]', '["1","2","room:peace","new_msg",{a:1}]',
    '["1","2","room:peace","new_msg",{"a":01}]', '["1","2","room:peace","new_msg",{"a":"\\x"}]',
    '["1","2","room:peace","new_msg",{"a":"\\ud800"}]', '["1","2","room:peace","new_msg",{}] more'],
};

for (const [what, frames] of Object.entries(bad_frames)) {
  test(`${what}: the frame is refused or the connection closed, and nobody else sees it`,
    async () => {
      for (const frame of frames) {
        const client = await attacker();
        client.send(frame);
        client.send('[null,"after","phoenix","heartbeat",{}]');
        const end = client.closed.then(({code}) => code);
        const answers = [];
        let code;
        while (code === undefined && !answers.some((answer) => answer[1] === "after")) {
          const answer = await Promise.race([end, client.next_json().catch(() => end)]);
          if (typeof answer === "number") code = answer;
          else answers.push(answer);
        }
        if (code !== undefined) assert.notEqual(code, 1000, `${frame}: 1000 strands phoenix.js`);
        assert.ok(!answers.some((answer) => answer[3] === "new_msg"), `broadcast: ${frame}`);
        client.ws.terminate();
      }
      await assert_peace();
    });
}

test("wrong types of refs and topics are answered", async () => {
  const client = await attacker();
  for (const frame of ['[{"a":1},[2],42,"new_msg",{}]', '[true,false,null,"phx_join",{}]',
    '[[],{},[],"phx_leave",{}]']) {
    client.send(frame);
    await client.next(`the answer to ${frame}`);
  }
  await client.quiet();
  await assert_peace();
});

test("very long refs, topics and events are refused", async () => {
  const client = await attacker();
  const long = "x".repeat(5000);
  for (const frame of [[long, "1", "room:a", "phx_join", {}], ["1", long, "room:a", "phx_join", {}],
    ["1", "1", long, "phx_join", {}], ["1", "2", topic, long, {}]]) {
    client.send(frame);
    const answer = await client.next("the answer to a long frame");
    assert.ok(!answer.includes(long), "it is not sent back");
  }
  await client.quiet();
  await assert_peace();
});

test("deeply nested JSON is refused", async () => {
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]]) {
    const client = await attacker();
    const deep = open.repeat(2000) + "1" + close.repeat(2000);
    client.send(`["1","2","${topic}","new_msg",{"deep":${deep}}]`);
    client.send(`["1","2","${topic}","new_msg",{"deep":${open.repeat(2000)}`);
    await client.next("the refusal");
    await client.next("the refusal of the half one");
    await client.quiet();
  }
  await assert_peace();
});

test("a client that sends nothing but bad frames is closed", async () => {
  const client = await attacker();
  for (let i = 0; i < 200; ++i) client.send("nonsense");
  assert.notEqual(await client.close_code(), 1000);
  await assert_peace();
});

test("a frame over the limit closes with 1009", async () => {
  const client = await attacker();
  client.send(["1", "2", topic, "new_msg", {big: "x".repeat(20000)}]);
  assert.equal(await client.close_code(), 1009);
  await assert_peace();
});

test("a frame within the limit passes whole", async () => {
  const client = await attacker();
  const frame = ["1", "2", topic, "new_msg", {big: "x".repeat(19000)}];
  client.send(frame);
  for (const listener of [client, witness, far_witness]) {
    const heard = [await listener.next_json()];
    if (heard[0][3] === "phx_reply") heard[0] = await listener.next_json();
    assert.deepEqual(heard[0], [null, null, topic, "new_msg", frame[4]]);
  }
  client.ws.terminate();
  await assert_peace();
});

test("fragments over the limit together close with 1009", async () => {
  const client = await attacker();
  for (let i = 0; i < 10; ++i) client.send("x".repeat(4000), {fin: false});
  assert.equal(await client.close_code(), 1009);
  await assert_peace();
});

test("text that is not UTF-8 closes with 1007", async () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80],
    [0xe2, 0x82]]) {
    const client = await attacker();
    client.send(Buffer.concat([Buffer.from(`["1","2","${topic}","new_msg",{"a":"`),
      Buffer.from(bytes), Buffer.from('"}]')]));
    assert.equal(await client.close_code(), 1007, Buffer.from(bytes).toString("hex"));
  }
  await assert_peace();
});

test("a message in fragments is one message, and bytes may break anywhere", async () => {
  const client = await attacker();
  const text = Buffer.from(`["1","2","${topic}","new_msg",{"a":"é室😀"}]`);
  for (let i = 0; i < text.length; ++i) {
    client.send(text.subarray(i, i + 1), {fin: i === text.length - 1});
  }
  for (const listener of [witness, far_witness]) {
    assert.equal(await listener.next(), `[null,null,"${topic}","new_msg",{"a":"é室😀"}]`);
  }
  client.ws.terminate();
  await assert_peace();
});

test("breaches of the WebSocket protocol close the connection", async () => {
  const breaches = {
    "an unknown opcode": (client) => client.ws._socket.write(Buffer.from([0x83, 0x80, 1, 2, 3, 4])),
    "a reserved bit": (client) => client.ws._socket.write(Buffer.from([0xf1, 0x80, 1, 2, 3, 4])),
    "a ping in fragments": (client) => client.ws._socket.write(Buffer.from([9, 0x80, 1, 2, 3, 4])),
  };
  for (const [what, commit] of Object.entries(breaches)) {
    const client = await attacker();
    commit(client);
    assert.notEqual(await client.close_code(), 1000, what);
  }
  await assert_peace();
});

test("a binary frame is refused or closes the connection, and nobody else sees it", async () => {
  for (const bytes of [[], [0], [1, 2, 3], [0, 255, 255, 255, 255], [3, 0, 0, 0, 0]]) {
    const client = await attacker();
    client.send(Buffer.from(bytes), {binary: true});
    const answer = await Promise.race([client.closed, client.next().catch(() => client.closed)]);
    if (answer.code !== undefined) assert.notEqual(answer.code, 1000);
    client.ws.terminate();
  }
  await assert_peace();
});

test("a client that does not read is closed, and the others hear everything in time", async () => {
  const small = await group.start({flags: ["--max-queue-bytes", "200000"]});
  const [slow, sender, reader] = await Promise.all([1, 2, 3].map(async () => {
    const client = await Raw.open(group, small);
    await client.join("room:slow");
    return client;
  }));
  slow.ws._socket.pause();
  const body = "x".repeat(100000);
  let heard = 0;
  reader.ws.on("message", () => ++heard);
  const count = 200;
  for (let n = 1; n <= count; ++n) {
    sender.send(["1", String(n), "room:slow", "new_msg", {n, body}]);
    if (n % 10 === 0) await until(`message ${n} is heard`, () => heard >= n);
  }
  await until("the node has let go of the slow client", async () => {
    return (await small.roost_json(["topics"])).find((row) => row.channels === 2);
  });
  slow.ws._socket.resume();
  assert.notEqual(await slow.close_code(), 1000);
  await reader.quiet().catch(() => {});  // It has many unread frames; that it lives is enough.
  assert.equal(reader.ws.readyState, 1);
});

test("nonsense on the port of the clients and on the group's ports harms nobody", async () => {
  const {connect} = await import("node:net");
  const noise = Buffer.from(Array.from({length: 4096}, (_, i) => (i * 167 + 13) % 256));
  for (const port of [node.port, node.group_port, node.group_port + 1]) {
    await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.end(noise));
      socket.on("error", () => {});
      socket.on("close", resolve);
      socket.setTimeout(3000, () => socket.destroy());
      socket.resume();
    });
  }
  await assert_peace();
  assert.ok(node.child.is_running);
});
