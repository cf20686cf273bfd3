"""The lane through shared memory, against a kernel's side that is made here; how both agree is tested from Rust too."""
from __future__ import annotations

import fcntl
import mmap
import os
import struct
import sys
import threading
import unittest

from fake_kernel import FakeKernel
from ostoja import _LaneFault, _offered_lane

HERE = os.path.dirname(os.path.abspath(__file__))
RING = 4096
F_ADD_SEALS, SHRINK_GROW_SEAL = 1033, 0x2 | 0x4 | 0x1
ECHO = "import ostoja\n@ostoja.service('echo', 'same')\ndef same(params): return params\nostoja.run()\n"


def made(layout: int = 1, ring: int = RING, seals: int = SHRINK_GROW_SEAL) -> int:
    """A descriptor of new shared memory with a lane's header."""
    fd = os.memfd_create("lane", os.MFD_ALLOW_SEALING)
    os.truncate(fd, 4096 + 2 * ring)
    fcntl.fcntl(fd, F_ADD_SEALS, seals)
    os.pwrite(fd, b"OSTOLANE" + struct.pack("=II", layout, ring), 0)
    return fd


def offer(fd: int, ring: int = RING, layout: int = 1) -> dict[str, object]:
    return {"kind": "shm", "fd": fd, "bytes": ring, "layout": layout}


@unittest.skipUnless(os.uname().machine == "x86_64", "the SDK uses the lane on x86-64 only")
class Lane(unittest.TestCase):
    def setUp(self) -> None:
        self.fd = made()
        self.addCleanup(os.close, self.fd)
        lane = _offered_lane(offer(self.fd))
        assert lane is not None
        self.lane = lane
        self.memory = mmap.mmap(self.fd, 4096 + 2 * RING)

    def word(self, at: int) -> int:
        return struct.unpack_from("=I", self.memory, at)[0]

    def set(self, at: int, value: int) -> None:
        struct.pack_into("=I", self.memory, at, value)

    def say(self, position: int, data: bytes, flags: int = 0) -> int:
        """Writes a record of the kernel at this position, without wrapping, and gives the next position."""
        at = 4096 + position % RING
        self.memory[at:at + 8 + len(data)] = struct.pack("=II", len(data), flags) + data
        return position + 8 + (len(data) + 7) // 8 * 8

    def send(self, frame: bytes) -> int:
        """Sends and gives how often the kernel was woken."""
        rings: list[None] = []
        self.lane.send(frame, lambda: False, lambda: rings.append(None))
        return len(rings)

    def test_frames_of_the_kernel_arrive_in_order(self) -> None:
        self.set(128, self.say(self.say(0, b"one"), b"two"))
        self.assertEqual(self.lane.receive(), ([b"one", b"two"], False))
        self.assertEqual(self.word(256), 32)
        self.assertEqual(self.lane.receive(), ([], False))

    def test_pieces_become_one_frame(self) -> None:
        self.set(128, self.say(self.say(0, b"one", 1), b"two"))
        self.assertEqual(self.lane.receive()[0], [b"onetwo"])

    def test_our_frame_lies_where_the_reference_says(self) -> None:
        self.assertEqual(self.send(b"abcde"), 0)
        self.assertEqual(self.memory[4096 + RING:4096 + RING + 13], struct.pack("=II", 5, 0) + b"abcde")
        self.assertEqual(self.word(640), 16)

    def test_a_sleeping_kernel_is_woken_once(self) -> None:
        self.set(896, 2)
        self.assertEqual((self.send(b"1"), self.send(b"2")), (1, 0))

    def test_a_kernel_that_waits_for_room_is_woken(self) -> None:
        self.set(128, self.say(0, b"one"))
        self.set(512, 2)
        self.assertEqual(self.lane.receive(), ([b"one"], True))

    def test_we_sleep_only_when_there_is_nothing(self) -> None:
        self.assertTrue(self.lane.doze())
        self.assertEqual(self.word(384), 2)
        self.set(128, self.say(0, b"one"))
        self.assertFalse(self.lane.doze())

    def test_a_frame_longer_than_the_ring_arrives_while_it_is_read(self) -> None:
        long = os.urandom(50_001)
        writing = threading.Thread(target=self.send, args=(long,))
        writing.start()
        got, head = b"", 0
        while len(got) < len(long):
            while head != self.word(640):
                length, flags = struct.unpack_from("=II", self.memory, 4096 + RING + head % RING)
                start = (head + 8) % RING
                piece = (self.memory[4096 + RING + start:4096 + 2 * RING] + self.memory[4096 + RING:4096 + 2 * RING])
                got += piece[:length]
                head += 8 + (length + 7) // 8 * 8
                self.assertEqual(flags, int(len(got) < len(long)))
                self.set(768, head)
        writing.join(20)
        self.assertEqual(got, long)

    def test_a_kernel_that_lies_is_found_out(self) -> None:
        for tail, length, flags in ((RING + 8, 1, 0), (3, 1, 0), (16, 9, 0), (16, 0, 0), (16, 1, 2)):
            self.say(0, b"")
            self.memory[4096:4104] = struct.pack("=II", length, flags)
            self.set(128, tail)
            with self.assertRaises(_LaneFault, msg=f"{tail} {length} {flags}"):
                self.lane.receive()
        self.set(768, 12)
        with self.assertRaises(_LaneFault):
            self.send(b"x")


class Offers(unittest.TestCase):
    def test_what_cannot_be_had_is_no_lane(self) -> None:
        unsealed, small = made(seals=0), made()
        for fd in (unsealed, small):
            self.addCleanup(os.close, fd)
        with open(os.devnull, "rb") as null:
            for wrong in (None, 7, {}, {"kind": "pigeons"}, offer(small, layout=2), offer(small, ring=8192),
                          offer(small, ring=5000), offer(unsealed), offer(null.fileno()), offer(-1), offer(10 ** 9),
                          {**offer(small), "fd": "x"}, {**offer(small), "bytes": None}):
                self.assertIsNone(_offered_lane(wrong), wrong)

    def test_a_module_that_cannot_have_the_lane_stays_on_its_pipes(self) -> None:
        with FakeKernel([sys.executable, "-c", ECHO], env={"PYTHONPATH": HERE}) as kernel:
            kernel.send("init", protocolVersion="1.0", config={}, workspacePath="/home", projectRoot="/home",
                        transport=offer(900))
            self.assertNotIn("transport", kernel.expect("ready"))
            kernel.send_raw(b'{"type":"transport","kind":"shm"}\n')
            self.assertEqual(kernel.request("echo", "same", {"a": 1})["result"], {"a": 1})
            self.assertEqual(kernel.stop(), 0)


if __name__ == "__main__":
    unittest.main()
