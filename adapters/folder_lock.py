"""One process at a time may own a data folder; the kernel forgets the owner when it dies.

Why it exists: two exchanges on one folder would each believe that the log is theirs. A lock of the
kernel cannot be left behind by a crash, as a file with a process number can: here the number
only says who. It must not know what is in the folder.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

_HOLDER_BYTES_MAX = 32


class LockTaken(Exception):
    """Somebody else holds the lock; `holder` is its process number, or "unknown"."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path}: is held by process {holder}")
        self.holder = holder


class FolderInUse(Exception):
    """The operator's fault: somebody else owns the folder. The message says who."""


def take(path: Path) -> int:
    """Lock the file `path`, made if need be; closing the handle that it gives frees it.

    Raises `LockTaken`.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, _HOLDER_BYTES_MAX, 0).decode("ascii", "replace").strip()
        os.close(handle)
        raise LockTaken(path, holder or "unknown") from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def is_taken(path: Path) -> bool:
    """Whether somebody holds the lock at this moment. Takes nothing for longer than the look."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextlib.contextmanager
def hold(folder: Path, owner: str) -> Iterator[None]:
    """Own `folder` while inside. `owner` names us to the next who asks. Raises `FolderInUse`."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = take(folder / f"{owner}.lock")
    except LockTaken as taken:
        raise FolderInUse(
            f"{folder}: is in use by another `lockstep {owner}`, process {taken.holder}"
        ) from None
    try:
        yield
    finally:
        os.close(handle)
