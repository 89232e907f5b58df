"""What the machine knows of an account beyond its money: its self-trade group.

Why it exists: few accounts differ from the default, so the rows are sparse, found by account. It
must not know what a group is used for.
"""

from typing import Final

from mypy_extensions import i64

from core.table import NIL, Index, Table

# Words of a profile's row.
P_ACCOUNT: Final = 0
P_ZERO: Final = 1
P_GROUP: Final = 2  # 0 = of no group
PROFILE_WORDS: Final = 4


class Profiles:
    """Rows by account; an account without one has the defaults, all 0."""

    def __init__(self) -> None:
        self.table = Table("profiles", PROFILE_WORDS)
        self._by_account = Index(self.table, 2)

    def group(self, account: i64) -> i64:
        row = self._by_account.find(account, 0, 0)
        return 0 if row == NIL else self.table.rows[row * PROFILE_WORDS + P_GROUP]

    def set_group(self, account: i64, group: i64) -> i64:
        """The group that it had before."""
        row = self._by_account.find(account, 0, 0)
        if row == NIL:
            row = self.table.add_row()
            self.table.rows[row * PROFILE_WORDS + P_ACCOUNT] = account
            self._by_account.put(row)
        at = row * PROFILE_WORDS + P_GROUP
        before = self.table.rows[at]
        self.table.rows[at] = group
        self.table.touch(row)
        return before

    def rebuild(self) -> None:
        """The index, from the table."""
        self._by_account = Index(self.table, 2)
        row: i64 = 0
        while row < self.table.count:
            self._by_account.put(row)
            row += 1
