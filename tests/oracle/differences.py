# SPDX-License-Identifier: GPL-2.0-or-later
"""What Limpet does otherwise, on purpose: docs/differences.md, as code.

Each method is one difference and nothing else; where a method is not here, Limpet
has to do what the kernel does, byte for byte. That Limpet's endpoints get all groups
and have no broadcast queue is not here: kernel.py sets the kernel up that way.
"""

from law import Law, socket_sends


class LimpetLaw(Law):
    def receivers(self, data):
        """private-sibling: a frame from the wire whose source is an up
        endpoint of the hub reaches no private one, its own sender included.
        """
        found = super().receivers(data)
        if self.find(data[6:12]):
            found = [name for name in found if self.endpoints[name].mode != "private"]
        return found

    def defragmented(self, data):
        """fragments: those of IPv4 datagrams to groups stay as they are (R2.55)."""
        return data

    def sent_to_wire(self, data):
        """packet-mtu: what a packet socket takes. The lower's MTU counts on the way
        out, and the slack above it is for an 802.1Q tag only (R2.50).
        """
        return self.to_wire(data) if socket_sends(data, self.lower_mtu) else []
