// worker: a backend's worker at a node's control socket, in this process. Spec: proto/control.md.
import {decode, encode} from "@msgpack/msgpack";
import {Dealer} from "zeromq";

const say_again_ms = 1000;

export class Worker {
  asked = [];  // the requests, as they came
  refused = [];
  #handler = 1;
  #timer;

  // `decide` is called with each request, and returns what to respond, or nothing: then the test
  // does it with respond().
  constructor(group, node, patterns, decide = () => {}, options = {}) {
    Object.assign(this, {patterns, decide, options});
    this.socket = new Dealer({linger: 0});
    this.socket.connect(node.control);
    group.add(() => this.close());
    this.live = new Promise((resolve) => (this.on_live = resolve));
    this.#read();
    this.#register();
    this.#timer = setInterval(() => this.#register(), say_again_ms);
  }

  // Registered.
  static async start(group, node, patterns, decide, options) {
    const worker = new Worker(group, node, patterns, decide, options);
    await worker.live;
    return worker;
  }

  #register() {
    this.send({do: "handle", id: this.#handler, patterns: this.patterns, ...this.options});
  }

  async #read() {
    for await (const [bytes] of this.socket) {
      const answer = decode(bytes);
      if (answer.is === "handling") this.on_live();
      if (answer.is === "unhandled") this.on_left();
      if (answer.is === "refused") this.refused.push(answer);
      if (answer.is !== "request") continue;
      this.asked.push(answer);
      const response = await this.decide(answer);
      if (response) this.respond(answer, response);
    }
  }

  respond({request}, response) {
    this.send({id: 2, do: "respond", request, ...response});
  }

  // Sends in order: a socket of this library takes one message at a time.
  #sent = Promise.resolve();
  send(message) {
    const bytes = encode(message);
    this.#sent = this.#sent.then(() => this.socket.closed || this.socket.send(bytes));
    return this.#sent;
  }

  // No sign of life any more, and no answers.
  stop_registering() {
    clearInterval(this.#timer);
  }

  // Is asked nothing more.
  async leave() {
    this.stop_registering();
    const left = new Promise((resolve) => (this.on_left = resolve));
    await this.send({id: 3, do: "unhandle", handler: this.#handler});
    await left;
  }

  close() {
    this.stop_registering();
    this.socket.close();
  }
}
