// phoenix_clients: the clients of Phoenix that there are, behind one face, so that a test can be
// the same for all of them.
//
// What they say to each other has the shape of realtime-js, which knows no other: event "broadcast"
// with the payload {type: "broadcast", event, payload}. Each is used as its readme tells, with its
// own back-off; only the heartbeat is quicker, so that tests see it answered.
import {createRequire} from "node:module";

import {RealtimeClient} from "@supabase/realtime-js";
import {Socket as Socket18} from "phoenix";
import {Socket as Socket17} from "phoenix17";
import WebSocket from "ws";

import {until, within} from "./wait.mjs";

const require = createRequire(import.meta.url);
const {Socket: SocketOfChannels} = require("phoenix-channels");
const {Socket: SocketOfSocket} = require("phoenix-socket");

// What each waits before it tries again (milliseconds), the last one over and over.
// phoenix-channels and phoenix-socket join again on a timer of their own, the others when the
// connection is open.
const quick = [10, 50, 100, 150, 200, 250, 500, 1000, 2000, 5000];
const slow = [1000, 2000, 5000, 10000];
const heartbeatIntervalMs = 2000;

function answer(push, what) {
  return within(6000, what, new Promise((resolve, reject) => {
    push.receive("ok", resolve)
      .receive("error", (response) => reject(new Error(`${what}: ${JSON.stringify(response)}`)))
      .receive("timeout", () => reject(new Error(`${what}: timeout`)));
  }));
}

// phoenix.js, and what was made after it.
class Alike {
  codes = [];

  constructor(group, url, Socket, options) {
    this.socket = new Socket(url, {heartbeatIntervalMs, ...options});
    this.socket.onClose((event) => this.codes.push(event.code));
    group.add(() => {
      this.socket.disconnect();
      clearInterval(this.socket.heartbeatTimer);  // The older ones leave it running.
    });
  }

  async join(topic) {
    if (!this.socket.isConnected()) this.socket.connect();
    const channel = this.socket.channel(topic, {});
    const heard = [];
    channel.on("broadcast", ({event, payload}) => heard.push({event, payload}));
    await answer(channel.join(), `the join of ${topic}`);
    return {
      heard,
      is_joined: () => this.socket.isConnected() && channel.state === "joined",
      say: (event, payload) => {
        return answer(channel.push("broadcast", {type: "broadcast", event, payload}), event);
      },
      leave: () => answer(channel.leave(), "the leave"),
      // In the callback: what follows the answer on the wire has not been read yet.
      leave_and_join: (next) => within(6000, "the new join", new Promise((resolve, reject) => {
        channel.leave().receive("ok", () => this.join(next).then(resolve, reject));
      })),
    };
  }
}

class Supabase {
  codes = [];

  constructor(group, url, options) {
    this.client = new RealtimeClient(url, {
      transport: WebSocket, params: {apikey: "anon"}, heartbeatIntervalMs, ...options});
    this.client.socketAdapter.onClose((event) => this.codes.push(event.code));
    group.add(() => {
      // Its own disconnect(), now or later, leaves a timer of ten seconds behind.
      this.client._cancelPendingDisconnect();
      this.client.socketAdapter.getSocket().disconnect();
    });
  }

  async join(topic, config = {broadcast: {ack: true}}) {
    const channel = this.client.channel(topic.replace(/^realtime:/, ""), {config});
    const heard = [];
    const statuses = [];
    channel.on("broadcast", {event: "*"}, ({event, payload}) => heard.push({event, payload}));
    channel.subscribe((status) => statuses.push(status));
    await until(`realtime-js has joined ${topic}`, () => {
      if (statuses.at(-1) === "SUBSCRIBED") return true;
      throw new Error(statuses.join());
    });
    return {
      channel, heard, statuses,
      is_joined: () => this.client.isConnected() && channel.state === "joined",
      say: async (event, payload) => {
        const said = await channel.send({type: "broadcast", event, payload});
        if (said !== "ok") throw new Error(`${event}: ${said}`);
      },
      leave: async () => {
        const left = await channel.unsubscribe();
        if (left !== "ok") throw new Error(`the leave: ${left}`);
      },
      leave_and_join: async (next) => {
        await channel.unsubscribe();
        return this.join(next, config);
      },
    };
  }
}

export const supabase = (group, url, options) => new Supabase(group, url, options);

// Broadcasts as version 2.0 has them; what realtime-js makes of itself is a frame of its own kind.
export function plain_encode({join_ref, ref, topic, event, payload}, done) {
  done(JSON.stringify([join_ref, ref, topic, event, payload]));
}

const transport = WebSocket;
export const kinds = [
  {name: "phoenix 1.8", waits: quick, make: (group, url) => new Alike(group, url, Socket18,
    {transport})},
  {name: "phoenix 1.7", waits: quick, make: (group, url) => new Alike(group, url, Socket17,
    {transport})},
  {name: "phoenix-channels", waits: slow, joins_by_timer: true,
    make: (group, url) => new Alike(group, url, SocketOfChannels)},
  {name: "phoenix-socket", waits: slow, joins_by_timer: true,
    make: (group, url) => new Alike(group, url, SocketOfSocket, {transport})},
  {name: "realtime-js with vsn 1.0.0", waits: slow,
    make: (group, url) => supabase(group, url, {vsn: "1.0.0"})},
  {name: "realtime-js with vsn 2.0.0 and plain frames", waits: slow,
    make: (group, url) => supabase(group, url, {vsn: "2.0.0", encode: plain_encode})},
];

// The most that a client of this kind can still wait, when a node is there again `away_ms` after
// it went: the first wait that ends behind it, and what the client adds to it to join.
export function longest_wait({waits, joins_by_timer}, away_ms) {
  const end_of_wait_after = (ms) => {
    let end = 0;
    for (let tries = 0; end <= ms; ++tries) end += waits[Math.min(tries, waits.length - 1)];
    return end;
  };
  // Its timers do not know of each other: the one that joins may ring just before the other.
  const connected = end_of_wait_after(away_ms);
  return (joins_by_timer ? end_of_wait_after(connected) : connected) - away_ms;
}
