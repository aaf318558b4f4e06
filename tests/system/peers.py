# SPDX-License-Identifier: GPL-2.0-or-later
"""What hangs on an endpoint's sockets, and the frames it sends."""

import itertools
import os
import select
import socket
import struct
import time

from waiting import DEADLINE_S, unix_socket, wait_until

ETHERTYPE = 0x88B5  # IEEE 802: for local experiments
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac(number):
    """The address of the endpoint with this number, as a test counts them."""
    return "02:00:00:" + number.to_bytes(3, "big").hex(":")


def frame(dst, src, payload=b"", size=60):
    """An Ethernet frame of at least 'size' bytes."""
    head = bytes.fromhex((dst + src).replace(":", "")) + ETHERTYPE.to_bytes(2, "big")
    return (head + payload).ljust(size, b"\0")


def numbered(dst, src, number, size=60):
    """A frame that number_of() knows again."""
    return frame(dst, src, number.to_bytes(8, "big"), size)


def number_of(data):
    return int.from_bytes(data[14:22], "big")


class Stream:
    """A peer of stream.sock: each frame behind its length."""

    def __init__(self, path):
        self.socket = unix_socket(socket.SOCK_STREAM)
        self.socket.connect(path)
        self.buffer = bytearray()

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, *frames):
        self.send_bytes(b"".join(len(f).to_bytes(4, "big") + f for f in frames))

    def take(self):
        """The frames that are complete."""
        frames, at = [], 0
        while len(self.buffer) >= at + 4:
            (length,) = struct.unpack_from("!I", self.buffer, at)
            if len(self.buffer) < at + 4 + length:
                break
            frames.append(bytes(self.buffer[at + 4 : at + 4 + length]))
            at += 4 + length
        del self.buffer[:at]
        return frames

    def drain(self):
        """Whatever frames have come."""
        while True:
            try:
                more = self.socket.recv(1 << 20, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            if not more:
                break
            self.buffer += more
        return self.take()

    def receive(self, count=1, deadline_s=DEADLINE_S):
        """The next 'count' frames, and those that come along; fails if they do not."""
        return gather(self, count, deadline_s)

    def is_closed(self):
        """Has the daemon hung up? What it sent before is thrown away."""
        while select.select([self.socket], [], [], 0)[0]:
            try:
                if not self.socket.recv(1 << 20):
                    return True
            except ConnectionResetError:
                return True
        return False


class Dgram:
    """A peer of dgram.sock; without 'here' its socket has no address."""

    def __init__(self, path, here=None):
        self.socket = unix_socket(socket.SOCK_DGRAM)
        self.path, self.here = path, here
        if here:
            self.socket.bind(str(here))
            os.chmod(here, 0o777)  # a daemon of another user answers, too

    def close(self):
        self.socket.close()
        if self.here:
            os.unlink(self.here)

    def fileno(self):
        return self.socket.fileno()

    def send(self, *frames):
        for data in frames:
            self.socket.sendto(data, self.path)

    def drain(self):
        frames = []
        while True:
            try:
                frames.append(self.socket.recv(1 << 17, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return frames

    def receive(self, count=1, deadline_s=DEADLINE_S):
        return gather(self, count, deadline_s)


def gather(peer, count, deadline_s):
    frames, end = [], time.monotonic() + deadline_s
    while len(frames) < count:
        left = end - time.monotonic()
        assert left > 0, f"{len(frames)} of {count} frames came"
        select.select([peer], [], [], left)
        frames += peer.drain()
    return frames


def port_is(daemon, name, kind):
    """Waits until 'show' says that 'name' has a peer of this kind."""
    wait_until(lambda: daemon.control.link(name)["port"]["kind"] == kind,
               f"the port of {name} is {kind}")


def attach(daemon, name):
    """A stream peer of 'name' that the daemon knows."""
    peer = Stream(daemon.socket_path(name))
    port_is(daemon, name, "stream")
    return peer


def bind(daemon, name, here="peer"):
    """A datagram peer of 'name' that the daemon knows."""
    peer = Dgram(daemon.socket_path(name, "dgram"), daemon.place / f"{name}-{here}.sock")
    peer.send(b"hello")  # a runt: it tells who is there, and nobody gets it
    wait_until(lambda: daemon.control.link(name)["port"].get("peer") == str(peer.here),
               f"{name} knows its peer")
    return peer


def endpoints(daemon, count, lower="lan0", first=1, **change):
    """Up endpoints m1, m2 ... with addresses mac(1), mac(2) ...; returns their names."""
    names = [f"m{number}" for number in range(first, first + count)]
    for number, name in enumerate(names, first):
        daemon.control.add_endpoint(name, lower, address=mac(number), **change)
    return names


def drops(daemon, name, direction, reason):
    return daemon.control.link(name)["drops" + direction].get(reason, 0)


class Conversation:
    """Two peers that keep numbered frames under way between them and miss none.

    Used to see that others' trouble is not theirs: ask() sends one frame each
    way and waits for both, so its longest time says what delay there was.
    """

    def __init__(self, one, one_mac, other, other_mac):
        self.ends = [(one, one_mac, other, other_mac), (other, other_mac, one, one_mac)]
        self.numbers = itertools.count(1)
        self.longest_s = 0

    def ask(self, times=1):
        for _ in range(times):
            start = time.monotonic()
            for sender, src, receiver, dst in self.ends:
                number = next(self.numbers)
                sender.send(numbered(dst, src, number))
                got = [number_of(f) for f in receiver.receive()
                       if f[6:12] == bytes.fromhex(src.replace(":", ""))]
                assert got == [number]
            self.longest_s = max(self.longest_s, time.monotonic() - start)
