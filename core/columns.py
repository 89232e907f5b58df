"""Columns: flat buffers of 64-bit words, and how they grow without a pause.

Why it exists: a `vec[i64]` that outgrows its buffer is copied whole, and a pause of the matching
engine must not depend on how much state there is. It must not know what a word means.

A column is copied only while that is quick. Then it gets a great room, more than it is expected to
need: memory that was never written is an address and nothing else, so what a column takes is what
it holds.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

_QUICK_WORDS: Final = 1 << 14
"""128 KB: copied in less than a tenth of a millisecond, fresh pages and all."""
GREAT_WORDS: Final = 1 << 30
"""8 GiB: 200 million balances, or 119 million references; orders end at 1 GiB, with their ids."""
_MODEST_WORDS: Final = 1 << 27
"""1 GiB, for a computer that has not so much memory: it refuses what it could never give."""


def filled(count: i64, value: i64) -> vec[i64]:
    """A column of `count` words, all `value`."""
    if value == 0:
        return vec[i64](memoryview(bytes(8 * count)).cast("q"))
    column = vec[i64](capacity=count)
    i: i64 = 0
    while i < count:
        column = append(column, value)
        i += 1
    return column


def column_bytes(column: vec[i64], words: i64) -> bytes:
    """The first `words` words as little-endian bytes."""
    return bytes(memoryview(column)[:words])


class Room:
    """What one column may grow to where it lies."""

    def __init__(self) -> None:
        self.words: i64 = 0

    def more(self, column: vec[i64], least: i64) -> vec[i64]:
        """The same column with room for more than `least` words. Raises `MemoryError`.

        Where addresses are rationed (`ulimit -v`, or an operating system that promises no more
        than it has) it gets twice what it has, as beyond a great room, and is copied again.
        """
        if least > _QUICK_WORDS:
            for room in (GREAT_WORDS, _MODEST_WORDS):
                if least < room:
                    try:
                        return self._moved(column, room)
                    except MemoryError:
                        continue
        return self._moved(column, 2 * least)

    def _moved(self, column: vec[i64], room: i64) -> vec[i64]:
        moved = vec[i64](memoryview(column), capacity=room)
        self.words = room
        return moved
