# SPDX-License-Identifier: GPL-2.0-or-later
"""The law: what the specification of macvtap says about a scenario.

Law plays a scenario without any device. It serves three purposes: it knows what
state a hub is in (which the markers of the drivers and the intended differences
need), it checks the kernel against the specification, and it stands in for the
kernel where the oracle runs without privilege. Rule numbers are those of the
specification.
"""

import collections
import dataclasses

from frame import ETH_HEADER, ETH_P_IPV4, ETH_P_PAUSE, VLAN_TPIDS, address, ipv4_header, is_group

MTU_MIN = 68  # R1.30
FORWARD_SLACK = 18  # R2.50: a header and 4 bytes, whether or not these are a tag


@dataclasses.dataclass
class Endpoint:
    name: str
    mode: str
    mac: bytes
    mtu: int
    nodst: bool = False
    nopromisc: bool = False
    sources: set = dataclasses.field(default_factory=set)
    up: bool = False

    def set_flags(self, flags):
        """A change replaces both bits (R1.38); saying nothing changes nothing."""
        if flags:
            self.nodst, self.nopromisc = "nodst" in flags, "nopromisc" in flags


@dataclasses.dataclass
class Outcome:
    """What became of a step: a verdict, and who got which bytes."""

    verdict: str = "ok"
    arrivals: dict = dataclasses.field(default_factory=dict)
    reflected: dict = dataclasses.field(default_factory=dict)

    def normal(self, ordered=True):
        """The same for outcomes that are equal. Frames of several senders have no
        order, those of one keep theirs.
        """
        order = list if ordered else sorted
        return (self.verdict, *({who: order(got) for who, got in part.items() if got}
                                for part in (self.arrivals, self.reflected)))

    def who(self):
        return tuple(sorted(who for who, got in part.items() for _ in got)
                     for part in (self.arrivals, self.reflected))


class Refused(Exception):
    """A change the kernel refuses; the text is the errno's name."""


def usable(mac):
    return not is_group(mac) and any(mac)


def ethertype_of(data):
    return int.from_bytes(data[12:14], "big")


def forwards(data, mtu):
    """Whether a device with this MTU takes the frame (R2.50). The kernel takes
    the tag out of what it receives; a frame too short for a tag, the ethertype
    after it and two bytes more is lost (skb_vlan_untag()).
    """
    if ethertype_of(data) in VLAN_TPIDS and len(data) < ETH_HEADER + 6:
        return False
    return len(data) <= mtu + FORWARD_SLACK


def socket_sends(data, mtu):
    """Whether a packet socket sends the frame out of a device with this MTU: its
    slack is smaller, and is for a tag (packet_snd() in the kernel).
    """
    return len(data) <= mtu + ETH_HEADER + (4 if ethertype_of(data) == 0x8100 else 0)


def joined(first, last):
    """The datagram of two IPv4 fragments, as one frame."""
    payload = first[ETH_HEADER + 20 :] + last[ETH_HEADER + 20 :]
    return (first[:ETH_HEADER] +
            ipv4_header(20 + len(payload), first[ETH_HEADER : ETH_HEADER + 20], 0) + payload)


class Law:
    def __init__(self):
        self.reset()

    def reset(self):
        self.lower_mac, self.lower_mtu, self.lower_up = address("host"), 1500, True
        self.lower_own_mac = self.lower_mac  # what a passthru endpoint leaves behind: R1.42
        self.wire_mtu, self.hairpin = 1500, False
        self.endpoints = collections.OrderedDict()
        self.first_fragment = None
        self.serial = 0

    # What a hub is.

    def passthru(self):
        return next((e for e in self.endpoints.values() if e.mode == "passthru"), None)

    def find(self, mac):
        """The up endpoint with this address (R1.15)."""
        return next((e for e in self.endpoints.values() if e.up and e.mac == mac), None)

    def busy(self, mac):
        """R1.14."""
        return self.find(mac) is not None or (not self.passthru() and mac == self.lower_mac)

    # Changes.

    def change(self, step):
        """Applies a step that is no 'send'; returns 'ok' or the errno's name."""
        try:
            getattr(self, "do_" + step.verb)(step)
        except Refused as refused:
            return str(refused)
        return "ok"

    def do_add(self, step):
        options = step.options
        mac = address(options.mac or step.name)
        if not usable(mac):  # looked at before the name
            raise Refused("EADDRNOTAVAIL")
        if step.name in self.endpoints:
            raise Refused("EEXIST")
        if options.mtu and options.mtu < MTU_MIN:
            raise Refused("EINVAL")
        if options.mtu > self.lower_mtu:
            raise Refused("EINVAL")
        if self.passthru() or (step.value == "passthru" and self.endpoints):  # R1.40
            raise Refused("EINVAL")
        new = Endpoint(step.name, step.value, mac, options.mtu or self.lower_mtu)
        new.set_flags(options.flags)
        if new.mode == "passthru":  # R1.41
            new.mac = self.lower_mac
        self.endpoints[step.name] = new

    def do_endpoint(self, step):
        self.do_add(step)
        if step.options.sources is not None:
            self.do_set(step.list_step())
        if not step.options.down:
            self.set_up(self.endpoints[step.name], None)

    def do_del(self, step):
        if self.existing(step.name).mode == "passthru":
            self.lower_mac = self.lower_own_mac
        del self.endpoints[step.name]

    def do_set(self, step):
        endpoint = self.existing(step.name)
        if step.what == "mode":
            self.set_mode(endpoint, step.value, step.options.flags)
        else:
            getattr(self, "set_" + step.what)(endpoint, step.value)

    def existing(self, name):
        if name not in self.endpoints:
            raise Refused("ENODEV")
        return self.endpoints[name]

    def set_up(self, endpoint, _):
        if endpoint.up:
            return
        if endpoint.mode != "passthru" and self.busy(endpoint.mac):
            raise Refused("EADDRINUSE")
        endpoint.up = True

    def set_down(self, endpoint, _):
        endpoint.up = False

    def set_mac(self, endpoint, word):
        mac = address(word)
        if not usable(mac):
            raise Refused("EADDRNOTAVAIL")
        if mac == endpoint.mac:
            return
        if endpoint.mode == "passthru":  # R1.41
            self.lower_mac = mac
        elif self.busy(mac):
            raise Refused("EADDRINUSE")
        endpoint.mac = mac

    def set_mtu(self, endpoint, mtu):
        if not MTU_MIN <= mtu <= self.lower_mtu:
            raise Refused("EINVAL")
        endpoint.mtu = mtu

    def set_mode(self, endpoint, mode, flags):
        if (mode == "passthru") != (endpoint.mode == "passthru"):  # R1.35
            raise Refused("EINVAL")
        if mode != "source":  # R1.36
            endpoint.sources = set()
        endpoint.set_flags(flags)
        endpoint.mode = mode

    def set_list(self, endpoint, command):
        verb, words = command
        macs = {address(word) for word in words}
        if not all(map(usable, macs)):  # looked at before the mode
            raise Refused("EADDRNOTAVAIL")
        if endpoint.mode != "source" or (verb in ("add", "del") and not macs):  # R1.51
            raise Refused("EINVAL")
        if verb == "add":
            endpoint.sources |= macs
        elif verb == "del":
            endpoint.sources -= macs
        else:
            endpoint.sources = macs

    def do_lower(self, step):
        if step.what == "mtu":
            self.lower_mtu = step.value
            for endpoint in self.endpoints.values():  # R1.30
                endpoint.mtu = min(endpoint.mtu, step.value)
        elif step.what == "mac":
            self.lower_mac = self.lower_own_mac = address(step.value)
            if self.passthru():
                self.passthru().mac = self.lower_mac
        else:
            self.lower_up = step.what == "up"

    def do_wire(self, step):
        if step.what == "mtu":
            self.wire_mtu = step.value
        else:
            self.hairpin = step.what == "hairpin"

    # Frames. What goes somewhere is a list of (receiver, bytes), one for each copy.

    def received(self, data):
        """A frame the lower receives: from the wire, or from a bridge endpoint
        for another (R2.6).
        """
        if not self.lower_up or not forwards(data, self.lower_mtu):
            return []
        whole = self.defragmented(data) if is_group(data) else data
        return [(name, whole) for name in self.receivers(whole)] if whole else []

    def defragmented(self, data):
        """R2.55: what the frame completes, or None while a part is missing. One
        datagram at a time, as 'fragment first' and 'fragment last' make them.
        """
        if ethertype_of(data) != ETH_P_IPV4 or data[ETH_HEADER : ETH_HEADER + 1] != b"\x45":
            return data
        more, offset = data[20] & 0x20, int.from_bytes(data[20:22], "big") & 0x1FFF
        if not more and not offset:
            return data
        if more:
            self.first_fragment = data
            return None
        return joined(self.first_fragment, data) if self.first_fragment else None

    def receivers(self, data):
        listing = [e for e in self.endpoints.values()
                   if e.mode == "source" and data[6:12] in e.sources]
        found = [e.name for e in listing if e.up]
        if any(e.nodst for e in listing):  # R2.10: up or down
            return found
        if is_group(data):
            return found + self.group_receivers(data)
        target = self.passthru() or self.find(data[0:6])  # R2.16, R2.11
        if target and target.up and target.mode != "source":  # R2.17, R2.12
            found.append(target.name)
        return found

    def group_receivers(self, data):
        """R2.15; the groups' filters are open, see kernel.py."""
        source = self.find(data[6:12])
        if source and source.mode in ("private", "passthru", "source"):
            return [source.name]
        if self.is_pause(data, untagged=True):  # R2.54
            return []
        modes = {None: ("private", "vepa", "bridge", "passthru"), "vepa": ("vepa", "bridge"),
                 "bridge": ("vepa",)}[source and source.mode]
        return [e.name for e in self.endpoints.values()
                if e.up and e.mode in modes and e is not source]

    def is_pause(self, data, untagged=False):
        """Whether the kernel takes the frame for a pause frame. What it received
        it has freed of one tag before it looks.
        """
        at = 16 if untagged and ethertype_of(data) in VLAN_TPIDS else 12
        return int.from_bytes(data[at : at + 2], "big") == ETH_P_PAUSE

    def from_endpoint(self, endpoint, data):
        if not endpoint.up or not self.lower_up or len(data) < ETH_HEADER:  # R2.8, R2.50
            return []
        if endpoint.mode != "bridge":  # R2.1
            return self.sent_to_wire(data)
        if not is_group(data):
            sibling = self.find(data[0:6])
            local = sibling and sibling.mode == "bridge"
            return self.received(data) if local else self.sent_to_wire(data)  # R2.2
        copies = self.sent_to_wire(data)  # R2.3
        if not self.is_pause(data):  # R2.7
            copies += [(e.name, data) for e in self.endpoints.values()
                       if e.up and e.mode == "bridge" and e is not endpoint
                       and forwards(data, e.mtu)]
        return copies

    def sent_to_wire(self, data):
        """What an endpoint sends out of the lower."""
        return self.to_wire(data)

    def to_wire(self, data):
        return [("wire", data)] if self.lower_up and forwards(data, self.wire_mtu) else []

    def enter(self, who, data):
        if who == "wire":
            return self.received(data) if socket_sends(data, self.wire_mtu) else []
        if who == "host":
            return self.to_wire(data) if socket_sends(data, self.lower_mtu) else []  # R2.4
        return self.from_endpoint(self.endpoints[who], data) if who in self.endpoints else []

    def send(self, step):
        outcome = Outcome()
        for who, data in step.frames(self.serial):
            self.serial += 1
            for name, copy in self.enter(who, data):
                outcome.arrivals.setdefault(name, []).append(copy)
        if self.hairpin:
            for data in outcome.arrivals.get("wire", ()):
                for name, copy in self.enter("wire", data):
                    outcome.reflected.setdefault(name, []).append(copy)
        return outcome

    def run(self, step):
        return self.send(step) if step.verb == "send" else Outcome(self.change(step))
