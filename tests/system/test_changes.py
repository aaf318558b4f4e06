# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes under traffic: frames between two that a change does not concern are
neither lost nor held up; and those whom it does concern see it, and nothing else.
"""

import contextlib
import random
import select
import threading
import time

import pytest

import peers
from control import Refused
from peers import Stream, attach, bind, mac, numbered, number_of
from waiting import wait_until

LOWER_MAC = "02:00:00:ff:00:00"
WIRE_MAC = "02:00:00:ee:00:00"
WINDOW = 8  # frames under way each way: few enough that none is dropped for fullness
GAP_MAX_S = 2  # between two frames; microseconds, but for a busy machine
CHANGES = 1000


class Steady:
    """Numbered frames from one peer to another, always WINDOW under way, in a thread."""

    def __init__(self, sender, src, receiver, dst):
        self.sender, self.receiver, self.src, self.dst = sender, receiver, src, dst
        self.sent = self.received = 0
        self.longest_s, self.problem = 0, None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.received > 2 * WINDOW or self.problem, "frames flow")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        assert not self.problem, self.problem
        assert self.received == self.sent
        assert self.longest_s < GAP_MAX_S

    def run(self):
        last = time.monotonic()
        while self.received < self.sent or not self.stopping.is_set():
            while self.sent < self.received + WINDOW and not self.stopping.is_set():
                self.sender.send(numbered(self.dst, self.src, self.sent))
                self.sent += 1
            select.select([self.receiver], [], [], GAP_MAX_S)
            got = [number_of(data) for data in self.receiver.drain() if self.is_mine(data)]
            if got != list(range(self.received, self.received + len(got))):
                self.problem = f"{got} came instead of {self.received} and the following"
                return
            self.received += len(got)
            now = time.monotonic()
            self.longest_s = max(self.longest_s, now - last)
            if got:
                last = now
            elif now - last > GAP_MAX_S:
                self.problem = f"frame {self.received} of {self.sent} did not come"
                return

    def is_mine(self, data):
        return data[:12] == bytes.fromhex((self.dst + self.src).replace(":", ""))


class Others:
    """Endpoints on the same lower that come, change and go at random, with peers."""

    def __init__(self, daemon, lower, seed=1):
        self.daemon, self.lower, self.dice = daemon, lower, random.Random(seed)
        self.names, self.count, self.peers = [], 100, []

    def add(self):
        self.count += 1
        name = f"o{self.count}"
        self.daemon.control.add_endpoint(name, self.lower, self.mode(), address=mac(self.count),
                                         up=self.dice.random() < 0.7)
        self.names.append(name)

    def mode(self):
        return self.dice.choice(["private", "vepa", "bridge", "source"])

    def sources(self):
        return {"mode": "source", "macaddr": {"command": "set", "addresses": [
            mac(self.dice.randrange(200, 300)) for _ in range(self.dice.randrange(5))]}}

    def change(self):
        if len(self.names) < 5:
            self.add()
        name = self.dice.choice(self.names)
        what = self.dice.randrange(9)
        if what == 0:
            self.add()
        elif what == 1:
            self.daemon.control.delete(name)
            self.names.remove(name)
        elif what == 2:
            new = f"r{self.count}"
            self.count += 1
            self.daemon.control.set(name, name=new)
            self.names[self.names.index(name)] = new
        elif what == 3:
            peer = Stream(self.daemon.socket_path(name))
            with contextlib.suppress(OSError):  # it may have been turned away
                peer.send(numbered(mac(9999), mac(self.count), 0), b"a runt")
            self.peers.append(peer)
            if len(self.peers) > 5:
                self.peers.pop(self.dice.randrange(5)).close()
        else:
            self.count += 1
            self.daemon.control.set(name, **self.dice.choice([
                {"up": False}, {"up": True}, {"mode": self.mode()}, self.sources(),
                {"address": mac(self.count)}, {"mtu": self.dice.randrange(68, 1500)},
                {"flags": ["nodst"]}, {"flags": []}, {"alias": name}]))

    def close(self):
        for peer in self.peers:
            peer.close()
        for name in self.names:
            self.daemon.control.delete(name)


def nothing_was_dropped(daemon, *names):
    links = daemon.control.links()
    for name in names:
        assert not {**links[name]["dropsIn"], **links[name]["dropsOut"]}


@pytest.fixture
def lan(daemon):
    daemon.control.add("lan0", kind="dummy", address=LOWER_MAC)
    return daemon


@pytest.mark.parametrize("kind", ["stream", "dgram"])
@pytest.mark.parametrize("mode, hairpin", [("bridge", False), ("vepa", True)])
def test_changes_of_others_are_not_noticed(lan, mode, hairpin, kind):
    lan.control.set("lan0", hairpin=hairpin)
    peers.endpoints(lan, 4, mode=mode)
    known = attach if kind == "stream" else bind
    ends = [known(lan, f"m{number}") for number in (1, 2, 3, 4)]
    others = Others(lan, "lan0")
    with Steady(ends[0], mac(1), ends[1], mac(2)) as there, \
            Steady(ends[2], mac(3), ends[3], mac(4)) as elsewhere:
        for _ in range(CHANGES):
            others.change()
        others.close()
    assert min(there.received, elsewhere.received) > CHANGES / 4
    assert not any(lan.control.link(f"m{number}")["dropsOut"] for number in (1, 2, 3, 4))


def test_changes_of_a_lower_concern_only_what_passes_it(lan):
    """Bridge endpoints talk across it, however its far end changes."""
    peers.endpoints(lan, 2)
    one, two = attach(lan, "m1"), attach(lan, "m2")
    with Steady(one, mac(1), two, mac(2)):
        for number in range(100):
            lan.control.set("lan0", hairpin=number % 2 == 0, mtu=1400 + number)
            lan.control.set("lan0", name=f"lan{number % 2}", alias=str(number))
            lan.control.set("lan0" if number % 2 == 0 else "lan1", name="lan0",
                            address=mac(1000 + number))
    nothing_was_dropped(lan, "m1", "m2")


def test_changes_that_do_concern_them_lose_nothing_they_need_not(lan):
    """The endpoints' own names, aliases, list lengths, and modes among equals."""
    peers.endpoints(lan, 2)
    one, two = attach(lan, "m1"), attach(lan, "m2")
    with Steady(one, mac(1), two, mac(2)):
        for number in range(100):
            lan.control.set("m1", name="a", alias=str(number), bcqueuelen=number)
            lan.control.set("a", name="m1", mtu=1400 + number, flags=["nodst"])
            lan.control.set("m2", up=True, mode="bridge", address=mac(2), flags=[])
    nothing_was_dropped(lan, "m1", "m2")


def test_a_sender_that_goes_down_is_heard_until_then_and_again_after(lan):
    peers.endpoints(lan, 2)
    one, two = attach(lan, "m1"), attach(lan, "m2")
    for number in range(50):
        lan.control.set("m1", up=False)
        one.send(numbered(mac(2), mac(1), 2 * number))
        wait_until(lambda: peers.drops(lan, "m1", "In", "endpoint-down") == number + 1,
                   "it is dropped")
        lan.control.set("m1", up=True)
        one.send(numbered(mac(2), mac(1), 2 * number + 1))
        assert [number_of(data) for data in two.receive()] == [2 * number + 1]


def test_a_new_address_is_heard_with_the_next_frame(lan):
    """R1.16. The reply to the change says that it has happened."""
    peers.endpoints(lan, 2)
    one, two = attach(lan, "m1"), attach(lan, "m2")
    for number in range(100):
        address = mac(1000 + number)
        lan.control.set("m2", address=address)
        one.send(numbered(mac(1000 + number - 1), mac(1), 0), numbered(address, mac(1), number))
        assert [number_of(data) for data in two.receive()] == [number]


def test_endpoints_that_vanish_under_traffic_are_gone_for_good(lan):
    """Their peers are hung up on, whatever they were sending."""
    peers.endpoints(lan, 1)
    receiver = attach(lan, "m1")
    stop = threading.Event()

    def shout(peer):
        with contextlib.suppress(OSError):
            while not stop.is_set():
                peer.send(*[numbered(peers.BROADCAST, mac(2), 0, size=1500)] * 16)
        peer.close()

    threads = []
    for _ in range(30):
        lan.control.add_endpoint("m2", address=mac(2))
        threads.append(threading.Thread(target=shout, args=(attach(lan, "m2"),)))
        threads[-1].start()
        receiver.receive()
        lan.control.delete("m2")
        threads[-1].join()
        receiver.drain()
    stop.set()
    with pytest.raises(Refused, match="ENODEV"):
        lan.control.link("m2")


def test_changes_on_a_device_of_the_host_are_not_noticed(netd, lower, wire):
    """The device's address filter is changed meanwhile, too."""
    peers.endpoints(netd, 2, "low0", mode="vepa")
    one, two = attach(netd, "m1"), attach(netd, "m2")
    others = Others(netd, "low0", 7)
    with Steady(one, mac(1), wire, WIRE_MAC), Steady(wire, WIRE_MAC, two, mac(2)):
        for _ in range(CHANGES):
            others.change()
        others.close()
    nothing_was_dropped(netd, "m1", "m2")
    assert lower.link("low0")["promiscuity"] == 1
