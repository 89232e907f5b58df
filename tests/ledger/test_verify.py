"""`verify` and `rebuild-check` pass on good books and name what is wrong with others."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from adapters.ledger_rebuild import Rebuild, rebuild_check
from adapters.postgres_verify import CHECKS, verify
from ledger.ports import LogEvents
from tests.ledger.streams import ToyCore, log_of, random_ops
from tests.ledger.test_postgres import project_on

TRIGGERED = {"entry", "posting", "reconciliation"}


@pytest.fixture
def books(ledger_url: str, new_partition: Callable[[], int]) -> tuple[int, list[LogEvents]]:
    partition = new_partition()
    log = log_of(ToyCore(), random_ops(200))
    asyncio.run(project_on(ledger_url, partition, log, [5]))
    return partition, log


@contextmanager
def tampered(url: str, statement: str, partition: int) -> Iterator[int]:
    """A superuser who also disables the triggers: nothing else can do this. Undone afterwards."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set search_path to ledger")
        connection.execute("set session_replication_role = replica")
        before = {
            table: connection.execute(
                f"select * from {table} where partition = %s".encode(), [partition]
            ).fetchall()
            for table in (*TRIGGERED, "balance", "account")
        }
        done = connection.execute(statement.format(p=partition).encode())
        yield done.rowcount
        for table, rows in before.items():
            connection.execute(f"delete from {table} where partition = %s".encode(), [partition])
            for row in rows:
                holes = ", ".join(["%s"] * len(row))
                connection.execute(f"insert into {table} values ({holes})".encode(), row)


def test_good_books_pass(ledger_url: str, books: tuple[int, list[LogEvents]]) -> None:
    partition, log = books
    result = verify(ledger_url, partition)
    assert result.ok
    assert [check.name for check in result.checks] == list(CHECKS)
    assert result.last_index == len(log)
    assert result.postings > result.entries > 50
    assert result.reconciliations > 5


def test_empty_books_pass(ledger_url: str, new_partition: Callable[[], int]) -> None:
    result = verify(ledger_url, new_partition())
    assert result.ok
    assert result.entries == 0


ONE = (
    "(partition, log_index, ordinal) = (select partition, log_index, ordinal from entry "
    "where partition = {p} and trade_id = 1 order by log_index limit 1)"
)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        (
            f"update posting set amount = amount * 2 where leg = 0 and {ONE}",
            {"postings of each entry and asset sum to zero",
             "balances are the sum of their postings"},
        ),
        (
            f"delete from posting where leg = 1 and {ONE}",
            {"postings of each entry and asset sum to zero",
             "balances are the sum of their postings",
             "each entry has postings, numbered from 0 without gaps"},
        ),
        (
            f"delete from entry where {ONE}",
            {"each posting has its entry", "trades of each symbol are booked once, without gaps"},
        ),
        (
            "update balance set available = available + 1 where partition = {p} and account = 1",
            {"balances are the sum of their postings"},
        ),
        (
            "delete from account where partition = {p} and account = 1",
            {"what is booked names known accounts and assets"},
        ),
        (
            "update reconciliation set ledger_digest = '', ok = false where partition = {p}",
            {"every comparison with the core's digest was equal"},
        ),
        (
            ("insert into entry (log_index, ts_ns, ordinal, symbol, partition, kind) "
            "values (1000000, 0, 0, 0, {p}, 1)"),
            {"nothing is booked beyond the cursor",
             "each entry has postings, numbered from 0 without gaps"},
        ),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_named(
    ledger_url: str, books: tuple[int, list[LogEvents]], statement: str, broken: set[str]
) -> None:
    partition, _log = books
    with tampered(ledger_url, statement, partition) as rows:
        assert rows >= 1
        result = verify(ledger_url, partition)
    failed = {check.name: check.rows for check in result.checks if not check.ok}
    assert set(failed) == broken
    assert all(0 < len(rows) <= 5 for rows in failed.values())
    assert verify(ledger_url, partition).ok


async def fed(log: list[LogEvents]) -> AsyncIterator[LogEvents]:
    for entry in log:
        yield entry


def rebuild(url: str, partition: int, log: list[LogEvents]) -> Rebuild:
    return asyncio.run(rebuild_check(url, partition, fed(log)))


def test_the_log_makes_the_same_postings(
    ledger_url: str, books: tuple[int, list[LogEvents]]
) -> None:
    partition, log = books
    result = rebuild(ledger_url, partition, log)
    assert result.ok
    assert result.first_difference is None
    known = verify(ledger_url, partition)
    assert (result.entries, result.postings) == (known.entries, known.postings)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"update posting set amount = amount + 1 where leg = 1 and {ONE}", "amount="),
        (f"delete from posting where leg = 1 and {ONE}", "leg=2"),
        ("delete from posting where partition = {p} and log_index > 30", "nothing more"),
        (
            (
                "insert into posting select log_index, account, 5, ordinal, asset, partition, 99, "
                "0 from posting where partition = {p} order by log_index desc, ordinal desc limit 1"
            ),
            "leg=99",
        ),
    ],
)
def test_the_first_posting_that_differs_is_named(
    ledger_url: str, books: tuple[int, list[LogEvents]], statement: str, said: str
) -> None:
    partition, log = books
    with tampered(ledger_url, statement, partition) as rows:
        assert rows >= 1
        result = rebuild(ledger_url, partition, log)
    assert not result.ok
    assert said in (result.first_difference or "")
