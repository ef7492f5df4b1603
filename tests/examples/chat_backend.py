"""A chat with authorisation: members join room:NAME, a room's first member may close it.

  chat_backend.py [ENDPOINT]      with roostd --rule 'room:* join=backend push=backend'
"""
import json, sys, time
import msgpack, zmq

MEMBERS = {"ann": ["room:lobby", "room:staff"], "bob": ["room:lobby"]}
hosts = {}

def decide(ask):
    said, user = json.loads(ask["payload"]), ask.get("user")
    if ask["kind"] == "join":
        name = said.get("name")  # a real one would check a password, or trust the token's user
        if ask["topic"] not in MEMBERS.get(name, []):
            return {"status": "error", "payload": json.dumps({"reason": "not a member"})}
        host = hosts.setdefault(ask["topic"], name)
        return {"user": name, "payload": json.dumps({"host": host})}
    if ask["event"] == "say":
        line = json.dumps({"from": user, "body": str(said.get("body"))[:500]})
        return {"actions": [{"do": "broadcast", "event": "said", "payload": line}]}
    if ask["event"] == "close" and hosts.get(ask["topic"]) == user:
        return {"actions": [{"do": "others", "event": "closed", "payload": "{}"}, {"do": "leave"}]}
    return {"status": "error", "payload": json.dumps({"reason": "not allowed"})}

socket = zmq.Context().socket(zmq.DEALER)
socket.connect(sys.argv[1] if len(sys.argv) > 1 else "ipc:///run/roost/control.sock")
word_at = 0
while True:
    if time.monotonic() >= word_at:  # also registers again if the daemon was restarted
        socket.send(msgpack.packb({"do": "handle", "id": 1, "patterns": ["room:*"]}))
        word_at = time.monotonic() + 1
    if not socket.poll(1000):
        continue
    ask = msgpack.unpackb(socket.recv())
    if ask["is"] == "request":
        answer = decide(ask)
        socket.send(msgpack.packb({"do": "respond", "id": 2, "request": ask["request"], **answer}))
