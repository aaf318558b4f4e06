# SPDX-License-Identifier: GPL-2.0-or-later
"""What `./run demo --keep` says at its end: how to join the network, and how to end it."""

import shlex

_TEXT = """
The network is still up: limpetd (process {daemon}) and three guests, 192.0.2.1 to .3, all
in bridge mode on lan0. To look at it, and to change it under the guests:

  L="{limpet} --runtime-dir {runtime_dir}"
  $L -d -s link show
  $L link set g1 type macvtap mode private

A guest of your own on it (this one gives you a shell; ping 192.0.2.1, leave with 'exit'):

  $L link add link lan0 name mine type macvtap mode bridge
  $L link set mine up
  {qemu} $($L qemu mine memory {memory}M {way})

To end everything:

  kill {pids} && rm -r {directory}"""


def text(build_dir, directory, network, guests, machine, way):
    """Returns what to say about what is running now."""
    qemu = [*machine.argv("console=ttyS0 shell=ttyS0 address=192.0.2.9/24"),
            "-nographic", "-no-reboot"]
    pids = [network.daemon.pid, *(guest.process.pid for guest in guests)]
    return _TEXT.format(
        daemon=network.daemon.pid, limpet=build_dir / "limpet", runtime_dir=network.runtime_dir,
        memory=machine.memory_mib, way=way, qemu=shlex.join(qemu), pids=" ".join(map(str, pids)),
        directory=directory,
    )
