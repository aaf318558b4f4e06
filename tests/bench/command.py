# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands that must work, or there is a sentence that says why they do not."""

import subprocess


class LabError(Exception):
    """A part of the laboratory cannot be had; the message says why."""


def call(*command):
    """Runs a command and returns what it printed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except OSError as error:
        raise LabError(f"{command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"'{' '.join(command)}' did not end within two minutes") from error
    if done.returncode != 0:
        raise LabError(f"'{' '.join(command)}': {(done.stderr or done.stdout).strip()}")
    return done.stdout
