# SPDX-License-Identifier: GPL-2.0-or-later
"""A network device of the host as the lower: it goes, and one of its name comes back."""

import os
import signal
import subprocess

import pytest

from daemon import running
from peers import attach, mac, number_of, numbered
from waiting import wait_until


class Host:
    """A network namespace of its own, with the veth pair low0 and wire0 when asked."""

    def __init__(self):
        self.name = f"limpet-netdev-{os.getpid()}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], check=True)

    def prefix(self):
        return ["ip", "netns", "exec", self.name]

    def ip(self, *lines):
        subprocess.run([*self.prefix(), "ip", "-batch", "-"], input="\n".join(lines), text=True,
                       check=True)

    def plug(self):
        self.ip("link add low0 type veth peer name wire0", "link set low0 up", "link set wire0 up")

    def unplug(self):
        self.ip("link del low0")

    def wire_sends(self, data):
        program = ("import socket, sys; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW);"
                   "s.bind(('wire0', 0)); s.send(bytes.fromhex(sys.argv[1]))")
        subprocess.run([*self.prefix(), "/usr/bin/python3", "-c", program, data.hex()], check=True)


@pytest.fixture
def host(root):
    host = Host()
    host.plug()
    yield host
    host.remove()


@pytest.fixture
def limpetd(host):
    """With the up bridge endpoint m1 on low0."""
    with running(prefix=host.prefix()) as limpetd:
        limpetd.control.add_endpoint("m1", "low0", address=mac(1))
        yield limpetd


@pytest.fixture
def peer(limpetd):
    """What hangs on m1 all the time."""
    peer = attach(limpetd, "m1")
    yield peer
    peer.close()


def has_carrier(limpetd):
    return limpetd.control.link("m1")["carrier"]


def hears_the_wire(peer, host, number):
    host.wire_sends(numbered(mac(1), mac(9), number))
    wait_until(lambda: number in [number_of(data) for data in peer.drain()], "the frame is there")


def test_a_device_that_goes_is_told_of_and_clung_to_when_it_is_back(limpetd, peer, host):
    hears_the_wire(peer, host, 1)
    host.unplug()
    wait_until(lambda: "lower low0: the device is gone; its endpoints have no carrier" in
               limpetd.log(), "it is told")
    assert not has_carrier(limpetd)
    host.plug()
    wait_until(lambda: has_carrier(limpetd), "the carrier is back")
    assert "lower low0: the device is back" in limpetd.log()
    hears_the_wire(peer, host, 2)


def test_another_device_of_its_name_takes_its_place(limpetd, peer, host):
    """They are exchanged while limpetd does not look."""
    before = limpetd.control.links()["low0"]["address"]
    os.kill(limpetd.pid, signal.SIGSTOP)
    host.unplug()
    host.plug()
    os.kill(limpetd.pid, signal.SIGCONT)
    wait_until(lambda: limpetd.control.links()["low0"]["address"] != before, "it is another one")
    wait_until(lambda: has_carrier(limpetd), "it has a carrier")
    hears_the_wire(peer, host, 1)
