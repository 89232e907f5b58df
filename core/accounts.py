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

from mypy_extensions import i64

from core.account_rows import (
    AC_BALANCES, AC_ORDERS_HEAD, AC_ORDERS_TAIL, ACCOUNT_WORDS, B_ACCOUNT, B_ASSET, B_AVAILABLE,
    B_HOLD, B_NEXT, BALANCE_WORDS,
)  # fmt: skip
from core.balance_pages import BalancePages
from core.balances import BalanceRow
from core.index import Index
from core.table import NIL, Table


class Accounts:
    """Who has what."""

    def __init__(self) -> None:
        self.accounts = Table("accounts", ACCOUNT_WORDS)
        self.balances = Table("balances", BALANCE_WORDS)
        self._by_asset = Index(self.balances, 2, dense=True)
        self.pages = BalancePages(self.accounts, self.balances)
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
        self.pages.opened(account)
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
        self.balances.touch(row)
        self.pages.touch(rows[at])

    def reserve(self, row: i64, amount: i64) -> None:
        """Move `amount` from available to hold; negative moves it back."""
        rows = self.balances.rows
        at = row * BALANCE_WORDS
        free = rows[at + B_AVAILABLE] - amount
        held = rows[at + B_HOLD] + amount
        assert free >= 0 and held >= 0, "balance: reserve below zero"
        rows[at + B_AVAILABLE] = free
        rows[at + B_HOLD] = held
        self.balances.touch(row)
        self.pages.touch(rows[at])

    def spend_hold(self, row: i64, spent: i64, released: i64) -> None:
        """Take `spent` out of the hold for good and give `released` back to available."""
        rows = self.balances.rows
        at = row * BALANCE_WORDS
        held = rows[at + B_HOLD] - spent - released
        assert held >= 0, "balance: hold below zero"
        rows[at + B_HOLD] = held
        rows[at + B_AVAILABLE] += released
        self.balances.touch(row)
        self.pages.touch(rows[at])

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
        """The logical digest of `core.balances`."""
        return self.pages.digest()

    def rebuild(self) -> None:
        """The index and the pages of the logical digest, from the tables."""
        self._by_asset = Index(self.balances, 2, dense=True)
        self._by_asset.reserve(self.balances.count)
        row: i64 = 0
        while row < self.balances.count:
            self._by_asset.put(row)
            row += 1
        self.pages = BalancePages(self.accounts, self.balances)
        account: i64 = 0
        while account < self.accounts.count:
            self.pages.opened(account)
            self.pages.touch(account)
            account += 1
