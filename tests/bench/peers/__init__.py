# SPDX-License-Identifier: GPL-2.0-or-later
"""The switches people would use instead of Limpet, one file each.

A peer starts in its constructor, ready when that returns, in a directory of its
own; it raises LabError with the reason if it cannot be had. It then has 'pid',
the process that forwards, and 'ends', two guests for limpet-front. Peers poll
without end, so they are stopped (SIGSTOP) while others are measured: the CPU is
theirs only in their own turn.
"""

import os
import shutil
import signal
import subprocess
import time

from command import LabError

SECONDS = 30  # to start, and to stop


def need(program, package):
    """The program's path; LabError if its package is missing."""
    path = shutil.which(program)
    if not path:
        raise LabError(f"{program} is missing: install {package}, or use './run bench vhost'")
    return path


def await_that(condition, what, process):
    """Waits until 'condition' holds; LabError if 'process' ends or it takes too long."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if process.poll() is not None:
            raise LabError(f"{what}: it ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {SECONDS} s")
        time.sleep(0.05)


class Peer:
    """Processes, the last of which forwards."""

    def __init__(self, directory):
        os.makedirs(directory)
        self.directory = directory
        self.processes = []
        self.ends = {}

    @property
    def pid(self):
        return self.processes[-1].pid

    def start(self, name, command, **kwargs):
        """Starts a process with its output in a log of that name."""
        with open(os.path.join(self.directory, f"{name}.log"), "wb") as log:
            try:
                process = subprocess.Popen(command, stdout=log, stderr=log, **kwargs)
            except OSError as error:
                raise LabError(f"cannot start {command[0]}: {error.strerror}") from error
        self.processes.append(process)
        return process

    def log(self, name):
        with open(os.path.join(self.directory, f"{name}.log"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def place(self, cpus):
        """Peers were told where to run when they were started."""

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def stop(self):
        """The one that forwards first; harmless twice."""
        while self.processes:
            process = self.processes.pop()
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
