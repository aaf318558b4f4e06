# SPDX-License-Identifier: GPL-2.0-or-later
"""The same command lines for ip(8) on the kernel's macvtap and for limpet(8).

After each line both have to agree on whether it was carried out, and their
'-j -d link show' on every endpoint there is: name, address, MTU, state, mode,
flags, source list, queue lengths. Which errno a refusal has is compared where
it can be seen, below the command line (scenarios/refusals.scn).
"""

import json
import pathlib
import subprocess

FIELDS = ("link", "mtu", "txqlen", "ifalias", "min_mtu", "max_mtu")


def parse(text):
    """Groups of lines: [(title, [line, ...])]."""
    groups = []
    for line in text.split("\n"):
        if line.startswith("commands "):
            groups.append((line.partition(" ")[2], []))
        elif line and not line.startswith("#"):
            groups[-1][1].append(line)
    return groups


class Side:
    """A tool and the lower it works on."""

    def __init__(self, tool, lower):
        self.name = pathlib.Path(tool[0]).name
        self.tool, self.lower = [str(word) for word in tool], lower

    def run(self, line):
        """Returns whether the tool did it, and what it said."""
        words = [self.lower if word == "LOWER" else word for word in line.split()]
        done = subprocess.run(self.tool + words, check=False, capture_output=True, text=True)
        return done.returncode == 0, done.stderr.strip()

    def shown(self):
        """Every endpoint, by name."""
        text = subprocess.run([*self.tool, "-j", "-d", "link", "show", "type", "macvtap"],
                              check=True, capture_output=True, text=True).stdout
        return {link["ifname"]: self.comparable(link) for link in json.loads(text or "[]") if link}

    def comparable(self, link):
        seen = {field: link.get(field) for field in FIELDS}
        seen["link"] = "LOWER" if seen["link"] == self.lower else seen["link"]
        seen["address"] = link["address"]
        seen["up"] = "UP" in link["flags"]
        seen.update(link["linkinfo"]["info_data"])
        if "macaddr_data" in seen:  # listed in the order of a hash table (R1.52)
            seen["macaddr_data"] = sorted(seen["macaddr_data"])
        return seen

    def clear(self):
        for name in self.shown():
            self.run(f"link del dev {name}")


def without_random(shown, lines):
    """Hides the addresses that nobody named, which the tools made up."""
    text = " ".join(lines)
    for link in shown.values():
        if link["address"] not in text and link["mode"] != "passthru":
            link["address"] = "random"
    return shown


def play(sides, lines):
    """Returns what did not agree, or None."""
    for side in sides:
        side.clear()
    for number, line in enumerate(lines):
        problem = play_line(sides, line, lines)
        if problem:
            return "\n".join([problem, "the lines before it:", *lines[:number]])
    return None


def play_line(sides, line, lines):
    did = [side.run(line) for side in sides]
    if did[0][0] != did[1][0]:
        return f"'{line}'\n" + "\n".join(
            f"  {side.name}: {'done' if good else 'refused'}: {said}"
            for side, (good, said) in zip(sides, did))
    shown = [without_random(side.shown(), lines) for side in sides]
    if shown[0] != shown[1]:
        return f"after '{line}'\n" + "\n".join(
            f"  {side.name}: {links}" for side, links in zip(sides, shown))
    return None
