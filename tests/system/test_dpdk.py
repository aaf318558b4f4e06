# SPDX-License-Identifier: GPL-2.0-or-later
"""DPDK's virtio-user as the guests: a driver nobody here has written."""

import os
import re
import shutil
import subprocess

import pytest

import peers
from daemon import running
from peers import mac
from waiting import wait_until

TESTPMD = shutil.which("dpdk-testpmd")

# 170 MB of packages for one test: who wants it installs them.
pytestmark = pytest.mark.skipif(
    not TESTPMD, reason="no dpdk-testpmd here: apt-get install --no-install-recommends dpdk-dev")

FRAMES = 5000   # that have to go around, at least


class Driver:
    """Its ports 0 and 1 send each other's frames back; commands are its own."""

    def __init__(self, log, devices, *options):
        self.log = open(log, "w+", encoding="utf-8", errors="replace")
        vdevs = [f"--vdev=net_virtio_user{i},{device}" for i, device in enumerate(devices)]
        others = [f"--eth-peer={i},{mac(2 - i)}" for i in (0, 1)]
        cpus = ",".join(map(str, os.sched_getaffinity(0)))
        # In anonymous files instead of huge pages: so it needs no privilege, either.
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", TESTPMD, f"--lcores=0@({cpus}),1@({cpus})", "--no-huge", "-m", "128",
             "--no-shconf", "--no-pci", "--no-telemetry", *vdevs, "--", "-i",
             "--forward-mode=mac", "--total-num-mbufs=4096", *others, *options],
            stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, text=True)
        self.ask()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.log.close()

    def said(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return log.read()

    def tell(self, command):
        assert self.process.poll() is None, self.said()
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def ask(self, command=""):
        """What it answers: all until an unknown command after it is complained about."""
        before = len(self.said())
        self.tell(f"{command}\nxyzzy")
        wait_until(lambda: self.process.poll() is not None or "Command not found" in
                   self.said()[before:], f"testpmd has done '{command}'")
        assert self.process.poll() is None, self.said()
        return self.said()[before:]

    def packets(self):
        """Received by port 0, by port 1; sent by port 0, by port 1."""
        text = self.ask("show port stats all")
        assert not re.search(r"(errors|missed|nombuf): +[1-9]", text), text
        return [int(n) for way in ("RX", "TX")
                for n in re.findall(rf"{way}-packets: (\d+)", text)]

    def quit(self):
        self.tell("quit")
        assert self.process.wait(30) == 0, self.said()


@pytest.fixture
def lan():
    with running() as limpetd:
        limpetd.control.add("lan0", kind="dummy")
        peers.endpoints(limpetd, 2)
        yield limpetd


def counted(daemon, way):
    return [daemon.control.link(name)[way]["packets"] for name in ("m1", "m2")]


def goes_around(daemon, testpmd, command="start tx_first"):
    """Frames circulate, and both sides count the same."""
    start = min(counted(daemon, "tx"))
    testpmd.ask(command)
    wait_until(lambda: min(counted(daemon, "tx")) >= start + FRAMES, "the frames go around")
    testpmd.ask("stop")
    # What waits in the rings is received, and not sent again.
    testpmd.ask("set fwd rxonly")
    testpmd.ask("start")
    wait_until(lambda: testpmd.packets()[:2] == counted(daemon, "rx"), "all has been received")
    testpmd.ask("stop")
    testpmd.ask("set fwd mac")

    received, sent = testpmd.packets()[:2], testpmd.packets()[2:]
    assert sent == counted(daemon, "tx")
    assert received == sent[::-1]
    for name in ("m1", "m2"):
        link = daemon.control.link(name)
        assert link["port"]["kind"] == "vhost", link
        assert not link["dropsIn"] and not link["dropsOut"], link


# Frames that take three descriptors, and three buffers to receive.
CHAINS = ["--txpkts=300,300,800", "--mbuf-size=640", "--enable-scatter"]


@pytest.mark.parametrize("device, options, features", [
    ("mrg_rxbuf=0,in_order=0", [], "split, 1 queue pair"),
    ("", [], "split, mrg_rxbuf, 1 queue pair"),
    ("packed_vq=1,mrg_rxbuf=0", [], "packed, 1 queue pair"),
    ("packed_vq=1", [], "packed, mrg_rxbuf, 1 queue pair"),
    ("", CHAINS, "split, mrg_rxbuf, 1 queue pair"),
    ("packed_vq=1", CHAINS, "packed, mrg_rxbuf, 1 queue pair"),
    ("queues=2", ["--rxq=2", "--txq=2"], "split, mrg_rxbuf, 2 queue pairs"),
])
def test_frames_go_around(lan, tmp_path, device, options, features):
    devices = [f"path={lan.socket_path(f'm{i}', 'vhost')},mac={mac(i)},{device}".rstrip(",")
               for i in (1, 2)]
    with Driver(tmp_path / "testpmd", devices, *options) as testpmd:
        goes_around(lan, testpmd)
        assert lan.control.link("m1")["port"]["features"] == features
        goes_around(lan, testpmd)
        testpmd.quit()
    peers.port_is(lan, "m1", "none")
    assert lan.control.link("m1")["port"]["reason"] == "peer closed the connection"
