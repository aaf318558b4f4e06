# SPDX-License-Identifier: GPL-2.0-or-later
"""A small vhost-user front-end: what QEMU does for a guest, spelled out.

It has one memfd as the guest's memory, a pair of split rings in it, and a buffer
for each of their entries. Everything it sends can also be sent wrongly.
"""

import array
import contextlib
import ctypes
import mmap
import os
import socket
import struct

(GET_FEATURES, SET_FEATURES, SET_OWNER, RESET_OWNER, SET_MEM_TABLE, SET_LOG_BASE, SET_LOG_FD,
 SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL,
 SET_VRING_ERR, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM, SET_VRING_ENABLE,
 SEND_RARP, NET_SET_MTU) = range(1, 21)
ADD_MEM_REG, REM_MEM_REG, SET_STATUS, GET_STATUS = 37, 38, 39, 40

VERSION_1, PROTOCOL_FEATURES, PACKED = 1 << 32, 1 << 30, 1 << 34
REPLY_ACK, NEED_REPLY = 1 << 3, 8
ALL_PROTOCOL = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 13 | 1 << 15 | 1 << 16

SIZE = 1 << 21          # of the guest's memory
USER = 0x7f0000000000   # where the front-end has it
RING = 64               # entries of each ring, if no other number is asked for
BUFFER = 2048
RX, TX = 0, 1           # rings: what the guest receives, what it sends

libc = ctypes.CDLL(None, use_errno=True)


def eventfd():
    return libc.eventfd(0, os.O_CLOEXEC | os.O_NONBLOCK)


class FrontEnd:
    """One connection, and the memory, which survives it: see connect()."""

    def __init__(self, path=None, entries=RING):
        self.entries = entries  # 256 at most: see _layout()
        self.memory_fd = os.memfd_create("guest")
        os.ftruncate(self.memory_fd, SIZE)
        self.memory = mmap.mmap(self.memory_fd, SIZE)
        self.kick = [eventfd(), eventfd()]
        self.call = [eventfd(), eventfd()]
        self.avail = [0, 0]     # next index for the driver, by ring
        self.seen = [0, 0]      # next used entry to look at
        self.socket = None
        if path is not None:
            self.connect(path)

    def close(self):
        self.hang_up()
        for fd in (self.memory_fd, *self.kick, *self.call):
            os.close(fd)
        self.memory.close()

    # Messages

    def connect(self, path):
        self.use(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        self.socket.connect(str(path))

    def use(self, connection):
        self.socket = connection
        self.socket.settimeout(10)

    def hang_up(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def send(self, request, payload=b"", fds=(), flags=1, size=None):
        header = struct.pack("<III", request, flags, len(payload) if size is None else size)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([header + payload], rights)

    def receive(self, request):
        """The payload of the reply to 'request'."""
        header = self._read(12)
        answered, flags, size = struct.unpack("<III", header)
        assert (answered, flags) == (request, 5)
        return self._read(size)

    def ask(self, request, payload=b""):
        self.send(request, payload)
        return struct.unpack("<Q", self.receive(request))[0]

    def say(self, request, payload=b"", fds=()):
        """Sends, and waits for the acknowledgement."""
        self.send(request, payload, fds, flags=1 | NEED_REPLY)
        return struct.unpack("<Q", self.receive(request))[0]

    def _read(self, n):
        data = b""
        while len(data) < n:
            piece = self.socket.recv(n - len(data))
            if not piece:
                raise ConnectionResetError("the back-end hung up")
            data += piece
        return data

    def is_hung_up(self):
        """Waits until the back-end closes; replies before that are skipped."""
        with contextlib.suppress(ConnectionResetError):
            while self.socket.recv(4096):
                pass
        return True

    def negotiate(self, features=VERSION_1 | PROTOCOL_FEATURES, protocol=ALL_PROTOCOL):
        assert self.ask(GET_FEATURES) & features == features
        assert self.ask(GET_PROTOCOL_FEATURES) & protocol == protocol
        self.send(SET_PROTOCOL_FEATURES, struct.pack("<Q", protocol))
        self.send(SET_OWNER)
        self.send(SET_FEATURES, struct.pack("<Q", features))

    def share_memory(self):
        region = struct.pack("<QQQQ", 0, SIZE, USER, 0)
        assert self.say(SET_MEM_TABLE, struct.pack("<II", 1, 0) + region, [self.memory_fd]) == 0

    def start_ring(self, ring, base=0):
        state = lambda value: struct.pack("<II", ring, value)
        self.send(SET_VRING_NUM, state(self.entries))
        self.send(SET_VRING_BASE, state(base))
        desc, avail, used = (USER + at for at in self._layout(ring))
        self.send(SET_VRING_ADDR, struct.pack("<IIQQQQ", ring, 0, desc, used, avail, 0))
        self.send(SET_VRING_CALL, struct.pack("<Q", ring), [self.call[ring]])
        self.send(SET_VRING_KICK, struct.pack("<Q", ring), [self.kick[ring]])
        assert self.say(SET_VRING_ENABLE, state(1)) == 0

    def start(self, base=0, features=VERSION_1 | PROTOCOL_FEATURES):
        """All of it; the guest has buffers to receive into when it returns."""
        self.negotiate(features)
        self.share_memory()
        if self.avail[RX] == 0:
            self.give_buffers(self.entries // 2)
        self.start_ring(RX, base)
        self.start_ring(TX, base)

    def stop_ring(self, ring):
        self.send(GET_VRING_BASE, struct.pack("<II", ring, 0))
        index, base = struct.unpack("<II", self.receive(GET_VRING_BASE))
        assert index == ring
        return base

    # The guest's driver

    @staticmethod
    def _layout(ring):
        """Where descriptors, the available and the used ring are."""
        start = ring * 0x4000
        return start, start + 0x1000, start + 0x2000

    def _buffer(self, ring, entry):
        return 0x10000 + (ring * self.entries + entry) * BUFFER

    def put(self, at, form, *values):
        struct.pack_into(form, self.memory, at, *values)

    def get(self, at, form):
        return struct.unpack_from(form, self.memory, at)

    def make_available(self, ring, length, flags):
        entry = self.avail[ring] % self.entries
        desc, avail, _ = self._layout(ring)
        self.put(desc + 16 * entry, "<QIHH", self._buffer(ring, entry), length, flags, 0)
        self.put(avail + 4 + 2 * entry, "<H", entry)
        self.avail[ring] += 1
        self.set_avail_index(ring, self.avail[ring])

    def give_buffers(self, n):
        for _ in range(n):
            self.make_available(RX, BUFFER, 2)

    # What limpetd reads meanwhile has to change at once. struct's pack_into() writes zeros first.

    def word(self, at):
        return ctypes.c_uint16.from_buffer(self.memory, at)

    def set_avail_index(self, ring, value):
        self.word(self._layout(ring)[1] + 2).value = value & 0xffff

    def used_index(self, ring):
        return self.word(self._layout(ring)[2] + 2).value

    def wants_kicks(self, ring):
        return not self.word(self._layout(ring)[2]).value & 1

    def transmit(self, frame):
        at = self._buffer(TX, self.avail[TX] % self.entries)
        data = bytes(12) + frame
        self.memory[at:at + len(data)] = data
        self.make_available(TX, len(data), 0)
        os.write(self.kick[TX], struct.pack("<Q", 1))

    def received(self):
        """The next frame, or None if there is none yet."""
        if self.used_index(RX) == self.seen[RX] & 0xffff:
            return None
        used = self._layout(RX)[2] + 4 + 8 * (self.seen[RX] % self.entries)
        entry, length = self.get(used, "<II")
        self.seen[RX] += 1
        at = self._buffer(RX, entry)
        self.make_available(RX, BUFFER, 2)
        return bytes(self.memory[at + 12:at + length])
