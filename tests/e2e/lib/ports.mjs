// ports: free ports that no other test process takes.
//
// A test process claims a block of ports by listening on its first one for as long as it lives:
// the kernel is the lock, and it lets go of it however the process ends. All blocks lie below the
// ports that the kernel gives to outgoing connections (from 32768), so none of them is taken by
// chance either.
import dgram from "node:dgram";
import net from "node:net";

const first_port = 10000;
const block_size = 100;
const block_count = 220;

function listen(port, host = "127.0.0.1") {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(null));
    server.listen({port, host, exclusive: true}, () => resolve(server));
  });
}

async function claim_block() {
  for (let tried = 0; tried < block_count; ++tried) {
    const base = first_port + ((process.pid + tried) % block_count) * block_size;
    const claim = await listen(base);
    if (!claim) continue;
    claim.unref();
    return {base, next: base + 1};
  }
  throw new Error("no free block of ports between 10000 and 32000");
}

function is_udp_free(port) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    socket.once("error", () => resolve(false));
    socket.bind(port, "0.0.0.0", () => socket.close(() => resolve(true)));
  });
}

async function is_free(port) {
  const server = await listen(port, "0.0.0.0");
  if (!server) return false;
  await new Promise((resolve) => server.close(resolve));
  return is_udp_free(port);
}

let block;

// The first of `count` free ports in a row (TCP and UDP).
export async function free_ports(count = 1) {
  block ??= claim_block();
  const mine = await block;
  for (;;) {
    const first = mine.next;
    mine.next += count;
    if (mine.next > mine.base + block_size) throw new Error("this test needs too many ports");
    const free = await Promise.all(Array.from({length: count}, (_, i) => is_free(first + i)));
    if (free.every(Boolean)) return first;
  }
}

// Holds a port, as a foreign program would. Close the returned server to let go of it.
export async function occupy(port) {
  const server = await listen(port);
  if (!server) throw new Error(`cannot listen on port ${port} to occupy it`);
  return server;
}
