# SPDX-License-Identifier: GPL-2.0-or-later
"""vhost-user front-ends on a running limpetd: good ones, and others."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import struct

import pytest

import frontend as fe
from frontend import FrontEnd
from running import limpetd, wait_until

MAC = {"ep0": "02:00:00:00:00:01", "ep1": "02:00:00:00:00:02"}


def frame(to, sender, text):
    mac = lambda name: bytes.fromhex(MAC[name].replace(":", ""))
    return (mac(to) + mac(sender) + b"\x88\xb5" + text).ljust(60, b"\0")


@pytest.fixture
def limpet(tmp_path):
    with limpetd(tmp_path / "run") as running:
        links(running)
        yield running


def links(limpet):
    limpet("link add lan0 type dummy")
    for name, mac in MAC.items():
        limpet(f"link add link lan0 name {name} address {mac} type macvtap mode bridge")
        limpet(f"link set {name} up")


def shown(limpet, name):
    link, = json.loads(limpet(f"-j -d -s link show {name}"))
    return link["limpet"]


def port(limpet, name):
    return shown(limpet, name)["port"]


@contextlib.contextmanager
def front_end(limpet, name, start=True):
    one = FrontEnd(shown(limpet, name)["sockets"]["vhost"])
    try:
        if start:
            one.start()
        yield one
    finally:
        one.close()


def arrives(receiver, expected):
    assert wait_until(receiver.received, "a frame arrives") == expected


def detached(limpet, name, reason):
    wait_until(lambda: port(limpet, name)["reason"], "the peer is detached")
    assert port(limpet, name) == {"kind": "none", "peer": None, "features": None, "reason": reason}


def test_two_guests_talk(limpet):
    with front_end(limpet, "ep0") as a, front_end(limpet, "ep1") as b:
        for i in range(3 * fe.RING):
            a.transmit(frame("ep1", "ep0", b"ping %d" % i))
            arrives(b, frame("ep1", "ep0", b"ping %d" % i))
            b.transmit(frame("ep0", "ep1", b"pong %d" % i))
            arrives(a, frame("ep0", "ep1", b"pong %d" % i))
        assert port(limpet, "ep0") == {"kind": "vhost", "peer": None, "reason": None,
                                       "features": "split, 1 queue pair"}
    detached(limpet, "ep0", "peer closed the connection")


def test_a_guest_talks_to_a_stream_peer(limpet):
    with front_end(limpet, "ep0") as a, socket.socket(socket.AF_UNIX) as b:
        b.settimeout(10)
        b.connect(shown(limpet, "ep1")["sockets"]["stream"])
        there = frame("ep0", "ep1", b"x")
        b.sendall(struct.pack(">I", len(there)) + there)
        arrives(a, there)
        back = frame("ep1", "ep0", b"y")
        a.transmit(back)
        assert b.recv(4 + len(back), socket.MSG_WAITALL) == struct.pack(">I", len(back)) + back


def test_what_changes_under_way_loses_nothing(limpet):
    """Frames wait in the rings while the port is another."""
    with front_end(limpet, "ep0") as a, front_end(limpet, "ep1") as b:
        for i in range(40):
            a.transmit(frame("ep1", "ep0", b"%d" % i))
            a.send(fe.SET_VRING_CALL, struct.pack("<Q", fe.TX), [a.call[fe.TX]])
            limpet(f"link set ep0 poll {i % 3 * 10}")
            arrives(b, frame("ep1", "ep0", b"%d" % i))
        assert b.received() is None


def test_a_disabled_ring_waits(limpet):
    with front_end(limpet, "ep0") as a, front_end(limpet, "ep1") as b:
        assert a.say(fe.SET_VRING_ENABLE, struct.pack("<II", fe.TX, 0)) == 0
        a.transmit(frame("ep1", "ep0", b"later"))
        assert a.ask(fe.GET_STATUS) == 0  # a round trip
        assert b.received() is None
        assert a.say(fe.SET_VRING_ENABLE, struct.pack("<II", fe.TX, 1)) == 0
        arrives(b, frame("ep1", "ep0", b"later"))


def test_a_stopped_ring_says_where_it_is(limpet):
    with front_end(limpet, "ep0") as a, front_end(limpet, "ep1") as b:
        for i in range(5):
            a.transmit(frame("ep1", "ep0", b"%d" % i))
            arrives(b, frame("ep1", "ep0", b"%d" % i))
        assert a.stop_ring(fe.TX) == 5
        assert a.stop_ring(fe.RX) == 0
        a.start_ring(fe.TX, 5)
        a.transmit(frame("ep1", "ep0", b"again"))
        arrives(b, frame("ep1", "ep0", b"again"))


def test_a_guest_may_go_and_come_back(limpet):
    """Rings go on from the used index, whatever SET_VRING_BASE says."""
    with front_end(limpet, "ep0") as a, front_end(limpet, "ep1") as b:
        for attempt in range(3):
            for i in range(7):
                a.transmit(frame("ep1", "ep0", b"%d" % i))
                arrives(b, frame("ep1", "ep0", b"%d" % i))
            a.hang_up()
            wait_until(lambda: port(limpet, "ep0")["kind"] == "none", "it is detached")
            a.transmit(frame("ep1", "ep0", b"while nobody looked"))
            a.connect(shown(limpet, "ep0")["sockets"]["vhost"])
            a.start(base=[0, 7, 12345][attempt])
            arrives(b, frame("ep1", "ep0", b"while nobody looked"))


def test_limpetd_may_go_and_come_back(tmp_path):
    a, b = FrontEnd(), FrontEnd()
    for _ in range(3):
        with limpetd(tmp_path / "run") as limpet:
            links(limpet)
            for name, one in (("ep0", a), ("ep1", b)):
                one.connect(shown(limpet, name)["sockets"]["vhost"])
                one.start()
            for i in range(9):
                a.transmit(frame("ep1", "ep0", b"%d" % i))
                arrives(b, frame("ep1", "ep0", b"%d" % i))
        assert a.is_hung_up() and b.is_hung_up()
        a.hang_up()
        b.hang_up()
    a.close()
    b.close()


def test_the_endpoint_belongs_to_one_peer(limpet):
    sockets = shown(limpet, "ep0")["sockets"]
    with front_end(limpet, "ep0") as a:
        with front_end(limpet, "ep0", start=False) as other:
            assert other.is_hung_up()
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(10)
            stream.connect(sockets["stream"])
            assert stream.recv(1) == b""
        assert port(limpet, "ep0")["kind"] == "vhost"
        # Its ghost makes way at once.
        a.hang_up()
        a.connect(sockets["vhost"])
        assert a.ask(fe.GET_FEATURES)


def test_datagrams_come_back_when_the_guest_has_gone(limpet, tmp_path):
    sockets = shown(limpet, "ep0")["sockets"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dgram:
        dgram.bind(str(tmp_path / "me"))
        with front_end(limpet, "ep0"):
            dgram.sendto(frame("ep1", "ep0", b"x"), sockets["dgram"])
            wait_until(lambda: shown(limpet, "ep0")["drops"]["in"] == {"other-peer": 1},
                       "the datagram is dropped")
        wait_until(lambda: port(limpet, "ep0")["kind"] == "dgram", "it is the datagrams' again")
        with front_end(limpet, "ep1") as b:
            dgram.sendto(frame("ep1", "ep0", b"x"), sockets["dgram"])
            arrives(b, frame("ep1", "ep0", b"x"))


# limpetd connects


def test_limpetd_connects_and_never_gives_up(limpet, tmp_path):
    path = tmp_path / "guest.sock"
    limpet(f"link set ep0 vhost client {path}")
    assert shown(limpet, "ep0")["vhost"] == str(path)
    with front_end(limpet, "ep0", start=False) as refused:
        assert refused.is_hung_up()

    with front_end(limpet, "ep1") as b:
        one = FrontEnd()
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(path))
                listener.listen()
                listener.settimeout(10)
                one.use(listener.accept()[0])
            one.start()
            one.transmit(frame("ep1", "ep0", b"hello"))
            arrives(b, frame("ep1", "ep0", b"hello"))
            one.hang_up()
            path.unlink()
        one.close()

    limpet("link set ep0 vhost server")
    assert shown(limpet, "ep0")["vhost"] is None
    with front_end(limpet, "ep0"):
        assert port(limpet, "ep0")["kind"] == "vhost"


def test_who_connects_elsewhere_lets_go(limpet, tmp_path):
    with front_end(limpet, "ep0") as a:
        limpet(f"link set ep0 vhost client {tmp_path}/other.sock")
        assert a.is_hung_up()
    detached(limpet, "ep0", "front-ends are to be found elsewhere now")


# Settings


def test_poll_is_a_setting(limpet):
    assert shown(limpet, "ep0")["poll"] == 50
    limpet("link set ep0 poll 0")
    assert shown(limpet, "ep0")["poll"] == 0
    with front_end(limpet, "ep0") as a, front_end(limpet, "ep1") as b:
        a.transmit(frame("ep1", "ep0", b"no polling"))
        arrives(b, frame("ep1", "ep0", b"no polling"))
    assert limpet.run("link", "set", "ep0", "poll", "1000001").returncode == 2


def test_the_mtu_is_the_link_s(limpet):
    with front_end(limpet, "ep0") as a:
        assert a.say(fe.NET_SET_MTU, struct.pack("<Q", 1500)) == 0
        limpet("link set ep0 mtu 1400")
        assert a.say(fe.NET_SET_MTU, struct.pack("<Q", 1500)) == 1
        assert a.say(fe.NET_SET_MTU, struct.pack("<Q", 1400)) == 0


def test_a_guest_that_moved_is_announced(limpet):
    """A RARP request in its name, after which its rings go on."""
    mac = bytes.fromhex("020000000001")
    with front_end(limpet, "ep0") as a, front_end(limpet, "ep1") as b:
        for i in range(5):
            assert a.say(fe.SEND_RARP, mac + bytes(2)) == 0
            arrives(b, (b"\xff" * 6 + mac + bytes.fromhex("80350001080006040003")
                        + mac + bytes(4) + mac + bytes(4)).ljust(60, b"\0"))
            a.transmit(frame("ep1", "ep0", b"%d" % i))
            arrives(b, frame("ep1", "ep0", b"%d" % i))
        a.send(fe.SEND_RARP, mac + bytes(2))  # and is gone before it is made


# Enemies


def u64(value):
    return struct.pack("<Q", value)


def ring(index, value):
    return struct.pack("<II", index, value)


def region(gpa=0, size=fe.SIZE, user=fe.USER, offset=0):
    return struct.pack("<QQQQ", gpa, size, user, offset)


@pytest.mark.parametrize("request_, payload, reason", [
    (fe.SET_VRING_NUM, ring(0, 3), "peer sent SET_VRING_NUM 3: not a power of two"),
    (fe.SET_VRING_NUM, ring(99, 256), "peer sent SET_VRING_NUM for ring 99: there are 16"),
    (fe.SET_FEATURES, u64(1 << 63), "peer sent SET_FEATURES 0x8000000000000000: "
                                    "bits 0x8000000000000000 were not offered"),
    (fe.SET_LOG_BASE, u64(0), "peer sent SET_LOG_BASE: not offered"),
    (999, b"", "peer sent request 999: unknown"),
    (fe.GET_FEATURES, u64(0), "peer sent GET_FEATURES with 8 bytes: 0 are right"),
    (fe.SET_MEM_TABLE, ring(1, 0) + region(), "peer sent SET_MEM_TABLE with 0 descriptors: "
                                              "1 belong to it"),
])
def test_nonsense_is_detached_with_a_reason(limpet, request_, payload, reason):
    with front_end(limpet, "ep0", start=False) as enemy:
        enemy.negotiate()
        enemy.send(request_, payload)
        assert enemy.is_hung_up()
    detached(limpet, "ep0", reason)


def test_memory_has_to_be_memory(limpet, tmp_path):
    def refused(fd, what, reason):
        with front_end(limpet, "ep0", start=False) as enemy:
            enemy.negotiate()
            enemy.send(fe.ADD_MEM_REG, u64(0) + what, [fd])
            assert enemy.is_hung_up()
        detached(limpet, "ep0", "peer sent ADD_MEM_REG: " + reason)

    odd = "its descriptor is neither a memfd nor a file on tmpfs or hugetlbfs"
    pipe = os.pipe()
    refused(pipe[0], region(), odd)
    with open("/dev/zero", "r+b", buffering=0) as zero:
        refused(zero.fileno(), region(), odd)
    short = os.memfd_create("short")
    os.ftruncate(short, fe.SIZE - 1)
    refused(short, region(), f"a memory region ends at byte {fe.SIZE} of a file that has "
                             f"{fe.SIZE - 1}")
    os.ftruncate(short, fe.SIZE)
    refused(short, region(offset=1), f"a memory region ends at byte {fe.SIZE + 1} of a file that "
                                     f"has {fe.SIZE}")
    for fd in (*pipe, short):
        os.close(fd)


def test_a_region_may_begin_anywhere_in_its_file(limpet):
    with front_end(limpet, "ep0", start=False) as a:
        a.negotiate()
        assert a.say(fe.ADD_MEM_REG, u64(0) + region(size=0x1001, offset=0x1234),
                     [a.memory_fd]) == 0
        assert a.say(fe.REM_MEM_REG, u64(0) + region(size=0x1001)) == 0


def test_a_kick_has_to_be_an_eventfd(limpet):
    with front_end(limpet, "ep0", start=False) as enemy:
        enemy.negotiate()
        enemy.send(fe.SET_VRING_KICK, u64(0), [enemy.memory_fd])
        assert enemy.is_hung_up()
    detached(limpet, "ep0", "peer sent SET_VRING_KICK: its descriptor is no eventfd")


def test_rings_in_the_middle_of_nowhere(limpet):
    with front_end(limpet, "ep0", start=False) as enemy:
        enemy.negotiate()
        enemy.send(fe.SET_VRING_NUM, ring(1, 64))
        enemy.send(fe.SET_VRING_ADDR, struct.pack("<IIQQQQ", 1, 0, 0x1000, 0x2000, 0x3000, 0))
        enemy.send(fe.SET_VRING_KICK, u64(1), [enemy.kick[1]])
        enemy.send(fe.SET_VRING_ENABLE, ring(1, 1))
        assert enemy.is_hung_up()
    wait_until(lambda: port(limpet, "ep0")["reason"], "it is detached")
    assert port(limpet, "ep0")["reason"].startswith("its rings cannot run: ")


def test_an_index_that_jumps_breaks_its_ring(limpet):
    with front_end(limpet, "ep0") as enemy, front_end(limpet, "ep1") as b:
        enemy.set_avail_index(fe.TX, 40000)
        os.write(enemy.kick[fe.TX], u64(1))
        assert enemy.is_hung_up()
        reason = port(limpet, "ep0")["reason"]
        assert reason.startswith("its ring 1 is broken: ")
        # Nobody else notices.
        with front_end(limpet, "ep0") as a:
            a.transmit(frame("ep1", "ep0", b"fine"))
            arrives(b, frame("ep1", "ep0", b"fine"))


def test_memory_that_shrinks_is_survived(limpet):
    with front_end(limpet, "ep0") as enemy, front_end(limpet, "ep1") as b:
        os.ftruncate(enemy.memory_fd, 0)
        os.write(enemy.kick[fe.TX], u64(1))
        b.transmit(frame("ep0", "ep1", b"into nothing"))
        assert enemy.is_hung_up()
    detached(limpet, "ep0", "its memory shrank")


def test_a_call_that_would_block_holds_nobody_up(limpet):
    with front_end(limpet, "ep0", start=False) as enemy, front_end(limpet, "ep1") as b:
        for fd in enemy.call:
            os.set_blocking(fd, True)
            os.write(fd, struct.pack("<Q", 2**64 - 2))
        enemy.start()
        enemy.transmit(frame("ep1", "ep0", b"call me"))
        arrives(b, frame("ep1", "ep0", b"call me"))
        b.transmit(frame("ep0", "ep1", b"and again"))
        arrives(enemy, frame("ep0", "ep1", b"and again"))


def test_too_many_descriptors_are_closed(limpet):
    daemon_fds = lambda: len(os.listdir(f"/proc/{limpet.pid}/fd"))
    with front_end(limpet, "ep0", start=False) as enemy:
        wait_until(lambda: port(limpet, "ep0")["kind"] == "vhost", "it is attached")
        before = daemon_fds()
        enemy.send(fe.GET_FEATURES, fds=[enemy.memory_fd] * 200)
        assert enemy.is_hung_up()
    detached(limpet, "ep0", "peer sent 200 descriptors with one message; 8 are allowed")
    assert daemon_fds() <= before


def test_a_flood_is_bounded_and_harms_nobody(limpet):
    with front_end(limpet, "ep0") as enemy, front_end(limpet, "ep1") as b:
        with socket.socket(socket.AF_UNIX) as c:
            flood = struct.pack("<III", fe.SET_VRING_ENABLE, 1, 8)
            flood = b"".join(flood + ring(1, i % 2) for i in range(256))
            enemy.socket.settimeout(0.01)
            sent = 0
            with contextlib.suppress(TimeoutError):
                for _ in range(400):
                    sent += enemy.socket.send(flood)
            limpet("link set ep1 alias busy")  # answered all the same
            limpet("link add link lan0 name ep2 type macvtap mode bridge")
            limpet("link set ep2 up")
            c.connect(shown(limpet, "ep2")["sockets"]["stream"])
            there = frame("ep1", "ep0", b"still here")
            c.sendall(struct.pack(">I", len(there)) + there)
            arrives(b, there)
        assert sent < 400 * len(flood)


def test_who_reads_no_replies_is_given_up(limpet):
    with front_end(limpet, "ep0", start=False) as enemy:
        enemy.socket.settimeout(10)
        ask = struct.pack("<III", fe.GET_FEATURES, 1, 0) * 100
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while True:
                enemy.socket.sendall(ask)
    wait_until(lambda: port(limpet, "ep0")["reason"], "it is detached")
    assert port(limpet, "ep0")["reason"].startswith("peer does not read replies: ")


def test_half_a_message_holds_nobody_up(limpet):
    with front_end(limpet, "ep0", start=False) as enemy, front_end(limpet, "ep1") as b:
        enemy.socket.sendall(struct.pack("<III", fe.SET_FEATURES, 1, 8)[:7])
        assert b.ask(fe.GET_STATUS) == 0
        enemy.hang_up()
        detached(limpet, "ep0", "peer closed the connection in the middle of a message")


def test_a_call_that_would_wait_holds_nobody_up(limpet):
    """The flag that says not to wait is the front-end's as much as ours."""
    with front_end(limpet, "ep0") as a, front_end(limpet, "ep1") as b:
        call = b.call[fe.RX]
        a.transmit(frame("ep1", "ep0", b"first"))
        arrives(b, frame("ep1", "ep0", b"first"))
        with contextlib.suppress(BlockingIOError):
            os.read(call, 8)
        os.write(call, struct.pack("<Q", 2**64 - 2))
        fcntl.fcntl(call, fcntl.F_SETFL, os.O_RDWR)
        for i in range(4):
            a.transmit(frame("ep1", "ep0", b"%d" % i))
            arrives(b, frame("ep1", "ep0", b"%d" % i))
        assert os.read(call, 8)  # else a worker that waits does so for ever


def lingering_socket(stack):
    """A TCP socket that takes a while to close: its peer does not read."""
    listener, sender = (stack.enter_context(socket.socket()) for _ in range(2))
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    sender.connect(listener.getsockname())
    stack.enter_context(listener.accept()[0])
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    sender.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            sender.send(bytes(65536))
    return sender


def hurry(lingering):
    if lingering.fileno() >= 0:
        lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("kind", ["stream", "dgram"])
def test_a_descriptor_beside_a_frame_holds_nobody_up(limpet, tmp_path, kind):
    types = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM}
    text = frame("ep0", "ep1", b"x")
    data = struct.pack(">I", len(text)) + text if kind == "stream" else text
    with contextlib.ExitStack() as stack:
        a = stack.enter_context(front_end(limpet, "ep0"))
        b = stack.enter_context(socket.socket(socket.AF_UNIX, types[kind]))
        b.bind(str(tmp_path / "b"))
        b.connect(shown(limpet, "ep1")["sockets"][kind])
        lingering = lingering_socket(stack)
        try:
            b.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                struct.pack("i", lingering.fileno()))])
        except PermissionError:
            b.send(data)
        else:
            lingering.close()
            pytest.skip("this kernel has no SO_PASSRIGHTS")
        finally:
            hurry(lingering)
        arrives(a, text)


@pytest.mark.parametrize("queued", [False, True])
def test_a_descriptor_that_is_slow_to_close_holds_nobody_up(limpet, queued):
    """It comes with a message, or lies in the socket of a front-end that is detached."""
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            enemy = stack.enter_context(front_end(limpet, "ep0", start=False))
            enemy.ask(fe.GET_FEATURES)
            lingering = lingering_socket(stack)
            os.kill(limpet.pid, signal.SIGSTOP)
            if queued:
                enemy.send(99)
            enemy.send(fe.GET_FEATURES, fds=[lingering.fileno()])
            lingering.close()
            os.kill(limpet.pid, signal.SIGCONT)
            detached(limpet, "ep0", "peer sent request 99: unknown" if queued else
                     "peer sent GET_FEATURES with 1 descriptors: 0 belong to it")
            assert enemy.is_hung_up()
