# SPDX-License-Identifier: GPL-2.0-or-later
"""One small QEMU guest, and commands run inside it.

The guest's second serial line is a unix socket with ./init's agent at the other end;
the first one is its console, logged to a file. A guest does not start running before
somebody is connected to the agent's line, so that its greeting cannot be missed.

    with Guest("g1", directory, account, machine, nic_args) as guest:
        guest.wait_ready()
        status, text = guest.run("ip address")
"""

import dataclasses
import pathlib
import socket
import subprocess
import time

from .account import kvm_groups

QEMU = "qemu-system-x86_64"
# Under emulation these save about a second of boot; the guests are not worth attacking.
KERNEL_WORDS = "quiet panic=-1 mitigations=off ipv6.disable=1"


class GuestError(Exception):
    """A guest did not do its part; the text names it and where its console is."""


@dataclasses.dataclass
class Machine:
    """What all guests have in common."""

    kernel: pathlib.Path
    initramfs: pathlib.Path
    accel: str
    memory_mib: int = 96

    def argv(self, kernel_words):
        """QEMU's arguments for such a machine, without devices."""
        return [
            QEMU, "-accel", self.accel, "-m", str(self.memory_mib), *self._quirks(),
            "-kernel", str(self.kernel), "-initrd", str(self.initramfs),
            "-append", f"{KERNEL_WORDS} {kernel_words}",
        ]

    def _quirks(self):
        """QEMU 7.2 crashes when vhost-user meets MSI-X under emulation."""
        return ["-global", "virtio-net-pci.vectors=0"] if self.accel == "tcg" else []


class Guest:
    def __init__(self, name, directory, account, machine, nic_args=(), orphan=False):
        """Starts guest 'name' with QEMU's arguments 'nic_args' (one list for all NICs) as
        'account'. Its socket and logs go to 'directory', which is made if need be.
        'orphan': the guest may outlive this process.
        """
        self.name = name
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        account.own(self.directory)
        self.console = self.directory / "console.log"
        self._socket_path = self.directory / "agent.sock"
        self._line = None
        self._answers = None
        self._last_id = 0
        argv = [
            *machine.argv("console=ttyS0 agent=ttyS1"),
            "-name", name, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-global", "virtio-net-pci.romfile=",
            "-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console",
            "-chardev", f"socket,id=agent,path={self._socket_path},server=on,wait=on",
            "-serial", "chardev:agent", *nic_args,
        ]
        groups = kvm_groups() if machine.accel == "kvm" else ()
        self.process = account.start(argv, self.directory / "qemu.log", orphan, groups)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_ready(self, timeout=90):
        """Waits until the agent greets."""
        deadline = time.monotonic() + timeout
        self._connect(deadline)
        if self._answer(deadline)[0] != "ready":
            raise GuestError(f"guest {self.name} greeted with nonsense; see {self.directory}")

    def run(self, command, timeout=60):
        """Runs one line of shell in the guest; returns (exit status, what it wrote)."""
        assert "\n" not in command
        self._last_id += 1
        self._line.sendall(f"{self._last_id} {command}\n".encode())
        answer_id, status, text = self._answer(time.monotonic() + timeout, command)
        assert answer_id == str(self._last_id)
        return status, text

    def check(self, command, timeout=60):
        """As run(), but a command that fails is a GuestError; returns what it wrote."""
        status, text = self.run(command, timeout)
        if status != 0:
            raise GuestError(f"guest {self.name}: '{command}' exits {status}: {text.strip()}")
        return text

    def stop(self):
        """Ends the guest at once; there is nothing in it to save."""
        self.process.kill()
        self.process.wait()
        # Only now: a thread that still waits for an answer holds the reader's lock.
        if self._line:
            self._line.close()
        if self._answers:
            self._answers.close()

    def _connect(self, deadline):
        self._line = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._line.connect(str(self._socket_path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                self._check_alive()
                if time.monotonic() > deadline:
                    raise GuestError(f"guest {self.name}: QEMU opens no socket; see "
                                     f"{self.directory}/qemu.log") from None
                time.sleep(0.01)  # polled: nothing announces a new socket
        self._answers = self._line.makefile("rb")

    def _answer(self, deadline, command="its start"):
        """Reads one answer; returns (id, exit status, text)."""
        self._line.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            answer_id, status, size = self._answers.readline().split()
            text = self._answers.read(int(size))
        except (TimeoutError, ValueError, ConnectionError) as failure:
            self._check_alive()
            raise GuestError(f"guest {self.name} does not answer to {command} "
                             f"({failure or 'line closed'}); see {self.console}") from None
        return answer_id.decode(), int(status), text.decode(errors="replace")

    def _check_alive(self):
        try:
            # A moment, because its sockets close shortly before it ends.
            status = self.process.wait(0.2 if self._answers else 0)
        except subprocess.TimeoutExpired:
            return
        log = self.directory / "qemu.log"
        last_words = log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise GuestError(f"guest {self.name}: QEMU ended with status {status}; see {log}, which "
                         f"ends with: {last_words}")
