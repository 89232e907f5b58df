"""A second memory of how far the log had come, outside the log's own file.

Why it exists: a log file that is replaced by an older copy of itself is sound in every byte; its
anchor agrees with its records, and only the end is missing. The witness is a small file that
says how far the log was durable; a log that ends before it has lost a suffix, or a vote. It must
not know LMDB.

It is written after each commit and not synced: a killed process leaves its last state, a power
cut may leave an older one. Either way it never speaks of something that was not durable, so it
costs no second fsync. Two slots are written in turn, so one is whole if the other was torn.
"""

import hashlib
import os
import struct
from pathlib import Path
from typing import Final

import msgspec

_SLOT: Final = struct.Struct("<8s16sqqq")
_MAGIC: Final = b"LSWITNS1"
_SLOT_BYTES: Final = 512
"""A sector each: the smallest unit that a disk writes whole."""


class Witnessed(msgspec.Struct, frozen=True, kw_only=True):
    """`number` counts writes of the anchor; term and index say where the log stood, for people.

    A log may rightly become shorter when another leader's records replace its end, so only the
    number tells older from newer.
    """

    number: int
    term: int
    last_index: int


class Witness:
    """Single writer, called by the log's writer thread."""

    def __init__(self, path: Path, cluster: bytes) -> None:
        self._cluster = cluster
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(self, number: int, term: int, last_index: int) -> None:
        body = _SLOT.pack(_MAGIC, self._cluster, number, term, last_index)
        at = number % 2 * _SLOT_BYTES
        os.pwrite(self._fd, body + hashlib.sha256(body).digest(), at)

    def close(self) -> None:
        os.close(self._fd)


def read_witness(path: Path, cluster: bytes) -> Witnessed | None:
    """What the newest whole slot says; None if there is no such file or no whole slot."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        newest = max(_slots(fd, cluster), default=None)
    finally:
        os.close(fd)
    if newest is None:
        return None
    return Witnessed(number=newest[0], term=newest[1], last_index=newest[2])


def _slots(fd: int, cluster: bytes) -> list[tuple[int, int, int]]:
    """(number, term, last index) of each whole slot that belongs to this cluster."""
    found = []
    for place in (0, 1):
        raw = os.pread(fd, _SLOT.size + 32, place * _SLOT_BYTES)
        body, claimed = raw[: _SLOT.size], raw[_SLOT.size :]
        if len(raw) != _SLOT.size + 32 or hashlib.sha256(body).digest() != claimed:
            continue
        magic, in_cluster, number, term, last_index = _SLOT.unpack(body)
        if magic == _MAGIC and in_cluster == cluster:
            found.append((number, term, last_index))
    return found
