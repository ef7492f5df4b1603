"""An echo with replies: everybody may join echo:*, and hears back what they push.

  echo_backend.py [ENDPOINT]      with roostd --rule 'echo:* join=backend push=backend'
"""
import sys, time
import msgpack, zmq

socket = zmq.Context().socket(zmq.DEALER)
socket.connect(sys.argv[1] if len(sys.argv) > 1 else "ipc:///run/roost/control.sock")
word_at = 0
while True:
    if time.monotonic() >= word_at:  # also registers again if the daemon was restarted
        socket.send(msgpack.packb({"do": "handle", "id": 1, "patterns": ["echo:*"]}))
        word_at = time.monotonic() + 1
    if not socket.poll(1000):
        continue
    ask = msgpack.unpackb(socket.recv())
    if ask["is"] != "request":
        continue
    answer = {"status": "ok"}
    if ask["kind"] == "push":
        answer = {"status": "error" if ask["event"] == "error" else "ok", "payload": ask["payload"]}
    socket.send(msgpack.packb({"do": "respond", "id": 2, "request": ask["request"], **answer}))
