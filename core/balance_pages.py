"""The logical digest of `core.balances`, kept page by page while balances change.

Why it exists: the digest must cost what has changed, and no checkpoint may find all of that at
once. It reads the tables of accounts and balances, and must not know what moves them.
"""

import hashlib
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.account_rows import (
    AC_BALANCES, ACCOUNT_WORDS, B_ASSET, B_AVAILABLE, B_HOLD, B_NEXT, BALANCE_WORDS,
)  # fmt: skip
from core.balances import ACCOUNTS_PER_PAGE
from core.pages import Pages
from core.table import NIL, Table

PAGE_OF_ACCOUNT: Final = 6
"""log2 of ACCOUNTS_PER_PAGE."""
_ENTRY_BYTES: Final = 40
"""A page's number and hash, as `core.balances.root_digest` puts them one behind the other."""
_ROW_WORDS: Final = 4
_LEFT_PAGES: Final = 16


class BalancePages(Pages):
    """The hashes of all pages that have a balance, and which pages wait to be hashed."""

    def __init__(self, accounts: Table, balances: Table) -> None:
        assert ACCOUNTS_PER_PAGE == 1 << PAGE_OF_ACCOUNT
        super().__init__(_LEFT_PAGES)
        self._accounts = accounts
        self._balances = balances
        self._entries = bytearray()
        """Of each page, those without a balance too."""
        self._is_something: vec[i64] = vec[i64]()
        self._gathered: vec[i64] = vec[i64]()

    def touch(self, account: i64) -> None:
        """A balance of the account has changed."""
        self.touch_page(account >> PAGE_OF_ACCOUNT)

    def opened(self, account: i64) -> None:
        """There is one account more."""
        page = account >> PAGE_OF_ACCOUNT
        if page == i64(len(self.marks)):
            self.add_mark()
            self._is_something = append(self._is_something, 0)
            self._entries += int(page).to_bytes(8, "little") + bytes(_ENTRY_BYTES - 8)

    def digest(self) -> bytes:
        """See `core.balances.root_digest`."""
        self.hash_all()
        root = hashlib.sha256()
        entries = memoryview(self._entries)
        pages: i64 = len(self._is_something)
        first: i64 = 0
        while first < pages:
            if self._is_something[first] == 0:
                first += 1
                continue
            end = first + 1
            while end < pages and self._is_something[end] != 0:
                end += 1
            root.update(entries[first * _ENTRY_BYTES : end * _ENTRY_BYTES])
            first = end
        return root.digest()

    def hash_page(self, page: i64) -> None:
        words = self._gather(page)
        self._is_something[page] = 1 if words != 0 else 0
        at = page * _ENTRY_BYTES
        digest = hashlib.sha256(memoryview(self._gathered)[:words]).digest()
        self._entries[at + 8 : at + _ENTRY_BYTES] = digest

    def _gather(self, page: i64) -> i64:
        """Writes the page's rows, sorted, into `_gathered`; how many words."""
        accounts = self._accounts.rows
        rows = self._balances.rows
        out = self._gathered
        words: i64 = 0
        account = page << PAGE_OF_ACCOUNT
        end = account + ACCOUNTS_PER_PAGE
        if end > self._accounts.count:
            end = self._accounts.count
        while account < end:
            row = accounts[account * ACCOUNT_WORDS + AC_BALANCES]
            while row != NIL:
                at = row * BALANCE_WORDS
                if rows[at + B_AVAILABLE] != 0 or rows[at + B_HOLD] != 0:
                    while i64(len(out)) < words + _ROW_WORDS:
                        out = append(out, 0)
                    out[words] = account
                    out[words + 1] = rows[at + B_ASSET]
                    out[words + 2] = rows[at + B_AVAILABLE]
                    out[words + 3] = rows[at + B_HOLD]
                    words += _ROW_WORDS
                row = rows[at + B_NEXT]
            account += 1
        self._gathered = out
        return words
