#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compiles every header of src/ alone, and twice: it includes what it needs,
and its guard works. Prints TAP, one test for each header.

usage: headers.py COMPILER [SOURCE-ROOT]
"""
import concurrent.futures
import pathlib
import subprocess
import sys


def compile_alone(compiler, root, header):
    include = f'#include "{header}"\n'
    return subprocess.run(
        [compiler, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
         "-I", root / "src", "-x", "c", "-"],
        input=include * 2 + "int dummy;\n", text=True, capture_output=True, check=False)


def main():
    compiler = sys.argv[1]
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ".")
    headers = sorted(path.relative_to(root / "src") for path in root.glob("src/*/*.h"))
    failed = 0

    print(f"1..{len(headers)}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda header: compile_alone(compiler, root, header), headers)
        for number, (header, result) in enumerate(zip(headers, results), 1):
            for line in result.stderr.splitlines():
                print(f"# {line}")
            failed += result.returncode != 0
            print(f"{'not ok' if result.returncode else 'ok'} {number} - {header} stands alone")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
