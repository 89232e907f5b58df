"""Results on their way to the disk: what applying gave, until a write has carried it there.

Why it exists: a result may be derived again and so need not be durable before a reply; but results
must reach the disk in order, none missing, none ahead of what the log there covers, also when a
snapshot takes the log past some. That order is kept here. It does no I/O.
"""

import math

from replication.ports import LogStore, Result


class ResultDiffers(Exception):
    """Our bug, or a disk that lied: applying an entry again gave another result than before."""

    def __init__(self, index: int, stored: bytes, derived: bytes) -> None:
        super().__init__(
            f"result {index}: the stored chain is {stored.hex()}, "
            f"applying the log again gives {derived.hex()}"
        )
        self.index = index


class NodeResults:
    """`stored_index` is durable; what waits follows it without a gap, but for an install."""

    def __init__(self, store: LogStore, flush_s: float) -> None:
        self.stored_index = store.result_index()
        self.due_s = math.inf
        """When what waits is written at the latest."""
        self._store = store
        self._flush_s = flush_s
        self._waiting: list[Result] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def keep(self, result: Result, now_s: float) -> None:
        """For the next write; where one is stored already, compare. Raises `ResultDiffers`."""
        if result.index <= self.stored_index:
            stored = self._store.result_chain(result.index)
            if stored is not None and stored != result.chain:
                raise ResultDiffers(result.index, stored, result.chain)
            return
        if not self._waiting:
            self.due_s = now_s + self._flush_s
        self._waiting.append(result)

    def take(self) -> list[Result]:
        taken, self._waiting = self._waiting, []
        self.due_s = math.inf
        return taken

    def forget(self) -> None:
        """A snapshot's state takes the place of what they came from."""
        self.take()

    def covered(self, index: int) -> None:
        """A write makes the log begin after `index`: results up to there are wanted no more."""
        self._waiting = [result for result in self._waiting if result.index > index]
        if not self._waiting:
            self.due_s = math.inf

    def stored(self, index: int) -> bool:
        """A write is durable; True if that is news."""
        if index <= self.stored_index:
            return False
        self.stored_index = index
        return True
