#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The house plan, checked: which room may include which, and what a room may
not touch at all (docs/ARCHITECTURE.md has the same table for people).

An upward call fails to link; this says so earlier, with file and line. It also
checks that every source file carries its licence, that headers are guarded by
their path, and that atomics and logging stay in the rooms they belong to.

Prints TAP: one test for each rule.
"""
import pathlib
import re
import sys

# Room: the rooms it may use beside itself.
MAY_USE = {
    "base": "",
    "wire": "base",
    "fwd": "base wire",
    "virtio": "base wire",
    "port": "base wire virtio",
    "host": "base wire",
    "model": "base wire fwd",
    "path": "base wire fwd port",
    "proto": "base wire fwd model",
    "ctl": "base wire fwd virtio port host model path proto",
    "daemon": "base wire fwd virtio port host model path proto ctl",
    "cli": "base wire fwd model proto",
}

# Library header: the rooms that may include it.
LIBRARIES = {
    r"systemd/": "ctl daemon",
    r"jansson\.h": "proto cli",
    r"urcu": "path ctl",
    r"libmnl/|linux/rtnetlink|linux/netlink": "host",
    r"cap-ng\.h|seccomp\.h": "daemon",
}

# Pattern in code: the rooms (or room/file) that may have it, and why nobody else.
PATTERNS = {
    # bell shares a ring with the kernel, closer a flag with its thread.
    r"\b__atomic_|stdatomic\.h": (
        "path virtio port/bell ctl/closer", "atomics are in publication, counters and rings"),
    r"\blog_(line|limited)\(": ("ctl daemon", "a library returns; only ctl and daemon log"),
    r"\b_?exit\(": ("daemon cli", "nothing below main() ends the process"),
    r"\b(malloc|calloc|realloc|strdup|asprintf)\(": (
        "base fwd virtio port host model path proto ctl daemon cli", "wire is pure"),
    r"\b(socket|sendmsg|recvmsg|epoll_\w+|open)\(": (
        "port host path ctl daemon cli", "pure rooms make no system calls"),
}


def sources(root):
    for path in sorted(root.glob("src/*/*.[ch]")):
        yield path, path.parent.name, path.read_text()


def is_test(path):
    return path.stem.endswith("_test") or path.stem.startswith("superframe")


def without_comments(text):
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r"/\*.*?\*/", blank, text, flags=re.S)


def check_rooms(root):
    for path, room, text in sources(root):
        if room not in MAY_USE:
            yield f"{path}: there is no room '{room}' in the plan"
            continue
        allowed = set(MAY_USE[room].split()) | {room}
        for number, line in enumerate(text.splitlines(), 1):
            match = re.match(r'#include "([a-z]+)/', line)
            if match and match[1] in MAY_USE and match[1] not in allowed:
                yield f"{path}:{number}: {room} may not use {match[1]}"


def check_libraries(root):
    for path, room, text in sources(root):
        for number, line in enumerate(text.splitlines(), 1):
            match = re.match(r"#include <([^>]+)>", line)
            for pattern, rooms in LIBRARIES.items():
                if match and re.match(pattern, match[1]) and room not in rooms.split():
                    yield f"{path}:{number}: {room} may not use <{match[1]}>"


def check_patterns(root):
    for path, room, text in sources(root):
        if is_test(path):
            continue
        for number, line in enumerate(without_comments(text).splitlines(), 1):
            for pattern, (rooms, why) in PATTERNS.items():
                if re.search(pattern, line) and not {room, f"{room}/{path.stem}"} & set(rooms.split()):
                    yield f"{path}:{number}: {why}"


def check_licences(root):
    for pattern in ("src/*/*.[ch]", "tests/**/*.[ch]", "tests/**/*.py", "tools/*", "demo/*.py"):
        for path in sorted(root.glob(pattern)):
            if path.is_file() and "SPDX-License-Identifier" not in path.read_text()[:300]:
                yield f"{path}: no SPDX-License-Identifier line at the top"


def check_guards(root):
    for path, room, text in sources(root):
        guard = f"{room}_{path.stem}_H".upper().replace("-", "_")
        if path.suffix == ".h" and f"#ifndef {guard}\n#define {guard}\n" not in text:
            yield f"{path}: its guard is not {guard}"


def check_lengths(root):
    for path, _, text in sources(root):
        lines = text.count("\n")
        if lines > 900:
            yield f"{path}: {lines} lines; split it at 900"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    checks = [
        ("rooms use lower rooms only", check_rooms),
        ("libraries stay in their rooms", check_libraries),
        ("pure rooms stay pure", check_patterns),
        ("files carry their licence", check_licences),
        ("headers are guarded by their path", check_guards),
        ("files are short enough to be one idea", check_lengths),
    ]
    print(f"1..{len(checks)}")
    failed = 0
    for number, (what, check) in enumerate(checks, 1):
        found = list(check(root))
        failed += bool(found)
        for line in found:
            print(f"# {line}")
        print(f"{'not ok' if found else 'ok'} {number} - {what}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
