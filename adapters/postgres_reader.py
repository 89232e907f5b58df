"""Balances for people and services, read from the ledger's tables on a session of their own.

Why it exists: reading must neither wait for the projector nor see half of a batch. One statement
is one snapshot, so the balances and the log index they stand at belong together.
"""

import asyncio
from typing import Any, Final

import psycopg

from adapters.postgres_ledger import session
from ledger.views import AccountBalances, asset_balance

_BALANCES: Final = """
select c.log_index, a.account, s.name, s.scale, b.available, b.hold
from projector_cursor c
left join account a on a.partition = c.partition and a.account = %s
left join balance b on b.partition = a.partition and b.account = a.account
left join asset s on s.partition = b.partition and s.asset = b.asset
where c.partition = %s
order by s.name
"""


class BooksReader:
    """Reconnects when the server was away. Questions wait for each other: they take well under a
    millisecond, and a bound on how many wait is the HTTP server's."""

    def __init__(self, url: str, partition: int) -> None:
        self._conninfo = session(url, "lockstep-reader")
        self._partition = partition
        self._lock = asyncio.Lock()
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def close(self) -> None:
        async with self._lock:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None

    async def balances(self, account: int) -> AccountBalances | None:
        """None: no such account is booked yet. Raises `psycopg.OperationalError`."""
        rows = await self._rows(_BALANCES, [account, self._partition])
        if not rows or rows[0][1] is None:
            return None
        return AccountBalances(
            account,
            rows[0][0],
            [asset_balance(*row[2:]) for row in rows if row[2] is not None],
        )

    async def _rows(self, query: str, values: list[object]) -> list[Any]:
        async with self._lock:
            for attempt in range(2):
                fresh = self._connection is None or self._connection.closed
                if fresh:
                    self._connection = await psycopg.AsyncConnection.connect(
                        self._conninfo, autocommit=True
                    )
                assert self._connection is not None, "connected above"
                try:
                    return await (await self._connection.execute(query, values)).fetchall()
                except psycopg.OperationalError:
                    await self._connection.close()
                    if fresh or attempt:
                        raise
            raise AssertionError("the second attempt returns or raises")
