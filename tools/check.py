#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The gate: builds Limpet with both compilers and runs every test there is.

Each step is a command that prints TAP, a meson test run, or a pytest run; what
it prints goes to build-check/LOG, and a failure is shown with the end of that
log. The last line counts single tests: `N passed, N failed, N skipped`.

usage: check.py [STEP...]     (all steps, or those named; --list lists them)
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build-check"
GCC = OUT / "gcc"
CLANG = OUT / "clang-asan"
SUITES = ["unit", "sim", "conform", "fuzz", "system"]

# Leaks are errors too; a sanitizer's report ends the program it is about.
SANITIZE = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


class Count:
    """Passed, failed and skipped tests."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count_tap(text):
    count = Count()
    for line in text.splitlines():
        match = re.match(r"(not )?ok\b[^#]*(# *skip)?", line.strip(), re.I)
        if not match:
            continue
        if match[2]:
            count.skipped += 1
        elif match[1]:
            count.failed += 1
        else:
            count.passed += 1
    return count


def run(log, command, **kwargs):
    """Runs a command with its output in a log; returns exit code and output."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{log}.log"
    with open(path, "wb") as output:
        code = subprocess.run([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=output, stderr=subprocess.STDOUT, check=False,
                              **kwargs).returncode
    return code, path.read_text(errors="replace")


def tap_step(log, *command):
    code, text = run(log, command, env=dict(os.environ, **SANITIZE))
    count = count_tap(text)
    # A program that dies, or says nothing, has failed whatever it counted.
    if (code != 0 and count.failed == 0) or count.passed + count.failed + count.skipped == 0:
        count.failed += 1
    return count


def build_step(log, directory, compiler, *options):
    environment = dict(os.environ, CC=compiler)
    if not (directory / "build.ninja").exists():
        code, _ = run(log, ["meson", "setup", directory, "-Dwerror=true", *options],
                      env=environment)
        if code:
            return Count(failed=1)
    code, text = run(log, ["ninja", "-C", directory])
    return Count(failed=1) if code or "warning:" in text else Count(passed=1)


def meson_step(log, directory, suites):
    words = [word for suite in suites for word in ("--suite", suite)]
    code, _ = run(log, ["meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs",
                        "--logbase", log, *words], env=dict(os.environ, **SANITIZE))
    count = Count()
    for line in (directory / "meson-logs" / f"{log}.json").read_text().splitlines():
        test = json.loads(line)
        single = count_tap(test.get("stdout", ""))
        if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and single.failed == 0:
            single.failed += 1
        elif single.passed + single.failed + single.skipped == 0:
            single = Count(skipped=1) if test["result"] == "SKIP" else Count(passed=1)
        count += single
    if code and count.failed == 0:
        count.failed += 1
    return count


def pytest_step(log, directory, tests="tests/system"):
    report = OUT / f"{log}.xml"
    report.unlink(missing_ok=True)
    code, _ = run(log, ["/usr/bin/python3", "-B", "-m", "pytest", "-p", "no:cacheprovider", "-ra",
                        f"--junitxml={report}", tests],
                  env=dict(os.environ, LIMPET_BUILD=str(directory), **SANITIZE))
    if not report.exists():
        return Count(failed=1)
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total, failed, skipped = (int(suite.get(name)) for name in ("tests", "failures", "skipped"))
    failed += int(suite.get("errors"))
    if code and not failed:
        failed = 1
    return Count(total - failed - skipped, failed, skipped)


def format_step(log):
    files = sorted(path for pattern in ("src/*/*.[ch]", "tests/**/*.[ch]")
                   for path in ROOT.glob(pattern))
    code, _ = run(log, ["clang-format-14", "--dry-run", "--Werror", *files])
    return Count(failed=1) if code else Count(passed=1)


def tidy_step(log):
    # Tests, and what only they link, are left out: half the time, and their
    # tables provoke false alarms.
    for_tests = ("_test", "test_script", "model_driver", "superframe")
    files = sorted(path for path in ROOT.glob("src/*/*.c") if not path.stem.endswith(for_tests))
    code, _ = run(log, ["run-clang-tidy-14", "-quiet", "-p", CLANG, "-j", str(os.cpu_count()),
                        *files])
    return Count(failed=1) if code else Count(passed=1)


STEPS = {
    "layers": lambda log: tap_step(log, "tools/layers.py"),
    "format": format_step,
    "headers": lambda log: tap_step(log, "tools/headers.py", "gcc"),
    "build-gcc": lambda log: build_step(log, GCC, "gcc"),
    "build-clang": lambda log: build_step(log, CLANG, "clang-14", "-Db_lundef=false",
                                          "-Db_sanitize=address,undefined"),
    "tidy": tidy_step,
    # The load generators test themselves by traffic in real time: one at a
    # time, and not under the sanitizers.
    "tests-gcc": lambda log: meson_step(log, GCC, SUITES + ["bench"]),
    "tests-clang": lambda log: meson_step(log, CLANG, SUITES),
    "system-gcc": lambda log: pytest_step(log, GCC),
    "system-clang": lambda log: pytest_step(log, CLANG),
    "demo": lambda log: pytest_step(log, GCC, "demo"),
    "oracle": lambda log: tap_step(log, "/usr/bin/python3", "-B", "tests/oracle/oracle.py",
                                   "--runs", "500", "--build", GCC),
    # The same texts for the sanitizers; what the kernel does is known by now.
    "oracle-clang": lambda log: tap_step(log, "/usr/bin/python3", "-B", "tests/oracle/oracle.py",
                                         "--runs", "300", "--seed", "1001", "--only", "limpet",
                                         "--build", CLANG),
}


def main():
    names = sys.argv[1:]
    if names == ["--list"]:
        print("\n".join(STEPS))
        return
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        sys.exit(f"check: there is no step '{unknown[0]}'; --list lists them")

    total = Count()
    for name in names or STEPS:
        start = time.monotonic()
        count = STEPS[name](name)
        total += count
        print(f"{name:12} {count} ({time.monotonic() - start:.0f} s)", flush=True)
        if count.failed:
            tail = (OUT / f"{name}.log").read_text(errors="replace").splitlines()[-60:]
            print("\n".join(f"    {line}" for line in tail), flush=True)
            print(f"    (all of it: build-check/{name}.log)", flush=True)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    sys.exit(total.failed > 0)


if __name__ == "__main__":
    main()
