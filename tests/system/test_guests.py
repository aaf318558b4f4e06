# SPDX-License-Identifier: GPL-2.0-or-later
"""Real guests: Linux in QEMU, on vhost-user, with rings of every kind."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

from running import BUILD, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from demo import initramfs
from demo.account import Account
from demo.guest import Guest, Machine
from demo.network import Network
from demo.transfer import transfer

pytestmark = pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="no QEMU here")


@pytest.fixture(scope="module")
def place():
    """A directory, an account and a machine that fit each other."""
    account = Account()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="limpet-guests-", dir="/tmp"))
    directory.chmod(0o755)
    os.umask(0o022)
    try:
        release, kernel = initramfs.newest_kernel()
        image = initramfs.build(release, BUILD / "demo")
    except initramfs.Unbootable as reason:
        pytest.skip(str(reason))
    kernel, image = (pathlib.Path(shutil.copy(path, directory)) for path in (kernel, image))
    # Buffers for whole super-frames, of which each ring without merging has 256, are large.
    yield directory, account, Machine(kernel, image, "tcg", memory_mib=256)
    shutil.rmtree(directory)


@pytest.fixture
def stage(place, tmp_path_factory):
    directory = place[0] / tmp_path_factory.mktemp("t").name
    directory.mkdir()
    place[1].own(directory)
    with Network(BUILD, directory, place[1]) as network:
        network.wait_ready()
        make_links(network)
        yield directory, network, place[1], place[2]


def make_links(network):
    network.limpet("link add lan0 type dummy")
    for i in (1, 2):
        network.limpet(f"link add link lan0 name g{i} address 02:00:00:00:00:0{i} up "
                       "type macvtap mode bridge")


def boot(stage, number, device="", netdev=""):
    directory, network, account, machine = stage
    argv = network.qemu_args(machine, f"g{number}")
    argv[-1] += device
    argv[argv.index("-netdev") + 1] += netdev
    if netdev:
        argv += ["-smp", "2"]  # Linux uses as many queue pairs as it has processors
    return Guest(f"guest{number}", directory / f"guest{number}", account, machine, argv)


def address(guest, number):
    guest.wait_ready()
    guest.check(f"ip address add 192.0.2.{number}/24 dev eth0 && ip link set eth0 up")


def ping(guest, number):
    return guest.run(f"ping -c 1 -W 1 192.0.2.{number}")[0] == 0


def sends_intact(sender, receiver, number):
    """By TCP, which TSO sends in large frames where it was agreed on."""
    assert transfer(sender, receiver, f"192.0.2.{number}").intact


def features(network, name):
    return network.links()[name]["limpet"]["port"]["features"]


# A NIC that can do nothing but carry frames.
OLD = "".join(f",{feature}=off" for feature in (
    "mrg_rxbuf", "csum", "host_tso4", "host_tso6", "host_ecn", "guest_csum", "guest_tso4",
    "guest_tso6", "guest_ecn", "indirect_desc", "event_idx"))


@pytest.mark.parametrize("device, netdev, expected", [
    ("", "", "split, mrg_rxbuf, csum, tso, 1 queue pair"),
    (",mrg_rxbuf=off", "", "split, csum, tso, 1 queue pair"),
    (",packed=on", "", "packed, mrg_rxbuf, csum, tso, 1 queue pair"),
    (",rx_queue_size=1024", "", "split, mrg_rxbuf, csum, tso, 1 queue pair"),
    (",mq=on", ",queues=2", "split, mrg_rxbuf, csum, tso, 2 queue pairs"),
    (",packed=on,mq=on", ",queues=2", "packed, mrg_rxbuf, csum, tso, 2 queue pairs"),
    (OLD, "", "split, 1 queue pair"),
])
def test_guests_talk_whatever_was_agreed_on(stage, device, netdev, expected):
    with boot(stage, 1, device, netdev) as one, boot(stage, 2) as two:
        address(one, 1)
        address(two, 2)
        assert ping(one, 2)
        assert features(stage[1], "g1") == expected
        sends_intact(one, two, 1)
        sends_intact(two, one, 2)


@pytest.mark.parametrize("device", ["", ",packed=on"])
def test_limpetd_restarts_under_running_guests(stage, device):
    directory, network, account, _ = stage
    with boot(stage, 1, device) as one, boot(stage, 2, device) as two:
        address(one, 1)
        address(two, 2)
        sends_intact(one, two, 1)
        for end in ("terminate", "kill"):
            getattr(network.daemon, end)()
            network.daemon.wait(10)
            network.daemon = account.start(network._argv("limpetd"), network.log)
            wait_until(lambda: network.run("link show").returncode == 0, "limpetd is back")
            make_links(network)
            wait_until(lambda: ping(one, 2), "the guests reach each other again")
            sends_intact(two, one, 2)


def test_a_guest_restarts_under_a_running_limpetd(stage):
    with boot(stage, 2) as two:
        address(two, 2)
        for _ in range(2):
            with boot(stage, 1) as one:
                address(one, 1)
                assert ping(one, 2)
        wait_until(lambda: stage[1].links()["g1"]["limpet"]["port"]["kind"] == "none",
                   "the guest's end is noticed")


def test_the_guest_may_be_the_one_who_listens(stage):
    directory, network, _, _ = stage
    network.limpet(f"link set g1 vhost client {directory}/guest.sock")
    with boot(stage, 1) as one, boot(stage, 2) as two:
        address(one, 1)
        address(two, 2)
        wait_until(lambda: ping(one, 2), "limpetd has connected")
        sends_intact(one, two, 1)
