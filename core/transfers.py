"""Money on its way between partitions: what each transfer was for, and how far it has come here.

Why it exists: a transfer is two commands in two logs, either of which may come twice, late or
never; so each side remembers for ever what it has done under a transfer's id. This module stores
and finds. It must not know who asks, nor what a step moves.

    at the source     RESERVED ──▶ OVERDUE          at the target     CREDITED
                         │            │                               or
                         └─────┬──────┘                               VOIDED
                      CONFIRMED or REFUNDED

A transfer within one partition has both rows, so the role belongs to the key.
"""

from typing import Final

from mypy_extensions import i64

from core.codes import TRANSFER_OVERDUE, TRANSFER_RESERVED
from core.index import Index
from core.table import Table

# Words of a transfer's row.
T_HI: Final = 0
T_LO: Final = 1
T_ROLE: Final = 2
T_STATE: Final = 3
T_ACCOUNT: Final = 4
T_ASSET: Final = 5
T_AMOUNT: Final = 6
T_PARTNER: Final = 7  # the other partition bits 0-15 | the account there
T_DEADLINE: Final = 8  # log nanoseconds
T_SEQ: Final = 9  # of the first step's event
T_TS: Final = 10
T_DETAIL: Final = 11  # what its answer said was available
T_END_SEQ: Final = 12
T_END_TS: Final = 13
T_END_DETAIL: Final = 14
T_PROOF: Final = 15  # the sequence number of the target's event that the end goes by
TRANSFER_WORDS: Final = 16

SOURCE: Final = 1
TARGET: Final = 2


class Transfers:
    """Rows by (id, role); none is ever taken away."""

    def __init__(self) -> None:
        self.table = Table("transfers", TRANSFER_WORDS)
        self.open: dict[int, int] = {}
        """Rows of the source whose money waits in a hold, oldest first, with their deadlines;
        derived."""
        self._by_id = Index(self.table, 3)

    def find(self, hi: i64, lo: i64, role: i64) -> i64:
        return self._by_id.find(hi, lo, role)

    def get(self, row: i64, word: i64) -> i64:
        return self.table.rows[row * TRANSFER_WORDS + word]

    def set(self, row: i64, word: i64, value: i64) -> None:
        self.table.rows[row * TRANSFER_WORDS + word] = value
        self.table.touch(row)

    def add(
        self, hi: i64, lo: i64, role: i64, state: i64, account: i64, asset: i64, amount: i64,
        partner: i64, deadline_ns: i64,
    ) -> i64:  # fmt: skip
        """A new row, which must not be there yet."""
        row = self.table.add_row()
        rows = self.table.rows
        at = row * TRANSFER_WORDS
        rows[at + T_HI] = hi
        rows[at + T_LO] = lo
        rows[at + T_ROLE] = role
        rows[at + T_STATE] = state
        rows[at + T_ACCOUNT] = account
        rows[at + T_ASSET] = asset
        rows[at + T_AMOUNT] = amount
        rows[at + T_PARTNER] = partner
        rows[at + T_DEADLINE] = deadline_ns
        self._by_id.put(row)
        if state == TRANSFER_RESERVED:
            self.open[row] = deadline_ns
        return row

    def answered(self, row: i64, seq: i64, ts_ns: i64, detail: i64) -> None:
        """What the first step was answered with."""
        self.set(row, T_SEQ, seq)
        self.set(row, T_TS, ts_ns)
        self.set(row, T_DETAIL, detail)

    def end(self, row: i64, state: i64, proof: i64) -> None:
        """The money has left its hold."""
        self.set(row, T_STATE, state)
        self.set(row, T_PROOF, proof)
        del self.open[row]

    def end_answered(self, row: i64, seq: i64, ts_ns: i64, detail: i64) -> None:
        self.set(row, T_END_SEQ, seq)
        self.set(row, T_END_TS, ts_ns)
        self.set(row, T_END_DETAIL, detail)

    def is_open(self, row: i64) -> bool:
        state = self.get(row, T_STATE)
        return state == TRANSFER_RESERVED or state == TRANSFER_OVERDUE

    def rebuild(self) -> None:
        """What is derived, from the table."""
        self._by_id = Index(self.table, 3)
        self.open = {}
        row: i64 = 0
        while row < self.table.count:
            self._by_id.put(row)
            if self.is_open(row):
                self.open[row] = self.get(row, T_DEADLINE)
            row += 1
