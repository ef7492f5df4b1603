// resume: clients that come back, with client/roost-resume.js and without it.
import {readFileSync} from "node:fs";

import {Raw, connect} from "./client.mjs";
import {meshed} from "./node.mjs";
import {until} from "./wait.mjs";

// The helper as a browser loads it, whatever node takes a .js file for.
const text = readFileSync(new URL("../../../client/roost-resume.js", import.meta.url));
export const {resume} = await import(`data:text/javascript;base64,${text.toString("base64")}`);

export const topic = "room:resume";
// And its clients may publish as fast as they can.
export const keeping = (limit) => ["--rule", `room:* history=${limit}`, "--max-messages", "0"];
export const kept = keeping("1000,10m");

// phoenix.js that does not wait long.
export const quick = {reconnectAfterMs: () => 30, rejoinAfterMs: () => 30};

export async function start_two(group, flags = kept) {
  const first = await group.start({flags});
  const second = await group.start({flags, peers: [first]});
  await meshed([first, second]);
  return [first, second];
}

export const numbers = (from, to) => Array.from({length: to - from + 1}, (_, i) => from + i);

export async function publish_numbers(node, from, to) {
  for (const n of numbers(from, to)) await node.publish(topic, "new_msg", {n});
}

// A client with the helper. What it is told is in .told in order: numbers, and how it came back.
export async function enter(group, url, options = {}) {
  const socket = await connect(group, url, quick);
  const told = [];
  const room = resume(socket, topic, {
    onResume: (result) => told.push(result), onGap: (gap) => told.push({gap}), ...options});
  room.on("new_msg", ({n}) => told.push(n));
  room.join();
  await until("it is joined", () => room.state === "joined");
  return {socket, room, told};
}

export const recovered = (replayed) => ({recovered: true, replayed, truncated: false});
export const not_recovered = (replayed) => ({recovered: false, replayed, truncated: false});

export async function has_told(client, count) {
  await until(`${count} things are told`, () => {
    if (client.told.length >= count) return true;
    throw new Error(JSON.stringify(client.told));
  }, 15000);
}

export async function go_away(wire, client) {
  await wire.pull();
  await until("phoenix.js sees that it is away", () => !client.socket.isConnected());
}

// A single frame's join with this `since`: the answer's status and response, the frames that
// follow it at once, and the numbers in them.
export async function join_since(group, node, since) {
  const client = await Raw.open(group, node);
  const answer = JSON.parse(await client.ask(["1", "1", topic, "phx_join", {since}]));
  const {status, response} = answer[4];
  const frames = [];
  for (let i = 0; status === "ok" && i < response.replayed; ++i) {
    frames.push(await client.next_json(`replayed message ${i}`));
  }
  await client.quiet();
  return {client, status, response, frames, replay: frames.map((frame) => frame[4].n)};
}
