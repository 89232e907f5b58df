"""Hashing that is spread over entries: the queue, the pace, and how little a checkpoint finds."""

import random
from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from core.accounts import Accounts
from core.balances import ACCOUNTS_PER_PAGE, page_digest, root_digest
from core.table import PAGE_ROWS, Table
from core.waiting import WHOLE, Pace, Waiting

FEW = 32
"""Pages of a narrow table that may always wait."""
MS = 1_000_000


@given(st.lists(st.one_of(st.integers(0, 40), st.none()), max_size=200))
def test_a_number_waits_once_and_the_oldest_is_taken_first(steps: list[int | None]) -> None:
    waiting, expected = Waiting(), OrderedDict[int, None]()
    for number in steps:
        if number is not None:
            waiting.add(number)
            expected.setdefault(number)
        elif expected:
            assert waiting.take() == expected.popitem(last=False)[0]
        assert waiting.fifo.count == len(expected)


def test_the_pace_learns_by_what_an_interval_ends() -> None:
    pace = Pace()
    for interval in range(3):
        lefts = []
        for entry in range(1, 201):
            pace.entry(10, interval * 1_000 * MS + entry * MS)
            lefts.append(pace.left)
        assert lefts == sorted(lefts, reverse=True)
        assert interval == 0 or lefts[150] < WHOLE // 3
        assert interval == 0 or lefts[-1] == 0
        pace.checkpoint(interval * 1_000 * MS + 200 * MS)
        assert pace.left == WHOLE


def test_each_of_entries_commands_and_time_can_end_an_interval() -> None:
    for commands, step_ns, entries in ((1, 1, 10_000), (1_000, 1, 50), (1, 100 * MS, 101)):
        pace = Pace()
        for entry in range(1, entries):
            pace.entry(commands, entry * step_ns)
        pace.entry(commands, entries * step_ns)
        assert pace.left == 0


def interval(pace: Pace, entries: int, commands: int, from_ns: int) -> tuple[int, int]:
    """Another checkpoint after so many entries, 1 ms apart; what was left before it, and when."""
    for entry in range(1, entries + 1):
        pace.entry(commands, from_ns + entry * MS)
    left = pace.left
    pace.checkpoint(from_ns + entries * MS)
    return left, from_ns + entries * MS


def test_a_guess_that_was_far_too_long_is_given_up_at_once() -> None:
    """A log that had no checkpoint for long, or another leader with other settings."""
    pace = Pace()
    _, now_ns = interval(pace, 50_000, 3, 0)
    late, now_ns = interval(pace, 500, 3, now_ns)
    assert late > WHOLE // 2
    for _ in range(3):
        left, now_ns = interval(pace, 500, 3, now_ns)
        assert left == 0


def test_another_load_keeps_the_limits_that_were_seen() -> None:
    """1,000 commands, 100 entries or a second, whichever is first, as the load goes up and down."""
    pace, now_ns = Pace(), 0
    for entries, commands in ((100, 1), (10, 100), (100, 3)):
        _, now_ns = interval(pace, entries, commands, now_ns)
    for _ in range(20):
        for entries, commands in ((10, 100), (100, 2), (100, 10)):
            left, now_ns = interval(pace, entries, commands, now_ns)
            assert left < WHOLE // 4


def table_of(pages: int) -> Table:
    table = Table("balances", 5)
    for _ in range(pages * PAGE_ROWS):
        table.add_row()
    table.digest(as_tree=True)
    table.restart_interval()
    return table


def test_what_is_cold_is_hashed_before_the_checkpoint_and_few_pages_are_left() -> None:
    rng = random.Random(1)
    table, pace = table_of(2_000), Pace()
    found = []
    for entry in range(1, 2_501):
        row = rng.randrange(table.count)
        table.rows[row * 5] = entry
        table.touch(row)
        pace.entry(1, entry * MS)
        table.keep_up(pace)
        if entry % 500 == 0:
            found.append(table.waiting)
            table.digest(as_tree=True)
            pace.checkpoint(entry * MS)
            table.begin_interval(pace)
    assert max(found[1:]) <= FEW + 16
    assert found[0] > 300, "nobody knew when the first interval would end"


def test_what_changes_with_every_entry_is_left_to_the_checkpoint() -> None:
    table, pace = table_of(100), Pace()
    for entry in range(60):
        for page in range(100):
            table.touch(page * PAGE_ROWS)
        pace.entry(1_000, entry)
        table.keep_up(pace)
    assert pace.left == 0
    assert table.waiting == 100


def test_a_log_without_checkpoints_is_hashed_in_the_end() -> None:
    table, pace = table_of(1_000), Pace()
    for page in range(1_000):
        table.touch(page * PAGE_ROWS)
    for _ in range(20_000):
        pace.entry(0, 1)
        table.keep_up(pace)
    assert table.waiting == FEW


@given(st.data())
def test_the_balances_digest_is_that_of_its_definition(data: st.DataObject) -> None:
    accounts, pace = Accounts(), Pace()
    for _ in range(data.draw(st.integers(0, 3 * ACCOUNTS_PER_PAGE))):
        accounts.open()
    steps = st.tuples(
        st.integers(1, accounts.accounts.count - 1), st.integers(1, 3), st.integers(0, 9)
    )
    for account, asset, amount in data.draw(st.lists(steps, max_size=30)):
        row = accounts.ensure(account, asset)
        if amount < 3:
            accounts.add_available(row, -accounts.available(row))
        elif amount < 6:
            accounts.add_available(row, amount)
        elif amount < 8:
            pace.entry(1_000_000, 1)
            accounts.pages.keep_up(pace)
        else:
            accounts.digest()
    pages = []
    for page in range(accounts.accounts.count // ACCOUNTS_PER_PAGE + 1):
        first = page * ACCOUNTS_PER_PAGE
        rows = [r for a in range(first, first + ACCOUNTS_PER_PAGE) for r in accounts.rows_of(a)]
        if rows:
            pages.append((page, page_digest(rows)))
    assert accounts.digest() == root_digest(pages)
    digest = accounts.digest()
    accounts.rebuild()
    assert accounts.digest() == digest
