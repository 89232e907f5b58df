"""What an account has open in a market: orders, parked ones among them, lots to buy, and value.

Why it exists: limits ask for it with every order, and a market maker has thousands; looking at all
of them each time would let one account slow everybody. It must not know what the limits are.

It is derived from the orders: never in a snapshot or a digest. An account is *watched* from the
first time that somebody asks for it, when its orders are gone through once. From then on each
order that was written is looked at again before the next question (`OrderStore.note`), as it
stands then: what it counted for before is remembered beside it, so nothing is added up twice and a
change needs no sign. Markets without limits watch nobody.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.codes import BUY
from core.columns import Room
from core.commands import FLAG_BY_QUOTE
from core.index import Index
from core.limits import AMOUNT_MAX
from core.listing import S_TICK_VALUE, SYMBOL_WORDS, Listing
from core.open_orders import OpenOrders
from core.order_store import (
    L_BOOK, LEVEL_SHIFT, O_LEVEL, O_OWNER, O_TERMS, ORDER_SHIFT, OrderStore,
)  # fmt: skip
from core.table import NIL, Table
from core.terms import (
    ACCOUNT_MASK, AREA_SHIFT, OWNER_BITS, RESTING, SYMBOL_MASK, T_KIND, T_LIMIT, T_QTY,
    TERMS_SHIFT,
)  # fmt: skip

# Words of a row: an account in a market, or in market 0 to say that it is watched.
_ACCOUNT: Final = 0
_SYMBOL: Final = 1
_OPEN: Final = 2
_PARKED: Final = 3
_LOTS_LOW: Final = 4  # sums of the lots' lower and upper bits: neither leaves 64 bits
_LOTS_HIGH: Final = 5
_QUOTE_LOW: Final = 6  # the same of quote units at the orders' limits
_QUOTE_HIGH: Final = 7
_WORDS: Final = 8
_LOW_BITS: Final = 25
_LOW_MASK: Final = (1 << _LOW_BITS) - 1

# What a slot counts for: the row + 1, the lots << 1 | whether it is parked, the quote units.
_SLOT_WORDS: Final = 3


class Exposure:
    """Counts of all watched accounts; `count` answers in `open`, `parked` and `buying`."""

    def __init__(self, store: OrderStore, open_orders: OpenOrders, listing: Listing) -> None:
        self.open: i64 = 0
        self.parked: i64 = 0
        self.buying: i64 = 0
        """Lots, at most `AMOUNT_MAX`."""
        self.notional: i64 = 0
        """Quote units that the orders name, by their limits or as an amount; at most the same."""
        self._listing = listing
        self._store = store
        self._open_orders = open_orders
        self._table = Table("exposure", _WORDS)
        self._index = Index(self._table, 2)
        self._counted: vec[i64] = vec[i64]()
        self._room = Room()

    def count(self, account: i64, symbol: i64) -> None:
        """As the orders stand now."""
        if self._index.find(account, 0, 0) == NIL:
            self._watch(account)
        self.look_again()
        self.open = 0
        self.parked = 0
        self.buying = 0
        self.notional = 0
        row = self._index.find(account, symbol, 0)
        if row != NIL:
            rows = self._table.rows
            at = row * _WORDS
            self.open = rows[at + _OPEN]
            self.parked = rows[at + _PARKED]
            self.buying = _joined(rows[at + _LOTS_LOW], rows[at + _LOTS_HIGH])
            self.notional = _joined(rows[at + _QUOTE_LOW], rows[at + _QUOTE_HIGH])

    def _watch(self, account: i64) -> None:
        self._row(account, 0)
        self._store.notes = True
        slot = self._open_orders.first(account)
        while slot != NIL:
            self._store.note(slot)
            slot = self._open_orders.following(slot)

    def _row(self, account: i64, symbol: i64) -> i64:
        row = self._index.find(account, symbol, 0)
        if row == NIL:
            row = self._table.add_row()
            self._table.rows[row * _WORDS + _ACCOUNT] = account
            self._table.rows[row * _WORDS + _SYMBOL] = symbol
            self._index.put_sought(row)
        return row

    def look_again(self) -> None:
        """At every order that was written since the last time."""
        store = self._store
        i: i64 = 0
        while i < store.noted_count:
            slot = store.noted[i]
            self._forget(slot)
            if store.orders.rows[(slot << ORDER_SHIFT) + O_LEVEL] != NIL:
                self._count_in(slot)
            i += 1
        store.noted_count = 0

    def _forget(self, slot: i64) -> None:
        """What it counted for."""
        at = slot * _SLOT_WORDS
        while at >= i64(len(self._counted)):
            if i64(len(self._counted)) + _SLOT_WORDS > self._room.words:
                self._counted = self._room.more(self._counted, len(self._counted) + _SLOT_WORDS)
            self._counted = append(append(append(self._counted, 0), 0), 0)
        row = self._counted[at] - 1
        if row != NIL:
            self._add(row, self._counted[at + 1], self._counted[at + 2], -1)
            self._counted[at] = 0

    def _count_in(self, slot: i64) -> None:
        """A live order, for its account if that is watched."""
        store = self._store
        rows = store.orders.rows
        at = slot << ORDER_SHIFT
        account = rows[at + O_OWNER] & ACCOUNT_MASK
        if self._index.find(account, 0, 0) == NIL:
            return
        book = store.levels.rows[(rows[at + O_LEVEL] << LEVEL_SHIFT) + L_BOOK] >> 1
        is_parked: i64 = 0 if book >> AREA_SHIFT == RESTING else 1
        lots: i64 = 0
        if rows[at + O_TERMS] & 0xF == BUY:
            lots = store.left_of(slot) if is_parked == 0 else self._parked_lots(slot)
        row = self._row(account, book & SYMBOL_MASK)
        counted = lots << 1 | is_parked
        quote = self._quote_of(slot, book & SYMBOL_MASK, is_parked)
        self._add(row, counted, quote, 1)
        self._counted[slot * _SLOT_WORDS] = row + 1
        self._counted[slot * _SLOT_WORDS + 1] = counted
        self._counted[slot * _SLOT_WORDS + 2] = quote

    def _quote_of(self, slot: i64, symbol: i64, is_parked: i64) -> i64:
        """Bounded as its hold is: no product of a symbol's greatest price and quantity is more
        than `AMOUNT_MAX`."""
        store = self._store
        tick_value = self._listing.symbols.rows[symbol * SYMBOL_WORDS + S_TICK_VALUE]
        if is_parked == 0:
            return store.price_of(slot) * store.left_of(slot) * tick_value
        at = self._terms_at(slot)
        terms = store.terms.table.rows
        if terms[at + T_KIND] >> 4 & FLAG_BY_QUOTE != 0:
            return terms[at + T_QTY]
        return terms[at + T_LIMIT] * terms[at + T_QTY] * tick_value

    def _terms_at(self, slot: i64) -> i64:
        owner = self._store.orders.rows[(slot << ORDER_SHIFT) + O_OWNER]
        return ((owner >> OWNER_BITS) - 1) << TERMS_SHIFT

    def _parked_lots(self, slot: i64) -> i64:
        """By quote amount it has none: nobody knows how many it will buy."""
        at = self._terms_at(slot)
        terms = self._store.terms.table.rows
        return 0 if terms[at + T_KIND] >> 4 & FLAG_BY_QUOTE != 0 else terms[at + T_QTY]

    def _add(self, row: i64, counted: i64, quote: i64, sign: i64) -> None:
        rows = self._table.rows
        at = row * _WORDS
        lots = counted >> 1
        rows[at + _OPEN] += sign
        rows[at + _PARKED] += sign * (counted & 1)
        rows[at + _LOTS_LOW] += sign * (lots & _LOW_MASK)
        rows[at + _LOTS_HIGH] += sign * (lots >> _LOW_BITS)
        rows[at + _QUOTE_LOW] += sign * (quote & _LOW_MASK)
        rows[at + _QUOTE_HIGH] += sign * (quote >> _LOW_BITS)


def _joined(low: i64, high: i64) -> i64:
    """The sum, at most `AMOUNT_MAX`."""
    high += low >> _LOW_BITS
    if high >= AMOUNT_MAX >> _LOW_BITS:
        return AMOUNT_MAX
    return high << _LOW_BITS | low & _LOW_MASK
