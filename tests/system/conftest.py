# SPDX-License-Identifier: GPL-2.0-or-later
"""What every system test can ask for. The daemon is LIMPET_BUILD's, or build's."""

import os

import pytest

import peers
from daemon import running
from network import Network, Wire


@pytest.fixture
def root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


@pytest.fixture
def daemon():
    """A limpetd without links; it has to end well."""
    with running() as limpetd:
        yield limpetd


@pytest.fixture
def lan(daemon):
    """A limpetd with the dummy lower lan0 and the bridge endpoints m1, m2 and m3."""
    daemon.control.add("lan0", kind="dummy", address="02:00:00:ff:00:00")
    peers.endpoints(daemon, 3)
    return daemon


@pytest.fixture
def network(root):
    """A network namespace; devices in it concern nobody else."""
    network = Network()
    yield network
    network.close()


@pytest.fixture
def lower(network):
    """The network with low0, which endpoints can cling to, and its far end wire0."""
    network.veth(address="02:00:00:ff:00:00")
    return network


@pytest.fixture
def wire(lower):
    wire = Wire(lower)
    yield wire
    wire.close()


@pytest.fixture
def netd(lower):
    """A limpetd in the network of 'lower'."""
    with running(enter=lower.enter) as limpetd:
        yield limpetd
