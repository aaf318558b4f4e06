# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that come and go, and peers that mean harm: each harms only itself."""

import array
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys

import pytest

import peers
from peers import Conversation, Dgram, Stream, attach, bind, drops, frame, mac, numbered, number_of
from waiting import wait_until

FRAME_MAX = 69632
DELAY_MAX_S = 2  # of a frame between two others; microseconds, but for a busy machine


@pytest.fixture
def others(lan):
    """m2 and m3 talk: whatever happens to m1, they lose nothing and wait for nothing."""
    talk = Conversation(attach(lan, "m2"), mac(2), attach(lan, "m3"), mac(3))
    talk.ask(3)
    yield talk
    talk.ask(3)
    assert talk.longest_s < DELAY_MAX_S


def detached(daemon, name, peer, *words):
    """The peer was hung up on, and the reason is shown."""
    wait_until(peer.is_closed, f"the peer of {name} is hung up on")
    peers.port_is(daemon, name, "none")
    reason = daemon.control.link(name)["port"]["reason"]
    assert all(word in reason for word in words), reason
    peer.close()


def works(daemon, name, address):
    """A new peer of 'name' hears and is heard."""
    with_m2 = Conversation(attach(daemon, name), address, attach(daemon, "m4"), mac(4))
    with_m2.ask(3)
    for peer, *_ in with_m2.ends:
        peer.close()


@pytest.fixture
def spare(lan):
    peers.endpoints(lan, 1, first=4)


# A stream peer that sends nonsense.


@pytest.mark.parametrize("length", [FRAME_MAX + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_an_absurd_length_detaches_its_sender(lan, others, spare, length):
    peer = attach(lan, "m1")
    peer.send_bytes(length.to_bytes(4, "big") + b"x" * 100)
    detached(lan, "m1", peer, str(length), str(FRAME_MAX))
    works(lan, "m1", mac(1))


def test_frames_before_an_absurd_length_arrive(lan, others):
    peer, receiver = attach(lan, "m1"), others.ends[0][0]
    good = [numbered(mac(2), mac(1), n) for n in range(5)]
    peer.send_bytes(b"".join(len(f).to_bytes(4, "big") + f for f in good) + b"\xff" * 4)
    assert receiver.receive(5) == good
    detached(lan, "m1", peer, "4294967295")


def test_half_a_frame_and_then_nothing_concerns_nobody(lan, others, spare):
    peer = attach(lan, "m1")
    peer.send_bytes((1000).to_bytes(4, "big") + b"x" * 500)
    others.ask(20)
    assert not peer.is_closed()
    before = lan.cpu_ticks()
    others.ask()
    assert lan.cpu_ticks() - before <= 2, "it waits, it does not ask again and again"
    peer.socket.shutdown(socket.SHUT_WR)
    detached(lan, "m1", peer, "in the middle of a frame")
    works(lan, "m1", mac(1))


def test_half_a_length_and_then_nothing_concerns_nobody(lan, others, spare):
    peer = attach(lan, "m1")
    peer.send_bytes(b"\0\0")
    others.ask(20)
    peer.close()
    peers.port_is(lan, "m1", "none")
    works(lan, "m1", mac(1))


def test_a_frame_in_single_bytes_arrives_whole(lan, others):
    peer, receiver = attach(lan, "m1"), others.ends[0][0]
    data = numbered(mac(2), mac(1), 7)
    for byte in len(data).to_bytes(4, "big") + data:
        peer.send_bytes(bytes([byte]))
    assert receiver.receive() == [data]


@pytest.mark.parametrize("seed", range(8))
def test_noise_detaches_its_sender_or_is_counted(lan, others, spare, seed):
    """64 KiB of it. Whatever the daemon makes of it, a new peer is as good as ever."""
    noise = random.Random(seed).randbytes(64 * 1024)
    if seed % 2:  # lengths that can be: the noise becomes frames
        noise = b"".join(b"\0\0" + noise[n : n + 2] + noise[n + 2 : n + 500]
                         for n in range(0, len(noise), 500))
    peer = attach(lan, "m1")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        peer.send_bytes(noise)
    others.ask(3)
    peer.close()
    peers.port_is(lan, "m1", "none")
    works(lan, "m1", mac(1))


def test_lengths_of_zero_are_nothing_and_runts_are_counted(lan, others):
    peer, receiver = attach(lan, "m1"), others.ends[0][0]
    for size in range(14):
        peer.send(bytes(size))
    peer.send(b"", b"", numbered(mac(2), mac(1), 1, size=14))
    assert number_of(receiver.receive()[0].ljust(22, b"\0")) >= 0
    assert drops(lan, "m1", "In", "runt") == 13
    assert lan.control.link("m1")["tx"]["packets"] == 1


def test_the_largest_frame_passes_and_one_byte_more_does_not(lan):
    lan.control.set("lan0", mtu=65535)
    one, two = attach(lan, "m1"), attach(lan, "m2")
    most = frame(mac(2), mac(1), size=65535 + 18)
    one.send(most, most + b"x", frame(mac(2), mac(1), size=FRAME_MAX), numbered(mac(2), mac(1), 5))
    assert [len(data) for data in two.receive(2)] == [len(most), 60]
    assert drops(lan, "m2", "Out", "oversize") == 2


# A stream peer that does not read.


def test_a_slow_reader_gets_drops_and_nobody_else_does(lan, others):
    slow = attach(lan, "m1")
    sender = others.ends[0][0]
    for number in range(40):
        # As many as others get without loss: to the slow one they pile up.
        sender.send(*[numbered(mac(1), mac(2), number * 50 + n, size=1514) for n in range(50)])
        others.ask()
    full = wait_until(lambda: drops(lan, "m1", "Out", "peer-full"), "frames to m1 are dropped")
    before, delivered = lan.cpu_ticks(), lan.control.link("m1")["rx"]["packets"]
    assert (full + delivered, delivered > 50) == (2000, True)

    # What it did get is whole, in order, and has no hole but at the end.
    got = [number_of(data) for data in slow.receive(delivered)]
    assert (len(got), got[:100]) == (delivered, list(range(100)))
    assert got == sorted(got)
    assert drops(lan, "m2", "Out", "peer-full") == drops(lan, "m3", "Out", "peer-full") == 0
    assert lan.cpu_ticks() - before < 50

    sender.send(numbered(mac(1), mac(2), 9999))
    assert [number_of(data) for data in slow.receive()] == [9999]


def test_broadcasts_wait_for_no_slow_reader(lan, others):
    slow = attach(lan, "m1")
    sender, _, receiver, _ = others.ends[0]
    for number in range(1000):
        sender.send(numbered(peers.BROADCAST, mac(2), number, size=1514))
        assert [number_of(data) for data in receiver.receive()] == [number]
    assert drops(lan, "m1", "Out", "peer-full") > 0
    assert drops(lan, "m3", "Out", "peer-full") == 0
    slow.close()


def test_a_reader_that_goes_with_frames_waiting_is_detached(lan, others, spare):
    slow = attach(lan, "m1")
    others.ends[0][0].send(*[frame(mac(1), mac(2), size=65000) for _ in range(20)])
    wait_until(lambda: drops(lan, "m1", "Out", "oversize") + drops(lan, "m1", "Out", "peer-full"),
               "frames to m1 are dropped")
    slow.close()
    peers.port_is(lan, "m1", "none")
    works(lan, "m1", mac(1))


def test_a_peer_that_only_sends_is_served(lan, others):
    """It has shut down its reading end: frames to it are drops, its own are delivered."""
    peer, receiver = attach(lan, "m1"), others.ends[0][0]
    peer.socket.shutdown(socket.SHUT_RD)
    receiver.send(frame(mac(1), mac(2)))
    peer.send(numbered(mac(2), mac(1), 3))
    assert [number_of(data) for data in receiver.receive()] == [3]


# One peer at a time.


def test_a_second_stream_peer_is_turned_away(lan, others):
    first, receiver = attach(lan, "m1"), others.ends[0][0]
    for _ in range(50):
        second = Stream(lan.socket_path("m1"))
        wait_until(second.is_closed, "the second peer is turned away")
        second.close()
    first.send(numbered(mac(2), mac(1), 1))
    assert [number_of(data) for data in receiver.receive()] == [1]
    receiver.send(numbered(mac(1), mac(2), 2))
    assert [number_of(data) for data in first.receive()] == [2]
    assert lan.log().count("another one was turned away") <= 10, "the log does not drown"


def test_a_peer_that_was_killed_is_replaced_at_once(lan, others):
    """A hypervisor that crashed comes back before anybody has noticed."""
    receiver = others.ends[0][0]
    program = ("import socket, sys, time; s = socket.socket(socket.AF_UNIX);"
               "s.connect(sys.argv[1]); print(flush=True); time.sleep(1000)")
    for number in range(5):
        with subprocess.Popen([sys.executable, "-c", program, lan.socket_path("m1")],
                              stdout=subprocess.PIPE) as guest:
            guest.stdout.readline()
            peers.port_is(lan, "m1", "stream")
            os.kill(guest.pid, signal.SIGKILL)
            guest.wait()
        peer = Stream(lan.socket_path("m1"))
        peer.send(numbered(mac(2), mac(1), number))
        assert [number_of(data) for data in receiver.receive()] == [number]
        peer.close()
        peers.port_is(lan, "m1", "none")


def test_connecting_and_leaving_at_once_wears_nothing_out(lan, others):
    descriptors, memory = lan.descriptors(), lan.rss_kib()
    for _ in range(300):
        Stream(lan.socket_path("m1")).close()
    others.ask(3)
    # There may be one left that the daemon has not accepted yet.
    wait_until(lambda: lan.control.link("m1")["port"]["kind"] == "none" and
               lan.descriptors() == descriptors, "all of them are gone")
    assert lan.rss_kib() - memory < 4096


# Datagram peers.


def test_a_datagram_peer_is_whoever_bound_and_sent(lan, others):
    peer, receiver = bind(lan, "m1"), others.ends[0][0]
    assert lan.control.link("m1")["port"] == {"kind": "dgram", "peer": str(peer.here)}
    peer.send(numbered(mac(2), mac(1), 1))
    assert [number_of(data) for data in receiver.receive()] == [1]
    receiver.send(numbered(mac(1), mac(2), 2))
    assert [number_of(data) for data in peer.receive()] == [2]


def test_a_datagram_of_an_unbound_socket_is_counted_and_changes_no_peer(lan, others):
    peer = bind(lan, "m1")
    stranger = Dgram(lan.socket_path("m1", "dgram"))
    stranger.send(numbered(mac(2), mac(1), 1))
    wait_until(lambda: drops(lan, "m1", "In", "unbound-peer") == 1, "it is counted")
    others.ends[0][0].send(numbered(mac(1), mac(2), 2))
    assert [number_of(data) for data in peer.receive()] == [2]


def test_a_new_datagram_peer_replaces_the_old_one(lan, others):
    old, sender = bind(lan, "m1", "old"), others.ends[0][0]
    new = bind(lan, "m1", "new")
    sender.send(numbered(mac(1), mac(2), 1))
    assert [number_of(data) for data in new.receive()] == [1]
    old.send(numbered(mac(2), mac(1), 2))
    sender.receive()
    sender.send(numbered(mac(1), mac(2), 3))
    assert [number_of(data) for data in old.receive()] == [3]
    assert not new.drain()


def test_a_datagram_peer_that_is_gone_costs_drops_until_it_sends_again(lan, others):
    peer, sender = bind(lan, "m1"), others.ends[0][0]
    peer.close()
    sender.send(frame(mac(1), mac(2)))
    wait_until(lambda: drops(lan, "m1", "Out", "no-peer") == 1, "it is counted")
    assert lan.control.link("m1")["port"]["kind"] == "none"
    again = bind(lan, "m1")
    sender.send(numbered(mac(1), mac(2), 2))
    assert [number_of(data) for data in again.receive()] == [2]


def test_a_datagram_peer_that_does_not_read_gets_drops(lan, others):
    slow, sender = bind(lan, "m1"), others.ends[0][0]
    sender.send(*[numbered(mac(1), mac(2), number) for number in range(2000)])
    others.ask()
    full = wait_until(lambda: drops(lan, "m1", "Out", "peer-full"), "frames to m1 are dropped")
    delivered = lan.control.link("m1")["rx"]["packets"]
    assert full + delivered == 2000
    assert len(slow.receive(delivered)) == delivered
    sender.send(numbered(mac(1), mac(2), 9999))
    assert [number_of(data) for data in slow.receive()] == [9999]


def test_datagrams_of_any_size_are_frames_or_counted(lan, others):
    peer, receiver = bind(lan, "m1"), others.ends[0][0]
    lan.control.set("lan0", mtu=65535)
    runts = drops(lan, "m1", "In", "runt")
    for size in (0, 1, 13):
        peer.send(bytes(size))
    peer.send(frame(mac(2), mac(1), size=FRAME_MAX + 1), frame(mac(2), mac(1), size=65553),
              frame(mac(2), mac(1), size=14))
    assert [len(data) for data in receiver.receive(2)] == [65553, 14]
    assert drops(lan, "m1", "In", "runt") == runts + 3
    assert drops(lan, "m1", "In", "truncated") == 1


def test_a_stream_peer_takes_over_from_a_datagram_peer_and_gives_back(lan, others):
    dgram, sender = bind(lan, "m1"), others.ends[0][0]
    stream = attach(lan, "m1")
    dgram.send(frame(mac(2), mac(1)), frame(mac(2), mac(1)))
    wait_until(lambda: drops(lan, "m1", "In", "other-peer") == 2, "they are counted")
    sender.send(numbered(mac(1), mac(2), 1))
    assert [number_of(data) for data in stream.receive()] == [1]
    stream.close()
    peers.port_is(lan, "m1", "dgram")
    sender.send(numbered(mac(1), mac(2), 2))
    assert [number_of(data) for data in dgram.receive()] == [2]
    dgram.send(numbered(mac(2), mac(1), 3))
    assert [number_of(data) for data in sender.receive()] == [3]


def test_descriptors_passed_along_are_not_kept(lan, others):
    """Nobody can fill the daemon with them. Newer kernels refuse the sender."""
    dgram, stream = bind(lan, "m1"), others.ends[0][0]
    before = lan.descriptors()
    with open("/dev/null", "rb") as null:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null.fileno()] * 64))]
        data = frame(mac(2), mac(1))
        for _ in range(5):
            with contextlib.suppress(PermissionError):
                dgram.socket.sendmsg([data], rights, 0, dgram.path)
            with contextlib.suppress(PermissionError):
                stream.socket.sendmsg([len(data).to_bytes(4, "big") + data], rights)
            with contextlib.suppress(PermissionError):
                lan.control.socket.sendmsg([b" "], rights)
    others.ask(3)
    assert lan.control.link("m1")["port"]["kind"] == "dgram"
    assert lan.descriptors() == before
