"""The order book: price levels, the orders in them, and matching in price-time priority.

Why it exists: this is the innermost loop of the exchange. It must not know accounts, money,
fees, events or idempotency: it is told what to match and rest, and says what was filled.

How it lies in memory
---------------------
- `core.order_store` holds two tables for all symbols of the partition. An order is a row of
  eight words, one cache line; so is a price level. Orders of a level are a doubly linked list by
  row number, oldest first; free rows are a list through the same word, so that which row comes
  next is itself part of the state.
- A `Ladder` is one side of one symbol: the prices that have orders, sorted with the best one
  *last*, so that levels come and go near the end and little is shifted. A price is kept as a key,
  `sign * price`, with sign +1 for bids and -1 for asks: the best key is the greatest on both
  sides, and one code serves both. Ladders are derived: a restore rebuilds them from the levels.
- Matching writes fills into `OrderStore.fills` and leaves what they mean to the caller.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.codes import BUY, PEGGED
from core.columns import filled
from core.order_store import (
    COUNT_MASK, F_LEFT, F_PRICE, F_QTY, FILL_WORDS, L_BOOK, L_COUNT, L_HEAD, L_HIDDEN, L_PRICE,
    L_TAIL, L_TOTAL, LEVEL_SHIFT, O_FILLED, O_LEVEL, O_NEXT, O_OWNER, O_PREV, O_REMAINING,
    ORDER_SHIFT, PEG_ONE, OrderStore,
)  # fmt: skip
from core.table import NIL
from core.terms import AREA_SHIFT, OWNER_BITS, RESTING, T_DISPLAY, T_HIDDEN, T_KIND, TERMS_SHIFT

_ANY: Final = -(1 << 62)
"""Below every key."""


class Ladder:
    """One side's prices, the best last."""

    def __init__(self, sign: i64, room: i64) -> None:
        self.sign: i64 = sign
        self.keys: vec[i64] = filled(room, 0)
        self.levels: vec[i64] = filled(room, 0)
        self.depth: i64 = 0

    def position(self, key: i64) -> i64:
        """Where `key` stands, or would be inserted."""
        keys = self.keys
        low: i64 = 0
        high = self.depth
        while low < high:
            middle = (low + high) >> 1
            if keys[middle] < key:
                low = middle + 1
            else:
                high = middle
        return low

    def insert(self, at: i64, key: i64, level: i64) -> None:
        if self.depth == i64(len(self.keys)):
            self.keys = append(self.keys, 0)
            self.levels = append(self.levels, 0)
        keys = self.keys
        levels = self.levels
        i = self.depth
        while i > at:
            keys[i] = keys[i - 1]
            levels[i] = levels[i - 1]
            i -= 1
        keys[at] = key
        levels[at] = level
        self.depth += 1

    def take_out(self, at: i64) -> None:
        keys = self.keys
        levels = self.levels
        self.depth -= 1
        i = at
        last = self.depth
        while i < last:
            keys[i] = keys[i + 1]
            levels[i] = levels[i + 1]
            i += 1


class Book:
    """One symbol's two ladders over the shared store.

    An area other than RESTING makes it a book of parked orders: the same queues, by trigger
    price. Those on the BUY ladder wait for the market to fall, those on SELL for it to rise, and
    the next one to be reached is the best of its ladder.
    """

    def __init__(self, symbol: i64, store: OrderStore, area: i64 = RESTING) -> None:
        self.symbol: i64 = symbol
        self.number: i64 = symbol | area << AREA_SHIFT
        self.store = store
        room: i64 = 64 if area == RESTING else 4
        self.bids = Ladder(1, room)
        self.asks = Ladder(-1, room)

    def side(self, side: i64) -> Ladder:
        return self.bids if side == BUY else self.asks

    def best(self, side: i64) -> i64:
        """The best price of that side in ticks, or 0 if it is empty."""
        ladder = self.side(side)
        if ladder.depth == 0:
            return 0
        return ladder.keys[ladder.depth - 1] * ladder.sign

    def head(self, side: i64) -> i64:
        """The slot that comes first on that side, or NIL."""
        ladder = self.side(side)
        if ladder.depth == 0:
            return NIL
        return self.store.levels.rows[(ladder.levels[ladder.depth - 1] << LEVEL_SHIFT) + L_HEAD]

    def worst_key(self, side: i64, price: i64) -> i64:
        """The least key of the other side that a taker on `side` reaches; price 0: any."""
        if price == 0:
            return _ANY
        return -price if side == BUY else price

    def reachable(self, side: i64, price: i64) -> i64:
        """The slot that a taker on `side` would meet first at `price` or better, or NIL."""
        ladder = self.asks if side == BUY else self.bids
        if ladder.depth == 0 or ladder.keys[ladder.depth - 1] < self.worst_key(side, price):
            return NIL
        return self.store.levels.rows[(ladder.levels[ladder.depth - 1] << LEVEL_SHIFT) + L_HEAD]

    def match(self, side: i64, price: i64, lots: i64) -> i64:
        """Fill up to `lots` for a taker on `side` at `price` or better; the lots left over.

        Price 0 means any price. Each fill is a row more in `store.fills`. Filled makers are out
        of the book and their slots are free; a filled tip of an iceberg goes to the back.
        """
        ladder = self.asks if side == BUY else self.bids
        store = self.store
        orders = store.orders.rows
        levels = store.levels.rows
        sign = ladder.sign
        worst = self.worst_key(side, price)
        left = lots
        count = store.fill_count
        while left > 0 and ladder.depth > 0:
            key = ladder.keys[ladder.depth - 1]
            if key < worst:
                break
            level = ladder.levels[ladder.depth - 1]
            head = level << LEVEL_SHIFT
            slot = levels[head + L_HEAD]
            total = levels[head + L_TOTAL]
            gone: i64 = 0
            while left > 0 and slot != NIL:
                at = slot << ORDER_SHIFT
                have = orders[at + O_REMAINING]
                lots_now = have if have < left else left
                left -= lots_now
                total -= lots_now
                orders[at + O_REMAINING] = have - lots_now
                orders[at + O_FILLED] += lots_now
                store.orders.touch(slot)
                if store.notes:
                    store.note(slot)
                fill = count * FILL_WORDS
                if fill == i64(len(store.fills)):
                    store.grow_fills()
                fills = store.fills
                fills[fill] = slot
                fills[fill + F_QTY] = lots_now
                fills[fill + F_PRICE] = key * sign
                fills[fill + F_LEFT] = have - lots_now
                count += 1
                if orders[at + O_OWNER] >> OWNER_BITS != 0:
                    following = orders[at + O_NEXT]
                    tip = self._fill_of_terms(slot, level, lots_now == have, fill)
                    if tip > 0:
                        total += tip
                        if following != NIL:
                            slot = following
                        continue
                if lots_now == have:
                    following = orders[at + O_NEXT]
                    store.release(slot)
                    gone += 1
                    slot = following
                    if slot != NIL:
                        orders[(slot << ORDER_SHIFT) + O_PREV] = NIL
                        store.orders.touch(slot)
            levels[head + L_HEAD] = slot
            levels[head + L_TOTAL] = total
            levels[head + L_COUNT] -= gone
            store.levels.touch(level)
            store.open_count -= gone
            if slot == NIL:
                ladder.depth -= 1
                store.drop_level(level)
        store.fill_count = count
        return left

    def _fill_of_terms(self, slot: i64, level: i64, is_done: bool, fill: i64) -> i64:
        """A maker with further terms was filled: what its level and the fill must know of it.

        The lots of its next tip if an iceberg's tip is done: it stands at the back then.
        """
        store = self.store
        orders = store.orders.rows
        levels = store.levels.rows
        terms = store.terms.table
        at = slot << ORDER_SHIFT
        head = level << LEVEL_SHIFT
        row = (orders[at + O_OWNER] >> OWNER_BITS) - 1
        hidden = terms.rows[(row << TERMS_SHIFT) + T_HIDDEN]
        store.fills[fill + F_LEFT] += hidden
        if not is_done:
            return 0
        if hidden == 0:
            if terms.rows[(row << TERMS_SHIFT) + T_KIND] & 0xF == PEGGED:
                levels[head + L_COUNT] -= PEG_ONE
            return 0
        tip = terms.rows[(row << TERMS_SHIFT) + T_DISPLAY]
        if tip > hidden:
            tip = hidden
        terms.rows[(row << TERMS_SHIFT) + T_HIDDEN] = hidden - tip
        terms.touch(row)
        levels[head + L_HIDDEN] -= tip
        orders[at + O_REMAINING] = tip
        following = orders[at + O_NEXT]
        if following != NIL:
            tail = levels[head + L_TAIL]
            orders[(tail << ORDER_SHIFT) + O_NEXT] = slot
            store.orders.touch(tail)
            orders[at + O_PREV] = tail
            orders[at + O_NEXT] = NIL
            levels[head + L_TAIL] = slot
            orders[(following << ORDER_SHIFT) + O_PREV] = NIL
            store.orders.touch(following)
        return tip

    def _count_terms(self, slot: i64, level: i64, sign: i64) -> None:
        """An order with further terms joins (+1) or leaves (-1) a level."""
        store = self.store
        row = store.terms_of(slot)
        rows = store.terms.table.rows
        levels = store.levels.rows
        head = level << LEVEL_SHIFT
        levels[head + L_HIDDEN] += sign * rows[(row << TERMS_SHIFT) + T_HIDDEN]
        if rows[(row << TERMS_SHIFT) + T_KIND] & 0xF == PEGGED:
            levels[head + L_COUNT] += sign * PEG_ONE

    def rest(self, slot: i64, side: i64, price: i64) -> i64:
        """Put an order, whose row says what remains, at the tail of its level; the level."""
        ladder = self.side(side)
        store = self.store
        key = price * ladder.sign
        at = ladder.position(key)
        if at < ladder.depth and ladder.keys[at] == key:
            level = ladder.levels[at]
        else:
            level = store.add_level(self.number << 1 | side, price)
            ladder.insert(at, key, level)
        orders = store.orders.rows
        levels = store.levels.rows
        row = slot << ORDER_SHIFT
        head = level << LEVEL_SHIFT
        tail = levels[head + L_TAIL]
        if levels[head + L_HEAD] == NIL:
            tail = NIL
            levels[head + L_HEAD] = slot
        else:
            orders[(tail << ORDER_SHIFT) + O_NEXT] = slot
            store.orders.touch(tail)
        orders[row + O_PREV] = tail
        orders[row + O_NEXT] = NIL
        orders[row + O_LEVEL] = level
        levels[head + L_TAIL] = slot
        levels[head + L_TOTAL] += orders[row + O_REMAINING]
        levels[head + L_COUNT] += 1
        if orders[row + O_OWNER] >> OWNER_BITS != 0:
            self._count_terms(slot, level, 1)
        if store.notes:
            store.note(slot)
        store.orders.touch(slot)
        store.levels.touch(level)
        store.open_count += 1
        return level

    def unlink(self, slot: i64) -> None:
        """Take a resting order out of its level. Its slot stays the caller's."""
        store = self.store
        orders = store.orders.rows
        levels = store.levels.rows
        row = slot << ORDER_SHIFT
        level = orders[row + O_LEVEL]
        head = level << LEVEL_SHIFT
        before = orders[row + O_PREV]
        after = orders[row + O_NEXT]
        if before == NIL:
            levels[head + L_HEAD] = after
        else:
            orders[(before << ORDER_SHIFT) + O_NEXT] = after
            store.orders.touch(before)
        if after == NIL:
            levels[head + L_TAIL] = before
        else:
            orders[(after << ORDER_SHIFT) + O_PREV] = before
            store.orders.touch(after)
        orders[row + O_LEVEL] = NIL
        levels[head + L_TOTAL] -= orders[row + O_REMAINING]
        levels[head + L_COUNT] -= 1
        if orders[row + O_OWNER] >> OWNER_BITS != 0:
            self._count_terms(slot, level, -1)
        if store.notes:
            store.note(slot)
        store.orders.touch(slot)
        store.levels.touch(level)
        store.open_count -= 1
        if levels[head + L_HEAD] == NIL:
            side = levels[head + L_BOOK] & 1
            ladder = self.side(side)
            ladder.take_out(ladder.position(levels[head + L_PRICE] * ladder.sign))
            store.drop_level(level)

    def reduce(self, slot: i64, lots: i64) -> None:
        """Take `lots`, fewer than are left, off a resting order; it keeps its place.

        What an iceberg hides goes first.
        """
        store = self.store
        if store.notes:
            store.note(slot)
        row = slot << ORDER_SHIFT
        level = store.orders.rows[row + O_LEVEL]
        hidden = store.hidden_of(slot)
        if hidden > 0:
            terms = store.terms.table
            terms_row = store.terms_of(slot)
            from_hidden = hidden if hidden < lots else lots
            terms.rows[(terms_row << TERMS_SHIFT) + T_HIDDEN] = hidden - from_hidden
            terms.touch(terms_row)
            store.levels.rows[(level << LEVEL_SHIFT) + L_HIDDEN] -= from_hidden
            store.levels.touch(level)
            lots -= from_hidden
            if lots == 0:
                return
        assert 0 < lots < store.orders.rows[row + O_REMAINING], "book: not a reduction"
        store.orders.rows[row + O_REMAINING] -= lots
        store.levels.rows[(level << LEVEL_SHIFT) + L_TOTAL] -= lots
        store.orders.touch(slot)
        store.levels.touch(level)

    def best_unpegged(self, side: i64) -> i64:
        """The best price of that side at which an order rests that is not pegged, or 0."""
        ladder = self.side(side)
        levels = self.store.levels.rows
        i = ladder.depth - 1
        while i >= 0:
            count = levels[(ladder.levels[i] << LEVEL_SHIFT) + L_COUNT]
            if count & COUNT_MASK > count >> 32:
                return ladder.keys[i] * ladder.sign
            i -= 1
        return 0

    def fillable(self, side: i64, price: i64, lots: i64) -> i64:
        """How many of `lots` a taker on `side` would get at `price` or better (0: any)."""
        ladder = self.asks if side == BUY else self.bids
        levels = self.store.levels.rows
        worst = self.worst_key(side, price)
        found: i64 = 0
        i = ladder.depth - 1
        while i >= 0 and found < lots and ladder.keys[i] >= worst:
            at = ladder.levels[i] << LEVEL_SHIFT
            found += levels[at + L_TOTAL] + levels[at + L_HIDDEN]
            i -= 1
        return found if found < lots else lots
