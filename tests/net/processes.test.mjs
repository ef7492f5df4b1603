// processes: nodes that stand still, die and stop under load, and what that does to the others.
//
// Each on a network stack of its own, so that the others see what they would see of another
// machine. The frame of each case is in lib/case.mjs.
import {describe, test} from "node:test";
import {setTimeout as pause} from "node:timers/promises";

import {meshed} from "../e2e/lib/node.mjs";
import {first_two_are_well, seen_down, with_checkers} from "./lib/case.mjs";
import {what_is_missing} from "./lib/network.mjs";

const lacking = await what_is_missing();

describe("processes", {concurrency: 4, skip: lacking.namespaces}, () => {
  // Of 24 MB that each of the others publishes meanwhile, 8 MB are sent, the rest is asked for. It
  // then comes at once: more than a client's queue takes by default.
  const loud = {all: {padding: 24000}, 3: {padding: 50}};
  // What its own checker has said meanwhile comes at once, too: more than a client may say a second.
  const patient = ["--max-queue-bytes", "100000000", "--max-messages", "0"];
  test("a process stopped for 20 s, and continued",
    with_checkers({flags: ["--group-queue-bytes", "8000000", ...patient], checkers: loud},
    async (world) => {
      const [first, second, third] = world.nodes;
      await first_two_are_well(world, 80e6, async () => {
        third.child.signal("SIGSTOP");
        await Promise.all([pause(20000), seen_down([first, second], third)]);
      });
      third.child.signal("SIGCONT");
    }));

  test("a process stopped for longer than the others can keep what it misses: it counts that",
    with_checkers({
      flags: ["--group-queue-bytes", "2000000", "--repair-buffer", "2000000", ...patient],
      checkers: loud, may_lose: "host3",
    }, async (world) => {
      const [first, second, third] = world.nodes;
      await first_two_are_well(world, 40e6, async () => {
        third.child.signal("SIGSTOP");
        await Promise.all([pause(10000), seen_down([first, second], third)]);
      });
      third.child.signal("SIGCONT");
    }));

  const busy = {all: {per_second: 400}};
  async function begin_again({nodes, checkers}, node) {
    await node.start();
    await meshed(nodes, 15000);
    await checkers.joined(node.name);
    await checkers.of(node.name).ask("publish");
  }

  test("a node killed and started again", with_checkers({checkers: busy}, async (world) => {
    const third = world.nodes[2];
    world.checkers.will_die(third);
    await third.kill();
    await begin_again(world, third);
  }));

  test("a node stopped in good order and started again: what it had accepted reaches everybody",
    with_checkers({checkers: busy}, async (world) => {
      const third = world.nodes[2];
      world.checkers.will_stop(third);
      await third.stop();
      await begin_again(world, third);
    }));
});
