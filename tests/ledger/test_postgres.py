"""The ledger on real PostgreSQL: the same tables as in memory, whatever happens on the way."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.embedded_postgres import EmbeddedPostgres
from adapters.postgres_ledger import PostgresLedger, session
from adapters.postgres_migrate import (
    SCHEMA_FILE, LedgerSchemaError, check_schema, ensure_database, ensure_schema,
)  # fmt: skip
from ledger.memory import Tables
from ledger.ports import (
    Account,
    Asset,
    Balance,
    Cursor,
    Entry,
    Fenced,
    LogEvents,
    Posting,
    Reconciliation,
    Stream,
    Symbol,
)  # fmt: skip
from ledger.projector import Projector
from tests.ledger.harness import Crash, Crashing, project, tables_after
from tests.ledger.streams import Op, ToyCore, log_of, random_ops

NewPartition = Callable[[], int]
OPS = st.lists(
    st.tuples(st.integers(0, 14), st.integers(0, 40), st.integers(0, 7), st.integers(0, 90)),
    min_size=5,
    max_size=60,
)
CUTS = st.lists(st.integers(1, 7), min_size=1, max_size=4)
FEW = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


def at(log: list[LogEvents], partition: int) -> list[LogEvents]:
    return [msgspec.structs.replace(entry, partition=partition) for entry in log]


def tables_of(url: str, partition: int) -> Tables:
    """All rows of one partition, in the shape of the store in memory."""
    with psycopg.connect(session(url, "lockstep-test")) as connection:

        def rows(columns: str, table: str) -> list[Any]:
            query = f"select {columns} from {table} where partition = %s"
            return connection.execute(query.encode(), [partition]).fetchall()

        accounts = rows("account, ref_hi, ref_lo, opened_index, opened_ts_ns", "account")
        assets = rows("asset, name, scale, listed_index", "asset")
        symbols = rows("symbol, name, base, quote, lot_units, listed_index", "symbol")
        entries = rows(
            "log_index, ordinal, kind, symbol, coalesce(trade_id, 0), coalesce(order_id, 0), ts_ns",
            "entry",
        )
        postings = rows("log_index, ordinal, leg, account, asset, bucket, amount", "posting")
        balances = rows("account, asset, available, hold, last_index, version", "balance")
        streams = rows("symbol, last_seq, last_trade", "event_stream")
        compared = rows("log_index, ordinal, ts_ns, core_digest, ledger_digest", "reconciliation")
        known = [Reconciliation(*row) for row in compared]
        return Tables(
            cursor=Cursor(*rows("log_index, epoch, ts_ns, chain", "projector_cursor")[0]),
            accounts={row[0]: Account(*row) for row in accounts},
            assets={row[0]: Asset(*row) for row in assets},
            symbols={row[0]: Symbol(*row) for row in symbols},
            entries={row[:2]: Entry(*row) for row in entries},
            postings={row[:3]: Posting(*row) for row in postings},
            trades={(row[3], row[4]) for row in entries if row[4]},
            balances={row[:2]: Balance(*row) for row in balances},
            streams={row[0]: Stream(*row) for row in streams},
            reconciliations={(r.log_index, r.ordinal, r.ok): r for r in known},
        )


async def project_on(
    url: str, partition: int, log: list[LogEvents], cuts: list[int], crash_at: int | None = None
) -> None:
    store = await PostgresLedger.connect(url, partition)
    try:
        await project(
            store if crash_at is None else Crashing(store, crash_at), at(log, partition), cuts,
            partition=partition,
        )  # fmt: skip
    finally:
        await store.close()


@FEW
@given(OPS, CUTS)
def test_the_same_tables_as_in_memory(
    ledger_url: str, new_partition: NewPartition, ops: list[Op], cuts: list[int]
) -> None:
    log = log_of(ToyCore(), ops)
    partition = new_partition()
    asyncio.run(project_on(ledger_url, partition, log, cuts))
    assert tables_of(ledger_url, partition) == asyncio.run(tables_after(log))


@FEW
@given(OPS, CUTS, st.integers(0, 25))
def test_a_crash_anywhere_changes_nothing(
    ledger_url: str, new_partition: NewPartition, ops: list[Op], cuts: list[int], statements: int
) -> None:
    log = log_of(ToyCore(), ops)
    partition = new_partition()
    for left in range(statements, statements + 400, 13):
        try:
            asyncio.run(project_on(ledger_url, partition, log, cuts, left))
            break
        except Crash:
            continue
    else:
        raise AssertionError("it never got through")
    assert tables_of(ledger_url, partition) == asyncio.run(tables_after(log))


def test_a_long_stream_with_many_pages(ledger_url: str, new_partition: NewPartition) -> None:
    log = log_of(ToyCore(), random_ops(1500))
    partition = new_partition()
    asyncio.run(project_on(ledger_url, partition, log, [50]))
    assert tables_of(ledger_url, partition) == asyncio.run(tables_after(log))


def test_two_projectors_cannot_both_write(ledger_url: str, new_partition: NewPartition) -> None:
    log = log_of(ToyCore(), random_ops(60))
    partition = new_partition()

    async def write(projector: Projector, entry: LogEvents) -> None:
        await projector.offer(entry)  # which writes if a checkpoint is in it
        await projector.flush()

    async def race() -> None:
        mine = await PostgresLedger.connect(ledger_url, partition)
        other = await PostgresLedger.connect(ledger_url, partition)
        try:
            first = await project(mine, at(log[:10], partition), partition=partition)
            await project(other, at(log[:12], partition), partition=partition)
            with pytest.raises(Fenced, match="another projector"):
                await write(first, at(log, partition)[10])
        finally:
            await mine.close()
            await other.close()

    asyncio.run(race())
    assert tables_of(ledger_url, partition) == asyncio.run(tables_after(log[:12]))


@pytest.mark.parametrize("table", ["entry", "posting", "reconciliation"])
@pytest.mark.parametrize(
    "statement",
    ["update {} set log_index = 1", "delete from {}", "truncate {}", "truncate {} cascade"],
)
def test_nobody_changes_what_is_booked(
    ledger_url: str, new_partition: NewPartition, table: str, statement: str
) -> None:
    """The writer lacks the privilege; the owner, and the superuser, meet the trigger."""
    partition = new_partition()
    log = log_of(ToyCore(), random_ops(80))
    asyncio.run(project_on(ledger_url, partition, log, [5]))
    before = tables_of(ledger_url, partition)
    query = statement.format(table).encode()
    writer = session(ledger_url, "lockstep-test")
    with (
        psycopg.connect(writer) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"),
    ):
        connection.execute(query)
    for role in ("lockstep_owner", "postgres"):
        with psycopg.connect(ledger_url) as connection:
            connection.execute(f"set role {role}".encode())
            connection.execute("set search_path to ledger")
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
                connection.execute(query)
    assert before.reconciliations
    assert tables_of(ledger_url, partition) == before


@pytest.mark.parametrize(
    "statement",
    [
        "delete from balance", "truncate balance", "delete from projector_cursor",
        "update account set ref_hi = 1", "drop table entry", "create table mine (x int)",
        "alter table entry disable trigger all", "update symbol set lot_units = 1",
        "drop trigger append_only on posting", "insert into schema_version values (3)",
    ],
)  # fmt: skip
def test_the_writer_may_not(ledger_url: str, statement: str) -> None:
    writer = session(ledger_url, "lockstep-test")
    with psycopg.connect(writer) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_a_trade_is_booked_once(ledger_url: str, new_partition: NewPartition) -> None:
    """Even a writer that has lost its mind cannot book an entry or a trade a second time."""
    partition, core = new_partition(), ToyCore()
    log = log_of(core, random_ops(600))
    assert core.trades, "nothing traded: there is nothing to book twice"
    asyncio.run(project_on(ledger_url, partition, log, [5]))
    again = (
        "insert into entry (log_index, ts_ns, trade_id, ordinal, symbol, partition, kind) "
        "select {}, ts_ns, trade_id, ordinal, symbol, partition, kind from entry "
        "where partition = %s and trade_id = 1 limit 1"
    )
    writer = session(ledger_url, "lockstep-test")
    for log_index, key in (("log_index", "entry_pkey"), ("log_index + 100000", "entry_trade")):
        with (
            psycopg.connect(writer) as connection,
            pytest.raises(psycopg.errors.UniqueViolation, match=key),
        ):
            connection.execute(again.format(log_index).encode(), [partition])


def test_a_negative_balance_is_refused_by_the_table(
    ledger_url: str, new_partition: NewPartition
) -> None:
    partition = new_partition()
    core = ToyCore()
    core.do((0, 0, 0, 5))
    core.available[1, 1] += 100  # the toy now lets the house withdraw what it does not have
    core.do((6, 0, 0, 60))
    with pytest.raises(psycopg.errors.CheckViolation):
        asyncio.run(project_on(ledger_url, partition, log_of(core, []), [1]))
    assert tables_of(ledger_url, partition).cursor == Cursor()


def test_the_schema_is_made_once_and_its_version_is_checked(ledger_url: str) -> None:
    ensure_schema(ledger_url)
    with psycopg.connect(ledger_url) as connection:
        connection.execute("insert into ledger.schema_version values (3)")
    try:
        with pytest.raises(LedgerSchemaError, match="version 3, this program needs 2"):
            ensure_schema(ledger_url)
    finally:
        with psycopg.connect(ledger_url) as connection:
            connection.execute("delete from ledger.schema_version where version = 3")


def test_tables_of_an_older_version_are_brought_up_to_date(
    postgres: EmbeddedPostgres, ledger_url: str
) -> None:
    """And whoever may not do so is told who may, instead of failing at the first transfer."""
    ensure_database(ledger_url, "older")
    url = postgres.url(database="older")
    with psycopg.connect(url) as connection:
        connection.execute("create schema ledger authorization lockstep_owner")
        connection.execute("set local role lockstep_owner")
        connection.execute("set local search_path to ledger")
        connection.execute(SCHEMA_FILE.read_bytes())
    with pytest.raises(LedgerSchemaError, match="version 1, this program needs 2: run"):
        check_schema(url)
    transfer_in = "insert into ledger.entry values (1, 1, null, null, 0, 0, 0, 10)"
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(transfer_in)
    ensure_schema(url)
    check_schema(url)
    with psycopg.connect(url) as connection:
        connection.execute(transfer_in)


def test_a_plain_login_owns_the_tables_and_another_writes(
    postgres: EmbeddedPostgres, ledger_url: str
) -> None:
    """Production: no superuser anywhere; the projector's login is a member of the writer."""
    assert ledger_url
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("create role plain_owner login in role lockstep_owner, lockstep_writer")
        connection.execute("create role plain_writer login in role lockstep_writer")
        connection.execute("create role stranger login")
        connection.execute("create database plain owner plain_owner")
    ensure_schema(postgres.url("plain_owner", "plain"))
    check_schema(postgres.url("plain_writer", "plain"))
    log = log_of(ToyCore(), random_ops(60))
    url = postgres.url("plain_writer", "plain")
    asyncio.run(project_on(url, 0, log, [3]))
    assert tables_of(url, 0) == asyncio.run(tables_after(log))
    with pytest.raises(LedgerSchemaError, match="database"):
        check_schema(postgres.url("stranger", "plain"))
    with pytest.raises(psycopg.OperationalError, match="lockstep_writer"):
        asyncio.run(project_on(postgres.url("stranger", "plain"), 0, log, [3]))


def test_who_may_not_make_tables_is_told_what_is_missing(
    postgres: EmbeddedPostgres, ledger_url: str
) -> None:
    assert ledger_url
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute("create role nobody_special login")
        connection.execute("create database empty_one")
    with pytest.raises(LedgerSchemaError, match="owner_url"):
        ensure_schema(postgres.url("nobody_special", "empty_one"))
    with pytest.raises(LedgerSchemaError, match="lockstep ledger migrate"):
        check_schema(postgres.url("nobody_special", "empty_one"))
