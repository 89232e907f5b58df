"""Hashes of pages, hashes of those, and so on up to one: a Merkle tree that is kept, not made.

Why it exists: a digest of a large state must cost what has changed, not what there is; and two
states that differ must be walked down to where they do. It must not know what a page holds.
"""

import hashlib
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

FAN_SHIFT: Final = 4
FAN: Final = 16
"""Children of a node: one change costs a hash of 512 bytes a level, and five levels are 10**6 pages
of 64 rows."""
HASH_BYTES: Final = 32


class PageTree:
    """`levels[0]` has the hashes of the pages, each further level those of `FAN` of the one below.

    The last level has one hash, unless there are no pages.
    """

    def __init__(self) -> None:
        self.levels: list[bytearray] = [bytearray()]
        self._is_whole: bool = True

    def put(self, page: i64, digest: bytes) -> None:
        """The hash of a page, which may be the first one beyond the end."""
        pages = self.levels[0]
        at = page * HASH_BYTES
        assert at <= i64(len(pages)), f"page tree: page {page} beyond the end"
        pages[at : at + HASH_BYTES] = digest

    def leave(self) -> None:
        """Pages have changed, and the levels above were not brought up to date."""
        self._is_whole = False

    def root(self, changed: vec[i64]) -> bytes:
        """Brings up to date what is above the `changed` pages, which ascend; 32 bytes."""
        if not self._is_whole:
            self.levels = self.levels[:1]
            self._is_whole = True
        level: i64 = 0
        while i64(len(self.levels[level])) > HASH_BYTES:
            changed = self._raise(level, changed)
            level += 1
        return bytes(self.levels[level]) if len(self.levels[level]) != 0 else bytes(HASH_BYTES)

    def _raise(self, level: i64, changed: vec[i64]) -> vec[i64]:
        """The nodes above those that changed; all of them where there was no such level."""
        below = self.levels[level]
        nodes: i64 = (i64(len(below)) // HASH_BYTES + FAN - 1) >> FAN_SHIFT
        parents = vec[i64]()
        if i64(len(self.levels)) == level + 1:
            self.levels.append(bytearray())
            node: i64 = 0
            while node < nodes:
                parents = append(parents, node)
                node += 1
        else:
            last: i64 = -1
            i: i64 = 0
            while i < i64(len(changed)):
                if changed[i] >> FAN_SHIFT != last:
                    last = changed[i] >> FAN_SHIFT
                    parents = append(parents, last)
                i += 1
        above = self.levels[level + 1]
        i = 0
        while i < i64(len(parents)):
            at = parents[i] * HASH_BYTES
            assert at <= i64(len(above)), "page tree: a page that is new was not among the changed"
            children = below[at << FAN_SHIFT : (at << FAN_SHIFT) + FAN * HASH_BYTES]
            above[at : at + HASH_BYTES] = hashlib.sha256(children).digest()
            i += 1
        return parents
