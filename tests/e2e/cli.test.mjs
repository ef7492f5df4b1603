// cli: what `roostd` and `roost` say on the command line, and the codes they end with.
import assert from "node:assert/strict";
import {chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {after, before, describe, test} from "node:test";

import {run} from "./lib/child.mjs";
import {Raw} from "./lib/client.mjs";
import {Group, in_group, roost, roostd} from "./lib/node.mjs";
import {free_ports, occupy} from "./lib/ports.mjs";
import {until} from "./lib/wait.mjs";

// One line on stderr that has all these words.
function assert_one_line(err, ...words) {
  assert.match(err, /^[^\n]+\n$/, `not one line: ${err}`);
  for (const word of words) assert.ok(err.includes(word), `no "${word}" in: ${err}`);
}

describe("roostd's flags", () => {
  const wrong = [
    ["--listen", "nonsense", "HOST:PORT"],
    ["--listen", "127.0.0.1:99999", "65535"],
    ["--group-listen", "127.0.0.1", "HOST:PORT"],
    ["--peer", "nowhere", "HOST:PORT"],
    ["--peer", "10.0.0.1:x", "65535"],
    ["--shards", "0", "1", "64"],
    ["--shards", "65", "1", "64"],
    ["--shards", "many", "1", "64"],
    ["--log-level", "loud", "debug", "info", "warning", "error"],
    ["--beacon-port", "70000", "65535"],
    ["--beacon-address", "everywhere"],
    ["--socket-path", "socket", "/"],
    ["--rule", "room:* join=maybe", "open", "deny"],
    ["--rule", "room:* push=loud", "broadcast", "others", "deny"],
    ["--rule", "room:* colour=red", "join", "push"],
    ["--max-channels", "-1"],
    ["--max-frame-bytes", "big"],
    ["--fence-timeout", "soon"],
    ["--idle-timeout", "-5"],
  ];
  for (const [flag, value, ...allowed] of wrong) {
    test(`${flag} ${value}: exit 2, and the message says what is allowed`, async () => {
      const {code, err} = await run(roostd, [flag, value]);
      assert.equal(code, 2, err);
      for (const word of [flag, value, ...allowed]) {
        assert.ok(err.includes(word), `no "${word}" in: ${err}`);
      }
    });
  }

  test("an unknown flag: exit 2, named", async () => {
    const {code, err} = await run(roostd, ["--colour", "red"]);
    assert.equal(code, 2);
    assert.match(err, /--colour/);
  });

  test("--help and --version go to stdout and end with 0", async () => {
    for (const program of [roostd, roost]) {
      const help = await run(program, ["--help"]);
      assert.deepEqual([help.code, help.err], [0, ""]);
      const version = await run(program, ["--version"]);
      assert.equal(version.code, 0);
      assert.match(version.out, /\d+\.\d+\.\d+/);
    }
    const {out} = await run(roostd, ["--help"]);
    for (const flag of ["--listen", "--group-listen", "--peer", "--rule", "--config"]) {
      assert.ok(out.includes(flag), `no ${flag} in --help`);
    }
  });
});

describe("roostd's configuration", () => {
  test("a wrong file: exit 78, naming the file and what is wrong", in_group(async (group) => {
    const files = {
      "unknown.toml": ['colour = "red"\n', "colour"],
      "value.toml": ["shards = 1000\n", "shards"],
      "syntax.toml": ["listen = = =\n", ""],
    };
    for (const [name, [text, word]] of Object.entries(files)) {
      const path = `${group.dir}/${name}`;
      writeFileSync(path, text);
      const {code, err} = await run(roostd, ["--config", path], {within_ms: 3000});
      assert.equal(code, 78, `${name}: ${err}`);
      assert.ok(err.includes(name) && err.includes(word), err);
    }
    const missing = await run(roostd, ["--config", `${group.dir}/missing.toml`]);
    assert.equal(missing.code, 78, missing.err);
    assert.match(missing.err, /missing\.toml/);
  }));

  test("flag beats environment beats file", in_group(async (group) => {
    const path = `${group.dir}/roost.toml`;
    writeFileSync(path, 'group = "of-file"\nmax-channels = 1\nname = "of-file"\n');
    const node = await group.start({
      group: "of-flag", flags: ["--config", path], env: {ROOST_GROUP: "of-env",
        ROOST_MAX_CHANNELS: "2", ROOST_NAME: "of-env"}});
    const [pong] = await node.roost_json(["ping"]);
    assert.equal(pong.group, "of-flag");
    assert.equal(pong.node, "n1");
    const client = await Raw.open(group, node);
    await client.join("room:1", "1");
    await client.join("room:2", "2");
    await assert.rejects(client.join("room:3", "3"), /too many channels/);
  }));

  test("a wrong value in the environment is named as such", async () => {
    const {code, err} = await run(roostd, [], {env: {ROOST_SHARDS: "1000"}, within_ms: 3000});
    assert.ok([2, 78].includes(code), `exit ${code}`);
    assert.match(err, /shards|ROOST_SHARDS/i);
    assert.match(err, /1000/);
  });

  test("an address in use: exit 69, naming it", in_group(async (group) => {
    for (const which of ["port", "group_port", "second_group_port"]) {
      const node = await group.node({name: which});
      const taken = which === "second_group_port" ? node.group_port + 1 : node[which];
      const holder = await occupy(taken);
      try {
        const {code, err} = await run(roostd, node.flags, {within_ms: 3000});
        assert.equal(code, 69, `${which}: ${err}`);
        assert.ok(err.includes(String(taken)), `${taken} is not named: ${err}`);
      } finally {
        holder.close();
      }
    }
  }));

  const is_root = process.getuid() === 0;
  test("a port that is not permitted: exit 77, naming it", {skip: !is_root && "needs root"},
    in_group(async (group) => {
      const node = await group.node();
      node.listen = "127.0.0.1:81";
      // An ordinary user must reach the binary, and be able to bind the control socket.
      const open_dir = mkdtempSync(`${tmpdir()}/roost-e2e-`);
      chmodSync(open_dir, 0o777);
      const binary = `${open_dir}/roostd`;
      copyFileSync(roostd, binary);
      node.control = `ipc://${open_dir}/control.sock`;
      const {code, err} = await run("setpriv",
        ["--reuid=65534", "--regid=65534", "--clear-groups", binary, ...node.flags],
        {within_ms: 3000});
      rmSync(open_dir, {recursive: true});
      assert.equal(code, 77, err);
      assert.match(err, /127\.0\.0\.1:81/);
    }));

  test("a second daemon does not take the control socket of the first", in_group(async (group) => {
    const first = await group.start();
    const second = await group.node();
    second.control = first.control;
    const {code, err} = await run(roostd, second.flags, {within_ms: 3000});
    assert.equal(code, 69, err);
    assert.ok(err.includes(first.control.replace("ipc://", "")), err);
    assert.equal((await first.roost_json(["ping"]))[0].node, first.name);
  }));

  test("the control socket of a killed daemon does not hinder the next", in_group(async (group) => {
    const node = await group.start();
    await node.kill();
    await node.start();
    assert.equal((await node.roost_json(["ping"]))[0].node, node.name);
  }));
});

describe("roost", () => {
  let group, node;
  before(async () => {
    group = await Group.create();
    node = await group.start();
  });
  after(() => group?.end());

  test("without a daemon: exit 69 and one line that names the endpoint", async () => {
    const endpoint = `ipc://${group.dir}/nobody.sock`;
    for (const verb of [["ping"], ["nodes"], ["topics"], ["pub", "a", "b"], ["sub", "a"]]) {
      const {code, out, err} = await run(roost, ["--control", endpoint, ...verb]);
      assert.deepEqual([code, out], [69, ""], verb[0]);
      assert_one_line(err, endpoint);
    }
    const by_env = await run(roost, ["ping"], {env: {ROOST_CONTROL: endpoint}});
    assert.equal(by_env.code, 69);
    assert_one_line(by_env.err, endpoint);
  });

  test("a daemon that died: exit 69 too", async () => {
    const dead = await group.start();
    await dead.kill();
    const {code, err} = await dead.roost(["ping"]);
    assert.equal(code, 69, err);
    assert_one_line(err, dead.control);
  });

  test("wrong use: exit 2", async () => {
    for (const args of [[], ["dance"], ["pub"], ["pub", "a"], ["sub"], ["--colour", "ping"],
      ["sub", "-C", "many", "a"]]) {
      assert.equal((await node.roost(args)).code, 2, args.join(" "));
    }
  });

  test("ping, nodes and topics, for people and as JSON", async () => {
    const client = await Raw.open(group, node);
    await client.join("room:cli");
    for (const verb of ["ping", "nodes", "topics"]) {
      const {code, out, err} = await node.roost([verb]);
      assert.deepEqual([code, err], [0, ""]);
      assert.ok(out.includes(verb === "topics" ? "room:cli" : node.name), out);
    }
    const [pong] = await node.roost_json(["ping"]);
    assert.deepEqual([pong.node, pong.group], [node.name, group.name]);
    const [row] = await node.roost_json(["nodes"]);
    assert.deepEqual([row.name, row.state], [node.name, "self"]);
    const topics = await node.roost_json(["topics"]);
    assert.equal(topics.find((each) => each.topic === "room:cli").channels, 1);
  });

  test("pub: {} by default, JSON from the argument or from standard input", async () => {
    const client = await Raw.open(group, node);
    await client.join("room:pub");
    assert.equal((await node.roost(["pub", "room:pub", "e"])).code, 0);
    assert.equal(await client.next(), '[null,null,"room:pub","e",{}]');
    assert.equal((await node.roost(["pub", "room:pub", "e", '{"a": 1}'])).code, 0);
    assert.equal(await client.next(), '[null,null,"room:pub","e",{"a": 1}]');
    assert.equal((await node.roost(["pub", "room:pub", "e", "-"], {input: '{"b":[2]}'})).code, 0);
    assert.equal(await client.next(), '[null,null,"room:pub","e",{"b":[2]}]');
  });

  test("pub of no JSON, or of no object: exit 1, and nobody hears it", async () => {
    const client = await Raw.open(group, node);
    await client.join("room:bad");
    for (const payload of ["nonsense", "[1]", '"text"', "{", "{} {}"]) {
      const {code, err} = await node.roost(["pub", "room:bad", "e", payload]);
      assert.equal(code, 1, `${payload}: ${err}`);
      assert_one_line(err);
    }
    await client.quiet();
  });

  test("sub -C ends after as many messages, one a line", async () => {
    const sub = node.roost_running(["sub", "-C", "2", "room:count", "room:count2"]);
    // When it is live cannot be seen from here: publish until it has ended.
    const ended = sub.end(8000);
    let n = 0;
    while (sub.is_running) await node.publish(n % 2 ? "room:count2" : "room:count", "e", {n: ++n});
    assert.equal((await ended).code, 0, sub.err);
    assert.equal(sub.lines.length, 2, sub.out);
    for (const line of sub.lines) assert.match(line, /^room:count2? e \{"n":\d+\}$/);
  });

  test("sub --json prints one object a line", async () => {
    const sub = node.roost_running(["--json", "sub", "-C", "1", "room:json"]);
    const ended = sub.end(8000);
    while (sub.is_running) await node.publish("room:json", "e", {a: 1});
    assert.equal((await ended).code, 0, sub.err);
    const message = JSON.parse(sub.lines[0]);
    assert.deepEqual([message.topic, message.event], ["room:json", "e"]);
    assert.deepEqual(message.payload, {a: 1});
  });

  test("sub -W gives up with exit 3", async () => {
    const start = performance.now();
    const {code} = await node.roost(["sub", "-W", "1", "room:silent"]);
    const took = performance.now() - start;
    assert.equal(code, 3);
    assert.ok(took > 900 && took < 3000, `after ${took} ms`);
  });

  test("sub -E ends with 0 once the subscription is live", async () => {
    const {code, out} = await node.roost(["sub", "-E", "room:live"]);
    assert.deepEqual([code, out], [0, ""]);
  });

  test("sub hears what clients push", async () => {
    const client = await Raw.open(group, node);
    await client.join("room:heard");
    const sub = node.roost_running(["sub", "-C", "1", "room:heard"]);
    const ended = sub.end(8000);
    while (sub.is_running) {
      client.send(["1", "2", "room:heard", "new_msg", {body: "hi"}]);
      await client.next();
    }
    assert.equal((await ended).code, 0);
    assert.equal(sub.lines[0], 'room:heard new_msg {"body":"hi"}');
  });
});

test("a node of another group is refused on both sides, with the reason", in_group(
  async (group) => {
    const ours = await group.start();
    const theirs = await group.start({peers: [ours], group: "another-group"});
    for (const [node, other] of [[ours, theirs], [theirs, ours]]) {
      await until(`${node.name} shows that ${other.name} is refused`, async () => {
        const rows = await node.roost_json(["nodes"]);
        const row = rows.find(({state}) => state === "refused");
        if (!row) throw new Error(JSON.stringify(rows));
        assert.match(row.reason, /group/);
        return true;
      });
    }
    const listener = await Raw.open(group, theirs);
    await listener.join("room:a");
    await ours.publish("room:a", "e", {});
    await theirs.publish("room:a", "mine", {});
    assert.equal(await listener.next(), '[null,null,"room:a","mine",{}]');
  }));

test("a port that nobody answers at is shown, not fatal", in_group(async (group) => {
  const nowhere = `127.0.0.1:${await free_ports(2)}`;
  const node = await group.start({peers: [nowhere]});
  await until("the peer is shown as connecting", async () => {
    const rows = await node.roost_json(["nodes"]);
    return rows.find((row) => row.address === nowhere && row.state === "connecting");
  });
}));
