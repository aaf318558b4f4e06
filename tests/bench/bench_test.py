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
CASES = {
    "sockets": ["to guest/64/limpet", "to wire/64/limpet", "to guest/rtt/limpet", "/rtt/kernel",
                "to guest/64x2/no switch"],
    "vhost": ["/64/limpet", "/64k/limpet", "/64k/no switch", "/rtt/limpet", "/pairs/limpet, 10"],
}


def check(what, cases):
    only = [argument for case in cases for argument in ("--only", case)]
    done = subprocess.run(
        [sys.executable, BENCH, what, "--build", BUILD, "--rounds", "1", "--seconds", "0.02",
         *only], capture_output=True, text=True, timeout=100)
    print(done.stdout, done.stderr)
    assert done.returncode == 0

    path = done.stdout.rsplit("every run: ", 1)[1].strip()
    with open(path, encoding="utf-8") as file:
        first, *runs = map(json.loads, file)
    os.unlink(path)
    os.unlink(path.replace(".jsonl", ".svg"))
    conditions = first["conditions"]
    if conditions["privileged"]:
        assert "skipped" not in done.stdout
    assert any(run["system"].startswith("limpet") for run in runs)
    for run in runs:
        assert run.get("received", 0) + run.get("samples", 0) > 0, run
        assert run.get("damaged", 0) == run.get("reordered", 0) == 0, run


for name, names in CASES.items():
    check(name, names)
