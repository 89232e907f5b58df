"""Whose orders are open: a list per account, and the clients' own order ids.

Why it exists: a mass cancel must not search the book, and an account's client order id may stand
on one open order only. It must not know prices or quantities; it knows slots and accounts.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.account_rows import AC_OPEN_ORDERS, AC_ORDERS_HEAD, AC_ORDERS_TAIL, ACCOUNT_WORDS
from core.index import Index
from core.table import NIL, PAGE_ROWS, Table

# Words of a slot's row, beside the order's own, as digests and snapshots have them.
X_CLIENT_HI: Final = 0
X_CLIENT_LO: Final = 1
X_ACCOUNT: Final = 2
X_PREV: Final = 3
X_NEXT: Final = 4
_UNPACKED_WORDS: Final = 5

_NEIGHBOURS: Final = 3
"""Packed, X_PREV is the upper half of this word, X_NEXT the lower: two rows share a cache line."""
LINK_SHIFT: Final = 2
LINK_WORDS: Final = 4
_LOW_32: Final = 0xFFFFFFFF
_SIGN_32: Final = 1 << 31


class Links(Table):
    """One row for each slot that has ever rested."""

    def __init__(self) -> None:
        super().__init__("links", LINK_WORDS, _UNPACKED_WORDS)
        self._unpacked: vec[i64] = vec[i64]()

    def content(self, page: i64, pages: i64) -> memoryview:
        row = page * PAGE_ROWS
        end = row + pages * PAGE_ROWS
        if end > self.count:
            end = self.count
        rows = self.rows
        out = self._unpacked
        while i64(len(out)) < (end - row) * _UNPACKED_WORDS:
            out = append(out, 0)
        used: i64 = 0
        while row < end:
            at = row << LINK_SHIFT
            out[used] = rows[at]
            out[used + 1] = rows[at + 1]
            out[used + 2] = rows[at + 2]
            out[used + 3] = rows[at + _NEIGHBOURS] >> 32
            out[used + 4] = _lower(rows[at + _NEIGHBOURS])
            used += _UNPACKED_WORDS
            row += 1
        self._unpacked = out
        return memoryview(out)[:used]

    def take_in(self, rows: vec[i64], chunk: memoryview) -> vec[i64]:
        """Raises `ValueError` if a neighbour is none that a row can have."""
        words = vec[i64](chunk.cast("q"))
        at: i64 = 0
        while at < i64(len(words)):
            before = words[at + X_PREV]
            after = words[at + X_NEXT]
            if not (-_SIGN_32 <= before < _SIGN_32 and -_SIGN_32 <= after < _SIGN_32):
                raise ValueError(f"table links: neighbours {before} and {after}")
            rows = append(rows, words[at])
            rows = append(rows, words[at + 1])
            rows = append(rows, words[at + 2])
            rows = append(rows, _both(before, after))
            at += _UNPACKED_WORDS
        return rows

    def word(self, row: i64, number: i64) -> i64:
        at = row << LINK_SHIFT
        if number == X_PREV:
            return self.rows[at + _NEIGHBOURS] >> 32
        if number == X_NEXT:
            return _lower(self.rows[at + _NEIGHBOURS])
        return self.rows[at + number]


def _both(before: i64, after: i64) -> i64:
    return before * (1 << 32) + (after & _LOW_32)


def _lower(word: i64) -> i64:
    """The lower half with its sign."""
    return ((word & _LOW_32) ^ _SIGN_32) - _SIGN_32


class OpenOrders:
    """Each account's resting orders in the order of resting."""

    def __init__(self, accounts: Table, secret: bytes) -> None:
        self.links = Links()
        self._accounts = accounts
        self._secret = secret
        self._clients = Index(self.links, 3, secret)

    def find_client(self, hi: i64, lo: i64, account: i64) -> i64:
        """The slot of the account's open order with this client id, or NIL."""
        return self._clients.find(hi, lo, account)

    def add(self, slot: i64, account: i64, client_hi: i64, client_lo: i64) -> None:
        while self.links.count <= slot:
            self.links.add_row()
        links = self.links.rows
        accounts = self._accounts.rows
        owner = account * ACCOUNT_WORDS
        at = slot << LINK_SHIFT
        tail = accounts[owner + AC_ORDERS_TAIL]
        links[at + X_CLIENT_HI] = client_hi
        links[at + X_CLIENT_LO] = client_lo
        links[at + X_ACCOUNT] = account
        links[at + _NEIGHBOURS] = _both(tail, NIL)
        if tail == NIL:
            accounts[owner + AC_ORDERS_HEAD] = slot
        else:
            self._set_next(tail, slot)
        accounts[owner + AC_ORDERS_TAIL] = slot
        accounts[owner + AC_OPEN_ORDERS] += 1
        self.links.touch(slot)
        self._accounts.touch(account)
        if client_hi != 0 or client_lo != 0:
            self._clients.put(slot)

    def remove(self, slot: i64, account: i64) -> None:
        links = self.links.rows
        accounts = self._accounts.rows
        owner = account * ACCOUNT_WORDS
        at = slot << LINK_SHIFT
        before = links[at + _NEIGHBOURS] >> 32
        after = _lower(links[at + _NEIGHBOURS])
        if before == NIL:
            accounts[owner + AC_ORDERS_HEAD] = after
        else:
            self._set_next(before, after)
        if after == NIL:
            accounts[owner + AC_ORDERS_TAIL] = before
        else:
            self._set_prev(after, before)
        accounts[owner + AC_OPEN_ORDERS] -= 1
        self._accounts.touch(account)
        hi = links[at + X_CLIENT_HI]
        lo = links[at + X_CLIENT_LO]
        if hi != 0 or lo != 0:
            self._clients.remove(slot)

    def _set_next(self, slot: i64, after: i64) -> None:
        links = self.links.rows
        at = (slot << LINK_SHIFT) + _NEIGHBOURS
        links[at] = links[at] & ~_LOW_32 | after & _LOW_32
        self.links.touch(slot)

    def _set_prev(self, slot: i64, before: i64) -> None:
        links = self.links.rows
        at = (slot << LINK_SHIFT) + _NEIGHBOURS
        links[at] = before * (1 << 32) + (links[at] & _LOW_32)
        self.links.touch(slot)

    def count_of(self, account: i64) -> i64:
        return self._accounts.rows[account * ACCOUNT_WORDS + AC_OPEN_ORDERS]

    def first(self, account: i64) -> i64:
        return self._accounts.rows[account * ACCOUNT_WORDS + AC_ORDERS_HEAD]

    def following(self, slot: i64) -> i64:
        return _lower(self.links.rows[(slot << LINK_SHIFT) + _NEIGHBOURS])

    def rebuild(self) -> None:
        """The client ids of the open orders, from the accounts' lists."""
        self._clients = Index(self.links, 3, self._secret)
        account: i64 = 1
        while account < self._accounts.count:
            slot = self.first(account)
            while slot != NIL:
                at = slot << LINK_SHIFT
                hi = self.links.rows[at + X_CLIENT_HI]
                lo = self.links.rows[at + X_CLIENT_LO]
                if hi != 0 or lo != 0:
                    self._clients.put(slot)
                slot = self.following(slot)
            account += 1
