"""Hashes of pages, hashes of those, and so on up to one: a Merkle tree that is kept, not made.

Why it exists: a digest of a large state must cost what has changed, not what there is; and two
states that differ must be walked down to where they do. It must not know what a page holds.

A node whose children have changed waits in its level's queue. `root` raises all that wait;
`raise_down_to`, called now and then, sees to it that few do.
"""

import hashlib
from typing import Final

from mypy_extensions import i64

from core.waiting import Waiting

FAN_SHIFT: Final = 4
FAN: Final = 16
"""Children of a node: one change costs a hash of 512 bytes a level, and five levels are 10**6 pages
of 64 rows."""
HASH_BYTES: Final = 32


class PageTree:
    """`levels[0]` has the hashes of the pages, each further level those of `FAN` of the one below.

    The last level has one hash, unless there are no pages. Levels above the first are true after
    `root`, until the next `put`.
    """

    def __init__(self) -> None:
        self.levels: list[bytearray] = [bytearray()]
        self._waiting: list[Waiting] = []
        """Of each level but the first: the nodes to be hashed again."""
        self._is_kept: bool = False

    def add_page(self) -> None:
        """One more, whose hash is to be put before the next `root`."""
        self.levels[0] += bytes(HASH_BYTES)

    def put(self, page: i64, digest: bytes) -> None:
        """The hash of a page."""
        pages = self.levels[0]
        at = page * HASH_BYTES
        assert at < i64(len(pages)), f"page tree: page {page} beyond the end"
        pages[at : at + HASH_BYTES] = digest
        if self._is_kept:
            self._mark_above(0, page)

    def leave(self) -> None:
        """Nobody wants a root now: `put` is cheaper, and the next `root` makes all levels anew."""
        self._is_kept = False

    def root(self) -> bytes:
        """32 bytes."""
        if not self._is_kept:
            self._begin()
        self.raise_down_to(0)
        return bytes(self.levels[-1]) if len(self.levels[0]) != 0 else bytes(HASH_BYTES)

    def raise_down_to(self, most: i64) -> None:
        """Hashes nodes until at most so many wait in each level."""
        level: i64 = 0
        while level < i64(len(self._waiting)):
            waiting = self._waiting[level]
            while waiting.fifo.count > most:
                self._raise(level, waiting.take())
            level += 1

    @property
    def most_waiting(self) -> int:
        """Nodes that wait in the level where most do."""
        return max((waiting.fifo.count for waiting in self._waiting), default=0)

    def _begin(self) -> None:
        self._is_kept = True
        self.levels = self.levels[:1]
        self._waiting = []
        pages: i64 = len(self.levels[0]) // HASH_BYTES
        page: i64 = 0
        while page < pages:
            self._mark_above(0, page)
            page += FAN

    def _mark_above(self, level: i64, node: i64) -> None:
        """The parent of a node that changed waits, unless the node is the root."""
        if i64(len(self.levels[level])) <= HASH_BYTES:
            return
        if level == i64(len(self._waiting)):
            self._waiting.append(Waiting())
            self.levels.append(bytearray())
        self._waiting[level].add(node >> FAN_SHIFT)

    def _raise(self, level: i64, node: i64) -> None:
        """Hashes the node of the level above `level`."""
        above = self.levels[level + 1]
        at = node * HASH_BYTES
        while at > i64(len(above)):
            above += bytes(HASH_BYTES)  # a node that still waits, as its pages do
        children = self.levels[level][at << FAN_SHIFT : (at << FAN_SHIFT) + FAN * HASH_BYTES]
        above[at : at + HASH_BYTES] = hashlib.sha256(children).digest()
        self._mark_above(level + 1, node)
