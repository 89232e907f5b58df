"""Start a program from root under a plain account, even where a closed folder bars its way.

Why it exists: some programs refuse to run as root, for good reason, while the folders that they
need may lie below root's own home. Opening that home to everyone, or keeping copies elsewhere,
would outlast us; so the program is given, where it needs it, the one capability to search and
read folders (Linux: CAP_DAC_READ_SEARCH, in containers that lack it CAP_DAC_OVERRIDE), and nothing
is changed on the disk. It knows accounts and the kernel's calls, and no program.

It is a small program of its own that becomes the other one: code of ours between fork and exec
would run beside whatever locks the other threads held at that moment.
"""

import ctypes
import os
import pwd
import signal
import stat
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2

_STAY: Final = -1
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


def command(
    argv: Sequence[str], account: pwd.struct_passwd | None, *, through_closed_folders: bool = False,
    end_with_us: bool = False,
) -> list[str]:  # fmt: skip
    """What to start instead of `argv`, to run it as `account` (None: as we are).

    `end_with_us`: on Linux it gets SIGINT when we end. "We" is the thread that starts it: a
    thread that ends takes the program along.
    """
    who = [account.pw_uid, account.pw_gid] if account is not None else [_STAY, _STAY]
    settings = [*who, int(through_closed_folders), int(end_with_us), os.getpid()]
    return [sys.executable, "-I", "-S", __file__, *map(str, settings), *argv]


def main(arguments: Sequence[str]) -> None:
    """Become the account, then the program. Never returns."""
    uid, gid, through, ends, parent = map(int, arguments[:5])
    argv = list(arguments[5:])
    linux = sys.platform.startswith("linux")
    libc = ctypes.CDLL(None, use_errno=True)
    if uid != _STAY:
        if through:
            libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        if through and not _may_search(libc):
            sys.exit(
                f"{argv[0]}: the system does not let a plain account through closed folders: put "
                "the program and the data where it may go, or run as a user who is not root"
            )
    if ends and linux:
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(f"{argv[0]}: whoever started this is gone")
    os.execv(argv[0], argv)  # noqa: S606 - no shell is what is wanted


def _may_search(libc: ctypes.CDLL) -> bool:
    """Give up every capability but one, and keep that one through exec."""
    header = struct.pack("<Ii", _CAPABILITY_VERSION_3, 0)
    for number in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        sets = struct.pack("<6I", *[1 << number] * 3, 0, 0, 0)
        if (
            libc.capset(header, sets) == 0
            and libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0) == 0
        ):
            return True
    return False


if __name__ == "__main__":
    main(sys.argv[1:])
