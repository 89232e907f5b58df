"""What stops a projector, and that nothing is booked of what stopped it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from ledger import projector as projector_module
from ledger.memory import MemoryStore
from ledger.ports import BooksDiverged, FeedFault, Fenced, LogEvents
from ledger.projector import Projector
from tests.ledger.harness import project, tables_after
from tests.ledger.streams import ToyCore, chain, log_of, random_ops

OPS = random_ops(60)


def toy_log() -> list[LogEvents]:
    return log_of(ToyCore(), OPS)


def changed(entry: LogEvents, **fields: Any) -> LogEvents:
    return msgspec.structs.replace(entry, **fields)


@pytest.mark.parametrize(
    ("fields", "fault", "said"),
    [
        ({"index": 12}, FeedFault, "log index 12 where 11 comes next"),
        ({"epoch": 1}, Fenced, "epoch 1 of log index 11 is below 2"),
        ({"ts_ns": 5}, FeedFault, "time runs backwards"),
        ({"partition": 3}, FeedFault, "partition 3 where 0 is booked"),
        ({"events": b"\0" * 16}, FeedFault, "log index 11"),
    ],
)
def test_what_cannot_come_next_is_refused(
    fields: dict[str, Any], fault: type[Exception], said: str
) -> None:
    log = toy_log()
    store = MemoryStore()

    async def scenario() -> None:
        projector = await project(store, log[:10])
        with pytest.raises(fault, match=said):
            await projector.offer(changed(log[10], **fields))
        with pytest.raises(AssertionError, match="not used again"):
            await projector.flush()

    asyncio.run(scenario())
    assert store.tables == asyncio.run(tables_after(log[:10]))


def test_another_history_is_refused_where_the_books_end() -> None:
    log = toy_log()
    store = MemoryStore()
    asyncio.run(project(store, log[:10]))

    async def again(hash_there: bytes) -> None:
        projector = await Projector.open(store)
        assert projector.next_index == 10
        await projector.offer(changed(log[9], chain=hash_there))

    asyncio.run(again(chain(10)))
    with pytest.raises(FeedFault, match="another log's ledger"):
        asyncio.run(again(chain(11)))


def wrong_digest_at(log: Sequence[LogEvents], at: int) -> list[LogEvents]:
    """The same log, but the checkpoint in entry `at` carries another digest."""
    entry = log[at]
    spoiled = bytearray(entry.events)
    spoiled[-1] ^= 1
    return [*log[:at], changed(entry, events=bytes(spoiled)), *log[at + 1 :]]


def log_with_checkpoints() -> tuple[list[LogEvents], int]:
    """One op in each entry; and where the second checkpoint is."""
    log = log_of(ToyCore(), OPS, per_entry=(1,))
    at = [i for i, entry in enumerate(log) if len(entry.events) == 88]
    assert len(at) >= 3
    return log, at[1]


@pytest.mark.parametrize("cuts", [(1,), (4,), (1000,)])
def test_a_mismatch_stops_exactly_before_the_checkpoint(cuts: tuple[int, ...]) -> None:
    log, at = log_with_checkpoints()
    store = MemoryStore()
    for _attempt in range(2):  # a restart comes to the same end
        with pytest.raises(BooksDiverged, match=f"log index {at + 1}"):
            asyncio.run(project(store, wrong_digest_at(log, at), cuts))
    expected = asyncio.run(tables_after(log[:at]))
    failed = [r for r in store.tables.reconciliations.values() if not r.ok]
    assert [(r.log_index, r.ok) for r in failed] == [(at + 1, False)]
    equal = {key: r for key, r in store.tables.reconciliations.items() if r.ok}
    assert msgspec.structs.replace(store.tables, reconciliations=equal) == expected


def test_after_the_cause_is_gone_the_same_books_go_on() -> None:
    log, at = log_with_checkpoints()
    store = MemoryStore()
    with pytest.raises(BooksDiverged):
        asyncio.run(project(store, wrong_digest_at(log, at)))
    projector = asyncio.run(project(store, log))
    assert projector.cursor.log_index == len(log)
    assert [r.ok for r in store.tables.reconciliations.values()].count(False) == 1


@pytest.mark.parametrize("column", ["available", "hold"])
def test_a_balance_changed_behind_our_back_is_found(column: str) -> None:
    log, at = log_with_checkpoints()
    store = MemoryStore()
    asyncio.run(project(store, log[:at]))
    key, balance = next((k, b) for k, b in store.tables.balances.items() if k[0] > 1)
    store.tables.balances[key] = balance._replace(**{column: getattr(balance, column) + 1})
    with pytest.raises(BooksDiverged):
        asyncio.run(project(store, log))


def test_two_checkpoints_and_money_in_one_log_entry() -> None:
    core = ToyCore()
    checkpoint, deposit = (8, 0, 0, 0), (0, 1, 1, 50)
    ops = [deposit, checkpoint, deposit, deposit, checkpoint, deposit]
    log = log_of(core, ops, per_entry=(6,))
    assert len(log) == 1
    tables = asyncio.run(tables_after(log))
    assert [r.ok for r in tables.reconciliations.values()] == [True, True]
    assert len({r.core_digest for r in tables.reconciliations.values()}) == 2
    assert len(tables.entries) == 4


def test_a_full_batch_is_booked_without_asking() -> None:
    log = [entry for entry in toy_log() if entry.index <= 15]
    store = MemoryStore()

    async def scenario() -> Projector:
        projector = await Projector.open(store, batch_postings=4)
        for entry in log:
            await projector.offer(entry)
        return projector

    projector = asyncio.run(scenario())
    assert 1 < projector.progress.transactions < len(log)
    assert projector.cursor.log_index >= 10


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_postings"):
        asyncio.run(Projector.open(MemoryStore(), batch_postings=0))


def test_pages_are_read_in_bounded_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(ToyCore(), random_ops(600))
    whole = asyncio.run(tables_after(log))
    monkeypatch.setattr(projector_module, "PAGES_PER_READ", 2)
    store = MemoryStore()
    for upto in range(1, len(log) + 1, 40):  # a restart reads all pages again
        asyncio.run(project(store, log[:upto]))
    asyncio.run(project(store, log))
    assert len({account // 64 for account, _asset in whole.balances}) > 4
    assert store.tables == whole
