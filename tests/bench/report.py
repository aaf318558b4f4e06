# SPDX-License-Identifier: GPL-2.0-or-later
"""From runs to tables: medians, spreads, and ratios of runs of the same round."""

import collections
import itertools
import json
import os
import statistics
from dataclasses import replace

import plot

NEAR_FACTOR = 1.5  # runs are compared if the CPUs' distances differ by less


def spread(values, digits=3):
    """median [min .. max], with 'digits' significant digits."""
    low, middle, high = (format_number(f(values), digits)
                         for f in (min, statistics.median, max))
    return f"{middle:>6} [{low} .. {high}]"


def format_number(value, digits=3):
    """'digits' significant digits, never an exponent."""
    if value == 0:
        return "0"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:.{max(0, digits - whole)}f}"


def distance(result):
    return statistics.mean(result["distance_ns"])


def alike(a, b):
    """Were the two CPUs about as far apart in both runs?"""
    near, far = sorted((distance(a), distance(b)))
    return far <= NEAR_FACTOR * near or near == 0


class Report:
    """Collects results and prints them."""

    def __init__(self, cases, conditions):
        self.cases = cases
        self.conditions = conditions
        self.results = collections.defaultdict(dict)  # case -> round -> result
        self.failures = {}  # case -> sentence

    def add(self, number, case, result):
        self.results[case][number] = result

    def fail(self, case, sentence):
        self.failures[case] = sentence

    def all_results(self):
        return [result for rounds in self.results.values() for result in rounds.values()]

    # Figures

    def figures(self, case):
        measure = case.measure
        return [result[measure.key] * measure.scale for result in self.results[case].values()
                if measure.key in result]

    def ratios(self, case):
        """Of each round in which both ran while the CPUs were about as far apart."""
        key = case.measure.key
        base = replace(case, system=case.base)
        theirs = next((rounds for other, rounds in self.results.items()
                       if replace(other, base=case.base) == base), {})
        ours = self.results[case]
        if case.measure.inverse:
            ours, theirs = theirs, ours
        return [ours[number][key] / theirs[number][key] for number in ours
                if number in theirs and theirs[number].get(key)
                and key in ours[number] and alike(ours[number], theirs[number])]

    def processor(self, case):
        """Microseconds of all processors for a frame, and the switch's seconds for a gigabyte."""
        frame, gigabyte = [], []
        for result in self.results[case].values():
            frames = result["received"]
            if frames:
                cpu = result["cpu"]
                frame.append((cpu["load"] + cpu["switch"]) / frames * 1e6)
                gigabyte.append(cpu["switch"] / (frames * result["size"]) * 1e9)
        if not frame:
            return "", ""
        return (format_number(statistics.median(frame)),
                format_number(statistics.median(gigabyte)) if max(gigabyte) > 0 else "-")

    def lost(self, case):
        sent = sum(result["total_sent"] for result in self.results[case].values())
        lost = sum(result["lost"] for result in self.results[case].values())
        return "0" if not lost else f"{100 * lost / sent:.2g} %"

    # Tables

    def rows(self, cases):
        """A heading, and a row for each system that has figures; nothing if none has."""
        latency = cases[0].measure.better == "less"
        extra = ("p99",) if latency else ("us/frame", "s/GB", "lost")
        ratio = f"{cases[0].system.name} / it" if cases[0].measure.inverse else "ratio"
        heading = [("", "median [min .. max]", ratio, *extra)]
        rows = list(self.system_rows(cases, self.tail if latency else self.costs))
        return heading + rows if rows else []

    def tail(self, case):
        p99 = [result["p99_ns"] * case.measure.scale for result in self.results[case].values()]
        return (format_number(statistics.median(p99)),)

    def costs(self, case):
        return (*self.processor(case), self.lost(case))

    def system_rows(self, cases, extra):
        for case in cases:
            values = self.figures(case)
            if not values:
                continue
            ratios = [] if case.system == case.base else self.ratios(case)
            yield (case.system.name, spread(values), spread(ratios, 2) if ratios else "",
                   *extra(case))

    def groups(self):
        """(path, measure, cases), in the order of the cases."""
        def group(case):
            return case.path, case.measure

        for (path, measure), cases in itertools.groupby(self.cases, group):
            yield path, measure, list(cases)

    def text(self):
        lines = [self.describe_conditions(), ""]
        for path, measure, cases in self.groups():
            rows = self.rows(cases)
            if rows:
                title = f"{path}: {measure.title}, {measure.unit}"
                lines += [title, *self.align(rows), ""]
        return "\n".join([*lines, *self.describe_failures(), self.LEGEND])

    @staticmethod
    def align(rows):
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            cells = [cell.ljust(width) if index < 3 else cell.rjust(width)
                     for index, (cell, width) in enumerate(zip(row, widths))]
            yield "  " + "  ".join(cells).rstrip()

    LEGEND = """\
a / it:   the first line's figure to this one's, by round, as ratios are
ratio:    to the first line (Limpet, if measured twice: to the line before), by round, where
          the CPUs were as far apart
p99:      99 of 100 frames came back within this time; the median of the rounds
us/frame: processor time of generator and switch for a frame received
s/GB:     processor seconds of the switch's process for 10^9 bytes; - none"""

    def describe_conditions(self):
        it = self.conditions
        results = self.all_results()
        disturbed = sum(result["disturbed"] for result in results)
        distances = [distance(result) for result in results] or [0]
        return (f"Limpet {it['commit']}, {it['when']}, kernel {it['kernel']}, {it['cpu']}\n"
                f"{it['rounds']} rounds of {it['seconds']} s, load {it['load']:.2f} before; "
                f"{len(results)} runs, {disturbed} disturbed by others in spite of repeats\n"
                f"a cache line there and back between the two CPUs: {spread(distances)} ns")

    def describe_failures(self):
        """One line for each reason."""
        reasons = collections.defaultdict(list)
        for case, sentence in self.failures.items():
            reasons[sentence].append(case)
        for sentence, cases in reasons.items():
            yield f"skipped {len(cases)} of {len(self.cases)} cases: {sentence}"
        if reasons:
            yield ""

    # Files

    def save(self, directory):
        """Writes all runs as JSON lines; returns the path."""
        os.makedirs(directory, exist_ok=True)
        stamp = self.conditions["when"].replace(":", "").replace("+0000", "Z")
        path = os.path.join(directory, f"{stamp}.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            print(json.dumps({"conditions": self.conditions}), file=file)
            for case, rounds in self.results.items():
                for number, result in rounds.items():
                    print(json.dumps({**result, "path": case.path, "measure": case.measure.name,
                                      "system": case.system.name, "round": number}),
                          file=file)
        return path

    def draw(self, path):
        """Writes a plot."""
        groups = []
        for way, measure, cases in self.groups():
            figures = [(case.system.name, self.figures(case)) for case in cases]
            rows = [(name, (min(values), statistics.median(values), max(values)))
                    for name, values in figures if values]
            if rows:
                groups.append((f"{way}: {measure.title}, {measure.unit}", rows))
        with open(path, "w", encoding="utf-8") as file:
            file.write(plot.draw(groups))

    def markdown(self):
        yield from ("```", self.describe_conditions(), "```", "")
        for path, measure, cases in self.groups():
            rows = self.rows(cases)
            if not rows:
                continue
            yield f"**{path}: {measure.title}, {measure.unit}**\n"
            for index, row in enumerate(rows):
                yield "| " + " | ".join(cell.strip() for cell in row) + " |"
                if index == 0:
                    yield "|---" * len(row) + "|"
            yield ""

    def update_document(self, path, marker):
        """Replaces what is between the markers."""
        begin, end = f"<!-- {marker}: begin -->", f"<!-- {marker}: end -->"
        with open(path, encoding="utf-8") as file:
            before, rest = file.read().split(begin)
        after = rest.split(end)[1]
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{before}{begin}\n\n" + "\n".join(self.markdown()) + f"\n{end}{after}")
