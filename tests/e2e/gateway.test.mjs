// gateway: HAProxy, round robin, in front of two nodes: clients need not know which node they use.
import assert from "node:assert/strict";
import {writeFileSync} from "node:fs";
import {test} from "node:test";

import {Child, find_program} from "./lib/child.mjs";
import {connect, join, push} from "./lib/client.mjs";
import {http_get, in_group, meshed} from "./lib/node.mjs";
import {free_ports} from "./lib/ports.mjs";
import {until} from "./lib/wait.mjs";

const haproxy = find_program("haproxy");

async function start_gateway(group, nodes) {
  const port = await free_ports();
  const path = `${group.dir}/haproxy.cfg`;
  const servers = nodes.map((node) => {
    return `  server ${node.name} ${node.listen} check inter 100ms fall 1 rise 1`;
  });
  writeFileSync(path, [
    "defaults", "  mode http", "  timeout connect 1s", "  timeout client 60s",
    "  timeout server 60s", "  timeout tunnel 1h", "  retries 3", "  option redispatch",
    "frontend clients", `  bind 127.0.0.1:${port}`, "  default_backend nodes",
    "backend nodes", "  balance roundrobin", "  option httpchk GET /readyz", ...servers, "",
  ].join("\n"));
  const gateway = new Child(haproxy, ["-db", "-f", path]);
  group.add(() => gateway.kill());
  await until("the gateway answers", async () => {
    if (!gateway.is_running) throw new Error(gateway.err);
    return (await http_get(`http://127.0.0.1:${port}/readyz`)).status === 200;
  });
  return `ws://127.0.0.1:${port}/socket`;
}

async function channels_of(node, topic) {
  return (await node.roost_json(["topics"])).find((row) => row.topic === topic)?.channels ?? 0;
}

async function all_hear(channels, from, n) {
  await push(channels[from], "new_msg", {n});
  for (const channel of channels) {
    await until(`everyone hears message ${n}`, () => channel.heard.at(-1)?.payload.n === n);
  }
}

test("clients behind a round robin gateway are in one room, also while a node stops",
  {skip: haproxy ? false : "haproxy is not installed"}, in_group(async (group) => {
    const first = await group.start();
    const second = await group.start({peers: [first]});
    await meshed([first, second]);
    const url = await start_gateway(group, [first, second]);
    const topic = "room:gateway";
    const channels = [];
    for (let i = 0; i < 6; ++i) channels.push(await join(await connect(group, url), topic));

    const counts = [await channels_of(first, topic), await channels_of(second, topic)];
    assert.ok(counts[0] > 0 && counts[1] > 0, `channels on the nodes: ${counts}`);
    assert.equal(counts[0] + counts[1], 6);
    for (let i = 0; i < 6; ++i) await all_hear(channels, i, i);
    for (const channel of channels) assert.equal(channel.heard.length, 6, "each once");

    assert.equal((await second.stop()).code, 0);
    await until("all clients are on the first node", async () => {
      return await channels_of(first, topic) === 6 && channels.every((each) => each.isJoined());
    }, 15000);
    for (let i = 0; i < 6; ++i) await all_hear(channels, i, 100 + i);
    for (const channel of channels) assert.equal(channel.heard.length, 12, "each once");
  }));
