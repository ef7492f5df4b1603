// tls: wss with the node's own certificate, and its renewal while clients are connected.
import assert from "node:assert/strict";
import {X509Certificate} from "node:crypto";
import {chmodSync, copyFileSync, readFileSync, renameSync, unlinkSync, writeFileSync} from "node:fs";
import https from "node:https";
import {join as path_join} from "node:path";
import {test} from "node:test";
import tls from "node:tls";

import {Child, run} from "./lib/child.mjs";
import {Raw, WebSocket, connect, join, push} from "./lib/client.mjs";
import {Node, in_group, roostd} from "./lib/node.mjs";
import {Line, handshake} from "./lib/raw_http.mjs";
import {until, within} from "./lib/wait.mjs";

// Makes NAME.pem and NAME.key in the group's directory.
const elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
async function make_certificate(group, name, serial, kind = elliptic) {
  const [pem, key] = [path_join(group.dir, `${name}.pem`), path_join(group.dir, `${name}.key`)];
  const {code, err} = await run("openssl", ["req", "-x509", "-newkey", ...kind, "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
    "subjectAltName=IP:127.0.0.1", "-set_serial", String(serial), "-out", pem, "-keyout", key]);
  assert.equal(code, 0, err);
  return {pem, key};
}

// A node that speaks TLS: readiness and pages come over https.
class TlsNode extends Node {
  async start() {
    const {pem, key} = this.options.certificate;
    this.options.flags = ["--tls-cert", pem, "--tls-key", key, ...(this.options.flags ?? [])];
    this.ca = readFileSync(pem);
    this.url = `https://${this.listen}`;
    this.socket_url = `wss://${this.listen}/socket`;
    this.child = new Child(roostd, this.flags);
    await until(`${this.name} is ready`, async () => {
      if (!this.child.is_running) throw new Error(this.log);
      return (await this.get("/readyz")).status === 200;
    });
    return this;
  }

  get(path) {
    return new Promise((resolve, reject) => {
      const request = https.get(this.url + path, {ca: this.ca, agent: false}, (answer) => {
        let body = "";
        answer.on("data", (text) => (body += text));
        answer.on("end", () => resolve({status: answer.statusCode, body}));
      });
      request.on("error", reject);
    });
  }
}

async function start(group, options) {
  const plain = await group.node(options);
  const node = new TlsNode(group, plain.name, plain.options,
    {port: plain.port, group_port: plain.group_port});
  group.nodes[group.nodes.indexOf(plain)] = node;
  return node.start();
}

// The serial number of the certificate that a new connection is shown.
function serial_of(node) {
  return within(5000, "a TLS handshake", new Promise((resolve, reject) => {
    const socket = tls.connect({port: node.port, host: "127.0.0.1", rejectUnauthorized: false}, () => {
      resolve(parseInt(socket.getPeerCertificate().serialNumber, 16));
      socket.destroy();
    });
    socket.on("error", reject);
  }));
}

// phoenix.js with a WebSocket that trusts the node's certificate.
function trusting(node) {
  return class extends WebSocket {
    constructor(url) {
      super(url, {ca: node.ca});
    }
  };
}

test("phoenix.js joins, pushes and hears over wss", in_group(async (group) => {
  const node = await start(group, {certificate: await make_certificate(group, "one", 1)});
  const far = await start(group, {certificate: await make_certificate(group, "two", 2),
    peers: [node]});
  await until("the nodes see each other", async () => {
    return (await node.nodes()).get(far.name)?.state === "up";
  });
  const here = await join(await connect(group, node.socket_url, {transport: trusting(node)}),
    "room:1");
  const there = await join(await connect(group, far.socket_url, {transport: trusting(far)}),
    "room:1");
  await push(here, "new_msg", {body: "hello"});
  for (const channel of [here, there]) {
    await until("it is heard", () => channel.heard.length === 1);
    assert.deepEqual(channel.heard[0], {event: "new_msg", payload: {body: "hello"}});
  }
}));

test("a token that is too long for a subprotocol under TLS is refused with a way out",
  in_group(async (group) => {
    const key = path_join(group.dir, "token.key");
    writeFileSync(key, "0123456789abcdef0123456789abcdef", {mode: 0o600});
    const node = await start(group, {certificate: await make_certificate(group, "one", 1),
      flags: ["--token-key-file", key]});
    const {out} = await node.roost(["token", "--sub", "ada", "--key-file", key]);
    const names = (token) =>
      `phoenix, base64url.bearer.phx.${Buffer.from(token).toString("base64").replace(/=+$/, "")}`;
    const ask = (token) => within(5000, "an answer", new Promise((resolve, reject) => {
      const socket = tls.connect({port: node.port, host: "127.0.0.1", ca: node.ca}, () => {
        socket.write(handshake({"Sec-WebSocket-Protocol": names(token)}));
      });
      socket.on("data", (bytes) => {
        resolve(String(bytes));
        socket.destroy();
      });
      socket.on("error", reject);
    }));
    assert.match(await ask(out.trim()), /^HTTP\/1.1 400 [^]*too long here: .*parameter 'token'/);
    assert.match(await ask("no.token"), /^HTTP\/1.1 403 /);
  }));

test("TLS 1.2 and later are spoken, and nothing else", in_group(async (group) => {
  const node = await start(group, {certificate: await make_certificate(group, "one", 1)});
  const version = (options) => new Promise((resolve) => {
    const socket = tls.connect({port: node.port, host: "127.0.0.1", ca: node.ca, ...options}, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on("error", () => resolve("refused"));
  });
  assert.equal(await version({}), "TLSv1.3");
  assert.equal(await version({maxVersion: "TLSv1.2"}), "TLSv1.2");
  assert.equal(await version({minVersion: "TLSv1", maxVersion: "TLSv1.1",
    ciphers: "DEFAULT@SECLEVEL=0"}), "refused");
  assert.equal(await version({ALPNProtocols: ["h2", "http/1.1"]}), "TLSv1.3");
  // Who speaks no TLS gets nothing.
  const plain = new Raw(`ws://${node.listen}/socket/websocket?vsn=2.0.0`);
  await until("it has failed", () => plain.error);
  assert.equal((await node.get("/healthz")).body, "alive\n");
}));

test("large broadcasts arrive whole and in order, also at one who reads late",
  in_group(async (group) => {
    const node = await start(group, {certificate: await make_certificate(group, "one", 1)});
    const open = async () => {
      const client = await Raw.open(group, node, "?vsn=2.0.0", {ca: node.ca});
      await client.join("room:big");
      return client;
    };
    const [sender, reader, late] = [await open(), await open(), await open()];
    late.ws._socket.pause();
    const count = 12;
    const body = (n) => `${n}:`.padEnd(250000, String.fromCharCode(97 + n));
    for (let n = 0; n < count; ++n) {
      sender.send(["1", String(n + 2), "room:big", "big", {body: body(n)}]);
    }
    for (let n = 0; n < count; ++n) {
      const [, , , event, payload] = await reader.next_json(`broadcast ${n}`);
      assert.equal(event, "big");
      assert.ok(payload.body === body(n), `broadcast ${n} is whole`);
    }
    late.ws._socket.resume();
    for (let n = 0; n < count; ++n) {
      const [, , , , payload] = await late.next_json(`broadcast ${n}, late`);
      assert.ok(payload.body === body(n), `broadcast ${n} is whole for the late one`);
    }
    await late.quiet();
  }));

// Masked with zeros: the same text.
function frame(text) {
  return Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)]);
}

test("what comes in one record of TLS is all read, also where nothing comes after it",
  in_group(async (group) => {
    const node = await start(group, {certificate: await make_certificate(group, "one", 1),
      flags: ["--echo"]});
    for (const path of ["/socket/websocket?vsn=2.0.0", "/echo"]) {
      for (const count of [10, 50, 390]) {
        const socket = tls.connect({port: node.port, host: "127.0.0.1", ca: node.ca});
        group.add(() => socket.destroy());
        let text = "";
        socket.setEncoding("latin1").on("data", (more) => (text += more));
        socket.write(handshake({}, `GET ${path} HTTP/1.1`));
        await until("it is open", () => text.endsWith("\r\n\r\n"));
        const beat = frame('[null,"1","phoenix","heartbeat",{}]');
        socket.write(Buffer.concat(Array(count).fill(beat)));
        await until(`${count} answers of ${path}`, () => text.split("phoenix").length - 1 === count);
      }
    }
    assert.equal((await node.get("/healthz")).status, 200);
  }));

test("one who does not read is closed, and the others are not delayed", in_group(async (group) => {
  const node = await start(group, {certificate: await make_certificate(group, "one", 1),
    flags: ["--max-queue-bytes", "500000"]});
  const open = async () => {
    const client = await Raw.open(group, node, "?vsn=2.0.0", {ca: node.ca});
    await client.join("room:big");
    return client;
  };
  const [sender, reader, slow] = [await open(), await open(), await open()];
  slow.ws._socket.pause();
  let heard = 0;
  reader.ws.on("message", () => ++heard);
  const body = "x".repeat(100000);
  for (let n = 1; n <= 150; ++n) {
    sender.send(["1", String(n + 1), "room:big", "big", {n, body}]);
    if (n % 10 === 0) await until(`broadcast ${n} is heard`, () => heard >= n);
  }
  await until("the node has let go of it", async () => {
    return (await node.roost_json(["topics"])).find((row) => row.channels === 2);
  });
  slow.ws._socket.resume();
  assert.notEqual(await slow.close_code(), 1000);
}));

test("TLS is sent through the library, beside plain clients whose sends go by io_uring",
  in_group(async (group) => {
    const path = path_join(group.dir, "plain.sock");
    const node = await start(group, {certificate: await make_certificate(group, "one", 1),
      shards: 1, flags: ["--max-messages", "0", "--listen", `unix:${path}`]});
    const plain = {name: node.name, socket_url: `ws+unix://${path}:/socket`};
    const clients = [];
    for (let i = 0; i < 10; ++i) {
      const secret = await Raw.open(group, node, "?vsn=2.0.0", {ca: node.ca});
      const open = await Raw.open(group, plain);
      for (const client of [secret, open]) await client.join("room:both");
      clients.push(secret, open);
    }
    // Each stops reading for a while, so that TLS has to keep what its socket does not take.
    const bodies = clients.map(() => []);
    clients.forEach((client, i) => client.ws.on("message", (data) => {
      const [, , , event, payload] = JSON.parse(data);
      if (event === "n") bodies[i].push(payload.n);
    }));
    const count = 300;
    const body = "x".repeat(20000);
    for (let n = 1; n <= count; ++n) {
      const client = clients[2 + (n % 18)];
      if (client.ws._socket.isPaused()) client.ws._socket.resume();
      else client.ws._socket.pause();
      clients[0].send(["1", String(n), "room:both", "n", {n, body}]);
      if (n % 20 === 0) await until(`${n} is heard`, () => bodies[0].length >= n, 10000);
    }
    for (const client of clients) client.ws._socket.resume();
    await until("all have heard all", () => bodies.every((got) => got.length === count), 20000);
    for (const got of bodies) assert.deepEqual(got, Array.from({length: count}, (_, i) => i + 1));
    if (!node.log.includes("io_uring is in use")) return;
    await until("some were sent by io_uring, and some were not", async () => {
      const {body: text} = await node.get("/metrics");
      const [all, by_uring] = ["client_sends_total", "client_sends_by_uring_total"].map((name) => {
        return Number(text.match(new RegExp(`^roost_${name} (\\d+)$`, "m"))[1]);
      });
      return by_uring > 0 && by_uring < all;
    });
  }));

test("SIGHUP: new connections are shown the new certificate, and old ones live on",
  in_group(async (group) => {
    const certificate = await make_certificate(group, "one", 1);
    // Another kind of key: the old one must not be shown to those who like it better.
    const next = await make_certificate(group, "two", 2, ["rsa:2048"]);
    const node = await start(group, {certificate, shards: 3});
    const old = await Raw.open(group, node, "?vsn=2.0.0", {ca: node.ca});
    await old.join("room:1");
    assert.equal(await serial_of(node), 1);

    renameSync(next.pem, certificate.pem);
    renameSync(next.key, certificate.key);
    node.child.signal("SIGHUP");
    // Each shard shows it: many connections, spread over them.
    await until("all new connections are shown it", async () => {
      const serials = await Promise.all(Array.from({length: 24}, () => serial_of(node)));
      return serials.every((serial) => serial === 2);
    });
    node.ca = readFileSync(certificate.pem);
    const fresh = await Raw.open(group, node, "?vsn=2.0.0", {ca: node.ca});
    await fresh.join("room:1");
    await node.publish("room:1", "new", {n: 1});
    for (const client of [old, fresh]) assert.match(await client.next(), /"new",\{"n":1\}/);
    assert.match(node.log, /certificate loaded {2}subject="CN=localhost" expires="/);

    const broken = {
      "no certificate in PEM": () => writeFileSync(certificate.pem, "nonsense"),
      "cannot be read: No such file": () => unlinkSync(certificate.pem),
    };
    for (const [words, breaking] of Object.entries(broken)) {
      breaking();
      node.child.signal("SIGHUP");
      await until(`the log says: ${words}`, () => {
        return new RegExp(`the certificate stays as it was: --tls-cert .*${words}`).test(node.log);
      });
      assert.equal(await serial_of(node), 2);
    }
    const foreign = await make_certificate(group, "three", 3);
    copyFileSync(foreign.pem, certificate.pem);
    node.child.signal("SIGHUP");
    await until("the log says that the key is another's", () => {
      return /--tls-key .*is not the key of the first certificate/.test(node.log);
    });
    assert.equal(await serial_of(node), 2);
    await old.quiet();
  }));

test("a chain is shown whole", in_group(async (group) => {
  const root = await make_certificate(group, "root", 10);
  const leaf = {pem: path_join(group.dir, "leaf.pem"), key: path_join(group.dir, "leaf.key")};
  const csr = path_join(group.dir, "leaf.csr");
  const made = [
    await run("openssl", ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=leaf",
      "-addext", "subjectAltName=IP:127.0.0.1", "-out", csr, "-keyout", leaf.key]),
    await run("openssl", ["x509", "-req", "-in", csr, "-CA", root.pem, "-CAkey", root.key,
      "-set_serial", "11", "-days", "2", "-copy_extensions", "copy", "-out", leaf.pem]),
  ];
  for (const {code, err} of made) assert.equal(code, 0, err);
  writeFileSync(leaf.pem, readFileSync(leaf.pem, "utf8") + readFileSync(root.pem, "utf8"));
  const plain = await group.node({flags: ["--tls-cert", leaf.pem, "--tls-key", leaf.key]});
  plain.child = new Child(roostd, plain.flags);
  const chain = await until("a TLS handshake", () => new Promise((resolve, reject) => {
    const socket = tls.connect({port: plain.port, host: "127.0.0.1",
      ca: readFileSync(root.pem)}, () => {
      resolve(socket.getPeerCertificate(true));
      socket.destroy();
    });
    socket.on("error", reject);
  }));
  assert.equal(parseInt(chain.serialNumber, 16), 11);
  assert.equal(parseInt(chain.issuerCertificate.serialNumber, 16), 10);
  assert.equal(new X509Certificate(readFileSync(leaf.pem)).subject, "CN=leaf");
}));

test("a unix socket beside it is for the proxy of this machine, and plain", in_group(async (group) => {
  const path = path_join(group.dir, "door.sock");
  const node = await start(group, {certificate: await make_certificate(group, "one", 1),
    flags: ["--listen", `unix:${path}`]});
  const client = new Raw(`ws+unix://${path}:/socket/websocket?vsn=2.0.0`);
  group.add(() => client.ws.terminate());
  await until("it is open", () => client.ws.readyState === WebSocket.OPEN);
  await client.join("room:1");
  assert.equal((await node.get("/healthz")).status, 200);
}));

test("the answer to a refused token waits over TLS, too", in_group(async (group) => {
  const key = path_join(group.dir, "token.key");
  writeFileSync(key, "x".repeat(40));
  chmodSync(key, 0o600);
  const node = await start(group, {certificate: await make_certificate(group, "one", 1),
    flags: ["--token-key-file", key]});
  const dead = handshake({}, "GET /socket/websocket?vsn=2.0.0&token=dead HTTP/1.1");
  const delayed = async () => {
    return Number(/^roost_refusals_delayed_total (\d+)$/m.exec((await node.get("/metrics")).body)[1]);
  };
  // What comes until the connection ends.
  const show = (bytes) => {
    const socket = tls.connect({port: node.port, host: "127.0.0.1", ca: node.ca});
    group.add(() => socket.destroy());
    let text = "";
    socket.on("data", (more) => (text += more)).on("error", () => {}).write(bytes);
    const ended = new Promise((resolve) => socket.on("close", () => resolve(text)));
    return {socket, answer: () => within(9000, "the end of the connection", ended)};
  };
  for (let i = 0; i < 6; ++i) assert.match(await show(dead).answer(), /^HTTP\/1\.1 403 .*malformed token/s);
  assert.equal(await delayed(), 1);
  // More in the same record than the library reads at once, and half a request at its end.
  const greedy = show(`${dead}GET /readyz HTTP/1.1\r\nA: ${"a".repeat(7000)}`);
  const gone = show(dead);
  await until("both wait", async () => await delayed() === 3);
  gone.socket.destroy();
  assert.equal((await node.get("/readyz")).status, 200);
  assert.match(await greedy.answer(), /^HTTP\/1\.1 403 /);
}));

test("half a TLS handshake is closed in time", in_group(async (group) => {
  const node = await start(group, {certificate: await make_certificate(group, "one", 1),
    flags: ["--handshake-timeout", "1"]});
  const silent = await Line.open(group, node.port);
  const half = await Line.open(group, node.port);
  half.send(Buffer.from("160301020001", "hex"));
  await silent.until_closed(4000);
  await half.until_closed(4000);
  assert.equal((await node.get("/healthz")).status, 200);
}));

test("files that cannot be used stop the start, with 78 and a sentence", in_group(async (group) => {
  const one = await make_certificate(group, "one", 1);
  const two = await make_certificate(group, "two", 2);
  const junk = path_join(group.dir, "junk.pem");
  writeFileSync(junk, "junk");
  const locked = path_join(group.dir, "locked.key");
  const {code: made} = await run("openssl", ["pkey", "-in", one.key, "-aes256", "-passout",
    "pass:secret", "-out", locked]);
  assert.equal(made, 0);
  chmodSync(locked, 0o600);
  const cases = [
    [["--tls-cert", "/nowhere/a.pem", "--tls-key", one.key], 78,
      /--tls-cert \/nowhere\/a\.pem: cannot be read: No such file or directory/],
    [["--tls-cert", one.pem, "--tls-key", "/nowhere/a.key"], 78,
      /--tls-key \/nowhere\/a\.key: cannot be read: No such file or directory/],
    [["--tls-cert", junk, "--tls-key", one.key], 78, /has no certificate in PEM/],
    [["--tls-cert", one.pem, "--tls-key", junk], 78, /has no private key in PEM/],
    [["--tls-cert", one.pem, "--tls-key", two.key], 78, /is not the key of the first certificate/],
    [["--tls-cert", one.pem, "--tls-key", locked], 78, /is encrypted with a passphrase/],
    [["--tls-cert", one.pem], 2, /go together: --tls-key is missing/],
    [["--tls-key", one.key], 2, /go together: --tls-cert is missing/],
  ];
  for (const [flags, status, sentence] of cases) {
    const child = new Child(roostd, [...(await group.node()).flags, ...flags]);
    group.add(() => child.kill());
    const {code, err} = await child.end();
    assert.equal(code, status, err);
    assert.match(err, sentence);
  }
}));
