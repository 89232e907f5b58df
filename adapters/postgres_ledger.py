"""The ledger's store on PostgreSQL: `ledger.ports.LedgerStore` in COPY, one upsert and a cursor.

Why it exists: the projector's transactions must cost the same whether a balance moved once or a
thousand times. So entries and postings go in by binary COPY, and each touched balance is written
once. It knows the tables of postgres_schema.sql; what a posting means is the fold's business.

One session, one partition. It acts as `lockstep_writer` and commits asynchronously: a crash of
the server may lose the newest transactions, each whole, cursor included, and the log brings them
again. A transaction that records a reconciliation commits synchronously.
"""

import struct
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.postgres_migrate import CONNECT_TIMEOUT_S, SCHEMA, WRITER
from core.balances import ACCOUNTS_PER_PAGE
from core.codes import HOUSE
from ledger.ports import (
    OUTSIDE, BalanceChange, Books, Cursor, Entry, Fenced, Posting, Reconciliation, Segment, Stream,
    Symbol,
)  # fmt: skip

STATEMENT_TIMEOUT_MS: Final = 60_000
LOCK_TIMEOUT_MS: Final = 10_000
"""How long a second projector waits for the first one's cursor row before it gives up."""
COPY_CHUNK_ROWS: Final = 4096

Connection = psycopg.AsyncConnection[Any]


def session(url: str, name: str, synchronous_commit: bool = True) -> str:
    """The connection string of a session that may do what the writer may, and no more."""
    given = str(conninfo_to_dict(url).get("options") or "")
    settings = {
        "role": WRITER,
        "search_path": SCHEMA,
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "synchronous_commit": "on" if synchronous_commit else "off",
        "jit": "off",
    }
    options = " ".join([given, *(f"-c {key}={value}" for key, value in settings.items())])
    return make_conninfo(
        url, options=options.strip(), application_name=name, connect_timeout=CONNECT_TIMEOUT_S
    )


class PostgresLedger:
    """`LedgerStore` of one partition. Close it when done."""

    def __init__(self, connection: Connection, partition: int) -> None:
        self._connection = connection
        self._partition = partition

    @classmethod
    async def connect(cls, url: str, partition: int = 0, synchronous_commit: bool = False) -> Self:
        """Raises `psycopg.OperationalError` when the server cannot be reached."""
        conninfo = session(url, "lockstep-projector", synchronous_commit)
        return cls(await psycopg.AsyncConnection.connect(conninfo, autocommit=True), partition)

    @property
    def backend_pid(self) -> int:
        """The server's process behind this session."""
        return self._connection.info.backend_pid

    async def close(self) -> None:
        await self._connection.close()

    async def load(self) -> Books:
        async with self._connection.transaction():
            await self._start_partition()
            cursor = await self._rows(
                "select log_index, epoch, ts_ns, chain from projector_cursor where partition = %s"
            )
            symbols = await self._rows(
                "select symbol, name, base, quote, lot_units, listed_index from symbol "
                "where partition = %s order by symbol"
            )
            streams = await self._rows(
                "select symbol, last_seq, last_trade from event_stream where partition = %s "
                "order by symbol"
            )
        return Books(
            Cursor(*cursor[0]),
            [Symbol(*row) for row in symbols],
            [Stream(*row) for row in streams],
        )

    async def _start_partition(self) -> None:
        """The outside world and the house are nobody's to open: they are there from the start."""
        execute = self._connection.execute
        await execute(
            "insert into projector_cursor values (%s, 0, 0, 0, '') on conflict do nothing",
            [self._partition],
        )
        await execute(
            "insert into account select %s, a, 0, 0, 0, 0 from unnest(%s::bigint[]) a "
            "on conflict do nothing",
            [self._partition, [OUTSIDE, HOUSE]],
        )

    async def _rows(self, query: str) -> list[Any]:
        return await (await self._connection.execute(query, [self._partition])).fetchall()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["PostgresTransaction"]:
        async with self._connection.transaction():
            yield PostgresTransaction(self._connection, self._partition)


class PostgresTransaction:
    """`LedgerTransaction` on a session that is inside a transaction."""

    def __init__(self, connection: Connection, partition: int) -> None:
        self._connection = connection
        self._partition = partition

    async def move_cursor(self, old: Cursor, new: Cursor) -> None:
        """The row's lock makes a second projector wait, then find the cursor moved."""
        moved = await self._connection.execute(
            "update projector_cursor set log_index = %s, epoch = %s, ts_ns = %s, chain = %s "
            "where partition = %s and log_index = %s and epoch <= %s",
            [*new, self._partition, old.log_index, new.epoch],
        )
        if moved.rowcount != 1:
            raise Fenced(
                f"the cursor of partition {self._partition} is no longer at index {old.log_index} "
                f"with an epoch up to {new.epoch}: another projector writes these books"
            )

    async def append(self, segment: Segment) -> None:
        if segment.accounts:
            await self._insert(
                "account", "bigint, bigint, bigint, bigint, bigint", segment.accounts
            )
        if segment.assets:
            await self._insert("asset", "int, text, smallint, bigint", segment.assets)
        if segment.symbols:
            await self._insert("symbol", "int, text, int, int, bigint, bigint", segment.symbols)
        if segment.entries:
            await self._copy(
                "copy entry (log_index, ts_ns, trade_id, order_id, ordinal, symbol, partition, "
                "kind) from stdin (format binary)",
                map(self._pack_entry, segment.entries),
            )
            await self._copy(
                "copy posting (log_index, account, amount, ordinal, asset, partition, leg, bucket)"
                " from stdin (format binary)",
                map(self._pack_posting, segment.postings),
            )

    async def _insert(self, table: str, types: str, rows: Sequence[tuple[int | str, ...]]) -> None:
        """Rare rows; the table's columns stand in the order of the tuple, after the partition."""
        arrays = ", ".join(f"%s::{name.strip()}[]" for name in types.split(","))
        columns = [list(column) for column in zip(*rows, strict=True)]
        await self._connection.execute(
            f"insert into {table} select %s, * from unnest({arrays})",  # noqa: S608 - our names
            [self._partition, *columns],
        )

    async def _copy(self, statement: str, rows: Iterator[bytes]) -> None:
        async with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            chunk = [_COPY_HEADER]
            for row in rows:
                chunk.append(row)
                if len(chunk) >= COPY_CHUNK_ROWS:
                    await copy.write(b"".join(chunk))
                    chunk.clear()
            chunk.append(_COPY_END)
            await copy.write(b"".join(chunk))

    def _pack_entry(self, entry: Entry) -> bytes:
        index, ordinal, kind, symbol, trade_id, order_id, ts_ns = entry
        tail = _ENTRY_TAIL.pack(4, ordinal, 4, symbol, 2, self._partition, 2, kind)
        if trade_id:
            return _ENTRY_TRADE.pack(8, 8, index, 8, ts_ns, 8, trade_id, 8, order_id) + tail
        if order_id:
            return _ENTRY_ORDER.pack(8, 8, index, 8, ts_ns, -1, 8, order_id) + tail
        return _ENTRY_MONEY.pack(8, 8, index, 8, ts_ns, -1, -1) + tail

    def _pack_posting(self, posting: Posting) -> bytes:
        index, ordinal, leg, account, asset, bucket, amount = posting
        return _POSTING.pack(
            8, 8, index, 8, account, 8, amount, 4, ordinal, 4, asset, 2, self._partition, 2, leg,
            2, bucket,
        )  # fmt: skip

    async def change_balances(self, changes: Sequence[BalanceChange]) -> None:
        columns = [list(column) for column in zip(*changes, strict=True)]
        await self._connection.execute(
            _CHANGE_BALANCES, [self._partition, *columns, self._partition]
        )

    async def pages(self) -> Sequence[int]:
        found = await self._connection.execute(
            "select distinct account / %s as page from balance "
            "where partition = %s and account <> %s order by page",
            [ACCOUNTS_PER_PAGE, self._partition, OUTSIDE],
        )
        return [row[0] for row in await found.fetchall()]

    async def page_rows(self, pages: Sequence[int]) -> Iterable[tuple[int, int, int, int]]:
        values = [list(pages), self._partition, OUTSIDE]
        return await (await self._connection.execute(_PAGE_ROWS, values)).fetchall()

    async def save_streams(self, streams: Sequence[Stream]) -> None:
        if streams:
            columns = [list(column) for column in zip(*streams, strict=True)]
            await self._connection.execute(_SAVE_STREAMS, [self._partition, *columns])

    async def record(self, reconciliation: Reconciliation) -> None:
        index, ordinal, ts_ns, core_digest, ledger_digest = reconciliation
        await self._connection.execute("set local synchronous_commit = on")
        await self._connection.execute(
            "insert into reconciliation (log_index, ts_ns, ordinal, partition, ok, core_digest, "
            "ledger_digest) values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            [
                index, ts_ns, ordinal, self._partition, reconciliation.ok, core_digest,
                ledger_digest,
            ],
        )  # fmt: skip


# --- statements -------------------------------------------------------------------------------

# The sum is taken here and not in DO UPDATE: a row's checks are tested on what is proposed for
# insertion, and a change alone may be negative. The cursor's row lock keeps other writers out.
_CHANGE_BALANCES: Final = """
insert into balance (partition, account, asset, available, hold, last_index, version)
select %s, c.account, c.asset, coalesce(b.available, 0) + c.available,
       coalesce(b.hold, 0) + c.hold, c.last_index, coalesce(b.version, 0) + c.postings
from unnest(%s::bigint[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
     as c(account, asset, available, hold, last_index, postings)
left join balance b on b.partition = %s and b.account = c.account and b.asset = c.asset
on conflict (partition, account, asset) do update
set available = excluded.available, hold = excluded.hold, last_index = excluded.last_index,
    version = excluded.version
"""

_PAGE_ROWS: Final = f"""
select b.account, b.asset, b.available, b.hold
from unnest(%s::bigint[]) page
join balance b on b.partition = %s and b.account >= page * {ACCOUNTS_PER_PAGE}
    and b.account < (page + 1) * {ACCOUNTS_PER_PAGE} and b.account <> %s
order by b.account, b.asset
"""  # noqa: S608 - a number of ours

_SAVE_STREAMS: Final = """
insert into event_stream (partition, symbol, last_seq, last_trade)
select %s, * from unnest(%s::int[], %s::bigint[], %s::bigint[])
on conflict (partition, symbol) do update
set last_seq = excluded.last_seq, last_trade = excluded.last_trade
"""

# --- PostgreSQL's binary COPY: each field is its length (-1 = null) and its bytes, big-endian ---

_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_COPY_END: Final = struct.pack(">h", -1)
_POSTING: Final = struct.Struct(">h iq iq iq ii ii ih ih ih")
_ENTRY_TRADE: Final = struct.Struct(">h iq iq iq iq")
_ENTRY_ORDER: Final = struct.Struct(">h iq iq i iq")
_ENTRY_MONEY: Final = struct.Struct(">h iq iq i i")
_ENTRY_TAIL: Final = struct.Struct(">ii ii ih ih")
