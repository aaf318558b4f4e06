# SPDX-License-Identifier: GPL-2.0-or-later
"""KVM or TCG? That /dev/kvm exists says little: in nested or confined machines guests
may hang on it. So a guest is booted on KVM, and if it is not up within seconds the
answer is TCG, QEMU's emulator. The answer is kept for as long as this host runs.
"""

import json
import os
import pathlib
import tempfile

from .guest import Guest, GuestError, Machine

# A working KVM needs one to two seconds on an idle machine.
PROBE_SECONDS = 6


def choose(account, kernel, initramfs, cache_dir):
    """Returns (accel, why): "kvm" if a guest of 'account' really boots with it, or "tcg"."""
    if not os.path.exists("/dev/kvm"):
        return "tcg", "there is no /dev/kvm"

    cache = pathlib.Path(cache_dir) / f"accel-{account.uid}.json"
    host = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        known = json.loads(cache.read_text())
        if known["host"] == host:
            return known["accel"], known["why"] + ", as an earlier run found"
    except (OSError, ValueError, KeyError):
        pass  # nobody asked yet

    accel, why = _probe(account, kernel, initramfs)
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text(json.dumps({"host": host, "accel": accel, "why": why}) + "\n")
    return accel, why


def _probe(account, kernel, initramfs):
    with tempfile.TemporaryDirectory(prefix="limpet-kvm-", dir="/tmp") as directory:
        account.own(directory)
        machine = Machine(kernel, initramfs, "kvm")
        with Guest("probe", directory, account, machine) as guest:
            try:
                guest.wait_ready(PROBE_SECONDS)
                return "kvm", "a guest boots on it"
            except GuestError as failure:
                if guest.process.poll() is not None:
                    return "tcg", f"QEMU cannot use KVM as {account.name}"
                return "tcg", f"a guest on KVM was not up within {PROBE_SECONDS} s"
