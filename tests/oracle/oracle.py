# SPDX-License-Identifier: GPL-2.0-or-later
"""The oracle: the same scenarios on the kernel's macvtap and on Limpet.

    /usr/bin/python3 tests/oracle/oracle.py [--runs N] [--seed S] [--build DIR]
                                            [--replay FILE] [--only kernel|limpet]

Plays the specification's tables (matrix.py), the texts in scenarios/ and N random
scenarios (chance.py), and writes TAP. What does not agree is printed as a text,
reduced to the steps that matter; --replay plays it again. Needs root, for network
namespaces; without it everything is skipped. README.md has the whole story.
"""

import argparse
import os
import pathlib
import sys
import tempfile

import chance
import control
import matrix
import scenario as language
from driver import Stuck
from frame import address_text
from kernel import KernelDriver
from limpet import LimpetDriver
from netlink import Netlink
import namespace

HERE = pathlib.Path(__file__).parent
RUNS_PER_LINE = 50  # random scenarios that share a line of TAP


class Mismatch(Exception):
    """Somebody got, or was told, what they should not have."""


def show_part(part):
    lines = []
    for who, frames in sorted(part.items()):
        for data in frames:
            to, source = address_text(data[0:6]), address_text(data[6:12])
            lines.append(f"    {who:5} {len(data)} bytes {to} < {source} {data[12:40].hex()}")
    return lines


def show(title, outcome):
    lines = [f"  {title}: {outcome.verdict}"] + show_part(outcome.arrivals)
    if outcome.reflected:
        lines += ["   then, reflected:"] + show_part(outcome.reflected)
    return "\n".join(lines)


def check_text(step, driver, outcome):
    """An 'expect' in the text speaks of the kernel."""
    if step.expect is None:
        return
    got = outcome.verdict if isinstance(step.expect, str) else outcome.who()
    if got != step.expect:
        raise Mismatch(show(f"'{step.line}' is not what {driver.name} did", outcome))


def check(step, driver, outcome, expected, against):
    ordered = len({who for who, _ in step.sends}) <= 1
    if outcome.normal(ordered) != expected.normal(ordered):
        raise Mismatch("\n".join((f"after '{step.line}':", show(driver.name, outcome),
                                  show(against, expected))))


class Stage:
    """The drivers, side by side."""

    def __init__(self, drivers):
        self.drivers = drivers
        self.intended = 0  # steps after which Limpet differs as differences.md says
        self.failures = []  # texts of what did not agree

    def begin(self):
        for driver in self.drivers:
            driver.begin()

    def play_step(self, step):
        laws = []
        for driver in self.drivers:
            outcome, expected = driver.play(step)
            if driver.name == "kernel":
                check_text(step, driver, outcome)
            check(step, driver, outcome, expected, driver.against)
            laws.append(expected.normal())
        self.intended += any(law != laws[0] for law in laws)

    def play(self, scenario):
        """Returns what did not agree, or None."""
        try:
            self.begin()
            for step in scenario.steps:
                self.play_step(step)
            for driver in self.drivers:
                left = driver.finish()
                if left.arrivals:
                    raise Mismatch(show(f"{driver.name}, after the last step", left))
        except (Mismatch, Stuck, OSError) as problem:
            return str(problem) or repr(problem)
        return None

    def minimise(self, scenario):
        """Drops what can be dropped while something is left that does not agree.
        Returns the rest, and what does not agree about it.
        """
        problem = self.play(scenario)
        at = len(scenario.steps)
        while problem and at > 0:
            at -= 1
            for fewer in scenario.without(at):
                if new := self.play(fewer):
                    scenario, problem = fewer, new
                    break
        return scenario, problem

    def close(self):
        """Returns what did not want to end, or None."""
        problem = None
        for driver in self.drivers:
            try:
                driver.close()
            except (Stuck, OSError) as trouble:
                problem = str(trouble)
        return problem


class Tap:
    """What the tests say: https://testanything.org."""

    def __init__(self):
        self.count = self.failed = 0

    def line(self, good, title, comment=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {title.replace('#', '')}")
        for line in comment.rstrip().split("\n") if comment else ():
            print(f"# {line}")
        sys.stdout.flush()

    def skip(self, why):
        self.count += 1
        print(f"ok {self.count} - the kernel and Limpet agree # SKIP {why}")

    def end(self):
        print(f"1..{self.count}")


def report(stage, scenario, problem):
    """What to print about a scenario that fails: the least of it that still does.
    What an 'expect' says holds for the whole only, so these are left out.
    """
    smaller, why = stage.minimise(language.parse(scenario.text(expect=False))[0])
    text = smaller.text() if why else scenario.text()
    stage.failures.append(text)
    return f"{why or problem}\nin this scenario:\n{text}"


def play_fixed(stage, tap, scenarios):
    for scenario in scenarios:
        problem = stage.play(scenario)
        tap.line(not problem, scenario.title, problem and report(stage, scenario, problem))


def play_commands(options, stage, tap):
    stage.begin()
    kernel, limpet = stage.drivers
    sides = (control.Side(["ip"], kernel.lower),
             control.Side([options.build / "limpet", "--runtime-dir", limpet.runtime],
                          limpet.lower))
    groups = control.parse((HERE / "scenarios" / "commands.txt").read_text(encoding="utf-8"))
    groups += [(f"random lines {seed}", chance.commands(seed))
               for seed in range(options.seed, options.seed + options.runs, RUNS_PER_LINE)]
    for title, lines in groups:
        problem = control.play(sides, lines)
        tap.line(not problem, f"ip and limpet: {title}", problem)
    for side in sides:
        side.clear()


def play_random(stage, tap, seed, runs):
    for first in range(seed, seed + runs, RUNS_PER_LINE):
        last = min(first + RUNS_PER_LINE, seed + runs)
        comment = ""
        for number in range(first, last):
            scenario = language.parse(chance.text(number))[0]
            problem = stage.play(scenario)
            if problem:
                comment += report(stage, scenario, problem)
        tap.line(not comment, f"random scenarios {first} to {last - 1}", comment)


def arguments():
    parser = argparse.ArgumentParser(description="compare Limpet with the kernel's macvtap")
    parser.add_argument("--runs", type=int, default=500, help="how many random scenarios")
    parser.add_argument("--seed", type=int, default=1, help="of the first random scenario")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent.parent / "build",
                        help="where limpetd and limpet are")
    parser.add_argument("--replay", type=pathlib.Path, help="play this file, and nothing else")
    parser.add_argument("--only", choices=("kernel", "limpet"), help="play on one of the two")
    return parser.parse_args()


def open_stage(options, scratch):
    undo_pinning = namespace.stay_on_one_cpu()
    netlink = Netlink()
    drivers = []
    if options.only != "limpet":
        drivers.append(KernelDriver(netlink, scratch))
    if options.only != "kernel":
        drivers.append(LimpetDriver(netlink, options.build, scratch, undo_pinning))
    return Stage(drivers)


def fixed_scenarios():
    found = language.parse(matrix.text(), "matrix.py")
    for path in sorted((HERE / "scenarios").glob("*.scn")):
        found += language.parse(path.read_text(encoding="utf-8"), path.name)
    return found


def play_all(options, tap):
    with tempfile.TemporaryDirectory(prefix="limpet-oracle.") as scratch:
        with namespace.entered(scratch):
            stage = open_stage(options, scratch)
            try:
                play_texts(options, stage, tap)
            finally:
                problem = stage.close()
            tap.line(not problem, "everything ends when it is told to", problem)
            keep_failures(options, stage)
            print(f"# steps with an intended difference: {stage.intended}")


def keep_failures(options, stage):
    """Puts what failed where --replay can find it."""
    if options.replay:
        return
    path = options.build / "oracle-failed.scn"
    path.unlink(missing_ok=True)
    if stage.failures and options.build.is_dir():
        path.write_text("\n".join(stage.failures), encoding="utf-8")
        print(f"# to see what failed again: ./run oracle --replay {os.path.relpath(path)}")


def play_texts(options, stage, tap):
    if options.replay:
        text = options.replay.read_text(encoding="utf-8")
        play_fixed(stage, tap, language.parse(text, options.replay.name))
    else:
        play_fixed(stage, tap, fixed_scenarios())
        if not options.only:
            play_commands(options, stage, tap)
        play_random(stage, tap, options.seed, options.runs)


def main():
    options = arguments()
    tap = Tap()
    if options.only != "kernel" and not (options.build / "limpetd").exists():
        print(f"Bail out! there is no {options.build}/limpetd; './run build' makes it")
        return 1
    try:
        play_all(options, tap)
    except namespace.Unable as problem:
        tap.skip(problem)
    tap.end()
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
