// resume: clients that were away come back, to any node, and get what they missed, or are told
// that they cannot have it.
import assert from "node:assert/strict";
import {test} from "node:test";

import {connect, join, push} from "./lib/client.mjs";
import {in_group, meshed} from "./lib/node.mjs";
import {
  enter, go_away, has_told, keeping, kept, not_recovered, numbers, publish_numbers, quick,
  recovered, resume, start_two, topic,
} from "./lib/resume.mjs";
import {until} from "./lib/wait.mjs";
import {Wire} from "./lib/wire.mjs";

test("without the helper: the lines that the README shows", in_group(async (group) => {
  const node = await group.start({flags: kept});
  const wire = await Wire.build(group, node);
  const socket = await connect(group, wire.socket_url, quick);
  const told = [];

  let seen = {};
  const room = socket.channel(topic, () => ({since: seen}));
  room.on("new_msg", (msg, at) => {
    told.push(msg.n);
    const [origin, number] = at.split("/");
    seen[origin] = Number(number);
  });
  room.join().receive("ok", ({positions, recovered}) => {
    seen = positions;
    told.push(recovered);
  });

  await until("it is joined", () => told.length === 1);
  await publish_numbers(node, 1, 3);
  await until("three messages came", () => told.length === 4);
  await wire.pull();
  await until("it is away", () => !socket.isConnected());
  await publish_numbers(node, 4, 8);
  await wire.plug(node);
  await until("it came back", () => room.state === "joined");
  await publish_numbers(node, 9, 9);
  await until("it heard everything", () => told.at(-1) === 9);
  assert.deepEqual(told, [true, 1, 2, 3, true, 4, 5, 6, 7, 8, 9]);
}));

for (const has_others of [false, true]) {
  const others = has_others ? "where others stayed" : "where nobody was";
  test(`from one node to another, ${others}`, in_group(async (group) => {
    const [first, second] = await start_two(group);
    const wire = await Wire.build(group, first);
    const client = await enter(group, wire.socket_url);
    const channels = await Promise.all((has_others ? [first, second] : []).map(async (node) => {
      return join(await connect(group, node.socket_url), topic);
    }));
    // Each publisher's turn comes round: the one of message n is n modulo their number.
    const publishers = 2 + channels.length;
    let n = 0;
    const one_round = async () => {
      await first.publish(topic, "new_msg", {n: ++n});
      await second.publish(topic, "new_msg", {n: ++n});
      for (const channel of channels) await push(channel, "new_msg", {n: ++n});
    };
    const assert_told = (told, from, to) => {
      assert.equal(told.length, to - from + 1, `not ${from} to ${to}: ${told}`);
      for (let i = 0; i < publishers; ++i) {
        const of_one = (all) => all.filter((number) => number % publishers === i);
        assert.deepEqual(of_one(told), of_one(numbers(from, to)));
      }
    };
    await one_round();
    await has_told(client, n);
    assert_told(client.told, 1, n);

    // There and back: what was missed is to be had on both nodes.
    for (const node of [second, first]) {
      client.told.length = 0;
      await go_away(wire, client);
      const from = n + 1;
      for (let i = 0; i < 5; ++i) await one_round();
      const missed = n - from + 1;
      await wire.plug(node);
      await has_told(client, 1 + missed);
      assert.deepEqual(client.told[0], recovered(missed));
      await one_round();
      await has_told(client, 1 + missed + publishers);
      assert_told(client.told.slice(1), from, n);
    }
  }));
}

test("from a node that was killed to one where others stayed", in_group(async (group) => {
  const [first, second] = await start_two(group);
  const stayed = await join(await connect(group, second.socket_url), topic);
  const wire = await Wire.build(group, first);
  const client = await enter(group, wire.socket_url);
  await publish_numbers(first, 1, 3);
  await has_told(client, 3);

  await go_away(wire, client);
  await publish_numbers(first, 4, 6);
  await until("the second node has heard it all", () => stayed.heard.length === 6);
  await first.kill();
  await publish_numbers(second, 7, 9);
  await wire.plug(second);
  await has_told(client, 10);
  assert.deepEqual(client.told, [1, 2, 3, recovered(6), 4, 5, 6, 7, 8, 9]);

  // Also when the node has been declared dead meanwhile, and nothing more was missed.
  await until("the first node is down", async () => {
    return (await second.nodes()).get(first.name).state === "down";
  });
  await go_away(wire, client);
  await wire.plug(second);
  await has_told(client, 11);
  assert.deepEqual(client.told[10], recovered(0));
}));

test("a node that was killed without having said anything is not missed",
  in_group(async (group) => {
    const [first, second] = await start_two(group);
    await join(await connect(group, second.socket_url), topic);
    const wire = await Wire.build(group, first);
    const client = await enter(group, wire.socket_url);
    await publish_numbers(second, 1, 2);
    await has_told(client, 2);
    await go_away(wire, client);
    await first.kill();
    await publish_numbers(second, 3, 4);
    await wire.plug(second);
    await has_told(client, 5);
    assert.deepEqual(client.told, [1, 2, recovered(2), 3, 4]);
  }));

test("what only a killed node knew is not recovered", in_group(async (group) => {
  const [first, second] = await start_two(group);
  const wire = await Wire.build(group, first);
  const client = await enter(group, wire.socket_url);
  await publish_numbers(first, 1, 3);
  await has_told(client, 3);
  await go_away(wire, client);
  await publish_numbers(first, 4, 6);
  await first.kill();
  await publish_numbers(second, 7, 8);
  await wire.plug(second);
  await has_told(client, 6);
  assert.deepEqual(client.told, [1, 2, 3, not_recovered(2), 7, 8]);
}));

for (const is_other of [false, true]) {
  const where = is_other ? "another node" : "the same node";
  test(`a history that is too short: what is kept comes, and that it is not all (${where})`,
    in_group(async (group) => {
      const [first, second] = await start_two(group, keeping("3,10m"));
      const wire = await Wire.build(group, first);
      const client = await enter(group, wire.socket_url);
      await publish_numbers(first, 1, 2);
      await has_told(client, 2);
      await go_away(wire, client);
      await publish_numbers(first, 3, 12);
      await wire.plug(is_other ? second : first);
      await has_told(client, 6);
      assert.deepEqual(client.told, [1, 2, not_recovered(3), 10, 11, 12]);
      client.told.length = 0;
      await go_away(wire, client);
      await publish_numbers(first, 13, 15);
      await wire.plug(is_other ? second : first);
      await has_told(client, 4);
      assert.deepEqual(client.told, [recovered(3), 13, 14, 15], "as many as are kept");
    }));
}

test("under heavy traffic, moving between nodes: everything once, and in order of its publisher",
  in_group(async (group) => {
    const nodes = await start_two(group, keeping("100000,10m"));
    const wire = await Wire.build(group, nodes[0]);
    const socket = await connect(group, wire.socket_url, quick);
    const last = {};
    const faults = [];
    const results = [];
    const room = resume(socket, topic, {onResume: (result) => results.push(result),
      onGap: (gap) => faults.push(gap)});
    room.on("new_msg", ({from, n}) => {
      const expected = (last[from] ?? 0) + 1;
      if (n !== expected) faults.push(`${from}: ${n} instead of ${expected}`);
      last[from] = n;
    });
    room.join();
    await until("it is joined", () => room.state === "joined");

    // Each publisher keeps this many pushes on their way.
    let is_over = false;
    const sent = {};
    const publishers = await Promise.all([0, 1, 0, 1].map(async (at, i) => {
      const channel = await join(await connect(group, nodes[at].socket_url), topic);
      channel.onMessage = (_event, payload) => payload;
      const from = `publisher ${i}`;
      sent[from] = 0;
      const one_by_one = async () => {
        while (!is_over) await push(channel, "new_msg", {from, n: ++sent[from]});
      };
      return Array.from({length: 8}, one_by_one);
    }));
    for (let round = 1; round <= 6; ++round) {
      const before = {...last};
      await until("traffic is heard", () => {
        return Object.keys(sent).every((from) => last[from] > (before[from] ?? 0) + 50);
      }, 20000);
      await wire.pull();
      const pulled = {...sent};
      await until("much is missed", () => {
        return Object.keys(sent).every((from) => sent[from] > pulled[from] + 50);
      }, 20000);
      await wire.plug(nodes[round % 2]);
      await until("it came back", () => results.length === round, 15000);
    }
    is_over = true;
    await Promise.all(publishers.flat());
    await until("it heard the last of all", () => {
      if (Object.keys(sent).every((from) => last[from] === sent[from])) return true;
      throw new Error(JSON.stringify({sent, last}));
    }, 15000);
    assert.deepEqual(faults, []);
    assert.ok(results.every(({recovered, replayed}) => recovered && replayed > 0),
      JSON.stringify(results));
  }));

test("a topic without history: positions come, and it is told whether something was missed",
  in_group(async (group) => {
    const [first, second] = await start_two(group, ["--rule", "room:*", "--rule", "*"]);
    const stayed = await join(await connect(group, second.socket_url), topic);
    const wire = await Wire.build(group, first);
    const client = await enter(group, wire.socket_url);
    assert.ok(Object.keys(client.room.positions()).length > 0);
    await publish_numbers(first, 1, 2);
    await publish_numbers(second, 3, 3);
    await has_told(client, 3);
    await until("the second node has heard it too", () => stayed.heard.length === 3);
    client.told.length = 0;
    for (const node of [first, second]) {
      await go_away(wire, client);
      await wire.plug(node);
      await has_told(client, 1);
      assert.deepEqual(client.told, [recovered(0)], `nothing was missed, on ${node.name}`);
      client.told.length = 0;
      await go_away(wire, client);
      await publish_numbers(first, 4, 4);
      await until("the second node has heard it", () => stayed.heard.length % 2 === 0);
      await wire.plug(node);
      await has_told(client, 1);
      assert.deepEqual(client.told, [not_recovered(0)], `one was missed, on ${node.name}`);
      client.told.length = 0;
      await publish_numbers(second, 5, 5);
      await has_told(client, 1);
      await until("the second node has heard it", () => stayed.heard.length % 2 === 1);
      assert.deepEqual(client.told, [5]);
      client.told.length = 0;
    }
  }));

test("a history that died with its node is not recovered", in_group(async (group) => {
  const node = await group.start({flags: kept});
  const wire = await Wire.build(group, node);
  const client = await enter(group, wire.socket_url);
  await publish_numbers(node, 1, 2);
  await has_told(client, 2);
  await go_away(wire, client);
  await publish_numbers(node, 3, 4);
  await node.kill();
  await node.start();
  await publish_numbers(node, 5, 6);
  await wire.plug(node);
  await has_told(client, 5);
  assert.deepEqual(client.told, [1, 2, not_recovered(2), 5, 6]);
  await go_away(wire, client);
  await publish_numbers(node, 7, 7);
  await wire.plug(node);
  await has_told(client, 7);
  assert.deepEqual(client.told.slice(5), [recovered(1), 7], "from then on as ever");
}));

test("a history that lived on a peer survives the restart of a node", in_group(async (group) => {
  const [first, second] = await start_two(group);
  await join(await connect(group, second.socket_url), topic);
  const wire = await Wire.build(group, first);
  const client = await enter(group, wire.socket_url);
  await publish_numbers(second, 1, 2);
  await has_told(client, 2);
  await go_away(wire, client);
  await publish_numbers(second, 3, 4);
  await first.stop();
  await first.start();
  await meshed([first, second]);
  await wire.plug(first);
  await has_told(client, 5);
  assert.deepEqual(client.told, [1, 2, recovered(2), 3, 4]);
}));
