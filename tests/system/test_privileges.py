# SPDX-License-Identifier: GPL-2.0-or-later
"""What limpetd may, and what it can do with that."""

import subprocess

import pytest

import peers
from control import Refused
from daemon import NOBODY, running
from peers import Conversation, attach, bind, mac, numbered, number_of
from waiting import wait_until

CAP_NET_ADMIN, CAP_NET_RAW = 12, 13
LOWER_MAC = "02:00:00:ff:00:00"
WIRE_MAC = "02:00:00:ee:00:00"


def capabilities(daemon):
    return {name: int(daemon.status(name), 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")}


def nothing_is_left_but(daemon, *bits):
    mask = sum(1 << bit for bit in bits)
    assert capabilities(daemon) == {"CapPrm": mask, "CapEff": mask, "CapInh": 0, "CapAmb": 0}
    assert daemon.status("NoNewPrivs") == "1"


def refused_for_want_of(capability, daemon, method, name, /, **change):
    before = daemon.control.links()
    with pytest.raises(Refused) as refusal:
        getattr(daemon.control, method)(name, **change)
    assert refusal.value.errno == "EPERM"
    assert capability in refusal.value.message and "'low0'" in refusal.value.message
    assert daemon.control.links() == before


def a_dummy_hub_works(daemon):
    daemon.control.add("lan0", kind="dummy", hairpin=True)
    peers.endpoints(daemon, 2, mode="vepa")
    Conversation(attach(daemon, "m1"), mac(1), attach(daemon, "m2"), mac(2)).ask(3)


def test_root_keeps_two_capabilities(root, daemon):
    nothing_is_left_but(daemon, CAP_NET_ADMIN, CAP_NET_RAW)


def test_a_user_needs_none_for_a_dummy(root):
    with running(NOBODY) as daemon:
        nothing_is_left_but(daemon)
        assert daemon.status("Uid").split() == [str(NOBODY)] * 4
        a_dummy_hub_works(daemon)


def test_a_device_of_the_host_needs_net_raw_and_the_sentence_says_so(lower):
    with running(NOBODY, enter=lower.enter) as daemon:
        refused_for_want_of("CAP_NET_RAW", daemon, "add_endpoint", "m1", lower="low0")
        assert not daemon.control.links()
        a_dummy_hub_works(daemon)


def test_net_raw_is_enough_for_a_device_of_the_host(lower, wire):
    with running(NOBODY, ["net_raw"], enter=lower.enter) as daemon:
        nothing_is_left_but(daemon, CAP_NET_RAW)
        peers.endpoints(daemon, 2, "low0")
        one, two = attach(daemon, "m1"), bind(daemon, "m2")
        one.send(numbered(WIRE_MAC, mac(1), 1))
        two.send(numbered(WIRE_MAC, mac(2), 2))
        assert sorted(number_of(data) for data in wire.receive(2)) == [1, 2]
        wire.send(numbered(mac(1), WIRE_MAC, 3), numbered(mac(2), WIRE_MAC, 4))
        assert [number_of(data) for data in one.receive() + two.receive()] == [3, 4]
        large = numbered(WIRE_MAC, mac(1), 5, size=1514)
        one.send(large)
        assert wire.receive() == [large]

        # The device lives its life, of which the kernel tells everybody.
        lower.ip("link del low0")
        wait_until(lambda: not daemon.control.link("m1")["carrier"], "low0 is gone")
        lower.veth(address=LOWER_MAC)
        wait_until(lambda: daemon.control.link("m1")["carrier"], "low0 is back")
        one.send(numbered(mac(2), mac(1), 6))
        assert [number_of(data) for data in two.receive()] == [6]


def test_net_raw_is_not_enough_to_change_the_devices_address(lower):
    with running(NOBODY, ["net_raw"], enter=lower.enter) as daemon:
        daemon.control.add_endpoint("m1", "low0", "passthru")
        refused_for_want_of("CAP_NET_ADMIN", daemon, "set", "m1", address=mac(7))
        assert lower.link("low0")["address"] == LOWER_MAC


def test_net_admin_besides_is(lower):
    with running(NOBODY, ["net_raw", "net_admin"], enter=lower.enter) as daemon:
        nothing_is_left_but(daemon, CAP_NET_ADMIN, CAP_NET_RAW)
        daemon.control.add_endpoint("m1", "low0", "passthru")
        daemon.control.set("m1", address=mac(7))
        assert lower.link("low0")["address"] == mac(7)


def test_a_device_with_an_address_filter_is_not_made_promiscuous(netd, lower):
    """A veth has none, and is, for that (R1.17); the kernel's macvlan has one."""
    try:
        lower.ip("link add link low0 name filters type macvlan mode bridge")
    except subprocess.CalledProcessError as problem:
        pytest.skip(f"this kernel has no macvlan: {problem.stderr.strip()}")
    lower.set_up("filters")
    peers.endpoints(netd, 3, "filters")
    assert lower.link("filters")["promiscuity"] == 0
    told = lower.run("bridge", "fdb", "show", "dev", "low0")
    assert all(mac(number) in told for number in (1, 2, 3))
    netd.control.set("m2", address=mac(9))
    netd.control.set("m3", up=False)
    told = lower.run("bridge", "fdb", "show", "dev", "low0")
    assert [mac(number) in told for number in (1, 2, 3, 9)] == [True, False, False, True]
