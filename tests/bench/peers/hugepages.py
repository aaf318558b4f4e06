# SPDX-License-Identifier: GPL-2.0-or-later
"""Huge pages, which DPDK cannot do without: reserved for a while, then given back."""

import contextlib

from command import LabError

RESERVED = "/proc/sys/vm/nr_hugepages"
FREE = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"


def read(path):
    with open(path, encoding="ascii") as file:
        return int(file.read())


def write(path, number):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(number))


@contextlib.contextmanager
def reserved(mebibytes):
    """Has so much free meanwhile."""
    try:
        before = read(RESERVED)
        write(RESERVED, before + max(0, mebibytes // 2 - read(FREE)))
    except OSError as error:
        raise LabError(f"cannot reserve huge pages: {error.strerror}") from error
    try:
        if read(FREE) * 2 < mebibytes:
            raise LabError(f"of {mebibytes} MiB of huge pages there are {read(FREE) * 2} MiB: "
                           "the memory is too full, or too fragmented")
        yield
    finally:
        write(RESERVED, before)
