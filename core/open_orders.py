"""Whose orders are open: a list per account, and the clients' own order ids.

Why it exists: a mass cancel must not search the book, and an account's client order id may stand
on one open order only. It must not know prices or quantities; it knows slots and accounts.
"""

from typing import Final

from mypy_extensions import i64

from core.account_rows import AC_OPEN_ORDERS, AC_ORDERS_HEAD, AC_ORDERS_TAIL, ACCOUNT_WORDS
from core.index import Index
from core.table import NIL, Table

# Words of a slot's row, beside the order's own.
X_CLIENT_HI: Final = 0
X_CLIENT_LO: Final = 1
X_ACCOUNT: Final = 2
X_PREV: Final = 3
X_NEXT: Final = 4
LINK_WORDS: Final = 5


class OpenOrders:
    """Each account's resting orders in the order of resting."""

    def __init__(self, accounts: Table, secret: bytes) -> None:
        self.links = Table("links", LINK_WORDS)
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
        at = slot * LINK_WORDS
        tail = accounts[owner + AC_ORDERS_TAIL]
        links[at + X_CLIENT_HI] = client_hi
        links[at + X_CLIENT_LO] = client_lo
        links[at + X_ACCOUNT] = account
        links[at + X_PREV] = tail
        links[at + X_NEXT] = NIL
        if tail == NIL:
            accounts[owner + AC_ORDERS_HEAD] = slot
        else:
            links[tail * LINK_WORDS + X_NEXT] = slot
            self.links.touch(tail)
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
        at = slot * LINK_WORDS
        before = links[at + X_PREV]
        after = links[at + X_NEXT]
        if before == NIL:
            accounts[owner + AC_ORDERS_HEAD] = after
        else:
            links[before * LINK_WORDS + X_NEXT] = after
            self.links.touch(before)
        if after == NIL:
            accounts[owner + AC_ORDERS_TAIL] = before
        else:
            links[after * LINK_WORDS + X_PREV] = before
            self.links.touch(after)
        accounts[owner + AC_OPEN_ORDERS] -= 1
        self._accounts.touch(account)
        hi = links[at + X_CLIENT_HI]
        lo = links[at + X_CLIENT_LO]
        if hi != 0 or lo != 0:
            self._clients.remove(slot)

    def count_of(self, account: i64) -> i64:
        return self._accounts.rows[account * ACCOUNT_WORDS + AC_OPEN_ORDERS]

    def first(self, account: i64) -> i64:
        return self._accounts.rows[account * ACCOUNT_WORDS + AC_ORDERS_HEAD]

    def following(self, slot: i64) -> i64:
        return self.links.rows[slot * LINK_WORDS + X_NEXT]

    def rebuild(self) -> None:
        """The client ids of the open orders, from the accounts' lists."""
        self._clients = Index(self.links, 3, self._secret)
        account: i64 = 1
        while account < self._accounts.count:
            slot = self.first(account)
            while slot != NIL:
                at = slot * LINK_WORDS
                hi = self.links.rows[at + X_CLIENT_HI]
                lo = self.links.rows[at + X_CLIENT_LO]
                if hi != 0 or lo != 0:
                    self._clients.put(slot)
                slot = self.links.rows[at + X_NEXT]
            account += 1
