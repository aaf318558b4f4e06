# SPDX-License-Identifier: GPL-2.0-or-later
"""One limpetd with a runtime directory of its own."""

import os
import select
import socket
import subprocess
import time

from command import LabError, call

SECONDS = 20  # to start, and to stop


class Limpetd:
    def __init__(self, build, directory):
        """Starts limpetd and waits until it says that it is ready."""
        self.build = build
        self.directory = directory
        self.runtime = os.path.join(directory, "run")
        os.makedirs(self.runtime)
        notify = os.path.join(directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(notify)
            self.log = open(os.path.join(directory, "log"), "wb+")
            try:
                self.process = subprocess.Popen(
                    [os.path.join(build, "limpetd"), "--runtime-dir", self.runtime],
                    stdout=self.log, stderr=self.log, env={**os.environ, "NOTIFY_SOCKET": notify})
            except OSError as error:
                raise LabError(f"cannot start {build}/limpetd: {error.strerror}") from error
            self.await_ready(ready)

    @property
    def pid(self):
        return self.process.pid

    def await_ready(self, ready):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if select.select([ready], [], [], 0.05)[0] and b"READY=1" in ready.recv(4096):
                return
        self.stop()
        self.log.seek(0)
        complaint = self.log.read().decode(errors="replace").strip()
        raise LabError(f"limpetd did not get ready: {complaint}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def limpet(self, lines):
        """Has 'limpet' carry out lines of commands."""
        batch = os.path.join(self.directory, "batch")
        with open(batch, "w", encoding="ascii") as file:
            file.writelines(line + "\n" for line in lines)
        call(os.path.join(self.build, "limpet"), "--runtime-dir", self.runtime, "-batch", batch)

    def place(self, cpus):
        """Ties all its threads to 'cpus'."""
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            os.sched_setaffinity(int(thread), cpus)

    def end(self, name, kind, mac):
        """An endpoint's socket, as limpet-load wants it."""
        return f"{kind}:{self.runtime}/{name}/{kind}.sock,mac={mac}"
