"""Committed entries in memory, and following them: what the tests' nodes without a disk share."""

import asyncio
from collections.abc import AsyncIterator

from replication.ports import Committed, TailGone


class CommittedLog:
    """Entries from index 1, and any number of readers that wait for the next one."""

    def __init__(self) -> None:
        self.log: list[Committed] = []
        self._grown = asyncio.Event()

    def add(self, entry: Committed) -> None:
        self.log.append(entry)
        self._grown.set()

    async def tail(self, from_index: int) -> AsyncIterator[Committed]:
        if from_index > len(self.log) + 1:
            raise TailGone(f"index {from_index} is beyond the log's end, {len(self.log)}")
        at = from_index - 1
        while True:
            while at < len(self.log):
                yield self.log[at]
                at += 1
            self._grown.clear()
            await self._grown.wait()
