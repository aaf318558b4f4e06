# SPDX-License-Identifier: GPL-2.0-or-later
"""A place of one's own: network, mounts, and silence."""

import contextlib
import ctypes
import os

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1


class Unable(Exception):
    """There is no playing here; the text says what is missing."""


def libc_call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}(): {os.strerror(error)}")


@contextlib.contextmanager
def entered(scratch):
    """Moves this process, for good, to where the rest of the machine does not see
    what it does: a new network with silent stacks, a /sys that shows it. While the
    context lasts, device nodes work in the directory 'scratch'.
    """
    try:
        libc_call("unshare", CLONE_NEWNET | CLONE_NEWNS)
    except PermissionError as problem:
        raise Unable(f"needs root, for network namespaces and macvtap: {problem}") from problem
    libc_call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    libc_call("mount", b"sysfs", b"/sys", b"sysfs", 0, None)
    libc_call("mount", b"tmpfs", os.fsencode(scratch), b"tmpfs", 0, None)
    try:
        silence()
        yield
    finally:
        libc_call("umount2", os.fsencode(scratch), MNT_DETACH)


def silence():
    """Lets no interface of this network say anything of its own accord."""
    for where in ("all", "default"):
        try:
            with open(f"/proc/sys/net/ipv6/conf/{where}/disable_ipv6", "w", encoding="ascii") as f:
                f.write("1")
        except FileNotFoundError:
            pass  # a kernel without IPv6 is silent too


def stay_on_one_cpu():
    """The kernel delivers on the CPU that sent, in order; keep to one of them.
    Returns a function that undoes this, for child processes.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    return lambda: os.sched_setaffinity(0, allowed)


def die_with_parent():
    """For a child process, between fork and exec."""
    libc_call("prctl", PR_SET_PDEATHSIG, 15, 0, 0, 0)
