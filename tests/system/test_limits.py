# SPDX-License-Identifier: GPL-2.0-or-later
"""Too much of everything: the one who asks for more is refused, and nobody else."""

import contextlib
import resource
import threading
import time

import pytest

import peers
from control import HungUp, Refused, call
from daemon import is_sanitized, running
from peers import Conversation, Dgram, Stream, attach, mac, numbered
from waiting import wait_until

ENDPOINTS_MAX = 4096
LOWERS_MAX = 1024
SOURCES_MAX = 4096
DESCRIPTORS = 96
DELAY_MAX_S = 5


def add_many(control, adds):
    """Adds links with many requests in one write; returns how many there are."""
    adds = list(adds)
    for first in range(0, len(adds), 128):
        some = adds[first : first + 128]
        control.send_bytes(b"".join(call("Add", {"name": name, "change": change})
                                    for name, change in some))
        for name, _ in some:
            assert control.receive()[0]["name"] == name
    return len(adds)


def refused(control, errno, words, method, *arguments, **change):
    before = set(control.links())
    with pytest.raises(Refused) as refusal:
        getattr(control, method)(*arguments, **change)
    assert refusal.value.errno == errno
    assert all(word in refusal.value.message for word in words), refusal.value.message
    assert set(control.links()) == before


# Links.


def test_one_endpoint_too_many_is_refused(lan):
    talk = Conversation(attach(lan, "m1"), mac(1), attach(lan, "m2"), mac(2))
    stop = threading.Event()

    def chatter():
        while not stop.wait(0.05):
            talk.ask()

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        hubs = 16
        add_many(lan.control, ((f"h{n}", {"kind": "dummy"}) for n in range(hubs)))
        add_many(lan.control, ((f"e{n}", {"kind": "macvtap", "lower": f"h{n % hubs}", "up": True,
                                          "mode": "bridge", "address": mac(n)})
                               for n in range(4, ENDPOINTS_MAX + 1)))
        refused(lan.control, "ENOSPC", [str(ENDPOINTS_MAX), "delete"],
                "add_endpoint", "over", "h0")
        lan.control.delete("e4")
        lan.control.add_endpoint("over", "h0", address=mac(4))
        refused(lan.control, "ENOSPC", [str(ENDPOINTS_MAX)], "add_endpoint", "over2", "h0")
    finally:
        stop.set()
        thread.join()
    # The newest works as the first did, and neither was held up meanwhile.
    last = Conversation(attach(lan, "over"), mac(4), attach(lan, "e16"), mac(16))
    last.ask(3)
    assert talk.longest_s < DELAY_MAX_S
    if not is_sanitized():
        assert lan.rss_kib() < 40 * 1024


def test_one_lower_too_many_is_refused(daemon):
    add_many(daemon.control, ((f"h{n}", {"kind": "dummy"}) for n in range(LOWERS_MAX)))
    refused(daemon.control, "ENOSPC", [str(LOWERS_MAX), "delete"], "add", "over", kind="dummy")
    daemon.control.delete("h7")
    daemon.control.add("over", kind="dummy")


def test_one_source_address_too_many_is_refused(lan):
    control = lan.control
    control.set("m1", mode="source")
    addresses = [mac(number) for number in range(1, SOURCES_MAX + 1)]
    control.set("m1", macaddr={"command": "set", "addresses": addresses})
    refused(control, "ENOSPC", ["source list", str(SOURCES_MAX)], "set", "m1",
            macaddr={"command": "add", "addresses": [mac(SOURCES_MAX + 1)]})
    refused(control, "E2BIG", [str(SOURCES_MAX)], "set", "m1",
            macaddr={"command": "set", "addresses": [*addresses, mac(SOURCES_MAX + 1)]})
    assert control.link("m1")["macvtap"]["sources"] == addresses


# Descriptors.


@pytest.fixture
def poor():
    """A daemon with few descriptors. Endpoints m1 and m2 talk."""
    with running(limits=[(resource.RLIMIT_NOFILE, DESCRIPTORS)]) as daemon:
        daemon.control.add("lan0", kind="dummy")
        peers.endpoints(daemon, 2)
        talk = Conversation(attach(daemon, "m1"), mac(1), attach(daemon, "m2"), mac(2))
        talk.ask(3)
        yield daemon
        talk.ask(3)
        assert daemon.control.link("m1")["name"] == "m1"


def is_at_rest(daemon):
    """It is not asked again and again for what it cannot do."""
    before = daemon.cpu_ticks()
    time.sleep(0.3)
    return daemon.cpu_ticks() - before <= 3


def fill_with_endpoints(daemon, first=100):
    """Adds endpoints until that is refused; returns their names."""
    names = []
    with pytest.raises(Refused) as refusal:
        for number in range(first, first + DESCRIPTORS):
            daemon.control.add_endpoint(f"f{number}", address=mac(number))
            names.append(f"f{number}")
    assert refusal.value.errno == "EMFILE"
    assert all(word in refusal.value.message for word in ("/f", "LimitNOFILE"))
    assert not (daemon.runtime_dir / f"f{first + len(names)}").exists()
    return names


def test_an_endpoint_without_descriptors_is_refused(poor):
    names = fill_with_endpoints(poor)
    assert set(poor.control.links()) == {"lan0", "m1", "m2", *names}
    poor.control.delete(names[0])
    poor.control.add_endpoint("again")


def test_a_client_without_descriptors_is_turned_away(poor):
    fill_with_endpoints(poor)
    for _ in range(20):
        with contextlib.suppress(Refused, HungUp), poor.connect() as client:
            client.link("m1")
    with contextlib.ExitStack() as stack:
        def one_more():
            client = stack.enter_context(poor.connect())
            return client.link("m1")["name"]

        with pytest.raises(HungUp):
            for _ in range(DESCRIPTORS):
                assert one_more() == "m1"
        assert is_at_rest(poor)
        assert poor.control.link("m1")["name"] == "m1"
        assert "LimitNOFILE" in poor.log()


def test_a_stream_peer_without_descriptors_is_turned_away(poor):
    names = fill_with_endpoints(poor)
    attached = [peer for peer in (try_attach(poor, name) for name in names) if peer]
    assert len(attached) < 2  # an endpoint takes two, so there may be one
    assert is_at_rest(poor)
    assert "stream peer was turned away" in poor.log() and "LimitNOFILE" in poor.log()
    poor.control.delete(names.pop())
    attached.append(try_attach(poor, names[-1]))
    for peer in attached:
        peer.close()


def try_attach(daemon, name):
    """The stream peer, or None if it was turned away."""
    peer = Stream(daemon.socket_path(name))
    wait_until(lambda: peer.is_closed() or
               daemon.control.link(name)["port"]["kind"] == "stream", "it is decided")
    return None if peer.is_closed() else peer


def test_a_datagram_peer_without_descriptors_gets_no_answers(poor):
    """It can still send: that costs nothing."""
    names = fill_with_endpoints(poor)
    poor.control.delete(names.pop())
    with contextlib.ExitStack() as stack:
        strangers = [Dgram(poor.socket_path(name, "dgram"), poor.place / f"{name}.peer")
                     for name in names]
        for number, stranger in enumerate(strangers):
            stack.callback(stranger.close)
            stranger.send(numbered(mac(100), mac(100 + number), number))
        known = [name for name in names if "peer" in poor.control.link(name)["port"]]
        assert 0 < len(known) < len(names)
        assert is_at_rest(poor)
        with poor.connect() as client:
            assert client.link("m1")["name"] == "m1", "peers cannot lock clients out"


def test_a_fight_for_the_last_descriptor_does_not_keep_the_daemon_busy(poor):
    """Datagram peers that want one, and stream peers that are turned away for want
    of one: whoever wins, nobody stays at the door for ever.
    """
    names = fill_with_endpoints(poor)
    stop = threading.Event()
    strangers = [Dgram(poor.socket_path(name, "dgram"), poor.place / f"{name}.peer")
                 for name in names]

    def want(some):
        while not stop.is_set():
            for stranger in some:
                stranger.send(b"x" * 60)

    threads = [threading.Thread(target=want, args=(strangers[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(300):
            Stream(poor.socket_path(names[number % len(names)])).close()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for stranger in strangers:
        stranger.close()
    wait_until(lambda: is_at_rest(poor), "nobody waits to be accepted", 5)
