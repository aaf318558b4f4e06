# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench has to go on working while what it drives changes.

A round of a few very short runs, whose figures nobody looks at: are all of them
there, did frames arrive, and unharmed? Usage: bench_test.py BENCH.PY BUILD-DIRECTORY
"""

import json
import os
import subprocess
import sys

BENCH, BUILD = sys.argv[1:]
CASES = ["to guest/64/limpet", "to wire/64/limpet", "to guest/rtt/limpet", "/rtt/kernel",
         "to guest/64x2/no switch"]


def main():
    only = [argument for case in CASES for argument in ("--only", case)]
    done = subprocess.run(
        [sys.executable, BENCH, "--build", BUILD, "--rounds", "1", "--seconds", "0.02", *only],
        capture_output=True, text=True, timeout=100)
    print(done.stdout, done.stderr)
    assert done.returncode == 0

    path = done.stdout.rsplit("every run: ", 1)[1].strip()
    with open(path, encoding="utf-8") as file:
        first, *runs = map(json.loads, file)
    os.unlink(path)
    conditions = first["conditions"]
    if conditions["privileged"]:
        assert "skipped" not in done.stdout
    assert any(run["system"].startswith("limpet") for run in runs)
    for run in runs:
        assert run.get("total_sent", 0) - run["lost"] + run.get("samples", 0) > 0, run
        assert run["damaged"] == run["reordered"] == 0, run


main()
