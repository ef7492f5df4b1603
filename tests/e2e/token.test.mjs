// token: `roost token` makes tokens that other libraries take, and explains those of others.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import {chmodSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, describe, test} from "node:test";

import {run} from "./lib/child.mjs";
import {roost} from "./lib/node.mjs";

const secret = "correct horse battery staple, and then some";

function part(value) {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

// Signed by node's own cryptography.
function token_of(claims, key, alg = "HS256", more_header = {}) {
  const text = `${part({alg, typ: "JWT", ...more_header})}.${part(claims)}`;
  const signature = alg === "HS256" ? crypto.createHmac("sha256", key).update(text).digest()
    : crypto.sign("sha256", Buffer.from(text), {key, dsaEncoding: "ieee-p1363"});
  return `${text}.${signature.toString("base64url")}`;
}

function read(token) {
  return token.split(".").slice(0, 2).map((text) => JSON.parse(Buffer.from(text, "base64url")));
}

function in_seconds(seconds) {
  return Math.floor(Date.now() / 1000) + seconds;
}

function tool(...args) {
  return run(roost, ["token", ...args]);
}

let dir;
before(() => (dir = mkdtempSync(join(tmpdir(), "roost-token-"))));
after(() => rmSync(dir, {recursive: true}));

function file(name, text, mode = 0o600) {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

// The two files of a new pair.
function pair(name, kind, options) {
  const {publicKey, privateKey} = crypto.generateKeyPairSync(kind, options);
  return {
    publicKey, privateKey,
    public_file: file(`${name}.pub`, publicKey.export({type: "spki", format: "pem"}), 0o644),
    private_file: file(`${name}.pem`, privateKey.export({type: "pkcs8", format: "pem"})),
  };
}

describe("making a token", () => {
  test("one line, with what was asked for, signed by the secret", async () => {
    const key = file("secret", `${secret}\n`);
    const {code, out, err} = await tool("--sub", "ada", "--topic", "room:*", "--topic", "news",
      "--join", "hall", "--push", "desk", "--claim", "org=acme", "--claim", "note=a=b,c",
      "--expires", "60", "--kid", "k1", "--key-file", key);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const [header, claims] = read(out);
    assert.deepEqual(header, {alg: "HS256", kid: "k1", typ: "JWT"});
    const {iat, exp, ...others} = claims;
    assert.equal(exp, iat + 60);
    assert.ok(Math.abs(iat - in_seconds(0)) <= 10, String(iat));
    assert.deepEqual(others, {
      sub: "ada", org: "acme", note: "a=b,c",
      topics: {join: ["room:*", "news", "hall"], push: ["room:*", "news", "desk"]},
    });
    const text = out.slice(0, out.lastIndexOf("."));
    assert.equal(out.trim().slice(text.length + 1),
      crypto.createHmac("sha256", secret).update(text).digest("base64url"));
  });

  test("for an hour, without topics and kid, unless told; and as JSON", async () => {
    const key = file("secret", secret);
    const {out} = await run(roost, ["--json", "token", "--sub", "ada", "--key-file", key]);
    const [header, claims] = read(JSON.parse(out).token);
    assert.deepEqual(header, {alg: "HS256", typ: "JWT"});
    assert.equal(claims.exp, claims.iat + 3600);
    assert.deepEqual(Object.keys(claims).sort(), ["exp", "iat", "sub"]);
  });

  for (const [alg, kind, options] of [["RS256", "rsa", {modulusLength: 2048}],
    ["ES256", "ec", {namedCurve: "P-256"}]]) {
    test(`with a private key: ${alg}, which others find right`, async () => {
      const {publicKey, private_file} = pair(alg, kind, options);
      const {code, out, err} = await tool("--sub", "ada", "--key-file", private_file);
      assert.equal(code, 0, err);
      assert.equal(read(out)[0].alg, alg);
      const [text, signature] = out.trim().split(/\.(?=[\w-]+$)/);
      assert.ok(crypto.verify("sha256", Buffer.from(text),
        {key: publicKey, dsaEncoding: "ieee-p1363"}, Buffer.from(signature, "base64url")));
    });
  }

  test("wrong use: exit 2, and the message says what is right", async () => {
    const key = file("secret", secret);
    const cases = [
      [["--key-file", key], /--sub or --check/],
      [["--sub", "ada"], /--key-file/],
      [["--sub", "ada", "--key-file", key, "--topic", "a*b"], /a\*b.*prefix that ends in \*/],
      [["--sub", "ada", "--key-file", key, "--claim", "org"], /NAME=VALUE/],
      [["--sub", "ada", "--key-file", key, "--expires", "0"], /--expires/],
      [["--sub", "ada", "--key-file", key, "--expires", "soon"], /--expires/],
      [["--sub", "ada", "--key-file", key, "--key-file", key], /one file/],
      [["--sub", "ada", "--key-file", key, "--check", "a.b.c"], /--check/],
      [["--sub", "ada", "--key-file", key, "--audience", "a"], /--check/],
    ];
    for (const [args, message] of cases) {
      const {code, out, err} = await tool(...args);
      assert.deepEqual([code, out], [2, ""], args.join(" "));
      assert.match(err, message);
    }
  });

  test("a key file that will not do: exit 1, one line, and nothing of the key", async () => {
    const {public_file} = pair("ec", "ec", {namedCurve: "P-256"});
    const cases = [
      [file("short", "hunter2"), /short: it holds 7 bytes, too few/],
      [file("open", secret, 0o644), /open: every user can read it/],
      [public_file, /it is a public key/],
      [join(dir, "none"), /none: cannot be read: No such file/],
      [dir, /cannot be read: Is a directory/],
      [pair("p384", "ec", {namedCurve: "P-384"}).private_file, /P-256/],
    ];
    for (const [path, message] of cases) {
      const {code, out, err} = await tool("--sub", "ada", "--key-file", path);
      assert.deepEqual([code, out], [1, ""], path);
      assert.match(err, /^roost: [^\n]+\n$/);
      assert.match(err, message);
      assert.doesNotMatch(err, /hunter2|correct horse/);
    }
  });
});

describe("checking a token", () => {
  test("what roost made is valid: argument, standard input, or -", async () => {
    const key = file("secret", secret);
    const {out: token} = await tool("--sub", "ada", "--key-file", key);
    for (const [args, input] of [[["--check", token.trim()], ""], [["--check"], token],
      [["--check", "-"], ` ${token.trim()}\r\n\n`.trimStart()]]) {
      const {code, out, err} = await run(roost, ["token", "--key-file", key, ...args], {input});
      assert.deepEqual([code, err], [0, ""]);
      assert.match(out, /^header +\{"alg":"HS256"/m);
      assert.match(out, /^claims +\{.*"sub":"ada"\}$/m);
      assert.match(out, /^expires +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, in (59m\d+s|1h)$/m);
      assert.match(out, /^signed by +HS256, .*secret$/m);
      assert.match(out, /^valid +yes$/m);
    }
  });

  test("one key of several: the one that fits is named", async () => {
    const {publicKey, privateKey} = pair("one", "ec", {namedCurve: "P-256"});
    const other = crypto.generateKeyPairSync("ec", {namedCurve: "P-256"}).publicKey;
    const keys = file("keys.json", JSON.stringify({keys: [
      {...other.export({format: "jwk"}), kid: "old"}, {...publicKey.export({format: "jwk"}), kid: "new"},
      {kty: "OKP", crv: "Ed25519", x: "AA"}]}), 0o644);
    const token = token_of({sub: "ada", exp: in_seconds(60)}, privateKey, "ES256", {kid: "new"});
    const {code, out, err} = await run(roost, ["--json", "token", "--check", token,
      "--key-file", file("secret", secret), "--key-file", keys]);
    assert.equal(code, 0, err);
    const {valid, header, claims, key_file, kid} = JSON.parse(out);
    assert.deepEqual([valid, header.alg, claims.sub, key_file, kid],
      [true, "ES256", "ada", keys, "new"]);
    assert.match(err, /^roost: not used: .*keys\.json: key 3 of the set .*P-256\n$/);
  });

  test("not valid: exit 1, and why", async () => {
    const {public_file} = pair("rsa", "rsa", {modulusLength: 2048});
    const key = file("secret", secret);
    const good = {sub: "ada", exp: in_seconds(60), aud: "chat", iss: "shop"};
    const cases = [
      [token_of({...good, exp: in_seconds(-60)}, secret), [], "token expired", /has expired/],
      [token_of({...good, nbf: in_seconds(60)}, secret), [], "token not yet valid", /nbf/],
      [token_of({sub: "ada"}, secret), [], "token without expiry", /no exp/],
      [token_of(good, `${secret}!`), [], "bad signature", /signature/],
      [token_of(good, secret, "HS256", {alg: "none"}), [], "unknown key", /alg/],
      [token_of(good, secret), ["--audience", "mail"], "wrong audience", /aud/],
      [token_of(good, secret), ["--issuer", "bank"], "wrong issuer", /iss/],
      [token_of({...good, topics: ["a*b"]}, secret), [], "bad topics claim", /patterns/],
      [token_of({...good, exp: "soon"}, secret), [], "bad time claim", /numbers/],
      [token_of(good, secret, "HS256", {typ: "at+jwt"}), [], "unsupported token", /typ/],
      ["nonsense", [], "malformed token", /three parts/],
      [`${"x".repeat(9000)}`, [], "token too long", /8192/],
    ];
    for (const [token, args, reason, sentence] of cases) {
      const all = ["token", "--check", token, "--key-file", key, "--key-file", public_file, ...args];
      const {code, out, err} = await run(roost, all);
      assert.equal(code, 1, reason);
      assert.doesNotMatch(out, /valid +yes/);
      assert.match(err, /^roost: the token [^\n]+\n$/);
      assert.match(err, sentence);
      const as_json = await run(roost, ["--json", ...all]);
      assert.equal(as_json.code, 1);
      const {valid, reason: told} = JSON.parse(as_json.out);
      assert.deepEqual([valid, told], [false, reason]);
    }
    const fitting = await run(roost, ["token", "--check", token_of(good, secret), "--key-file", key,
      "--audience", "chat", "--issuer", "shop"]);
    assert.equal(fitting.code, 0, fitting.err);
  });

  test("the text of a public key is no secret", async () => {
    const {publicKey, public_file} = pair("rsa", "rsa", {modulusLength: 2048});
    const pem = publicKey.export({type: "spki", format: "pem"});
    for (const text of [pem, pem.trim()]) {
      const token = token_of({sub: "ada", exp: in_seconds(60)}, text);
      const {code, err} = await tool("--check", token, "--key-file", public_file);
      assert.equal(code, 1);
      assert.match(err, /key that is not known/);
    }
  });

  test("control characters of a token do not reach the terminal", async () => {
    const token = token_of({sub: "\u001b[2J", exp: in_seconds(60)}, secret);
    const {code, out} = await tool("--check", token, "--key-file", file("secret", secret));
    assert.equal(code, 0);
    assert.ok(!out.includes("\u001b"), out);
  });

  test("as many keys as are taken, and one more; and a secret that others can read", async () => {
    const key = file("secret", secret);
    const token = token_of({sub: "ada", exp: in_seconds(60)}, secret);
    const with_files = (count) =>
      tool("--check", token, ...Array.from({length: count}, () => ["--key-file", key]).flat());
    assert.equal((await with_files(16)).code, 0);
    const {code, err} = await with_files(17);
    assert.equal(code, 1);
    assert.match(err, /a key too many: give 16 in all, or fewer/);
    const open = await tool("--check", token, "--key-file", file("open", secret, 0o644));
    assert.equal(open.code, 1);
    assert.match(open.err, /every user can read it/);
  });

  test("a private key is not what a check needs", async () => {
    const {private_file} = pair("ec", "ec", {namedCurve: "P-256"});
    const {code, err} = await tool("--check", "a.b.c", "--key-file", private_file);
    assert.equal(code, 1);
    assert.match(err, /private key.*-pubout/);
  });
});
