"""How the ledger's tests drive a projector: run a log through it, and crash it where they want.

Why it exists: the same properties are checked against the store in memory and against real
PostgreSQL, so what runs them is written once, over the port.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ledger.memory import MemoryStore, Tables
from ledger.ports import Books, LedgerStore, LedgerTransaction, LogEvents
from ledger.projector import Projector


class Crash(Exception):
    """The process died here."""


class Crashing:
    """A store that dies before the n-th statement from now; BEGIN and COMMIT count as well."""

    def __init__(self, store: LedgerStore, statements: int) -> None:
        self._store = store
        self.left = statements

    def step(self) -> None:
        if self.left == 0:
            raise Crash
        self.left -= 1

    async def load(self) -> Books:
        return await self._store.load()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[LedgerTransaction]:
        self.step()
        async with self._store.transaction() as transaction:
            yield _CrashingTransaction(self, transaction)  # type: ignore[misc]
            self.step()
        self.step()


class _CrashingTransaction:
    def __init__(self, crashing: Crashing, transaction: LedgerTransaction) -> None:
        self._crashing = crashing
        self._transaction = transaction

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        self._crashing.step()
        method: Callable[..., Awaitable[Any]] = getattr(self._transaction, name)
        return method


async def project(
    store: LedgerStore, log: Sequence[LogEvents], cuts: Sequence[int] = (1,),
    postings: int = 10**6, partition: int = 0,
) -> Projector:  # fmt: skip
    """Feed what the books lack; `cuts` are how many log entries each transaction takes, in turn."""
    projector = await Projector.open(store, partition, postings)
    waiting, turn = 0, 0
    for entry in log:
        if entry.index < projector.next_index:
            continue
        await projector.offer(entry)
        waiting += 1
        if waiting >= cuts[turn % len(cuts)]:
            await projector.flush()
            waiting, turn = 0, turn + 1
    await projector.flush()
    return projector


async def tables_after(log: Sequence[LogEvents], cuts: Sequence[int] = (1,)) -> Tables:
    store = MemoryStore()
    await project(store, log, cuts)
    return store.tables
