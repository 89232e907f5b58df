"""Accounts and balances: available + hold = total, and neither ever below zero.

Why it exists: money lives here and nowhere else. Every movement is one of a few named steps, each
of which asserts what it needs, so that a bug stops the machine before a wrong amount is written.
It must not know order books, prices or fees.

A balance is a row found by (account, asset); the balances of an account hang on its row in a list
sorted by asset, so that the logical digest can walk an account without a search. The sum over all
accounts of an asset is its supply, which `core.listing` counts and deposits and withdrawals alone
change; the steps of a trade only move it.
"""

from collections.abc import Iterator
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.balances import ACCOUNTS_PER_PAGE, BalanceRow, page_digest, root_digest
from core.table import NIL, PAGE_SHIFT, Index, Table, filled

# Words of an account's row. Row 0 stands for "no account".
AC_ORDERS_HEAD: Final = 0  # open orders, oldest first; slots of the order store
AC_ORDERS_TAIL: Final = 1
AC_OPEN_ORDERS: Final = 2
AC_BALANCES: Final = 3  # first balance row, sorted by asset
ACCOUNT_WORDS: Final = 4

# Words of a balance's row.
B_ACCOUNT: Final = 0
B_ASSET: Final = 1
B_AVAILABLE: Final = 2
B_HOLD: Final = 3
B_NEXT: Final = 4
BALANCE_WORDS: Final = 5

_PAGE_OF_ACCOUNT: Final = 6  # log2 of ACCOUNTS_PER_PAGE


class Accounts:
    """Who has what."""

    def __init__(self) -> None:
        assert ACCOUNTS_PER_PAGE == 1 << _PAGE_OF_ACCOUNT
        self.accounts = Table("accounts", ACCOUNT_WORDS)
        self.balances = Table("balances", BALANCE_WORDS)
        self._by_asset = Index(self.balances, 2)
        self._page_dirty: vec[i64] = vec[i64]()
        self._page_digests: dict[int, bytes] = {}
        self.open()
        self.open()

    def open(self) -> i64:
        """A new account; its id, which is its row."""
        account = self.accounts.add_row()
        rows = self.accounts.rows
        at = account * ACCOUNT_WORDS
        rows[at + AC_ORDERS_HEAD] = NIL
        rows[at + AC_ORDERS_TAIL] = NIL
        rows[at + AC_BALANCES] = NIL
        if account >> _PAGE_OF_ACCOUNT == i64(len(self._page_dirty)):
            self._page_dirty = append(self._page_dirty, 1)
        return account

    def is_open(self, account: i64) -> bool:
        return 0 < account < self.accounts.count

    def find(self, account: i64, asset: i64) -> i64:
        """The balance's row, or NIL if the account never had the asset."""
        return self._by_asset.find(account, asset, 0)

    def ensure(self, account: i64, asset: i64) -> i64:
        """The balance's row, made if need be."""
        row = self._by_asset.find(account, asset, 0)
        if row != NIL:
            return row
        row = self.balances.add_row()
        rows = self.balances.rows
        at = row * BALANCE_WORDS
        rows[at + B_ACCOUNT] = account
        rows[at + B_ASSET] = asset
        before: i64 = NIL
        following = self.accounts.rows[account * ACCOUNT_WORDS + AC_BALANCES]
        while following != NIL and rows[following * BALANCE_WORDS + B_ASSET] < asset:
            before = following
            following = rows[following * BALANCE_WORDS + B_NEXT]
        rows[at + B_NEXT] = following
        if before == NIL:
            self.accounts.rows[account * ACCOUNT_WORDS + AC_BALANCES] = row
            self.accounts.touch(account)
        else:
            rows[before * BALANCE_WORDS + B_NEXT] = row
            self.balances.touch(before)
        self._by_asset.put(row)
        return row

    def available(self, row: i64) -> i64:
        """What may be spent; `row` may be NIL."""
        return 0 if row == NIL else self.balances.rows[row * BALANCE_WORDS + B_AVAILABLE]

    def add_available(self, row: i64, amount: i64) -> None:
        """Credit (amount > 0) or debit (amount < 0) what is available."""
        rows = self.balances.rows
        at = row * BALANCE_WORDS
        now = rows[at + B_AVAILABLE] + amount
        assert now >= 0, "balance: available below zero"
        rows[at + B_AVAILABLE] = now
        self.balances.dirty[row >> PAGE_SHIFT] = 1
        self._page_dirty[rows[at] >> _PAGE_OF_ACCOUNT] = 1

    def reserve(self, row: i64, amount: i64) -> None:
        """Move `amount` from available to hold; negative moves it back."""
        rows = self.balances.rows
        at = row * BALANCE_WORDS
        free = rows[at + B_AVAILABLE] - amount
        held = rows[at + B_HOLD] + amount
        assert free >= 0 and held >= 0, "balance: reserve below zero"
        rows[at + B_AVAILABLE] = free
        rows[at + B_HOLD] = held
        self.balances.dirty[row >> PAGE_SHIFT] = 1
        self._page_dirty[rows[at] >> _PAGE_OF_ACCOUNT] = 1

    def spend_hold(self, row: i64, spent: i64, released: i64) -> None:
        """Take `spent` out of the hold for good and give `released` back to available."""
        rows = self.balances.rows
        at = row * BALANCE_WORDS
        held = rows[at + B_HOLD] - spent - released
        assert held >= 0, "balance: hold below zero"
        rows[at + B_HOLD] = held
        rows[at + B_AVAILABLE] += released
        self.balances.dirty[row >> PAGE_SHIFT] = 1
        self._page_dirty[rows[at] >> _PAGE_OF_ACCOUNT] = 1

    def rows_of(self, account: int) -> list[BalanceRow]:
        """The account's balances by asset, those that are nothing left out."""
        found: list[BalanceRow] = []
        if not self.is_open(account):
            return found
        rows = self.balances.rows
        row = self.accounts.rows[i64(account) * ACCOUNT_WORDS + AC_BALANCES]
        while row != NIL:
            at = row * BALANCE_WORDS
            available = rows[at + B_AVAILABLE]
            hold = rows[at + B_HOLD]
            if available != 0 or hold != 0:
                found.append((account, rows[at + B_ASSET], available, hold))
            row = rows[at + B_NEXT]
        return found

    def all_rows(self) -> Iterator[BalanceRow]:
        """Every balance that is something, by account and asset."""
        account = 1
        while account < self.accounts.count:
            yield from self.rows_of(account)
            account += 1

    def digest(self) -> bytes:
        """The logical digest of `core.balances`; only pages that changed are hashed again."""
        page: i64 = 0
        pages: i64 = len(self._page_dirty)
        while page < pages:
            if self._page_dirty[page] != 0:
                self._page_dirty[page] = 0
                rows: list[BalanceRow] = []
                account = page << _PAGE_OF_ACCOUNT
                end = account + ACCOUNTS_PER_PAGE
                while account < end and account < self.accounts.count:
                    rows.extend(self.rows_of(account))
                    account += 1
                if rows:
                    self._page_digests[page] = page_digest(rows)
                else:
                    self._page_digests.pop(page, None)
            page += 1
        return root_digest(sorted(self._page_digests.items()))

    def rebuild(self) -> None:
        """The index, from the table of balances."""
        self._by_asset = Index(self.balances, 2)
        row: i64 = 0
        while row < self.balances.count:
            self._by_asset.put(row)
            row += 1
        self._page_dirty = filled((self.accounts.count >> _PAGE_OF_ACCOUNT) + 1, 1)
        self._page_digests = {}
