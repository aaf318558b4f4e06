# SPDX-License-Identifier: GPL-2.0-or-later
"""Random scenarios. A seed always gives the same text."""

import random

GROUPS = ("bcast", "bcast", "g1", "g2", "stp", "pause", "lacp", "v6all")
STRANGERS = ("x1", "x2", "x3")
ODD = ("host", "zero", "bcast", "g1")
MODES = ("private", "vepa", "bridge", "bridge", "source")
ALL_MODES = MODES + ("passthru",)
FLAGS = ("", "", "", " nodst", " nopromisc", " nodst nopromisc")
TAGS = ("8100.5", "8100.4095", "8100.0", "8100.24576", "88a8.7", "88a8.0")
TYPES = ("88b5",) * 6 + ("0800", "0806", "86dd", "8808", "8808", "40", "0")
MTUS = (0, 67, 68, 576, 1400, 1499, 1500, 1501, 9000)


class Dice:
    """The state of one text while it is written: which names are in use."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.mtu = 1500
        self.wire_mtu = 1500
        self.names = []
        self.passthru = False
        self.dark = False  # the lower is down

    def pick(self, *choices):
        return self.rng.choice(choices)

    def often(self, percent):
        return self.rng.randrange(100) < percent

    def any_name(self):
        """Mostly an endpoint that is there."""
        if self.names and self.often(95):
            return self.pick(*self.names)
        return f"E{self.rng.randint(1, 8)}"

    def some_address(self):
        """A unicast address that means something here, mostly."""
        return self.pick(self.any_name(), self.any_name(), *STRANGERS[:2], *ODD)

    def sources(self):
        number = self.rng.randint(0, 3)
        return ",".join(self.pick(*STRANGERS, self.any_name(), "host") for _ in range(number))

    # Frames.

    def destination(self):
        dice = self.rng.randrange(100)
        if dice < 50:
            return self.any_name()
        if dice < 80:
            return self.pick(*GROUPS)
        return self.pick("x1", "x2", "host", "host", "zero")

    def size(self):
        dice = self.rng.randrange(100)
        if dice < 60:
            return self.rng.randint(46, 200)
        if dice < 70:
            return self.rng.randint(14, 22)
        if dice < 75:
            return self.rng.randint(1, 13)
        return self.pick(self.mtu, self.wire_mtu, 1400, 576) + self.rng.randint(12, 20)

    def sender(self):
        return self.pick("host", *("wire",) * 6, *(self.any_name() for _ in range(10)))

    def send(self, verb, who):
        words = [verb, who]
        spoofed = self.often(90 if who == "wire" else 25)
        if spoofed:
            words += ["from", self.some_address()]
        words += ["to", self.destination()]
        for _ in range(self.pick(0, 0, 0, 0, 0, 0, 1, 1, 2)):
            words += ["tag", self.pick(*TAGS)]
        kind = self.pick(*TYPES)
        if kind != "88b5":
            words += ["type", kind]
        size = self.size()
        if who in ("wire", "host"):
            size = max(size, 14)  # a packet socket sends no less than a header
        words += ["size", str(size)]
        if size <= 200 and self.often(8):  # many small ones fit into every queue
            words += ["times", str(self.rng.randint(2, 40))]
        return " ".join(words)

    # Changes.

    def options(self):
        text = self.pick(*FLAGS)
        if self.often(15):
            text += " mac " + self.some_address()
        if self.often(15):
            text += f" mtu {self.pick(*MTUS[1:])}"
        return text

    def add(self, verb="endpoint"):
        name = f"E{self.rng.randint(1, 8)}"
        if name not in self.names:
            self.names.append(name)
        mode = self.pick(*(ALL_MODES if self.often(10) else MODES))
        text = f"{verb} {name} {mode}" + self.options()
        if verb == "endpoint":
            if mode == "source" and self.often(85) or self.often(3):
                text += f" list {self.sources() or 'x1'}"
            if self.often(15):
                text += " down"
        return text

    def change(self):
        name = self.any_name()
        dice = self.rng.randrange(100)
        if dice < 30:
            return f"set {name} {self.pick('up', 'up', 'down')}"
        if dice < 50:
            return f"set {name} mac {self.some_address()}"
        if dice < 72:
            mode = self.pick(*(ALL_MODES if self.often(20) else MODES))
            flags = self.pick(*FLAGS, " null")
            if self.passthru or mode == "passthru":
                flags = ""  # a change of nopromisc while down is R1.44, a defect
            return f"set {name} mode {mode}{flags}"
        if dice < 86:
            verb = self.pick("add", "add", "del", "set", "flush")
            sources = "" if verb == "flush" else self.sources()
            if verb in ("add", "del"):
                sources = sources.split(",")[0]
            if verb != "flush" and self.often(4):
                sources = self.pick("zero", "g1")
            return f"set {name} list {verb} {sources}".rstrip()
        if dice < 91:
            return f"set {name} mtu {self.pick(*MTUS)}"
        if dice < 95:
            return f"del {name}"
        return self.add(self.pick("add", "endpoint"))

    def surroundings(self):
        dice = self.rng.randrange(100)
        if dice < 60:
            return f"wire {self.pick('plain', 'hairpin')}"
        if dice < 80:
            self.mtu = self.pick(576, 1400, 1500, 2000)
            return f"lower mtu {self.mtu}"
        if dice < 85:
            self.dark = True
            return "lower down"
        return f"lower mac {self.pick('host', 'host', 'x5', self.any_name())}"

    # The whole.

    def begin(self):
        lines = []
        if self.often(25):
            self.mtu = self.pick(576, 1400, 2000, 9000)
            lines.append(f"lower mtu {self.mtu}")
        if self.often(40):
            self.wire_mtu = self.pick(self.mtu, self.mtu + 100, 9000)
            lines.append(f"wire mtu {self.wire_mtu}")
        if self.often(40):
            lines.append("wire hairpin")
        self.passthru = self.often(10)
        if self.passthru:
            self.names.append("E1")
            flag, down = self.pick("", " nopromisc"), " down" if self.often(10) else ""
            return lines + [f"endpoint E1 passthru{flag}{down}"]
        return lines + [self.add() for _ in range(self.rng.randint(2, 6))]

    def steps(self):
        for _ in range(self.rng.randint(8, 25)):
            if self.dark and self.often(40):
                self.dark = False
                yield "lower up"
            dice = self.rng.randrange(100)
            if dice < 70:
                who = self.sender()
                yield self.send("send", who)
                same = self.often(50)  # frames of one sender have to keep their order
                while self.often(15):
                    yield self.send("with", who if same else self.sender())
            elif dice < 95:
                yield self.change()
            else:
                yield self.surroundings()


def text(seed):
    """The scenario a seed stands for."""
    dice = Dice(seed)
    return "\n".join([f"scenario random {seed}", *dice.begin(), *dice.steps()]) + "\n"


# Lines for 'ip' and 'limpet'. Each asks for one thing: of several the kernel carries
# out those before the one it refuses, Limpet none (docs/differences.md).

ADDRESSES = ("02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03", "02:00:00:00:fe:01",
             "00:00:00:00:00:00", "01:00:5e:00:00:01")


def command(rng):
    name, mac = f"m{rng.randrange(4)}", rng.choice(ADDRESSES)
    mode = rng.choice(ALL_MODES)
    change = f"link set {name} type macvtap"
    return rng.choice((
        f"link add link LOWER name {name} address {mac} type macvtap mode {mode}",
        f"link add link LOWER name {name} address {mac} mtu {rng.choice(MTUS)} type macvtap",
        f"link add link m0 name {name} address {mac} type macvtap mode {mode} nodst",
        f"link del {name}",
        f"link set {name} up",
        f"link set {name} up",
        f"link set {name} down",
        f"link set {name} address {mac}",
        f"link set {name} name m{rng.randrange(5)}",
        f"link set {name} mtu {rng.choice(MTUS)}",
        f"{change} mode {mode}",
        f"{change} mode {mode} flag {rng.choice(('null', 'nodst'))}",
        f"{change} bcqueuelen {rng.randrange(3000)}",
        f"{change} macaddr {rng.choice(('add', 'del', 'set'))} {mac}",
        f"{change} macaddr {rng.choice(('flush', 'set', 'add'))}",
    ))


def commands(seed):
    """The lines a seed stands for."""
    rng = random.Random(f"commands {seed}")
    first = [f"link add link LOWER name m{i} address {ADDRESSES[i]} type macvtap mode "
             f"{rng.choice(MODES)}" for i in range(2)]
    return first + [command(rng) for _ in range(20)]
