# SPDX-License-Identifier: GPL-2.0-or-later
"""limpetd forwards between vhost-user guests, and not an octet is lost or changed.

limpet-front plays the guests, with every kind of ring. Frames that limpetd drops
because a guest gave no buffers have to be the ones it counted.
Usage: limpetd_test.py PATH-OF-LIMPET-FRONT BUILD-DIRECTORY
"""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from limpetd import Limpetd  # noqa: E402

FRONT, BUILD = sys.argv[1:]
BRIEF = ["--seconds", "0.3", "--warm-up", "0.01", "--verify", "--pages", "4k"]
WINDOW = ["--window", "32"]
SUPER = ["--size", "65214", "--gso", "1448", "--window", "8"]
MAC = {"g0": "52:54:00:00:00:0a", "g1": "52:54:00:00:00:0b"}


class Hub:
    """A limpetd with two endpoints; each test has one of its own."""

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.daemon = Limpetd(BUILD, self.directory.name)
        lines = ["link add lan0 type dummy"]
        for name, mac in MAC.items():
            lines += [f"link add link lan0 name {name} address {mac} type macvtap mode bridge",
                      f"link set {name} up"]
        self.daemon.limpet(lines)
        return self

    def __exit__(self, *_):
        self.daemon.stop()
        self.directory.cleanup()

    def front(self, options_a, options_b, *args):
        a, b = (self.daemon.end(name, "vhost", mac) for name, mac in MAC.items())
        done = subprocess.run([FRONT, *BRIEF, *args, a + options_a, b + options_b],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (options_a, options_b, args, done.stderr)
        result = json.loads(done.stdout)
        context = options_a, options_b, args, result
        assert result["received"] > 0, context
        for key in ("damaged", "reordered", "foreign", "unmarked"):
            assert result[key] == 0, (key, context)
        return result

    def dropped(self):
        """How many frames the daemon says it did not deliver."""
        shown = subprocess.run(
            [os.path.join(BUILD, "limpet"), "--runtime-dir", self.daemon.runtime, "-j", "-d", "-s",
             "link", "show"], capture_output=True, text=True, check=True)
        return sum(sum(link["limpet"]["drops"][way].values())
                   for link in json.loads(shown.stdout) if link["ifname"] in MAC
                   for way in ("in", "out"))


def check_all(hub, pairs, *args):
    for options_a, options_b in pairs:
        result = hub.front(options_a, options_b, *args)
        assert result["lost"] == 0, (options_a, options_b, result)


def every_kind_of_ring_carries_frames_whole():
    kinds = ("", ",packed", ",noevent", ",packed,noevent", ",mrg,slot=500", ",packed,mrg,slot=128")
    with Hub() as hub:
        for size in ("64", "1514"):
            check_all(hub, [(a, b) for a in kinds for b in kinds[:2]], "--size", size, *WINDOW)


def chains_and_tables_are_gathered():
    with Hub() as hub:
        check_all(hub, [(a + more, b) for a in ("", ",packed") for b in ("", ",packed")
                        for more in (",part=100", ",part=100,indirect", ",part=7,indirect",
                                     ",part=13,size=1024")],
                  "--size", "1514", "--both", *WINDOW)


def small_and_odd_rings_wrap():
    with Hub() as hub:
        check_all(hub, [(",size=2", ",size=2"), (",packed,size=3", ",packed,size=7"),
                        (",size=4,part=40", ",packed,size=61,part=40")], "--window", "2")


def super_frames_pass_whole():
    merged = ",mrg,slot=4096"
    with Hub() as hub:
        check_all(hub, [(merged + ",part=4096", merged), (",packed,part=4096", ",packed" + merged),
                        (merged + ",part=4096,indirect", ",packed"), ("", "")], *SUPER)
        check_all(hub, [(merged, merged)], "--both", *SUPER)


def bursts_arrive_as_a_whole():
    with Hub() as hub:
        for options in ("", ",packed", ",mrg,slot=500"):
            hub.front(options, options, "--size", "1514", "--bursts", "--window", "64")


def several_queues_are_served():
    with Hub() as hub:
        for options in (",queues=4", ",queues=4,packed"):
            result = hub.front(options, options, *WINDOW)
            assert result["lost"] == 0 and min(result["lanes"]) > 0, result


def what_is_lost_was_counted():
    with Hub() as hub:
        result = hub.front("", ",size=8", "--size", "1514")
        before = hub.dropped()
        assert result["lost"] <= before, (result, before)
        assert before > 0, "256 frames at once fit into 8 buffers?"


def frames_come_back():
    with Hub() as hub:
        for options in ("", ",packed", ",noevent"):
            for sleep in ([], ["--sleep"]):
                args = ["--latency", *sleep]
                a, b = (hub.daemon.end(name, "vhost", mac) for name, mac in MAC.items())
                done = subprocess.run([FRONT, *BRIEF, *args, a + options, b + options],
                                      capture_output=True, text=True, timeout=60)
                assert done.returncode == 0, done.stderr
                result = json.loads(done.stdout)
                assert result["samples"] > 0, (options, sleep, result)
                assert result["lost"] == result["late"] == 0, (options, sleep, result)


TESTS = [
    every_kind_of_ring_carries_frames_whole,
    chains_and_tables_are_gathered,
    small_and_odd_rings_wrap,
    super_frames_pass_whole,
    bursts_arrive_as_a_whole,
    several_queues_are_served,
    what_is_lost_was_counted,
    frames_come_back,
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
