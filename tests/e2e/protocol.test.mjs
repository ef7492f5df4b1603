// protocol: the exact text frames of Phoenix V2, as an existing client knows them.
import assert from "node:assert/strict";
import {after, before, describe, test} from "node:test";

import {Raw, upgrade_status} from "./lib/client.mjs";
import {Group, http_get} from "./lib/node.mjs";

const ok = (join_ref, ref, topic) => {
  return `[${join_ref},${ref},"${topic}","phx_reply",{"response":{},"status":"ok"}]`;
};
const refused = (join_ref, ref, topic, reason) => {
  const payload = `{"response":{"reason":"${reason}"},"status":"error"}`;
  return `[${join_ref},${ref},"${topic}","phx_reply",${payload}]`;
};

let group, node;
before(async () => {
  group = await Group.create();
  node = await group.start();
});
after(() => group?.end());

async function joined(topic, ref = "1") {
  const client = await Raw.open(group, node);
  await client.join(topic, ref);
  return client;
}

describe("joins", () => {
  test("a join is answered with an empty ok", async () => {
    const client = await Raw.open(group, node);
    assert.equal(await client.ask('["1","1","room:a","phx_join",{"p":1}]'),
      '["1","1","room:a","phx_reply",{"response":{},"status":"ok"}]');
  });

  test("a second join of a topic: the new one is answered, the old one is closed", async () => {
    const client = await joined("room:twice");
    client.send('["2","2","room:twice","phx_join",{}]');
    assert.equal(await client.next(), ok('"2"', '"2"', "room:twice"));
    assert.equal(await client.next(), '["1","1","room:twice","phx_close",{}]');
    client.send('["2","3","room:twice","new_msg",{"n":1}]');
    assert.deepEqual(new Set([await client.next(), await client.next()]),
      new Set([ok('"2"', '"3"', "room:twice"), '[null,null,"room:twice","new_msg",{"n":1}]']));
    await client.quiet();
  });

  test("a null join_ref: the ref stands for it in replies, and pushes carry null", async () => {
    const client = await Raw.open(group, node);
    assert.equal(await client.ask('[null,"5","room:null","phx_join",{}]'),
      ok('"5"', '"5"', "room:null"));
    client.send('[null,"6","room:null","phx_leave",{}]');
    assert.equal(await client.next(), ok('"5"', '"6"', "room:null"));
    assert.equal(await client.next(), '[null,null,"room:null","phx_close",{}]');
  });

  test("number refs are echoed as numbers, and a string is not the same ref", async () => {
    const client = await Raw.open(group, node);
    assert.equal(await client.ask('[7,8,"room:number","phx_join",{}]'), ok(7, 8, "room:number"));
    const answer = JSON.parse(await client.ask('["7",9,"room:number","new_msg",{}]'));
    assert.deepEqual(answer.slice(1), [9, "room:number", "phx_reply",
      {response: {reason: "stale"}, status: "error"}]);
    client.send('[7,{"o":1},"room:number","phx_leave",{}]');
    assert.equal(await client.next(), ok(7, '{"o":1}', "room:number"));
    assert.equal(await client.next(), '[7,7,"room:number","phx_close",{}]');
  });

  test("topics are any string: colons, spaces, quotes, other alphabets", async () => {
    const client = await Raw.open(group, node);
    for (const topic of ["room:a:b/c d", "room:\"q\"\\", "raum:größe", "室:1", "room:*", "r"]) {
      client.send(["1", "1", topic, "phx_join", {}]);
      client.send(["1", "2", topic, "new_msg", {}]);
      const frames = [await client.next_json(), await client.next_json(), await client.next_json()];
      const broadcast = frames.find((frame) => frame[3] === "new_msg");
      assert.deepEqual(broadcast, [null, null, topic, "new_msg", {}]);
    }
  });

  test("a topic that is no string is unmatched", async () => {
    const client = await Raw.open(group, node);
    for (const topic of ["42", "null", '{"a":1}']) {
      const reply = '{"response":{"reason":"unmatched topic"},"status":"error"}';
      assert.equal(await client.ask(`["1","1",${topic},"phx_join",{}]`),
        `[null,"1",${topic},"phx_reply",${reply}]`);
    }
  });

  test("a channel more than the limit is refused, a second join of a topic is not", async () => {
    const small = await group.start({flags: ["--max-channels", "2"]});
    const client = await Raw.open(group, small);
    await client.join("room:1", "1");
    await client.join("room:2", "2");
    assert.equal(await client.ask('["3","3","room:3","phx_join",{}]'),
      refused('"3"', '"3"', "room:3", "too many channels joined"));
    assert.equal(await client.ask('["4","4","room:2","phx_join",{}]'),
      ok('"4"', '"4"', "room:2"));
    assert.equal(await client.next(), '["2","2","room:2","phx_close",{}]');
    client.send('["4","5","room:2","phx_leave",{}]');
    assert.equal(await client.next(), ok('"4"', '"5"', "room:2"));
    assert.equal(await client.next(), '["4","4","room:2","phx_close",{}]');
    assert.equal(await client.ask('["6","6","room:3","phx_join",{}]'),
      ok('"6"', '"6"', "room:3"));
  });
});

describe("heartbeats", () => {
  test("a heartbeat is answered on the topic phoenix", async () => {
    const client = await Raw.open(group, node);
    assert.equal(await client.ask('[null,"1","phoenix","heartbeat",{}]'),
      '[null,"1","phoenix","phx_reply",{"response":{},"status":"ok"}]');
  });

  test("its join_ref and payload do not matter, its ref is echoed", async () => {
    const client = await Raw.open(group, node);
    assert.equal(await client.ask('["9",17,"phoenix","heartbeat",[1]]'), ok("null", 17, "phoenix"));
  });

  test("nothing else lives on the topic phoenix", async () => {
    const client = await Raw.open(group, node);
    assert.equal(await client.ask('["1","1","phoenix","phx_join",{}]'),
      refused("null", '"1"', "phoenix", "unmatched topic"));
    assert.equal(await client.ask('[null,"2","phoenix","other",{}]'),
      refused("null", '"2"', "phoenix", "unmatched topic"));
  });
});

describe("pushes", () => {
  test("a broadcast has null refs, and the push is answered", async () => {
    const client = await joined("room:push");
    const other = await joined("room:push", "9");
    client.send('["1","3","room:push","new_msg",{"body":"hi"}]');
    assert.deepEqual(new Set([await client.next(), await client.next()]), new Set([
      '[null,null,"room:push","new_msg",{"body":"hi"}]', ok('"1"', '"3"', "room:push")]));
    assert.equal(await other.next(), '[null,null,"room:push","new_msg",{"body":"hi"}]');
    await other.quiet();
  });

  test("a null join_ref is accepted on a joined topic", async () => {
    const client = await joined("room:nullpush");
    client.send('[null,"3","room:nullpush","new_msg",{}]');
    assert.deepEqual(new Set([await client.next(), await client.next()]), new Set([
      '[null,null,"room:nullpush","new_msg",{}]', ok('"1"', '"3"', "room:nullpush")]));
  });

  test("the payload travels as the bytes that came", async () => {
    const client = await joined("room:bytes");
    const other = await joined("room:bytes");
    const payload = '{"z":1.0, "a":1e2,"big":123456789012345678901234567890,"z":"\\u00e9é/\\/",' +
      '"n":-0.0,"deep":{"e":[ ]}}';
    client.send(`["1","3","room:bytes","new_msg",${payload}]`);
    assert.equal(await other.next(), `[null,null,"room:bytes","new_msg",${payload}]`);
  });

  test("more than five elements and white space around are accepted", async () => {
    const client = await joined("room:more");
    const other = await joined("room:more");
    client.send(' [ "1" , "3" , "room:more" , "new_msg" , {} , "more" , [1] ] \n');
    assert.equal(await other.next(), '[null,null,"room:more","new_msg",{}]');
  });

  test("names of the server are ordinary events, but for those of the protocol", async () => {
    const client = await joined("room:names");
    const other = await joined("room:names");
    for (const event of ["phx_error", "phx_close", "phx_reply"]) {
      assert.equal(await client.ask(["1", "3", "room:names", event, {}]),
        refused('"1"', '"3"', "room:names", "reserved event"));
    }
    for (const event of ["presence_state", "disconnect"]) {
      client.send(["1", "3", "room:names", event, {}]);
      assert.equal(await other.next(), `[null,null,"room:names","${event}",{}]`);
    }
  });

  test("a push without a join is an unmatched topic, with a null join_ref", async () => {
    const client = await Raw.open(group, node);
    for (const event of ["new_msg", "phx_close", "phx_reply"]) {
      assert.equal(await client.ask(["1", "4", "room:nowhere", event, {}]),
        refused("null", '"4"', "room:nowhere", "unmatched topic"));
    }
  });

  test("a push of an earlier join is told that it is stale, and nobody hears it", async () => {
    const client = await joined("room:stale", "2");
    const other = await joined("room:stale");
    const answer = JSON.parse(await client.ask('["1","4","room:stale","new_msg",{}]'));
    assert.deepEqual(answer.slice(1), ["4", "room:stale", "phx_reply",
      {response: {reason: "stale"}, status: "error"}]);
    await client.quiet();
    await other.quiet();
  });

  test("a payload that is no object is refused, and nobody hears it", async () => {
    const client = await joined("room:object");
    const other = await joined("room:object");
    for (const payload of ['"text"', "[1,2]", "null", "1", "true"]) {
      assert.equal(await client.ask(`["1","4","room:object","new_msg",${payload}]`),
        refused('"1"', '"4"', "room:object", "payload must be an object"));
    }
    await client.quiet();
    await other.quiet();
  });
});

describe("leaves", () => {
  test("a leave is answered by a reply and then a close, and ends the broadcasts", async () => {
    const client = await joined("room:leave");
    const other = await joined("room:leave");
    client.send('["1","8","room:leave","phx_leave",{}]');
    assert.equal(await client.next(), ok('"1"', '"8"', "room:leave"));
    assert.equal(await client.next(), '["1","1","room:leave","phx_close",{}]');
    other.send('["1","2","room:leave","new_msg",{}]');
    await other.next();
    await client.quiet();
  });

  test("a leave without a join is answered ok, without a close", async () => {
    const client = await Raw.open(group, node);
    assert.equal(await client.ask('["9","10","room:none","phx_leave",{}]'),
      ok('"9"', '"10"', "room:none"));
    await client.quiet();
  });

  test("leave and join in one go: the new channel lives", async () => {
    const client = await joined("room:again");
    client.send('["1","2","room:again","phx_leave",{}]');
    client.send('["3","3","room:again","phx_join",{}]');
    client.send('["3","4","room:again","new_msg",{"n":1}]');
    assert.equal(await client.next(), ok('"1"', '"2"', "room:again"));
    assert.equal(await client.next(), '["1","1","room:again","phx_close",{}]');
    assert.equal(await client.next(), ok('"3"', '"3"', "room:again"));
    assert.deepEqual(new Set([await client.next(), await client.next()]), new Set([
      '[null,null,"room:again","new_msg",{"n":1}]', ok('"3"', '"4"', "room:again")]));
  });
});

describe("rules", () => {
  let ruled;
  before(async () => {
    ruled = await group.start({flags: [
      "--rule", "room:* join=open push=broadcast", "--rule", "quiet:* join=open push=others",
      "--rule", "news join=open push=deny", "--rule", "secret:* join=deny push=deny"]});
  });

  const client_of = async (topic) => {
    const client = await Raw.open(group, ruled);
    await client.join(topic);
    return client;
  };

  test("a topic that no rule matches is unmatched", async () => {
    const client = await Raw.open(group, ruled);
    for (const topic of ["room", "ROOM:1", "newsletter"]) {
      assert.equal(await client.ask(["1", "1", topic, "phx_join", {}]),
        refused("null", '"1"', topic, "unmatched topic"));
    }
  });

  test("push=others: all but the sender hear it", async () => {
    const [client, other] = [await client_of("quiet:1"), await client_of("quiet:1")];
    assert.equal(await client.ask('["1","2","quiet:1","new_msg",{}]'),
      ok('"1"', '"2"', "quiet:1"));
    assert.equal(await other.next(), '[null,null,"quiet:1","new_msg",{}]');
    await client.quiet();
  });

  test("push=deny: the push is refused, `roost pub` is not", async () => {
    const [client, other] = [await client_of("news"), await client_of("news")];
    const answer = JSON.parse(await client.ask('["1","2","news","new_msg",{}]'));
    assert.deepEqual([answer[0], answer[1], answer[4].status], ["1", "2", "error"]);
    await other.quiet();
    await ruled.publish("news", "new_msg", {});
    assert.equal(await other.next(), '[null,null,"news","new_msg",{}]');
  });

  test("join=deny: the join is refused", async () => {
    const client = await Raw.open(group, ruled);
    const answer = JSON.parse(await client.ask('["1","1","secret:1","phx_join",{}]'));
    assert.deepEqual([answer[1], answer[2], answer[4].status], ["1", "secret:1", "error"]);
  });
});

describe("connections", () => {
  test("only versions 2.0.x are spoken", async () => {
    const url = `${node.socket_url}/websocket`;
    for (const vsn of ["3.0.0", "2.1.0", "abc", "2", ""]) {
      assert.equal(await upgrade_status(`${url}?vsn=${vsn}`), 403, `vsn=${vsn}`);
    }
    for (const vsn of ["2.0.0", "2.0.7"]) {
      assert.equal(await upgrade_status(`${url}?vsn=${vsn}`), 101, `vsn=${vsn}`);
    }
    assert.equal(await upgrade_status(`${url}?user=a%20b&list[]=1&vsn=2.0.0`), 101);
  });

  test("an unknown path is 404, with and without an upgrade", async () => {
    assert.equal((await node.get("/nowhere")).status, 404);
    assert.equal(await upgrade_status(`ws://${node.listen}/nowhere?vsn=2.0.0`), 404);
    assert.equal(await upgrade_status(`ws://${node.listen}/socket?vsn=2.0.0`), 404);
  });

  test("a GET of the socket's path that is no WebSocket is 400", async () => {
    assert.equal((await node.get("/socket/websocket?vsn=2.0.0")).status, 400);
  });

  test("the path can be another", async () => {
    const elsewhere = await group.start({flags: ["--socket-path", "/live/chat"]});
    const base = `ws://${elsewhere.listen}`;
    assert.equal(await upgrade_status(`${base}/live/chat/websocket?vsn=2.0.0`), 101);
    assert.equal(await upgrade_status(`${base}/socket/websocket?vsn=2.0.0`), 404);
  });

  test("/healthz, /readyz and /metrics answer", async () => {
    assert.equal((await node.get("/healthz")).status, 200);
    assert.equal((await node.get("/readyz")).status, 200);
    const metrics = await node.get("/metrics");
    assert.equal(metrics.status, 200);
    assert.match(metrics.headers["content-type"], /^text\/plain/);
    assert.match(metrics.body, /^roost_\w+(\{[^}]*\})? \d+/m);
    assert.equal((await http_get(`${node.url}/`)).status, 404, "no page without --try-page");
  });

  test("a client that answers pings stays, a silent one is closed and may reconnect", async () => {
    const strict = await group.start({flags: ["--idle-timeout", "2"]});
    const silent = await Raw.open(group, strict, "?vsn=2.0.0", {autoPong: false});
    const alive = await Raw.open(group, strict);
    const code = await silent.close_code(8000);
    assert.notEqual(code, 1000);
    await alive.quiet();
  });
});
