// wire: the way of a client to a node, which can be pulled out, and plugged into another node.
//
// A client connects to wire.socket_url for life, as to a load balancer. While the wire is out its
// connections are refused, as they are when the network is gone.
import net from "node:net";

import {free_ports} from "./ports.mjs";

export class Wire {
  #ends = new Set();
  #server;

  static async build(group, node) {
    const wire = new Wire();
    wire.port = await free_ports();
    wire.socket_url = `ws://127.0.0.1:${wire.port}/socket`;
    group.add(() => wire.pull());
    await wire.plug(node);
    return wire;
  }

  async plug(node) {
    await this.pull();
    this.#server = net.createServer((client) => {
      const server = net.connect({host: "127.0.0.1", port: node.port});
      for (const [end, other] of [[client, server], [server, client]]) {
        this.#ends.add(end);
        end.setNoDelay(true);
        end.pipe(other);
        end.on("error", () => {});
        end.on("close", () => {
          this.#ends.delete(end);
          other.destroy();
        });
      }
    });
    await new Promise((resolve) => this.#server.listen(this.port, "127.0.0.1", resolve));
  }

  // What is on its way is lost.
  async pull() {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const end of this.#ends) end.destroy();
    await closed;
  }
}
