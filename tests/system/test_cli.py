# SPDX-License-Identifier: GPL-2.0-or-later
"""limpet(8) against a running daemon: what it does, prints and exits with."""

import json
import re
import socket
import subprocess
import threading

import pytest

from running import BUILD, DEADLINE_S, Limpet, limpetd, wait_until


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with limpetd(tmp_path_factory.mktemp("cli") / "run") as limpet:
        yield limpet


@pytest.fixture
def limpet(daemon):
    """A daemon with a dummy lower and an endpoint on it, and nothing else."""
    daemon("link add lan0 type dummy")
    daemon("link add link lan0 name m0 address 02:00:00:00:00:10 type macvtap mode bridge")
    yield daemon
    for link in json.loads(daemon("-j link show")):
        daemon.run("link", "del", link["ifname"])


@pytest.fixture
def pretend(tmp_path):
    """Plays a daemon that takes one connection and one call for each reply."""
    (tmp_path / "run").mkdir()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "run" / "control.sock"))
    listener.listen(1)
    listener.settimeout(DEADLINE_S)

    def play(replies):
        peer, _ = listener.accept()
        listener.close()
        with peer:
            peer.settimeout(DEADLINE_S)
            for reply in replies:
                while peer.recv(1) not in (b"\0", b""):
                    pass
                peer.sendall(reply + b"\0")

    threads = []

    def start(*replies):
        threads.append(threading.Thread(target=play, args=(replies,)))
        threads[0].start()
        return Limpet(tmp_path / "run")

    yield start
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
    listener.close()


def show(limpet, name):
    """The link as JSON."""
    return json.loads(limpet(f"-j -d -s link show {name}"))[0]


# What is asked is what happens.


def test_an_endpoint_has_what_it_was_added_with(limpet):
    limpet("link add link lan0 name web0 address 52:54:00:b8:9c:58 mtu 1400 txqueuelen 77 "
           "type macvtap mode source nodst bcqueuelen 5 "
           "macaddr set 02:00:00:00:00:a1 02:00:00:00:00:a2")
    link = show(limpet, "web0")
    assert link["link"] == "lan0"
    assert link["address"] == "52:54:00:b8:9c:58"
    assert (link["mtu"], link["txqlen"]) == (1400, 77)
    assert (link["operstate"], link["flags"]) == ("DOWN", ["BROADCAST", "MULTICAST"])
    assert link["linkinfo"]["info_kind"] == "macvtap"
    data = link["linkinfo"]["info_data"]
    assert (data["mode"], data["nodst"], data["bcqueuelen"]) == ("source", True, 5)
    assert sorted(data["macaddr_data"]) == ["02:00:00:00:00:a1", "02:00:00:00:00:a2"]


def test_an_endpoint_needs_neither_name_nor_address_nor_mode(limpet):
    limpet("link add link lan0 type macvtap")
    link = show(limpet, "macvtap0")
    assert int(link["address"][:2], 16) & 3 == 2  # R1.12
    assert link["linkinfo"]["info_data"]["mode"] == "vepa"


def test_one_set_changes_many_things(limpet):
    run = limpet.run("link", "set", "m0", "up", "name", "web0", "mtu", "1300", "alias", "two words",
                     "address", "02:00:00:00:00:11", "type", "macvtap", "mode", "private")
    assert run.returncode == 0
    link = show(limpet, "web0")
    assert (link["mtu"], link["ifalias"], link["address"]) == (1300, "two words", "02:00:00:00:00:11")
    assert (link["operstate"], link["linkinfo"]["info_data"]["mode"]) == ("UP", "private")
    assert limpet.run("link", "show", "m0").returncode == 2


def test_source_lists_are_edited(limpet):
    def sources():
        return show(limpet, "m0")["linkinfo"]["info_data"].get("macaddr_data", [])

    limpet("link set m0 type macvtap mode source macaddr add 02:00:00:00:00:a1")
    limpet("link set m0 type macvtap macaddr add 02:00:00:00:00:a2")
    assert sorted(sources()) == ["02:00:00:00:00:a1", "02:00:00:00:00:a2"]
    limpet("link set m0 type macvtap macaddr del 02:00:00:00:00:a1")
    assert sources() == ["02:00:00:00:00:a2"]
    limpet("link set m0 type macvtap macaddr flush")
    assert sources() == []


def test_hairpin_is_a_property_of_the_dummy(limpet):
    assert show(limpet, "lan0")["linkinfo"]["info_data"] == {"hairpin": False}
    limpet("link set lan0 type dummy hairpin on")
    assert show(limpet, "lan0")["linkinfo"]["info_data"] == {"hairpin": True}
    assert "\n    dummy hairpin on " in limpet("-d link show lan0")


def test_short_forms_do_the_same(limpet):
    limpet("l s m0 up")
    assert show(limpet, "m0")["operstate"] == "UP"
    assert limpet("l sh m0") == limpet("link show m0") == limpet("li ls dev m0")
    limpet("li d m0")
    assert limpet.run("link", "show", "m0").returncode == 2


# What is shown.


def test_show_selects(limpet):
    def names(line):
        return [link["ifname"] for link in json.loads(limpet("-j " + line))]

    assert names("link") == names("link show") == ["lan0", "m0"]
    assert names("link show type macvtap") == ["m0"]
    assert names("link show type dummy") == ["lan0"]
    assert names("link show up") == ["lan0"]
    assert names("link show type macvlan") == []
    assert names("link show dev m0 type dummy") == []


def test_json_has_our_object(limpet):
    ours = show(limpet, "m0")["limpet"]
    assert ours["sockets"] == {"stream": f"{limpet.runtime_dir}/m0/stream.sock",
                               "dgram": f"{limpet.runtime_dir}/m0/dgram.sock",
                               "vhost": f"{limpet.runtime_dir}/m0/vhost.sock"}
    assert ours["port"]["kind"] == "none"
    assert ours["drops"] == {"in": {}, "out": {}}


def test_show_says_who_is_attached_and_what_was_dropped(limpet):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as guest:
        guest.connect(show(limpet, "m0")["limpet"]["sockets"]["stream"])
        guest.sendall((60).to_bytes(4, "big") + bytes(60))  # m0 is down: dropped
        wait_until(lambda: show(limpet, "m0")["limpet"]["drops"]["in"], "the frame is counted")
        ours = show(limpet, "m0")["limpet"]
        assert ours["port"]["kind"] == "stream"
        assert ours["drops"]["in"] == {"endpoint-down": 1}
        text = limpet("-s -d link show m0")
        assert "\n    limpet port stream " in text
        assert "\n    limpet drops in endpoint-down 1 \n" in text


def test_qemu_arguments_are_ready_to_paste(limpet):
    vhost = (f"-chardev socket,id=m0-vhost,path={limpet.runtime_dir}/m0/vhost.sock,reconnect=1 "
             "-netdev vhost-user,id=m0,chardev=m0-vhost "
             "-device virtio-net-pci,netdev=m0,mac=02:00:00:00:00:10")
    memory = "-object memory-backend-memfd,id=limpet,size={},share=on -machine memory-backend=limpet "
    assert limpet("qemu m0") == memory.format("512M") + vhost + "\n"
    assert limpet("qemu dev m0 memory 2G") == memory.format("2G") + vhost + "\n"
    assert limpet("qemu m0 m0 memory off") == vhost + " " + vhost + "\n"
    assert limpet("qemu m0 stream") == (
        f"-netdev stream,id=m0,server=off,addr.type=unix,addr.path={limpet.runtime_dir}/m0/stream.sock "
        "-device virtio-net-pci,netdev=m0,mac=02:00:00:00:00:10\n")
    assert json.loads(limpet("-j qemu m0"))[0] == "-object"
    refused = limpet.run("qemu", "lan0")
    assert refused.returncode == 2
    assert "'lan0' is no endpoint" in refused.stderr


# What goes wrong.


@pytest.mark.parametrize("line, code, sentence", [
    ("foo", 1, 'object "foo" is unknown, try "limpet help"'),
    ("-foo link", 1, 'option "-foo" is unknown, try "limpet help"'),
    ("link foo", 1, 'command "foo" is unknown, try "limpet link help"'),
    ("link set", 1, 'not enough information: "dev" argument is required'),
    ("link del", 1, 'not enough information: "dev" argument is required'),
    ("link del m0 m1", 1, '"m1" is one word too many; try "help" instead of it'),
    ("link show m0 m1", 1, 'either "dev" is duplicate, or "m1" is garbage'),
    ("link show type foo", 1, 'argument of "type" must be "macvtap", "macvlan", "dummy" or "netdev", '
                              'not "foo"'),
    ("link help foo", 1, 'there is no help for "foo", try "limpet link help"'),
    ("link set m0 type macvtap nopromisc", 1, "macvtap: nopromisc flag only valid in passthru mode"),
    ("monitor foo", 1, '"foo" is one word too many; try "help" instead of it'),
    ("qemu m0 memory much", 1, 'argument of "memory" must be a size such as 512M or 2G, or "off"'),
    ("qemu", 1, 'not enough information: which endpoint? try "limpet qemu help"'),
    ("-batch /dev/null link", 1, '"link" is one word too many; try "help" instead of it'),
    ("-batch /nonexistent", 1, 'cannot open file "/nonexistent" for reading: No such file or directory'),
    ("link show nope", 2, "nope"),
    ("link del nope", 2, "nope"),
    ("link set nope up", 2, "nope"),
    ("link add link nope name m1 type macvtap", 2, "nope"),
    ("link add link lan0 name m0 type macvtap", 2, "m0"),
    ("link add link lan0 name 1234567890123456 type macvtap", 2, "is too long"),
    ("link add link lan0 name a/b type macvtap", 2, "a/b"),
    ("link add name m1 type macvtap", 2, ""),
    ("link add link lan0 type macvlan", 2, "not"),
    ("link set m0 mtu 10", 2, "68"),
    ("link set m0 address 01:00:00:00:00:01", 2, "01:00:00:00:00:01"),
    ("link set m0 address 00:00:00:00:00:00", 2, "00:00:00:00:00:00"),
    ("link set m0 type macvlan mode vepa", 2, "macv"),
    ("link set m0 type macvtap mode passthru", 2, "passthru"),
    ("link set m0 type macvtap macaddr flush", 2, "source"),
])
def test_mistakes_are_a_sentence_and_an_exit_code(limpet, line, code, sentence):
    before = limpet("-j -d link show")
    done = limpet.run(*line.split())
    assert done.returncode == code, done
    assert done.stdout == ""
    assert re.fullmatch(r"Error: \S.*\n", done.stderr), done.stderr
    assert sentence in done.stderr
    assert limpet("-j -d link show") == before


def test_no_word_is_a_call_for_help(limpet):
    done = limpet.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Usage: limpet ")


@pytest.mark.parametrize("line, usage", [
    ("help", "Usage: limpet ["), ("-help", "Usage: limpet ["), ("help link", "Usage: limpet link add"),
    ("link help", "Usage: limpet link add"), ("link add help", "Usage: limpet link add"),
    ("link set help", "Usage: limpet link add"), ("link set m0 help", "Usage: limpet link add"),
    ("link del help", "Usage: limpet link add"), ("link show help", "Usage: limpet link add"),
    ("link help macvtap", "Usage: ... macvtap"), ("link add m1 type macvlan help", "Usage: ... macvlan"),
    ("link help dummy", "Usage: ... dummy"), ("monitor help", "Usage: limpet monitor"),
    ("qemu help", "Usage: limpet qemu"), ("-V", "limpet utility, limpet-"),
])
def test_help_needs_no_daemon(tmp_path, line, usage):
    assert Limpet(tmp_path)(line).startswith(usage)


def test_an_absent_daemon_is_exit_2_and_says_what_to_do(tmp_path):
    done = Limpet(tmp_path).run("link", "show")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: cannot reach limpetd at '{tmp_path}/control.sock' (No such file or directory): is it "
        f"running? try 'systemctl start limpetd', or 'limpetd --runtime-dir {tmp_path}'\n")


def test_a_full_disk_is_noticed(limpet):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([*limpet.command, "link", "show"], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 2
    assert done.stderr == "Error: cannot print: No space left on device\n"


def test_garbage_is_exit_2_and_called_so(pretend):
    done = pretend(b"220 mail.example.org ESMTP\x1b[2J").run("link", "show")
    assert (done.returncode, done.stdout) == (2, "")
    assert "/control.sock' does not talk as limpetd does: " in done.stderr
    assert "\x1b" not in done.stderr


def run_as_nobody(command, **environment):
    done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", *command],
                          env=environment, capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False)
    if done.stderr.startswith("setpriv: "):
        pytest.skip("needs root to become nobody, and a program that nobody may run")
    return done


def test_the_runtime_dir_of_a_user_is_below_xdg_runtime_dir():
    done = run_as_nobody([BUILD / "limpet", "link"], XDG_RUNTIME_DIR="/nonexistent")
    assert "'/nonexistent/limpet/control.sock'" in done.stderr
    done = run_as_nobody([BUILD / "limpet", "--runtime-dir", "/other", "link"])
    assert "'/other/control.sock'" in done.stderr


def test_who_may_not_connect_is_told_whom_to_ask(limpet):
    done = run_as_nobody([*limpet.command, "link"])
    assert done.returncode == 2
    assert "(Permission denied): be root, or the user that it runs as" in done.stderr


# Batches.


def test_a_batch_runs_every_line(limpet, tmp_path):
    batch = tmp_path / "batch"
    batch.write_text("# a comment\n"
                     "\n"
                     "link set m0 up   # and one behind\n"
                     "link set m0 alias \"two words\"\n"
                     "link set m0 \\\n"
                     "  mtu 1400\n"
                     "link show m0", encoding="ascii")
    assert "alias two words" in limpet(f"-batch {batch}")
    link = show(limpet, "m0")
    assert (link["mtu"], link["operstate"]) == (1400, "UP")
    assert limpet.run("-b", "-", stdin="link set m0 mtu 1300\n").returncode == 0
    assert show(limpet, "m0")["mtu"] == 1300


FAULTY = ("link set m0 \\\n"
          "  mtu 1400\n"
          "link set nope up\n"
          "link set m0 mtu 1300\n"
          "nonsense\n"
          "link set m0 alias \"unfinished\n"
          "link set m0 mtu 1200\n")


def test_a_batch_stops_at_the_first_failure(limpet):
    done = limpet.run("-batch", "-", stdin=FAULTY)
    assert done.returncode == 2
    assert re.fullmatch(r"Error: .*nope.*\nCommand failed -:3\n", done.stderr)
    assert show(limpet, "m0")["mtu"] == 1400


def test_a_forced_batch_goes_on(limpet):
    done = limpet.run("-force", "-batch", "-", stdin=FAULTY)
    assert done.returncode == 2
    assert re.findall(r"^Command failed (.*)$", done.stderr, re.M) == ["-:3", "-:5", "-:6"]
    assert show(limpet, "m0")["mtu"] == 1200


def test_a_batch_uses_one_connection(pretend):
    limpet = pretend(*[b'{"parameters":{}}'] * 3)
    finished = limpet.run("-batch", "-", stdin="link set m0 up\n" * 3)
    assert (finished.returncode, finished.stderr) == (0, "")


# Events.


class Monitor:
    """A running `limpet monitor`; 'lines' are what it printed so far."""

    def __init__(self, limpet, *options):
        self.process = subprocess.Popen([*limpet.command, *options, "monitor"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self):
        timer = threading.Timer(DEADLINE_S, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        assert line, self.process.stderr.read()
        return line

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def monitor(limpet):
    """Starts monitors, and makes sure of each that it listens."""
    monitors = []

    def start(*options):
        probe = Monitor(limpet, *options)
        monitors.append(probe)
        # It listens when it reports a change; make one until it does.
        seen = threading.Event()

        def provoke():
            mtu = 1000
            while not seen.wait(0.02):
                mtu += 1
                limpet(f"link set lan0 mtu {mtu}")

        provoker = threading.Thread(target=provoke)
        provoker.start()
        try:
            probe.line()
        finally:
            seen.set()
            provoker.join(DEADLINE_S)
        limpet("link set lan0 mtu 2000")
        while "2000" not in probe.line():
            pass
        return probe

    yield start
    for one in monitors:
        one.close()


def test_monitor_prints_a_json_object_for_each_change(limpet, monitor):
    events = monitor("-j", "-d")
    limpet("link set m0 up")
    event = json.loads(events.line())
    while event["ifname"] != "m0":
        event = json.loads(events.line())
    assert (event["ifname"], event["operstate"], event.get("deleted")) == ("m0", "UP", None)
    assert event["linkinfo"]["info_data"]["mode"] == "bridge"

    limpet("link add link lan0 name m1 type macvtap")
    assert json.loads(events.line())["ifname"] == "m1"
    limpet("link del m1")
    event = json.loads(events.line())
    while event.get("deleted") is None:
        event = json.loads(events.line())
    assert (event["deleted"], event["ifname"]) == (True, "m1")


def test_monitor_prints_lines_as_ip_does(limpet, monitor):
    events = monitor("-o", "-ts")
    limpet("link del m0")
    line = events.line()
    while "Deleted" not in line:
        line = events.line()
    assert re.fullmatch(
        r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\] Deleted \d+: m0@lan0: <BROADCAST,MULTICAST> "
        r"mtu \d+ qdisc noop state DOWN group default "
        r"\\    link/ether 02:00:00:00:00:10 brd ff:ff:ff:ff:ff:ff\n", line)


def test_monitor_says_that_events_were_lost(pretend):
    events = (b'{"continues":true,"parameters":{"event":"ready"}}\0'
              b'{"continues":true,"parameters":{"event":"lost"}}')
    done = pretend(events).run("-j", "monitor")
    assert (done.returncode, done.stdout) == (2, '{"lost":true}\n')
    assert "closed the connection" in done.stderr


def test_monitor_ends_when_the_daemon_does(tmp_path):
    with limpetd(tmp_path / "run") as limpet:
        limpet("link add lan0 type dummy")
        process = subprocess.Popen([*limpet.command, "monitor"], stderr=subprocess.PIPE, text=True)
    assert process.wait(DEADLINE_S) == 2
    assert "Error: " in process.stderr.read()
    process.stderr.close()
