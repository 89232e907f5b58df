"""The whole state of a partition: its parts, its digest, its snapshot, and reading it.

Why it exists: digest and snapshot must cover everything that decides what happens next, so there
is one list of tables and one list of loose numbers, and both use it. A number that is missing
there would be caught: a restored machine would answer differently from the one it came from.

Derived structures (indexes, ladders) are in neither; `restore` builds them again.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

import msgspec
from librt.vecs import append, vec
from mypy_extensions import i64

from core.accounts import Accounts
from core.answer import Answer
from core.book import (
    L_BOOK, L_COUNT, L_PRICE, L_TOTAL, LEVEL_SHIFT, LEVEL_WORDS, O_ACCOUNT, O_FILLED, O_ID,
    O_LEVEL, O_REMAINING, O_TERMS, ORDER_SHIFT, Book, Ladder,
)  # fmt: skip
from core.codes import BUY, SELL
from core.commands import name_text
from core.dedup import References, Replies
from core.emit import EventWriter
from core.listing import ASSET_WORDS, S_SEQ, SYMBOL_WORDS, Listing
from core.open_orders import LINK_WORDS, X_CLIENT_HI, X_CLIENT_LO
from core.operators import Operators
from core.table import NIL, Table
from core.trading import Trading
from core.versions import VERSION_FIRST
from core.views import AssetView, BalanceView, BookView, Level, OrderView, SymbolView

SNAPSHOT_VERSION: Final = 1


_SCALARS: Final = 15
"""Loose numbers of a state of the first version; a later version stands behind them."""


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot's content; its bytes are the MessagePack of this."""

    version: int
    index: int
    ts_ns: int
    chain: bytes
    scalars: list[int]
    tables: dict[str, bytes]
    seal: bytes


class State:
    """Everything that a command can change, except the batch in hand."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.listing = Listing()
        self.accounts = Accounts()
        self.replies = Replies()
        self.references = References()
        self.events = EventWriter(self.listing.symbols)
        self.trading = Trading(self.listing, self.accounts, self.events, self.answer)
        self.operators = Operators(
            self.listing, self.accounts, self.trading, self.replies, self.references, self.events,
            self.answer,
        )  # fmt: skip
        self.checkpoint_index: i64 = 0
        self.checkpoint_digest: bytes = bytes(32)
        self.version: i64 = VERSION_FIRST
        """The machine version that is in force."""

    def tables(self) -> list[Table]:
        return [
            self.listing.assets, self.listing.symbols, self.accounts.accounts,
            self.accounts.balances, self.trading.store.orders, self.trading.open_orders.links,
            self.trading.store.levels, self.replies.table, self.references.table,
        ]  # fmt: skip

    def scalars(self) -> list[int]:
        """Every number of the state that lies in no table."""
        version = [] if self.version == VERSION_FIRST else [int(self.version)]
        store = self.trading.store
        replies = self.replies
        return [
            store.free_order, store.free_level, store.open_count, self.trading.open_orders_max,
            replies.window_ns, replies.rows_max, replies.live, replies.oldest, replies.youngest,
            replies.free, self.checkpoint_index, *struct.unpack("<4q", self.checkpoint_digest),
            *version,
        ]  # fmt: skip

    def set_scalars(self, s: list[int]) -> None:
        store = self.trading.store
        replies = self.replies
        store.free_order = s[0]
        store.free_level = s[1]
        store.open_count = s[2]
        self.trading.open_orders_max = s[3]
        replies.window_ns = s[4]
        replies.rows_max = s[5]
        replies.live = s[6]
        replies.oldest = s[7]
        replies.youngest = s[8]
        replies.free = s[9]
        self.checkpoint_index = s[10]
        self.checkpoint_digest = struct.pack("<4q", *s[11:_SCALARS])
        self.version = s[_SCALARS] if len(s) > _SCALARS else VERSION_FIRST

    def digest_sections(self) -> dict[str, bytes]:
        """SHA-256 of each table and of the loose numbers, by name."""
        sections = {table.name: table.digest() for table in self.tables()}
        scalars = self.scalars()
        sections["scalars"] = hashlib.sha256(struct.pack(f"<{len(scalars)}q", *scalars)).digest()
        return sections

    def digest(self) -> bytes:
        return self.root_digest(self.digest_sections())

    def root_digest(self, sections: dict[str, bytes]) -> bytes:
        """SHA-256 over the sections' names and digests, in their fixed order."""
        root = hashlib.sha256()
        for name, section in sections.items():
            root.update(name.encode())
            root.update(section)
        return root.digest()

    def snapshot(self, index: int, ts_ns: int, chain: bytes) -> bytes:
        tables = {table.name: table.dump() for table in self.tables()}
        seal = self._seal(index, ts_ns, chain)
        return msgspec.msgpack.encode(
            Snapshot(SNAPSHOT_VERSION, index, ts_ns, chain, self.scalars(), tables, seal)
        )

    def _seal(self, index: int, ts_ns: int, chain: bytes) -> bytes:
        """SHA-256 over all that a snapshot says."""
        head = struct.pack("<3q", SNAPSHOT_VERSION, index, ts_ns)
        return hashlib.sha256(head + chain + self.digest()).digest()

    def load(self, snapshot: Snapshot) -> None:
        """Become what the snapshot says. Raises `ValueError` for one that does not fit."""
        if snapshot.version != SNAPSHOT_VERSION:
            raise ValueError(f"snapshot: version {snapshot.version} is not {SNAPSHOT_VERSION}")
        tables = self.tables()
        if list(snapshot.tables) != [table.name for table in tables]:
            raise ValueError(f"snapshot: tables {list(snapshot.tables)} are not those of a state")
        if not _SCALARS <= len(snapshot.scalars) <= _SCALARS + 1:
            raise ValueError(f"snapshot: {len(snapshot.scalars)} loose numbers")
        if any(not -(1 << 63) <= scalar < 1 << 63 for scalar in snapshot.scalars):
            raise ValueError("snapshot: a loose number beyond 64 bits")
        for table in tables:
            table.load(snapshot.tables[table.name])
        self.set_scalars(snapshot.scalars)
        if self._seal(snapshot.index, snapshot.ts_ns, snapshot.chain) != snapshot.seal:
            raise ValueError("snapshot: its content does not match its seal")
        self.listing.rebuild()
        self.accounts.rebuild()
        self.replies.rebuild()
        self.references.rebuild()
        self.trading.open_orders.rebuild()
        self._rebuild_books()

    def _rebuild_books(self) -> None:
        """The ladders, from the levels that exist."""
        store = self.trading.store
        books = self.trading.books
        symbol: i64 = 1
        while symbol < self.listing.symbols.count:
            books.append(Book(symbol, store))
            symbol += 1
        found: list[tuple[int, int, int, int]] = []
        level: i64 = 0
        while level < store.levels.count:
            at = level * LEVEL_WORDS
            book = store.levels.rows[at + L_BOOK]
            if book != NIL:
                sign: i64 = 1 if book & 1 == BUY else -1
                found.append((book >> 1, book & 1, store.levels.rows[at + L_PRICE] * sign, level))
            level += 1
        for of_symbol, side, key, row in sorted(found):
            ladder = books[of_symbol].side(side)
            ladder.insert(ladder.depth, key, row)

    # --- reading ------------------------------------------------------------------------------

    def order(self, order_id: int) -> OrderView | None:
        """An order that rests now; None for any other id."""
        slot = self.trading.store.find(order_id)
        return None if slot == NIL else self._order_at(slot)

    def _order_at(self, slot: i64) -> OrderView:
        store = self.trading.store
        at = slot << ORDER_SHIFT
        rows = store.orders.rows
        level = rows[at + O_LEVEL] << LEVEL_SHIFT
        links = self.trading.open_orders.links.rows
        return OrderView(
            rows[at + O_ID], rows[at + O_ACCOUNT], store.levels.rows[level + L_BOOK] >> 1,
            rows[at + O_TERMS] & 0xF, store.levels.rows[level + L_PRICE],
            rows[at + O_REMAINING], rows[at + O_FILLED], (rows[at + O_TERMS] >> 4) & 0xF,
            links[slot * LINK_WORDS + X_CLIENT_HI], links[slot * LINK_WORDS + X_CLIENT_LO],
        )  # fmt: skip

    def open_orders(self, account: int, symbol: int) -> list[OrderView]:
        """The account's open orders, oldest first; symbol 0 = of all symbols."""
        found: list[OrderView] = []
        if not self.accounts.is_open(account):
            return found
        slot = self.trading.open_orders.first(account)
        while slot != NIL:
            view = self._order_at(slot)
            if symbol in (0, view.symbol):
                found.append(view)
            slot = self.trading.open_orders.following(slot)
        return found

    def balances(self, account: int) -> list[BalanceView]:
        return [BalanceView(*row) for row in self.accounts.rows_of(account)]

    def all_balances(self) -> Iterator[BalanceView]:
        for row in self.accounts.all_rows():
            yield BalanceView(*row)

    def book(self, symbol: int, depth: int) -> BookView:
        """Up to `depth` levels a side. Raises `KeyError` for a symbol that is not listed."""
        if not self.listing.has_symbol(symbol):
            raise KeyError(symbol)
        book = self.trading.books[symbol]
        seq = self.listing.symbols.rows[i64(symbol) * SYMBOL_WORDS + S_SEQ]
        bids = self._levels(book.side(BUY), depth)
        asks = self._levels(book.side(SELL), depth)
        return BookView(symbol, seq, bids, asks)

    def _levels(self, ladder: Ladder, depth: int) -> list[Level]:
        found: list[Level] = []
        rows = self.trading.store.levels.rows
        i = ladder.depth - 1
        while i >= 0 and len(found) < depth:
            at = ladder.levels[i] << LEVEL_SHIFT
            found.append((rows[at + L_PRICE], rows[at + L_TOTAL], rows[at + L_COUNT]))
            i -= 1
        return found

    def assets(self) -> list[AssetView]:
        rows = _rows(self.listing.assets, ASSET_WORDS)
        return [
            AssetView(id_, name_text(row[0], row[1]), row[2], row[3])
            for id_, row in enumerate(rows, 1)
        ]

    def symbols(self) -> list[SymbolView]:
        rows = _rows(self.listing.symbols, SYMBOL_WORDS)
        return [
            SymbolView(id_, name_text(row[0], row[1]), *row[2:]) for id_, row in enumerate(rows, 1)
        ]


def _rows(table: Table, stride: int) -> list[tuple[int, ...]]:
    """All rows but the first, as tuples."""
    words = memoryview(table.rows)
    return [tuple(words[i : i + stride]) for i in range(stride, len(words), stride)]


def digest_words(first: bytes, second: bytes) -> vec[i64]:
    """Two digests as eight words."""
    words = vec[i64]()
    for word in struct.unpack("<8q", first + second):
        words = append(words, word)
    return words
