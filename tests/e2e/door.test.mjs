// door: who is let in, from where, how many, and what the others are told.
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {readFileSync, readdirSync, statSync, writeFileSync} from "node:fs";
import net from "node:net";
import {join as path_join} from "node:path";
import {test} from "node:test";

import WebSocket from "ws";

import {Child} from "./lib/child.mjs";
import {Raw, upgrade_status} from "./lib/client.mjs";
import {http_get, in_group, roostd} from "./lib/node.mjs";
import {Line, ask, handshake, parse_answer, request, websocket_headers} from "./lib/raw_http.mjs";
import {until} from "./lib/wait.mjs";

function websocket_url(node) {
  return `${node.socket_url}/websocket?vsn=2.0.0`;
}

// A number of /metrics.
async function metric(node, name) {
  const {body} = await node.get("/metrics");
  const line = body.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  assert.ok(line, `${name} is in /metrics`);
  return Number(line.split(" ").at(-1));
}

function refused(node, reason) {
  return metric(node, `roost_clients_refused_total{reason="${reason}"}`);
}

test("a page may call the host that it comes from, and what is no browser may call",
  in_group(async (group) => {
    const node = await group.start();
    const from = (origin) => upgrade_status(websocket_url(node), {origin});
    assert.equal(await from(undefined), 101);
    assert.equal(await from("http://127.0.0.1:3000"), 101);
    assert.equal(await from("https://evil.example.net"), 403);
    assert.equal(await from("null"), 403);
    assert.equal(await refused(node, "origin"), 2);
    await until("the log names it", () => {
      return /client refused {2}reason=origin address=127\.0\.0\.1/.test(node.log);
    });
    const answer = await ask(group, node.port, handshake({Origin: "https://evil.example.net"}));
    assert.equal(answer.status, 403);
    assert.equal(answer.body, "pages of this origin may not connect here\n");
    assert.equal(answer.headers.connection, "close");
    // A flood of them is not a flood of lines.
    for (let i = 0; i < 50; ++i) await from("https://evil.example.net");
    const lines = node.log.split("\n").filter((line) => line.includes("reason=origin"));
    assert.ok(lines.length < 20, `${lines.length} lines for 53 refusals`);
  }));

test("with --allow-origin those pages may call and no others", in_group(async (group) => {
  const node = await group.start({flags: ["--allow-origin", "https://app.example.com",
    "--allow-origin", "https://*.example.org:8443"]});
  const from = (origin) => upgrade_status(websocket_url(node), {origin});
  assert.equal(await from(undefined), 101);
  assert.equal(await from("https://app.example.com"), 101);
  assert.equal(await from("https://a.example.org:8443"), 101);
  assert.equal(await from("https://a.example.org"), 403);
  assert.equal(await from("http://app.example.com"), 403);
  assert.equal(await from("http://127.0.0.1:3000"), 403);
  const open = await group.start({flags: ["--allow-origin", "*"]});
  assert.equal(await upgrade_status(websocket_url(open), {origin: "null"}), 101);
}));

test("what cannot be a handshake is refused with a sentence, and the connection ends",
  in_group(async (group) => {
    const node = await group.start();
    const get = "GET /socket/websocket?vsn=2.0.0 HTTP/1.1";
    const cases = [
      [handshake({}, "GET /nowhere/websocket?vsn=2.0.0 HTTP/1.1"), 404, /nothing here/],
      [handshake({}, "GET /echo HTTP/1.1"), 404, /nothing here/],
      [handshake({}, "POST /socket/websocket?vsn=2.0.0 HTTP/1.1"), 400, /is a GET/],
      [handshake({}, "PUT /socket/websocket?vsn=2.0.0 HTTP/1.1"), 400, /is a GET/],
      [handshake({}, "GET /socket/websocket?vsn=9.0.0 HTTP/1.1"), 403, /vsn/],
      [handshake({"Sec-WebSocket-Version": "8"}), 400, /sec-websocket-version/],
      [handshake({"Sec-WebSocket-Version": null}), 400, /sec-websocket-version/],
      [handshake({"Sec-WebSocket-Key": null}), 400, /sec-websocket-key/],
      [handshake({"Sec-WebSocket-Key": "short"}), 400, /sec-websocket-key/],
      [handshake({Connection: "keep-alive"}), 400, /'connection'/],
      [handshake({Connection: null}), 400, /'connection'/],
      [handshake({Host: null}), 400, /'host'/],
      [handshake({Host: ["a", "b"]}), 400, /'host'/],
      [handshake({Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA"}), 400, /upgrade/],
      [handshake({"Sec-WebSocket-Protocol": "mqtt"}), 403, /sec-websocket-protocol/],
      [handshake({"Sec-WebSocket-Protocol": "mqtt, phoenix"}), 400, /'phoenix' first/],
      [handshake({"Sec-WebSocket-Extensions": "x".repeat(255)}), 400, /254 bytes/],
      [handshake({"Sec-WebSocket-Extensions": ["x".repeat(127), "x".repeat(127)]}), 400, /254 bytes/],
      [handshake({"Content-Length": "5"}), 400, /no body/],
      [handshake({"Content-Length": ["5", "5"]}), 400, /content-length/],
      [handshake({"Content-Length": "5", "Transfer-Encoding": "chunked"}), 400, /transfer-enc/],
      [request("POST /healthz HTTP/1.1", {Host: "x", "Content-Length": ["5", "6"]}), 400,
        /content-length/],
      [request("GET /healthz HTTP/1.1", {Host: "x", "Transfer-Encoding": "chunked"}), 400,
        /transfer-encoding/],
      [request("POST /healthz HTTP/1.1", {Host: "x", "Content-Length": "0"}), 405, /GET/],
      [request("GET /healthz HTTP/1.1", {Host: "x", Connection: "close"}), 200, /alive/],
      [request("GET /healthz HTTP/1.0", {Host: "x"}), 200, /alive/],
    ];
    for (const [bytes, status, body] of cases) {
      const answer = await ask(group, node.port, bytes);
      assert.equal(answer.status, status, bytes);
      assert.match(answer.body, body, bytes);
      assert.equal(answer.headers.connection, "close", bytes);
      assert.equal(Number(answer.headers["content-length"]), answer.body.length, bytes);
    }
    // Nothing of it harms the one that is right, whatever stands beside.
    for (const names of ["phoenix", `phoenix, ${"a".repeat(117)}`, `phoenix, ${"a".repeat(4000)}`]) {
      const fine = await Line.open(group, node.port);
      fine.send(handshake({"Content-Length": "0", Connection: "keep-alive, Upgrade",
        "Sec-WebSocket-Protocol": names}, get));
      await until("it is taken", () => /^HTTP\/1\.1 101 [^]*Protocol: phoenix\r\n/.test(fine.text));
    }
  }));

test("HEAD has the head of the page and nothing else", in_group(async (group) => {
  const node = await group.start();
  const answer = await ask(group, node.port,
    request("HEAD /healthz HTTP/1.1", {Host: "x", Connection: "close"}));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-length"], "6");
  assert.equal(answer.body, "");
}));

test("on a connection that is kept, later requests are looked at like the first",
  in_group(async (group) => {
    const node = await group.start();
    const first = request("GET /healthz HTTP/1.1", {Host: "x"});
    const after_first = async (bytes) => {
      const line = await Line.open(group, node.port);
      line.send(first);
      await until("the first answer is there", () => line.text.endsWith("alive\n"));
      line.text = "";
      line.send(bytes);
      return line;
    };
    // The headers are gone when libwebsockets asks (CVE-2025-11677).
    const unknown = await after_first(handshake({Upgrade: "nonsense"}));
    assert.match(await unknown.until_closed(), /^(HTTP\/1\.1 403 |$)/);
    const both = await Line.open(group, node.port);
    both.send(first + handshake({Upgrade: "nonsense"}) + first);
    await both.until_closed();
    const evil = await after_first(handshake({Origin: "https://evil.example.net"}));
    assert.equal(parse_answer(await evil.until_closed()).status, 403);
    const again = await after_first(first);
    await until("the second answer is there", () => again.text.endsWith("alive\n"));
    const websocket = await after_first(handshake());
    await until("it is taken", () => websocket.text.startsWith("HTTP/1.1 101 "));
    assert.ok(node.child.is_running);
  }));

test("bytes that are no HTTP, and CONNECT, end the connection", in_group(async (group) => {
  const node = await group.start();
  for (const bytes of ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GARBAGE\r\n\r\n",
    request("CONNECT example.com:443 HTTP/1.1", {Host: "example.com:443"}),
    request("CONNECT /socket/websocket HTTP/1.1", websocket_headers)]) {
    const line = await Line.open(group, node.port);
    line.send(Buffer.from(bytes, "latin1"));
    line.send("more\r\n\r\n");
    assert.doesNotMatch(await line.until_closed(), /^HTTP\/1\.1 [12]/);
  }
  assert.equal((await node.get("/healthz")).status, 200);
}));

test("headers have room for --max-header-bytes, and what has more is closed",
  in_group(async (group) => {
    const node = await group.start({flags: ["--max-header-bytes", "4096"]});
    const status = (size) => ask(group, node.port,
      handshake({"X-Filler": "x".repeat(size), Origin: "https://evil.example.net"}))
      .then((answer) => answer.status);
    assert.equal(await status(3000), 403);  // looked at
    assert.ok(Number.isNaN(await status(5000)), "closed without an answer");
    const query = (size) => ask(group, node.port, handshake({Origin: "https://evil.example.net"},
      `GET /socket/websocket?vsn=2.0.0&x=${"y".repeat(size)} HTTP/1.1`)).then((a) => a.status);
    assert.equal(await query(3000), 403);
    assert.ok(Number.isNaN(await query(5000)));
    const many = await Line.open(group, node.port);
    many.send(handshake({Cookie: Array.from({length: 3000}, (_, i) => `a${i}=b`)}));
    await many.until_closed();
    assert.equal((await node.get("/healthz")).status, 200);
    // The library's lines about it are few.
    for (let i = 0; i < 50; ++i) await status(5000);
    const lines = node.log.split("\n").filter((line) => line.includes("libwebsockets:"));
    assert.ok(lines.length < 20, `${lines.length} lines`);
  }));

test("who does not finish the handshake in time is closed, however it spends the time",
  in_group(async (group) => {
    const node = await group.start({flags: ["--handshake-timeout", "1"]});
    const silent = await Line.open(group, node.port);
    const half = await Line.open(group, node.port);
    half.send("GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\n");
    const drip = await Line.open(group, node.port);
    const bytes = handshake({"X-Filler": "x".repeat(2000)});
    let at = 0;
    const dripping = setInterval(() => drip.socket.write(bytes[at++] ?? "x"), 20);
    group.add(() => clearInterval(dripping));
    const body = await Line.open(group, node.port);
    body.send(request("POST /healthz HTTP/1.1", {Host: "x", "Content-Length": "1000000"}));
    const idle = await Line.open(group, node.port);
    idle.send(request("GET /healthz HTTP/1.1", {Host: "x"}));
    const client = await Raw.open(group, node);
    const began = performance.now();
    for (const line of [silent, half, drip, body, idle]) await line.until_closed(4000);
    assert.ok(performance.now() - began < 4000);
    assert.equal(drip.text, "");
    assert.match(idle.text, /alive/);
    assert.equal(await refused(node, "slow"), 3);
    await client.quiet();  // It has no more to finish.
    assert.equal(await metric(node, "roost_connections"), 1);
  }));

test("--max-connections counts the WebSockets of all shards, and pages are still served",
  in_group(async (group) => {
    const node = await group.start({shards: 3, flags: ["--max-connections", "7"]});
    assert.equal(await metric(node, "roost_connections_max"), 7);
    const clients = [];
    for (let i = 0; i < 7; ++i) clients.push(await Raw.open(group, node));
    for (let i = 0; i < 6; ++i) {
      const answer = await ask(group, node.port, handshake());
      assert.equal(answer.status, 503);
      assert.match(answer.body, /all the connections that it takes/);
    }
    assert.equal(await refused(node, "node_full"), 6);
    assert.equal((await node.get("/readyz")).status, 200);
    clients.pop().ws.terminate();
    await until("there is room again", async () => {
      const status = await upgrade_status(websocket_url(node));
      return status === 101;
    });
    for (const client of clients) await client.quiet();
  }));

test("a full node lets in only few more, and closes the rest at once", in_group(async (group) => {
  const node = await group.start({flags: ["--max-connections", "1"]});
  const lines = [];
  for (let i = 0; i < 90; ++i) {
    lines.push(await Line.open(group, node.port).catch(() => null));
  }
  await until("some are closed", () => lines.filter((line) => line?.socket.destroyed).length >= 20);
  const left = () => lines.filter((line) => line && !line.socket.destroyed);
  await until("no more than 65 are left", () => left().length <= 65);
  for (const line of left()) line.socket.destroy();
  await until("others come in again", async () => (await node.get("/healthz")).status === 200);
  assert.ok(await refused(node, "arrivals") >= 20);
}));

test("--max-connections-per-address counts one address, over all shards", in_group(async (group) => {
  const node = await group.start({shards: 3, flags: ["--max-connections-per-address", "2"]});
  const clients = [await Raw.open(group, node), await Raw.open(group, node)];
  const answer = await ask(group, node.port, handshake());
  assert.equal(answer.status, 429);
  assert.match(answer.body, /too many connections from this address/);
  assert.equal(await refused(node, "address_full"), 1);
  const elsewhere = net.connect({port: node.port, host: "127.0.0.1", localAddress: "127.0.0.9"});
  group.add(() => elsewhere.destroy());
  elsewhere.write(handshake());
  const head = await new Promise((resolve) => elsewhere.once("data", (bytes) => resolve(`${bytes}`)));
  assert.match(head, /^HTTP\/1\.1 101 /);
  clients[0].ws.terminate();
  await until("the address has room again", async () => {
    return (await upgrade_status(websocket_url(node))) === 101;
  });
}));

test("X-Forwarded-For is believed of a trusted proxy alone, from the right", in_group(
  async (group) => {
    const limit = ["--max-connections-per-address", "1"];
    const believing = await group.start({
      flags: [...limit, "--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "10.0.0.0/8"]});
    const open = (node, forwarded) => Raw.open(group, node, "?vsn=2.0.0",
      {headers: {"X-Forwarded-For": forwarded}});
    const status = (node, forwarded) => upgrade_status(websocket_url(node),
      {headers: {"X-Forwarded-For": forwarded}});
    await open(believing, "198.51.100.1");
    await open(believing, "198.51.100.2");
    const last = await open(believing, "198.51.100.1, 198.51.100.3");
    assert.equal(await status(believing, "198.51.100.9, 198.51.100.1"), 429);
    assert.equal(await status(believing, "198.51.100.9, 198.51.100.1, 10.0.0.4"), 429);
    assert.equal(await status(believing, "2001:db8::1"), 101);
    await until("the log names the client", () => {
      return /client refused .*reason=address_full address=198\.51\.100\.1/.test(believing.log);
    });
    // Facts of the connection name its client, too.
    last.send("nonsense");
    await last.next();
    await until("the log names it", () => {
      return /client frame rejected .*address=198\.51\.100\.3/.test(believing.log);
    });

    const doubting = await group.start({flags: [...limit, "--trusted-proxy", "10.0.0.0/8"]});
    await open(doubting, "198.51.100.1");
    assert.equal(await status(doubting, "198.51.100.2"), 429);
    await until("the log names the one that called", () => {
      return /reason=address_full address=127\.0\.0\.1/.test(doubting.log);
    });
  }));

test("a unix socket takes clients of a proxy, with a mode, and is taken over when it is stale",
  in_group(async (group) => {
    const path = path_join(group.dir, "door.sock");
    const node = await group.start({shards: 3, flags: ["--listen", `unix:${path}`,
      "--max-connections-per-address", "1", "--trusted-proxy", "unix"]});
    assert.equal(statSync(path).mode & 0o777, 0o660);
    const open = (forwarded) => {
      const client = new WebSocket(`ws+unix://${path}:/socket/websocket?vsn=2.0.0`,
        {headers: forwarded ? {"X-Forwarded-For": forwarded} : {}});
      group.add(() => client.terminate());
      return new Promise((resolve, reject) => {
        client.on("open", () => resolve(101));
        client.on("unexpected-response", (_, answer) => resolve(answer.statusCode));
        client.on("error", reject);
      });
    };
    assert.equal(await open("198.51.100.1"), 101);
    assert.equal(await open("198.51.100.1"), 429);
    assert.equal(await open("198.51.100.2"), 101);
    assert.equal(await open(), 101);
    assert.equal(await open(), 101);
    assert.equal((await ask(group, path, request("GET /healthz HTTP/1.0"))).body, "alive\n");

    const second = new Child(roostd, [...(await group.node()).flags, "--listen", `unix:${path}`]);
    group.add(() => second.kill());
    const {code, err} = await second.end();
    assert.equal(code, 69);
    assert.match(err, /door\.sock: Address already in use \(another daemon\? see --listen\)/);
    assert.equal(await open("198.51.100.3"), 101);

    await node.kill();
    await node.start();  // over the file that is left
    assert.equal(await open("198.51.100.1"), 101);
    await node.stop();
    assert.ok(!readdirSync(group.dir).includes("door.sock"), "a clean stop removes it");
    writeFileSync(path, "a file");
    const third = new Child(roostd, [...node.flags]);
    group.add(() => third.kill());
    assert.equal((await third.end()).code, 69);
    assert.match(third.err, /no socket/);
    assert.equal(readFileSync(path, "utf8"), "a file");
  }));

test("without a certificate SIGHUP changes nothing", in_group(async (group) => {
  const node = await group.start();
  const client = await Raw.open(group, node);
  node.child.signal("SIGHUP");
  await until("the log says so", () => /nothing to load again/.test(node.log));
  await client.quiet();
  assert.equal((await node.get("/readyz")).status, 200);
}));

test("--listen may be repeated", in_group(async (group) => {
  const other = await group.node();
  const node = await group.start({flags: ["--listen", other.listen]});
  assert.equal((await http_get(`http://${other.listen}/healthz`)).status, 200);
  const [here, there] = [await Raw.open(group, node), await Raw.open(group, other)];
  await here.join("room:1");
  await there.join("room:1");
  await node.publish("room:1", "new", {n: 1});
  for (const client of [here, there]) assert.match(await client.next(), /"new",\{"n":1\}/);
}));

// One that spins is always running, or ready to.
function is_asleep(pid) {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    return readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8").split(") ")[1][0] === "S";
  });
}

test("without a free descriptor the node waits for one, at rest", in_group(async (group) => {
  const node = await group.start();
  const client = await Raw.open(group, node);
  const limit = (most) => execFileSync("prlimit", ["--pid", node.pid, `--nofile=${most}`]);
  const [, soft, hard] = /Max open files +(\d+) +(\d+)/.exec(
    readFileSync(`/proc/${node.pid}/limits`, "utf8"));
  const taken = new Set(readdirSync(`/proc/${node.pid}/fd`).map(Number));
  let first_free = 0;
  while (taken.has(first_free)) ++first_free;
  limit(`${first_free}:${hard}`);
  const waiting = await Line.open(group, node.port);  // The kernel has taken it.
  waiting.send(handshake());
  await client.quiet();
  let asleep = 0;
  await until("it is found asleep ten times running", () => {
    asleep = is_asleep(node.pid) ? asleep + 1 : 0;
    return asleep === 10;
  });
  await client.quiet();
  assert.equal(waiting.text, "");
  limit(`${soft}:${hard}`);
  await until("it is taken", () => waiting.text.startsWith("HTTP/1.1 101 "));
}));

test("wrong values of the door's flags are refused in a sentence", in_group(async (group) => {
  const cases = [
    [["--allow-origin", "example.com"], /'example\.com' must be SCHEME:\/\/HOST/],
    [["--trusted-proxy", "10.0.0.1/8"], /did you mean 10\.0\.0\.0\/8/],
    [["--trusted-proxy", "proxy"], /must be an address or a block/],
    [["--listen", "unix:relative"], /must be unix:\/PATH/],
    [["--listen", `unix:/${"x".repeat(200)}`], /107 bytes/],
    [["--max-header-bytes", "10"], /from 1024 to 65000/],
    [["--handshake-timeout", "0"], /from 1 to 600/],
  ];
  for (const [flags, sentence] of cases) {
    const child = new Child(roostd, [...(await group.node()).flags, ...flags]);
    group.add(() => child.kill());
    const {code, err} = await child.end();
    assert.equal(code, 2, flags.join(" "));
    assert.match(err, sentence, flags.join(" "));
  }
}));
