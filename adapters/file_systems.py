"""Which file system holds a folder, and whether its word can be trusted.

Why it exists: a log is as durable as the file system under it, and neither `fsync` nor a lock
says when it lies. `lockstep doctor` warns and the node refuses by the same two lists. It must not
know what is stored there.
"""

from pathlib import Path
from typing import Final

NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "afs"}
)
"""They break the locks and the shared memory map that LMDB stands on."""
IN_MEMORY: Final = frozenset({"ramfs", "tmpfs"})
"""They forget everything when the power goes; `fsync` says nothing about it."""


def mounts() -> str:
    """What is mounted, as the kernel lists it; "" where it does not say."""
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def kind_of(path: Path, mounted: str | None = None) -> str:
    """The type of the file system that holds `path`: the longest mount point above it wins.

    "" where the system does not say. `mounted` is text as `mounts` gives it.
    """
    resolved = path.resolve()
    best, kind = -1, ""
    for line in (mounts() if mounted is None else mounted).splitlines():
        _, escaped, this_kind, *_ = line.split(" ")
        point = escaped.encode().decode("unicode_escape")  # a space is written \040
        if resolved.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), this_kind
    return kind
