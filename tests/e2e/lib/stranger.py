"""stranger: a raw ZeroMQ SUB or DEALER at the ports of a node.

  stranger.py sub|dealer ENDPOINT [OWN [SERVER]]

OWN is the secret half of its own key pair, SERVER that of the pair that it expects the node to have
(by default its own). Without them it speaks without a key. Prints what comes, in hex, line by line.
"""
import sys

import zmq
from zmq.utils import z85


def main(kind, endpoint, own=None, server=None):
    socket = zmq.Context().socket({"sub": zmq.SUB, "dealer": zmq.DEALER}[kind])
    if own:
        secret = z85.encode(bytes.fromhex(own))
        socket.curve_secretkey = secret
        socket.curve_publickey = zmq.curve_public(secret)
        socket.curve_serverkey = zmq.curve_public(z85.encode(bytes.fromhex(server or own)))
    socket.connect(endpoint)
    if kind == "sub":
        socket.subscribe(b"")
    else:
        socket.send(b"anything")
    print("connecting", flush=True)
    while True:
        print(socket.recv().hex(), flush=True)


main(*sys.argv[1:])
