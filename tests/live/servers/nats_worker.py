"""A worker of a JetStream consumer that takes jobs and never ends them, with the subscriptions of nats-py.

nats_worker.py <port> <name> <stream> <consumer> <jobs> [<deliver subject>]

With a deliver subject it is one of a push consumer's. It answers the server's pings, so it is alive until it is
stopped; "has N" on standard output says what it has taken.
"""

import json
import socket
import sys

port, name, stream, consumer, jobs, *deliver = sys.argv[1:]
server = socket.create_connection(("127.0.0.1", int(port)))
lines = server.makefile("rb")


def send(text):
    server.sendall(text.encode() + b"\r\n")


lines.readline()
hello = {"verbose": False, "lang": "python3", "version": "2.16.0", "protocol": 1}
hello |= {"headers": True, "no_responders": True} | ({"name": name} if name else {})
send("CONNECT " + json.dumps(hello))
send("SUB _INBOX.abcdefghijklmnopqrstuv.* 1")
inbox = deliver[0] if deliver else "_INBOX.ABCDEFGHIJKLMNOPQRSTUV"
send(f"SUB {inbox} 2")
if not deliver:
    body = json.dumps({"batch": int(jobs), "expires": 3_600_000_000_000})
    send(f"PUB $JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer} {inbox} {len(body)}\r\n{body}")
taken = 0
while line := lines.readline():
    words = line.decode().split()
    if words[0] == "PING":
        send("PONG")
    elif words[0] in ("MSG", "HMSG"):
        lines.read(int(words[-1]) + 2)
        taken += 1
        print("has", taken, flush=True)
