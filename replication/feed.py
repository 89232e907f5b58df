"""The feed: committed entries as they are published to those who follow the node.

Why it exists: a follower of events may be slow or dead, and must cost the node nothing. The feed
keeps the newest entries once, for everybody, in a bounded window; each follower only has a
position. Who falls out of the window reads the store. Pure: it waits for nothing.
"""

from collections import deque

from replication.ports import Committed


class Feed:
    """A window on the newest entries, contiguous and in order."""

    def __init__(self, applied_index: int, bytes_max: int) -> None:
        self._entries: deque[Committed] = deque()
        self._bytes = 0
        self._bytes_max = bytes_max
        self._last_index = applied_index
        self._stored_index = applied_index

    @property
    def last_index(self) -> int:
        """The newest published entry."""
        return self._last_index

    @property
    def first_index(self) -> int:
        """The oldest entry in the window; `last_index + 1` if the window is empty."""
        return self._last_index - len(self._entries) + 1

    def publish(self, entry: Committed) -> None:
        assert entry.index == self._last_index + 1, "entries are published in order"
        self._entries.append(entry)
        self._bytes += _size(entry)
        self._last_index = entry.index
        self._evict()

    def stored(self, index: int) -> None:
        """Results up to `index` can now be read from the store, so they may leave the window."""
        self._stored_index = index
        self._evict()

    def restart_after(self, index: int) -> None:
        """A snapshot took the log past entries that were never published here."""
        self._entries.clear()
        self._bytes = 0
        self._last_index = self._stored_index = max(index, self._last_index)

    def after(self, from_index: int, bytes_max: int) -> list[Committed] | None:
        """Entries from `from_index`, about `bytes_max` of them; None: ask the store.

        An empty list means that `from_index` has not been published yet.
        """
        if from_index > self._last_index:
            return []
        if from_index < self.first_index:
            return None
        found: list[Committed] = []
        size = 0
        for at in range(from_index - self.first_index, len(self._entries)):
            entry = self._entries[at]
            found.append(entry)
            size += _size(entry)
            if size >= bytes_max:
                break
        return found

    def _evict(self) -> None:
        """An entry that is not in the store yet never leaves: nobody else has it."""
        while self._bytes > self._bytes_max and self._entries[0].index <= self._stored_index:
            self._bytes -= _size(self._entries.popleft())


def _size(entry: Committed) -> int:
    return len(entry.events) + len(entry.metadata) + len(entry.chain)
