# SPDX-License-Identifier: GPL-2.0-or-later
"""A limpetd that runs for one test, and the limpet that talks to it."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time

BUILD = pathlib.Path(os.environ.get("LIMPET_BUILD", pathlib.Path(__file__).parents[2] / "build"))
DEADLINE_S = 10


def wait_until(condition, what):
    """Returns the first true value of condition(); fails after DEADLINE_S."""
    end = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {DEADLINE_S} s in vain until {what}")
        time.sleep(0.02)


class Limpet:
    """The program, with its --runtime-dir; 'prefix' runs it elsewhere."""

    def __init__(self, runtime_dir, prefix=(), pid=None):
        self.pid = pid  # of the daemon
        self.runtime_dir = pathlib.Path(runtime_dir)
        self.command = [*prefix, str(BUILD / "limpet"), "--runtime-dir", str(runtime_dir)]

    def run(self, *words, stdin=None):
        """Returns the finished process: returncode, stdout, stderr."""
        return subprocess.run([*self.command, *words], input=stdin, text=True,
                              stdin=subprocess.DEVNULL if stdin is None else None,
                              capture_output=True, timeout=DEADLINE_S, check=False)

    def __call__(self, line):
        """Runs the words of 'line', which has to succeed; returns what it printed."""
        done = self.run(*line.split())
        assert (done.returncode, done.stderr) == (0, ""), f"limpet {line}: {done}"
        return done.stdout


@contextlib.contextmanager
def limpetd(runtime_dir, prefix=()):
    """Starts a daemon, waits until it is ready, and stops it at the end."""
    path = str(runtime_dir) + ".notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(DEADLINE_S)
        daemon = subprocess.Popen(
            [*prefix, str(BUILD / "limpetd"), "--runtime-dir", str(runtime_dir)],
            stdin=subprocess.DEVNULL, env={**os.environ, "NOTIFY_SOCKET": path})
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
            yield Limpet(runtime_dir, prefix, daemon.pid)
        finally:
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(DEADLINE_S)
            finally:
                daemon.kill()
                os.unlink(path)
    assert daemon.returncode == 0
