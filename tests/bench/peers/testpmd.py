# SPDX-License-Identifier: GPL-2.0-or-later
"""dpdk-testpmd between two net_vhost ports: in io mode it looks at no address at all."""

import os
import subprocess

from peers import Peer, await_that, need

PACKAGE = "dpdk-dev"
MEBIBYTES = 768


class Testpmd(Peer):
    def __init__(self, directory, cpus, guests):
        """'cpus' are for waiting and for forwarding; 'guests' two MAC addresses."""
        super().__init__(directory)
        program = need("dpdk-testpmd", PACKAGE)
        sockets = [os.path.join(directory, f"port{i}") for i in range(2)]
        devices = [f"--vdev=net_vhost{i},iface={path},tso=1" for i, path in enumerate(sockets)]
        process = self.start("testpmd", [
            "stdbuf", "-oL", program, "-l", ",".join(map(str, cpus)), "--in-memory", "--no-pci",
            "--no-telemetry", "-m", str(MEBIBYTES), *devices, "--", "--nb-cores=1",
            "--forward-mode=io", "--auto-start", "--no-flush-rx",
        ], stdin=subprocess.PIPE)  # it would end at the end of its input
        try:
            await_that(lambda: "Press enter to exit" in self.log("testpmd"),
                       "dpdk-testpmd did not get ready", process)
        except BaseException:
            self.stop()
            raise
        self.ends = {name: f"vhost:{path},mac={mac}"
                     for name, path, mac in zip("ab", sockets, guests)}
