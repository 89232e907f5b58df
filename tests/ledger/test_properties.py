"""What holds for every stream of events, on the store in memory; numbers as in docs/ledger.md."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.memory import MemoryStore, Tables
from ledger.ports import OUTSIDE
from tests.ledger.harness import Crash, Crashing, project, tables_after
from tests.ledger.streams import Op, ToyCore, log_of, random_ops

Result = TypeVar("Result")
OPS = st.lists(
    st.tuples(st.integers(0, 14), st.integers(0, 40), st.integers(0, 7), st.integers(0, 90)),
    min_size=5,
    max_size=120,
)
SIZES = st.lists(st.integers(0, 9), min_size=1, max_size=4).filter(any)
CUTS = st.lists(st.integers(1, 7), min_size=1, max_size=4)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """The store in memory never waits: no event loop is needed."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    raise AssertionError("the memory store waited for something")


def check_books(tables: Tables, core: ToyCore) -> None:
    """Properties 1 and 2, and that the balances are the core's."""
    sums: dict[tuple[int, int, int], int] = defaultdict(int)
    folded: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
    for posting in tables.postings.values():
        assert posting.amount != 0
        assert (posting.log_index, posting.ordinal) in tables.entries
        sums[posting.log_index, posting.ordinal, posting.asset] += posting.amount
        folded[posting.account, posting.asset][posting.bucket] += posting.amount
        folded[posting.account, posting.asset][2] += 1
    assert not any(sums.values())
    assert {key[:2] for key in sums} == set(tables.entries)
    stored = {key: [b.available, b.hold, b.version] for key, b in tables.balances.items()}
    assert stored == dict(folded)
    users = {key: (b[0], b[1]) for key, b in stored.items() if key[0] != OUTSIDE}
    assert {key: row for key, row in users.items() if row != (0, 0)} == core.balances()
    assert len(tables.trades) == core.trades
    assert set(tables.accounts) == {OUTSIDE, *core.accounts}


@given(OPS, SIZES, CUTS)
def test_books_balance_and_equal_the_cores(
    ops: list[Op], sizes: list[int], cuts: list[int]
) -> None:
    core = ToyCore()
    log = log_of(core, ops, sizes)
    tables = run(tables_after(log, cuts))
    check_books(tables, core)
    assert len(tables.reconciliations) == core.checkpoints
    assert all(r.ok for r in tables.reconciliations.values())
    assert tables.cursor.log_index == len(log)


@given(OPS, SIZES, CUTS)
def test_tables_do_not_depend_on_batches(ops: list[Op], sizes: list[int], cuts: list[int]) -> None:
    """Property 3."""
    log = log_of(ToyCore(), ops, sizes)
    whole = MemoryStore()
    run(project(whole, log, cuts=(10**6,)))
    by_size = MemoryStore()
    run(project(by_size, log, cuts=(10**6,), postings=5))
    assert run(tables_after(log, cuts)) == whole.tables == by_size.tables


@given(OPS, SIZES, CUTS, st.integers(0, 25))
def test_a_crash_anywhere_changes_nothing(
    ops: list[Op], sizes: list[int], cuts: list[int], statements: int
) -> None:
    """Property 4: die before any statement, as often as it takes, and go on."""
    log = log_of(ToyCore(), ops, sizes)
    store = MemoryStore()
    for left in range(statements, statements + 400, 7):
        try:
            run(project(Crashing(store, left), log, cuts))
            break
        except Crash:
            continue
    else:
        raise AssertionError("it never got through")
    assert store.tables == run(tables_after(log))


@given(OPS, SIZES, st.integers(1, 30))
def test_redelivery_changes_nothing(ops: list[Op], sizes: list[int], back: int) -> None:
    """Property 5: any suffix of what is booked comes again."""
    log = log_of(ToyCore(), ops, sizes)
    store = MemoryStore()
    projector = run(project(store, log))
    before = store.tables

    async def again() -> None:
        for entry in log[-back:]:
            await projector.offer(entry)
        await projector.flush()

    run(again())
    assert store.tables == before
    assert projector.progress.redelivered == min(back, len(log))


@given(OPS, SIZES)
def test_holds_and_balances_are_never_negative(ops: list[Op], sizes: list[int]) -> None:
    """Property 9, after every log entry."""
    log = log_of(ToyCore(), ops, sizes)
    store = MemoryStore()
    for upto in range(1, len(log) + 1):
        run(project(store, log[:upto]))
        for balance in store.tables.balances.values():
            assert balance.account == OUTSIDE or (balance.available >= 0 and balance.hold >= 0)
        supply: dict[int, int] = defaultdict(int)
        for balance in store.tables.balances.values():
            supply[balance.asset] += balance.available + balance.hold
        assert not any(supply.values())


@settings(max_examples=10)
@given(OPS)
def test_an_event_loop_changes_nothing(ops: list[Op]) -> None:
    log = log_of(ToyCore(), ops)
    assert asyncio.run(tables_after(log)) == run(tables_after(log))


def test_the_toy_reaches_what_matters() -> None:
    """The generator is not vacuous: one fixed stream has every kind of entry, and checkpoints."""
    core = ToyCore()
    numbers = random_ops(600)
    tables = run(tables_after(log_of(core, numbers)))
    check_books(tables, core)
    assert {entry.kind for entry in tables.entries.values()} == set(range(1, 11))
    assert core.checkpoints >= 10
    assert core.trades >= 10
    assert len({key[0] // 64 for key in core.balances()}) >= 3
