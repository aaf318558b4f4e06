# SPDX-License-Identifier: GPL-2.0-or-later
"""limpetd as a test runs it: started when it says so, watched, stopped and judged.

A daemon that ends otherwise than asked, leaves a socket behind, or has a
sanitizer's report in its log fails the test it ran for.
"""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile

from control import Control
from waiting import DEADLINE_S, wait_until

BUILD = pathlib.Path(os.environ.get("LIMPET_BUILD", pathlib.Path(__file__).parents[2] / "build"))
NOBODY = 65534

REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: \w+Sanitizer|Assertion .* failed")


def is_sanitized():
    """Sanitizers take memory and time of their own."""
    return b"__asan_init" in (BUILD / "limpetd").read_bytes()


@contextlib.contextmanager
def place_for(user=None):
    """A directory that 'user' owns. With a short name, for a socket's path has 107
    characters, and in memory as /run is: making thousands of sockets takes time.
    """
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else "/tmp"
    place = pathlib.Path(tempfile.mkdtemp(prefix="limpet-", dir=where))
    try:
        place.chmod(0o755)
        if user is not None:
            os.chown(place, user, user)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Daemon:
    """One limpetd, ready. Its runtime directory and its log are in the directory
    'place', and so are peers' sockets. 'prefix' are words before its command, 'limits' are
    resource limits, 'enter' is called in the new process. With 'session' it finds
    its runtime directory by itself, as for a user's session.
    """

    def __init__(self, place, *, prefix=(), program=BUILD / "limpetd", limits=(),
                 enter=None, session=False):
        self.place = place
        self.runtime_dir = place / ("limpet" if session else "run")
        options = [] if session else ["--runtime-dir", str(self.runtime_dir)]
        self.command = [*prefix, str(program), *options]
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(place)}
        self.environment.pop("PYTEST_CURRENT_TEST", None)  # which can be too long
        self.limits, self.enter = limits, enter
        self.log_path = place / "log"
        self.start()

    def start(self):
        """Starts it, again if it was killed; returns when it says that it is ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            path = self.place / "notify.sock"
            path.unlink(missing_ok=True)
            notify.bind(str(path))
            path.chmod(0o777)
            notify.settimeout(0.1)
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**self.environment, "NOTIFY_SOCKET": str(path)},
                    preexec_fn=self.prepare)
            wait_until(lambda: self.is_ready(notify), "limpetd says READY=1")
        self.pid = self.process.pid
        self.control = self.connect()
        assert not self.control.links()

    def prepare(self):
        """In the child, before limpetd is there."""
        for name, limit in self.limits:
            resource.setrlimit(name, (limit, limit))
        if self.enter:
            self.enter()

    def is_ready(self, notify):
        assert self.process.poll() is None, f"limpetd did not start:\n{self.log()}"
        try:
            return b"READY=1" in notify.recv(4096)
        except TimeoutError:
            return False

    def connect(self):
        return Control(self.runtime_dir / "control.sock")

    def socket_path(self, name, kind="stream"):
        return str(self.runtime_dir / name / f"{kind}.sock")

    def log(self):
        return self.log_path.read_text(errors="replace")

    # What it costs.

    def status(self, field):
        """A field of /proc/PID/status, as text."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return re.search(rf"^{field}:\s*(.*)$", text, re.M)[1]

    def status_kib(self, field):
        return int(self.status(field).split()[0])

    def rss_kib(self):
        return self.status_kib("VmRSS")

    def cpu_ticks(self):
        """Of all its threads, since the start."""
        stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        return sum(map(int, stat.rpartition(")")[2].split()[11:13]))

    def cpu_seconds(self):
        return self.cpu_ticks() / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    # The end.

    def stop(self):
        """Asks it to end, and judges how it did."""
        assert self.process.poll() is None, f"limpetd is gone:\n{self.log()}"
        self.process.send_signal(signal.SIGTERM)
        self.control.close()
        try:
            code = self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()
        assert code == 0, f"limpetd ended with {code}:\n{self.log()}"
        assert not REPORT.search(self.log()), self.log()
        assert not list(self.runtime_dir.iterdir())

    def kill(self):
        """Ends it without asking, if it has not ended."""
        self.control.close()
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(user=None, capabilities=(), **options):
    """A daemon for a with statement: as this user, or as 'user', which needs root,
    with these capabilities and no other.
    """
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(place_for(user))
        if user is not None:
            # The build may lie where others cannot go.
            programs = stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp"))
            os.chmod(programs, 0o755)
            options["program"] = shutil.copy2(BUILD / "limpetd", programs)
            options["prefix"] = become(user, capabilities)
        daemon = Daemon(place, **options)
        stack.callback(daemon.kill)
        yield daemon
        daemon.stop()


def become(user, capabilities=()):
    """The command that makes another one run as 'user' with these capabilities."""
    caps = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
            f"--inh-caps={caps}", f"--ambient-caps={caps}", f"--bounding-set={caps}"]
