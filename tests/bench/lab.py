# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured, set up side by side: the kernel's macvtap, Limpet, bare devices.

Everything lives in a network and a mount namespace of its own without a name,
which bench.py has entered by unshare(1) and which the kernel takes away with the
last process in it, whatever happens.
"""

import contextlib
import os
import stat
import tempfile
from dataclasses import dataclass

from command import LabError, call
from limpetd import Limpetd

# Two guests and the far side of the wire.
MAC_A, MAC_B, MAC_WIRE = "52:54:00:00:00:0a", "52:54:00:00:00:0b", "52:54:00:00:00:0f"


@dataclass(frozen=True)
class Part:
    """Ends for limpet-load, by name, and the daemon that forwards between them, if one does."""

    ends: dict
    daemon: Limpetd | None = None


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def add_endpoint(lower, name, mac):
    return [
        f"link add link {lower} name {name} address {mac} type macvtap mode bridge",
        f"link set {name} up",
    ]


def enter_namespace():
    """Makes the namespaces this process was started in usable, and quiet."""
    call("mount", "-t", "sysfs", "sysfs", "/sys")
    call("ip", "link", "set", "lo", "up")
    for scope in ("all", "default"):
        with contextlib.suppress(OSError):  # a kernel without IPv6 is as quiet
            write(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6", "1")
    # As systemd sets it on every machine it boots; new namespaces start with 10.
    write("/proc/sys/net/unix/max_dgram_qlen", "512")


class Lab:
    """Builds parts on first use and remembers those that failed.

    A method make_NAME() builds the part NAME, and make_NAME(size) "NAME of SIZE".
    """

    def __init__(self, build, privileged, prefix=""):
        self.build = build
        self.privileged = privileged
        self.prefix = prefix  # of devices, where there are two laboratories
        self.parts = {}
        self.missing = {}
        self.stack = contextlib.ExitStack()
        self.directory = self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="limpet-bench-", ignore_cleanup_errors=True)
        )

    def __enter__(self):
        if self.privileged:  # other file systems may not have device nodes
            call("mount", "-t", "tmpfs", "-o", "mode=755", "limpet-bench", self.directory)
            self.stack.callback(call, "umount", "-l", self.directory)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def part(self, name):
        """A part; raises LabError, always the same, if it cannot be had."""
        if name in self.missing:
            raise LabError(self.missing[name])
        if name not in self.parts:
            try:
                make, _, size = name.partition(" of ")
                self.parts[name] = getattr(self, f"make_{make}")(*map(int, size.split()))
            except LabError as error:
                self.missing[name] = str(error)
                raise
        return self.parts[name]

    def add_veth(self, name):
        """Two devices joined by a wire, both up; returns their names."""
        if not self.privileged:
            raise LabError("devices need root")
        name = self.prefix + name
        call("ip", "link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1")
        for device in (f"{name}0", f"{name}1"):
            call("ip", "link", "set", device, "up")
        return f"{name}0", f"{name}1"

    # The floor: nothing between the two ends, or nothing but a wire.

    def make_pairs(self):
        return Part({"stream": "stream:-", "dgram": "dgram:-"})

    def make_veth(self):
        near, far = self.add_veth("bare")
        return Part({"a": f"packet:{near},mac={MAC_A}", "wire": f"packet:{far},mac={MAC_WIRE}"})

    # The kernel's macvtap.

    def make_macvtap(self):
        lower, far = self.add_veth("kern")
        ends = {"wire": f"packet:{far},mac={MAC_WIRE}"}
        for name, mac in (("a", MAC_A), ("b", MAC_B)):
            device = f"{lower}-{name}"
            call("ip", "link", "add", "link", lower, "name", device, "address", mac,
                 "type", "macvtap", "mode", "bridge")
            call("ip", "link", "set", device, "up")
            ends[name] = f"tap:{self.make_node(device)},mac={mac}"
        return Part(ends)

    def make_node(self, device):
        """/dev/tapN is named by an index that other namespaces use as well: one of our own."""
        index = read(f"/sys/class/net/{device}/ifindex")
        major, minor = read(f"/sys/class/net/{device}/tap{index}/dev").split(":")
        path = os.path.join(self.directory, device)
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(int(major), int(minor)))
        return path

    # Limpet.

    def start_limpetd(self, name):
        daemon = Limpetd(self.build, os.path.join(self.directory, name))
        self.stack.callback(daemon.stop)
        return daemon

    def make_guests(self, daemon, lower):
        """Guests a and b on both kinds of socket."""
        ends, lines = {}, []
        for number, kind in enumerate(("stream", "dgram")):
            for guest in "ab":
                name = f"{kind}-{guest}"
                mac = f"52:54:00:00:{number:02x}:0{guest}"
                lines += add_endpoint(lower, name, mac)
                ends[f"{kind} {guest}"] = daemon.end(name, kind, mac)
        daemon.limpet(lines)
        return ends

    def make_limpet(self):
        daemon = self.start_limpetd("limpet")
        daemon.limpet(["link add lan0 type dummy"])
        return Part(self.make_guests(daemon, "lan0"), daemon)

    def make_packet(self):
        lower, far = self.add_veth("limp")
        daemon = self.start_limpetd("packet")
        ends = self.make_guests(daemon, lower)
        return Part({**ends, "wire": f"packet:{far},mac={MAC_WIRE}"}, daemon)

    def make_hub(self, size):
        """A pair among 'size' endpoints; the others have nobody attached."""
        daemon = self.start_limpetd(f"hub{size}")
        lines = ["link add lan0 type dummy"]
        for i in range(size - 2):
            lines += add_endpoint("lan0", f"e{i}", f"52:54:01:00:{i >> 8:02x}:{i & 255:02x}")
        pair = (("a", MAC_A), ("b", MAC_B))
        for guest, mac in pair:
            lines += add_endpoint("lan0", f"pair-{guest}", mac)
        daemon.limpet(lines)
        return Part({guest: daemon.end(f"pair-{guest}", "stream", mac)
                     for guest, mac in pair}, daemon)
