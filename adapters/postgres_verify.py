"""`lockstep ledger verify`: what must be true of the ledger's tables, asked of the tables alone.

Why it exists: the projector checks as it writes; this checks what was written, by other means and
whoever wrote it. Each check is a query for offending rows, all in one snapshot, so it may run
beside a live projector. It knows the tables and no event.
"""

from typing import Any, Final

import msgspec
import psycopg
from psycopg import sql

from adapters.postgres_ledger import session

ROWS_SHOWN_MAX: Final = 5

CHECKS: Final[dict[str, str]] = {
    "postings of each entry and asset sum to zero": """
        select log_index, ordinal, asset, sum(amount) from posting where partition = %(p)s
        group by log_index, ordinal, asset having sum(amount) <> 0""",
    "each posting has its entry": """
        select p.log_index, p.ordinal, p.leg from posting p where p.partition = %(p)s
        and not exists (select from entry e where e.partition = p.partition
            and e.log_index = p.log_index and e.ordinal = p.ordinal)""",
    "each entry has postings, numbered from 0 without gaps": """
        select e.log_index, e.ordinal, count(p.leg) from entry e
        left join posting p using (partition, log_index, ordinal)
        where e.partition = %(p)s group by e.log_index, e.ordinal
        having count(p.leg) < 2 or max(p.leg) <> count(p.leg) - 1""",
    "balances are the sum of their postings": """
        select account, asset, b.available, b.hold, f.available, f.hold
        from (select * from balance where partition = %(p)s) b
        full join (
            select account, asset, count(*) as version, max(log_index) as last_index,
                coalesce(sum(amount) filter (where bucket = 0), 0) as available,
                coalesce(sum(amount) filter (where bucket = 1), 0) as hold
            from posting where partition = %(p)s group by account, asset
        ) f using (account, asset)
        where (b.available, b.hold, b.version, b.last_index)
            is distinct from (f.available::bigint, f.hold::bigint, f.version, f.last_index)""",
    "no user's balance is negative": """
        select account, asset, available, hold from balance
        where partition = %(p)s and (hold < 0 or (account <> 0 and available < 0))""",
    "what is booked names known accounts and assets": """
        select b.account, b.asset from balance b where b.partition = %(p)s
        and (not exists (select from account a
                where a.partition = b.partition and a.account = b.account)
            or not exists (select from asset s
                where s.partition = b.partition and s.asset = b.asset))""",
    "trades of each symbol are booked once, without gaps": """
        select symbol, count(e.trade_id), max(e.trade_id), s.last_trade from event_stream s
        left join entry e using (partition, symbol) where s.partition = %(p)s
        group by symbol, s.last_trade
        having count(e.trade_id) <> s.last_trade or coalesce(max(e.trade_id), 0) <> s.last_trade""",
    "nothing is booked beyond the cursor": """
        select e.log_index, e.ordinal, c.log_index from entry e
        join projector_cursor c using (partition)
        where e.partition = %(p)s and e.log_index > c.log_index""",
    "every comparison with the core's digest was equal": """
        select log_index, ordinal, encode(core_digest, 'hex'), encode(ledger_digest, 'hex')
        from reconciliation where partition = %(p)s and not ok""",
}


class CheckResult(msgspec.Struct, frozen=True):
    name: str
    ok: bool
    rows: list[list[str]]
    """At most five that offend."""


class Verification(msgspec.Struct, frozen=True):
    ok: bool
    partition: int
    last_index: int
    entries: int
    postings: int
    reconciliations: int
    checks: list[CheckResult]


def verify(url: str, partition: int) -> Verification:
    """Takes as long as reading all postings takes. Raises `psycopg.Error`."""
    with psycopg.connect(session(url, "lockstep-verify")) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local statement_timeout = 0")
        results = [_check(connection, name, partition) for name in CHECKS]
        totals = connection.execute(
            "select coalesce((select log_index from projector_cursor where partition = %(p)s), 0),"
            " (select count(*) from entry where partition = %(p)s),"
            " (select count(*) from posting where partition = %(p)s),"
            " (select count(*) from reconciliation where partition = %(p)s)",
            {"p": partition},
        ).fetchone()
    assert totals is not None, "a select without a table answers one row"
    last_index, entries, postings, reconciliations = totals
    return Verification(
        all(check.ok for check in results), partition, last_index, entries, postings,
        reconciliations, results,
    )  # fmt: skip


def _check(connection: psycopg.Connection[Any], name: str, partition: int) -> CheckResult:
    query = sql.SQL("select * from ({}) offending limit {}").format(
        sql.SQL(CHECKS[name]), ROWS_SHOWN_MAX
    )
    rows = connection.execute(query, {"p": partition}).fetchall()
    return CheckResult(name, not rows, [[str(value) for value in row] for row in rows])
