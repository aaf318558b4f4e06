# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench vhost: Limpet's vhost-user rings beside those of other switches.

limpet-front plays the guests for all of them, on the first CPU, and the switch has
the second. The kernel's macvtap, which has no rings, is driven by limpet-load.
"""

import contextlib
import os
from dataclasses import dataclass, field

from cases import GSO_SEGMENT, GSO_SIZE, Case, Measure, System
from command import LabError
from lab import MAC_A, MAC_B, Lab, Part, add_endpoint
from peers import hugepages
from peers.ovs import Ovs
from peers.testpmd import Testpmd

PATH = "vhost-user guests"
MEBIBYTES = 3 * 768 + 256  # of huge pages: the peers', and the guests'
SUPER = ("--size", str(GSO_SIZE), "--gso", str(GSO_SEGMENT))
MERGED = ",mrg,slot=4096"


@dataclass(frozen=True)
class FrontMeasure(Measure):
    """What limpet-front measures; 'systems' are those that take part."""

    guest: str = ""  # options of each guest
    systems: tuple = ()
    inverse: bool = True


def frames(name, title, size, *args, systems, guest="", inverse=True):
    unit, key, scale = ("Mframe/s", "fps", 1e-6) if size < 1000 else ("Gbit/s", "bps", 1e-9)
    return FrontMeasure(name, title, unit, key, scale, ("--size", str(size), *args), guest=guest,
                        systems=systems, inverse=inverse)


def supers(name, title, *args, systems):
    return FrontMeasure(name, title, "Gbit/s", "bps", 1e-9, (*SUPER, "--window", "8", *args),
                        guest=MERGED, systems=systems)


def latency(name, title, *args, systems):
    return FrontMeasure(name, title, "us", "p50_ns", 1e-3, args, better="less", systems=systems)


LIMPET, PMD, OVS, TSO, COPY, WAKE, KERNEL = SYSTEMS = [
    System("limpet", "vhost", "a", "b"),
    System("testpmd, io", "testpmd", "a", "b"),
    System("OVS-DPDK", "ovs", "a", "b"),
    System("OVS-DPDK, TSO", "ovstso", "a", "b"),
    System("no switch: one bare copy", "copy", "a", "b"),
    System("no switch: bare wake-ups", "wake", "a", "b"),
    System("kernel macvtap", "macvtap", "a", "b"),
]
POLLING = System("limpet, poll 5000", "polling", "a", "b")  # between bursts, as its peers do
INTERRUPTS = System("limpet, poll 0", "interrupts", "a", "b")

RINGS = (LIMPET, PMD, OVS)
ALL = (*RINGS, COPY, KERNEL)

MEASURES = [
    frames("64", "64 B, one way", 64, systems=ALL),
    frames("64win", "64 B, 128 under way at most", 64, "--window", "128", "--slots", "256",
           systems=RINGS),
    frames("64both", "64 B, both ways", 64, "--both", systems=RINGS),
    frames("64packed", "64 B, one way, packed rings", 64, guest=",packed", systems=RINGS),
    frames("1514", "1514 B, one way", 1514, systems=ALL),
    frames("1514touch", "1514 B, one way, payload touched", 1514, "--touch",
           systems=(*RINGS, COPY)),
    frames("1514burst", "1514 B, payload touched, bursts of 128 timed without the generator", 1514,
           "--touch", "--bursts", "--window", "128", "--slots", "256", systems=(POLLING, PMD, OVS, COPY)),
    frames("1514packed", "1514 B, one way, packed rings", 1514, guest=",packed", systems=RINGS),
    supers("64k", "64 KiB TCP super-frames", systems=(LIMPET, TSO, COPY, KERNEL)),
    supers("64ktouch", "64 KiB TCP super-frames, payload touched", "--touch",
           systems=(LIMPET, TSO, COPY)),
    supers("64kburst", "64 KiB TCP super-frames, touched, bursts of 8 timed without the generator",
           "--touch", "--bursts", systems=(POLLING, TSO, COPY)),
    latency("rtt", "round trip of one 64 B frame, polled for", "--latency",
            systems=(*RINGS, KERNEL)),
    latency("rttsleep", "round trip of one 64 B frame, everybody sleeps", "--latency",
            "--sleep", systems=(INTERRUPTS, WAKE)),
]

# Of Limpet alone.
HUBS = [System(f"limpet, {size} endpoints", f"hub of {size}", "a", "b") for size in (2, 16, 256)]
PAIRS = [System(f"limpet, {n} pair{'s' * (n > 1)}", f"pairs of {n}", "a", "b") for n in (1, 10)]
MANY = [
    frames("hub", "64 B, a pair among many endpoints", 64, systems=tuple(HUBS), inverse=False),
    frames("pairs", "64 B, the sum of many pairs", 64, systems=tuple(PAIRS), inverse=False),
]


@dataclass(frozen=True)
class Pairs(Part):
    """Guests, two by two."""

    guests: tuple = field(default=())


def all_cases(_before):
    """Limpet is first, and what the others are compared with."""
    for measure in (*MEASURES, *MANY):
        for system in measure.systems:
            yield Case(PATH, measure, system, measure.systems[0])


def command(build, case, part, cpus, seconds):
    """The command of a case."""
    measure = case.measure
    common = ["--seconds", str(seconds), "--cpus", ",".join(map(str, cpus))]
    if part.daemon:
        common += ["--switch", str(part.daemon.pid)]
    front = [os.path.join(build, "tests/bench/front/limpet-front"), *common, *measure.args]
    if case.system == WAKE:
        return [*front, "--floor", "wake"]
    if case.system == COPY:
        front += ["--floor", "copy"]
    if case.system == KERNEL:
        return kernel_command(build, measure, part, common)
    return [*front, *(guest + measure.guest for guest in part.guests)]


def kernel_command(build, measure, part, common):
    """A super-frame and its window are one system call there."""
    vnet = ",vnet" if "--gso" in measure.args else ""
    args = [arg for arg in measure.args if arg not in ("--window", "8")]
    return [os.path.join(build, "tests/bench/limpet-load"), *common, *args,
            part.ends["a"] + vnet, part.ends["b"] + vnet]


class VhostLab(Lab):
    """The laboratory with peers. Who polls has the CPU only in his turn.

    With peers there are huge pages, and all guests' memory is of them.
    """

    def __init__(self, build, privileged, cpus, cases):
        super().__init__(build, privileged)
        self.cpus = cpus
        self.peers = any(case.system in (PMD, OVS, TSO) for case in cases)

    def __enter__(self):
        super().__enter__()
        if self.peers:
            with contextlib.suppress(LabError):  # peers will say that there are too few
                self.stack.enter_context(hugepages.reserved(MEBIBYTES))
        return self

    def part(self, name):
        for daemon in (part.daemon for part in self.parts.values()):
            if hasattr(daemon, "pause"):
                daemon.pause()
        part = super().part(name)
        if hasattr(part.daemon, "resume"):
            part.daemon.resume()
        return part

    def make_copy(self):
        return Pairs({}, guests=("vhost:a", "vhost:b"))

    make_wake = make_copy

    def make_peer(self, kind, name, *args):
        peer = kind(os.path.join(self.directory, name), self.cpus, (MAC_A, MAC_B), *args)
        self.stack.callback(peer.stop)
        return Pairs(peer.ends, peer, tuple(peer.ends.values()))

    def make_testpmd(self):
        return self.make_peer(Testpmd, "testpmd")

    def make_ovs(self):
        return self.make_peer(Ovs, "ovs", False)

    def make_ovstso(self):
        return self.make_peer(Ovs, "ovstso", True)

    def make_endpoints(self, name, n_pairs, n_others=0, setting=None):
        daemon = self.start_limpetd(name)
        lines, guests = ["link add lan0 type dummy"], []
        for i in range(n_others):
            lines += add_endpoint("lan0", f"e{i}", f"52:54:01:00:{i >> 8:02x}:{i & 255:02x}")
        for i in range(2 * n_pairs):
            mac = f"52:54:00:00:{i >> 8:02x}:{i & 255:02x}"
            lines += add_endpoint("lan0", f"guest{i}", mac)
            if setting:
                lines.append(f"link set guest{i} {setting}")
            guests.append(daemon.end(f"guest{i}", "vhost", mac))
        daemon.limpet(lines)
        return Pairs({}, daemon, tuple(guests))

    def make_vhost(self):
        return self.make_endpoints("vhost", 1)

    def make_polling(self):
        return self.make_endpoints("polling", 1, setting="poll 5000")

    def make_interrupts(self):
        return self.make_endpoints("interrupts", 1, setting="poll 0")

    def make_hub(self, size):
        return self.make_endpoints(f"hub{size}", 1, size - 2)

    def make_pairs(self, size):
        return self.make_endpoints(f"pairs{size}", size)
