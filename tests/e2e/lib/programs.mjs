// programs: the example backends, and other programs beside a node.
import {dirname, join, resolve} from "node:path";
import {fileURLToPath} from "node:url";

import {Child} from "./child.mjs";

export const examples = resolve(dirname(fileURLToPath(import.meta.url)), "../../examples");
export const python = "/usr/bin/python3";

// Ended with the group.
export function started(group, program, args, options) {
  const child = new Child(program, args, options);
  group.add(() => child.kill());
  return child;
}

export function reference_backend(group, node, ...args) {
  return started(group, python, [join(examples, "reference_backend.py"), node.control, ...args]);
}

// How many workers the node has.
export async function figure(node, name) {
  const {body} = await node.get("/metrics");
  const line = body.split("\n").find((text) => text.startsWith(`roost_${name} `));
  return Number(line?.split(" ").at(-1));
}
