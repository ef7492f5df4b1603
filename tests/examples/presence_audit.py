"""Writes down who joins and leaves which topic: an audit log in a file that goes on after its own end.

    presence_audit.py CONTROL_ENDPOINT LOG_FILE

Each line is the cursor after it, what happened, the topic, the user and the session. roostd runs with --events.
"""
import itertools, os, sys
import msgpack, zmq
endpoint, path = sys.argv[1:]
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(endpoint)
ids = itertools.count(1)

def ask(do, **keys):
    request = {"id": next(ids), "do": do, **keys}
    socket.send(msgpack.packb(request))
    while socket.poll(20_000):
        answer = msgpack.unpackb(socket.recv())
        if answer["id"] == request["id"]:
            return answer if answer["is"] != "refused" else sys.exit(answer["text"])
    sys.exit("no answer from " + endpoint)

with open(path, "ab+") as log:
    log.seek(0)
    whole = log.read().rpartition(b"\n")[0]  # a line that was cut short is written again
    log.truncate(len(whole) + 1 if whole else 0)
    cursor = whole.rpartition(b"\n")[2].split(b" ")[0].decode()
    while True:
        answer = ask("events", wait_ms=10_000, **({"after": cursor} if cursor else {}))
        incarnation, last = answer["cursor"].split("/")
        if answer["gap"] or not cursor:
            begin = int(last) - len(answer["events"])
            log.write(f"{incarnation}/{begin} from here on: before it something is missing\n".encode())
        for event in answer["events"]:
            if event["event"] in ("joined", "left"):
                log.write(" ".join((f"{incarnation}/{event['n']}", event["event"], event["topic"],
                                    event.get("user", "-"), event["session"])).encode() + b"\n")
        log.flush()
        cursor = answer["cursor"]
