"""The runner: when it flushes, what it survives and what stops it, on a feed under control."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest

from adapters import ledger_runner
from adapters.ledger_runner import CONNECTING, RUNNING, STOPPED, Runner
from ledger.memory import MemoryStore, MemoryTransaction
from ledger.ports import Books, FeedFault, LogEvents
from tests.ledger.harness import tables_after
from tests.ledger.streams import ToyCore, log_of, random_ops

pytestmark = pytest.mark.asyncio
DEADLINE_S = 20.0


class WatchedStore(MemoryStore):
    """Says when the cursor has come somewhere; can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = asyncio.Condition()
        self.away = 0
        self.closed = 0

    async def load(self) -> Books:
        self._may_be_away()
        return await super().load()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        self._may_be_away()
        async with super().transaction() as transaction:
            yield transaction
        async with self.moved:
            self.moved.notify_all()

    async def close(self) -> None:
        self.closed += 1

    async def at(self, index: int) -> None:
        async with asyncio.timeout(DEADLINE_S), self.moved:
            await self.moved.wait_for(lambda: self.tables.cursor.log_index >= index)

    def _may_be_away(self) -> None:
        if self.away:
            self.away -= 1
            raise psycopg.OperationalError("the server closed the connection unexpectedly")


class Core:
    """A feed that gives what is there and then waits for more."""

    def __init__(self, log: Sequence[LogEvents]) -> None:
        self.log = list(log)
        self.asked: list[int] = []
        self.grown = asyncio.Event()
        self.fault: Exception | None = None

    async def tail(self, index: int) -> AsyncIterator[LogEvents]:
        self.asked.append(index)
        at = index - 1
        while True:
            while at < len(self.log):
                yield self.log[at]
                at += 1
            if self.fault is not None:
                raise self.fault
            self.grown.clear()
            await self.grown.wait()


def runner_on(store: WatchedStore, core: Core, linger_s: float = 0.001) -> Runner:
    async def connect() -> WatchedStore:
        return store

    return Runner(connect, core.tail, partition=0, batch_postings=50, linger_s=linger_s)


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def toy_log() -> list[LogEvents]:
    return log_of(ToyCore(), random_ops(150))


async def test_it_follows_the_feed_and_goes_on_where_it_was() -> None:
    log = toy_log()
    store, core = WatchedStore(), Core(log[:20])
    runner = runner_on(store, core)
    async with running(runner):
        await store.at(20)
        assert runner.state == RUNNING
        core.log = list(log)
        core.grown.set()
        await store.at(len(log))
    assert store.closed == 1
    again = runner_on(store, core)
    async with running(again):
        core.log.append(LogEvents(0, len(log) + 1, 100, log[-1].ts_ns, b""))
        await store.at(len(log) + 1)
    assert core.asked == [1, len(log)]
    assert again.progress.redelivered == 1
    expected = await tables_after(core.log)
    assert store.tables == expected


async def test_a_database_that_went_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_runner, "BACKOFF_S_MIN", 0.0)
    log = toy_log()
    store, core = WatchedStore(), Core(log[:10])
    runner = runner_on(store, core)
    async with running(runner):
        await store.at(10)
        store.away = 3
        core.log = list(log)
        core.grown.set()
        await store.at(len(log))
    assert runner.fault == ""
    assert store.tables == await tables_after(log)


@pytest.mark.parametrize("fault", [FeedFault("index 21 is gone"), None])
async def test_a_fault_stops_it_after_what_was_good(fault: Exception | None) -> None:
    log = toy_log()
    store, core = WatchedStore(), Core(log[:20])
    if fault is None:
        core.log.append(log[25])  # a gap
    core.fault = fault
    runner = runner_on(store, core, linger_s=60.0)
    async with asyncio.timeout(DEADLINE_S):
        await runner.run()
    assert runner.state == STOPPED
    assert ("index 21 is gone" if fault else "log index 26 where 21 comes next") in runner.fault
    booked = store.tables.cursor.log_index
    assert booked == 20 if fault else booked <= 20
    assert store.tables == await tables_after(log[:booked])


async def test_our_own_bug_is_not_swallowed() -> None:
    store, core = WatchedStore(), Core(toy_log()[:5])
    core.fault = AssertionError("entry 7 came for 6")
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(AssertionError, match="entry 7 came for 6"):
            await runner_on(store, core).run()


async def test_it_is_connecting_until_the_books_are_open() -> None:
    store, core = WatchedStore(), Core([])
    runner = runner_on(store, core)
    assert runner.state == CONNECTING
    assert runner.index == 0
