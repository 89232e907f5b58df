"""Trailing stops: triggers that follow the market while it moves the order's way.

Why it exists: a selling stop rises with each new high and never falls, a buying one falls with
each new low. They wait in a book of their own, by their present trigger, so that one look at its
best level tells whether any was reached; a price that moves some of them moves them there. It must
not know what happens to an order that was reached.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.book import Book
from core.codes import BUY, SELL
from core.commands import FLAG_TRAIL_BPS
from core.endings import Endings
from core.limits import PRICE_TICKS_MAX
from core.markets import M_HIGH, M_LOW, M_TRAILS
from core.order_store import L_HEAD, LEVEL_SHIFT, O_NEXT, ORDER_SHIFT
from core.table import NIL
from core.terms import T_KIND, T_TRAIL, TERMS_SHIFT

NOT_YET_ABOVE: Final = 2 * PRICE_TICKS_MAX
"""A buying stop's trigger before the first trade; a selling one's is 0. No price reaches either."""


REACHED_RISING: Final = 1
REACHED_FALLING: Final = 2 * PRICE_TICKS_MAX
"""Where triggers stand that a price has reached, from `VERSION_STRICT` on, until their orders come
into the market: a buying stop's is never below 2, a selling one's never so high."""


class Trailing:
    """All symbols' trailing stops."""

    def __init__(self, endings: Endings) -> None:
        self.endings = endings

    def trigger(self, side: i64, trail: i64, flags: i64, price: i64) -> i64:
        """Where the trigger stands when `price` is the best that the order has seen; 0: none."""
        if price == 0:
            return 0 if side == SELL else NOT_YET_ABOVE
        distance = trail
        if flags & FLAG_TRAIL_BPS != 0:
            distance = price * trail // 10_000
            if distance < 1:
                distance = 1
        if side == BUY:
            return price + distance
        return price - distance if price > distance else 0

    def follow(self, symbol: i64, price: i64) -> None:
        """The market saw `price`: triggers follow, but for those that it has reached."""
        if self.endings.markets.get(symbol, M_TRAILS) == 0:
            return
        book = self.endings.trail_books[symbol]
        if self.endings.execution.is_strict:
            self._note_reached(book, BUY, price, REACHED_FALLING)
            self._note_reached(book, SELL, price, REACHED_RISING)
            self._follow(book, BUY, price, REACHED_FALLING)
            self._follow(book, SELL, price, -REACHED_RISING)
            return
        low = self.endings.markets.get(symbol, M_LOW)
        high = self.endings.markets.get(symbol, M_HIGH)
        self._follow(book, BUY, price, low)
        self._follow(book, SELL, price, -high)

    def _note_reached(self, book: Book, ladder_side: i64, price: i64, to: i64) -> None:
        """What the price reaches goes to `to`, the best trigger first, the oldest first."""
        ladder = book.side(ladder_side)
        store = self.endings.store
        reached = vec[i64]()
        i = ladder.depth - 1
        while i >= 0 and ladder.keys[i] >= price * ladder.sign:
            if ladder.keys[i] != to * ladder.sign:
                slot = store.levels.rows[(ladder.levels[i] << LEVEL_SHIFT) + L_HEAD]
                while slot != NIL:
                    reached = append(reached, slot)
                    slot = store.orders.rows[(slot << ORDER_SHIFT) + O_NEXT]
            i -= 1
        at: i64 = 0
        while at < i64(len(reached)):
            book.unlink(reached[at])
            book.rest(reached[at], ladder_side, to)
            at += 1

    def _follow(self, book: Book, ladder_side: i64, price: i64, reached: i64) -> None:
        """Orders of one ladder, from the best level on, oldest first within a level.

        Those with a key of `reached` or more are due and stay where they are.
        """
        ladder = book.side(ladder_side)
        store = self.endings.store
        side: i64 = SELL if ladder_side == BUY else BUY
        moving = vec[i64]()
        i = ladder.depth - 1
        while i >= 0:
            if ladder.keys[i] < reached or reached == 0:
                head = ladder.levels[i] << LEVEL_SHIFT
                slot = store.levels.rows[head + L_HEAD]
                while slot != NIL:
                    if self._moved(slot, side, price) * ladder.sign > ladder.keys[i]:
                        moving = append(moving, slot)
                    slot = store.orders.rows[(slot << ORDER_SHIFT) + O_NEXT]
            i -= 1
        at: i64 = 0
        while at < i64(len(moving)):
            slot = moving[at]
            book.unlink(slot)
            book.rest(slot, ladder_side, self._moved(slot, side, price))
            at += 1

    def _moved(self, slot: i64, side: i64, price: i64) -> i64:
        """The trigger that the order would have if `price` were the best that it has seen."""
        store = self.endings.store
        terms = store.terms.table.rows
        at = store.terms_of(slot) << TERMS_SHIFT
        return self.trigger(side, terms[at + T_TRAIL], (terms[at + T_KIND] >> 4) & 0xF, price)
