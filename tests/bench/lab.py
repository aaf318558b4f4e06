# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured, set up side by side: the kernel's macvtap, Limpet, bare devices.

Everything lives in a network and a mount namespace of its own without a name,
which bench.py has entered by unshare(1) and which the kernel takes away with the
last process in it, whatever happens.
"""

import contextlib
import os
import select
import socket
import subprocess
import tempfile
import time

START_SECONDS = 10

# Two guests and the far side of the wire.
MAC_A, MAC_B, MAC_WIRE = "52:54:00:00:00:0a", "52:54:00:00:00:0b", "52:54:00:00:00:0f"

HUB_SIZES = (2, 16, 256, 4096)


class LabError(Exception):
    """A part of the laboratory cannot be had; the message says why."""


def call(*command, **kwargs):
    """Runs a command; raises LabError with what it complained of."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, **kwargs)
    except OSError as error:
        raise LabError(f"{command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"'{' '.join(command)}' did not end within a minute") from error
    if done.returncode != 0:
        raise LabError(f"'{' '.join(command)}': {(done.stderr or done.stdout).strip()}")
    return done.stdout


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class Lab:
    """Builds parts on first use and remembers those that failed.

    Each part is a method that returns a dictionary of ends for limpet-load, by name.
    """

    def __init__(self, build, privileged):
        self.build = build
        self.privileged = privileged
        self.limpetd = None
        self.parts = {}
        self.missing = {}
        self.stack = contextlib.ExitStack()
        self.directory = self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="limpet-bench-", ignore_cleanup_errors=True)
        )

    def __enter__(self):
        if self.privileged:
            self.enter_namespace()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def enter_namespace(self):
        """Makes the namespaces of this process usable, and quiet."""
        call("mount", "-t", "sysfs", "sysfs", "/sys")
        call("mount", "-t", "tmpfs", "-o", "mode=755", "limpet-bench", self.directory)
        self.stack.callback(call, "umount", "-l", self.directory)
        call("ip", "link", "set", "lo", "up")
        for scope in ("all", "default"):
            with contextlib.suppress(OSError):  # a kernel without IPv6 is as quiet
                write(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6", "1")
        # As systemd sets it on every machine it boots; new namespaces start with 10.
        write("/proc/sys/net/unix/max_dgram_qlen", "512")

    def part(self, name):
        """The ends of a part; raises LabError, always the same, if it cannot be had."""
        if name in self.missing:
            raise LabError(self.missing[name])
        if name not in self.parts:
            try:
                make, _, size = name.partition(" of ")
                self.parts[name] = getattr(self, f"make_{make}")(*map(int, size.split()))
            except LabError as error:
                self.missing[name] = str(error)
                raise
        return self.parts[name]

    def need_root(self, what):
        if not self.privileged:
            raise LabError(f"{what} needs root")

    def add_veth(self, name):
        """Two devices joined by a wire: NAME0 and NAME1, both up."""
        self.need_root("a veth pair")
        call("ip", "link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1")
        for device in (f"{name}0", f"{name}1"):
            call("ip", "link", "set", device, "up")

    # The floor: nothing between the two ends, or nothing but a wire.

    def make_pairs(self):
        return {"stream": "stream:-", "dgram": "dgram:-"}

    def make_veth(self):
        self.add_veth("bare")
        return {
            "a": f"packet:bare0,mac={MAC_A}",
            "wire": f"packet:bare1,mac={MAC_WIRE}",
        }

    # The kernel's macvtap.

    def make_macvtap(self):
        self.need_root("the kernel's macvtap")
        self.add_veth("kern")
        ends = {"wire": f"packet:kern1,mac={MAC_WIRE}"}
        for name, mac in (("a", MAC_A), ("b", MAC_B)):
            device = f"kern-{name}"
            call("ip", "link", "add", "link", "kern0", "name", device, "address", mac,
                 "type", "macvtap", "mode", "bridge")
            call("ip", "link", "set", device, "up")
            ends[name] = f"tap:{self.make_node(device)},mac={mac}"
        return ends

    def make_node(self, device):
        """The character device is named by an index that other namespaces use as well."""
        with open(f"/sys/class/net/{device}/ifindex", encoding="ascii") as file:
            tap = f"/sys/class/net/{device}/tap{file.read().strip()}"
        with open(f"{tap}/dev", encoding="ascii") as file:
            major, minor = map(int, file.read().split(":"))
        path = os.path.join(self.directory, device)
        os.mknod(path, 0o600 | 0o020000, os.makedev(major, minor))
        return path

    # Limpet.

    @property
    def runtime(self):
        return os.path.join(self.directory, "run")

    def make_daemon(self):
        program = os.path.join(self.build, "limpetd")
        if not os.access(program, os.X_OK):
            raise LabError(f"there is no {program}")
        os.mkdir(self.runtime)
        notify = os.path.join(self.directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(notify)
            log = open(os.path.join(self.directory, "limpetd.log"), "wb+")
            self.limpetd = subprocess.Popen(
                [program, "--runtime-dir", self.runtime],
                stdout=log, stderr=log, env={**os.environ, "NOTIFY_SOCKET": notify})
            self.stack.callback(self.stop_daemon)
            self.await_ready(ready, log)
        return {}

    def await_ready(self, ready, log):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.limpetd.poll() is None:
            if select.select([ready], [], [], 0.05)[0] and b"READY=1" in ready.recv(4096):
                return
        log.seek(0)
        raise LabError(f"limpetd did not get ready: {log.read().decode(errors='replace').strip()}")

    def stop_daemon(self):
        self.limpetd.terminate()
        try:
            self.limpetd.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.limpetd.kill()
            self.limpetd.wait()

    def limpet(self, lines):
        """Has 'limpet' carry out lines of commands."""
        self.part("daemon")
        batch = os.path.join(self.directory, "batch")
        write(batch, "".join(line + "\n" for line in lines))
        call(os.path.join(self.build, "limpet"), "--runtime-dir", self.runtime, "-batch", batch)

    def endpoint(self, name, kind, mac):
        return f"{kind}:{self.runtime}/{name}/{kind}.sock,mac={mac}"

    @staticmethod
    def add_endpoint(lower, name, mac):
        return [
            f"link add link {lower} name {name} address {mac} type macvtap mode bridge",
            f"link set {name} up",
        ]

    def add_guests(self, lower, prefix):
        """Guests a and b of both kinds of socket on 'lower'; returns their ends."""
        ends, lines = {}, []
        for number, kind in enumerate(("stream", "dgram")):
            for guest in "ab":
                mac = f"52:54:00:00:{number:02x}:0{guest}"
                name = f"{prefix}-{kind[0]}{guest}"
                lines += self.add_endpoint(lower, name, mac)
                ends[f"{kind} {guest}"] = self.endpoint(name, kind, mac)
        self.limpet(lines)
        return ends

    def make_limpet(self):
        self.limpet(["link add lan0 type dummy"])
        return self.add_guests("lan0", "lan")

    def make_packet(self):
        self.add_veth("limp")
        ends = self.add_guests("limp0", "wire")
        return {**ends, "wire": f"packet:limp1,mac={MAC_WIRE}"}

    def make_hub(self, size):
        """A pair among 'size' endpoints; the others have nobody attached."""
        lower = f"hub{size}"
        lines = [f"link add {lower} type dummy"]
        for i in range(size - 2):
            mac = f"52:54:01:{i >> 16:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"
            lines += self.add_endpoint(lower, f"{lower}-{i}", mac)
        for guest, mac in (("a", MAC_A), ("b", MAC_B)):
            lines += self.add_endpoint(lower, f"{lower}-{guest}", mac)
        self.limpet(lines)
        return {
            "a": self.endpoint(f"{lower}-a", "stream", MAC_A),
            "b": self.endpoint(f"{lower}-b", "stream", MAC_B),
        }

