# SPDX-License-Identifier: GPL-2.0-or-later
"""The demo must fail when what it sees is not the law, and say where."""

import pytest

from demo import law, table
from demo.observe import Observation


def lawful(mode, hairpin):
    """What a faultless hub shows."""
    alone = mode == "passthru"
    hears = law.says(mode, hairpin) == "everybody" or (alone and hairpin == "on")
    return Observation(
        asked=set(law.allows(mode, hairpin)), told=set(law.allows(mode, hairpin)),
        sent=[4, 4, 4], heard=[4 if hears else 0] * 3, wire=[4, 4, 4] if alone else None,
    )


ROWS = [(mode, hairpin) for mode in law.MODES for hairpin in law.HAIRPIN]


@pytest.mark.parametrize("mode, hairpin", ROWS)
def test_a_lawful_row_agrees(mode, hairpin):
    assert not lawful(mode, hairpin).complaints(mode, hairpin)
    assert table.row(mode, hairpin, lawful(mode, hairpin)).endswith(" agrees")


@pytest.mark.parametrize("mode, hairpin", ROWS)
@pytest.mark.parametrize("pair", law.PAIRS)
@pytest.mark.parametrize("how", ["asked", "told"])
def test_one_wrong_pair_is_a_complaint_and_marked(mode, hairpin, pair, how):
    seen = lawful(mode, hairpin)
    getattr(seen, how).symmetric_difference_update({pair})

    assert len(seen.complaints(mode, hairpin)) == 1
    assert table.row(mode, hairpin, seen).count("!") == 1
    assert table.row(mode, hairpin, seen).endswith(" DISAGREES")


@pytest.mark.parametrize("mode, hairpin", ROWS)
def test_a_dead_nic_is_no_lawful_silence(mode, hairpin):
    seen = lawful(mode, hairpin)
    seen.sent[1] = 0

    assert "no frame of guest 2 reached its endpoint" in "".join(seen.complaints(mode, hairpin))


@pytest.mark.parametrize("hairpin", law.HAIRPIN)
def test_a_passthru_endpoint_that_does_not_reach_its_wire_is_noticed(hairpin):
    seen = lawful("passthru", hairpin)
    seen.wire[0] = 0

    assert "guest 1 sent 4 frames, 0 left its lower" in "".join(
        seen.complaints("passthru", hairpin))


@pytest.mark.parametrize("hairpin", law.HAIRPIN)
def test_a_passthru_endpoint_must_hear_its_echo_and_only_then(hairpin):
    seen = lawful("passthru", hairpin)
    seen.heard[2] = 2

    assert any("guest 3 heard 2 frames" in text for text in seen.complaints("passthru", hairpin))
