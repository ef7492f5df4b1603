// case: the frame of the tests in which something goes wrong for a while.
//
// Three nodes on three network stacks, and on each a client that publishes steadily and accounts
// for what it hears (checkers.mjs). Each case's own part breaks something and mends it; around it
// stands what is the same for all: when the nodes see each other again, everybody has heard
// everything.
import assert from "node:assert/strict";
import {setTimeout as pause} from "node:timers/promises";

import {in_group, meshed} from "../../e2e/lib/node.mjs";
import {until} from "../../e2e/lib/wait.mjs";
import {Checkers} from "./checkers.mjs";
import {start_nodes} from "./host.mjs";
import {Network} from "./network.mjs";

const gap_max_ms = 3000;

// The case's world: a network, a node on each host, a checker on each node.
export function with_checkers(options, body) {
  const {network: network_options, flags, checkers: checker_options, may_lose} = options;
  return in_group(async (group, context) => {
    const network = await Network.build(group, 3, network_options);
    const nodes = await start_nodes(group, network, flags);
    const checkers = await Checkers.start(group, nodes, checker_options);
    await body({network, nodes, checkers, context});
    await meshed(nodes, 30000);
    await checkers.heard_by_all(20000);
    const sums = await checkers.settle(context, {may_lose});
    if (may_lose) assert.ok(sums.some(({lost}) => lost), "more was sent than could be kept");
  });
}

export function seen_down(nodes, victim) {
  return Promise.all(nodes.map((node) => {
    return until(`${node.name} sees that ${victim.name} is down`, async () => {
      const row = (await node.nodes()).get(victim.name);
      return row === undefined || row.state === "down";
    }, 6000);
  }));
}

// Whatever happens meanwhile to the third node, the first two hear each other without long gaps,
// and hold no more memory than they should.
export async function first_two_are_well({nodes, checkers, context}, growth_max, meanwhile) {
  const well = nodes.slice(0, 2);
  const memory = well.map((node) => node.memory_bytes);
  const growth = well.map(() => 0);
  await checkers.ask("mark");
  let is_over = false;
  const watching = (async () => {
    while (!is_over) {
      for (const [i, node] of well.entries()) {
        growth[i] = Math.max(growth[i], node.memory_bytes - memory[i]);
      }
      await pause(100);
    }
  })();
  try {
    await meanwhile();
  } finally {
    is_over = true;
    await watching;
  }
  const arrivals = await checkers.arrivals();
  context.diagnostic(`growth of memory in bytes: ${growth}`);
  for (const [i, node] of well.entries()) {
    const other = well[1 - i];
    const {gap_ms} = arrivals[node.name][other.name];
    context.diagnostic(`longest gap from ${other.name} to ${node.name}: ${gap_ms} ms`);
    assert.ok(gap_ms < gap_max_ms, `${node.name} hears nothing of ${other.name} for ${gap_ms} ms`);
    assert.ok(growth[i] < growth_max, `${node.name} has grown by ${growth[i]} bytes`);
  }
}
