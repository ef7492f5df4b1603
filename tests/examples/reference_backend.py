"""The small application that Phoenix's own tests assume, to compare the two event by event.

  reference_backend.py ENDPOINT [CREDIT]
      with roostd --rule 'room:* join=backend push=backend' --rule 'presence:* join=backend push=backend'
"""
import json, sys, time
import msgpack, zmq

ALLOWED = ("room:", "presence:")


def on_join(ask):
    topic = ask["topic"]
    if topic == "room:refused" or not topic.startswith(ALLOWED):
        return {"status": "error", "payload": json.dumps({"reason": "unauthorized"})}
    if topic == "room:crash":
        return {"crash": True}
    if topic == "room:slow":
        time.sleep(1)
    if isinstance(ask["payload"], bytes):
        return {"payload": b"\x01\x02\x03"}
    return {"payload": json.dumps({"params": json.loads(ask["payload"])})}


def on_push(ask):
    event, said = ask["event"], ask["payload"]
    if event in ("new_msg", "from"):
        to = "broadcast" if event == "new_msg" else "others"
        return {"status": "", "actions": [{"do": to, "event": "new_msg", "payload": said}]}
    if event == "echo":
        return {"payload": said}
    if event == "echo_err":
        return {"status": "error", "payload": said}
    if event == "status":
        return {"status": "ok"}
    if event == "push_me":
        return {"actions": [{"do": "push", "event": "pushed", "payload": said}]}
    if event == "binary":
        return {"payload": b"\x00\xff" + said, "actions": [
            {"do": "push", "event": "pushed", "payload": said},
            {"do": "broadcast", "event": "bytes", "payload": said}]}
    if event == "leave_me":
        return {"actions": [{"do": "leave"}]}
    return {"crash": True}  # as an event without a clause crashes a Phoenix channel


def main(endpoint, credit="16"):
    socket = zmq.Context().socket(zmq.DEALER)
    socket.connect(endpoint)
    word_at = 0
    while True:
        if time.monotonic() >= word_at:
            socket.send(msgpack.packb({"do": "handle", "id": 1, "credit": int(credit),
                                       "patterns": ["room:*", "presence:*"]}))
            word_at = time.monotonic() + 1
        if not socket.poll(1000):
            continue
        ask = msgpack.unpackb(socket.recv())
        if ask["is"] == "request":
            answer = on_join(ask) if ask["kind"] == "join" else on_push(ask)
            socket.send(msgpack.packb(
                {"do": "respond", "id": 2, "request": ask["request"], **answer}))


main(*sys.argv[1:])
