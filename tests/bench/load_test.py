# SPDX-License-Identifier: GPL-2.0-or-later
"""limpet-load must count right, or no figure means anything.

It runs for a moment over socketpairs, and over a relay made here that loses and
damages a known number of frames. Usage: load_test.py PATH-OF-LIMPET-LOAD
"""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

LOAD = sys.argv[1]
BRIEF = ["--seconds", "0.05", "--warm-up", "0.01", "--quiet", "2", "--verify"]


def load(*args):
    """Runs limpet-load; returns its exit code, its result and what it complained of."""
    done = subprocess.run([LOAD, *BRIEF, *args], capture_output=True, text=True, timeout=30)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def is_hello(frame):
    """The frames that only open the path are not counted."""
    return frame[22:30] == b"\xff" * 8


class Relay:
    """Two listening stream sockets and what connects them.

    'fate' gets each frame from the first to the second and returns what goes on.
    """

    def __init__(self, directory, fate):
        self.paths = [os.path.join(directory, name) for name in ("a", "b")]
        self.fate = fate
        self.listeners = []
        for path in self.paths:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen()
            self.listeners.append(listener)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        a, b = (listener.accept()[0] for listener in self.listeners)
        threading.Thread(target=self.carry, args=(b, a, lambda frame: frame), daemon=True).start()
        self.carry(a, b, self.fate)

    @staticmethod
    def carry(source, sink, fate):
        reader = source.makefile("rb")
        with contextlib.suppress(OSError):  # limpet-load is done and gone
            while len(header := reader.read(4)) == 4:
                frame = fate(reader.read(struct.unpack(">I", header)[0]))
                if frame is not None:
                    sink.sendall(struct.pack(">I", len(frame)) + frame)


def over_relay(fate, *args):
    with tempfile.TemporaryDirectory() as directory:
        relay = Relay(directory, fate)
        return load(*args, *(f"stream:{path}" for path in relay.paths))


def over_pairs(*args):
    for kind in ("stream", "dgram"):
        for threads in ("1", "2"):
            code, result, _ = load(*args, "--threads", threads, f"{kind}:-", f"{kind}:-")
            assert code == 0
            yield result


def throughput_over_a_socketpair_loses_nothing():
    for size in ("60", "1514", "69632"):
        for result in over_pairs("--size", size):
            assert result["total_sent"] > 0, result
            assert result["lost"] == result["damaged"] == result["reordered"] == 0, result


def frames_written_together_all_arrive():
    code, result, _ = load("stream:-,batch=32", "stream:-")
    assert code == 0 and result["total_sent"] > 0, result
    assert result["lost"] == result["damaged"] == 0, result


def latency_is_measured_and_ordered():
    for result in over_pairs("--latency"):
        assert result["samples"] > 0 and result["lost"] == 0, result
        assert 0 < result["min_ns"] <= result["p50_ns"] <= result["p99_ns"], result


def every_lost_frame_is_missed():
    seen = {"frames": 0, "lost": 0}

    def lose_one_in_ten(frame):
        seen["frames"] += not is_hello(frame)
        if seen["frames"] % 10 == 9:
            seen["lost"] += 1
            return None
        return frame

    code, result, _ = over_relay(lose_one_in_ten)
    assert code == 0 and seen["lost"] > 0
    assert result["lost"] == seen["lost"], (result, seen)


def every_damaged_frame_is_noticed():
    seen = {"frames": 0, "damaged": 0}

    def damage_one_in_ten(frame):
        seen["frames"] += not is_hello(frame)
        if seen["frames"] % 10 == 9:
            seen["damaged"] += 1
            return frame[:-1] + bytes([frame[-1] ^ 1])
        return frame

    code, result, _ = over_relay(damage_one_in_ten)
    assert code == 0 and seen["damaged"] > 0
    assert result["damaged"] == seen["damaged"] and result["lost"] == 0, (result, seen)


def a_path_that_carries_nothing_is_an_error():
    code, result, complaint = over_relay(lambda frame: None)
    assert code == 1 and not result
    assert "no frame came through" in complaint, complaint


def nonsense_is_refused_with_a_sentence():
    for args, word in (
        (["nothing"], "two ends"),
        (["quark:x", "stream:-"], "quark"),
        (["stream:-", "dgram:-"], "'-'"),
        (["stream:-,batch=0", "stream:-"], "batch=0"),
        (["--size", "8", "stream:-", "stream:-"], "8 octets"),
        (["stream:/does/not/exist", "stream:/nor/does/this"], "/does/not/exist"),
    ):
        code, _, complaint = load(*args)
        assert code == 1 and word in complaint, (args, complaint)


TESTS = [
    throughput_over_a_socketpair_loses_nothing,
    frames_written_together_all_arrive,
    latency_is_measured_and_ordered,
    every_lost_frame_is_missed,
    every_damaged_frame_is_noticed,
    a_path_that_carries_nothing_is_an_error,
    nonsense_is_refused_with_a_sentence,
]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        verdict = "ok"
        try:
            test()
        except Exception as error:  # whatever it is, the other tests still count
            failed += 1
            verdict = "not ok"
            print(f"# {type(error).__name__}: {error}")
        print(f"{verdict} {number} - {test.__name__.replace('_', ' ')}", flush=True)
    return 1 if failed else 0


sys.exit(main())
