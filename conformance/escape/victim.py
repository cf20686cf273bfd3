"""Everybody else on the machine: a process with a secret in its memory, its environment and its descriptors, with ports, sockets that
hand out a descriptor of the secret, and a semaphore. Says where all of that is, then serves until its input ends."""

import ctypes
import os
import selectors
import socket
import sys

secret, door, abstract = sys.argv[1], sys.argv[2], sys.argv[3]
held = open(secret)
libc = ctypes.CDLL(None, use_errno=True)
semaphore = libc.semget(0, 1, 0o600)


def listening(family, address):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.bind(address)
    server.listen()
    return server


four = listening(socket.AF_INET, ("127.0.0.1", 0))
port = four.getsockname()[1]
servers = [four, listening(socket.AF_UNIX, door), listening(socket.AF_UNIX, "\0" + abstract)]
try:
    servers.append(listening(socket.AF_INET6, ("::1", port)))
except OSError:
    pass  # a machine without IPv6
granted = listening(socket.AF_INET, ("127.0.0.1", 0))
servers.append(granted)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 0))
print(port, datagrams.getsockname()[1], semaphore, granted.getsockname()[1], flush=True)

waiting = selectors.DefaultSelector()
for server in servers:
    waiting.register(server, selectors.EVENT_READ)
waiting.register(sys.stdin, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        if key.fileobj is sys.stdin:
            libc.semctl(semaphore, 0, 0)
            sys.exit(0)
        client, _ = key.fileobj.accept()
        if client.family == socket.AF_UNIX:
            with open(secret) as fresh:
                try:
                    socket.send_fds(client, [b"x"], [fresh.fileno()])
                except OSError:
                    pass  # it has gone already
        client.close()
