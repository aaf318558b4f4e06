# SPDX-License-Identifier: GPL-2.0-or-later
"""limpetd's own life: options, start, runtime directory, end, and another start."""

import os
import signal
import socket
import stat
import subprocess
import threading

import pytest

import peers
from control import HungUp
from daemon import BUILD, NOBODY, Daemon, become, place_for, running
from peers import attach, bind, frame, mac
from waiting import DEADLINE_S, wait_until


@pytest.fixture
def place():
    with place_for() as place:
        yield place


def limpetd(*options, prefix=(), **environment):
    """Runs limpetd to its end, which must come by itself."""
    return subprocess.run([*prefix, str(BUILD / "limpetd"), *map(str, options)], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S,
                          env={**os.environ, **environment}, check=False)


def refuses_to_start(done, *words):
    assert (done.returncode, done.stdout) == (1, "")
    assert all(word in done.stderr for word in words), done.stderr
    assert done.stderr.count("\n") == 1, "one sentence"


# Options.


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_goes_to_stdout(option):
    done = limpetd(option)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: limpetd")


def test_version(tmp_path):
    done = limpetd("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == "limpetd"


@pytest.mark.parametrize("options", [["--nonsense"], ["-x"], ["--runtime-dir"], ["word"]])
def test_a_wrong_option_is_named_and_ends_with_1(options):
    done = limpetd(*options)
    assert (done.returncode, done.stdout) == (1, "")
    assert options[0].lstrip("-") in done.stderr and "Usage: limpetd" in done.stderr


# The runtime directory.


def test_a_runtime_dir_that_leaves_no_room_for_socket_names_is_refused(place):
    longest = str(place / "x").ljust(79, "x")
    refuses_to_start(limpetd("--runtime-dir", longest + "x"), longest, "too long", "79")
    assert not list(place.iterdir())


def test_in_the_longest_runtime_dir_the_longest_name_has_sockets(place):
    deeper = place / "x".ljust(79 - len(str(place)) - len("//run"), "x")
    deeper.mkdir()
    daemon = Daemon(deeper)
    assert len(str(daemon.runtime_dir)) == 79
    daemon.control.add("lan0", kind="dummy")
    daemon.control.add_endpoint("fifteen-letters")
    attach(daemon, "fifteen-letters").close()
    daemon.stop()


def test_a_runtime_dir_is_told_from_the_root(place):
    from_there = f'cd {place} && exec "$0" --runtime-dir run'
    daemon = Daemon(place, prefix=["sh", "-c", from_there])
    daemon.control.add("lan0", kind="dummy")
    daemon.control.add_endpoint("m1")
    told = daemon.control.link("m1")["sockets"]["stream"]
    daemon.stop()
    assert told == str(place / "run" / "m1" / "stream.sock")


def test_a_runtime_dir_that_cannot_be_made_is_refused(place):
    refuses_to_start(limpetd("--runtime-dir", place / "no" / "run"),
                     str(place / "no" / "run"), "No such file or directory")
    (place / "file").touch()
    refuses_to_start(limpetd("--runtime-dir", place / "file"), str(place / "file"))


def test_a_runtime_dir_of_somebody_else_is_refused(root, place):
    # Root without its capabilities is a user like others.
    (place / "run").mkdir()
    for path in (place / "run", place / "run" / "deeper"):
        os.chown(path.parent, NOBODY, NOBODY)
        os.chown(place / "run", NOBODY, NOBODY)
        refuses_to_start(limpetd("--runtime-dir", path, prefix=become(0)),
                         str(path), "Permission denied")


def test_a_user_has_the_runtime_dir_of_the_session(root):
    with running(NOBODY, session=True) as daemon:
        assert daemon.runtime_dir == daemon.place / "limpet"
        assert (daemon.place / "limpet" / "control.sock").is_socket()


def test_a_second_daemon_is_refused_and_the_first_not_disturbed(lan):
    refuses_to_start(limpetd("--runtime-dir", lan.runtime_dir),
                     "another limpetd", str(lan.runtime_dir))
    peer = attach(lan, "m1")
    assert set(lan.control.links()) == {"lan0", "m1", "m2", "m3"}
    peer.close()


def test_sockets_are_for_their_owner_alone(lan):
    for path in ("control.sock", "m1/stream.sock", "m1/dgram.sock"):
        mode = (lan.runtime_dir / path).stat().st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


# The end.


def test_peers_and_clients_see_the_end(lan):
    stream, dgram, monitor = attach(lan, "m1"), bind(lan, "m2"), lan.connect()
    monitor.send("Monitor", more=True)
    assert monitor.receive()[0] == {"event": "ready"}
    with lan.connect() as silent, lan.connect() as half:
        half.send_bytes(b'{"method":')
        lan.process.send_signal(signal.SIGTERM)
        for client in (monitor, silent, half):
            with pytest.raises(HungUp):
                client.receive()
        wait_until(stream.is_closed, "the stream peer is hung up on")
    lan.process.wait(DEADLINE_S)
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        dgram.send(frame(mac(1), mac(2)))
    assert (lan.process.returncode, list(lan.runtime_dir.iterdir())) == (0, [])
    lan.start()  # for the fixture, which wants to stop it


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_under_traffic(lan, signum):
    lan.control.set("lan0", hairpin=True)
    stop = threading.Event()
    senders = [attach(lan, "m1"), attach(lan, "m2"), bind(lan, "m3")]

    def flood(sender):
        try:
            while not stop.is_set():
                sender.send(frame(peers.BROADCAST, mac(9), size=1500))
        except OSError:
            pass  # the daemon is gone

    threads = [threading.Thread(target=flood, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    wait_until(lambda: lan.control.link("m3")["tx"]["packets"] > 100, "frames flow")
    lan.process.send_signal(signum)
    code = lan.process.wait(DEADLINE_S)
    stop.set()
    for sender in senders:
        sender.socket.close()
    for thread in threads:
        thread.join()
    assert (code, list(lan.runtime_dir.iterdir())) == (0, [])
    lan.start()


def test_after_a_kill_it_starts_again_where_it_was(lan):
    names = ["m1", ".hidden", "fifteen-letters"]
    for name in names[1:]:
        lan.control.add_endpoint(name)
    peer = attach(lan, "m1")
    lan.kill()
    wait_until(peer.is_closed, "the peer sees that the daemon is gone")
    assert all((lan.runtime_dir / name / "stream.sock").exists() for name in names)
    (lan.runtime_dir / "notes").write_text("somebody's own")
    (lan.runtime_dir / "empty").mkdir()

    lan.start()
    assert not lan.control.links()
    left = {path.name for path in lan.runtime_dir.iterdir()}
    assert left == {"control.sock", "lock", "notes", "empty"}
    (lan.runtime_dir / "notes").unlink()
    (lan.runtime_dir / "empty").rmdir()
    lan.control.add("lan0", kind="dummy")
    lan.control.add_endpoint("m1")
    attach(lan, "m1").close()


def test_without_systemd_it_starts_all_the_same(place):
    """No NOTIFY_SOCKET: whoever starts it waits for the control socket."""
    path = place / "run" / "control.sock"
    environment = {key: os.environ[key] for key in os.environ if key != "NOTIFY_SOCKET"}
    with open(place / "log", "wb") as log:
        process = subprocess.Popen([str(BUILD / "limpetd"), "--runtime-dir", str(path.parent)],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=environment)
    try:
        wait_until(path.exists, "the control socket is there")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(path))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
