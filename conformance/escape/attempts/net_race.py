"""Changes the address while it is being looked at: from the port that it may reach to the one that it may not."""

import socket
import struct
import threading

from attempt import *

ROUNDS = 2000


def address(port):
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton("127.0.0.1") + bytes(8)


def attempt():
    good, bad = address(GRANTED), address(PORT)
    shared = ctypes.create_string_buffer(good, 16)
    over = threading.Event()

    def change():
        while not over.is_set():
            ctypes.memmove(shared, bad, 16)
            ctypes.memmove(shared, good, 16)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(ROUNDS):
            with socket.socket() as client:
                if LIBC.connect(client.fileno(), shared, 16) == 0 and client.getpeername()[1] == PORT:
                    return
        raise Refused("the copy counts")
    finally:
        over.set()
        changer.join()


run(attempt)
