// questions: what `roostd` answers about a configuration instead of starting.
import assert from "node:assert/strict";
import {randomBytes} from "node:crypto";
import {chmodSync, existsSync, readdirSync, statSync, writeFileSync} from "node:fs";
import {join as path_join} from "node:path";
import {after, before, describe, test} from "node:test";

import {run} from "./lib/child.mjs";
import {Raw, upgrade_status} from "./lib/client.mjs";
import {Group, roostd} from "./lib/node.mjs";

const all_right = "roostd: the configuration is all right\n";
const rules = ["user:{sub} push=others", "org:{org}:*", "open:* join=open push=deny",
  "room:* join=token", "shut join=deny"];

let group, node, key_file;

function write(name, text, mode = 0o600) {
  const file = path_join(group.dir, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

before(async () => {
  group = await Group.create();
  key_file = write("token.key", randomBytes(48).toString("base64"));
  node = await group.node({flags: ["--token-key-file", key_file, "--max-topic-bytes", "40",
    ...rules.flatMap((rule) => ["--rule", rule])]});
  node.socket_file = path_join(group.dir, "clients.sock");
  node.options.flags.push("--listen", `unix:${node.socket_file}`);
  await node.start();
});
after(() => group?.end());

async function token_of(sub, ...more) {
  const made = await node.roost(["token", "--sub", sub, "--key-file", key_file, ...more]);
  assert.equal(made.code, 0, made.err);
  return made.out.trim();
}

// The rows of an explanation by their titles.
async function explain(flags, topic, ...more) {
  const {code, out, err} = await run(roostd, [...flags, "--explain", topic, ...more]);
  assert.deepEqual([code, err], [0, ""]);
  return Object.fromEntries(out.split("\n").filter(Boolean).map((line) => {
    const [, title, text] = /^(signed by|\s*\S+)\s+(.*)$/.exec(line);
    return [title.trim(), text];
  }));
}

describe("--check-config", () => {
  test("beside the node that runs with the same flags: one line, and nothing is touched", async () => {
    const files = () => readdirSync(group.dir).map((name) => {
      const {ino, mode, mtimeMs} = statSync(path_join(group.dir, name));
      return [name, ino, mode, mtimeMs];
    });
    const before_it = files();
    const {code, out, err} = await run(roostd, [...node.flags, "--check-config"]);
    assert.deepEqual([code, out, err], [0, all_right, ""]);
    assert.deepEqual(files(), before_it);
    assert.ok(existsSync(node.socket_file));
    assert.equal((await node.get("/readyz")).status, 200);
    assert.equal((await node.roost_json(["ping"]))[0].node, node.name);
  });

  test("what is wrong is told as a start tells it, with its exit code", async () => {
    const short = write("short.key", "hunter2");
    const open_key = write("open.key", randomBytes(48).toString("base64"), 0o644);
    const file = write("wrong.toml", 'rule = ["room:* join=maybe"]\n');
    const no_socket = write("no_socket", "");
    const cases = [
      [2, ["--listen", "nonsense"]],
      [2, ["--colour", "red"]],
      [2, ["--rule", "room:* join=maybe"]],
      [2, ["--tls-cert", key_file]],
      [2, ["--group-listen", "127.0.0.1:65535"]],
      [69, ["--listen", `unix:${no_socket}`]],
      [78, ["--listen", "a..b:4000", "--insecure"]],
      [78, ["--listen", "0.0.0.0:4000"]],
      [78, ["--config", file]],
      [78, ["--config", path_join(group.dir, "missing.toml")]],
      [78, ["--token-key-file", short]],
      [78, ["--token-key-file", open_key]],
      [78, ["--token-key-file", path_join(group.dir, "missing.key")]],
      [78, ["--group-key-file", short]],
      [78, ["--tls-cert", key_file, "--tls-key", key_file]],
    ];
    for (const [code, flags] of cases) {
      const start = await run(roostd, [...flags, "--control", `ipc://${group.dir}/none.sock`]);
      const check = await run(roostd, [...flags, "--check-config"]);
      assert.equal(start.code, code, `${flags}: ${start.err}`);
      // A start logs before that what it loaded.
      const error = `${start.err.split("\n").at(-2)}\n`;
      assert.deepEqual([check.code, check.out, check.err], [code, "", error], flags.join(" "));
    }
  });

  test("what is doubtful is said besides", async () => {
    const {code, out, err} = await run(roostd,
      ["--listen", "0.0.0.0:4000", "--insecure", "--check-config"]);
    assert.deepEqual([code, out], [0, all_right]);
    assert.match(err, /^[^\n]*INSECURE[^\n]*\n$/);
    const quiet = await run(roostd, ["--check-config"], {env: {ROOST_LOG_LEVEL: "error",
      ROOST_INSECURE: "true", ROOST_LISTEN: "0.0.0.0:4000"}});
    assert.deepEqual([quiet.code, quiet.out, quiet.err], [0, all_right, ""]);
  });

  test("questions stand on the command line alone", async () => {
    const file = write("question.toml", "check-config = true\n");
    const {code, err} = await run(roostd, ["--config", file], {within_ms: 3000});
    assert.equal(code, 78, err);
    assert.match(err, /question\.toml.*check-config/);
    assert.equal((await run(roostd, ["--token", "a.b.c"], {within_ms: 3000})).code, 2);
    assert.equal((await run(roostd, ["--explain"], {within_ms: 3000})).code, 2);
  });
});

describe("--explain", () => {
  test("the rule that decides, and where it stands", async () => {
    const of_flags = await explain(node.flags, "room:1");
    assert.equal(of_flags.topic, "room:1");
    assert.equal(of_flags.rule, "room:* join=token");
    assert.equal(of_flags.from, "rule 4 of 5 of the command line");
    const file = write("rules.toml", 'rule = ["a*", "room:* history=5,1h"]\n');
    const of_file = await explain(["--config", file], "room:1");
    assert.equal(of_file.rule, "room:* history=5,1h");
    assert.equal(of_file.from, `rule 2 of 2 in ${file}`);
    const {out} = await run(roostd, ["--config", file, "--explain", "room:1"],
      {env: {ROOST_RULE: "* push=deny"}});
    assert.match(out, /^rule +\* push=deny\nfrom +rule 1 of 1 in ROOST_RULE$/m);
  });

  test("without rules, and for topics that none matches", async () => {
    const open = await explain([], "room:1");
    assert.match(open.rule, /^\* join=open push=broadcast$/);
    assert.match(open.from, /^no rule is given/);
    assert.deepEqual([open.join, open.push], ["yes", "yes, to all channels of the topic"]);
    const closed = await explain(["--token-key-file", key_file], "room:1");
    assert.match(closed.rule, /join=token/);
    assert.equal(closed.join, 'no: "token needed"');
    assert.match((await explain(node.flags, "other")).rule, /^none of 5 matches/);
    assert.match((await explain(node.flags, "phoenix")).rule, /^none: .*protocol's own/);
  });

  test("what a token says, with the claims that rules ask for", async () => {
    const token = await token_of("ada", "--claim", "org=acme", "--claim", "note=x", "--join", "org:*",
      "--kid", "k1");
    const said = await explain(node.flags, "org:acme:1", "--token", token);
    assert.equal(said.token, "valid");
    assert.equal(said["signed by"], `HS256, ${key_file}`);
    assert.deepEqual([said.sub, said.org, said.note], ['"ada"', '"acme"', undefined]);
    assert.match(said.exp, /^\d+, 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    assert.equal(said.topics, '{"join":["org:*"],"push":[]}');
    assert.deepEqual([said.join, said.push], ["yes", 'no: "push not in token"']);
    const read = await run(roostd, [...node.flags, "--explain", "org:acme:1", "--token", "-"],
      {input: `${token}\n`});
    assert.match(read.out, /^token +valid$/m);
  });

  test("a token that is refused: why, and of a forged one nothing more", async () => {
    const foreign = write("foreign.key", randomBytes(48).toString("base64"));
    const forged = await node.roost(["token", "--sub", "mallory", "--key-file", foreign]);
    const said = await explain(node.flags, "open:1", "--token", forged.out.trim());
    assert.match(said.token, /^refused: it has a signature that no key here has made/);
    assert.deepEqual([said.sub, said["signed by"]], [undefined, undefined]);
    assert.equal(said.join, 'no: the handshake is refused with 403, "bad signature"');
    assert.match(said.push, /^no/);
    const strict = [...node.flags, "--token-issuer", "shop"];
    const wrong = await explain(strict, "open:1", "--token", await token_of("ada", "--claim", "iss=us"));
    assert.match(wrong.token, /^refused: it is of another issuer/);
    assert.deepEqual([wrong.sub, wrong.iss], ['"ada"', '"us"']);
    assert.match((await explain([], "open:1", "--token", "x")).token, /^not looked at/);
  });

  test("both questions at once", async () => {
    const {code, out} = await run(roostd,
      [...node.flags, "--check-config", "--explain", "open:1"]);
    assert.equal(code, 0);
    assert.ok(out.startsWith(`${all_right}topic `), out);
  });

  // The answer of the node is the judge.
  test("what it says is what a client is told", async () => {
    const tokens = {
      none: "", forged: `${await token_of("ada")}A`, ada: await token_of("ada"),
      narrow: await token_of("ada", "--join", "room:*", "--push", "room:1", "--join", "user:ada"),
      acme: await token_of("bob", "--claim", "org=acme"),
    };
    const topics = ["user:ada", "user:bob", "user:", "org:acme:1", "org:other:1", "open:1", "room:1",
      "room:2", "shut", "other", "phoenix", `room:${"x".repeat(40)}`];
    for (const [whose, token] of Object.entries(tokens)) {
      const query = `?vsn=2.0.0${token && `&token=${token}`}`;
      const status = await upgrade_status(`${node.socket_url}/websocket${query}`);
      const client = status === 101 ? await Raw.open(group, node, query) : null;
      for (const topic of topics) {
        const said = await explain(node.flags, topic, ...(token ? ["--token", token] : []));
        const what = `${whose} ${topic}: ${JSON.stringify(said)}`;
        if (!client) {
          assert.equal(status, 403);
          assert.match(said.join, /^no: the handshake is refused with 403/, what);
          continue;
        }
        for (const [row, event] of [["join", "phx_join"], ["push", "say"]]) {
          client.send(["1", "2", topic, event, {}]);
          let answer;
          do answer = await client.next_json(what); while (answer[3] !== "phx_reply");
          const {status, response} = answer[4];
          assert.ok(said[row].startsWith(status === "ok" ? "yes" : `no: "${response.reason}"`),
            `${what}; the node: ${JSON.stringify(answer)}`);
        }
      }
    }
  });
});
