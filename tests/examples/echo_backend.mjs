// An echo with replies: everybody may join echo:*, and hears back what they push.
//
//   node echo_backend.mjs [ENDPOINT]      with roostd --rule 'echo:* join=backend push=backend'
//   npm install zeromq @msgpack/msgpack
import {decode, encode} from "@msgpack/msgpack";
import {Dealer} from "zeromq";

const socket = new Dealer();
socket.connect(process.argv[2] ?? "ipc:///run/roost/control.sock");
let sent = Promise.resolve();
const send = (message) => (sent = sent.then(() => socket.send(encode(message))));
const register = () => send({do: "handle", id: 1, patterns: ["echo:*"]});
register();
setInterval(register, 1000);  // also registers again if the daemon was restarted

for await (const [bytes] of socket) {
  const ask = decode(bytes);
  if (ask.is !== "request") continue;
  const answer = ask.kind !== "push" ? {} :
    {status: ask.event === "error" ? "error" : "ok", payload: ask.payload};
  send({do: "respond", id: 2, request: ask.request, ...answer});
}
