# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that floods, and one that never looks: what they cost the others.

Nothing here is judged by time. How many frames of the flood limpetd served while
it had one of somebody else's is in the flood's own used index, in shared memory.
"""

import contextlib
import itertools
import multiprocessing
import os
import signal
import struct
import subprocess

import pytest

import frontend as fe
import peers
from daemon import BUILD
from frontend import FrontEnd
from peers import frame, mac, number_of, numbered
from waiting import wait_until

PINGS = 300
BURST = 64          # frames of a turn (src/port/burst.h)
ENTRIES = 256       # of each ring
ROOM = ENTRIES // 2 # for what a guest receives
FLOOD_MIN = 20000
PUMPED = 200000

FRONT = BUILD / "tests/bench/front/limpet-front"


@pytest.fixture
def guests(lan):
    """m1 floods m2, which never gives buffers again; m3 and m4 talk."""
    peers.endpoints(lan, 1, first=4)
    with contextlib.ExitStack() as stack:
        guests = []
        for number in range(1, 5):
            guest = FrontEnd(lan.socket_path(f"m{number}", "vhost"), entries=ENTRIES)
            stack.callback(guest.close)
            guest.start()
            guests.append(guest)
        yield guests


def flood(guest, data):
    """Has its whole ring available, always; does not return."""
    for _ in range(guest.entries):
        guest.transmit(data)
    while True:
        guest.set_avail_index(fe.TX, guest.used_index(fe.TX) + guest.entries)
        if guest.wants_kicks(fe.TX):
            os.write(guest.kick[fe.TX], struct.pack("<Q", 1))


@contextlib.contextmanager
def flooding(guest, data):
    process = multiprocessing.get_context("fork").Process(target=flood, args=(guest, data))
    process.start()
    try:
        yield
        assert process.is_alive()
    finally:
        process.kill()
        process.join()


def ping(sender, receiver, data):
    """Sends a frame and waits for it."""
    sender.transmit(data)
    assert wait_until(receiver.received, "the frame arrives", pause_s=0) == data


def pump(sender, receiver, data, frames):
    """Keeps as many available as there are buffers for, until so many have passed."""
    start = last = receiver.used_index(fe.RX)
    passed = 0
    receiver.set_avail_index(fe.RX, last + ENTRIES)
    for _ in range(ENTRIES):
        sender.transmit(data)

    def step():
        nonlocal last, passed
        now = receiver.used_index(fe.RX)
        passed += now - last & 0xffff
        last = now
        receiver.set_avail_index(fe.RX, start + passed + ENTRIES)
        sender.set_avail_index(fe.TX, start + passed + ENTRIES)
        if sender.wants_kicks(fe.TX):
            os.write(sender.kick[fe.TX], struct.pack("<Q", 1))
        return passed >= frames

    wait_until(step, "the frames pass", pause_s=0)


@contextlib.contextmanager
def flooding_fast(daemon):
    """Another program is m1 and m5, and sends as fast as limpetd takes it."""
    peers.endpoints(daemon, 1, first=5)
    ends = [f"vhost:{daemon.socket_path(f'm{number}', 'vhost')},mac={mac(number)}"
            for number in (1, 5)]
    process = subprocess.Popen([FRONT, "--cpus=-1,-1", "--pages=4k", "--seconds=1000", *ends],
                               stdout=subprocess.DEVNULL)
    try:
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def counters(daemon):
    return {name: daemon.control.link(name) for name in ("m1", "m2", "m3", "m4")}


def test_a_flood_to_one_who_never_looks_costs_others_no_frame(lan, guests):
    one, blind, three, four = guests
    with flooding(one, frame(mac(2), mac(1))):
        wait_until(lambda: lan.control.link("m1")["tx"]["packets"] > FLOOD_MIN, "it floods")
        for i in range(PINGS):
            ping(three, four, numbered(mac(4), mac(3), i))
        wait_until(lambda: lan.control.link("m1")["tx"]["packets"] > 2 * FLOOD_MIN,
                   "it was a flood all the time")

    wait_until(lambda: sum(lan.control.link("m2")["dropsOut"].values()) + ROOM
               == lan.control.link("m1")["tx"]["packets"], "all is counted")
    links = counters(lan)
    assert all(link["port"]["kind"] == "vhost" for link in links.values()), links
    # Who does not look has what there was room for, and the rest is its own loss.
    assert set(links["m2"]["dropsOut"]) == {"peer-full"}
    assert links["m2"]["rx"]["packets"] == ROOM
    assert links["m3"]["tx"]["packets"] == links["m4"]["rx"]["packets"] == PINGS
    for name in ("m1", "m3", "m4"):
        assert not links[name]["dropsOut"] and not links[name]["dropsIn"], links[name]


@contextlib.contextmanager
def held_still(daemon):
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: daemon.status("State").startswith("T"), "limpetd is stopped")
        yield
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


@pytest.mark.parametrize("first", [1, 3])
def test_who_has_much_to_send_takes_turns(lan, guests, first):
    """Two have full rings, all to one who has room for half of it: who was served when?"""
    four = guests[3]
    four.give_buffers(ENTRIES - ROOM)
    with held_still(lan):
        for number in (first, 4 - first):
            for i in range(ENTRIES):
                guests[number - 1].transmit(numbered(mac(4), mac(number), i))
    wait_until(lambda: lan.control.link("m4")["dropsOut"].get("peer-full") == ENTRIES,
               "all is sent or dropped")
    arrived = [four.received() for _ in range(ENTRIES)]
    turns = [(sender, len(list(run)))
             for sender, run in itertools.groupby(arrived, lambda data: data[6:12])]
    assert [length for _, length in turns] == [BURST] * (ENTRIES // BURST), turns


@pytest.mark.skipif(not FRONT.exists(), reason=f"{FRONT} is not built")
def test_who_is_as_busy_as_a_flood_gets_a_share_as_large(lan, guests):
    one, _, three, four = guests
    one.hang_up()
    peers.port_is(lan, "m1", "none")
    taken = lambda name: lan.control.link(name)["tx"]["packets"]
    with flooding_fast(lan):
        wait_until(lambda: taken("m1") > FLOOD_MIN, "it floods")
        before = taken("m1")
        pump(three, four, frame(mac(4), mac(3)), PUMPED)
        theirs = taken("m1") - before
    ours = taken("m3")
    assert theirs > FLOOD_MIN / 10  # all the time
    assert ours > theirs / 20
    links = counters(lan)
    assert links["m4"]["rx"]["packets"] == ours >= PUMPED
    assert not links["m4"]["dropsOut"] and not links["m3"]["dropsIn"]


def test_who_has_no_room_costs_nobody_a_broadcast(lan, guests):
    one, blind, three, four = guests
    for i in range(2 * ROOM):
        data = numbered(peers.BROADCAST, mac(3), i)
        three.transmit(data)
        for receiver in (one, four):
            assert wait_until(receiver.received, "a broadcast arrives") == data
    links = counters(lan)
    assert links["m2"]["rx"]["packets"] == ROOM
    assert links["m2"]["dropsOut"] == {"peer-full": 2 * ROOM - ROOM}
    assert not links["m1"]["dropsOut"] and not links["m4"]["dropsOut"]

    # With room again it misses nothing more.
    for i in range(ROOM):
        assert number_of(blind.received()) == i
    three.transmit(numbered(mac(2), mac(3), 1000))
    assert number_of(wait_until(blind.received, "a frame arrives")) == 1000
