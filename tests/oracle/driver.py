# SPDX-License-Identifier: GPL-2.0-or-later
"""What both drivers share: the wire, the host, and knowing when all is quiet.

Each driver has a veth pair in the test's own network namespace. One end is the
lower; a packet socket on the other end is the wire, another on the lower is the
host as a sender.

Nothing sleeps. After the frames of a step, marker frames follow on the same ways:
one from each sender to the wire, then one from the wire to each endpoint that is
up. As every way keeps its order, all copies of the step have arrived when the
markers have. The deadline only turns a lost marker into a failure.

  * The kernel's broadcast queue lets a unicast overtake (R2.39), so the marker
    for private, vepa, bridge and passthru endpoints is a broadcast.
  * Only its source list brings a source-mode endpoint anything. Each has one more
    entry than its scenario says: the source of its own markers.
  * A sender that is down cannot mark the end, nor the wire where nobody is up;
    flushed() waits until what they sent has been looked at.
"""

import errno
import select
import socket
import struct
import time

import netlink as nl
from frame import ETH_P_MARKER, address
from law import Outcome

DEADLINE_S = 5
FRAME_MAX = 65536 + 64

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 263, 8, 23
ETH_P_ALL = 3
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40

BROADCAST = address("bcast")
NOWHERE = bytes.fromhex("0200000000f0")  # an unknown unicast: to the wire, to source lists
MARKER_SOURCE = bytes.fromhex("0200000000f1")


class Stuck(Exception):
    """A marker did not come back, or a port is not emptied; the text says which."""


def marker(destination, source, number):
    return destination + source + struct.pack("!HQ", ETH_P_MARKER, number) + bytes(38)


def marker_number(data):
    """The number of a marker, or None for any other frame."""
    kind, number = struct.unpack_from("!HQ", data.ljust(22, b"\0"), 12)
    return number if kind == ETH_P_MARKER else None


def marker_source(name):
    """The source of the markers for one source-mode endpoint."""
    return b"\x02\x00\xf2\x00" + address(name)[4:]


def with_tag(data, extra):
    """Puts the VLAN tag back that the kernel took out on reception."""
    for level, kind, value in extra:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", value)
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                return data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
    return data


class PacketSocket:
    """Every frame that crosses a device, exactly as it is on the medium."""

    def __init__(self, device):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.bind((device, ETH_P_ALL))

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()

    def send(self, data):
        """Frames that the device does not take are lost, as they are on a wire."""
        for _ in range(2):  # that the device went down earlier is told once, here or by drain()
            try:
                self.socket.send(data)
                return
            except OSError as problem:
                if problem.errno not in (errno.EMSGSIZE, errno.ENETDOWN, errno.ENOBUFS):
                    raise
                if problem.errno != errno.ENETDOWN:
                    return

    def drain(self):
        frames = []
        while True:
            try:
                data, extra, _, _ = self.socket.recvmsg(FRAME_MAX, 256)
            except (BlockingIOError, InterruptedError):
                return frames
            except OSError as problem:  # told once, when the device goes down
                if problem.errno != errno.ENETDOWN:
                    raise
                continue
            frames.append(with_tag(data, extra))


def wait_until(condition, what):
    """Looks again and again, for what has no event; Stuck after the deadline."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise Stuck(what)
        select.select((), (), (), 0.001)


def operstate(device):
    with open(f"/sys/class/net/{device}/operstate", encoding="ascii") as file:
        return file.read().strip()


class Driver:
    """Plays scenarios on real devices. A kind of driver says how endpoints are
    made and changed (apply), attached (attach), read without a marker (flushed), hear
    of changes of the lower (lower_changed) and are all removed (clear).
    """

    name = ""

    def __init__(self, law, netlink, lower, wire):
        self.netlink, self.lower, self.wire_name = netlink, lower, wire
        peer = nl.ifinfomsg() + nl.attribute(nl.IFLA_IFNAME, wire)
        netlink.add(nl.attribute(nl.IFLA_IFNAME, lower),
                    nl.attribute(nl.IFLA_ADDRESS, address("host")),
                    nl.link_info("veth", nl.attribute(nl.VETH_INFO_PEER, peer)))
        netlink.up(lower)
        netlink.up(wire)
        self.wire, self.host = PacketSocket(wire), PacketSocket(lower)
        self.endpoints = {}  # name -> something with fileno(), send(), drain(), close()
        self.law = law  # what to expect, and the state the hub is in
        self.markers = 0

    def close(self):
        self.drop_endpoints()
        self.wire.close()
        self.host.close()

    def begin(self):
        """Back to a lower as it was made, without endpoints."""
        self.drop_endpoints()
        was_mtu, was_wire_mtu = self.law.lower_mtu, self.law.wire_mtu
        was_moved = not self.law.lower_up or self.law.lower_mac != address("host")
        self.law.reset()
        if was_moved:
            self.set_lower("up", None)
            self.set_lower("mac", "host")
        if was_mtu != self.law.lower_mtu:
            self.set_lower("mtu", self.law.lower_mtu)
        if was_wire_mtu != self.law.wire_mtu:
            self.set_wire("mtu", self.law.wire_mtu)
        self.wire.drain()

    def drop_endpoints(self):
        for endpoint in self.endpoints.values():
            endpoint.close()
        self.endpoints = {}
        if self.law.endpoints:
            self.clear()
        self.law.endpoints.clear()

    # Steps.

    def play(self, step):
        """Returns what became of the step, and what should have."""
        number = self.law.serial
        expected = self.law.run(step)
        if step.verb == "send":
            return self.send(step, number), expected
        outcome = Outcome(self.change(step))
        if outcome.verdict == expected.verdict:
            self.follow(step)
        return outcome, expected

    def change(self, step):
        if step.verb == "lower":
            return self.set_lower(step.what, step.value)
        if step.verb == "wire":
            return self.set_wire(step.what, step.value)
        return self.apply(step)

    def follow(self, step):
        """Attaches to exactly the endpoints the law knows."""
        for name in set(self.endpoints) - set(self.law.endpoints):
            self.endpoints.pop(name).close()
        for name in set(self.law.endpoints) - set(self.endpoints):
            self.endpoints[name] = self.attach(name)
        endpoint = self.law.endpoints.get(step.name)
        if endpoint and endpoint.mode == "source" and step.what in ("", "mode", "list"):
            self.add_source(step.name, marker_source(step.name))

    def set_lower(self, what, value):
        if what == "mtu":
            self.netlink.change(self.lower, nl.u32(nl.IFLA_MTU, value))
        elif what == "mac":
            self.netlink.change(self.lower, nl.attribute(nl.IFLA_ADDRESS, address(value)))
        else:
            self.netlink.up(self.lower, what == "up")
            expected = {"up": ("up", "up"), "down": ("down", "lowerlayerdown")}[what]
            wait_until(lambda: (operstate(self.lower), operstate(self.wire_name)) == expected,
                       f"{self.name}: the wire does not follow the lower")
        self.lower_changed(what)
        return "ok"

    def set_wire(self, what, value):
        if what == "mtu":
            self.netlink.change(self.wire_name, nl.u32(nl.IFLA_MTU, value))
        return "ok"

    # Frames.

    def send(self, step, number):
        outcome = Outcome()
        for who, data in step.frames(number):
            self.enter(who, data)
        self.settle({who for who, _ in step.sends}, outcome.arrivals)
        if self.law.hairpin:
            for data in outcome.arrivals.get("wire", ()):
                self.enter("wire", data)
            self.sweep(outcome.reflected)
        return outcome

    def finish(self):
        """What still turned up after the last step: nothing, one hopes."""
        outcome = Outcome()
        self.settle(set(), outcome.arrivals)
        return outcome

    def enter(self, who, data):
        if who in ("wire", "host"):
            getattr(self, who).send(data)
        elif who in self.endpoints:
            self.endpoints[who].send(data)

    def settle(self, senders, heard):
        awaited = {}
        for who in sorted(senders - {"wire"}):
            endpoint = self.law.endpoints.get(who)
            if self.law.lower_up and (who == "host" or (endpoint and endpoint.up)):
                awaited.setdefault("wire", set()).add(self.next_marker())
                self.enter(who, marker(NOWHERE, MARKER_SOURCE, self.markers))
            elif endpoint:
                self.flushed(who)
        self.collect(awaited, heard)
        self.sweep(heard)

    def sweep(self, heard):
        """Waits until every endpoint has got what came, or left, before now."""
        awaited = {}
        if self.law.lower_up:
            self.next_marker()
            self.wire.send(marker(BROADCAST, MARKER_SOURCE, self.markers))
            for endpoint in self.law.endpoints.values():
                if not endpoint.up:
                    continue
                awaited[endpoint.name] = {self.markers}
                if endpoint.mode == "source":
                    source = marker_source(endpoint.name)
                    self.wire.send(marker(NOWHERE, source, self.markers))
        self.flushed("wire")
        self.collect(awaited, heard)

    def next_marker(self):
        self.markers += 1
        return self.markers

    def collect(self, awaited, heard):
        """Reads everybody until the awaited markers have come."""
        everybody = {"wire": self.wire, **self.endpoints}
        end = time.monotonic() + DEADLINE_S
        while True:
            for who, port in everybody.items():
                for data in port.drain():
                    number = marker_number(data)
                    if number is None:
                        heard.setdefault(who, []).append(data)
                    else:
                        awaited.get(who, set()).discard(number)
            waiting = [who for who, numbers in awaited.items() if numbers]
            if not waiting:
                return
            left = end - time.monotonic()
            if left <= 0:
                raise Stuck(f"{self.name}: no marker reached {' '.join(sorted(waiting))}")
            select.select([everybody[who] for who in waiting], (), (), left)
