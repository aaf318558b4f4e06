# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames and addresses, as words in a scenario and as bytes on a wire.

An address is a word that always means the same six bytes, so that a line of a
scenario keeps its meaning when the lines around it are dropped:

    host        the lower's own address
    x1 .. x9    somebody beyond the wire
    g1 .. g9    multicast groups;  stp, pause, lacp, v6all are well-known ones
    bcast zero  ff:ff:ff:ff:ff:ff and 00:00:00:00:00:00
    B1, S12     the address an endpoint of that name gets when none is given
    02:...      itself
"""

import dataclasses
import re
import struct

ETH_HEADER = 14
ETH_P_PAUSE = 0x8808
ETH_P_IPV4 = 0x0800
ETH_P_TEST = 0x88B5  # IEEE local experimental 1: what a scenario's frames carry
ETH_P_MARKER = 0x88B6  # local experimental 2: the drivers' own marker frames
VLAN_TPIDS = (0x8100, 0x88A8)

WELL_KNOWN = {
    "host": "02:00:00:00:fe:01",
    "bcast": "ff:ff:ff:ff:ff:ff",
    "zero": "00:00:00:00:00:00",
    "stp": "01:80:c2:00:00:00",
    "pause": "01:80:c2:00:00:01",
    "lacp": "01:80:c2:00:00:02",
    "v6all": "33:33:00:00:00:01",
}
NAME = re.compile(r"[A-Z][0-9]{0,2}")


def address(word):
    """The six bytes a word of a scenario stands for."""
    if word in WELL_KNOWN:
        word = WELL_KNOWN[word]
    elif re.fullmatch(r"x[1-9]", word):
        word = f"02:00:00:00:ee:0{word[1]}"
    elif re.fullmatch(r"g[1-9]", word):
        word = f"01:00:5e:40:00:0{word[1]}"
    elif NAME.fullmatch(word):
        return bytes((2, 0, 0, 0, ord(word[0]), int(word[1:] or 0)))
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", word):
        raise ValueError(f"'{word}' is no address")
    return bytes.fromhex(word.replace(":", ""))


def is_group(mac):
    return bool(mac[0] & 1)


def address_text(mac):
    return mac.hex(":")


@dataclasses.dataclass
class Frame:
    """What one 'send' puts on its way. Addresses are words."""

    source: str
    destination: str
    tags: tuple = ()  # ((tpid, tci), ...), outermost first
    ethertype: int = ETH_P_TEST  # below 0x600: an 802.3 length
    size: int = 60  # with header and tags; what does not fit is cut off
    fragment: str = ""  # "first" or "last": one of two IPv4 fragments
    times: int = 1  # so many, one right after the other

    def data(self, number):
        """The bytes. 'number' makes frames that are otherwise equal differ."""
        head = address(self.destination) + address(self.source)
        for tpid, tci in self.tags:
            head += struct.pack("!HH", tpid, tci)
        head += struct.pack("!H", ETH_P_IPV4 if self.fragment else self.ethertype)
        if self.fragment:
            return head + ipv4_fragment(self.fragment)
        body = b"\x00frame %d " % number
        left = max(0, self.size - len(head) - len(body))
        filler = bytes((number + i) & 0xFF for i in range(left))
        return (head + body + filler)[: self.size]


FRAGMENT_BYTES = 512
IPV4_HEADER = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0x4C49, 0, 64, 253, 0,
                          bytes((192, 0, 2, 1)), bytes((224, 0, 0, 99)))


def ipv4_header(total, template, fragment):
    """An IPv4 header like 'template' with this length and this place in it."""
    header = template[:2] + struct.pack("!H", total) + template[4:6]
    header += struct.pack("!H", fragment) + template[8:10] + b"\0\0" + template[12:20]
    checksum = sum(struct.unpack("!10H", header))
    while checksum >> 16:
        checksum = (checksum & 0xFFFF) + (checksum >> 16)
    return header[:10] + struct.pack("!H", ~checksum & 0xFFFF) + header[12:]


def ipv4_fragment(which):
    """Half of an IPv4 datagram of twice FRAGMENT_BYTES."""
    place = 0x2000 if which == "first" else FRAGMENT_BYTES // 8
    body = bytes(i & 0xFF for i in range(FRAGMENT_BYTES))
    return ipv4_header(20 + FRAGMENT_BYTES, IPV4_HEADER, place) + body
