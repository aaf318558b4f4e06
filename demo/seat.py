# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's place on a hub: its NIC there, the endpoint behind it and two addresses. Peers
find the first address by ARP; they are told who has the second one.
"""

import dataclasses

from .guest import Guest


@dataclasses.dataclass
class Seat:
    """'lower' is given where nobody else is on it. 'number' is the guest's, from 1."""

    number: int
    guest: Guest
    device: str
    endpoint: str
    network: str  # the first three bytes, as text
    lower: str = None

    @property
    def asked(self):
        return f"{self.network}.{self.number}"

    @property
    def told(self):
        return f"{self.network}.{self.number + 100}"

    def take(self, mac_by_told):
        """Brings the NIC up; 'mac_by_told' has who is told to have which address."""
        self.guest.check(f"ip link set {self.device} up")
        for address in (self.asked, self.told):
            self.guest.check(f"ip address add {address}/24 dev {self.device}")
        for address, mac in mac_by_told.items():
            self.guest.check(f"arp -i {self.device} -s {address} {mac}")

    def forget(self):
        """Forgets what ARP found, and stops it from asking further."""
        self.guest.check(f"ip neigh flush dev {self.device}")  # leaves permanent ones
