"""What the machine knows of an account beyond its money: its self-trade group and its state.

Why it exists: few accounts differ from the default, so the rows are sparse, found by account. It
must not know what a group is used for.
"""

from typing import Final

from mypy_extensions import i64

from core.index import Index
from core.table import NIL, Table

# Words of a profile's row.
P_ACCOUNT: Final = 0
P_ZERO: Final = 1
P_GROUP: Final = 2  # 0 = of no group
P_STATE: Final = 3  # state bits 0-7 | withdrawals halted bit 8; of account 0: everybody's
PROFILE_WORDS: Final = 4

ACTIVE: Final = 0
FROZEN: Final = 2
_HALTED: Final = 1 << 8


class Profiles:
    """Rows by account; an account without one has the defaults, all 0."""

    def __init__(self) -> None:
        self.table = Table("profiles", PROFILE_WORDS)
        self._by_account = Index(self.table, 2)
        self.restricted: i64 = 0
        """Rows with a state or a halt; derived."""

    def state(self, account: i64) -> i64:
        return self._word(account, P_STATE) & 0xFF

    def may_withdraw(self, account: i64) -> bool:
        if self.restricted == 0:
            return True
        return (self._word(0, P_STATE) | self._word(account, P_STATE)) & _HALTED == 0

    def restrict(self, account: i64, state: i64, halted: i64) -> None:
        row = self._ensure(account)
        at = row * PROFILE_WORDS + P_STATE
        before: i64 = 1 if self.table.rows[at] != 0 else 0
        self.table.rows[at] = state | (_HALTED if halted != 0 else 0)
        self.restricted += (1 if self.table.rows[at] != 0 else 0) - before
        self.table.touch(row)

    def _word(self, account: i64, word: i64) -> i64:
        row = self._by_account.find(account, 0, 0)
        return 0 if row == NIL else self.table.rows[row * PROFILE_WORDS + word]

    def _ensure(self, account: i64) -> i64:
        row = self._by_account.find(account, 0, 0)
        if row == NIL:
            row = self.table.add_row()
            self.table.rows[row * PROFILE_WORDS + P_ACCOUNT] = account
            self._by_account.put(row)
        return row

    def group(self, account: i64) -> i64:
        return self._word(account, P_GROUP)

    def set_group(self, account: i64, group: i64) -> i64:
        """The group that it had before."""
        row = self._ensure(account)
        at = row * PROFILE_WORDS + P_GROUP
        before = self.table.rows[at]
        self.table.rows[at] = group
        self.table.touch(row)
        return before

    def rebuild(self) -> None:
        """The index, from the table."""
        self._by_account = Index(self.table, 2)
        self.restricted = 0
        row: i64 = 0
        while row < self.table.count:
            self._by_account.put(row)
            if self.table.rows[row * PROFILE_WORDS + P_STATE] != 0:
                self.restricted += 1
            row += 1
