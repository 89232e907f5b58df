"""The order book: price levels, the orders in them, and matching in price-time priority.

Why it exists: this is the innermost loop of the exchange. It must not know accounts, money,
fees, events or idempotency: it is told what to match and rest, and says what was filled.

How it lies in memory
---------------------
- `OrderStore` holds two tables for all symbols of the partition. An order is a row of eight
  words, one cache line; so is a price level. Orders of a level are a doubly linked list by row
  number, oldest first; free rows are a list through the same word, so that which row comes next
  is itself part of the state.
- A `Ladder` is one side of one symbol: the prices that have orders, sorted with the best one
  *last*, so that levels come and go near the end and little is shifted. A price is kept as a key,
  `sign * price`, with sign +1 for bids and -1 for asks: the best key is the greatest on both
  sides, and one code serves both. Ladders are derived: a restore rebuilds them from the levels.
- Matching writes fills into `OrderStore.fills` and leaves what they mean to the caller.

Rules
-----
1. A row is live if and only if its level is not NIL. Only live rows can be found by id.
2. A level exists if and only if it has an order.
3. The rows of orders that a match filled keep their words until the next `allocate`.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.codes import BUY
from core.limits import SLOT_BITS
from core.table import NIL, PAGE_SHIFT, Table, filled

# Words of an order's row.
O_ID: Final = 0  # generation << SLOT_BITS | slot
O_ACCOUNT: Final = 1
O_TERMS: Final = 2  # side | time in force << 4 | row of the balance that holds for it << 8
O_REMAINING: Final = 3  # lots
O_FILLED: Final = 4  # lots
O_PREV: Final = 5
O_NEXT: Final = 6  # in its level; in the free list when the row is free
O_LEVEL: Final = 7  # NIL while it does not rest
ORDER_SHIFT: Final = 3
ORDER_WORDS: Final = 8

# Words of a price level's row.
L_BOOK: Final = 0  # symbol << 1 | side; NIL when the row is free
L_PRICE: Final = 1  # ticks
L_TOTAL: Final = 2  # lots
L_COUNT: Final = 3  # orders
L_HEAD: Final = 4
L_TAIL: Final = 5
L_NEXT: Final = 6  # in the free list
LEVEL_SHIFT: Final = 3
LEVEL_WORDS: Final = 8

# Words of a fill.
F_SLOT: Final = 0
F_QTY: Final = 1  # lots
F_PRICE: Final = 2  # ticks, the maker's
F_LEFT: Final = 3  # lots that the maker has left
FILL_WORDS: Final = 4

SLOT_MASK: Final = (1 << SLOT_BITS) - 1
GENERATION_MAX: Final = (1 << 29) - 1
"""29 bits of generation above 24 bits of slot: ids stay below 2**53."""


class OrderStore:
    """All orders and levels of a partition."""

    def __init__(self) -> None:
        self.orders = Table("orders", ORDER_WORDS)
        self.levels = Table("levels", LEVEL_WORDS)
        self.free_order: i64 = NIL
        self.free_level: i64 = NIL
        self.open_count: i64 = 0
        self.fills: vec[i64] = filled(64 * FILL_WORDS, 0)
        self.fill_count: i64 = 0

    def has_room(self) -> bool:
        return self.free_order != NIL or self.orders.count <= SLOT_MASK

    def allocate(self) -> i64:
        """A slot whose row has a fresh id and no level. The caller fills in the rest."""
        slot = self.free_order
        if slot == NIL:
            slot = self.orders.add_row()
            assert slot <= SLOT_MASK, "order store: no slot left"
            self.orders.rows[slot << ORDER_SHIFT] = slot
        else:
            self.free_order = self.orders.rows[(slot << ORDER_SHIFT) + O_NEXT]
        rows = self.orders.rows
        at = slot << ORDER_SHIFT
        rows[at + O_ID] += 1 << SLOT_BITS
        rows[at + O_LEVEL] = NIL
        self.orders.dirty[slot >> PAGE_SHIFT] = 1
        return slot

    def release(self, slot: i64) -> None:
        """Give the slot back. An id of this generation can never be found again."""
        rows = self.orders.rows
        at = slot << ORDER_SHIFT
        rows[at + O_LEVEL] = NIL
        self.orders.dirty[slot >> PAGE_SHIFT] = 1
        if rows[at + O_ID] >> SLOT_BITS < GENERATION_MAX:
            rows[at + O_NEXT] = self.free_order
            self.free_order = slot

    def find(self, order_id: i64) -> i64:
        """The slot of an order that rests, or NIL."""
        slot = order_id & SLOT_MASK
        if order_id < 0 or slot >= self.orders.count:
            return NIL
        rows = self.orders.rows
        at = slot << ORDER_SHIFT
        if rows[at + O_ID] != order_id or rows[at + O_LEVEL] == NIL:
            return NIL
        return slot

    def add_level(self, book: i64, price: i64) -> i64:
        level = self.free_level
        if level == NIL:
            level = self.levels.add_row()
        else:
            self.free_level = self.levels.rows[(level << LEVEL_SHIFT) + L_NEXT]
        rows = self.levels.rows
        at = level << LEVEL_SHIFT
        rows[at + L_BOOK] = book
        rows[at + L_PRICE] = price
        rows[at + L_TOTAL] = 0
        rows[at + L_COUNT] = 0
        rows[at + L_HEAD] = NIL
        rows[at + L_TAIL] = NIL
        rows[at + L_NEXT] = NIL
        self.levels.dirty[level >> PAGE_SHIFT] = 1
        return level

    def drop_level(self, level: i64) -> None:
        rows = self.levels.rows
        at = level << LEVEL_SHIFT
        rows[at + L_BOOK] = NIL
        rows[at + L_TOTAL] = 0
        rows[at + L_COUNT] = 0
        rows[at + L_NEXT] = self.free_level
        self.free_level = level
        self.levels.dirty[level >> PAGE_SHIFT] = 1

    def grow_fills(self) -> None:
        i: i64 = len(self.fills)
        fills = self.fills
        while i > 0:
            fills = append(fills, 0)
            i -= 1
        self.fills = fills


class Ladder:
    """One side's prices, the best last."""

    def __init__(self, sign: i64) -> None:
        self.sign: i64 = sign
        self.keys: vec[i64] = filled(64, 0)
        self.levels: vec[i64] = filled(64, 0)
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
    """One symbol's two ladders over the shared store."""

    def __init__(self, symbol: i64, store: OrderStore) -> None:
        self.symbol: i64 = symbol
        self.store = store
        self.bids = Ladder(1)
        self.asks = Ladder(-1)

    def side(self, side: i64) -> Ladder:
        return self.bids if side == BUY else self.asks

    def best(self, side: i64) -> i64:
        """The best price of that side in ticks, or 0 if it is empty."""
        ladder = self.side(side)
        if ladder.depth == 0:
            return 0
        return ladder.keys[ladder.depth - 1] * ladder.sign

    def match(self, side: i64, price: i64, lots: i64) -> i64:
        """Fill up to `lots` for a taker on `side` at `price` or better; the lots left over.

        Price 0 means any price. Each fill is a row of `store.fills`; `fill_count` starts at 0.
        Filled makers are out of the book and their slots are free.
        """
        ladder = self.asks if side == BUY else self.bids
        store = self.store
        orders = store.orders.rows
        levels = store.levels.rows
        order_dirty = store.orders.dirty
        sign = ladder.sign
        worst = price * sign
        if price == 0:
            worst = -(1 << 62)
        left = lots
        count: i64 = 0
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
                order_dirty[slot >> PAGE_SHIFT] = 1
                fill = count * FILL_WORDS
                if fill == i64(len(store.fills)):
                    store.grow_fills()
                fills = store.fills
                fills[fill] = slot
                fills[fill + F_QTY] = lots_now
                fills[fill + F_PRICE] = key * sign
                fills[fill + F_LEFT] = have - lots_now
                count += 1
                if lots_now == have:
                    following = orders[at + O_NEXT]
                    store.release(slot)
                    gone += 1
                    slot = following
                    if slot != NIL:
                        orders[(slot << ORDER_SHIFT) + O_PREV] = NIL
                        order_dirty[slot >> PAGE_SHIFT] = 1
            levels[head + L_HEAD] = slot
            levels[head + L_TOTAL] = total
            levels[head + L_COUNT] -= gone
            store.levels.dirty[level >> PAGE_SHIFT] = 1
            store.open_count -= gone
            if slot == NIL:
                ladder.depth -= 1
                store.drop_level(level)
        store.fill_count = count
        return left

    def rest(self, slot: i64, side: i64, price: i64) -> i64:
        """Put an order, whose row says what remains, at the tail of its level; the level."""
        ladder = self.side(side)
        store = self.store
        key = price * ladder.sign
        at = ladder.position(key)
        if at < ladder.depth and ladder.keys[at] == key:
            level = ladder.levels[at]
        else:
            level = store.add_level(self.symbol << 1 | side, price)
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
            store.orders.dirty[tail >> PAGE_SHIFT] = 1
        orders[row + O_PREV] = tail
        orders[row + O_NEXT] = NIL
        orders[row + O_LEVEL] = level
        levels[head + L_TAIL] = slot
        levels[head + L_TOTAL] += orders[row + O_REMAINING]
        levels[head + L_COUNT] += 1
        store.orders.dirty[slot >> PAGE_SHIFT] = 1
        store.levels.dirty[level >> PAGE_SHIFT] = 1
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
            store.orders.dirty[before >> PAGE_SHIFT] = 1
        if after == NIL:
            levels[head + L_TAIL] = before
        else:
            orders[(after << ORDER_SHIFT) + O_PREV] = before
            store.orders.dirty[after >> PAGE_SHIFT] = 1
        orders[row + O_LEVEL] = NIL
        levels[head + L_TOTAL] -= orders[row + O_REMAINING]
        levels[head + L_COUNT] -= 1
        store.orders.dirty[slot >> PAGE_SHIFT] = 1
        store.levels.dirty[level >> PAGE_SHIFT] = 1
        store.open_count -= 1
        if levels[head + L_HEAD] == NIL:
            side = levels[head + L_BOOK] & 1
            ladder = self.side(side)
            ladder.take_out(ladder.position(levels[head + L_PRICE] * ladder.sign))
            store.drop_level(level)

    def reduce(self, slot: i64, lots: i64) -> None:
        """Take `lots`, fewer than remain, off a resting order; it keeps its place."""
        store = self.store
        row = slot << ORDER_SHIFT
        level = store.orders.rows[row + O_LEVEL]
        assert 0 < lots < store.orders.rows[row + O_REMAINING], "book: not a reduction"
        store.orders.rows[row + O_REMAINING] -= lots
        store.levels.rows[(level << LEVEL_SHIFT) + L_TOTAL] -= lots
        store.orders.dirty[slot >> PAGE_SHIFT] = 1
        store.levels.dirty[level >> PAGE_SHIFT] = 1

    def fillable(self, side: i64, price: i64, lots: i64) -> i64:
        """How many of `lots` a taker on `side` would get at `price` or better (0: any)."""
        ladder = self.asks if side == BUY else self.bids
        levels = self.store.levels.rows
        worst = price * ladder.sign
        if price == 0:
            worst = -(1 << 62)
        found: i64 = 0
        i = ladder.depth - 1
        while i >= 0 and found < lots and ladder.keys[i] >= worst:
            found += levels[(ladder.levels[i] << LEVEL_SHIFT) + L_TOTAL]
            i -= 1
        return found if found < lots else lots
