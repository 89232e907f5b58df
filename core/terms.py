"""The further terms of orders: what an order row has no room for, in a table of its own.

Why it exists: most orders are plain, and their row is one cache line. An order that waits for a
trigger, hides a part of itself, ends by time, follows the best price or belongs to a list has a
second row here; the order's owner word names it. This module knows the layout, and no rule.

A terms row lives as long as its order, except that the row of an order which a match filled stays
until its end has been told (`core.lists`).
"""

from typing import Final

from mypy_extensions import i64

from core.table import NIL, Table

# Words of a terms row.
T_ORDER: Final = 0  # the order's id; 0 when the row is free
T_KIND: Final = 1  # type bits 0-3 | flags 4-7 | self-trade prevention 8-15 | by group 16
T_QTY: Final = 2  # lots, or quote units, of an order that does not rest in the book yet
T_LIMIT: Final = 3  # the price that it was given: limit, collar or cap; ticks, 0 = none
T_TRIGGER: Final = 4  # ticks
T_TRAIL: Final = 5
T_DISPLAY: Final = 6  # lots
T_HIDDEN: Final = 7  # lots behind the tip that shows
T_HOLD: Final = 8  # units held while it does not rest in the book yet
T_EXPIRE: Final = 9  # log nanoseconds, 0 = never
T_LIST: Final = 10  # row of its list + 1, 0 = none | leg << 32
T_PEG: Final = 11  # offset in ticks
T_PREV: Final = 12  # older pegged order of its symbol: row + 1, 0 = none
T_NEXT: Final = 13  # younger one; in the free list when the row is free
T_MIN_QTY: Final = 14
TERMS_SHIFT: Final = 4
TERMS_WORDS: Final = 16

OWNER_BITS: Final = 32
"""An order's owner word is `terms row + 1 << 32 | account`; account ids stay below 2**31."""
ACCOUNT_MASK: Final = (1 << 32) - 1

# Where a live order stands: bits 16 and 17 of its level's book number.
RESTING: Final = 0
TRIGGERS: Final = 1  # waits for a fixed trigger; the level's price is the trigger
TRAILS: Final = 2  # the same, and the trigger follows the market
WAITS: Final = 3  # waits for another order of its list; see `core.lists`
AREA_SHIFT: Final = 16
SYMBOL_MASK: Final = 0xFFFF


def terms_row(owner: i64) -> i64:
    """The terms row that an owner word names, or NIL."""
    return (owner >> OWNER_BITS) - 1


class Terms:
    """The table and its free rows."""

    def __init__(self) -> None:
        self.table = Table("terms", TERMS_WORDS)
        self.free: i64 = NIL

    def allocate(self, order_id: i64) -> i64:
        """A row of zeros but for the order's id."""
        row = self.free
        if row == NIL:
            row = self.table.add_row()
        else:
            self.free = self.table.rows[(row << TERMS_SHIFT) + T_NEXT] - 1
        rows = self.table.rows
        at = row << TERMS_SHIFT
        i: i64 = 1
        while i < TERMS_WORDS:
            rows[at + i] = 0
            i += 1
        rows[at + T_ORDER] = order_id
        self.table.touch(row)
        return row

    def release(self, row: i64) -> None:
        rows = self.table.rows
        at = row << TERMS_SHIFT
        rows[at + T_ORDER] = 0
        rows[at + T_NEXT] = self.free + 1
        self.free = row
        self.table.touch(row)
