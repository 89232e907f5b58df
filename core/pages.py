"""Pages of state that wait to be hashed: which ones, since when, and how many at a time.

Why it exists: the digest must cost what has changed, and no checkpoint may find all of that at
once; the rows of a table and the balances of accounts follow the same rules. It must not know
what a page holds.

Whoever changes what a page holds marks it in the same command: it waits from then on. `keep_up`,
after each log entry, hashes those that have waited long enough, but not those that have changed
since they were looked at last: they go to the back of the queue. So what changes with every entry
is hashed at checkpoints only.
"""

from abc import ABC, abstractmethod
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.waiting import Fifo, Pace, Quota

WAITS: Final = 1  # the page is in the queue
RECENT: Final = 2  # it has changed since it was looked at there
STALE: Final = 4  # the image has no true copy of it, or there is no image
MARKED: Final = WAITS | RECENT | STALE


class Pages(ABC):
    """The pages of one kind of state, numbered from 0, and which of them wait."""

    def __init__(self, few: i64) -> None:
        """So `few` may wait for a checkpoint at any time."""
        self.marks: vec[i64] = vec[i64]()
        """Of each page: the bits `WAITS`, `RECENT` and `STALE`."""
        self._to_hash = Fifo()
        """The pages that wait."""
        self._quota = Quota(few)

    @abstractmethod
    def hash_page(self, page: i64) -> None:
        """Note the hash of what the page holds now."""

    def touch_page(self, page: i64) -> None:
        """The page has changed."""
        if self.marks[page] != MARKED:
            self.mark(page)

    def mark(self, page: i64) -> None:
        """The same, for a page that is not marked whole."""
        if self.marks[page] & WAITS == 0:
            self._to_hash.push(page)
        self.marks[page] = MARKED

    def add_mark(self) -> None:
        """There is one page more, which does not wait."""
        self.marks = append(self.marks, 0)

    def hash_all(self) -> None:
        """Nothing waits afterwards."""
        while self._to_hash.count > 0:
            self._hash(self._to_hash.pop())

    def keep_up(self, pace: Pace) -> None:
        """Hashes some of what waits, if that is due."""
        due = self._quota.due(self._to_hash.count, pace)
        if due > 0:
            self.hash_some(due)

    def hash_some(self, looks: i64) -> None:
        """The same with so many pages looked at."""
        if looks > self._to_hash.count:
            looks = self._to_hash.count
        while looks > 0:
            page = self._to_hash.pop()
            if self.marks[page] & RECENT != 0:
                self.marks[page] &= ~RECENT
                self._to_hash.push(page)
            else:
                self._hash(page)
            looks -= 1

    def begin_interval(self, pace: Pace) -> None:
        """There was a checkpoint: nothing waits."""
        self._quota.begin(pace)

    def restart_interval(self) -> None:
        """All was hashed because it was new, not because it had changed."""
        self._quota.restart()

    @property
    def waiting(self) -> int:
        """Pages that changed and are not hashed yet."""
        return self._to_hash.count

    def forget_pages(self) -> None:
        """There are none."""
        self.marks = vec[i64]()
        self._to_hash = Fifo()

    def _hash(self, page: i64) -> None:
        self.hash_page(page)
        self.marks[page] &= STALE
        self._quota.did(1)
