# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks at who can ping whom, all pairs at once, and at the frames that cost.

Each pair tries twice: with an address that ARP has to find first, and with one it was told
the owner of. Without ARP's broadcast many a unicast would never be sent, and a hub that
lets it through would look lawful.

Silence alone proves nothing, a dead NIC is silent too. So an observation also has what
limpetd counted: every guest must have been heard asking, whatever the law says about an
answer, and what a guest alone on its lower sends must come back when the far end reflects.
"""

import dataclasses

from . import law

# Long against the round trip of an emulated guest (about a millisecond) on a busy machine.
PING_SECONDS = 3


@dataclasses.dataclass
class Observation:
    """The pings that were answered, as pairs, by how the other was found: 'asked' or 'told'.
    Frames by guest: 'sent' by it, 'heard' by it, and those that went out on the lower it
    has for itself ('wire', None where it has not).
    """

    asked: set
    told: set
    sent: list
    heard: list
    wire: list = None

    def complaints(self, mode, hairpin):
        """Sentences that say where this is not what the law says; none if all is well."""
        where = f"{mode}, hairpin {hairpin}"
        found = []
        for how, pings in (("found by ARP", self.asked), ("known", self.told)):
            allowed = law.allows(mode, hairpin)
            found += [f"{where}: guest {a} can ping guest {b} ({how}), and must not"
                      for a, b in sorted(pings - allowed)]
            found += [f"{where}: guest {a} cannot ping guest {b} ({how}), and must"
                      for a, b in sorted(allowed - pings)]
        found += [f"{where}: no frame of guest {guest} reached its endpoint"
                  for guest, frames in zip(law.GUESTS, self.sent) if frames == 0]
        if self.wire is not None:
            found += self._complaints_alone(where, hairpin)
        return found

    def _complaints_alone(self, where, hairpin):
        found = []
        for guest, sent, wire, heard in zip(law.GUESTS, self.sent, self.wire, self.heard):
            if wire != sent:
                found.append(f"{where}: guest {guest} sent {sent} frames, {wire} left its lower")
            echo = sent if hairpin == "on" else 0
            if heard != echo:
                found.append(f"{where}: guest {guest} heard {heard} frames, and must hear {echo}")
        return found


def observe(pool, network, seats):
    """Lets everybody in 'seats' ping everybody else; returns an Observation."""
    list(pool.map(lambda seat: seat.forget(), seats))
    before = network.links()
    answered = set().union(*pool.map(lambda seat: _pings(seat, seats), seats))
    list(pool.map(lambda seat: seat.forget(), seats))  # so that nobody asks while we count
    after = network.links()

    def grown(names, direction):
        return [_packets(after[name], direction) - _packets(before[name], direction)
                for name in names]

    endpoints = [seat.endpoint for seat in seats]
    lowers = [seat.lower for seat in seats if seat.lower]
    return Observation(
        asked={(a, b) for how, a, b in answered if how == "asked"},
        told={(a, b) for how, a, b in answered if how == "told"},
        sent=grown(endpoints, "tx"), heard=grown(endpoints, "rx"),
        wire=grown(lowers, "tx") if lowers else None,
    )


def _pings(seat, seats):
    """What was answered, as triples (how, number, other's number)."""
    ping = f"ping -q -A -c {PING_SECONDS} -W 1 -w {PING_SECONDS}"
    jobs = []
    for other in seats:
        if other is not seat:
            for how, mine, theirs in (("asked", seat.asked, other.asked),
                                      ("told", seat.told, other.told)):
                jobs.append(f"({ping} -I {mine} {theirs} >&2 && echo {how} {other.number}) &")
    written = seat.guest.check(f"({' '.join(jobs)} wait) 2>/dev/null")
    lines = (line.split() for line in written.splitlines())
    return {(how, seat.number, int(other)) for how, other in lines}


def _packets(link, direction):
    return link["stats64"][direction]["packets"]
