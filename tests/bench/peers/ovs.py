# SPDX-License-Identifier: GPL-2.0-or-later
"""OVS-DPDK: a learning bridge (actions=NORMAL) with two dpdkvhostuserclient ports.

It has a database, sockets and logs of its own in a temporary directory; no service
of the system is started or asked. Guests listen and OVS connects, again every
second.
"""

import os

from command import LabError, call
from peers import Peer, await_that, need

PACKAGE = "openvswitch-switch-dpdk"
PROGRAM = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
MEBIBYTES = 768


class Ovs(Peer):
    def __init__(self, directory, cpus, guests, tso):
        """'cpus' are for waiting and for forwarding; 'guests' two MAC addresses."""
        super().__init__(directory)
        if not os.path.exists(PROGRAM):
            raise LabError(f"{PROGRAM} is missing: install {PACKAGE}, or use './run bench vhost'")
        self.database = f"unix:{directory}/db.sock"
        try:
            self.start_database()
            self.configure(cpus, tso)
            self.start_switch()
            self.add_bridge(guests)
        except BaseException:
            self.stop()
            raise

    def start_database(self):
        file = os.path.join(self.directory, "conf.db")
        call(need("ovsdb-tool", PACKAGE), "create", file, SCHEMA)
        process = self.start("ovsdb", [
            need("ovsdb-server", PACKAGE), file, f"--remote=p{self.database}",
            f"--unixctl={self.directory}/ovsdb.ctl"])
        await_that(lambda: os.path.exists(self.database.removeprefix("unix:")),
                   "ovsdb-server did not get ready", process)

    def set(self, *arguments):
        return call("ovs-vsctl", f"--db={self.database}", "--timeout=30", *arguments)

    def configure(self, cpus, tso):
        waits, forwards = (hex(1 << cpu) for cpu in cpus)
        self.set("--no-wait", "init")
        self.set("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                 "other_config:dpdk-extra=--no-pci --no-telemetry --in-memory",
                 f"other_config:dpdk-socket-mem={MEBIBYTES}",
                 f"other_config:dpdk-lcore-mask={waits}",
                 f"other_config:pmd-cpu-mask={forwards}",
                 f"other_config:userspace-tso-enable={'true' if tso else 'false'}")

    def start_switch(self):
        environment = {**os.environ, "OVS_RUNDIR": self.directory, "OVS_LOGDIR": self.directory}
        # Each has a tap device called ovs-netdev, and so needs a namespace of its own.
        self.start("vswitchd", ["unshare", "--net", "--", PROGRAM, self.database,
                                f"--unixctl={self.directory}/vswitchd.ctl"], env=environment)

    def add_bridge(self, guests):
        """ovs-vsctl waits until the switch has done it, or says why it has not."""
        self.set("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        for name, mac in zip("ab", guests):
            path = os.path.join(self.directory, name)
            self.set("add-port", "br0", f"vhost-{name}", "--", "set", "Interface",
                     f"vhost-{name}", "type=dpdkvhostuserclient",
                     f"options:vhost-server-path={path}")
            number = self.set("get", "Interface", f"vhost-{name}", "ofport").strip()
            if not number.isdecimal():
                raise LabError(f"OVS-DPDK could not add a port: {self.complaint()}")
            self.ends[name] = f"vhost:{path},server,mac={mac}"

    def complaint(self):
        errors = [line for line in self.log("vswitchd").splitlines() if "|ERR|" in line]
        return errors[-1].split("|ERR|")[1] if errors else "it does not say why"
