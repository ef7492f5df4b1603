"""noting_worker: a worker that notes the number n of each push that it has read, then answers it.

  noting_worker.py ENDPOINT FILE CREDIT      SIGTERM: it leaves, and answers what it still has
"""
import json
import signal
import sys
import time

import msgpack
import zmq


def main(endpoint, file, credit):
    socket = zmq.Context().socket(zmq.DEALER)
    socket.connect(endpoint)
    note = open(file, "a", buffering=1)
    is_leaving = []
    signal.signal(signal.SIGTERM, lambda *_: is_leaving.append(True))
    word_at = 0
    has_said = False
    while True:
        if is_leaving and not has_said:
            socket.send(msgpack.packb({"do": "unhandle", "id": 3, "handler": 1}))
            has_said = True
        elif not is_leaving and time.monotonic() >= word_at:
            socket.send(msgpack.packb(
                {"do": "handle", "id": 1, "patterns": ["room:*"], "credit": int(credit)}))
            word_at = time.monotonic() + 1
        if not socket.poll(100):
            continue
        ask = msgpack.unpackb(socket.recv())
        if ask["is"] == "unhandled":
            break
        if ask["is"] != "request":
            continue
        if ask["kind"] == "push":
            note.write("%d\n" % json.loads(ask["payload"])["n"])
        socket.send(msgpack.packb({"do": "respond", "id": 2, "request": ask["request"]}))
    socket.close(linger=1000)
    zmq.Context.instance().term()


main(*sys.argv[1:])
