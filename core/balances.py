"""The logical digest of all balances, as the core and the ledger both compute it.

Why it exists: two programs that share no layout, no language of storage and no history must be
able to say "equal, account by account" with 32 bytes. So this digest is defined over numbers
alone: it must not know slots, pages of columns or versions of a table.
"""

import hashlib
import struct
from collections.abc import Iterable
from typing import Final

ACCOUNTS_PER_PAGE: Final = 64
"""Accounts hashed together: a changed balance costs one small page, not the whole state."""

_ROW: Final = struct.Struct("<4q")
_PAGE: Final = struct.Struct("<q")

BalanceRow = tuple[int, int, int, int]
"""Account, asset, available, hold: amounts in the asset's units."""


def page_digest(rows: Iterable[BalanceRow]) -> bytes:
    """SHA-256 over one page's rows, which must be sorted by (account, asset).

    Rows with nothing available and nothing on hold must be left out by the caller: whether
    such a row exists at all is a matter of layout.
    """
    digest = hashlib.sha256()
    for row in rows:
        digest.update(_ROW.pack(*row))
    return digest.digest()


def root_digest(pages: Iterable[tuple[int, bytes]]) -> bytes:
    """SHA-256 over (page number, page digest), ascending; pages without rows are left out."""
    digest = hashlib.sha256()
    for number, page in pages:
        digest.update(_PAGE.pack(number))
        digest.update(page)
    return digest.digest()
