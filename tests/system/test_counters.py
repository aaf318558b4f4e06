# SPDX-License-Identifier: GPL-2.0-or-later
"""What `limpet -s link show` counts, and on which side."""

import json
import socket
import struct

import pytest

from running import limpetd, wait_until

BROADCAST = b"\xff" * 6 + bytes.fromhex("020000000001") + b"\x88\xb5" + bytes(46)
UNICAST = bytes.fromhex("020000000002") + BROADCAST[6:]


def traffic(limpet, name, direction):
    link, = json.loads(limpet(f"-j -s link show {name}"))
    shown = link["stats64"][direction]
    return shown["packets"], shown["bytes"], shown.get("multicast")


@pytest.mark.parametrize("hairpin", ["off", "on"])
def test_a_link_counts_groups_where_it_receives_them(tmp_path, hairpin):
    with limpetd(tmp_path / "run") as limpet, socket.socket(socket.AF_UNIX) as peer:
        limpet(f"link add lan0 type dummy hairpin {hairpin}")
        for name, mac in (("ep0", "02:00:00:00:00:01"), ("ep1", "02:00:00:00:00:02")):
            limpet(f"link add link lan0 name {name} address {mac} type macvtap mode vepa")
            limpet(f"link set {name} up")
        peer.connect(str(tmp_path / "run/ep0/stream.sock"))
        for frame in (BROADCAST, UNICAST):
            peer.sendall(struct.pack(">I", len(frame)) + frame)

        wait_until(lambda: traffic(limpet, "ep0", "tx")[0] == 2, "both frames are counted")
        size = len(BROADCAST) + len(UNICAST)
        assert traffic(limpet, "ep0", "tx") == (2, size, None)
        assert traffic(limpet, "lan0", "tx") == (2, size, None)
        assert traffic(limpet, "lan0", "rx") == ((2, size, 1) if hairpin == "on" else (0, 0, 0))
