# SPDX-License-Identifier: GPL-2.0-or-later
"""The table that the demo prints, a row as soon as it is known."""

from . import law

LEGEND = """\
  a>b: can guest a ping guest b: yes, or - for no, both if a has to find b by ARP and if a
  knows b already (half: one of the two); a '!' marks where the law says otherwise
  sent, heard: frames that the guests sent during the row, and frames handed to them"""


def header():
    """The two lines above the rows."""
    pairs = "".join(f"{a}>{b}".rjust(6) for a, b in law.PAIRS)
    line = f"  {'mode':9}{'hairpin':8}{pairs}{'sent':>8}{'heard':>7}   {'law':10} verdict"
    return f"{line}\n  {'-' * (len(line) - 2)}"


def row(mode, hairpin, observed):
    """One row for 'observed', an observe.Observation."""
    allowed = law.allows(mode, hairpin)
    cells = ""
    for pair in law.PAIRS:
        ways = (pair in observed.asked) + (pair in observed.told)
        lawful = ways == (2 if pair in allowed else 0)
        cells += (("-", "half", "yes")[ways] + ("" if lawful else "!")).rjust(6)
    verdict = "agrees" if not observed.complaints(mode, hairpin) else "DISAGREES"
    return (f"  {mode:9}{hairpin:8}{cells}{sum(observed.sent):8}{sum(observed.heard):7}   "
            f"{law.says(mode, hairpin):10} {verdict}")
