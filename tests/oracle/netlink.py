# SPDX-License-Identifier: GPL-2.0-or-later
"""Just enough rtnetlink to make, change and delete links.

A request either succeeds or raises OSError with the kernel's errno, which is
what the oracle compares; 'ip' would only hand on a sentence.
"""

import errno
import os
import socket
import struct

RTM_NEWLINK, RTM_DELLINK = 16, 17
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
NLMSG_ERROR, NLA_F_NESTED = 2, 0x8000
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK = 1, 3, 4, 5
IFLA_LINKINFO, IFLA_GROUP, IFLA_INFO_KIND, IFLA_INFO_DATA = 18, 27, 1, 2
VETH_INFO_PEER = 1
MACVLAN_MODE, MACVLAN_FLAGS, MACVLAN_MACADDR_MODE = 1, 2, 3
MACVLAN_MACADDR, MACVLAN_MACADDR_DATA, MACVLAN_BC_CUTOFF = 4, 5, 9
IFF_UP, IFF_ALLMULTI = 0x1, 0x200


def attribute(kind, data):
    if isinstance(data, str):
        data = data.encode() + b"\0"
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def nest(kind, *parts):
    return attribute(kind | NLA_F_NESTED, b"".join(parts))


def u32(kind, value):
    return attribute(kind, struct.pack("=I", value))


def link_info(kind, *data):
    return nest(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind), nest(IFLA_INFO_DATA, *data))


def ifinfomsg(index=0, flags=0, mask=0):
    return struct.pack("=BxHiII", 0, 0, index, flags, mask)


def index_of(name):
    """As in 'ip', which looks for the link before it asks for anything."""
    try:
        return socket.if_nametoindex(name)
    except OSError as problem:  # without an errno
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from problem


class Netlink:
    """A conversation with the network namespace it was opened in."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self.sequence = 0

    def close(self):
        self.socket.close()

    def request(self, kind, flags, payload):
        """Sends one request and waits until the kernel has carried it out."""
        self.sequence += 1
        self.socket.send(struct.pack("=IHHII", 16 + len(payload), kind,
                                     NLM_F_REQUEST | NLM_F_ACK | flags, self.sequence, 0) + payload)
        while True:
            answer = self.socket.recv(65536)
            _, what, _, sequence, _ = struct.unpack_from("=IHHII", answer)
            if sequence != self.sequence or what != NLMSG_ERROR:
                continue
            error = -struct.unpack_from("=i", answer, 16)[0]
            if error:
                raise OSError(error, os.strerror(error))
            return

    def add(self, *attributes):
        self.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg() + b"".join(attributes))

    def change(self, name, *attributes, flags=0, mask=0):
        self.request(RTM_NEWLINK, 0, ifinfomsg(index_of(name), flags, mask) + b"".join(attributes))

    def delete(self, name):
        self.request(RTM_DELLINK, 0, ifinfomsg(index_of(name)))

    def delete_group(self, group):
        """Deletes every link of the group at once, which takes no longer than one."""
        self.request(RTM_DELLINK, 0, ifinfomsg() + u32(IFLA_GROUP, group))

    def up(self, name, on=True):
        self.change(name, flags=IFF_UP if on else 0, mask=IFF_UP)
