"""The data folder of a node: one owner at a time, on a disk that keeps what it is told.

Why it exists: two processes on one log would each overwrite what the other acknowledged, and a
network file system breaks both the locks and the memory map that LMDB stands on. Both are
refused here with a message that says what to do. It knows names and locks, not the log.
"""

import os
from pathlib import Path
from typing import Final

from adapters import file_systems
from adapters.folder_lock import LockTaken, is_taken, take
from replication.ports import FOLLOWED_BYTES

ROOM_RESERVE_BYTES: Final = 2 * FOLLOWED_BYTES
"""Kept free under the high-water mark of the log's map, and on the disk, for what was admitted."""
_LOCK: Final = "LOCK"


class DataFolderRefused(Exception):
    """The environment's fault: this folder cannot be used as it is. The text says why."""


class DataFolder:
    """Holds the folder's lock from `open` to `close`. The kernel frees it if the process dies."""

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self._lock_fd = lock_fd

    @classmethod
    def open(cls, path: Path) -> "DataFolder":
        """Creates the folder if need be and takes its lock. Raises `DataFolderRefused`.

        A new folder is its owner's alone: the log holds everybody's balances and orders.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataFolderRefused(f"data folder {path}: {error.strerror}") from error
        kind = file_systems.kind_of(path)
        if kind in file_systems.NETWORK:
            raise DataFolderRefused(
                f"data folder {path}: is on {kind}; a log must be on the node's own disk"
            )
        try:
            return cls(path, take(path / _LOCK))
        except LockTaken as taken:
            raise DataFolderRefused(
                f"data folder {path}: in use by process {taken.holder}; "
                "stop that node, or give this one another folder"
            ) from None

    def close(self) -> None:
        os.close(self._lock_fd)


def is_in_use(path: Path) -> bool:
    """Whether a node holds the folder's lock at this moment. Takes nothing."""
    return is_taken(path / _LOCK)


def log_path(folder: Path) -> Path:
    return folder / "log"


def snapshot_path(folder: Path) -> Path:
    return folder / "snapshots"


def witness_path(folder: Path) -> Path:
    return folder / "witness"


def free_bytes(path: Path) -> int:
    """What this process may still write on the disk that holds `path`."""
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def sync_directory(path: Path) -> None:
    """Makes the names in `path` durable: a file's own fsync does not cover its name."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
