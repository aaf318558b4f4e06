# SPDX-License-Identifier: GPL-2.0-or-later
"""A limpetd that runs for one test, and the limpet that talks to it."""

import contextlib
import pathlib
import subprocess

from daemon import BUILD, Daemon
from waiting import DEADLINE_S, wait_until

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
    """Runs a daemon whose runtime directory is called 'run'; it has to end well."""
    runtime_dir = pathlib.Path(runtime_dir)
    daemon = Daemon(runtime_dir.parent, prefix=prefix)
    assert daemon.runtime_dir == runtime_dir
    try:
        yield Limpet(runtime_dir, prefix, daemon.pid)
        daemon.stop()
    finally:
        daemon.kill()
