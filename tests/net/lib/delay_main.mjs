// delay_main: hands UDP packets on between two ports of one address, later.
//
// delay_main.mjs ADDRESS PORT PORT listens on both ports. What comes to the one goes to ADDRESS at
// the other. Each line of the standard input is the delay from now on, in milliseconds, and is
// printed once it is in force. The end of the input ends it.
import dgram from "node:dgram";
import {once} from "node:events";
import {createInterface} from "node:readline";

const [address, ...ports] = process.argv.slice(2);
let delay_ms = 0;

const sockets = ports.map(() => dgram.createSocket({type: "udp4", recvBufferSize: 4000000}));
for (const [i, socket] of sockets.entries()) {
  const other = 1 - i;
  socket.on("message", (packet) => {
    const hand_on = () => sockets[other].send(packet, Number(ports[other]), address);
    if (delay_ms) setTimeout(hand_on, delay_ms);
    else hand_on();
  });
  socket.bind(Number(ports[i]));
  await once(socket, "listening");
}

for await (const line of createInterface({input: process.stdin})) {
  delay_ms = Number(line);
  console.log(line);
}
process.exit();
