"""Start a program from root under a plain account, even where a closed folder bars its way.

Why it exists: some programs refuse to run as root, for good reason, while the folders that they
need may lie below root's own home. Opening that home to everyone, or keeping copies elsewhere,
would outlast us; so the program is given, where it needs it, the one capability to search and
read folders (Linux: CAP_DAC_READ_SEARCH, in containers that lack it CAP_DAC_OVERRIDE), and nothing
is changed on the disk. It knows accounts and the kernel's calls, and no program.

What `child_setup` returns runs between fork and exec: it only makes system calls that were
prepared before.
"""

import ctypes
import os
import pwd
import signal
import stat
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_SECUREBITS: Final = 28
_SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
"""Capabilities stay as they are set, through the change of account and in access(2) as well,
by which programs look for their own parts."""
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_RAISE: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522


def service_account(names: Sequence[str]) -> pwd.struct_passwd | None:
    """The first of these accounts that exists."""
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in names if name in known), None)


def reachable(path: Path, account: pwd.struct_passwd) -> bool:
    """May the account walk through every parent folder of `path`?"""
    for parent in path.resolve().parents:
        facts = parent.stat()
        if facts.st_uid == account.pw_uid:
            allowed = facts.st_mode & stat.S_IXUSR
        elif facts.st_gid == account.pw_gid:
            allowed = facts.st_mode & stat.S_IXGRP
        else:
            allowed = facts.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def child_setup(
    account: pwd.struct_passwd | None, *, through_closed_folders: bool, end_with_us: bool
) -> Callable[[], None]:
    """For `preexec_fn`: become `account` (None: stay), and on Linux get SIGINT when we end.

    "We" is the thread that starts the program: a thread that ends takes the program along.
    """
    linux = sys.platform.startswith("linux")
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("<Ii", _CAPABILITY_VERSION_3, 0)
    wanted = [
        (number, struct.pack("<6I", *[1 << number] * 3, 0, 0, 0))
        for number in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)
    ]

    def setup() -> None:
        if account is not None:
            if through_closed_folders:
                libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            if through_closed_folders and not any(
                libc.capset(header, sets) == 0
                and libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0) == 0
                for number, sets in wanted
            ):
                raise PermissionError("the system does not let a program through closed folders")
        if end_with_us and linux:
            libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)

    return setup
