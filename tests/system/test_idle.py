# SPDX-License-Identifier: GPL-2.0-or-later
"""What limpetd costs when nothing happens: no time, and little memory."""

import contextlib
import time

import pytest

import peers
from daemon import is_sanitized
from peers import attach, bind, drops, frame, mac
from waiting import wait_until

ENDPOINTS = 100
IDLE_S = 2
MEMORY_MAX_KIB = 10 * 1024


def costs_nothing(daemon):
    """A tick of the clock may fall on anybody."""
    before = daemon.cpu_ticks()
    time.sleep(IDLE_S)
    assert daemon.cpu_ticks() - before <= 1
    if not is_sanitized():
        assert daemon.rss_kib() < MEMORY_MAX_KIB


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
