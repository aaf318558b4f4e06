# SPDX-License-Identifier: GPL-2.0-or-later
"""A limpetd in a directory of its own, run by an ordinary user, and `limpet` to talk to it."""

import json
import pathlib
import shlex
import shutil
import subprocess
import time

READY_SECONDS = 10


class NetworkError(Exception):
    """limpetd or limpet did not do what was asked; the text is theirs where they gave one."""


class Network:
    """A running limpetd. Programs are taken from 'build_dir'; everything it makes is below
    'directory', the runtime directory being 'directory'/run.
    """

    def __init__(self, build_dir, directory, account, orphan=False):
        self.runtime_dir = pathlib.Path(directory) / "run"
        self.log = pathlib.Path(directory) / "limpetd.log"
        self._account = account
        # Root's own directories are often closed to others, so a clone in there is too:
        # whoever root hands the programs to gets copies.
        self._programs = pathlib.Path(build_dir)
        if account.dropped:
            self._programs = pathlib.Path(directory) / "bin"
            self._programs.mkdir()
            for name in ("limpetd", "limpet"):
                shutil.copy(pathlib.Path(build_dir) / name, self._programs / name)

        self.runtime_dir.mkdir(mode=0o700)
        account.own(self.runtime_dir)
        self.daemon = account.start(self._argv("limpetd"), self.log, orphan)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_ready(self):
        """Waits for the control socket, which is there once limpetd can be told things."""
        deadline = time.monotonic() + READY_SECONDS
        while not (self.runtime_dir / "control.sock").exists():
            if self.daemon.poll() is not None:
                raise NetworkError(f"limpetd ended with status {self.daemon.returncode}: "
                                   f"{self.log.read_text().strip()}")
            if time.monotonic() > deadline:
                raise NetworkError(f"limpetd is not ready after {READY_SECONDS} s; see {self.log}")
            time.sleep(0.01)

    def stop(self):
        """Stops limpetd; raises NetworkError if it does not end cleanly by itself."""
        self.daemon.terminate()
        try:
            status = self.daemon.wait(5)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
            raise NetworkError(f"limpetd did not stop within 5 s of SIGTERM; see {self.log}") \
                from None
        if status != 0:
            raise NetworkError(f"limpetd ended with status {status}; see {self.log}")

    def run(self, command):
        """Runs `limpet` with the words of 'command'; returns the CompletedProcess."""
        try:
            return self._account.run([*self._argv("limpet"), *shlex.split(command)])
        except subprocess.TimeoutExpired as expired:
            raise NetworkError(f"'limpet {command}' did not end within {expired.timeout} s; see "
                               f"{self.log}") from None

    def limpet(self, command):
        """As run(), but a refusal is a NetworkError; returns what limpet wrote."""
        done = self.run(command)
        if done.returncode != 0:
            raise NetworkError(f"'limpet {command}' exits {done.returncode}: "
                               f"{(done.stderr or done.stdout).strip()}")
        return done.stdout

    def links(self):
        """Everything `limpet -j -d -s link show` says, by name."""
        return {link["ifname"]: link for link in json.loads(self.limpet("-j -d -s link show"))}

    def qemu_args(self, machine, *names, way="vhost"):
        """QEMU's arguments for a guest with a NIC on each endpoint of 'names', as `limpet
        qemu` gives them; 'way' is "vhost" or "stream".
        """
        words = f"qemu {' '.join(names)} memory {machine.memory_mib}M {way}"
        return shlex.split(self.limpet(words))

    def _argv(self, program):
        return [str(self._programs / program), "--runtime-dir", str(self.runtime_dir)]
