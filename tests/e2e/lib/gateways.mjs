// gateways: what stands between clients and nodes: one that takes the next node for each request,
// and one that has never heard of WebSockets.
import http, {Agent} from "node:http";

import {free_ports} from "./ports.mjs";

// Passes a request on. A node that does not answer is a 502.
function pass(request, answer, port, agent) {
  const {method, url, headers} = request;
  const onward = http.request({port, host: "127.0.0.1", method, path: url, headers, agent}, (come) => {
    answer.writeHead(come.statusCode, come.headers);
    come.pipe(answer);
  });
  onward.on("error", () => {
    if (!answer.headersSent) answer.writeHead(502);
    answer.end();
  });
  answer.on("close", () => onward.destroy());
  request.pipe(onward);
}

async function serve(group, on_request, on_upgrade) {
  const port = await free_ports();
  const server = http.createServer(on_request);
  if (on_upgrade) server.on("upgrade", on_upgrade);
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  group.add(() => {
    server.closeAllConnections();
    server.close();
  });
  return `ws://127.0.0.1:${port}/socket`;
}

export function round_robin(group, nodes) {
  const agent = new Agent({keepAlive: true});
  group.add(() => agent.destroy());
  let turn = 0;
  return serve(group, (request, answer) => {
    const alive = nodes.filter((node) => node.child.is_running);
    pass(request, answer, alive[turn++ % alive.length].port, agent);
  });
}

// `way`: it refuses the handshake, or swallows it.
export function blocking_proxy(group, node, way) {
  return serve(group, (request, answer) => pass(request, answer, node.port), (request, socket) => {
    if (way === "refuses") socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    else group.add(() => socket.destroy());
  });
}
