// longpoll: clients without a WebSocket, as phoenix.js speaks it, on any node of the group.
import assert from "node:assert/strict";
import {readFileSync, writeFileSync} from "node:fs";
import {test} from "node:test";

import {LongPoll} from "phoenix";

import {run} from "./lib/child.mjs";
import {connect, join, push, Raw} from "./lib/client.mjs";
import {blocking_proxy, round_robin} from "./lib/gateways.mjs";
import {in_group, meshed, roost} from "./lib/node.mjs";
import {Line, request} from "./lib/raw_http.mjs";
import {until, within} from "./lib/wait.mjs";

const window_flags = ["--longpoll-window", "500"];
const ndjson = {"content-type": "application/x-ndjson"};

function url_of(node, query = "") {
  return `${node.url}/socket/longpoll?vsn=2.0.0${query}`;
}

async function ask(url, options = {}) {
  const answer = await within(30000, `the answer of ${url}`, fetch(url, options));
  const text = await answer.text();
  return {status: answer.status, headers: answer.headers, text, body: text ? JSON.parse(text) : null};
}

// A session, spoken to by hand.
class Session {
  static async open(node, query = "") {
    const session = new Session();
    session.node = node;
    session.query = query;
    const {body} = await ask(url_of(node, query));
    assert.equal(body.status, 410);
    session.token = body.token;
    return session;
  }

  get url() {
    return url_of(this.node, `${this.query}&token=${this.token}`);
  }

  async get(options) {
    const {body} = await ask(this.url, options);
    return {status: body.status, messages: body.messages?.map((text) => JSON.parse(text))};
  }

  async post(frames, headers = ndjson) {
    const body = frames.map((frame) => Array.isArray(frame) ? JSON.stringify(frame) : frame).join("\n");
    return (await ask(this.url, {method: "POST", headers, body})).body.status;
  }

  async join(topic) {
    await this.post([["1", "1", topic, "phx_join", {}]]);
    const {messages} = await this.get();
    assert.deepEqual(messages, [["1", "1", topic, "phx_reply", {response: {}, status: "ok"}]]);
  }
}

function poller(group, socket_url, options = {}) {
  return connect(group, socket_url.replace(/^ws/, "http"), {transport: LongPoll, ...options});
}

async function metric(node, name) {
  const {body} = await node.get("/metrics");
  return Number(body.match(new RegExp(`^roost_${name} (\\d+)$`, "m"))[1]);
}

test("each request is answered as by Phoenix", in_group(async (group) => {
  const node = await group.start({flags: window_flags});
  const fresh = await ask(url_of(node));
  assert.equal(fresh.status, 200);
  assert.equal(fresh.headers.get("content-type"), "application/json; charset=utf-8");
  assert.equal(fresh.headers.get("cache-control"), "no-store");
  assert.equal(fresh.headers.get("access-control-allow-origin"), "*");
  assert.match(fresh.text, /^\{"messages":\[\],"status":410,"token":"[\w-]{34}"\}$/);

  const session = new Session();
  Object.assign(session, {node, query: "", token: fresh.body.token});
  const posted = await ask(session.url, {method: "POST", headers: ndjson, body: [
    '["1","1","room:lp","phx_join",{}]', '["1","2","room:lp","say",{"a":"\\u00fc\\"\\n"}]', "",
  ].join("\n")});
  assert.equal(posted.text, '{"status":200}');
  assert.equal((await ask(session.url)).text, `{"messages":[${[
    '["1","1","room:lp","phx_reply",{"response":{},"status":"ok"}]',
    '[null,null,"room:lp","say",{"a":"\\u00fc\\"\\n"}]',
    '["1","2","room:lp","phx_reply",{"response":{},"status":"ok"}]',
  ].map((text) => JSON.stringify(text)).join(",")}],"status":200,"token":"${session.token}"}`);
  assert.equal((await ask(session.url)).text,
    `{"messages":[],"status":204,"token":"${session.token}"}`);

  // Without the content type of lines the whole body is one frame.
  const whole = {method: "POST", body: '["1","3","room:lp",\n"say",{}]'};
  assert.equal((await ask(session.url, whole)).text, '{"status":200}');
  assert.deepEqual((await session.get()).messages.map((frame) => frame[3]), ["say", "phx_reply"]);

  const by_header = {"x-phoenix-longpoll-token": session.token};
  assert.equal((await ask(url_of(node, "&token=other"), {headers: by_header})).body.status, 204);
  const other = await ask(url_of(node, `&token=${session.token.replace(/./, "_")}`));
  assert.equal(other.body.status, 410, "of a node that is not there");
  assert.notEqual(other.body.token, session.token);
  for (const query of ["", "&token=abc", `&token=${other.body.token.slice(0, -4)}AAAA`]) {
    const dead = await ask(url_of(node, query), {method: "POST", headers: ndjson, body: "[]"});
    assert.equal(dead.text, '{"status":410}', query);
  }
  assert.equal((await ask(`${node.url}/socket/longpoll?vsn=3.0.0`)).body.status, 403);
  const alien = {headers: {origin: "https://elsewhere.example"}};
  assert.equal((await ask(url_of(node), alien)).body.status, 403);
}));

test("other methods, preflights and bodies without measure", in_group(async (group) => {
  const node = await group.start();
  for (const method of ["PUT", "DELETE", "PATCH"]) {
    const answer = await ask(url_of(node), {method, body: "x"});
    assert.deepEqual([answer.status, answer.text], [400, ""], method);
  }
  const asked = {method: "OPTIONS", headers: {"access-control-request-headers": "content-type,x-a"}};
  const preflight = await ask(url_of(node), asked);
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers.get("access-control-allow-headers"), "content-type,x-a");
  assert.equal(preflight.headers.get("access-control-allow-methods"), "get, post, options");
  assert.equal(preflight.headers.get("access-control-max-age"), "3600");
  const session = await Session.open(node);
  const huge = {method: "POST", headers: ndjson, body: "x".repeat(8_000_001)};
  const refused = await fetch(session.url, huge).catch((error) => error);
  assert.ok(refused instanceof Error || refused.status === 400, "no more than 8 MB");
  await session.join("room:after");
}));

test("a bad frame is told to its client, and the session lives on", in_group(async (group) => {
  const node = await group.start();
  const session = await Session.open(node);
  await session.join("room:bad");
  assert.equal(await session.post(["{not json", "!!!", ["1", "2", "room:bad", "say", {}]]), 200);
  const {messages} = await session.get();
  assert.deepEqual(messages.map((frame) => frame[3]), ["phx_error", "phx_error", "say", "phx_reply"]);
}));

test("a get that waits is answered by the next message; a newer one takes its place",
  in_group(async (group) => {
    const node = await group.start({flags: ["--longpoll-window", "1500"]});
    const session = await Session.open(node);
    await session.join("room:wait");
    const older = session.get();
    await until("it waits", async () => (await metric(node, "longpoll_waiting")) === 1);
    const newer = session.get();
    await until("both wait", async () => (await metric(node, "longpoll_waiting")) === 2);
    await node.publish("room:wait", "say", {n: 1});
    assert.deepEqual((await newer).messages, [[null, null, "room:wait", "say", {n: 1}]]);
    assert.deepEqual(await older, {status: 204, messages: []});
  }));

test("what a get did not take along is there for the next", in_group(async (group) => {
  const node = await group.start({shards: 1, flags: ["--longpoll-window", "20000"]});
  const session = await Session.open(node);
  await session.join("room:cut");
  const cut = new AbortController();
  const lost = session.get({signal: cut.signal}).catch((error) => error.name);
  await until("it waits", async () => (await metric(node, "longpoll_waiting")) === 1);
  cut.abort();
  assert.equal(await lost, "AbortError");
  await until("the node knows", async () => (await metric(node, "longpoll_waiting")) === 0);
  await node.publish("room:cut", "say", {n: 2});
  assert.deepEqual((await session.get()).messages, [[null, null, "room:cut", "say", {n: 2}]]);
}));

test("a client that says more while it waits, or hangs up, does not keep the node busy",
  in_group(async (group) => {
    const node = await group.start({shards: 1, flags: ["--longpoll-window", "2000"]});
    const session = await Session.open(node);
    const line = await Line.open(group, node.port);
    const ticks = () => readFileSync(`/proc/${node.pid}/stat`, "utf8").split(" ").slice(13, 15)
      .reduce((sum, text) => sum + Number(text), 0);
    const get = `GET ${new URL(session.url).pathname}${new URL(session.url).search} HTTP/1.1`;
    line.send(request(get, {Host: "x"}));
    await until("it waits", async () => (await metric(node, "longpoll_waiting")) === 1);
    line.send("GET /healthz HTTP/1.1\r\nHost: x\r\n");
    const [before, since] = [ticks(), performance.now()];
    await until("it is answered", () => line.text.includes('"status":204'));
    const share = (ticks() - before) * 10 / (performance.now() - since);
    assert.ok(share < 0.4, `the node used ${Math.round(share * 100)} % of a core meanwhile`);
    await line.until_closed();

    for (const more of ["", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"]) {
      const other = await Line.open(group, node.port);
      other.send(request(get, {Host: "x"}));
      await until("it waits", async () => (await metric(node, "longpoll_waiting")) === 1);
      if (more) other.send(more);
      else other.socket.destroy();
      await until("the node knows", async () => (await metric(node, "longpoll_waiting")) === 0, 1500);
      if (more) assert.equal(await other.until_closed(), "", "whoever says more is gone");
    }
  }));

test("requests in one go: the first counts, and nobody else waits", in_group(async (group) => {
  const node = await group.start({shards: 1});
  const session = await Session.open(node);
  const path = `${new URL(session.url).pathname}${new URL(session.url).search}`;
  const get = request(`GET ${path} HTTP/1.1`, {Host: "x"});
  const post = request(`POST ${path} HTTP/1.1`, {Host: "x", "Content-Length": 5}) + "hello";
  const page = request("GET /healthz HTTP/1.1", {Host: "x"});
  for (const requests of [page + post, page + get, post + post + post, get + get, get + post, get + page]) {
    const line = await Line.open(group, node.port);
    line.send(requests);
    await until("others are served", async () => (await node.get("/healthz")).status === 200, 2000);
    line.socket.destroy();
  }
  await until("nobody waits", async () => (await metric(node, "longpoll_waiting")) === 0);
}));

test("a proxy that ends each connection is answered at once", in_group(async (group) => {
  const node = await group.start();
  const session = await Session.open(node);
  await session.join("room:short");
  const path = `${new URL(session.url).pathname}${new URL(session.url).search}`;
  for (const [version, headers] of [["1.0", {}], ["1.1", {Connection: "close"}]]) {
    const line = await Line.open(group, node.port);
    line.send(request(`GET ${path} HTTP/${version}`, {Host: "x", ...headers}));
    assert.match(await line.until_closed(), /"status":204/);
  }
}));

test("a session that is not polled ends; one that lets too much wait, too", in_group(async (group) => {
  const node = await group.start({flags: ["--longpoll-window", "400", "--max-queue-bytes", "100000"]});
  const quiet = await Session.open(node);
  await quiet.join("room:quiet");
  await until("it is there", async () => (await metric(node, "longpoll_sessions")) === 1);
  await until("it is over", async () => (await metric(node, "longpoll_sessions")) === 0);
  assert.equal(await quiet.post([["1", "2", "room:quiet", "say", {}]]), 410);
  assert.deepEqual(await node.roost_json(["topics"]), []);

  const patient = await connect(group, node.socket_url);
  const listener = await join(patient, "room:flood");
  const slow = await Session.open(node);
  await slow.join("room:flood");
  const text = "x".repeat(10_000);
  let n = 0;
  await until("its queue is full", async () => {
    await node.publish("room:flood", "say", {n: ++n, text});
    return (await slow.post([])) === 410;
  });
  assert.ok(n > 8, `after ${n} messages`);
  await until("the others hear all", () => listener.heard.length === n);
  assert.deepEqual(listener.heard.map((each) => each.payload.n), [...Array(n).keys()].map((i) => i + 1));
}));

test("what has waited comes in order, in as many gets as it takes", in_group(async (group) => {
  const node = await group.start({flags: ["--max-queue-bytes", "10000000"]});
  const session = await Session.open(node);
  await session.join("room:much");
  const text = "y".repeat(50_000);
  for (let n = 0; n < 60; ++n) await node.publish("room:much", "say", {n, text});
  const heard = [];
  await until("all is there", async () => {
    heard.push(...(await session.get()).messages.map((frame) => frame[4].n));
    return heard.length >= 60;
  }, 15000);
  assert.deepEqual(heard, [...Array(60).keys()]);
}));

test("phoenix.js polls: join, push, bytes, leave, with WebSockets on another node",
  in_group(async (group) => {
    const first = await group.start();
    const second = await group.start({peers: [first]});
    await meshed([first, second]);
    const topic = "room:mixed";
    const polling = await join(await poller(group, first.socket_url), topic);
    const listening = await join(await connect(group, second.socket_url), topic);
    await push(polling, "say", {text: "from the poll ü"});
    // Between two publishers there is no order but that of what was heard before.
    await until("the other hears it", () => listening.heard.length === 1);
    await push(listening, "say", {text: "from the socket"});
    const both = [{event: "say", payload: {text: "from the poll ü"}},
      {event: "say", payload: {text: "from the socket"}}];
    for (const channel of [polling, listening]) {
      await until("both are heard", () => channel.heard.length === 2);
      assert.deepEqual(channel.heard, both);
    }
    await push(polling, "bytes", Uint8Array.from([1, 2, 255]).buffer);
    await until("the bytes are heard", () => polling.heard.length + listening.heard.length === 6);
    assert.deepEqual(new Uint8Array(listening.heard[2].payload), Uint8Array.from([1, 2, 255]));
    assert.deepEqual(polling.heard[2], {event: "bytes", payload: {base64: "AQL/"}});
    await within(5000, "the leave", new Promise((done) => polling.leave().receive("ok", done)));
    await until("the channel is gone", async () => {
      return (await second.roost_json(["topics"]))[0]?.channels === 1 &&
        (await first.roost_json(["topics"])).length === 0;
    });
  }));

test("version 1.0 polls too", in_group(async (group) => {
  const node = await group.start();
  const {body} = await ask(`${node.url}/socket/longpoll`);
  const url = `${node.url}/socket/longpoll?token=${body.token}`;
  const frame = JSON.stringify({topic: "room:v1", event: "phx_join", payload: {}, ref: "1"});
  assert.equal((await ask(url, {method: "POST", headers: ndjson, body: frame})).body.status, 200);
  await node.publish("room:v1", "say", {n: 1});
  const heard = [];
  await until("reply and message", async () => {
    heard.push(...(await ask(url)).body.messages.map((text) => JSON.parse(text)));
    return heard.length === 2;
  });
  assert.deepEqual(heard, [
    {event: "phx_reply", payload: {response: {}, status: "ok"}, ref: "1", topic: "room:v1"},
    {event: "say", payload: {n: 1}, ref: null, topic: "room:v1"}]);
}));

test("behind a round robin gateway any node serves any session", in_group(async (group) => {
  const nodes = [await group.start({shards: 2})];
  for (let i = 0; i < 2; ++i) nodes.push(await group.start({peers: [nodes[0]], shards: 2}));
  await meshed(nodes);
  const gateway = await round_robin(group, nodes);
  const topic = "room:gateway";
  const channels = [];
  for (let i = 0; i < 4; ++i) channels.push(await join(await poller(group, gateway), topic));
  const listener = await join(await connect(group, nodes[0].socket_url), topic);
  const count = 40;
  for (let n = 0; n < count; ++n) await push(channels[n % 4], "say", {n});
  for (const channel of [...channels, listener]) {
    await until("all is heard", () => channel.heard.length >= count, 20000);
    const heard = channel.heard.map((each) => each.payload.n);
    // Each publisher's in its order, and all of them once.
    for (let i = 0; i < 4; ++i) {
      const of_one = heard.filter((n) => n % 4 === i);
      assert.deepEqual(of_one, [...Array(count / 4).keys()].map((n) => 4 * n + i));
    }
    assert.equal(heard.length, count);
  }
  for (const node of nodes) assert.ok(await metric(node, "longpoll_requests_relayed_total") > 0);

  await nodes[2].kill();
  await until("everyone is joined again", async () => {
    return channels.every((channel) => channel.isJoined()) &&
      (await metric(nodes[0], "longpoll_sessions")) + (await metric(nodes[1], "longpoll_sessions")) >= 4;
  }, 30000);
  let last = 1000;
  await until("messages flow again", async () => {
    await push(listener, "say", {n: ++last});
    return channels.every((channel) => channel.heard.at(-1).payload.n > 1000);
  }, 20000);
}));

for (const way of ["refuses", "swallows"]) {
  test(`longPollFallbackMs: behind a proxy that ${way} WebSockets phoenix.js polls`,
    in_group(async (group) => {
      const node = await group.start();
      const kept = new Map();
      const socket = await connect(group, await blocking_proxy(group, node, way), {
        longPollFallbackMs: 500,
        sessionStorage: {getItem: (key) => kept.get(key) ?? null,
          setItem: (key, value) => kept.set(key, value)},
      });
      const channel = await join(socket, "room:fallback");
      await push(channel, "say", {n: 1});
      await until("it is heard", () => channel.heard.length === 1);
      await until("it polls", async () => (await metric(node, "longpoll_sessions")) === 1);
      assert.equal(kept.get("phx:fallback:LongPoll"), "true");
    }));
}

test("tokens come as params, as authToken, and as headers", in_group(async (group) => {
  const key_file = `${group.dir}/keys`;
  writeFileSync(key_file, "a secret of forty bytes at the very least", {mode: 0o600});
  const node = await group.start({flags: ["--token-key-file", key_file, "--rule", "* join=token"]});
  const {out} = await run(roost, ["token", "--key-file", key_file, "--sub", "ann"]);
  const token = out.trim();
  for (const options of [{params: {token}}, {authToken: token}]) {
    const socket = await poller(group, node.socket_url, options);
    await push(await join(socket, "room:mine"), "say", {});
  }
  const session = await Session.open(node);
  await session.post([["1", "1", "room:mine", "phx_join", {}]]);
  assert.equal((await session.get()).messages[0][4].response.reason, "token needed");
  const refused = await ask(url_of(node, "&token=bad.to.ken"));
  assert.equal(refused.body.status, 403);
  assert.match(refused.body.reason, /token/);
  const raw = await Raw.open(group, node, "?vsn=2.0.0", {headers: {"X-Phoenix-AuthToken": token}});
  await raw.join("room:mine");
}));

test("tokens that are refused again and again are answered later and later", in_group(
  async (group) => {
    const key_file = `${group.dir}/keys`;
    writeFileSync(key_file, "a secret of forty bytes at the very least", {mode: 0o600});
    const node = await group.start({flags: ["--token-key-file", key_file]});
    const delayed = async () => metric(node, "refusals_delayed_total");
    const bad = () => ask(url_of(node, "&token=bad.to.ken"));
    for (let i = 0; i < 5; ++i) assert.equal((await bad()).body.status, 403);
    assert.equal(await delayed(), 0);
    assert.equal((await bad()).body.status, 403);
    assert.equal(await delayed(), 1);
    // Who hangs up is forgotten, and nobody else waits.
    const gone = new AbortController();
    const given_up = assert.rejects(ask(url_of(node, "&token=bad.to.ken"), {signal: gone.signal}));
    await until("it waits", async () => (await delayed()) === 2);
    assert.equal((await ask(url_of(node))).body.status, 410);
    gone.abort();
    await given_up;
    assert.equal((await bad()).body.status, 403);
  }));

test("a node that stops lets its polling clients go at once", in_group(async (group) => {
  const first = await group.start();
  const second = await group.start({peers: [first]});
  await meshed([first, second]);
  const gateway = await round_robin(group, [first, second]);
  const channel = await join(await poller(group, gateway), "room:stop");
  const owner = await until("its session is shown", async () => {
    for (const node of [first, second]) if (await metric(node, "longpoll_sessions") === 1) return node;
    return null;
  });
  assert.equal((await owner.stop()).code, 0);
  await until("it is joined again", async () => {
    const other = owner === first ? second : first;
    // A get that was relayed has begun a session there that phoenix.js does not take up.
    return channel.isJoined() && await metric(other, "longpoll_sessions") >= 1;
  }, 20000);
}));

test("--no-longpoll", in_group(async (group) => {
  const node = await group.start({flags: ["--no-longpoll"]});
  assert.equal((await node.get("/socket/longpoll?vsn=2.0.0")).status, 404);
}));
