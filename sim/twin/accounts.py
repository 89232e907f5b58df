"""Naive balances: two dictionaries, available and hold, by account and asset.

Why it exists: every movement of money is one of the few named here, and each asserts that nothing
becomes negative. It must not know orders, prices or fees; the caller says how much moves.
"""

import hashlib
import struct
from collections import defaultdict
from typing import NamedTuple

HOUSE = 1
ACCOUNTS_PER_PAGE = 64


class Balance(NamedTuple):
    account: int
    asset: int
    available: int
    hold: int


class Accounts:
    """Who exists, what each may spend, and what is reserved for open orders."""

    def __init__(self) -> None:
        self.count = 1  # the house
        self.available: dict[tuple[int, int], int] = defaultdict(int)
        self.hold: dict[tuple[int, int], int] = defaultdict(int)
        self.supply: dict[int, int] = defaultdict(int)

    def open(self) -> int:
        self.count += 1
        return self.count

    def is_open(self, account: int) -> bool:
        return 1 <= account <= self.count

    def deposit(self, account: int, asset: int, amount: int) -> None:
        self.supply[asset] += amount
        self.available[account, asset] += amount

    def withdraw(self, account: int, asset: int, amount: int) -> None:
        self.supply[asset] -= amount
        self.available[account, asset] -= amount
        assert self.available[account, asset] >= 0

    def reserve(self, account: int, asset: int, amount: int) -> None:
        """From available to hold; a negative amount goes back."""
        self.available[account, asset] -= amount
        self.hold[account, asset] += amount
        assert self.available[account, asset] >= 0
        assert self.hold[account, asset] >= 0

    def pay(self, payer: int, receiver: int, asset: int, amount: int, fee: int) -> None:
        """From the payer's hold to the receiver's available, the fee to the house, or back."""
        assert fee <= amount <= self.hold[payer, asset]
        self.hold[payer, asset] -= amount
        self.available[receiver, asset] += amount - fee
        self.available[HOUSE, asset] += fee
        assert self.available[HOUSE, asset] >= 0

    def rows(self) -> list[Balance]:
        """By account and asset, rows without money left out."""
        keys = sorted(set(self.available) | set(self.hold))
        rows = [Balance(*key, self.available.get(key, 0), self.hold.get(key, 0)) for key in keys]
        return [row for row in rows if row.available or row.hold]

    def digest(self) -> bytes:
        """The logical digest of balances, as the ledger computes it."""
        pages: dict[int, bytes] = defaultdict(bytes)
        for row in self.rows():
            pages[row.account // ACCOUNTS_PER_PAGE] += struct.pack("<4q", *row)
        root = hashlib.sha256()
        for number in sorted(pages):
            root.update(struct.pack("<q", number) + hashlib.sha256(pages[number]).digest())
        return root.digest()
