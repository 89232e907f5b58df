"""A snapshot that is being taken: which tables are copied, how much at a time, when it is whole.

Why it exists: see `core.page_image`. After each entry one step is made: first over the pages that
were never copied, then over those that have changed since. What changes while it goes on is copied
again, so a step grows when it gains too little: the snapshot ends after a bounded number of
entries, whatever they are. Pages are hashed on the way, because the seal wants the state's digest.
"""

from typing import Final

from mypy_extensions import i64

from core.table import Table

_FEW: Final = 128
"""So many pages may be hashed at once, in less than half a millisecond."""
_PATIENCE: Final = 2_500
"""Steps that a snapshot which is copied waits for a checkpoint, because that hashes everything."""
_LOOKS: Final = 8
"""Pages of each table that are looked at for hashing, in a step that copies."""
_LOOKS_OF_WAIT: Final = 2


class Imaging:
    """Over some tables, by steps of `step_bytes`."""

    def __init__(self, tables: list[Table], step_bytes: i64) -> None:
        self.step_bytes: i64 = step_bytes
        self._tables = tables
        self._most: i64 = step_bytes
        self._patience: i64 = _PATIENCE
        self._before: i64 = 0
        """Bytes that were left after the step before."""
        self._at: i64 = 0
        """The table that is swept."""
        for table in tables:
            table.begin_image()
        self._before = self._uncopied()

    def step(self) -> bool:
        """Copies some; True once what is left, to be copied and to be hashed, is little.

        Under load it is so after a checkpoint; when there is none for long, it is True without.
        """
        is_copied = self._uncopied() <= self._most
        for table in self._tables:
            table.hash_some(_LOOKS_OF_WAIT if is_copied else _LOOKS)
        if is_copied:
            return self._is_hashed()
        left = self._most
        while left > 0 and self._at < i64(len(self._tables)):
            copied = self._tables[self._at].copy_first(left)
            left -= copied
            if copied == 0:
                self._at += 1
        for table in self._tables:
            if left > 0 and self._at == i64(len(self._tables)):
                left -= table.copy_first(left)
                if left > 0:
                    left -= table.copy_again(left)
        uncopied = self._uncopied()
        if uncopied <= self._most:
            return self._is_hashed()
        if self._before - uncopied < self._most >> 1:
            self._most += (self._most >> 3) + 1
        self._before = uncopied
        return False

    def _is_hashed(self) -> bool:
        waiting: i64 = 0
        for table in self._tables:
            waiting += table.waiting
        self._patience -= 1
        return waiting <= _FEW or self._patience < 0

    def _uncopied(self) -> i64:
        uncopied: i64 = 0
        for table in self._tables:
            uncopied += table.uncopied
        return uncopied

    def drop(self) -> None:
        for table in self._tables:
            table.drop_image()
