"""Puts a connected socket in the place of a local one while its address is being looked at."""

import os
import socket
import struct
import threading

from attempt import *

ROUNDS = 1000


def attempt():
    bad = struct.pack("=H", socket.AF_INET) + struct.pack("!H", PORT) + socket.inet_aton("127.0.0.1") + bytes(8)
    local = struct.pack("=H", socket.AF_UNIX) + b"/none" + bytes(9)
    shared = ctypes.create_string_buffer(local, 16)
    given = socket.create_connection(("127.0.0.1", GRANTED), 5)
    place = os.dup(given.fileno())
    over = threading.Event()

    def change():
        while not over.is_set():
            with socket.socket(socket.AF_UNIX) as fresh:
                os.dup2(fresh.fileno(), place)
            ctypes.memmove(shared, local, 16)
            ctypes.memmove(shared, bad, 16)
            os.dup2(given.fileno(), place)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(ROUNDS):
            LIBC.connect(place, shared, 16)
            with socket.socket(fileno=os.dup(place)) as client:
                try:
                    if client.family == socket.AF_INET and client.getpeername()[1] == PORT:
                        return
                except OSError:
                    pass
        raise Refused("the copy counts")
    finally:
        over.set()
        changer.join()


run(attempt)
