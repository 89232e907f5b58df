"""The projector: books the core's events, batch by batch, and compares at every checkpoint.

Why it exists: it decides what goes into one transaction of the store, and what must stop it. It
reads no clock and starts no task: whoever drives it calls `offer` for each log entry and `flush`
when it is time, and may cut the log anywhere; the tables come out the same. It knows the store
only through its port.

What it refuses, and whose fault that is:

    a gap in log indexes, sequence or trade numbers            the feed's: `FeedFault`
    another history at the index where the books end           the feed's: `FeedFault`
    an epoch below the cursor's, a cursor that has moved       ours, a newer one runs: `Fenced`
    balances that are not the core's at a checkpoint           a bug, tampering: `BooksDiverged`

After any of these, and after any error of the store, the projector is spent: what it folded ahead
may not be what is booked. Open a new one from the store.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Final, Self

from core.balances import ACCOUNTS_PER_PAGE, page_digest, root_digest
from core.events import EngineCheckpoint
from ledger.fold import Fold, Journal
from ledger.ports import (
    Books,
    BooksDiverged,
    Cursor,
    FeedFault,
    Fenced,
    LedgerStore,
    LedgerTransaction,
    LogEvents,
    Reconciliation,
)  # fmt: skip

BATCH_POSTINGS_DEFAULT: Final = 4096
"""Where the time for one posting no longer falls: see `lockstep bench ledger`."""
PAGES_PER_READ: Final = 512
"""Balances are read 32,768 accounts at a time, so a checkpoint's memory is bounded."""


class Progress:
    """Counters for operators; only ever grow while the process lives."""

    def __init__(self) -> None:
        self.events = 0
        self.entries = 0
        self.postings = 0
        self.transactions = 0
        self.redelivered = 0
        self.reconciled = 0
        self.diverged = 0


class Projector:
    """One partition's. Use: `open`, then `offer` each log entry in order and `flush`."""

    def __init__(
        self,
        store: LedgerStore,
        books: Books,
        partition: int = 0,
        batch_postings: int = BATCH_POSTINGS_DEFAULT,
        progress: Progress | None = None,
    ) -> None:
        if batch_postings < 1:
            raise ValueError(f"batch_postings: {batch_postings} must be at least 1")
        self.cursor = books.cursor
        """Up to where the log is booked."""
        self.progress = progress or Progress()
        self._store = store
        self._partition = partition
        self._batch_postings = batch_postings
        self._fold = Fold(books.symbols, books.streams)
        self._pending = Journal()
        self._head = books.cursor
        self._pages: dict[int, bytes] = {}
        self._dirty: set[int] | None = None  # None: no page is known yet
        self._spent = False

    @classmethod
    async def open(
        cls,
        store: LedgerStore,
        partition: int = 0,
        batch_postings: int = BATCH_POSTINGS_DEFAULT,
        progress: Progress | None = None,
    ) -> Self:
        return cls(store, await store.load(), partition, batch_postings, progress)

    @property
    def pending(self) -> bool:
        """Is anything offered that is not booked yet?"""
        return self._head.log_index > self.cursor.log_index

    @property
    def next_index(self) -> int:
        """Where to tail the feed from: the last entry again, so that its hash is compared."""
        return max(self.cursor.log_index, 1)

    async def offer(self, log: LogEvents) -> None:
        """Take the next log entry; books what is pending when there is enough of it."""
        assert not self._spent, "a projector that failed is not used again"
        try:
            await self._offer(log)
        except BaseException:
            self._spent = True
            raise

    async def flush(self) -> None:
        """Book what was offered."""
        assert not self._spent, "a projector that failed is not used again"
        if self.pending:
            try:
                await self._commit([self._pending])
            except BaseException:
                self._spent = True
                raise

    async def _offer(self, log: LogEvents) -> None:
        if log.partition != self._partition:
            raise FeedFault(f"partition {log.partition} where {self._partition} is booked")
        if log.index <= self._head.log_index:
            self._check_redelivered(log)
            return
        if log.index != self._head.log_index + 1:
            raise FeedFault(f"log index {log.index} where {self._head.log_index + 1} comes next")
        if log.epoch < self._head.epoch:
            raise Fenced(f"epoch {log.epoch} of log index {log.index} is below {self._head.epoch}")
        if log.ts_ns < self._head.ts_ns:
            raise FeedFault(f"log index {log.index}: time runs backwards")
        journals = self._fold.fold(log)
        head = Cursor(log.index, log.epoch, log.ts_ns, log.chain)
        if journals[0].checkpoint is not None:
            # A transaction of its own: when the comparison fails, the tables stand just before
            # this log entry, however the batches before were cut.
            await self.flush()
            self._head = head
            await self._commit(journals)
            return
        self._head = head
        self._pending.absorb(journals[0])
        if len(self._pending.segment.postings) >= self._batch_postings:
            await self._commit([self._pending])

    def _check_redelivered(self, log: LogEvents) -> None:
        """What is booked is not booked again; but where we can, see that it is the same log."""
        self.progress.redelivered += 1
        if (
            log.index == self._head.log_index
            and log.chain
            and self._head.chain not in (b"", log.chain)
        ):
            raise FeedFault(
                f"log index {log.index}: the feed's history {log.chain.hex()} is not the one "
                f"that these books record, {self._head.chain.hex()}: another log's ledger?"
            )

    async def _commit(self, journals: list[Journal]) -> None:
        """One transaction for everything up to `_head`."""
        reconciled = 0
        try:
            async with self._store.transaction() as transaction:
                await transaction.move_cursor(self.cursor, self._head)
                for journal in journals:
                    await self._post(transaction, journal)
                    if journal.checkpoint is not None:
                        await self._reconcile(transaction, *journal.checkpoint)
                        reconciled += 1
                streams = journals[-1].streams
                await transaction.save_streams([streams[symbol] for symbol in sorted(streams)])
        except BooksDiverged as diverged:
            self.progress.diverged += 1
            async with self._store.transaction() as transaction:
                await transaction.record(diverged.reconciliation)
            raise
        self.cursor = self._head
        self._pending = Journal()
        self._count(journals, reconciled)

    async def _post(self, transaction: LedgerTransaction, journal: Journal) -> None:
        await transaction.append(journal.segment)
        if journal.deltas:
            await transaction.change_balances(journal.changes())
            if self._dirty is not None:
                self._dirty.update(
                    account // ACCOUNTS_PER_PAGE for account, _asset in journal.deltas
                )

    async def _reconcile(
        self, transaction: LedgerTransaction, ordinal: int, event: EngineCheckpoint
    ) -> None:
        """Compare what the store holds now with what the core had before this event."""
        wanted = await transaction.pages() if self._dirty is None else sorted(self._dirty)
        for start in range(0, len(wanted), PAGES_PER_READ):
            some = wanted[start : start + PAGES_PER_READ]
            for page in some:
                self._pages.pop(page, None)
            self._pages |= _page_digests(await transaction.page_rows(some))
        self._dirty = set()
        result = Reconciliation(
            self._head.log_index, ordinal, self._head.ts_ns, event.balances_digest,
            root_digest(sorted(self._pages.items())),
        )  # fmt: skip
        if not result.ok:
            raise BooksDiverged(result)
        await transaction.record(result)

    def _count(self, journals: list[Journal], reconciled: int) -> None:
        progress = self.progress
        progress.transactions += 1
        progress.reconciled += reconciled
        for journal in journals:
            progress.events += journal.events
            progress.entries += len(journal.segment.entries)
            progress.postings += len(journal.segment.postings)


def _page_digests(rows: Iterable[tuple[int, int, int, int]]) -> dict[int, bytes]:
    with_money = (row for row in rows if row[2] or row[3])
    pages = groupby(with_money, key=lambda row: row[0] // ACCOUNTS_PER_PAGE)
    return {page: page_digest(its_rows) for page, its_rows in pages}
