"""One process at a time may own a data folder; the kernel forgets the owner when it dies.

Why it exists: two exchanges on one folder would each believe that the log is theirs. A lock of the
kernel cannot be left behind by a crash, as a file with a process number can.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class FolderInUse(Exception):
    """The operator's fault: somebody else owns the folder. The message says who."""


@contextlib.contextmanager
def hold(folder: Path, owner: str) -> Iterator[None]:
    """Own `folder` while inside. `owner` names us to the next who asks. Raises `FolderInUse`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{owner}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 64).decode(errors="replace").strip() or "unknown"
            raise FolderInUse(
                f"{folder}: is in use by another `lockstep {owner}`, process {holder}"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
