# SPDX-License-Identifier: GPL-2.0-or-later
"""The same link twice: a macvtap of the kernel and an endpoint of Limpet, of one
name, address and mode on one device. ip(8) and limpet(8) have to print the same.
"""

import json
import os
import re
import subprocess

import pytest

from running import limpetd, wait_until

NAMESPACE = f"like-ip-{os.getpid()}"
IN = ["ip", "netns", "exec", NAMESPACE]

FORMS = ["", "-d", "-s", "-s -s", "-d -s", "-o", "-o -d -s -s", "-br", "-h -s", "-c=always",
         "-br -c=always", "-j", "-j -p", "-br -j", "-br -j -p", "-d -s -j", "-d -s -s -j -p"]


def can_try():
    """Root, ip(8), and a kernel that has macvtap and veth."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        subprocess.run(["ip", "netns", "add", NAMESPACE], check=True, capture_output=True)
        made = subprocess.run(
            [*IN, "sh", "-c", "ip link add p0 type veth peer name p1 && ip link add link p0 type macvtap"],
            check=False, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as trouble:
        return f"no network namespace: {trouble}"
    subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)
    return made.stderr if made.returncode else None


REASON = can_try()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")


def ip(line):
    return subprocess.run([*IN, "ip", *line.split()], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def limpet(tmp_path):
    """A namespace with veth v0 and v1, macvtaps m0 and m1 on v0, and a daemon
    that has the same two endpoints.
    """
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    try:
        # Without IPv6 nobody sends, so that both kinds of counters stay 0.
        subprocess.run([*IN, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                        "net.ipv6.conf.default.disable_ipv6=1"], check=True)
        ip("link add v0 type veth peer name v1")
        ip("link set v0 up")
        ip("link set v1 up")
        with limpetd(tmp_path / "run", IN) as limpet:
            for each in ip, limpet:
                each("link add link v0 name m0 address 02:00:00:00:00:10 type macvtap mode bridge")
                each("link add link v0 name m1 address 02:00:00:00:00:11 mtu 1400 txqueuelen 77 "
                     "type macvtap mode source nodst")
                each("link set m1 type macvtap macaddr add 02:00:00:00:00:a1")
            yield limpet
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)


# What has to differ: an index, that an endpoint gets all groups as if it were
# all-multicast (docs/differences.md), and that nobody counts changes of carrier.
DIFFERENT = ("ifindex", "allmulti", "carrier_changes", "limpet")


def comparable(text):
    """Without what has to differ. The layout of JSON is show_test.c's business."""
    if text.startswith("["):
        return json.dumps(json.loads(text, object_hook=lambda fields: {
            name: value for name, value in fields.items() if name not in DIFFERENT}))
    text = re.sub(r"^\d+: ", "", text, flags=re.M)
    text = re.sub(r"allmulti \d ", "", text)
    text = re.sub(r"(transns\W+[0 ]+)\d ", r"\1", text)
    text = re.sub(r"\\    limpet [^\\\n]*", "", text)
    return re.sub(r"^    limpet .*\n", "", text, flags=re.M)


def compare(limpet, name):
    for form in FORMS:
        kernels = comparable(ip(f"{form} link show {name}"))
        ours = comparable(limpet(f"{form} link show {name}"))
        assert ours == kernels, form


def settle(limpet, name, row):
    """Waits until both say so: the kernel's link-watch is up to a second late."""
    for each in ip, limpet:
        wait_until(lambda each=each: row in each(f"-br link show {name}"), f"{name} is {row}")


def test_links_that_were_never_up(limpet):
    compare(limpet, "m0")
    compare(limpet, "m1")


def test_links_that_are_up(limpet):
    for name in "m0", "m1":
        ip(f"link set {name} up")
        limpet(f"link set {name} up")
        settle(limpet, name, "<BROADCAST,MULTICAST,UP,LOWER_UP>")
        compare(limpet, name)


def test_aliases_and_other_modes(limpet):
    for each in ip, limpet:
        each("link set m0 alias web type macvtap mode private")
    compare(limpet, "m0")
    for each in ip, limpet:
        each("link del m0")
        each("link set m1 type macvtap mode vepa flag null bcqueuelen 3000")
    compare(limpet, "m1")


def test_a_passthru_link(limpet):
    for each in ip, limpet:
        each("link del m0")
        each("link del m1")
    # One device cannot be a passthru lower twice: first the kernel's turn.
    ip("link add link v0 name m0 type macvtap mode passthru nopromisc")
    kernels = {form: comparable(ip(f"{form} link show m0")) for form in FORMS}
    ip("link del m0")
    limpet("link add link v0 name m0 type macvtap mode passthru nopromisc")
    for form in FORMS:
        assert comparable(limpet(f"{form} link show m0")) == kernels[form]


@pytest.mark.parametrize("what, row", [
    ("v0", "LOWERLAYERDOWN 02:00:00:00:00:10 <NO-CARRIER,BROADCAST,MULTICAST,UP,M-DOWN>"),
    ("v1", "LOWERLAYERDOWN 02:00:00:00:00:10 <NO-CARRIER,BROADCAST,MULTICAST,UP>"),
])
def test_a_lower_that_goes_down(limpet, what, row):
    ip("link set m0 up")
    limpet("link set m0 up")
    settle(limpet, "m0", "<BROADCAST,MULTICAST,UP,LOWER_UP>")
    ip(f"link set {what} down")
    settle(limpet, "m0", row)
    compare(limpet, "m0")


def test_json_has_all_that_ips_has(limpet):
    """Field by field, so that a failure says which is missing or of another type."""

    def superset(ours, kernels, path):
        assert isinstance(ours, type(kernels)), path
        if isinstance(kernels, dict):
            for key, value in kernels.items():
                assert key in ours, f"{path}.{key}"
                superset(ours[key], value, f"{path}.{key}")

    for name in "m0", "m1":
        for form in "-j", "-j -d", "-j -d -s", "-j -d -s -s", "-j -br":
            (ours,) = json.loads(limpet(f"{form} link show {name}"))
            (kernels,) = json.loads(ip(f"{form} link show {name}"))
            superset(ours, kernels, form)
            assert set(ours) - set(kernels) <= {"limpet"}
