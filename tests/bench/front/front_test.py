# SPDX-License-Identifier: GPL-2.0-or-later
"""limpet-front must drive rings by the book and count right, or no figure means anything.

It talks through a toy switch that loses, damages and repeats a known number of
frames. Usage: front_test.py PATH-OF-LIMPET-FRONT
"""

import json
import subprocess
import sys
import tempfile
import unittest.mock

from toy_switch import HEADER, Ring, ToySwitch

FRONT = sys.argv[1]
BRIEF = ["--seconds", "0.2", "--warm-up", "0.01", "--verify", "--pages", "4k", "--window", "16"]
STAMP_SEQ = HEADER + 14 + 8


def front(*args):
    """Runs limpet-front; returns its exit code, its result and what it complained of."""
    done = subprocess.run([FRONT, *BRIEF, *args], capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def through(options_a="", options_b="", *args, fate=lambda frame: [frame]):
    with tempfile.TemporaryDirectory() as directory:
        switch = ToySwitch(directory, fate)
        a, b = (f"vhost:{path}" for path in switch.paths)
        try:
            return front(*args, f"{a},mac=02:00:00:00:00:0a{options_a}",
                         f"{b},mac=02:00:00:00:00:0b{options_b}")
        finally:
            switch.stop()


def is_hello(frame):
    """The frames that only open the path are not counted."""
    return frame[STAMP_SEQ:STAMP_SEQ + 8] == b"\xff" * 8


def expect_clean(code, result, complaint):
    assert code == 0, complaint
    assert result["total_sent"] > 0, result  # ... and none of them is lost
    for key in ("lost", "damaged", "reordered", "foreign", "unmarked"):
        assert result[key] == 0, (key, result)


def all_kinds_of_rings_carry_frames_whole():
    for options in ("", ",packed"):
        for more in ("", ",part=100", ",part=100,indirect", ",mrg,slot=500", ",size=16",
                     ",mrg,slot=128,part=7,size=1024"):
            expect_clean(*through(options + more, options, "--size", "1514"))
            expect_clean(*through(options, options + more, "--size", "1514", "--both"))


def a_packed_ring_of_any_size_wraps():
    for size in ("3", "7", "61"):
        expect_clean(*through(f",packed,size={size},part=40", f",packed,size={size}"))


def several_queues_are_used():
    code, result, complaint = through(",queues=2", ",queues=2")
    expect_clean(code, result, complaint)
    assert len(result["lanes"]) == 2 and min(result["lanes"]) > 0, result


def super_frames_keep_their_header():
    sizes = ("--size", "65214", "--gso", "1448", "--slots", "4")
    for options in (",mrg,slot=4096,part=4096", ",packed,mrg,slot=4096", ",packed"):
        expect_clean(*through(options, options, *sizes))

    def strip(frame):
        return [frame if is_hello(frame) else bytes(HEADER) + frame[HEADER:]]

    code, result, _ = through(",mrg,slot=4096", ",mrg,slot=4096", *sizes, fate=strip)
    assert code == 0 and result["unmarked"] > 0 and result["damaged"] == 0, result


def latency_is_measured_and_ordered():
    code, result, complaint = through("", ",packed", "--latency")
    assert code == 0, complaint
    assert result["samples"] > 0 and result["lost"] == 0, result
    assert 0 < result["min_ns"] <= result["p50_ns"] <= result["p99_ns"], result


class OneInTen:
    """Has every tenth frame, and none before the path is open, share a fate."""

    def __init__(self, fate):
        self.fate, self.frames, self.count = fate, 0, 0

    def __call__(self, frame):
        if is_hello(frame):
            return [frame]
        self.frames += 1
        if self.frames % 10 != 5:
            return [frame]
        self.count += 1
        return self.fate(frame)


def every_lost_frame_is_missed():
    fate = OneInTen(lambda frame: [])
    code, result, _ = through(fate=fate)
    assert code == 0 and fate.count > 0
    assert result["lost"] == fate.count and result["damaged"] == 0, (result, fate.count)


def every_damaged_frame_is_noticed():
    for size, at in ((64, 63), (1514, 60), (1514, 700), (1514, 1513), (64, 3)):
        def damage(frame, at=HEADER + at):
            return [frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1:]]

        fate = OneInTen(damage)
        code, result, _ = through(",mrg,slot=600", ",mrg,slot=600", "--size", str(size), fate=fate)
        assert code == 0 and fate.count > 0
        assert result["damaged"] == fate.count and result["lost"] == 0, (size, at, result)


def a_frame_that_is_too_short_is_damaged():
    fate = OneInTen(lambda frame: [frame[:-1]])
    code, result, _ = through(fate=fate)
    assert code == 0 and result["damaged"] == fate.count > 0, result


def every_repeated_frame_is_noticed():
    fate = OneInTen(lambda frame: [frame, frame])
    code, result, _ = through(fate=fate)
    # The copy of the very last frame may come when nobody looks any more.
    assert code == 0 and fate.count - result["reordered"] in (0, 1), (result, fate.count)
    assert result["reordered"] > 0 and result["damaged"] == 0, result


def frames_of_others_are_foreign():
    fate = OneInTen(lambda frame: [frame, frame[:HEADER + 14] + bytes(50)])
    code, result, _ = through(fate=fate)
    assert code == 0 and result["foreign"] == fate.count > 0, result
    assert result["lost"] == result["damaged"] == 0, result


def a_switch_that_lies_breaks_the_ring():
    fate = OneInTen(lambda frame: [frame])
    give = Ring.give

    def give_what_it_never_had(self, used):
        number, length, count = used[0]
        give(self, [(number ^ 0x4000 if fate.count and length else number, length, count)])

    with unittest.mock.patch.object(Ring, "give", give_what_it_never_had):
        for options in ("", ",packed"):
            fate.count = 0
            code, _, complaint = through(options, options, fate=fate)
            assert code == 1 and "broke a ring" in complaint, complaint


def a_path_that_carries_nothing_is_an_error():
    code, result, complaint = through(fate=lambda frame: [])
    assert code == 1 and not result
    assert "came through" in complaint, complaint


def floors_need_no_switch():
    code, result, complaint = front("--floor", "copy", "--size", "1514", "vhost:a", "vhost:b")
    assert code == 0 and result["fps"] > 0, complaint
    code, result, complaint = front("--floor", "wake")
    assert code == 0 and result["p50_ns"] > 0, complaint


def nonsense_is_refused_with_a_sentence():
    for args, word in (
        (["nothing"], "pairs"),
        (["quark:x", "vhost:y"], "quark:x"),
        (["vhost:x,quark", "vhost:y"], "quark"),
        (["vhost:x,size=1", "vhost:y"], "size=1"),
        (["vhost:x,size=100", "vhost:y"], "power of two"),
        (["--size", "8", "vhost:x", "vhost:y"], "8"),
        (["vhost:/does/not/exist", "vhost:/nor/does/this"], "/does/not/exist"),
    ):
        code, _, complaint = front(*args)
        assert code == 1 and word in complaint, (args, complaint)


TESTS = [
    all_kinds_of_rings_carry_frames_whole,
    a_packed_ring_of_any_size_wraps,
    several_queues_are_used,
    super_frames_keep_their_header,
    latency_is_measured_and_ordered,
    every_lost_frame_is_missed,
    every_damaged_frame_is_noticed,
    a_frame_that_is_too_short_is_damaged,
    every_repeated_frame_is_noticed,
    frames_of_others_are_foreign,
    a_switch_that_lies_breaks_the_ring,
    a_path_that_carries_nothing_is_an_error,
    floors_need_no_switch,
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
