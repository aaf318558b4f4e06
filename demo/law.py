# SPDX-License-Identifier: GPL-2.0-or-later
"""What the law says about three guests: who can ping whom, mode by mode. Hairpin is what
the switch at the far end of the lower does: on, it sends frames back where they came from.
"""

MODES = ("private", "vepa", "bridge", "passthru")
HAIRPIN = ("off", "on")
GUESTS = (1, 2, 3)
PAIRS = tuple((a, b) for a in GUESTS for b in GUESTS if a != b)

_SAYS = {
    # mode: (hairpin off, hairpin on)
    "private": ("nobody", "nobody"),  # not even by way of the switch
    "vepa": ("nobody", "everybody"),  # by way of the switch only
    "bridge": ("everybody", "everybody"),  # straight, the switch is not asked
    "passthru": ("nobody", "nobody"),  # each is alone on its lower
}


def says(mode, hairpin):
    """Returns "nobody" or "everybody"."""
    return _SAYS[mode][HAIRPIN.index(hairpin)]


def allows(mode, hairpin):
    """The set of ordered pairs that can ping."""
    return set(PAIRS) if says(mode, hairpin) == "everybody" else set()
