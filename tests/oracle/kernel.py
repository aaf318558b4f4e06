# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's macvtap.

Every endpoint has all groups, as Limpet's have (differences.md), and is read and
written without a virtio-net header and without offloads.
"""

import concurrent.futures
import errno
import fcntl
import os
import struct

import netlink as nl
from driver import FRAME_MAX, Driver, operstate, wait_until
from frame import ETH_HEADER, address
from law import Law
from namespace import Unable

TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LINK_GROUP = 7  # of all endpoints, so that one request deletes them
MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
FLAGS = {"nopromisc": 1, "nodst": 2, "null": 0}
# The queue decides late: a frame that came while an endpoint was down is delivered if
# that is up when a kernel worker gets to it. Limpet has no such queue (differences.md).
NO_BROADCAST_QUEUE = nl.attribute(nl.MACVLAN_BC_CUTOFF, struct.pack("=i", -1))  # R2.35
CLOSERS = concurrent.futures.ThreadPoolExecutor(8)
LIST_COMMANDS = {"add": 0, "del": 1, "flush": 2, "set": 3}


class Tap:
    """One queue of an endpoint, through a device node of our own: /dev may show
    another network's endpoint under the same name (R3.4).
    """

    def __init__(self, name, scratch):
        index = read(f"/sys/class/net/{name}/ifindex")
        major, minor = map(int, read(f"/sys/class/net/{name}/tap{index}/dev").split(":"))
        node = os.path.join(scratch, f"tap{index}")
        os.mknod(node, 0o20600, os.makedev(major, minor))
        try:
            self.fd = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        finally:
            os.unlink(node)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        fcntl.ioctl(self.fd, TUNSETOFFLOAD, 0)

    def fileno(self):
        return self.fd

    def close(self):
        """Waits for an RCU grace period in the kernel, so not here."""
        CLOSERS.submit(os.close, self.fd)

    def send(self, data):
        try:
            os.write(self.fd, data)
        except OSError as problem:
            if problem.errno != errno.EINVAL or len(data) >= ETH_HEADER:  # R3.21
                raise

    def drain(self):
        frames = []
        while True:
            try:
                frames.append(os.read(self.fd, FRAME_MAX))
            except BlockingIOError:
                return frames


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def flags_attribute(words):
    """'ip' sends the flags only if one is named; so a mode change keeps them."""
    if not words:
        return b""
    value = 0
    for word in words:
        value |= FLAGS[word]
    return nl.attribute(nl.MACVLAN_FLAGS, struct.pack("=H", value))


def list_attributes(verb, macs):
    """As 'ip' does: one address for add and del, a nest of them for set."""
    command = nl.u32(nl.MACVLAN_MACADDR_MODE, LIST_COMMANDS[verb])
    single = [nl.attribute(nl.MACVLAN_MACADDR, mac) for mac in macs]
    if verb == "set" and macs:
        return command + nl.nest(nl.MACVLAN_MACADDR_DATA, *single)
    return command + b"".join(single)


class KernelDriver(Driver):
    name = "kernel"
    against = "the specification"

    def __init__(self, netlink, scratch):
        super().__init__(Law(), netlink, "low0", "wire0")
        self.scratch = scratch
        try:
            netlink.add(nl.attribute(nl.IFLA_IFNAME, "probe"), nl.u32(nl.IFLA_GROUP, LINK_GROUP),
                        nl.u32(nl.IFLA_LINK, self.lower_index()), nl.link_info("macvtap"))
        except OSError as problem:
            raise Unable(f"this kernel has no macvtap: {problem}") from problem
        self.clear()

    def apply(self, step):
        try:
            getattr(self, "do_" + step.verb)(step)
        except OSError as problem:
            return errno.errorcode[problem.errno]
        return "ok"

    def do_add(self, step):
        options = step.options
        parts = [nl.attribute(nl.IFLA_IFNAME, step.name), nl.u32(nl.IFLA_GROUP, LINK_GROUP),
                 nl.u32(nl.IFLA_LINK, self.lower_index()),
                 nl.attribute(nl.IFLA_ADDRESS, address(options.mac or step.name))]
        if options.mtu:
            parts.append(nl.u32(nl.IFLA_MTU, options.mtu))
        parts.append(nl.link_info("macvtap", nl.u32(nl.MACVLAN_MODE, MODES[step.value]),
                                  flags_attribute(options.flags), NO_BROADCAST_QUEUE))
        self.netlink.add(*parts)
        if step.value != "passthru":
            self.get_all_groups(step.name)

    def get_all_groups(self, name):
        self.netlink.change(name, flags=nl.IFF_ALLMULTI, mask=nl.IFF_ALLMULTI)

    def go_up(self, name):
        self.netlink.up(name)
        if self.law.passthru():  # which only hands the flag on to the lower while it is up
            self.get_all_groups(name)

    def do_endpoint(self, step):
        self.do_add(step)
        if step.options.sources is not None:
            self.set_list(step.name, ("set", step.options.sources))
        if not step.options.down:
            self.go_up(step.name)

    def do_del(self, step):
        self.netlink.delete(step.name)

    def do_set(self, step):
        if step.what == "up":
            self.go_up(step.name)
        elif step.what == "down":
            self.netlink.up(step.name, False)
        elif step.what == "mac":
            self.netlink.change(step.name, nl.attribute(nl.IFLA_ADDRESS, address(step.value)))
        elif step.what == "mtu":
            self.netlink.change(step.name, nl.u32(nl.IFLA_MTU, step.value))
        elif step.what == "mode":
            self.set_data(step.name, nl.u32(nl.MACVLAN_MODE, MODES[step.value]),
                          flags_attribute(step.options.flags))
        else:
            self.set_list(step.name, step.value)

    def set_list(self, name, command):
        verb, words = command
        self.set_data(name, list_attributes(verb, [address(word) for word in words]))

    def set_data(self, name, *parts):
        self.netlink.change(name, nl.link_info("macvtap", *parts))

    def add_source(self, name, mac):
        self.set_data(name, list_attributes("add", [mac]))

    def lower_index(self):
        return int(read(f"/sys/class/net/{self.lower}/ifindex"))

    def attach(self, name):
        return Tap(name, self.scratch)

    def clear(self):
        self.netlink.delete_group(LINK_GROUP)

    def flushed(self, who):
        """When a write returns its frame is where it belongs."""

    def lower_changed(self, what):
        """Endpoints notice up to a second later (R1.21)."""
        if what in ("up", "down"):
            expected = {"up": "up", "down": "lowerlayerdown"}[what]
            for endpoint in self.law.endpoints.values():
                if endpoint.up:
                    wait_until(lambda name=endpoint.name: operstate(name) == expected,
                               f"kernel: {endpoint.name} does not follow its lower")
