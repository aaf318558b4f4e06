# SPDX-License-Identifier: GPL-2.0-or-later
"""How tests wait: for a condition, or on a socket, and never for ever."""

import socket
import struct
import time

DEADLINE_S = 30  # for what takes milliseconds on a machine that is not busy


def wait_until(condition, what, deadline_s=DEADLINE_S, pause_s=0.005):
    """Returns the first true value of condition(); fails after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {deadline_s} s in vain until {what}"
        time.sleep(pause_s)


def unix_socket(kind):
    """A blocking one with a deadline. Python's own would poll(), which makes
    MSG_DONTWAIT wait, and connect() fail where it has to queue.
    """
    unix = socket.socket(socket.AF_UNIX, kind)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        unix.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", DEADLINE_S, 0))
    return unix
