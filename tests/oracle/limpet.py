# SPDX-License-Identifier: GPL-2.0-or-later
"""limpetd with a network device as the lower, its endpoints on stream.sock.

Changes go straight to the control socket (src/proto/io.limpet.varlink): that
answers with the errno's name, and needs no process for each of them.
"""

import json
import os
import signal
import socket
import struct
import subprocess

import namespace
from differences import LimpetLaw
from driver import DEADLINE_S, Driver, Stuck, wait_until
from frame import address, address_text
from law import forwards, socket_sends


class Refused(Exception):
    """The daemon said no; the text is the errno's name."""


class Control:
    """One connection to DIR/control.sock: JSON objects, each ended by a NUL."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(path)
        self.buffer = b""

    def close(self):
        self.socket.close()

    def call(self, method, **parameters):
        call = {"method": "io.limpet." + method, "parameters": parameters}
        self.socket.sendall(json.dumps(call).encode() + b"\0")
        while b"\0" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise Stuck("limpetd closed the control connection")
            self.buffer += more
        reply, _, self.buffer = self.buffer.partition(b"\0")
        reply = json.loads(reply)
        if reply.get("error") == "io.limpet.Refused":
            raise Refused(reply["parameters"]["errno"])
        if "error" in reply:
            raise Stuck(f"limpetd did not understand {call}: {reply}")
        return reply.get("parameters", {})

    def link(self, name):
        return self.call("List", name=name)["link"]


class Stream:
    """A peer of an endpoint's stream socket: each frame behind its length."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                               struct.pack("@ll", DEADLINE_S, 0))
        self.socket.connect(path)
        self.buffer = b""

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(struct.pack("!I", len(data)) + data)

    def drain(self):
        while True:
            try:
                more = self.socket.recv(1 << 18, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            if not more:
                raise Stuck("limpetd closed an endpoint's stream")
            self.buffer += more
        return list(self.frames())

    def frames(self):
        while len(self.buffer) >= 4:
            (length,) = struct.unpack_from("!I", self.buffer)
            if len(self.buffer) < 4 + length:
                return
            yield self.buffer[4 : 4 + length]
            self.buffer = self.buffer[4 + length :]


def start_daemon(build, runtime, log, undo_pinning):
    """Returns the running limpetd, once it says that it is ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        path = os.path.join(runtime, "notify.sock")
        notify.bind(path)
        notify.settimeout(DEADLINE_S)

        def before_exec():
            undo_pinning()
            namespace.die_with_parent()

        daemon = subprocess.Popen(
            [build / "limpetd", "--runtime-dir", runtime], stdin=subprocess.DEVNULL, stderr=log,
            env={**os.environ, "NOTIFY_SOCKET": path}, preexec_fn=before_exec)
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
        except TimeoutError:
            daemon.kill()
            raise
        finally:
            os.unlink(path)
    return daemon


class LimpetDriver(Driver):
    name = "limpet"
    against = "the specification and docs/differences.md"

    def __init__(self, netlink, build, scratch, undo_pinning):
        super().__init__(LimpetLaw(), netlink, "low1", "wire1")
        self.runtime = os.path.join(scratch, "limpet")
        os.mkdir(self.runtime)
        self.wanted = {}  # who -> entered(who), once all they sent is through
        self.log = open(os.path.join(scratch, "limpetd.log"), "a+b")
        self.start = lambda: start_daemon(build, self.runtime, self.log, undo_pinning)
        self.open()

    def open(self):
        self.daemon = self.start()
        self.control = Control(os.path.join(self.runtime, "control.sock"))

    def begin(self):
        """Goes on with a new daemon where a scenario was the end of the last."""
        if self.daemon.poll() is not None:
            self.law.reset()
            self.open()
        super().begin()
        self.wanted = {}

    def play(self, step):
        try:
            return super().play(step)
        except OSError as problem:
            code = self.daemon.wait(DEADLINE_S)
            raise Stuck(f"limpetd ended with {code} at '{step.line}': {problem}\n"
                        f"{self.last_words()}") from problem

    def last_words(self):
        self.log.seek(0)
        return b"".join(self.log.readlines()[-30:]).decode(errors="replace")

    def close(self):
        super().close()
        self.control.close()
        self.daemon.send_signal(signal.SIGTERM)
        try:
            code = self.daemon.wait(DEADLINE_S)
        except subprocess.TimeoutExpired as late:
            self.daemon.kill()
            raise Stuck("limpetd does not end on SIGTERM") from late
        if code != 0:
            raise Stuck(f"limpetd ended with {code}:\n{self.last_words()}")

    # Changes.

    def apply(self, step):
        try:
            getattr(self, "do_" + step.verb)(step)
        except Refused as refused:
            return str(refused)
        return "ok"

    def do_add(self, step):
        options = step.options
        change = {"kind": "macvtap", "lower": self.lower, "mode": step.value,
                  "address": address_text(address(options.mac or step.name))}
        if options.mtu:
            change["mtu"] = options.mtu
        if options.flags:
            change["flags"] = list(options.flags)
        self.control.call("Add", name=step.name, change=change)

    def do_endpoint(self, step):
        self.do_add(step)
        if step.options.sources is not None:
            self.do_set(step.list_step())
        if not step.options.down:
            self.set(step.name, up=True)

    def do_del(self, step):
        self.control.call("Delete", name=step.name)

    def do_set(self, step):
        if step.what in ("up", "down"):
            self.set(step.name, up=step.what == "up")
        elif step.what == "mac":
            self.set(step.name, address=address_text(address(step.value)))
        elif step.what == "mtu":
            self.set(step.name, mtu=step.value)
        elif step.what == "mode":
            flags = step.options.flags
            named = {"flags": [f for f in flags if f != "null"]} if flags else {}
            self.set(step.name, kind="macvtap", mode=step.value, **named)
        else:
            self.set_list(step.name, step.value[0], map(address, step.value[1]))

    def set_list(self, name, verb, macs):
        self.set(name, kind="macvtap",
                 macaddr={"command": verb, "addresses": list(map(address_text, macs))})

    def set(self, name, **change):
        self.control.call("Set", name=name, change=change)

    def add_source(self, name, mac):
        self.set_list(name, "add", [mac])

    # Endpoints.

    def attach(self, name):
        stream = Stream(os.path.join(self.runtime, name, "stream.sock"))
        wait_until(lambda: self.control.link(name)["port"]["kind"] == "stream",
                   f"limpet: {name} does not accept its peer")
        return stream

    def clear(self):
        for name in self.law.endpoints:
            try:
                self.control.call("Delete", name=name)
            except Refused:
                pass  # where the scenario ended, Limpet and the law did not agree

    # Who cannot send markers: the daemon's counters say when their frames are through.

    def enter(self, who, data):
        if self.is_unmarked(who) and self.arrives(who, data):
            self.wanted.setdefault(who, self.entered(who))
            self.wanted[who] += 1
        super().enter(who, data)

    def is_unmarked(self, who):
        endpoints = self.law.endpoints
        if who == "wire":
            return endpoints and not any(e.up for e in endpoints.values())
        return who in endpoints and not (endpoints[who].up and self.law.lower_up)

    def arrives(self, who, data):
        return who != "wire" or (self.law.lower_up and socket_sends(data, self.law.wire_mtu)
                                 and forwards(data, self.law.lower_mtu))

    def flushed(self, who):
        if who in self.wanted:
            number = self.wanted.pop(who)
            wait_until(lambda: self.entered(who) >= number,
                       f"limpet: what {who} sent has been neither accepted nor dropped")

    def entered(self, who):
        """How many frames have come from somebody, accepted or dropped."""
        link = self.control.link(self.lower if who == "wire" else who)
        return link["rx" if who == "wire" else "tx"]["packets"] + sum(link["dropsIn"].values())

    # The lower. The daemon hears of it from the kernel, in its own time.

    def lower_changed(self, what):
        if self.law.endpoints:
            wait_until(self.lower_is_known, "limpet: what the lower is now is not shown")

    def lower_is_known(self):
        shown = self.control.link(self.lower)
        up = self.law.lower_up
        return (shown["address"], shown["mtu"], shown["up"], shown["carrier"]) == (
            address_text(self.law.lower_mac), self.law.lower_mtu, up, up)
