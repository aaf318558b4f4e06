# SPDX-License-Identifier: GPL-2.0-or-later
"""What limpetd costs when nothing happens: no time, and little memory."""

import contextlib
import time

import pytest

import peers
from daemon import is_sanitized
from frontend import FrontEnd
from peers import attach, bind, drops, frame, mac
from waiting import wait_until

ENDPOINTS = 100
IDLE_S = 2
MEMORY_MAX_KIB = 10 * 1024


def costs_nothing(daemon, seconds=IDLE_S):
    """A tick of the clock may fall on anybody."""
    before = daemon.cpu_ticks()
    time.sleep(seconds)
    assert daemon.cpu_ticks() - before <= 1
    if not is_sanitized():
        own = daemon.status_kib("RssAnon") + daemon.status_kib("RssFile")
        assert own < MEMORY_MAX_KIB  # guests' memory is theirs, and RssShmem


@pytest.fixture
def crowd(daemon):
    """A hundred endpoints; half of them have peers, and somebody watches."""
    with contextlib.ExitStack() as stack:
        daemon.control.add("lan0", kind="dummy")
        names = peers.endpoints(daemon, ENDPOINTS)
        daemon.peers = [stack.enter_context(contextlib.closing(attach(daemon, name)))
                        for name in names[:30]]
        daemon.peers += [stack.enter_context(contextlib.closing(bind(daemon, name)))
                         for name in names[30:50]]
        monitor = stack.enter_context(daemon.connect())
        monitor.send("Monitor", more=True)
        monitor.receive()
        yield daemon


def test_a_hundred_idle_endpoints_cost_nothing(crowd):
    costs_nothing(crowd)


def test_they_cost_nothing_again_when_they_have_been_busy(crowd):
    """Though nobody has read what was sent, and half a frame and half a request are there."""
    sender, other = crowd.peers[:2]
    for _ in range(40):
        sender.send(*[frame(peers.BROADCAST, mac(1), size=1514) for _ in range(50)])
        other.send(*[frame(mac(3), mac(2), size=1514) for _ in range(50)])
    wait_until(lambda: crowd.control.link("m2")["tx"]["packets"] == 2000 and
               crowd.control.link("m1")["tx"]["packets"] == 2000, "all is forwarded")
    assert drops(crowd, "m3", "Out", "peer-full") > 0
    other.send_bytes(b"\0\0\1\0half")
    with crowd.connect() as client:
        client.send_bytes(b'{"method":')
        costs_nothing(crowd)


def test_a_device_of_the_host_costs_nothing_but_its_frames(netd, lower):
    peers.endpoints(netd, ENDPOINTS, "low0")
    some = [attach(netd, f"m{number}") for number in range(1, 20)]
    costs_nothing(netd)
    assert some and lower.link("wire0")


def test_two_guests_cost_nothing_before_and_after_they_talk(lan):
    """Though limpetd polls the rings of a guest that has just sent something."""
    with contextlib.ExitStack() as stack:
        guests = []
        for name in ("m1", "m2"):
            guests.append(FrontEnd(lan.socket_path(name, "vhost")))
            stack.callback(guests[-1].close)
            guests[-1].start()
        assert lan.control.link("m1")["poll"] > 0
        costs_nothing(lan, 3)
        for number in range(1000):
            guests[0].transmit(peers.numbered(mac(2), mac(1), number))
            data = wait_until(guests[1].received, "the frame arrives", pause_s=0)
            assert peers.number_of(data) == number
        costs_nothing(lan, 3)
