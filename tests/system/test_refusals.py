# SPDX-License-Identifier: GPL-2.0-or-later
"""What the specification's section 1 refuses: with the kernel's errno, a sentence
that names the object and whom it clashes with, and nothing changed.

tests/oracle compares the errnos with the kernel's own; here it is the sentence,
and what a refusal leaves behind: nothing, in the daemon, on disk, or open.
"""

import pytest

import peers
from control import Misunderstood, Refused
from daemon import running
from peers import mac

LOWER_MAC = "02:00:00:ff:00:00"


@pytest.fixture(scope="module")
def world():
    """lan0 with endpoints of all modes but passthru, which lan1 has."""
    with running() as daemon:
        control = daemon.control
        control.add("lan0", kind="dummy", address=LOWER_MAC, mtu=2000)
        control.add("lan1", kind="dummy", address="02:00:00:ff:00:01")
        control.add_endpoint("alone", "lan1", "passthru")
        peers.endpoints(daemon, 2)
        control.add_endpoint("down", mode="private", address=mac(1), up=False)
        control.add_endpoint("vepa", mode="vepa", address=mac(4))
        control.add_endpoint("host", mode="bridge", address=LOWER_MAC, up=False)
        control.add_endpoint("listens", mode="source", address=mac(5),
                             macaddr={"command": "set", "addresses": [mac(100), mac(101)]})
        yield daemon


def state(daemon):
    """All that a refusal could have changed."""
    files = sorted(str(path) for path in daemon.runtime_dir.rglob("*"))
    return daemon.control.links(), files, daemon.descriptors()


def macvtap(**change):
    return {"kind": "macvtap", "lower": "lan0", **change}


def sources(command, *addresses):
    return {"macaddr": {"command": command, "addresses": list(addresses)}}


ADDS = [
    ("R1.9 a name is taken by an endpoint", "m1", macvtap(), "EEXIST", ["'m1'", "'lan0'"]),
    ("R1.9 a name is taken by a lower", "lan1", macvtap(), "EEXIST", ["'lan1'", "lower"]),
    ("R1.9 a dummy's name is taken", "m1", {"kind": "dummy"}, "EEXIST", ["'m1'", "'lan0'"]),
    ("R1.9 a name is too long", "sixteen-letters.", macvtap(), "EINVAL",
     ["sixteen-letters.", "15"]),
    ("R1.9 a made name is too long", "fifteen-letter%d", macvtap(), "EINVAL", ["15"]),
    ("R1.9 a name with a slash", "a/b", macvtap(), "EINVAL", ["'a/b'"]),
    ("R1.9 a name with a control character", "a\x1bb", macvtap(), "EINVAL", ["a\\x1bb"]),
    ("R1.9 a name that is a directory", "..", macvtap(), "EINVAL", ["'..'"]),
    ("R1.9 a name with two numbers", "%d%d", macvtap(), "EINVAL", ["%d"]),
    ("the control socket's name", "control.sock", macvtap(), "EINVAL", ["control socket"]),
    ("the lock file's name", "lock", macvtap(), "EINVAL", ["lock file"]),
    ("R1.4 no lower", "new", {"kind": "macvtap"}, "EINVAL", ["lower", "link NAME"]),
    ("R1.4 an empty lower", "new", {"kind": "macvtap", "lower": ""}, "EINVAL", ["lower"]),
    ("R1.4 no such lower", "new", macvtap(lower="nowhere"), "ENODEV", ["'nowhere'", "ip link"]),
    ("R1.4 the loopback", "new", macvtap(lower="lo"), "EINVAL", ["'lo'", "loopback", "dummy"]),
    ("R1.13 a zero address", "new", macvtap(address="00:00:00:00:00:00"), "EADDRNOTAVAIL",
     ["00:00:00:00:00:00", "zero", "'new'"]),
    ("R1.13 a group address", "new", macvtap(address="01:00:5e:00:00:01"), "EADDRNOTAVAIL",
     ["01:00:5e:00:00:01", "group", "'new'"]),
    ("R1.13 the broadcast address", "new", macvtap(address=peers.BROADCAST), "EADDRNOTAVAIL",
     [peers.BROADCAST]),
    ("R1.13 a short address", "new", macvtap(address="02:00:00:00:00"), "EINVAL",
     ["02:00:00:00:00"]),
    ("R1.13 a dummy's group address", "new", {"kind": "dummy", "address": peers.BROADCAST},
     "EADDRNOTAVAIL", [peers.BROADCAST]),
    ("R1.14 an address that is up, at once", "new", macvtap(address=mac(1), up=True),
     "EADDRINUSE", [mac(1), "'m1'", "'lan0'", "'new'"]),
    ("R1.14 the lower's address, at once", "new", macvtap(address=LOWER_MAC, up=True),
     "EADDRINUSE", [LOWER_MAC, "'lan0' itself"]),
    ("R1.30 an MTU above the lower's", "new", macvtap(mtu=2001), "EINVAL",
     ["2001", "2000", "'lan0'", "'new'"]),
    ("R1.30 an MTU below 68", "new", macvtap(mtu=67), "EINVAL", ["67", "68", "'new'"]),
    ("R1.30 a dummy's MTU below 68", "new", {"kind": "dummy", "mtu": 67}, "EINVAL", ["67", "68"]),
    ("R1.30 a dummy's MTU above all", "new", {"kind": "dummy", "mtu": 65536}, "EINVAL",
     ["65536", "65535", "'new'"]),
    ("R1.37 no such mode", "new", macvtap(mode="brigde"), "EINVAL", ["brigde", "bridge", "vepa"]),
    ("R1.38 no such flag", "new", macvtap(flags=["promisc"]), "EINVAL", ["promisc", "nopromisc"]),
    ("R1.40 beside a passthru endpoint", "new", macvtap(lower="lan1"), "EINVAL",
     ["'lan1'", "'alone'", "passthru"]),
    ("R1.40 on a passthru endpoint", "new", macvtap(lower="alone"), "EINVAL",
     ["'lan1'", "'alone'"]),
    ("R1.40 passthru beside passthru", "new", macvtap(lower="lan1", mode="passthru"), "EINVAL",
     ["'lan1'", "'alone'"]),
    ("R1.40 passthru beside others", "new", macvtap(mode="passthru"), "EINVAL",
     ["'lan0'", "6", "'m1'"]),
    ("R1.51 a source list without source mode", "new",
     macvtap(mode="bridge", **sources("add", mac(9))), "EINVAL", ["'new'", "bridge", "source"]),
    ("no type at all", "new", {"lower": "lan0"}, "EINVAL", ["type"]),
    ("type macvlan", "new", macvtap(kind="macvlan"), "EOPNOTSUPP", ["macvlan", "macvtap"]),
    ("type netdev", "new", {"kind": "netdev"}, "EOPNOTSUPP", ["device of the host"]),
    ("no such type", "new", {"kind": "bond"}, "EINVAL", ["bond"]),
    ("hairpin of an endpoint", "new", macvtap(hairpin=True), "EINVAL", ["'hairpin'", "endpoint"]),
    ("mode of a dummy", "new", {"kind": "dummy", "mode": "bridge"}, "EINVAL", ["'mode'", "dummy"]),
    ("lower of a dummy", "new", {"kind": "dummy", "lower": "lan0"}, "EINVAL", ["'link'", "dummy"]),
]

SETS = [
    ("no such link", "new", {"up": True}, "ENODEV", ["'new'", "link show"]),
    ("R1.9 a new name is taken", "m1", {"name": "m2"}, "EEXIST", ["'m2'", "'lan0'"]),
    ("R1.9 a lower's new name is taken", "lan0", {"name": "m2"}, "EEXIST", ["'m2'", "'lan0'"]),
    ("R1.9 a new name is nonsense", "m1", {"name": "a:b"}, "EINVAL", ["'a:b'"]),
    ("the lock file's name", "m1", {"name": "lock"}, "EINVAL", ["lock file"]),
    ("R1.13 a zero address", "m1", {"address": "00:00:00:00:00:00"}, "EADDRNOTAVAIL",
     ["zero", "'m1'"]),
    ("R1.13 a group address", "down", {"address": peers.BROADCAST}, "EADDRNOTAVAIL", ["group"]),
    ("R1.13 a passthru endpoint's", "alone", {"address": peers.BROADCAST}, "EADDRNOTAVAIL",
     ["group"]),
    ("R1.14 up with an address that is up", "down", {"up": True}, "EADDRINUSE",
     [mac(1), "'m1'", "'lan0'", "'down'"]),
    ("R1.14 up with the lower's address", "host", {"up": True}, "EADDRINUSE",
     [LOWER_MAC, "'lan0' itself", "'host'"]),
    ("R1.14 an up sibling's address, while up", "m2", {"address": mac(1)}, "EADDRINUSE",
     [mac(1), "'m1'", "'m2'"]),
    ("R1.14 an up sibling's address, while down", "down", {"address": mac(2)}, "EADDRINUSE",
     [mac(2), "'m2'", "'down'"]),
    ("R1.14 the lower's address", "m1", {"address": LOWER_MAC}, "EADDRINUSE",
     [LOWER_MAC, "'lan0' itself"]),
    ("R1.14 another's address and up in one", "down", {"address": mac(4), "up": True},
     "EADDRINUSE", [mac(4), "'vepa'"]),
    ("R1.30 an MTU above the lower's", "m1", {"mtu": 2001}, "EINVAL", ["2001", "2000", "'lan0'"]),
    ("R1.30 an MTU below 68", "m1", {"mtu": 67}, "EINVAL", ["67", "68", "'m1'"]),
    ("R1.30 a lower's MTU below 68", "lan0", {"mtu": 67}, "EINVAL", ["67", "68", "'lan0'"]),
    ("R1.35 to passthru", "m1", {"mode": "passthru"}, "EINVAL",
     ["'m1'", "bridge", "passthru"]),
    ("R1.35 from passthru", "alone", {"mode": "bridge"}, "EINVAL",
     ["'alone'", "bridge", "passthru"]),
    ("R1.37 no such mode", "m1", {"mode": "5"}, "EINVAL", ["'5'"]),
    ("R1.37 the other kind", "m1", {"kind": "macvlan", "mode": "vepa"}, "EOPNOTSUPP",
     ["'m1'", "macvtap", "macvlan"]),
    ("R1.37 a kind that is none", "lan0", {"kind": "macvtap"}, "EOPNOTSUPP", ["'lan0'", "dummy"]),
    ("R1.38 no such flag", "m1", {"flags": ["nodst", "null"]}, "EINVAL", ["null"]),
    ("R1.51 a list without source mode", "m1", sources("add", mac(9)), "EINVAL",
     ["'m1'", "bridge", "source"]),
    ("R1.51 a list and out of source mode", "listens",
     {"mode": "bridge", **sources("add", mac(9))}, "EINVAL", ["'listens'", "bridge"]),
    ("R1.51 flush without source mode", "m1", sources("flush"), "EINVAL", ["'m1'", "source"]),
    ("R1.51 add without address", "listens", sources("add"), "EINVAL", ["add", "address"]),
    ("R1.51 del without address", "listens", sources("del"), "EINVAL", ["del", "address"]),
    ("R1.51 add of two", "listens", sources("add", mac(8), mac(9)), "EINVAL", ["add", "2"]),
    ("R1.51 a zero address", "listens", sources("add", "00:00:00:00:00:00"), "EADDRNOTAVAIL",
     ["zero"]),
    ("R1.51 a group address in a list", "listens", sources("set", mac(9), peers.BROADCAST),
     "EADDRNOTAVAIL", [peers.BROADCAST, "'listens'"]),
    ("R1.51 no address at all", "listens", sources("add", "02"), "EINVAL", ["02"]),
    ("R1.51 no such command", "listens", sources("drop", mac(100)), "EINVAL", ["drop", "flush"]),
    ("no such lower to move to", "m1", {"lower": "lan1"}, "EOPNOTSUPP", ["'m1'", "'lan0'"]),
    ("mode of a dummy", "lan0", {"mode": "bridge"}, "EINVAL", ["'mode'"]),
    ("hairpin of an endpoint", "m1", {"hairpin": True}, "EINVAL", ["'hairpin'"]),
    # All of a change, or nothing (R1.39 is the kernel's way).
    ("the good half of a change", "m2",
     {"name": "good", "mtu": 1400, "alias": "good", "mode": "private", "flags": ["nodst"],
      "bcqueuelen": 5, "bclim": 7, "up": False, "address": mac(1)}, "EADDRINUSE", ["'m1'"]),
    ("the good half of a lower's change", "lan0",
     {"mtu": 1400, "alias": "good", "hairpin": True, "up": False, "name": "m1"}, "EEXIST",
     ["'m1'"]),
    ("the good half of a list", "listens", {"mode": "source", "up": False,
                                            **sources("set", mac(8), mac(9), "00:00:00:00:00:00")},
     "EADDRNOTAVAIL", ["zero"]),
]

DELETES = [
    ("no such link", "new", "ENODEV", ["'new'", "link show"]),
    ("an empty name", "", "ENODEV", ["''"]),
]


def titles(cases):
    return [case[0].replace(" ", "-") for case in cases]


def refuses(daemon, errno, words, method, link, /, **change):
    before = state(daemon)
    with pytest.raises(Refused) as refusal:
        getattr(daemon.control, method)(link, **change)
    message = refusal.value.message
    assert refusal.value.errno == errno, message
    assert all(word in message for word in words), message
    assert "\n" not in message and not message.endswith(".")
    assert state(daemon) == before


@pytest.mark.parametrize("_, name, change, errno, words", ADDS, ids=titles(ADDS))
def test_an_add_is_refused(world, _, name, change, errno, words):
    refuses(world, errno, words, "add", name, **change)


@pytest.mark.parametrize("_, name, change, errno, words", SETS, ids=titles(SETS))
def test_a_set_is_refused(world, _, name, change, errno, words):
    refuses(world, errno, words, "set", name, **change)


@pytest.mark.parametrize("_, name, errno, words", DELETES, ids=titles(DELETES))
def test_a_delete_is_refused(world, _, name, errno, words):
    refuses(world, errno, words, "delete", name)


def test_what_looks_like_a_refusal_and_is_none(world):
    """The other side of each rule, so that the table cannot be right by accident."""
    control = world.control
    before = state(world)
    control.add("twin", kind="macvtap", lower="lan0", address=mac(1))  # R1.14
    control.set("twin", address=mac(1))
    control.set("twin", address=mac(6))
    control.set("twin", up=True)
    control.set("m1", address=mac(1))  # its present one
    control.set("alone", mode="passthru")  # R1.35
    control.set("listens", macaddr={"command": "add", "addresses": [mac(100)]})  # R1.50
    control.set("listens", macaddr={"command": "del", "addresses": [mac(99)]})
    control.set("twin", mtu=2000)
    control.set("twin", mtu=68)
    control.set("twin", name="fifteen-letters")
    control.add_endpoint("sibling", "m1", mode="private")  # R1.5
    assert control.link("sibling")["lower"] == "lan0"
    control.delete("sibling")
    control.delete("fifteen-letters")
    assert state(world) == before


def test_a_name_is_made_of_the_lowest_free_number(world):
    control = world.control
    before = state(world)
    assert [control.add(None, kind="macvtap", lower="lan0") for _ in range(3)] == [
        "macvtap0", "macvtap1", "macvtap2"]
    control.delete("macvtap1")
    assert control.add(None, kind="macvtap", lower="lan0") == "macvtap1"
    assert control.add("x%dy", kind="macvtap", lower="lan0") == "x0y"
    for name in ("macvtap0", "macvtap1", "macvtap2", "x0y"):
        control.delete(name)
    assert state(world) == before


def test_a_request_that_is_no_change_at_all_is_carried_out(world):
    before = state(world)
    world.control.set("m1")
    with pytest.raises(Misunderstood):
        world.control.call("Set", name="m1")
    assert state(world) == before
