# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices of the host as lowers: their life, seen from the endpoints on them."""

import resource
import subprocess

import pytest

import peers
from control import Refused
from daemon import running
from network import Network, Wire
from peers import Stream, attach, drops, frame, mac, numbered, number_of
from waiting import wait_until

WIRE_MAC = "02:00:00:ee:00:00"
LOWER_MAC = "02:00:00:ff:00:00"


def endpoints(daemon, count=1, lower="low0", **change):
    """With their stream peers."""
    names = peers.endpoints(daemon, count, lower, **change)
    return [attach(daemon, name) for name in names]


def passes(peer, address, wire, both_ways=True):
    """A frame from the peer reaches the wire, and one from there the peer."""
    peer.send(numbered(WIRE_MAC, address, 1))
    assert [number_of(data) for data in wire.receive()] == [1]
    if both_ways:
        wire.send(numbered(address, WIRE_MAC, 2))
        assert [number_of(data) for data in peer.receive()] == [2]


def shows(daemon, name, **wanted):
    """Waits until the daemon has heard of a change of the lower."""
    wait_until(lambda: wanted.items() <= daemon.control.link(name).items(), f"{name} has {wanted}")


# Frames.


def test_frames_pass_both_ways(netd, wire):
    one, two = endpoints(netd, 2)
    passes(one, mac(1), wire)
    passes(two, mac(2), wire)
    wire.send(numbered(peers.BROADCAST, WIRE_MAC, 3))
    assert [number_of(data) for data in one.receive() + two.receive()] == [3, 3]
    one.send(numbered(mac(2), mac(1), 4))  # bridge: not through the wire
    assert [number_of(data) for data in two.receive()] == [4]
    wire.send(numbered(mac(9), WIRE_MAC, 5), numbered(mac(1), WIRE_MAC, 6))
    assert [number_of(data) for data in one.receive()] == [6], "5 is the host's"
    assert not wire.drain() and not two.drain()


def test_the_device_is_as_before_when_the_last_endpoint_is_gone(netd, lower):
    before = lower.link("low0")
    endpoints(netd, 3)
    assert lower.link("low0")["promiscuity"] == 1  # veth filters no addresses: R1.17
    assert lower.link("low0")["allmulti"] == before["allmulti"] + 1
    for number in (1, 2, 3):
        assert "low0" in netd.control.links()
        netd.control.delete(f"m{number}")
    after = lower.link("low0")
    assert (after["promiscuity"], after["allmulti"]) == (0, before["allmulti"])
    assert not netd.control.links(), "the lower was there for its endpoints only"


def test_down_endpoints_ask_nothing_of_the_device(netd, lower):
    endpoints(netd, 2)
    netd.control.set("m1", up=False)
    netd.control.set("m2", up=False)
    assert (lower.link("low0")["promiscuity"], lower.link("low0")["allmulti"]) == (0, 0)


# The device comes and goes.


def test_lower_down_and_up(netd, lower, wire):
    one, two = endpoints(netd, 2)
    lower.ip("link set low0 down")
    shows(netd, "m1", carrier=False, lowerUp=False, up=True)
    one.send(frame(mac(2), mac(1)), frame(WIRE_MAC, mac(1)))
    wait_until(lambda: drops(netd, "m1", "In", "no-carrier") == 2, "R2.8: frames are dropped")
    lower.set_up("low0", "wire0")
    shows(netd, "m1", carrier=True, lowerUp=True)
    passes(one, mac(1), wire)
    passes(two, mac(2), wire)


def test_no_carrier_and_carrier_again(netd, lower):
    one, = endpoints(netd)
    lower.ip("link set wire0 down")
    shows(netd, "m1", carrier=False, lowerUp=True)
    lower.set_up("low0", "wire0")
    shows(netd, "m1", carrier=True)
    wire = Wire(lower)
    passes(one, mac(1), wire)
    wire.close()


def test_a_device_that_is_deleted_and_made_again(netd, lower, wire):
    one, two = endpoints(netd, 2)
    netd.control.set("m1", alias="stays")
    passes(one, mac(1), wire)
    before = netd.control.link("m1")

    lower.ip("link del low0")
    shows(netd, "m1", carrier=False, up=True, lower="low0")
    gone = netd.control.link("low0")
    assert (gone["carrier"], gone["port"]["kind"]) == (False, "none")
    assert "gone" in gone["port"]["reason"]
    one.send(frame(mac(2), mac(1)))
    wait_until(lambda: drops(netd, "m1", "In", "no-carrier") == 1, "frames are dropped")
    with pytest.raises(Refused, match="ENODEV.*'low0' has vanished"):
        netd.control.add_endpoint("m3", "low0")

    lower.veth(address=LOWER_MAC)
    shows(netd, "m1", carrier=True)
    after = netd.control.link("m1")
    for kept in ("index", "name", "address", "alias", "macvtap", "up", "port", "sockets"):
        assert after[kept] == before[kept]
    with_wire = Wire(lower)
    passes(one, mac(1), with_wire)
    passes(two, mac(2), with_wire)
    with_wire.close()
    netd.control.add_endpoint("m3", "low0")


def test_a_device_that_comes_back_unfit_is_not_used(netd, lower):
    one, = endpoints(netd)
    lower.ip("link del low0")
    shows(netd, "m1", carrier=False)
    lower.ip("link add low0 type bridge")
    lower.ip("link del low0")
    lower.ip("tuntap add low0 mode tun")
    lower.ip("link set low0 up")
    one.send(frame(mac(2), mac(1)))
    wait_until(lambda: drops(netd, "m1", "In", "no-carrier") == 1, "it has no carrier")
    lower.ip("link del low0")
    lower.veth()
    shows(netd, "m1", carrier=True)


def test_a_device_that_flaps_many_times(netd, lower):
    one, = endpoints(netd)
    for _ in range(10):
        lower.ip("link del low0")
        lower.veth(address=LOWER_MAC)
    for _ in range(20):
        lower.ip("link set low0 down")
        lower.ip("link set low0 up")
    lower.set_up("low0", "wire0")
    shows(netd, "m1", carrier=True)
    wire = Wire(lower)
    passes(one, mac(1), wire)
    wire.close()
    assert lower.link("low0")["promiscuity"] == 1


def test_a_device_that_moves_away_is_gone(netd, lower):
    endpoints(netd)
    elsewhere = Network()
    lower.ip(f"link set low0 netns {elsewhere.holder.pid}")
    shows(netd, "m1", carrier=False)
    assert netd.control.link("low0")["port"]["kind"] == "none"
    elsewhere.close()


# The device changes.


def test_an_mtu_that_is_lowered_lowers_the_endpoints(netd, lower, wire):
    one, _ = endpoints(netd, 2)
    netd.control.set("m2", mtu=1300)
    lower.ip("link set low0 mtu 1400")
    shows(netd, "m1", mtu=1400)
    assert netd.control.link("m2")["mtu"] == 1300
    lower.ip("link set low0 mtu 1500")
    shows(netd, "low0", mtu=1500)
    assert netd.control.link("m1")["mtu"] == 1400  # R1.30
    netd.control.set("m1", mtu=1500)
    passes(one, mac(1), wire)


def test_a_device_that_is_renamed_keeps_its_endpoints(netd, lower, wire):
    one, = endpoints(netd)
    lower.ip("link set low0 name eth7")
    shows(netd, "m1", lower="eth7")
    assert set(netd.control.links()) == {"eth7", "m1"}
    passes(one, mac(1), wire)
    netd.control.add_endpoint("m2", "eth7", address=mac(2))
    # And it is the new name that it comes back by.
    lower.ip("link del eth7")
    shows(netd, "m1", carrier=False)
    lower.veth("eth7")
    shows(netd, "m1", carrier=True)


def test_a_device_that_takes_the_name_of_an_endpoint(netd, lower, wire):
    """Then it keeps the name it has here."""
    one, = endpoints(netd)
    lower.ip("link set low0 name m1")
    lower.ip("link set m1 mtu 1400")
    shows(netd, "m1", mtu=1400, lower="low0")
    passes(one, mac(1), wire)
    netd.control.add_endpoint("m2", "low0", address=mac(2))


def test_a_lower_may_take_an_endpoints_address(netd, lower, wire):
    """R1.14: it is not checked; the endpoint cannot go up again."""
    one, = endpoints(netd)
    lower.ip(f"link set low0 address {mac(1)}")
    shows(netd, "low0", address=mac(1))
    passes(one, mac(1), wire)
    netd.control.set("m1", up=False)
    with pytest.raises(Refused, match="EADDRINUSE.*'low0' itself"):
        netd.control.set("m1", up=True)


# Passthru.


def test_a_passthru_endpoint_has_the_device_to_itself(netd, lower, wire):
    one, = endpoints(netd, mode="passthru")
    assert netd.control.link("m1")["address"] == LOWER_MAC  # R1.41
    passes(one, LOWER_MAC, wire)
    wire.send(numbered(mac(9), WIRE_MAC, 3))
    assert [number_of(data) for data in one.receive()] == [3]
    assert lower.link("low0")["promiscuity"] == 1  # R1.43
    netd.control.set("m1", flags=["nopromisc"])
    assert lower.link("low0")["promiscuity"] == 0
    netd.control.set("m1", up=False)
    netd.control.set("m1", flags=[])
    assert lower.link("low0")["promiscuity"] == 0, "the driver's count underflows here: R1.44"
    with pytest.raises(Refused, match="EINVAL.*'m1'"):
        netd.control.add_endpoint("m2", "low0")


def test_addresses_of_a_passthru_endpoint_and_its_lower_are_one(netd, lower, wire):
    one, = endpoints(netd, mode="passthru")
    netd.control.set("m1", address=mac(7))
    assert lower.link("low0")["address"] == mac(7)
    passes(one, mac(7), wire)
    lower.ip(f"link set low0 address {mac(8)}")
    shows(netd, "m1", address=mac(8))
    netd.control.set("m1", address=mac(9))
    netd.control.delete("m1")
    assert lower.link("low0")["address"] == mac(8)  # R1.42: the last set on the lower itself


def test_the_lower_gets_its_address_back_when_the_daemon_ends(netd, lower):
    endpoints(netd, mode="passthru")
    netd.control.set("m1", address=mac(7))
    netd.stop()
    assert lower.link("low0")["address"] == LOWER_MAC
    netd.start()


# What cannot be a lower.


@pytest.mark.parametrize("make, name, errno, words", [
    ([], "nowhere", "ENODEV", ["'nowhere'", "ip link"]),
    ([], "lo", "EINVAL", ["'lo'", "loopback"]),
    (["link add br0 type bridge", "link set low0 master br0"], "low0", "EBUSY",
     ["'low0'", "bridge", "'br0'"]),
    (["link add bond0 type bond", "link set low0 down", "link set low0 master bond0"], "low0",
     "EBUSY", ["'low0'", "bond", "'bond0'"]),
    (["link add link low0 name ipv0 type ipvlan"], "low0", "EBUSY", ["'low0'", "ipvlan", "'ipv0'"]),
    (["tuntap add tun0 mode tun"], "tun0", "EINVAL", ["'tun0'", "Ethernet"]),
], ids=["unknown", "loopback", "bridge", "bond", "ipvlan", "tun"])
def test_an_unfit_lower_is_refused(netd, lower, make, name, errno, words):
    for line in make:
        try:
            lower.ip(line)
        except subprocess.CalledProcessError as problem:
            pytest.skip(f"this kernel does not take 'ip {line}': {problem.stderr.strip()}")
    descriptors = netd.descriptors()
    with pytest.raises(Refused) as refusal:
        netd.control.add_endpoint("m1", name)
    assert refusal.value.errno == errno
    assert all(word in refusal.value.message for word in words), refusal.value.message
    assert not netd.control.links()
    assert netd.descriptors() == descriptors
    assert [path.name for path in netd.runtime_dir.iterdir() if path.is_dir()] == []


def test_a_device_is_not_set_or_deleted_by_limpet(netd):
    endpoints(netd)
    for method, change in (("set", {"up": False}), ("delete", {})):
        with pytest.raises(Refused, match="EOPNOTSUPP.*'low0'.*ip link"):
            getattr(netd.control, method)("low0", **change)


def test_a_bridge_master_and_an_ifb_can_be_lowers(netd, lower):
    lower.ip("link add br0 type bridge")
    lower.ip("link set br0 up")
    netd.control.add_endpoint("m1", "br0")
    assert netd.control.link("m1")["lower"] == "br0"


# Want of descriptors.


def test_a_change_of_the_lower_that_cannot_be_asked_about_cuts_nobody_off(lower, wire):
    """Peers have taken all descriptors they can; the kernel says that the MTU is new."""
    with running(enter=lower.enter, limits=[(resource.RLIMIT_NOFILE, 96)]) as daemon:
        one, = endpoints(daemon)
        hogs = []
        with pytest.raises(Refused, match="EMFILE"):
            for number in range(100, 200):
                daemon.control.add_endpoint(f"f{number}", "low0", address=mac(number))
                hogs.append(Stream(daemon.socket_path(f"f{number}")))
        lower.ip("link set low0 mtu 1400")
        shows(daemon, "m1", mtu=1400, carrier=True)
        passes(one, mac(1), wire)
