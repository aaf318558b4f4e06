# SPDX-License-Identifier: GPL-2.0-or-later
"""Control clients that mean harm, or are just slow: each harms only itself."""

import contextlib
import fcntl
import json
import os
import random
import socket
import sys
import termios
import time

import pytest

import peers
from control import HungUp, Misunderstood, Refused, call
from daemon import is_sanitized
from peers import Conversation, attach, mac
from waiting import DEADLINE_S, wait_until

REQUEST_MAX = 256 * 1024
CLIENTS_MAX = 128
EVENTS_MAX = 256 * 1024
PATIENCE_S = 30
DELAY_MAX_S = 2

# What a client may make the daemon keep for a while, and the allocator for good.
MEMORY_MAX_KIB = (256 if is_sanitized() else 16) * 1024


@pytest.fixture(autouse=True)
def bystanders(lan):
    """m2 and m3 talk, another client is answered, and memory stays bounded."""
    talk = Conversation(attach(lan, "m2"), mac(2), attach(lan, "m3"), mac(3))
    talk.ask(3)
    before = lan.rss_kib()
    yield talk
    talk.ask(3)
    assert talk.longest_s < DELAY_MAX_S
    assert lan.rss_kib() - before < MEMORY_MAX_KIB
    with lan.connect() as client:
        assert client.link("m2")["name"] == "m2"


@pytest.fixture
def client(lan):
    with lan.connect() as client:
        yield client


def refused_and_hung_up_on(client, word):
    """One sentence, and the connection is over."""
    with pytest.raises(Refused) as refusal:
        client.receive()
    assert refusal.value.errno in ("EBADMSG", "EMSGSIZE")
    assert word in refusal.value.message
    with pytest.raises(HungUp):
        client.receive()


def many_links(daemon, count):
    """So many that a listing does not fit any socket's buffer."""
    for number in range(count):
        daemon.control.add_endpoint(f"e{number}", up=False, alias="x" * 255)


# What is no call.


@pytest.mark.parametrize("text, word", [
    (b"\0", "not JSON"),
    (b"\0\0\0\0", "not JSON"),
    (b"garbage\0", "not JSON"),
    (b'{"method":\0', "not JSON"),
    (b'{"method":"io.limpet.List"}{}\0', "not JSON"),
    (b'{"method":"a","method":"b"}\0', "not JSON"),
    (b'{"method":"\xff\xfe"}\0', "not JSON"),
    (b'{"method":"\\u0000"}\0', "not JSON"),
    (b"[]\0", "not a JSON object"),
    (b"{}\0", "method"),
    (b'{"method":7}\0', "method"),
    (b"[" * 100000 + b"\0", "nests"),
    (b'{"a":' * 50000 + b"\0", "nests"),
    (b'{"method":"io.limpet.Add","parameters":{"change":' + b'{"a":[' * 20000 + b"\0", "nests"),
], ids=lambda value: repr(value[:20]))
def test_what_is_no_call_gets_a_sentence_and_the_end(client, text, word):
    client.send_bytes(text)
    refused_and_hung_up_on(client, word)


@pytest.mark.parametrize("seed", range(5))
def test_noise_gets_a_sentence_and_the_end(client, seed):
    with contextlib.suppress(HungUp):
        client.send_bytes(random.Random(seed).randbytes(64 * 1024) + b"\0")
    refused_and_hung_up_on(client, "")


@pytest.mark.parametrize("size", [REQUEST_MAX + 1, 100 * 1000 * 1000])
def test_an_endless_request_gets_a_sentence_and_the_end(client, size):
    with pytest.raises(HungUp) if size > 1 << 20 else contextlib.nullcontext():
        for _ in range(0, size, 1 << 16):
            client.send_bytes(b"x" * (1 << 16))
    with contextlib.suppress(HungUp):  # the sentence may be lost behind what was not read
        with pytest.raises(Refused) as refusal:
            client.receive()
        assert refusal.value.errno == "EMSGSIZE"


def test_the_longest_request_is_carried_out(client, lan):
    text = call("Set", {"name": "m1", "change": {"alias": "long"}})[:-1]
    client.send_bytes(text.ljust(REQUEST_MAX) + b"\0")
    assert client.receive() == ({}, False)
    assert lan.control.link("m1")["alias"] == "long"
    client.send_bytes(text.ljust(REQUEST_MAX + 1) + b"\0")
    refused_and_hung_up_on(client, str(REQUEST_MAX))


# What is a call, but of another interface.


@pytest.mark.parametrize("method, parameters, flags, error, named", [
    ("nonsense", {}, {}, "MethodNotFound", "io.limpet.nonsense"),
    ("io.limpet.", {}, {}, "MethodNotFound", "io.limpet."),
    ("org.example.List", {}, {}, "InterfaceNotFound", "org.example"),
    ("io.limpet.\N{SNOWMAN}" * 50, {}, {}, "InterfaceNotFound", "io.limpet"),
    ("List", {}, {}, "ExpectedMore", None),
    ("Monitor", {}, {}, "ExpectedMore", None),
    ("List", {"colour": 1}, {}, "InvalidParameter", "colour"),
    ("List", {"name": 7}, {}, "InvalidParameter", "name"),
    ("List", {"name": "m1"}, {"upgrade": True}, "InvalidParameter", "upgrade"),
    ("List", {"name": "m1"}, {"more": "yes"}, "InvalidParameter", "more"),
    ("Set", {"name": "m1"}, {}, "InvalidParameter", "change"),
    ("Set", {"name": "m1", "change": {"mtu": -1}}, {}, "InvalidParameter", "change.mtu"),
    ("Set", {"name": "m1", "change": {"mtu": 1 << 32}}, {}, "InvalidParameter", "change.mtu"),
    ("Set", {"name": "m1", "change": {"mtu": 1500.0}}, {}, "InvalidParameter", "change.mtu"),
    ("Set", {"name": "m1", "change": {"up": 1}}, {}, "InvalidParameter", "change.up"),
    ("Set", {"name": "m1", "change": {"flags": "nodst"}}, {}, "InvalidParameter", "change.flags"),
    ("Set", {"name": "m1", "change": {"macaddr": {}}}, {}, "InvalidParameter",
     "change.macaddr.command"),
    ("Add", {"change": []}, {}, "InvalidParameter", "change"),
    ("Add", {"change": {"\N{SNOWMAN}" * 5000: 1}}, {}, "InvalidParameter", "change."),
    ("Delete", {}, {}, "InvalidParameter", "name"),
    ("org.varlink.service.GetInterfaceDescription", {"interface": "io.x"}, {},
     "InterfaceNotFound", "io.x"),
], ids=lambda value: repr(value)[:20])
def test_a_call_that_breaks_the_interface_is_told_what_is_wrong(client, lan, method, parameters,
                                                                flags, error, named):
    before = lan.control.links()
    client.send(method, parameters, **flags)
    with pytest.raises(Misunderstood) as refusal:
        client.receive()
    assert refusal.value.name == error
    if named:
        assert list(refusal.value.parameters.values())[0].startswith(named)
    assert lan.control.links() == before
    assert client.link("m1")["name"] == "m1", "the connection is as good as before"


def test_the_interface_describes_itself(client):
    info = client.call("org.varlink.service.GetInfo")
    assert (info["product"], "io.limpet" in info["interfaces"]) == ("limpetd", True)
    description = client.call("org.varlink.service.GetInterfaceDescription", interface="io.limpet")
    assert "method Add(" in description["description"]


# Calls in a hurry.


def test_requests_in_one_write_are_answered_in_order(client):
    names = [f"p{number}" for number in range(200)]
    client.send_bytes(b"".join(
        [call("Add", {"name": name, "change": {"kind": "dummy"}}) for name in names] +
        [call("List", {"name": name}) for name in names] +
        [call("Delete", {"name": name}) for name in names]))
    assert [client.receive()[0]["name"] for _ in names] == names
    assert [client.receive()[0]["link"]["name"] for _ in names] == names
    assert [client.receive() for _ in names] == [({}, False)] * len(names)


def test_a_request_in_single_bytes_is_answered(client):
    for byte in call("List", {"name": "m1"}):
        client.send_bytes(bytes([byte]))
    assert client.receive()[0]["link"]["name"] == "m1"


def test_oneway_calls_get_no_reply_at_all(client, lan):
    client.send("Add", {"name": "o1", "change": {"kind": "dummy"}}, oneway=True)
    client.send("Add", {"name": "o1", "change": {"kind": "dummy"}}, oneway=True)  # EEXIST
    client.send("List", {"name": "o1"}, oneway=True)
    client.send("List", {"colour": 1}, oneway=True)
    client.send("List", {"name": "m1"}, oneway=True, more=True)
    client.send("org.varlink.service.GetInfo", oneway=True)
    assert client.link("o1")["kind"] == "dummy"
    client.send("Delete", {"name": "o1"}, oneway=True)
    with pytest.raises(Refused, match="ENODEV"):
        client.link("o1")


def test_replies_are_sent_to_a_client_that_has_shut_down_its_writing_end(client):
    client.send_bytes(call("List", {}, more=True) + call("List", {"name": "m1"}))
    client.socket.shutdown(socket.SHUT_WR)
    names, follows = [], True
    while follows:
        parameters, follows = client.receive()
        names.append(parameters["link"]["name"])
    assert names == ["lan0", "m1", "m2", "m3"]
    assert client.receive()[0]["link"]["name"] == "m1"
    with pytest.raises(HungUp):
        client.receive()


# Clients that do not read.


def test_a_listing_nobody_reads_holds_up_nobody(client, lan, bystanders):
    many_links(lan, 500)
    for _ in range(20):
        client.send("List", more=True)
    bystanders.ask(5)
    start = time.monotonic()
    lan.control.set("m1", alias="meanwhile")
    assert time.monotonic() - start < DELAY_MAX_S

    # Slow is not dead: whoever reads after all gets everything.
    for _ in range(20):
        count, follows = 1, client.receive()[1]
        while follows:
            count, follows = count + 1, client.receive()[1]
        assert count == 504


def test_a_listing_survives_the_links_it_lists(client, lan):
    many_links(lan, 500)
    client.send("List", more=True)
    seen = [client.receive()[0]["link"]["name"]]
    for number in range(0, 500, 2):
        lan.control.delete(f"e{number}")
    for number in range(100):
        lan.control.add(f"late{number}", kind="dummy")
    follows = True
    while follows:
        parameters, follows = client.receive()
        seen.append(parameters["link"]["name"])
    assert len(seen) == len(set(seen))
    assert {f"e{number}" for number in range(1, 500, 2)} < set(seen)


def test_a_monitor_that_does_not_read_is_told_that_it_lost_some(client, lan, bystanders):
    client.send("Monitor", more=True)
    assert client.receive() == ({"event": "ready"}, True)
    for number in range(1500):
        lan.control.set("m1", alias=str(number).rjust(255))
    bystanders.ask(3)

    got = [client.receive()[0] for _ in range(100)]
    assert [event["link"]["alias"] for event in got] == [str(n).rjust(255) for n in range(100)]
    while got[-1]["event"] == "changed":
        got.append(client.receive()[0])
    assert got[-1] == {"event": "lost"}
    assert EVENTS_MAX < sum(len(json.dumps(event)) for event in got)
    lan.control.set("m1", alias="after")
    assert client.receive()[0]["link"]["alias"] == "after"


def test_a_monitor_hears_of_every_change(client, lan):
    client.send("Monitor", more=True)
    assert client.receive() == ({"event": "ready"}, True)
    lan.control.add("lan1", kind="dummy")
    peers.endpoints(lan, 2, "lan1", first=8)
    lan.control.set("m9", mode="private")
    lan.control.set("m9", mode="private")  # no change
    lan.control.set("lan1", up=False)
    lan.control.delete("m8")
    lan.control.delete("lan1")
    heard = [client.receive()[0] for _ in range(10)]
    assert [(event["event"], event["link"]["name"]) for event in heard] == [
        ("added", "lan1"), ("added", "m8"), ("added", "m9"), ("changed", "m9"),
        ("changed", "lan1"), ("changed", "m8"), ("changed", "m9"),
        ("deleted", "m8"), ("deleted", "m9"), ("deleted", "lan1")]
    assert heard[5]["link"]["carrier"] is False


def test_what_a_monitor_says_is_thrown_away(client, lan):
    client.send("Monitor", more=True)
    client.receive()
    for _ in range(200):
        client.send_bytes(b"x" * 65536)
    lan.control.set("m1", alias="still")
    assert client.receive()[0]["link"]["alias"] == "still"


def test_a_hundred_monitors_cost_bounded_memory(lan, bystanders):
    """Each may lag by 256 KiB, and no more."""
    before = lan.rss_kib()
    with contextlib.ExitStack() as stack:
        monitors = [stack.enter_context(lan.connect()) for _ in range(100)]
        for monitor in monitors:
            monitor.send("Monitor", more=True)
            monitor.receive()
        for number in range(60):
            lan.control.set("m1", alias=str(number).rjust(255))
        bystanders.ask(3)
        assert lan.rss_kib() - before < 100 * 512 + MEMORY_MAX_KIB


# Clients that are many, or silent.


def test_one_client_too_many_is_turned_away(lan, bystanders):
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(lan.connect()) for _ in range(CLIENTS_MAX - 1)]
        for client in clients:  # and lan.control is one more
            assert client.link("m1")["name"] == "m1"
        for _ in range(20):
            with lan.connect() as late, pytest.raises(HungUp):
                late.link("m1")
        bystanders.ask(3)
        assert lan.control.link("m1")["name"] == "m1"
        assert lan.log().count("one more was turned away") == 10

        clients[0].close()
        wait_until(lambda: is_served(lan), "there is room again")


def is_served(daemon):
    try:
        with daemon.connect() as client:
            return client.link("m1")["name"] == "m1"
    except HungUp:
        return False


def test_clients_that_come_and_go_wear_nothing_out(lan):
    descriptors = lan.descriptors()
    for number in range(500):
        with lan.connect() as client:
            if number % 2:
                client.send_bytes(b'{"method":')
    wait_until(lambda: lan.descriptors() == descriptors, "all of them are gone")


def test_a_client_may_be_silent_between_requests_and_costs_nothing(client, lan, bystanders):
    client.link("m1")
    before = lan.cpu_ticks()
    bystanders.ask()
    assert lan.cpu_ticks() - before <= 2
    assert client.link("m1")["name"] == "m1"


@pytest.mark.skipif(not os.environ.get("LIMPET_SLOW"),
                    reason=f"waits for {PATIENCE_S} s; LIMPET_SLOW=1 runs it")
def test_half_a_request_and_a_reply_not_taken_have_30_seconds(lan, bystanders):
    many_links(lan, 300)
    with lan.connect() as half, lan.connect() as deaf, lan.connect() as silent:
        half.send_bytes(b'{"method":')
        silent.link("m1")
        for _ in range(20):
            deaf.send("List", more=True)
        end = time.monotonic() + PATIENCE_S + DEADLINE_S
        start = time.monotonic()
        while time.monotonic() - start < PATIENCE_S - 5:
            half.send_bytes(b" ")
            bystanders.ask()
            time.sleep(1)
        with pytest.raises(HungUp):
            half.receive()
        assert PATIENCE_S - 1 < time.monotonic() - start < PATIENCE_S + DELAY_MAX_S
        with pytest.raises(HungUp):
            while time.monotonic() < end:
                deaf.receive()
        assert silent.link("m1")["name"] == "m1"


@pytest.mark.skipif(not os.environ.get("LIMPET_SLOW"),
                    reason=f"waits for {PATIENCE_S} s; LIMPET_SLOW=1 runs it")
def test_a_monitor_has_30_seconds_from_when_it_keeps_us_waiting(lan):
    """And not from the last thing it was sent, with which its socket became full."""
    with lan.connect() as monitor:
        count = events_until_full(lan, monitor)
    with lan.connect() as monitor:
        assert events_until_full(lan, monitor, count) == count
        time.sleep(PATIENCE_S + 1)  # the time is what is tested
        lan.control.set("m1", alias="one more".rjust(255))
        for _ in range(count + 1):
            assert monitor.receive()[0]["event"] == "changed"


def events_until_full(lan, monitor, at_most=1500):
    """Makes events of one size until 'monitor', which does not read, has no room for the next."""
    monitor.send("Monitor", more=True)
    assert monitor.receive() == ({"event": "ready"}, True)
    for number in range(at_most):
        before = unread(monitor)
        lan.control.set("m1", alias=str(number).rjust(255))
        if unread(monitor) == before:
            return number
    return at_most


def unread(client):
    size = bytearray(4)
    fcntl.ioctl(client.socket, termios.FIONREAD, size)
    return int.from_bytes(size, sys.byteorder)
