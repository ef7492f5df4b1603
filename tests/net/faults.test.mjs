// faults: what a network can do to nodes, and nothing is lost, doubled or disordered.
//
// Something goes wrong for a while between nodes under load; when it is over and they see each
// other again, everybody has heard everything: see lib/case.mjs. Each case also proves that its
// fault was in force.
import assert from "node:assert/strict";
import {describe, test} from "node:test";
import {setTimeout as pause} from "node:timers/promises";

import {first_two_are_well, seen_down, with_checkers} from "./lib/case.mjs";
import {what_is_missing} from "./lib/network.mjs";

const lacking = await what_is_missing();

describe("faults", {concurrency: 4, skip: lacking.namespaces}, () => {
  test("a cut of 30 s", with_checkers({}, async ({network, nodes, checkers}) => {
    const [first, second, third] = nodes;
    await network.cut(3);
    await Promise.all([pause(30000), seen_down([first, second], third),
      seen_down([third], first), seen_down([third], second)]);
    await network.heal(3);
  }));

  test("a cut of 1 s", with_checkers({}, async ({network, checkers}) => {
    await checkers.ask("mark");
    await network.cut(3);
    await pause(1000);
    const {host3} = await checkers.arrivals();
    assert.ok(host3.host1.gap_ms > 700, "nothing comes through");
    await network.heal(3);
  }));

  test("20 % of the packets lost for 10 s", {skip: lacking.filters},
    with_checkers({}, async ({network, context}) => {
      await network.lose(3, 0.2);
      await pause(10000);
      const lost = await network.take_filters(3);
      context.diagnostic(`packets lost: ${lost}`);
      assert.ok(lost > 50);
    }));

  test("200 ms of delay in each direction for 10 s", {skip: lacking.delay},
    with_checkers({network: {delayed: 3}}, async ({network, checkers}) => {
      await network.delay(200);
      await pause(1000);  // What was under way arrives.
      await checkers.ask("mark");
      await pause(9000);
      const {host1, host3} = await checkers.arrivals();
      for (const [from, to] of [[host1, "host3"], [host3, "host1"]]) {
        assert.ok(from[to].latency_ms >= 199, `delayed: ${JSON.stringify(from)}`);
        assert.ok(from[to].count > 100, `flowing: ${JSON.stringify(from)}`);
      }
      await network.delay(0);
    }));

  test("one node deaf to all for 8 s, and heard by them", {skip: lacking.filters},
    with_checkers({}, async ({network, nodes}) => {
      const [first, , third] = nodes;
      await network.deafen(3);
      await Promise.all([pause(8000), seen_down([third], first)]);
      assert.ok(await network.take_filters(3) > 50);
    }));

  test("one node deaf to one of two others for 8 s", {skip: lacking.filters},
    with_checkers({}, async ({network, nodes}) => {
      const [first, , third] = nodes;
      await network.deafen_to(3, 1);
      await Promise.all([pause(8000), seen_down([third], first)]);
      assert.ok(await network.take_filters(3) > 20);
    }));

  // 8 Mbit/s or more for a link of 1 Mbit/s. Repairs have no chance before it
  // is over, and then come at once: more than a client's queue takes by default.
  test("a slow link for 15 s, while the others speak much more than it carries",
    {skip: lacking.rate},
    with_checkers({flags: ["--repair-wait", "30000", "--max-queue-bytes", "100000000"],
      checkers: {all: {padding: 10000}, 3: {padding: 50}}}, async (world) => {
      const {network, checkers} = world;
      await first_two_are_well(world, 150e6, async () => {
        await network.limit(3, "1mbit");
        await pause(15000);
        const {host2, host3} = await checkers.arrivals();
        assert.ok(host3.host1.count < host2.host1.count / 2, "what it hears is behind");
      });
      await network.unlimit(3);
    }));
});
