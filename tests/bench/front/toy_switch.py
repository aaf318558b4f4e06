# SPDX-License-Identifier: GPL-2.0-or-later
"""A vhost-user switch of two ports that forwards as slowly as Python does.

It is what limpet-front is tested with: every frame goes by a function that may
lose, change or repeat it. Split and packed rings, chains, indirect descriptors
and mergeable buffers; no notifications, because it only polls.
"""

import mmap
import os
import socket
import struct
import sys
import threading

(GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE, SET_VRING_NUM, SET_VRING_ADDR,
 SET_VRING_BASE, GET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL, GET_PROTOCOL_FEATURES,
 SET_PROTOCOL_FEATURES, GET_QUEUE_NUM, SET_VRING_ENABLE) = (
     1, 2, 3, 5, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18)

MRG_RXBUF, MQ, INDIRECT, PROTOCOL = 1 << 15, 1 << 22, 1 << 28, 1 << 30
VERSION_1, PACKED = 1 << 32, 1 << 34
OFFLOADS = sum(1 << bit for bit in (0, 1, 7, 8, 11, 12))
OFFERED = MRG_RXBUF | MQ | INDIRECT | PROTOCOL | VERSION_1 | PACKED | OFFLOADS

NEXT, WRITE, TABLE, AVAIL, USED = 1, 2, 4, 1 << 7, 1 << 15
HEADER = 12


class Ring:
    """One virtqueue, the device's side; 'memory' finds addresses.

    The other side may look at any time, so each integer is written at once:
    struct.pack_into() would clear its place first.
    """

    def __init__(self, memory, packed):
        self.memory = memory
        self.packed = packed
        self.size = self.desc = self.avail = self.used = self.next = 0
        self.wrap = True
        self.enabled = False

    def get(self, form, address):
        area, offset = self.memory(address)
        return struct.unpack_from(form, area, offset)

    def put(self, form, address, value):
        area, offset = self.memory(address)
        memoryview(area).cast(form)[offset // struct.calcsize(form)] = value

    def take(self):
        """The next buffer as (id, [(address, length)], descriptors), or None."""
        return self.take_packed() if self.packed else self.take_split()

    def take_split(self):
        if self.get("H", self.avail + 2)[0] == self.next:
            return None
        head, = self.get("H", self.avail + 4 + 2 * (self.next % self.size))
        self.next = (self.next + 1) & 0xffff
        table, number, parts = self.desc, head, []
        while True:
            address, length, flags, after = self.get("QIHH", table + 16 * number)
            if flags & TABLE:
                table, number = address, 0
                continue
            parts.append((address, length))
            if not flags & NEXT:
                return head, parts, 1
            number = after

    def take_packed(self):
        parts, count = [], 0
        while True:
            flags, = self.get("H", self.desc + 16 * self.next + 14)  # before what they vouch for
            address, length, number = self.get("QIH", self.desc + 16 * self.next)
            if bool(flags & AVAIL) != self.wrap or bool(flags & USED) == self.wrap:
                assert not count, "a chain was made available in pieces"
                return None
            count += 1
            self.next += 1
            if self.next == self.size:
                self.next, self.wrap = 0, not self.wrap
            if flags & TABLE:
                parts += [self.get("QI", address + at) for at in range(0, length, 16)]
            else:
                parts.append((address, length))
            if not flags & NEXT:
                return number, parts, count

    def give(self, used):
        """Returns [(id, length, descriptors)], which become visible at once."""
        if self.packed:
            for at, wrap, (number, length, _) in reversed(list(self.places(used))):
                self.put("I", self.desc + 16 * at + 8, length)
                self.put("H", self.desc + 16 * at + 12, number)
                self.put("H", self.desc + 16 * at + 14, (AVAIL | USED) if wrap else 0)
            return
        index, = self.get("H", self.used + 2)
        for number, length, _ in used:
            self.put("I", self.used + 4 + 8 * (index % self.size), number)
            self.put("I", self.used + 8 + 8 * (index % self.size), length)
            index = (index + 1) & 0xffff
        self.put("H", self.used + 2, index)

    def places(self, used):
        for entry in used:
            at, wrap = self.back
            yield at, wrap, entry
            at += entry[2]
            self.back = (at - self.size, not wrap) if at >= self.size else (at, wrap)

    def start(self):
        self.back = (0, True)
        self.enabled = True


class Port:
    """A front-end, served by a thread of its own once it has come."""

    def __init__(self, listener):
        self.listener = listener
        self.connection = None
        self.regions = []  # (guest's address, front-end's address, size, mapping, offset)
        self.rings = []
        self.features = 0
        self.frames = []  # that wait for buffers

    def find(self, address):
        for gpa, user, size, area, offset in self.regions:
            for base in (gpa, user):
                if base <= address < base + size:
                    return area, address - base + offset
        raise ValueError(f"address {address:#x} is not in the guest's memory")

    def serve(self):
        try:
            self.connection = self.listener.accept()[0]
            while True:
                head, fds, _, _ = socket.recv_fds(self.connection, 12, 8)
                if len(head) < 12:
                    return
                request, flags, size = struct.unpack("<III", head)
                payload = self.connection.recv(size, socket.MSG_WAITALL) if size else b""
                answer = self.handle(request, payload, fds)
                for fd in fds:
                    os.close(fd)
                if answer is None and flags & 8:
                    answer = struct.pack("<Q", 0)
                if answer is not None:
                    self.connection.sendall(struct.pack("<III", request, 5, len(answer)) + answer)
        except OSError:
            return

    def handle(self, request, payload, fds):
        if request == GET_FEATURES:
            return struct.pack("<Q", OFFERED)
        if request == SET_FEATURES:
            self.features, = struct.unpack("<Q", payload)
        elif request == GET_PROTOCOL_FEATURES:
            return struct.pack("<Q", 1 | 8)
        elif request == GET_QUEUE_NUM:
            return struct.pack("<Q", 2)
        elif request == SET_MEM_TABLE:
            for i in range(struct.unpack_from("<I", payload)[0]):
                gpa, size, user, offset = struct.unpack_from("<QQQQ", payload, 8 + 32 * i)
                area = mmap.mmap(fds[i], size + offset)
                self.regions.append((gpa, user, size, area, offset))
        elif SET_VRING_NUM <= request <= GET_VRING_BASE or request == SET_VRING_ENABLE:
            return self.handle_ring(request, payload)
        return None

    def handle_ring(self, request, payload):
        index, number = struct.unpack_from("<II", payload)
        while len(self.rings) <= index:
            self.rings.append(Ring(self.find, bool(self.features & PACKED)))
        ring = self.rings[index]
        if request == SET_VRING_NUM:
            ring.size = number
        elif request == SET_VRING_ADDR:
            ring.desc, ring.used, ring.avail = struct.unpack_from("<QQQ", payload, 8)
        elif request == SET_VRING_ENABLE:
            ring.start()
        elif request == GET_VRING_BASE:
            ring.enabled = False
            return struct.pack("<II", index, ring.next | ring.wrap << 15 if ring.packed
                               else ring.next)
        return None

    def ready(self, odd):
        return [ring for ring in self.rings[odd::2] if ring.enabled]

    def receive(self):
        """All frames the guest has sent."""
        for ring in self.ready(1):
            while taken := ring.take():
                number, parts, count = taken
                data = b"".join(self.read(*part) for part in parts)
                ring.give([(number, 0, count)])
                yield data

    def read(self, address, length):
        area, offset = self.find(address)
        return area[offset:offset + length]

    def deliver(self):
        """As many frames as there are buffers for."""
        for ring in self.ready(0)[:1]:
            while self.frames and self.put(ring, self.frames[0]):
                self.frames.pop(0)

    def put(self, ring, frame):
        used, rest, parts_of = [], frame, []
        at = ring.next, ring.wrap
        while rest or not used:
            taken = ring.take()
            if not taken or (used and not self.features & MRG_RXBUF):
                ring.next, ring.wrap = at
                return False
            number, parts, count = taken
            length = 0
            for address, room in parts:
                parts_of.append((address, rest[:room]))
                length += len(rest[:room])
                rest = rest[room:]
            used.append((number, length, count))
        frame = frame[:10] + struct.pack("<H", len(used)) + frame[HEADER:]
        for address, piece in parts_of:
            area, offset = self.find(address)
            area[offset:offset + len(piece)], frame = frame[:len(piece)], frame[len(piece):]
        ring.give(used)
        return True


class ToySwitch:
    """Listens on two paths; 'fate' maps each frame to a list of those that go on."""

    def __init__(self, directory, fate=lambda frame: [frame]):
        self.paths = [os.path.join(directory, name) for name in ("a", "b")]
        self.fate = fate
        self.listeners = []
        for path in self.paths:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen()
            self.listeners.append(listener)
        sys.setswitchinterval(1e-4)  # the forwarding thread never sleeps
        self.stopping = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        ports = [Port(listener) for listener in self.listeners]
        for port in ports:
            threading.Thread(target=port.serve, daemon=True).start()
        try:
            while not self.stopping.is_set():
                for source, sink in (ports, ports[::-1]):
                    for frame in source.receive():
                        sink.frames += self.fate(frame)
                    sink.deliver()
        except Exception as error:  # the test asks for it
            self.error = error

    def stop(self):
        self.stopping.set()
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.thread.join(5)
        if self.error:
            raise self.error
