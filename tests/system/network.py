# SPDX-License-Identifier: GPL-2.0-or-later
"""A network namespace of a test's own, and the far end of a veth pair as the wire."""

import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess

from peers import ETHERTYPE, gather
from waiting import DEADLINE_S, wait_until

CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
SO_RCVBUFFORCE = 33


class Network:
    """Gone when it is closed, or with this process."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.fd = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        for where in ("all", "default"):
            # The kernel's own IPv6 is not to speak on the wire.
            self.run("sysctl", "-qw", f"net.ipv6.conf.{where}.disable_ipv6=1")

    def close(self):
        os.close(self.fd)
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait()

    def enter(self):
        """Moves the calling thread there."""
        enter(self.fd)

    @contextlib.contextmanager
    def inside(self):
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.enter()
            yield
        finally:
            enter(here)
            os.close(here)

    def run(self, *command):
        return subprocess.run(["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *command],
                              check=True, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True).stdout

    def ip(self, line):
        return self.run("ip", *line.split())

    def link(self, name):
        """What the kernel says about a device."""
        return json.loads(self.ip(f"-d -j link show {name}"))[0]

    def veth(self, name="low0", far="wire0", **options):
        """A pair of devices that are up; 'name' is for endpoints to cling to."""
        words = " ".join(f"{key} {value}" for key, value in options.items())
        self.ip(f"link add {name} {words} type veth peer name {far}")
        self.set_up(name, far)

    def set_up(self, *names):
        """Sets devices up, and waits until the kernel lets frames through: it
        learns of a carrier in its own time.
        """
        for name in names:
            self.ip(f"link set {name} up")
        for name in names:
            wait_until(lambda: self.link(name)["operstate"] == "UP", f"{name} is up")


def enter(fd):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns()")


class Wire:
    """The far end of a veth pair: what leaves the lower, and what comes in."""

    def __init__(self, network, name="wire0"):
        with network.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                        socket.htons(ETHERTYPE))
            self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            self.socket.bind((name, ETHERTYPE))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                               struct.pack("@ll", DEADLINE_S, 0))

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def send(self, *frames):
        for data in frames:
            self.socket.send(data)

    def drain(self):
        frames = []
        while True:
            try:
                frames.append(self.socket.recv(1 << 17, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return frames

    def receive(self, count=1, deadline_s=DEADLINE_S):
        return gather(self, count, deadline_s)
