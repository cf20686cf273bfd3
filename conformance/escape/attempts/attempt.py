"""What every attempt needs: the things of others that it goes for, bare system calls, and how it tells what came of it.

An attempt ends with 0 when it has done harm, with 1 when it was refused (the reason is its last line), and with anything else when
it is itself broken. It undoes at once what it could do to the machine.
"""

import ctypes
import errno
import os
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
SECRET = os.environ["ESCAPE_SECRET"]  # a file of somebody else's, with the text KEY
OUTSIDE = os.environ["ESCAPE_OUTSIDE"]  # the folder that it lies in
OWN = os.environ["ESCAPE_OWN"]  # the module's own folder, which it may read
DATA = os.environ["ESCAPE_DATA"]  # a folder that it may write
VICTIM = int(os.environ["ESCAPE_VICTIM"])  # a process of somebody else's
PORT = int(os.environ["ESCAPE_PORT"])  # a TCP port of somebody else's on the loopback, v4 and v6
GRANTED = int(os.environ["ESCAPE_GRANTED"])  # a TCP port of the loopback that attempts with `net_` in their name may reach
DATAGRAMS = int(os.environ["ESCAPE_DATAGRAMS"])  # a UDP port of somebody else's
ABSTRACT = os.environ["ESCAPE_ABSTRACT"]  # an abstract socket that hands out a descriptor of the secret
DOOR = os.environ["ESCAPE_DOOR"]  # the same as a file
SEMAPHORE = int(os.environ["ESCAPE_SEMAPHORE"])  # a System V semaphore of somebody else's
ALIVE = os.environ["ESCAPE_ALIVE"]  # a file in DATA: whoever holds a lock on it after the module's end has survived it


class Refused(Exception):
    """The attempt could not do what it wanted."""


def check(answer):
    """The answer of a C function; its errno as an exception when it is negative."""
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer


def syscall(number, *arguments):
    """A bare system call."""
    return check(LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]))


def demand(holds, reason):
    """Refused unless it holds."""
    if not holds:
        raise Refused(reason)


def needs_right(number, *arguments):
    """A call with arguments that are wrong on purpose: who may not make it at all is told so first."""
    try:
        syscall(number, *arguments)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS, errno.EACCES):
            raise


def run(attempt):
    """Does it and tells."""
    try:
        attempt()
    except Refused as reason:
        print(f"refused: {reason}")
        sys.exit(1)
    except OSError as error:
        print(f"refused: {errno.errorcode.get(error.errno, error.errno or error)}")
        sys.exit(1)
    except MemoryError:
        print("refused: ENOMEM")
        sys.exit(1)
    print("harm done")
    sys.exit(0)
