# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo itself: three guests, four modes, one table.

usage: ./run demo [--keep] [--stream]

All three guests cling to lan0, a dummy lower, by g1, g2 and g3, whose mode is changed
while they run. As no endpoint can be changed into passthru, each guest has a second NIC
behind a passthru endpoint (alone1..3) that is alone on a lower of its own (wire1..3).
"""

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from . import accel, farewell, initramfs, law, table
from .account import Account, privileges
from .guest import Guest, GuestError, Machine
from .network import Network, NetworkError
from .observe import observe
from .seat import Seat
from .transfer import transfer

BUILD = pathlib.Path(__file__).resolve().parent.parent / "build"


def say(text):
    print(text, flush=True)


def main():
    started = time.monotonic()
    parser = argparse.ArgumentParser(prog="./run demo", description="Limpet's four modes, live.")
    parser.add_argument("--keep", action="store_true",
                        help="leave all of it up, and say how to join it and how to end it")
    parser.add_argument("--stream", dest="way", action="store_const", const="stream",
                        default="vhost",
                        help="attach the guests by stream sockets instead of vhost-user")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)

    account = Account()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="limpet-demo-", dir="/tmp"))
    directory.chmod(0o755)
    complaints = []
    goodbye = None
    try:
        goodbye = _demo(directory, account, options, complaints)
    except (GuestError, NetworkError, initramfs.Unbootable) as failure:
        complaints.append(str(failure))
    except KeyboardInterrupt:
        shutil.rmtree(directory)
        say("\ndemo: interrupted; everything is stopped and removed")
        return 130

    if complaints:
        for complaint in complaints:
            print(f"demo: FAILED: {complaint}", file=sys.stderr)
        print(f"demo: the logs are in {directory}", file=sys.stderr)
        return 1
    if not options.keep:
        shutil.rmtree(directory)
    say(f"\nAll that was seen agrees with the law ({time.monotonic() - started:.0f} s).")
    if goodbye:
        say(goodbye)
    return 0


def _demo(directory, account, options, complaints):
    """Runs everything in 'directory'; appends to 'complaints' what is not as it must be.
    To be kept, and without complaints, all is left running; returns what to say about that.
    """
    keep, way = options.keep, options.way
    machine = _machine(directory, account)
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(law.GUESTS)))
        network = stack.enter_context(Network(BUILD, directory, account, keep))
        network.wait_ready()
        uid, capabilities = privileges(network.daemon.pid)
        handed = ", handed over by root" if account.dropped else ""
        say(f"limpetd and QEMU run as {account.name} (uid {uid}, capabilities {capabilities:#x}"
            f"{handed}), runtime directory {network.runtime_dir}")
        if uid == 0 or capabilities:
            complaints.append("limpetd has privileges, which the embedded default must not need")

        _make_links(network)
        guests = _boot(stack, pool, network, directory, account, machine, options)
        lan = [Seat(i, guest, "eth0", f"g{i}", "192.0.2") for i, guest in guests.items()]
        alone = [Seat(i, guest, "eth1", f"alone{i}", "198.51.100", f"wire{i}")
                 for i, guest in guests.items()]
        _take_seats(pool, network, lan)
        _take_seats(pool, network, alone)

        complaints += _show_modes(pool, network, lan, alone)
        complaints += _show_refusals(network)
        complaints += _show_transfer(network, lan)
        say("")
        for name in ("lan0", *(seat.endpoint for seat in lan)):
            say(f"$ limpet -s link show {name}\n{network.limpet(f'-s link show {name}').rstrip()}")
        if keep and not complaints:
            stack.pop_all()
            return farewell.text(BUILD, directory, network, guests.values(), machine, way)
    return None


def _machine(directory, account):
    """Prepares what the guests boot, where 'account' can read it."""
    release, kernel = initramfs.newest_kernel()
    image = initramfs.build(release, BUILD / "demo")
    kernel, image = (pathlib.Path(shutil.copy(path, directory)) for path in (kernel, image))
    how, why = accel.choose(account, kernel, image, BUILD / "demo")
    say(f"guests: Debian's kernel {release}, busybox, {how.upper()} ({why})")
    return Machine(kernel, image, how)


def _make_links(network):
    network.limpet("link add lan0 type dummy")
    for i in law.GUESTS:
        network.limpet(f"link add link lan0 name g{i} type macvtap mode private")
        network.limpet(f"link add wire{i} type dummy")
        network.limpet(f"link add link wire{i} name alone{i} type macvtap mode passthru")
        network.limpet(f"link set g{i} up")
        network.limpet(f"link set alone{i} up")


def _boot(stack, pool, network, directory, account, machine, options):
    """Starts the guests, the first NIC behind g1.., the second behind alone1..; returns them
    by number.
    """
    started = time.monotonic()
    guests = {
        i: stack.enter_context(Guest(
            f"guest{i}", directory / f"guest{i}", account, machine,
            network.qemu_args(machine, f"g{i}", f"alone{i}", way=options.way), options.keep,
        ))
        for i in law.GUESTS
    }
    list(pool.map(Guest.wait_ready, guests.values()))
    how = "vhost-user" if options.way == "vhost" else "stream sockets"
    say(f"three guests booted in {time.monotonic() - started:.1f} s, attached by {how}\n")
    return guests


def _take_seats(pool, network, seats):
    links = network.links()
    mac_by_told = {seat.told: links[seat.endpoint]["address"] for seat in seats}
    list(pool.map(lambda seat: seat.take(mac_by_told), seats))


def _show_modes(pool, network, lan, alone):
    """Prints the table; returns the complaints."""
    complaints = []
    say(table.header())
    for mode in law.MODES:
        if mode == "passthru":
            seats, lowers = alone, [seat.lower for seat in alone]
        else:
            seats, lowers = lan, ["lan0"]
            for seat in lan:
                network.limpet(f"link set {seat.endpoint} type macvtap mode {mode}")
        for hairpin in law.HAIRPIN:
            for lower in lowers:
                network.limpet(f"link set {lower} type dummy hairpin {hairpin}")
            observed = observe(pool, network, seats)
            say(table.row(mode, hairpin, observed))
            complaints += observed.complaints(mode, hairpin)
    say(table.LEGEND)
    return complaints


def _show_refusals(network):
    """No endpoint can be changed into or out of passthru: exit 2, and nothing changed."""
    complaints = []
    say("")
    for name, mode, wanted in (("g1", "bridge", "passthru"), ("alone1", "passthru", "bridge")):
        command = f"link set {name} type macvtap mode {wanted}"
        done = network.run(command)
        say(f"$ limpet {command}\n{(done.stdout + done.stderr).strip()}   [exit {done.returncode}]")
        if done.returncode != 2:
            complaints.append(f"'limpet {command}' exits {done.returncode} instead of 2")
        now = network.links()[name]["linkinfo"]["info_data"]["mode"]
        if now != mode:
            complaints.append(f"after the refused '{command}' the mode is {now}")
    return complaints


def _show_transfer(network, lan):
    """TCP between two guests in bridge mode, which is the one the table ended with."""
    network.limpet("link set lan0 type dummy hairpin off")
    done = transfer(sender=lan[0].guest, receiver=lan[1].guest, address=lan[0].asked)
    say(f"\nTCP from guest 1 to guest 2, mode bridge: {done}")
    return [] if done.intact else ["the TCP transfer arrived damaged"]


def _interrupt(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Files for the guests' user have to be readable whatever the caller's umask is.
    os.umask(0o022)
    sys.exit(main())
