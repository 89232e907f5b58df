"""The table of order lists: which orders belong together, and as what.

Why it exists: of an OCO one cancels the other, of an OTO one brings the other into the market, and
both must hold for orders that lie anywhere. So a list has a row that names its legs. This module
knows the layout; the rules are in `core.endings` (when a leg trades or ends) and `core.listed`
(when a list is placed).
"""

from typing import Final

from mypy_extensions import i64

from core.codes import LIST_OCO, LIST_OTOCO
from core.limits import SLOT_BITS
from core.table import NIL, Table

# Words of a list's row.
G_ID: Final = 0  # generation << SLOT_BITS | row
G_KIND: Final = 1  # 0 when the row is free
G_ACCOUNT: Final = 2
G_SYMBOL: Final = 3
G_FIRST: Final = 4  # order ids of the legs that have not ended; 0 = none, or ended
G_SECOND: Final = 5
G_THIRD: Final = 6
G_CLIENT_HI: Final = 7
G_CLIENT_LO: Final = 8
G_NEXT: Final = 9  # in the free list: row + 1
LIST_WORDS: Final = 10

LEGS_MAX: Final = 3


class OrderListTable:
    """Rows of lists and the free ones."""

    def __init__(self) -> None:
        self.table = Table("lists", LIST_WORDS)
        self.free: i64 = NIL

    def has_room(self) -> bool:
        return self.free != NIL or self.table.count < 1 << SLOT_BITS

    def allocate(self, kind: i64, account: i64, symbol: i64, client_hi: i64, client_lo: i64) -> i64:
        """A row without legs, under an id that was never used."""
        row = self.free
        if row == NIL:
            row = self.table.add_row()
            self.table.rows[row * LIST_WORDS] = row
        else:
            self.free = self.table.rows[row * LIST_WORDS + G_NEXT] - 1
        rows = self.table.rows
        at = row * LIST_WORDS
        rows[at + G_ID] += 1 << SLOT_BITS
        rows[at + G_KIND] = kind
        rows[at + G_ACCOUNT] = account
        rows[at + G_SYMBOL] = symbol
        rows[at + G_FIRST] = 0
        rows[at + G_SECOND] = 0
        rows[at + G_THIRD] = 0
        rows[at + G_CLIENT_HI] = client_hi
        rows[at + G_CLIENT_LO] = client_lo
        rows[at + G_NEXT] = 0
        self.table.touch(row)
        return row

    def release(self, row: i64) -> None:
        self.table.rows[row * LIST_WORDS + G_KIND] = 0
        self.table.rows[row * LIST_WORDS + G_NEXT] = self.free + 1
        self.free = row
        self.table.touch(row)

    def leg(self, row: i64, leg: i64) -> i64:
        """The leg's order id; 0 if there is none, or it has ended."""
        return self.table.rows[row * LIST_WORDS + G_FIRST + leg]

    def set_leg(self, row: i64, leg: i64, order_id: i64) -> None:
        self.table.rows[row * LIST_WORDS + G_FIRST + leg] = order_id
        self.table.touch(row)

    def kind(self, row: i64) -> i64:
        return self.table.rows[row * LIST_WORDS + G_KIND]

    def is_over(self, row: i64) -> bool:
        """No leg is left."""
        return self.leg(row, 0) == 0 and self.leg(row, 1) == 0 and self.leg(row, 2) == 0

    def sibling(self, row: i64, leg: i64) -> i64:
        """The order id of which only one of two may trade, beside this leg; 0 if there is none."""
        kind = self.kind(row)
        if kind == LIST_OCO:
            return self.leg(row, 1 - leg)
        if kind == LIST_OTOCO and leg > 0:
            return self.leg(row, 3 - leg)
        return 0
