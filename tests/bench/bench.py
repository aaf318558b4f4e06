# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench: what Limpet carries, beside the kernel's macvtap in the same run.

All systems are set up at once and measured in turn, several rounds, in an order
that rotates: on a virtual machine figures taken minutes apart do not compare,
because the hypervisor moves the virtual CPUs about and everything between two of
them then costs several times as much. So each run also says how far apart they
were, a run that was disturbed is repeated, and what counts are ratios of runs of
the same round.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import subprocess
import sys
import time

import cases as sockets
import vhost
from command import LabError
from lab import Lab, enter_namespace
from report import Report

RETRIES = 2
BUDGET_SECONDS = 270  # for the whole: repeats that would make it longer are left out
OTHERS_MAX = 0.1  # of a CPU that others took, or the run is called disturbed
MOVED = 1.5  # the two CPUs' distance changed by this factor


MARKERS = {"sockets": "bench", "vhost": "bench vhost"}  # in docs/performance.md

UNSHARE = ["unshare", "--net", "--mount", "--"]


class Clock:
    """Time left for repeats, given out evenly over all runs."""

    def __init__(self, runs):
        self.start = time.monotonic()
        self.runs = runs
        self.done = 0

    def may_repeat(self):
        return time.monotonic() - self.start < BUDGET_SECONDS * (self.done + 1) / self.runs


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", choices=("sockets", "vhost"), default="sockets",
                        help="the sockets beside macvtap, or vhost-user beside other switches; "
                             "default sockets")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--seconds", type=float, default=0.4, help="of each run, default 0.4")
    parser.add_argument("--only", metavar="TEXT", action="append", default=[],
                        help="only cases with TEXT in PATH/MEASURE/SYSTEM; may be repeated")
    parser.add_argument("--before", metavar="DIR",
                        help="also measure DIR/limpetd, and compare Limpet with that")
    parser.add_argument("--list", action="store_true", help="list the cases and stop")
    parser.add_argument("--docs", action="store_true", help="also update docs/performance.md")
    parser.add_argument("--build", default="build", help=argparse.SUPPRESS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.before and arguments.what == "vhost":
        parser.error("--before is for sockets")
    return arguments


def may_unshare():
    """Root in a container often may not make namespaces and devices."""
    return os.geteuid() == 0 and subprocess.run([*UNSHARE, "true"], check=False,
                                                stderr=subprocess.DEVNULL).returncode == 0


def enter_namespaces():
    """Starts over in namespaces of our own; they vanish with the last process in them."""
    os.execvp("unshare", [*UNSHARE, sys.executable, *sys.argv, "--inside"])


@contextlib.contextmanager
def precedence():
    """Root's runs go before everybody else's, who would disturb them."""
    autogroup = "/proc/self/autogroup"  # where it exists, nice only counts within a session
    try:
        with open(autogroup, encoding="ascii") as file:
            before = file.read().split()[-1]
        set_text(autogroup, "-20")
    except OSError:
        before = None
    os.nice(-20)
    try:
        yield
    finally:
        if before is not None:
            set_text(autogroup, before)


def set_text(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def chosen(case, only):
    return not only or any(text in case.name for text in only)


def command(build, case, part, cpus, seconds):
    """The generator's command of a case."""
    if isinstance(case.measure, vhost.FrontMeasure):
        return vhost.command(build, case, part, cpus, seconds)
    system, measure, ends = case.system, case.measure, part.ends
    vnet = ",vnet" if measure.vnet else ""
    args = [os.path.join(build, "tests/bench/limpet-load"), *measure.args,
            "--threads", str(measure.threads), "--seconds", str(seconds),
            "--cpus", ",".join(map(str, cpus))]
    if part.daemon:
        args += ["--switch", str(part.daemon.pid)]
    return [*args, ends[system.source] + system.options + vnet, ends[system.sink] + vnet]


def run_once(labs, case, cpus, seconds):
    """With one generator thread the switch has the other CPU; with two it has to find time."""
    part = labs[case.system.before].part(case.system.part)
    if part.daemon:
        alone = case.measure.threads == 1 and cpus[1] >= 0
        part.daemon.place({cpus[1]} if alone else os.sched_getaffinity(0))
    args = command(labs[False].build, case, part, cpus, seconds)
    try:
        done = subprocess.run(args, capture_output=True, text=True, timeout=seconds + 20)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{case.name}: the generator did not end") from error
    if done.returncode != 0:
        raise LabError(f"{case.name}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def is_disturbed(result):
    before, after = result["distance_ns"]
    moved = max(before, after) > MOVED * min(before, after)
    cpu = result["cpu"]
    # Others may have what we leave; and where we wait, it may be for each other.
    taken = min(cpu["others"], cpu["waited"]) + cpu["steal"]
    return moved or taken > OTHERS_MAX * result["seconds"]


def run(labs, case, cpus, seconds, clock):
    """The first run that was not disturbed, or the one others disturbed least."""
    results = []
    while not results or (results[-1]["disturbed"] and len(results) <= RETRIES
                          and clock.may_repeat()):
        results.append(run_once(labs, case, cpus, seconds))
        results[-1]["disturbed"] = is_disturbed(results[-1])
    return min(results, key=lambda result: (result["disturbed"], result["cpu"]["others"]))


def rotated(cases, number, rounds):
    """Another order for each round."""
    shift = number * len(cases) // max(rounds, 1)
    return cases[shift:] + cases[:shift]


def conditions(arguments, cpus):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    commit = subprocess.run(["git", "describe", "--always"], capture_output=True, text=True,
                            check=False)
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "src"], check=False)
    return {
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() + (", changed" if changed.returncode else ""),
        "kernel": platform.release(),
        "cpu": f"{os.cpu_count()} x {models[0] if models else platform.machine()}",
        "cpus": cpus,
        "load": os.getloadavg()[0],
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "privileged": arguments.inside,
    }


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def measure_all(labs, cases, arguments, cpus, report):
    clock = Clock(arguments.rounds * len(cases))
    for number in range(arguments.rounds):
        for case in rotated(cases, number, arguments.rounds):
            progress(f"round {number + 1} of {arguments.rounds}, run {clock.done + 1} of "
                     f"{clock.runs}: {case.name}")
            try:
                report.add(number, case, run(labs, case, cpus, arguments.seconds, clock))
            except LabError as error:
                report.fail(case, str(error))
            clock.done += 1
    progress("")


def main():
    arguments = parse_arguments()
    all_cases = vhost.all_cases if arguments.what == "vhost" else sockets.all_cases
    cases = [case for case in all_cases(arguments.before) if chosen(case, arguments.only)]
    if arguments.list:
        print("\n".join(case.name for case in cases))
        return 0
    if not cases:
        sys.exit("bench: no case has that in its name; --list shows them")

    if not arguments.inside and may_unshare():
        enter_namespaces()

    cpus = (sorted(os.sched_getaffinity(0)) + [-1])[:2]
    report = Report(cases, conditions(arguments, cpus))
    with contextlib.ExitStack() as stack:
        if arguments.inside:
            stack.enter_context(precedence())
            enter_namespace()
        if arguments.what == "vhost":
            lab = vhost.VhostLab(arguments.build, arguments.inside, cpus, cases)
        else:
            lab = Lab(arguments.build, arguments.inside)
        labs = {False: stack.enter_context(lab)}
        if arguments.before:
            labs[True] = stack.enter_context(Lab(arguments.before, arguments.inside, "was-"))
        try:
            measure_all(labs, cases, arguments, cpus, report)
        except KeyboardInterrupt:
            print("\nbench: interrupted; this is what there is", file=sys.stderr)
    print(report.text())
    try:
        path = report.save(os.path.join(arguments.build, "bench"))
        report.draw(path.replace(".jsonl", ".svg"))
        print(f"a plot: {path.replace('.jsonl', '.svg')}")
        print(f"every run: {path}")
        if arguments.docs:
            report.update_document("docs/performance.md", MARKERS[arguments.what])
    except OSError as error:
        sys.exit(f"bench: cannot write '{error.filename}': {error.strerror}")
    return 0


sys.exit(main())
