# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP transfer of random bytes from one guest to another, checked by their SHA-256."""

import dataclasses

MIB = 16


@dataclasses.dataclass
class Transfer:
    size: int
    seconds: float
    intact: bool

    def __str__(self):
        rate = self.size * 8 / 1e6 / self.seconds
        arrived = "arrived intact (SHA-256)" if self.intact else "ARRIVED DAMAGED (SHA-256)"
        return f"{self.size} bytes in {self.seconds:.2f} s, {rate:.0f} Mbit/s, {arrived}"


def transfer(sender, receiver, address):
    """Lets 'receiver' fetch MIB of noise from 'sender', which listens at 'address'."""
    sender.check(f"mkdir -p /tmp/www && head -c {MIB << 20} /dev/urandom >/tmp/www/noise")
    sender.check("httpd -p 80 -h /tmp/www")
    sent = sender.check("sha256sum </tmp/www/noise")

    # /proc/uptime because busybox's date knows whole seconds only.
    started, ended = receiver.check(
        f"cat /proc/uptime && wget -q -O /tmp/noise http://{address}/noise && cat /proc/uptime",
        timeout=90,
    ).splitlines()
    size = int(receiver.check("stat -c %s /tmp/noise"))
    received = receiver.check("sha256sum </tmp/noise")
    sender.check("killall httpd; rm -r /tmp/www")
    receiver.check("rm /tmp/noise")
    seconds = max(0.01, float(ended.split()[0]) - float(started.split()[0]))
    return Transfer(size, seconds, size == MIB << 20 and received == sent)
