# SPDX-License-Identifier: GPL-2.0-or-later
"""Who runs limpetd, limpet and QEMU: always an ordinary user. Started by root, the
programs are handed to the user behind sudo, or else to 'nobody'; started by a user,
they simply are that user's.
"""

import grp
import os
import pathlib
import pwd
import subprocess


class Account:
    """An ordinary user, and how to start a program as that user."""

    def __init__(self):
        self.dropped = os.geteuid() == 0
        if self.dropped:
            self.uid = int(os.environ.get("SUDO_UID", 0)) or pwd.getpwnam("nobody").pw_uid
            self.gid = _primary_group(self.uid)
        else:
            self.uid, self.gid = os.geteuid(), os.getegid()

    @property
    def name(self):
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def start(self, argv, log, orphan=False, groups=(), **more):
        """Starts 'argv' as this user, output into the file 'log', apart from our terminal
        so that Ctrl-C reaches us alone. Unless 'orphan', it dies when we die.
        """
        with open(log, "ab") as out:
            return subprocess.Popen(
                [*self._prefix(orphan, groups), *argv], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, start_new_session=True, **more,
            )

    def run(self, argv):
        """Runs 'argv' as this user to its end; returns the CompletedProcess, output as text."""
        return subprocess.run(
            [*self._prefix(), *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=30, check=False,
        )

    def own(self, path):
        """Gives 'path' to this user."""
        if self.dropped:
            os.chown(path, self.uid, self.gid)

    def _prefix(self, orphan=False, groups=()):
        prefix = ["setpriv", "--no-new-privs"]
        if not orphan:
            prefix += ["--pdeathsig", "KILL"]
        if self.dropped:
            prefix += ["--reuid", str(self.uid), "--regid", str(self.gid), "--inh-caps=-all"]
            prefix += ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
        return [*prefix, "--"]


def privileges(pid):
    """Returns (uid, effective capabilities as a number) of a running process."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["Uid"].split()[1]), int(fields["CapEff"], 16)


def kvm_groups():
    """The group whose members may use /dev/kvm, for start(); empty where there is none."""
    try:
        return (grp.getgrgid(os.stat("/dev/kvm").st_gid).gr_gid,)
    except (FileNotFoundError, KeyError):
        return ()


def _primary_group(uid):
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return pwd.getpwnam("nobody").pw_gid
