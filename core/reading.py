"""Reading the state: orders, balances, books and listings as typed rows.

Why it exists: those who ask (gateways, the ledger, tests) get values that nobody changes later. It
reads between commands and must not change anything.
"""

from collections.abc import Iterator
from typing import Final

from mypy_extensions import i64

from core.accounts import Accounts
from core.book import Ladder
from core.codes import BUY, SELL
from core.commands import FLAG_BY_QUOTE, name_text
from core.listing import ASSET_WORDS, S_SEQ, SYMBOL_WORDS, Listing
from core.open_orders import LINK_SHIFT, X_CLIENT_HI, X_CLIENT_LO
from core.order_lists import LIST_WORDS
from core.order_store import (
    COUNT_MASK, L_COUNT, L_PRICE, L_TOTAL, LEVEL_SHIFT, O_FILLED, O_ID, O_TERMS, ORDER_SHIFT,
)  # fmt: skip
from core.table import NIL, Table
from core.terms import (
    ACCOUNT_MASK, RESTING, T_EXPIRE, T_HOLD, T_KIND, T_LIMIT, T_LIST, T_QTY, T_TRIGGER,
    TERMS_SHIFT, WAITS,
)  # fmt: skip
from core.trading import Trading
from core.transfer_commands import THEIR_ACCOUNT_SHIFT
from core.transfer_orders import PARTITION_MASK
from core.transfers import (
    SOURCE, T_ACCOUNT, T_AMOUNT, T_ASSET, T_DEADLINE, T_HI, T_LO, T_PARTNER, T_PROOF, T_SEQ,
    T_STATE, TARGET,
)  # fmt: skip
from core.views import (
    AssetView, BalanceView, BookView, Level, OrderTermsView, OrderView, SymbolView, TransferView,
)  # fmt: skip


PLAIN: Final = OrderTermsView(0, 0, 0, 0, 0, 0, 0)
"""Of an order without further terms."""


class Reading:
    """Questions to one state."""

    def __init__(self, listing: Listing, accounts: Accounts, trading: Trading) -> None:
        self.listing = listing
        self.accounts = accounts
        self.trading = trading

    def order(self, order_id: int) -> OrderView | None:
        """An order that rests now; None for any other id."""
        slot = self.trading.store.find(order_id)
        return None if slot == NIL else self._order_at(slot)

    def _order_at(self, slot: i64) -> OrderView:
        store = self.trading.store
        at = slot << ORDER_SHIFT
        rows = store.orders.rows
        links = self.trading.open_orders.links.rows
        is_parked = store.area_of(slot) != RESTING
        price: i64 = store.price_of(slot)
        left: i64 = store.left_of(slot)
        terms = self._terms_at(slot) if store.terms_of(slot) != NIL else PLAIN
        if is_parked:
            further = store.terms.table.rows
            terms_at = store.terms_of(slot) << TERMS_SHIFT
            price = further[terms_at + T_LIMIT]
            by_quote = (further[terms_at + T_KIND] >> 4) & FLAG_BY_QUOTE != 0
            left = 0 if by_quote else further[terms_at + T_QTY]
        return OrderView(
            rows[at + O_ID], store.account_of(slot), store.symbol_of(slot),
            rows[at + O_TERMS] & 0xF, price, left, rows[at + O_FILLED],
            (rows[at + O_TERMS] >> 4) & 0xF, links[(slot << LINK_SHIFT) + X_CLIENT_HI],
            links[(slot << LINK_SHIFT) + X_CLIENT_LO], terms,
        )  # fmt: skip

    def _terms_at(self, slot: i64) -> OrderTermsView:
        store = self.trading.store
        rows = store.terms.table.rows
        at = store.terms_of(slot) << TERMS_SHIFT
        area = store.area_of(slot)
        of_list = rows[at + T_LIST] & ACCOUNT_MASK
        lists = self.trading.endings.lists.table.rows
        list_id = 0 if of_list == 0 else lists[(of_list - 1) * LIST_WORDS]
        trigger = rows[at + T_TRIGGER] if area in (RESTING, WAITS) else store.price_of(slot)
        return OrderTermsView(
            rows[at + T_KIND] & 0xF, area, trigger, store.hidden_of(slot), rows[at + T_EXPIRE],
            list_id, rows[at + T_HOLD] if area != RESTING else 0,
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
            found.append((rows[at + L_PRICE], rows[at + L_TOTAL], rows[at + L_COUNT] & COUNT_MASK))
            i -= 1
        return found

    def assets(self) -> list[AssetView]:
        rows = _rows(self.listing.assets, ASSET_WORDS)
        return [
            AssetView(id_, name_text(row[0], row[1]), row[2], row[3])
            for id_, row in enumerate(rows, 1)
        ]

    def transfers(self, hi: int, lo: int) -> list[TransferView]:
        """What is known here under a transfer's id: one side of it, both, or none."""
        found = self.trading.timers.transfers
        rows = [found.find(hi, lo, SOURCE), found.find(hi, lo, TARGET)]
        return [self._transfer_at(row) for row in rows if row != NIL]

    def open_transfers(self, most: int, after_seq: int) -> list[TransferView]:
        """Of this source those that are not ended, the oldest first, at most so many.

        Only those whose first event has a greater number than `after_seq`.
        """
        found: list[TransferView] = []
        transfers = self.trading.timers.transfers
        for row in transfers.open:
            if len(found) == most:
                break
            if transfers.get(row, T_SEQ) > after_seq:
                found.append(self._transfer_at(row))
        return found

    def _transfer_at(self, row: i64) -> TransferView:
        found = self.trading.timers.transfers
        there = found.get(row, T_PARTNER)
        return TransferView(
            found.get(row, T_HI), found.get(row, T_LO), found.get(row, T_STATE),
            found.get(row, T_ACCOUNT), found.get(row, T_ASSET), found.get(row, T_AMOUNT),
            there & PARTITION_MASK, there >> THEIR_ACCOUNT_SHIFT, found.get(row, T_DEADLINE),
            found.get(row, T_SEQ), found.get(row, T_PROOF),
        )  # fmt: skip

    def symbols(self) -> list[SymbolView]:
        rows = _rows(self.listing.symbols, SYMBOL_WORDS)
        return [
            SymbolView(id_, name_text(row[0], row[1]), *row[2:]) for id_, row in enumerate(rows, 1)
        ]


def _rows(table: Table, stride: int) -> list[tuple[int, ...]]:
    """All rows but the first, as tuples."""
    words = memoryview(table.rows)
    return [tuple(words[i : i + stride]) for i in range(stride, len(words), stride)]
