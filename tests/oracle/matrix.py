# SPDX-License-Identifier: GPL-2.0-or-later
"""The specification's forwarding tables (2.1, 2.18, 2.22), row by row.

A row is a scenario, a cell one frame. What the host's own stack gets is left
out: it gets the lower's frames in any case.
"""

HUB = """
endpoint P1 private
endpoint P2 private
endpoint V1 vepa
endpoint V2 vepa
endpoint B1 bridge
endpoint B2 bridge
endpoint S1 source list x2
endpoint S2 source nodst list x3
endpoint S3 source nodst list x4 down
endpoint S4 source list x5 down
endpoint D1 bridge down
endpoint D2 private down
"""

PASSTHRU = "endpoint T1 passthru\n"
PASSTHRU_DOWN = "endpoint T1 passthru down\n"

SENT = ("R2.1-R2.4, R2.9: what {} sends", HUB, "send {row} to {column}", """
     | itself | P2   | V2   | B2   | S2   | D1   | host | x1   | bcast   | g1      | zero
P1   | wire   | wire | wire | wire | wire | wire | wire | wire | wire    | wire    | wire
V1   | wire   | wire | wire | wire | wire | wire | wire | wire | wire    | wire    | wire
B1   | B1     | wire | wire | B2   | wire | wire | wire | wire | wire B2 | wire B2 | wire
S1   | wire   | wire | wire | wire | wire | wire | wire | wire | wire    | wire    | wire
host |        | wire | wire | wire | wire | wire |      | wire | wire    | wire    | wire
D1   | nobody | nobody | nobody | nobody | nobody | nobody | nobody | nobody | nobody | nobody | nobody
""")

SENT_PASSTHRU = ("R2.1: what {} sends on a passthru hub", PASSTHRU, "send {row} to {column}", """
     | host | x1   | bcast | g1
T1   | wire | wire | wire  | wire
host |      | wire | wire  | wire
""")

ARRIVED = ("R2.10-R2.15, R2.18: the wire brings a frame from {}", HUB,
           "send wire from {row} to {column}", """
     | P1     | V1     | B1     | S1     | D1     | host   | x9     | bcast             | g1
x1   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | P1 P2 V1 V2 B1 B2 | P1 P2 V1 V2 B1 B2
x2   | P1 S1  | V1 S1  | B1 S1  | S1     | S1     | S1     | S1     | P1 P2 V1 V2 B1 B2 S1 | P1 P2 V1 V2 B1 B2 S1
x3   | S2     | S2     | S2     | S2     | S2     | S2     | S2     | S2                | S2
x4   | nobody | nobody | nobody | nobody | nobody | nobody | nobody | nobody            | nobody
x5   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | P1 P2 V1 V2 B1 B2 | P1 P2 V1 V2 B1 B2
host | P1     | V1     | B1     | nobody | nobody | nobody | nobody | P1 P2 V1 V2 B1 B2 | P1 P2 V1 V2 B1 B2
P1   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | P1                | P1
P2   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | P2                | P2
V1   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | V2 B1 B2          | V2 B1 B2
B1   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | V1 V2             | V1 V2
S1   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | S1                | S1
D1   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | P1 P2 V1 V2 B1 B2 | P1 P2 V1 V2 B1 B2
D2   | P1     | V1     | B1     | nobody | nobody | nobody | nobody | P1 P2 V1 V2 B1 B2 | P1 P2 V1 V2 B1 B2
zero | P1     | V1     | B1     | nobody | nobody | nobody | nobody | P1 P2 V1 V2 B1 B2 | P1 P2 V1 V2 B1 B2
bcast | P1    | V1     | B1     | nobody | nobody | nobody | nobody | P1 P2 V1 V2 B1 B2 | P1 P2 V1 V2 B1 B2
""")

ARRIVED_PASSTHRU = ("R2.16, R2.18: the wire brings a frame from {} to a passthru hub", PASSTHRU,
                    "send wire from {row} to {column}", """
     | host | x9 | T1 | zero | bcast | g1
x1   | T1   | T1 | T1 | T1   | T1    | T1
host | T1   | T1 | T1 | T1   | T1    | T1
""")

ARRIVED_PASSTHRU_DOWN = ("R2.17: the wire brings a frame from {} to a passthru endpoint that is down",
                         PASSTHRU_DOWN, "send wire from {row} to {column}", """
     | host   | x9     | bcast  | g1
x1   | nobody | nobody | nobody | nobody
host | nobody | nobody | nobody | nobody
""")

REFLECTED = ("R2.22, R2.24: the wire reflects what {} sends", HUB + "wire hairpin\n",
             "send {row} to {column}", """
     | P2           | V2           | B2           | itself       | host | bcast                       | g1
P1   | wire then P2 | wire then V2 | wire then B2 | wire then P1 | wire | wire then P1                | wire then P1
V1   | wire then P2 | wire then V2 | wire then B2 | wire then V1 | wire | wire then V2 B1 B2          | wire then V2 B1 B2
B1   | wire then P2 | wire then V2 | B2           | B1           | wire | wire B2 then V1 V2          | wire B2 then V1 V2
S1   | wire then P2 | wire then V2 | wire then B2 | wire         | wire | wire then S1                | wire then S1
host | wire then P2 | wire then V2 | wire then B2 |              |      | wire then P1 P2 V1 V2 B1 B2 | wire then P1 P2 V1 V2 B1 B2
""")

REFLECTED_PASSTHRU = ("R2.16, R2.24: the wire reflects what {} sends on a passthru hub",
                      PASSTHRU + "wire hairpin\n", "send {row} to {column}", """
     | host         | x9           | bcast        | g1
T1   | wire then T1 | wire then T1 | wire then T1 | wire then T1
host |              | wire then T1 | wire then T1 | wire then T1
""")

TABLES = (SENT, SENT_PASSTHRU, ARRIVED, ARRIVED_PASSTHRU, ARRIVED_PASSTHRU_DOWN, REFLECTED,
          REFLECTED_PASSTHRU)


def cells(line):
    return [cell.strip() for cell in line.split("|")]


def rows(table):
    """The scenario text of each row."""
    title, hub, send, text = table
    lines = [line for line in text.split("\n") if line.strip()]
    columns = cells(lines[0])[1:]
    for line in lines[1:]:
        row, *expected = cells(line)
        steps = [f"scenario {title.format(row)}", hub.strip()]
        for column, cell in zip(columns, expected, strict=True):
            if cell:
                to = row if column == "itself" else column
                steps.append(send.format(row=row, column=to) + f"\nexpect {cell}")
        yield "\n".join(steps) + "\n"


def text():
    return "\n".join(row for table in TABLES for row in rows(table))
