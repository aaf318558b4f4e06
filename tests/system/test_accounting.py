# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing is lost without a trace: frames in are frames delivered and drops by reason.

Three sums, all from what a List says: what peers sent, in the daemon's words;
what was delivered, in the peers'; and that of a hub (src/path/counters.h).
"""

import random

import pytest

import peers
from peers import attach, bind, frame, mac
from waiting import wait_until

LOWER_MAC = "02:00:00:ff:00:00"
GROUPS = [peers.BROADCAST, "01:00:5e:00:00:01", "01:80:c2:00:00:0e"]
SIZES = [14, 60, 60, 1514, 8000]
MODES = ["private", "vepa", "bridge", "bridge", "source"]


def entered(link):
    """Frames that came from the link's peer, or from a lower's wire."""
    traffic = link["tx"] if "macvtap" in link else link["rx"]
    return traffic["packets"] + sum(link["dropsIn"].values())


def hub_sums(links):
    """Both sides of a hub's sum: copies that had to be, and copies that were."""
    lower = next(link for link in links.values() if "hub" in link)
    endpoints = [link for link in links.values() if "macvtap" in link]
    due = (sum(link["tx"]["packets"] for link in endpoints) + lower["rx"]["packets"] +
           lower["hub"]["replicas"])
    done = (sum(link["rx"]["packets"] for link in endpoints) + lower["tx"]["packets"] +
            lower["hub"]["host"] + sum(sum(link["dropsOut"].values()) for link in links.values()))
    return due, done


class Traffic:
    """Peers of some endpoints, and what they did at random."""

    def __init__(self, daemon, seed, modes, lower="lan0", slow=()):
        """Every third peer speaks datagrams; 'slow' ones do not read before the end."""
        self.daemon, self.dice, self.slow = daemon, random.Random(seed), set(slow)
        self.names = [f"m{number}" for number in range(1, len(modes) + 1)]
        self.sent = dict.fromkeys(self.names, 0)
        self.received = dict.fromkeys(self.names, 0)
        self.peers = {}
        for number, mode in enumerate(modes, 1):
            name = f"m{number}"
            daemon.control.add_endpoint(name, lower, mode, address=mac(number))
            if number % 3:
                self.peers[name] = attach(daemon, name)
            else:
                self.peers[name] = bind(daemon, name)
                self.sent[name] += 1  # the runt it says hello with

    def leave(self, name):
        """The peer goes; the endpoint stays, and hears no more."""
        self.read()
        self.peers.pop(name).close()
        self.names.remove(name)

    def address(self):
        """Somebody's, nobody's, or everybody's."""
        return self.dice.choice([mac(self.dice.randrange(1, len(self.names) + 3)), LOWER_MAC,
                                 *GROUPS])

    def one_frame(self):
        if self.dice.random() < 0.05:
            return bytes(self.dice.randrange(1, 14))
        size = self.dice.choice([*SIZES, 9018, 9019])
        return frame(self.address(), self.address(), size=size)[:size]

    def burst(self):
        name = self.dice.choice(self.names)
        frames = [self.one_frame() for _ in range(self.dice.randrange(1, 8))]
        self.sent[name] += len(frames)
        self.peers[name].send(*frames)
        self.read()

    def change(self):
        """Changes one endpoint a little, or sets the one changed last up again."""
        name = self.dice.choice(self.names)
        self.daemon.control.set(name, **self.dice.choice([
            {"up": False}, {"mtu": 1000}, {"mtu": 9000}, {"mode": self.dice.choice(MODES)},
            {"mode": "source", "flags": self.dice.choice([[], ["nodst"]]),
             "macaddr": {"command": "set", "addresses": [mac(1), mac(2)]}}]))
        for _ in range(5):
            self.burst()
        self.daemon.control.set(name, up=True, mode=self.dice.choice(MODES))

    def read(self):
        for name in set(self.names) - self.slow:
            self.received[name] += len(self.peers[name].drain())

    def all_is_counted(self):
        """What was sent has entered, and what was delivered is read."""
        self.read()
        links = self.daemon.control.links()
        return (all(entered(links[name]) == self.sent[name] for name in self.names) and
                all(links[name]["rx"]["packets"] == self.received[name] for name in self.names))

    def settle(self):
        """Waits until the peers' sums are right, and returns the links as they are then."""
        self.slow = set()
        wait_until(self.all_is_counted, "what the peers sent and received is what is shown", 10)
        links = self.daemon.control.links()
        due, done = hub_sums(links)
        assert due == done
        return links


def reasons(links):
    """Why frames were dropped, all together."""
    return {reason for link in links.values()
            for direction in ("dropsIn", "dropsOut") for reason in link[direction]}


@pytest.mark.parametrize("hairpin", [False, True], ids=["hairpin-off", "hairpin-on"])
@pytest.mark.parametrize("seed", range(3))
def test_every_frame_is_delivered_or_counted(daemon, hairpin, seed):
    daemon.control.add("lan0", kind="dummy", address=LOWER_MAC, mtu=9000, hairpin=hairpin)
    traffic = Traffic(daemon, seed, MODES, slow=["m3", "m4"])
    for _ in range(300):
        traffic.burst()
        if traffic.dice.random() < 0.1:
            traffic.change()
    links = traffic.settle()
    assert {"runt", "oversize", "peer-full"} <= reasons(links)
    assert not hairpin or {"no-owner", "private-sibling"} <= reasons(links)


def test_every_frame_to_nobody_is_counted(daemon):
    """Endpoints without a peer, or that are down, on a lower that is down."""
    daemon.control.add("lan0", kind="dummy", address=LOWER_MAC, mtu=9000)
    traffic = Traffic(daemon, 9, ["bridge"] * 5)
    traffic.leave("m4")
    for state in (True, False, True):
        daemon.control.set("lan0", up=state)
        for _ in range(60):
            traffic.burst()
        traffic.settle()
    daemon.control.set("m1", up=False)
    traffic.leave("m3")
    for _ in range(60):
        traffic.burst()
    links = traffic.settle()
    assert {"no-carrier", "endpoint-down", "no-peer"} <= reasons(links)


def test_a_passthru_hub_adds_up(daemon):
    daemon.control.add("lan0", kind="dummy", address=LOWER_MAC, mtu=9000, hairpin=True)
    traffic = Traffic(daemon, 5, ["passthru"])
    for _ in range(200):
        traffic.burst()
    links = traffic.settle()
    assert links["m1"]["rx"]["packets"] > 100


@pytest.mark.parametrize("seed", range(2))
def test_a_hub_on_a_device_of_the_host_adds_up(netd, lower, wire, seed):
    """And what its counters say of the wire is what the wire's other end has seen."""
    for device in ("wire0", "low0"):
        lower.ip(f"link set {device} mtu 9000")
    traffic = Traffic(netd, seed, MODES, "low0", slow=["m3", "m4"])
    wait_until(lambda: netd.control.link("low0")["mtu"] == 9000, "the MTU is known")
    sent = received = 0
    for _ in range(200):
        traffic.burst()
        frames = [frame(traffic.address(), traffic.address(), size=traffic.dice.choice(SIZES))
                  for _ in range(traffic.dice.randrange(4))]
        wire.send(*frames)
        sent += len(frames)
        received += len(wire.drain())
        if traffic.dice.random() < 0.1:
            traffic.change()

    def wire_is_counted():
        nonlocal received
        received += len(wire.drain())
        link = netd.control.link("low0")
        return (entered(link), link["tx"]["packets"]) == (sent, received)

    wait_until(wire_is_counted, "what passed the wire is what is shown", 10)
    links = traffic.settle()
    assert links["low0"]["hub"]["host"] > 0
    assert {"runt", "oversize", "peer-full"} <= reasons(links)
