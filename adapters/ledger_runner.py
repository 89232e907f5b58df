"""Keeps a projector fed: from the core's event feed into the store, batch after batch.

Why it exists: the projector decides what is booked and reads no clock; something must wait for
events, for the moment to flush, and for a database that went away. That is here, and nothing
about money. A fault is where it ends: it stops posting, says why, and stays stopped; only a
person goes on from there.

    CONNECTING ──▶ RUNNING ── database away ──▶ CONNECTING
                      └───── fault ──▶ STOPPED
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol

import psycopg

from ledger.ports import BooksDiverged, FeedFault, Fenced, LedgerStore, LogEvents
from ledger.projector import Progress, Projector

CONNECTING: Final = "CONNECTING"
RUNNING: Final = "RUNNING"
STOPPED: Final = "STOPPED"

QUEUE_ENTRIES_MAX: Final = 256
"""Log entries read ahead; beyond that the feed waits, by its own flow control."""
BACKOFF_S_MIN: Final = 0.05
BACKOFF_S_MAX: Final = 5.0

log = logging.getLogger("lockstep.ledger")


class ClosableStore(LedgerStore, Protocol):
    async def close(self) -> None: ...


Connect = Callable[[], Awaitable[ClosableStore]]
Feed = Callable[[int], AsyncIterator[LogEvents]]
"""From a log index on, live, without end."""


class Runner:
    """Runs one partition's projector until it is cancelled or a fault stops it."""

    def __init__(
        self, connect: Connect, feed: Feed, *, partition: int, batch_postings: int, linger_s: float
    ) -> None:
        self.state = CONNECTING
        self.fault = ""
        self.progress = Progress()
        self.index = 0
        self._connect = connect
        self._feed = feed
        self._partition = partition
        self._batch_postings = batch_postings
        self._linger_s = linger_s

    async def run(self) -> None:
        """Returns when a fault stopped it; a bug (an assertion) is raised."""
        backoff_s = BACKOFF_S_MIN
        while True:
            before = self.progress.transactions
            try:
                await self._connected()
            except psycopg.OperationalError as error:
                self.state = CONNECTING
                if self.progress.transactions > before:
                    backoff_s = BACKOFF_S_MIN
                log.warning("the database is away, again in %.2f s: %s", backoff_s, error)
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)
            except (BooksDiverged, FeedFault, Fenced, psycopg.Error) as error:
                self.state = STOPPED
                self.fault = f"{type(error).__name__}: {error}"
                log.critical("stopped posting: %s", self.fault)
                return

    async def _connected(self) -> None:
        store = await self._connect()
        try:
            projector = await Projector.open(
                store, self._partition, self._batch_postings, self.progress
            )
            self.index = projector.cursor.log_index
            self.state = RUNNING
            log.info("booking partition %d from log index %d", self._partition, self.index)
            queue: asyncio.Queue[LogEvents | Exception] = asyncio.Queue(QUEUE_ENTRIES_MAX)
            reader = asyncio.create_task(self._read(projector.next_index, queue))
            try:
                await self._project(projector, queue)
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
        finally:
            await store.close()

    async def _read(self, index: int, queue: "asyncio.Queue[LogEvents | Exception]") -> None:
        """What goes wrong with the feed travels behind the entries that it gave."""
        feed = self._feed(index)
        try:
            async for entry in feed:
                await queue.put(entry)
            await queue.put(FeedFault("the feed ended"))
        except Exception as error:  # noqa: BLE001 - raised again by whoever takes it
            await queue.put(error)

    async def _project(
        self, projector: Projector, queue: "asyncio.Queue[LogEvents | Exception]"
    ) -> None:
        """Flush when a batch is full, or when its oldest entry has waited for `linger_s`."""
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            was_pending = projector.pending
            try:
                entry = queue.get_nowait()
            except asyncio.QueueEmpty:
                try:
                    async with asyncio.timeout_at(due if was_pending else None):
                        entry = await queue.get()
                except TimeoutError:
                    await projector.flush()
                    self.index = projector.cursor.log_index
                    continue
            if isinstance(entry, Exception):
                if projector.pending:
                    await projector.flush()
                raise entry
            await projector.offer(entry)
            self.index = projector.cursor.log_index
            if projector.pending:
                if not was_pending:
                    due = loop.time() + self._linger_s
                elif loop.time() >= due:
                    await projector.flush()
                    self.index = projector.cursor.log_index
