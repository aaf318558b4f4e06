# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured: paths, the systems that offer each, and the measures.

To measure another peer, give it a part in lab.py and a line in PATHS for each path
it offers; another way to reach a switch is one more kind of end in limpet-load. To
measure something else, add a line to MEASURES.
"""

from dataclasses import dataclass, replace

HUB_SIZES = (2, 16, 256, 4096)
GSO_SIZE, GSO_SEGMENT = 54 + 45 * 1448, 1448


@dataclass(frozen=True)
class System:
    """Somebody who carries frames between two ends of a part of the laboratory."""

    name: str
    part: str
    source: str
    sink: str
    options: str = ""  # appended to the source's end
    before: bool = False  # of the build that --before names


@dataclass(frozen=True)
class Measure:
    """One figure; 'key' picks it from a result, 'scale' turns it into 'unit'."""

    name: str
    title: str
    unit: str
    key: str
    scale: float
    args: tuple
    threads: int = 1
    vnet: bool = False
    better: str = "more"
    inverse: bool = False  # ratios are of the first system to each, not of each to the first


def throughput(name, title, size, threads):
    unit, key, scale = ("Mframe/s", "fps", 1e-6) if size < 1000 else ("Gbit/s", "bps", 1e-9)
    return Measure(name, title, unit, key, scale, ("--size", str(size)), threads)


MEASURES = [
    throughput("64", "64 B, one polling generator thread", 64, 1),
    throughput("1514", "1514 B, one polling generator thread", 1514, 1),
    throughput("64x2", "64 B, source and sink as two threads that sleep", 64, 2),
    throughput("1514x2", "1514 B, source and sink as two threads that sleep", 1514, 2),
    Measure("rtt", "round trip of one 64 B frame, polling generator", "us", "p50_ns", 1e-3,
            ("--latency",), better="less"),
    Measure("64k", "64 KiB TCP super-frames with a vnet header", "Gbit/s", "bps", 1e-9,
            ("--size", str(GSO_SIZE), "--gso", str(GSO_SEGMENT)), vnet=True),
]


def limpet(part, kind, source, sink, **kwargs):
    def end(name):
        return name if name == "wire" else f"{kind} {name}"

    name = f"limpet {kind}" + (", 32 frames a write" if kwargs else "")
    return System(name, part, end(source), end(sink), **kwargs)


REFERENCE = "kernel macvtap"

LIMPET_PARTS = ("limpet", "packet", "hub")

# The first system of a path is what the others are compared with.
PATHS = {
    "guest to guest": [
        System(REFERENCE, "macvtap", "a", "b"),
        limpet("limpet", "stream", "a", "b"),
        limpet("limpet", "stream", "a", "b", options=",batch=32"),
        limpet("limpet", "dgram", "a", "b"),
        System("no switch: stream pair", "pairs", "stream", "stream"),
        System("no switch: dgram pair", "pairs", "dgram", "dgram"),
    ],
    "guest to wire": [
        System(REFERENCE, "macvtap", "a", "wire"),
        limpet("packet", "stream", "a", "wire"),
        limpet("packet", "dgram", "a", "wire"),
        System("no switch: bare veth", "veth", "a", "wire"),
    ],
    "wire to guest": [
        System(REFERENCE, "macvtap", "wire", "a"),
        limpet("packet", "stream", "wire", "a"),
        limpet("packet", "dgram", "wire", "a"),
        System("no switch: bare veth", "veth", "wire", "a"),
    ],
    "a pair among many endpoints": [
        System(f"limpet stream, {size} endpoints", f"hub of {size}", "a", "b")
        for size in HUB_SIZES
    ],
}

# On a hub only the look-up can differ, and the smallest frames show it best.
ONLY = {"a pair among many endpoints": {"64"}}


@dataclass(frozen=True)
class Case:
    path: str
    measure: Measure
    system: System
    base: System  # what it is compared with

    @property
    def name(self):
        return f"{self.path}/{self.measure.name}/{self.system.name}"


def with_before(systems):
    """Pairs of a system and what it is compared with: Limpet with its former self."""
    for system in systems:
        if system.part.split()[0] not in LIMPET_PARTS:
            yield system, systems[0]
            continue
        former = replace(system, name=f"{system.name}, before", before=True)
        yield former, systems[0]
        yield system, former


def suits(measure, system):
    """Sockets have no vnet header, and a lone frame is not written with others."""
    if measure.vnet:
        return system.part in ("macvtap", "veth")
    return measure.better == "more" or not system.options


def all_cases(before):
    """Systems of one path and measure are next to each other, and so close in time."""
    for path, systems in PATHS.items():
        pairs = with_before(systems) if before else ((system, systems[0]) for system in systems)
        pairs = list(pairs)
        for measure in MEASURES:
            if measure.name not in ONLY.get(path, {measure.name}):
                continue
            for system, base in pairs:
                if not suits(measure, system):
                    continue
                yield Case(path, measure, system, base)
