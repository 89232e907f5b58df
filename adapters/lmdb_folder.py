"""The data folder of a node: one owner at a time, on a disk that keeps what it is told.

Why it exists: two processes on one log would each overwrite what the other acknowledged, and a
network file system breaks both the locks and the memory map that LMDB stands on. Both are
refused here with a message that says what to do. It knows names and locks, not the log.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "afs"}
)


class DataFolderRefused(Exception):
    """The environment's fault: this folder cannot be used as it is. The text says why."""


class DataFolder:
    """Holds the folder's lock from `open` to `close`. The kernel frees it if the process dies."""

    def __init__(self, path: Path, lock_fd: int) -> None:
        self.path = path
        self._lock_fd = lock_fd

    @classmethod
    def open(cls, path: Path) -> "DataFolder":
        """Creates the folder if need be and takes its lock. Raises `DataFolderRefused`."""
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataFolderRefused(f"data folder {path}: {error.strerror}") from error
        kind = file_system_of(path)
        if kind in NETWORK_FILE_SYSTEMS:
            raise DataFolderRefused(
                f"data folder {path}: is on {kind}; a log must be on the node's own disk"
            )
        lock = path / "LOCK"
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise DataFolderRefused(
                f"data folder {path}: in use by process {owner}; "
                "stop that node, or give this one another folder"
            ) from error
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        return cls(path, fd)

    def close(self) -> None:
        os.close(self._lock_fd)


def is_in_use(path: Path) -> bool:
    """Whether a node holds the folder's lock at this moment. Takes nothing."""
    try:
        fd = os.open(path / "LOCK", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def log_path(folder: Path) -> Path:
    return folder / "log"


def snapshot_path(folder: Path) -> Path:
    return folder / "snapshots"


def witness_path(folder: Path) -> Path:
    return folder / "witness"


def file_system_of(path: Path) -> str:
    """The type of the file system that holds `path`; "" where the system does not say."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    resolved = str(path.resolve())
    best_point = ""
    kind = ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].encode().decode("unicode_escape")
        inside = resolved == point or resolved.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best_point):
            best_point, kind = point, right.split(" ")[0]
    return kind


def sync_directory(path: Path) -> None:
    """Makes the names in `path` durable: a file's own fsync does not cover its name."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
