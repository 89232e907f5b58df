"""The orders of a partition and the price levels that they queue in, as rows of two tables.

Why it exists: the book, the parked orders and the lists of open orders all work on the same rows,
so the layout stands in one place. It gives rows out and takes them back, and reads what a row
says; who trades with whom is the book's business.

Rules
-----
1. A row is live if and only if its level is not NIL. Only live rows can be found by id.
2. A level exists if and only if it has an order.
3. The rows of orders that a match filled keep their words until the next `allocate`.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.columns import filled
from core.limits import SLOT_BITS
from core.table import NIL, Table
from core.terms import (
    ACCOUNT_MASK, AREA_SHIFT, OWNER_BITS, SYMBOL_MASK, T_HIDDEN, TERMS_SHIFT, Terms,
)  # fmt: skip

# Words of an order's row.
O_ID: Final = 0  # generation << SLOT_BITS | slot
O_OWNER: Final = 1  # account | row of its further terms + 1 << 32
O_TERMS: Final = 2  # side | time in force << 4 | row of the balance that holds for it << 8
O_REMAINING: Final = 3  # lots
O_FILLED: Final = 4  # lots
O_PREV: Final = 5
O_NEXT: Final = 6  # in its level; in the free list when the row is free
O_LEVEL: Final = 7  # NIL while it does not rest
ORDER_SHIFT: Final = 3
ORDER_WORDS: Final = 8

# Words of a price level's row.
L_BOOK: Final = 0  # (symbol | area << 16) << 1 | side; NIL when the row is free
L_PRICE: Final = 1  # ticks
L_TOTAL: Final = 2  # lots that show
L_COUNT: Final = 3  # orders | pegged ones among them << 32
L_HEAD: Final = 4
L_TAIL: Final = 5
L_NEXT: Final = 6  # in the free list
L_HIDDEN: Final = 7  # lots of icebergs behind the tips that show
LEVEL_SHIFT: Final = 3
LEVEL_WORDS: Final = 8

COUNT_MASK: Final = (1 << 32) - 1
PEG_ONE: Final = 1 << 32

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
        self.terms = Terms()
        self.free_order: i64 = NIL
        self.free_level: i64 = NIL
        self.open_count: i64 = 0
        self.fills: vec[i64] = filled(64 * FILL_WORDS, 0)
        self.fill_count: i64 = 0
        self.notes: bool = False
        """Somebody wants to know which orders were written."""
        self.noted: vec[i64] = vec[i64]()
        self.noted_count: i64 = 0

    def note(self, slot: i64) -> None:
        """The order has begun or ceased to be live, or has another quantity, when `notes`."""
        if self.noted_count == i64(len(self.noted)):
            self.noted = append(self.noted, 0)
        self.noted[self.noted_count] = slot
        self.noted_count += 1

    def has_room(self) -> bool:
        return self.free_order != NIL or self.orders.count <= SLOT_MASK

    def has_room_for(self, orders: i64) -> bool:
        """Whether so many slots, a handful, can be given out."""
        unused = SLOT_MASK + 1 - self.orders.count
        slot = self.free_order
        while unused < orders and slot != NIL:
            unused += 1
            slot = self.orders.rows[(slot << ORDER_SHIFT) + O_NEXT]
        return unused >= orders

    # --- reading a live order ----------------------------------------------------------------

    def account_of(self, slot: i64) -> i64:
        return self.orders.rows[(slot << ORDER_SHIFT) + O_OWNER] & ACCOUNT_MASK

    def terms_of(self, slot: i64) -> i64:
        """Its row of further terms, or NIL."""
        return (self.orders.rows[(slot << ORDER_SHIFT) + O_OWNER] >> OWNER_BITS) - 1

    def hidden_of(self, slot: i64) -> i64:
        """Lots behind the tip that shows."""
        row = self.terms_of(slot)
        return 0 if row == NIL else self.terms.table.rows[(row << TERMS_SHIFT) + T_HIDDEN]

    def left_of(self, slot: i64) -> i64:
        """All lots that are left of an order in the book."""
        return self.orders.rows[(slot << ORDER_SHIFT) + O_REMAINING] + self.hidden_of(slot)

    def symbol_of(self, slot: i64) -> i64:
        level = self.orders.rows[(slot << ORDER_SHIFT) + O_LEVEL]
        return (self.levels.rows[(level << LEVEL_SHIFT) + L_BOOK] >> 1) & SYMBOL_MASK

    def area_of(self, slot: i64) -> i64:
        level = self.orders.rows[(slot << ORDER_SHIFT) + O_LEVEL]
        return self.levels.rows[(level << LEVEL_SHIFT) + L_BOOK] >> (1 + AREA_SHIFT)

    def price_of(self, slot: i64) -> i64:
        """The price of its level: the limit of a resting order, the trigger of a parked one."""
        level = self.orders.rows[(slot << ORDER_SHIFT) + O_LEVEL]
        return self.levels.rows[(level << LEVEL_SHIFT) + L_PRICE]

    # --- slots and levels --------------------------------------------------------------------

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
        self.orders.touch(slot)
        return slot

    def release(self, slot: i64) -> None:
        """Give the slot back. An id of this generation can never be found again."""
        rows = self.orders.rows
        at = slot << ORDER_SHIFT
        rows[at + O_LEVEL] = NIL
        self.orders.touch(slot)
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
        rows[at + L_HIDDEN] = 0
        self.levels.touch(level)
        return level

    def drop_level(self, level: i64) -> None:
        rows = self.levels.rows
        at = level << LEVEL_SHIFT
        rows[at + L_BOOK] = NIL
        rows[at + L_TOTAL] = 0
        rows[at + L_COUNT] = 0
        rows[at + L_NEXT] = self.free_level
        self.free_level = level
        self.levels.touch(level)

    def grow_fills(self) -> None:
        i: i64 = len(self.fills)
        fills = self.fills
        while i > 0:
            fills = append(fills, 0)
            i -= 1
        self.fills = fills
