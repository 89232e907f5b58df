"""`lockstep ledger rebuild-check`: fold the core's whole log again and compare it with the tables.

Why it exists: the ledger is a projection, so it can always be made anew; that the tables equal
what would be made is the strongest thing that can be said of them. Both sides are read in log
order, row beside row, so it takes no memory and names the first posting that differs. It must not
know how an event becomes postings.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
import psycopg

from adapters.postgres_ledger import session
from ledger.fold import Fold
from ledger.ports import LogEvents, Posting

FETCH_ROWS: Final = 10_000

_POSTINGS: Final = """
select log_index, ordinal, leg, account, asset, bucket, amount from posting
where partition = %s and log_index <= %s order by log_index, ordinal, leg
"""


class Rebuild(msgspec.Struct, frozen=True):
    ok: bool
    last_index: int
    entries: int
    postings: int
    first_difference: str | None


async def rebuild_check(url: str, partition: int, feed: AsyncIterator[LogEvents]) -> Rebuild:
    """`feed` starts at log index 1. Compares up to where the books are now."""
    conninfo = session(url, "lockstep-rebuild-check")
    async with await psycopg.AsyncConnection.connect(conninfo) as connection:
        await connection.execute("set transaction isolation level repeatable read, read only")
        await connection.execute("set local statement_timeout = 0")
        found = await connection.execute(
            "select log_index from projector_cursor where partition = %s", [partition]
        )
        row = await found.fetchone()
        last_index = int(row[0]) if row is not None else 0
        async with connection.cursor(name="postings") as cursor:
            cursor.itersize = FETCH_ROWS
            await cursor.execute(_POSTINGS, [partition, last_index])
            return await _compare(cursor, feed, last_index)


async def _compare(
    cursor: psycopg.AsyncServerCursor[Any], feed: AsyncIterator[LogEvents], last_index: int
) -> Rebuild:
    fold = Fold()
    entries = postings = 0
    rows = aiter(cursor)
    if last_index:
        async for log in feed:
            for journal in fold.fold(log):
                entries += len(journal.segment.entries)
                for wanted in journal.segment.postings:
                    row = await anext(rows, None)
                    if row != wanted:
                        said = _difference(wanted, row)
                        return Rebuild(False, log.index, entries, postings, said)
                    postings += 1
            if log.index >= last_index:
                break
    row = await anext(rows, None)
    if row is not None:
        said = f"the log says nothing more, the tables have {Posting(*row)}"
        return Rebuild(False, last_index, entries, postings, said)
    return Rebuild(True, last_index, entries, postings, None)


def _difference(wanted: Posting, row: tuple[int, ...] | None) -> str:
    stored = Posting(*row) if row is not None else "nothing more"
    return f"the log says {wanted}, the tables have {stored}"
