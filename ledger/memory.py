"""A store in memory: the obviously right twin of the PostgreSQL one.

Why it exists: the ledger's properties are tested against it thousands of times a second, and a
simulated exchange keeps its books in it. It must stay simple enough to be believed: a
transaction works on copies of the tables and puts them in place at the end.
"""

import copy
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec

from core.balances import ACCOUNTS_PER_PAGE
from core.codes import HOUSE
from ledger.ports import (
    OUTSIDE,
    Account,
    Asset,
    Balance,
    BalanceChange,
    Books,
    Cursor,
    Entry,
    Fenced,
    Posting,
    Reconciliation,
    Segment,
    Stream,
    Symbol,
)  # fmt: skip

Key = TypeVar("Key")
Row = TypeVar("Row")


class Tables(msgspec.Struct):
    cursor: Cursor = Cursor()
    accounts: dict[int, Account] = msgspec.field(default_factory=dict)
    assets: dict[int, Asset] = msgspec.field(default_factory=dict)
    symbols: dict[int, Symbol] = msgspec.field(default_factory=dict)
    entries: dict[tuple[int, int], Entry] = msgspec.field(default_factory=dict)
    postings: dict[tuple[int, int, int], Posting] = msgspec.field(default_factory=dict)
    trades: set[tuple[int, int]] = msgspec.field(default_factory=set)
    balances: dict[tuple[int, int], Balance] = msgspec.field(default_factory=dict)
    streams: dict[int, Stream] = msgspec.field(default_factory=dict)
    reconciliations: dict[tuple[int, int, bool], Reconciliation] = msgspec.field(
        default_factory=dict
    )


class MemoryStore:
    """`LedgerStore` on dictionaries."""

    def __init__(self) -> None:
        self.tables = Tables()

    async def load(self) -> Books:
        tables = self.tables
        for account in (OUTSIDE, HOUSE):  # nobody's to open: there from the start
            tables.accounts.setdefault(account, Account(account, 0, 0, 0, 0))
        return Books(tables.cursor, list(tables.symbols.values()), list(tables.streams.values()))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["MemoryTransaction"]:
        tables = Tables(
            **{name: copy.copy(getattr(self.tables, name)) for name in Tables.__struct_fields__}
        )
        yield MemoryTransaction(tables)
        self.tables = tables


class MemoryTransaction:
    """`LedgerTransaction` on one copy of the tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def move_cursor(self, old: Cursor, new: Cursor) -> None:
        stored = self._tables.cursor
        if stored.log_index != old.log_index or stored.epoch > new.epoch:
            raise Fenced(f"the books are at {stored}, not at {old}: another projector writes them")
        self._tables.cursor = new

    async def append(self, segment: Segment) -> None:
        tables = self._tables
        for account in segment.accounts:
            _add(tables.accounts, account.account, account)
        for asset in segment.assets:
            _add(tables.assets, asset.asset, asset)
        for symbol in segment.symbols:
            _add(tables.symbols, symbol.symbol, symbol)
        for entry in segment.entries:
            _add(tables.entries, (entry.log_index, entry.ordinal), entry)
            if entry.trade_id:
                trade = (entry.symbol, entry.trade_id)
                assert trade not in tables.trades, f"trade {trade} is booked twice"
                tables.trades.add(trade)
        for posting in segment.postings:
            _add(tables.postings, (posting.log_index, posting.ordinal, posting.leg), posting)

    async def change_balances(self, changes: Sequence[BalanceChange]) -> None:
        for change in changes:
            key = (change.account, change.asset)
            old = self._tables.balances.get(key, Balance(*key, 0, 0, 0, 0))
            new = Balance(
                *key, old.available + change.available, old.hold + change.hold,
                change.last_index, old.version + change.postings,
            )  # fmt: skip
            assert change.account == OUTSIDE or (new.available >= 0 and new.hold >= 0), (
                f"negative balance: {new}"
            )
            self._tables.balances[key] = new

    async def pages(self) -> Sequence[int]:
        accounts = {account for account, _asset in self._tables.balances if account != OUTSIDE}
        return sorted({account // ACCOUNTS_PER_PAGE for account in accounts})

    async def page_rows(self, pages: Sequence[int]) -> Iterable[tuple[int, int, int, int]]:
        return sorted(
            balance[:4]
            for balance in self._tables.balances.values()
            if balance.account != OUTSIDE and balance.account // ACCOUNTS_PER_PAGE in pages
        )

    async def save_streams(self, streams: Sequence[Stream]) -> None:
        self._tables.streams.update((stream.symbol, stream) for stream in streams)

    async def record(self, reconciliation: Reconciliation) -> None:
        key = (reconciliation.log_index, reconciliation.ordinal, reconciliation.ok)
        self._tables.reconciliations.setdefault(key, reconciliation)


def _add(table: dict[Key, Row], key: Key, row: Row) -> None:
    assert key not in table, f"{row} is booked twice"
    table[key] = row
