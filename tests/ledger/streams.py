"""Valid event streams for the ledger's tests, from a toy of the core that keeps balances only.

Why it exists: the ledger's properties must hold for any stream that the core may send, at any
cut into log entries; a toy reaches corners (tiny amounts, self-trades, a house that trades, many
accounts on many pages) sooner than an order book does. It packs words by hand from the
docstring of core/events.py and shares no code with the fold that it tests.
"""

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random

from core.codes import (
    EV_ACCOUNT_OPENED,
    EV_ASSET_LISTED,
    EV_BALANCE_CHANGED,
    EV_BOOK_DELTA,
    EV_ENGINE_CHECKPOINT,
    EV_LIMITS_CHANGED,
    EV_ORDER_ACCEPTED,
    EV_ORDER_AMENDED,
    EV_ORDER_CANCELED,
    EV_ORDER_REJECTED,
    EV_SYMBOL_LISTED,
    EV_SYMBOL_MODE_CHANGED,
    EV_TRADE_EXECUTED,
    EV_TRANSFER_CHANGED,
    TRANSFER_CONFIRMED,
    TRANSFER_CREDITED,
    TRANSFER_REFUNDED,
    TRANSFER_RESERVED,
)  # fmt: skip
from core.commands import name_words
from ledger.ports import LogEvents

BASE, QUOTE = 1, 2
SYMBOLS = (1, 2)
LOT_UNITS = {1: 3, 2: 1}
TICK_VALUE = 2
TS_NS = 1_700_000_000_000_000_000

Op = tuple[int, int, int, int]
"""What to do and three numbers to do it with; any numbers make a valid stream."""


class ToyCore:
    """Makes events that a core could have made, and knows the balances that they leave."""

    def __init__(self) -> None:
        self.available: dict[tuple[int, int], int] = defaultdict(int)
        self.hold: dict[tuple[int, int], int] = defaultdict(int)
        self.accounts = [1]
        self.transfers: list[tuple[int, int, int]] = []  # account, asset, amount held
        self.orders: dict[int, tuple[int, int, int, int]] = {}  # symbol, side, account, hold
        self.trades = 0
        self.checkpoints = 0
        self._seqs: dict[int, int] = defaultdict(int)
        self._trade_ids: dict[int, int] = defaultdict(int)
        self._next_order = 1
        self._next_account = 2
        self.out: list[bytes] = []
        for asset, name in ((BASE, "BTC"), (QUOTE, "KRW")):
            self._emit(EV_ASSET_LISTED, 0, asset, *name_words(name), 8 if asset == BASE else 0)
        for symbol in SYMBOLS:
            self._emit(
                EV_SYMBOL_LISTED, symbol, *name_words(f"S{symbol}"), BASE, QUOTE, 10,
                LOT_UNITS[symbol], TICK_VALUE, 1, 1 << 20, 1 << 20, 0, 1 << 40, 100, 200,
            )  # fmt: skip

    def take(self) -> bytes:
        out, self.out = b"".join(self.out), []
        return out

    def do(self, op: Op) -> None:
        kind, a, b, c = op
        steps = (
            self._deposit, self._order, self._trade, self._order, self._cancel, self._amend,
            self._withdraw, self._open_account, self._checkpoint, self._noise, self._trade,
            self._deposit, self._transfer, self._order, self._trade,
        )  # fmt: skip
        steps[kind % len(steps)](a, b, c)

    def balances(self) -> dict[tuple[int, int], tuple[int, int]]:
        keys = self.available.keys() | self.hold.keys()
        rows = {key: (self.available[key], self.hold[key]) for key in sorted(keys)}
        return {key: row for key, row in rows.items() if row != (0, 0)}

    def digest(self) -> bytes:
        pages: dict[int, bytes] = defaultdict(bytes)
        for (account, asset), (available, hold) in self.balances().items():
            pages[account // 64] += struct.pack("<4q", account, asset, available, hold)
        joined = b"".join(
            struct.pack("<q", page) + hashlib.sha256(rows).digest()
            for page, rows in sorted(pages.items())
        )
        return hashlib.sha256(joined).digest()

    def _emit(self, kind: int, symbol: int, *words: int, side: int = 0, detail: int = 0) -> None:
        self._seqs[symbol] += 1
        count = len(words) + 2
        head = kind | count << 8 | symbol << 16 | side << 48 | detail << 52
        self.out.append(struct.pack(f"<{count}q", head, self._seqs[symbol], *words))

    def _open_account(self, a: int, b: int, _c: int) -> None:
        self._emit(EV_ACCOUNT_OPENED, 0, self._next_account, a, b)
        self.accounts.append(self._next_account)
        self._next_account += 1 + a % 70  # jumps over pages

    def _deposit(self, a: int, b: int, c: int) -> None:
        self._move(self.accounts[a % len(self.accounts)], 1 + b % 2, 1 + c, 1)

    def _withdraw(self, a: int, b: int, c: int) -> None:
        account, asset = self.accounts[a % len(self.accounts)], 1 + b % 2
        amount = min(1 + c, self.available[account, asset])
        if amount:
            self._move(account, asset, -amount, 2)

    def _move(self, account: int, asset: int, delta: int, reason: int) -> None:
        self.available[account, asset] += delta
        self._emit(
            EV_BALANCE_CHANGED, 0, account, asset, delta, self.available[account, asset],
            self.hold[account, asset], 7, 7, detail=reason,
        )  # fmt: skip

    def _transfer(self, a: int, b: int, c: int) -> None:
        """One begins, or comes in, or the oldest that waits ends."""
        account, asset = self.accounts[a % len(self.accounts)], 1 + b % 2
        key, amount = (account, asset), min(1 + c, self.available[account, asset])
        if b // 2 % 3 == 0 and amount:
            self.transfers.append((*key, amount))
            state = TRANSFER_RESERVED
            self.available[key] -= amount
            self.hold[key] += amount
        elif b // 2 % 3 == 1 and self.transfers:
            *key_of, amount = self.transfers.pop(0)
            key = (key_of[0], key_of[1])
            state = TRANSFER_CONFIRMED if c % 2 else TRANSFER_REFUNDED
            self.hold[key] -= amount
            self.available[key] += 0 if c % 2 else amount
        else:
            state, amount = TRANSFER_CREDITED, 1 + c
            self.available[key] += amount
        self._emit(
            EV_TRANSFER_CHANGED, 0, 7, 7, *key, amount, self.available[key], self.hold[key], 1, 9,
            TS_NS, 3, detail=state,
        )  # fmt: skip

    def _order(self, a: int, b: int, c: int) -> None:
        account, side, symbol = self.accounts[a % len(self.accounts)], b % 2, SYMBOLS[b // 2 % 2]
        asset = QUOTE if side == 0 else BASE
        hold = min(1 + c, self.available[account, asset])
        if hold:
            self._accept(symbol, side, account, hold)

    def _accept(self, symbol: int, side: int, account: int, hold: int) -> int:
        order, asset = self._next_order, QUOTE if side == 0 else BASE
        self._next_order += 1
        self.available[account, asset] -= hold
        self.hold[account, asset] += hold
        self.orders[order] = (symbol, side, account, hold)
        self._emit(EV_ORDER_ACCEPTED, symbol, order, account, 5, 6, 0, hold, 0, 0, side=side)
        return order

    def _pick(self, a: int, side: int | None = None) -> int | None:
        known = [o for o, order in self.orders.items() if side is None or order[1] == side]
        return known[a % len(known)] if known else None

    def _trade(self, a: int, b: int, c: int) -> None:
        """Any buy against any sell of the same symbol; which of them takes is a coin's toss."""
        buy = self._pick(a, 0)
        if buy is None:
            return
        symbol, _side, _buyer, buy_hold = self.orders[buy]
        sells = [o for o, it in self.orders.items() if it[:2] == (symbol, 1)]
        if not sells:
            return
        sell = sells[b % len(sells)]
        sell_hold = self.orders[sell][3]
        lots = min(1 + c % 5, sell_hold // LOT_UNITS[symbol])
        quote = min(TICK_VALUE * lots * (1 + c % 3), buy_hold)
        if lots == 0:
            return
        taker_buys = bool(c % 2)
        release = min(c % 4, buy_hold - quote) if taker_buys else 0
        self._settle(symbol, buy, sell, lots, quote, release, taker_buys=taker_buys)

    def _settle(
        self, symbol: int, buy: int, sell: int, lots: int, quote: int, release: int, *,
        taker_buys: bool,
    ) -> None:  # fmt: skip
        _s, _side, buyer, buy_hold = self.orders[buy]
        _s, _side, seller, sell_hold = self.orders[sell]
        base = lots * LOT_UNITS[symbol]
        buyer_fee, seller_fee = base // 3, quote // 4
        self.hold[buyer, QUOTE] -= quote + release
        self.available[buyer, QUOTE] += release
        self.available[seller, QUOTE] += quote - seller_fee
        self.available[1, QUOTE] += seller_fee
        self.hold[seller, BASE] -= base
        self.available[buyer, BASE] += base - buyer_fee
        self.available[1, BASE] += buyer_fee
        self._keep(buy, buy_hold - quote - release)
        self._keep(sell, sell_hold - base)
        self._trade_ids[symbol] += 1
        self.trades += 1
        maker, taker = (sell, buy) if taker_buys else (buy, sell)
        maker_account, taker_account = (seller, buyer) if taker_buys else (buyer, seller)
        fees = (seller_fee, buyer_fee) if taker_buys else (buyer_fee, seller_fee)
        self._emit(
            EV_TRADE_EXECUTED, symbol, self._trade_ids[symbol], 5, lots, maker, taker,
            maker_account, taker_account, quote, *fees, 0, 0, release,
            side=0 if taker_buys else 1,
        )  # fmt: skip

    def _keep(self, order: int, hold: int) -> None:
        if hold:
            self.orders[order] = (*self.orders[order][:3], hold)
        else:
            del self.orders[order]

    def _cancel(self, a: int, _b: int, _c: int) -> None:
        order = self._pick(a)
        if order is None:
            return
        symbol, side, account, hold = self.orders.pop(order)
        asset = QUOTE if side == 0 else BASE
        self.hold[account, asset] -= hold
        self.available[account, asset] += hold
        self._emit(EV_ORDER_CANCELED, symbol, order, account, 1, hold, 5, side=side, detail=1)

    def _amend(self, a: int, b: int, c: int) -> None:
        order = self._pick(a)
        if order is None:
            return
        symbol, side, account, hold = self.orders[order]
        asset = QUOTE if side == 0 else BASE
        delta = min(c, self.available[account, asset]) if b % 2 else -min(c, hold - 1)
        self.available[account, asset] -= delta
        self.hold[account, asset] += delta
        self.orders[order] = (symbol, side, account, hold + delta)
        self._emit(EV_ORDER_AMENDED, symbol, order, account, 5, 6, 6, delta, 0, side=side)

    def _checkpoint(self, _a: int, _b: int, _c: int) -> None:
        self.checkpoints += 1
        words = struct.unpack("<4q", self.digest())
        self._emit(EV_ENGINE_CHECKPOINT, 0, 9, 0, 0, 0, 0, *words)

    def _noise(self, a: int, b: int, _c: int) -> None:
        """Events that move no money."""
        symbol = SYMBOLS[b % 2]
        if a % 4 == 0:
            self._emit(EV_BOOK_DELTA, symbol, 5, 6, 1)
        elif a % 4 == 1:
            self._emit(EV_ORDER_REJECTED, symbol, 1, 0, 0, 0, 0, detail=10)
        elif a % 4 == 2:
            self._emit(EV_SYMBOL_MODE_CHANGED, symbol, 0, detail=1)
        else:
            self._emit(EV_LIMITS_CHANGED, 0, 1, 2, 3)


def random_ops(count: int, seed: int = 1) -> list[Op]:
    draw = Random(seed)
    return [
        (draw.randrange(15), draw.randrange(41), draw.randrange(8), draw.randrange(91))
        for _ in range(count)
    ]


def log_of(core: ToyCore, ops: Iterable[Op], per_entry: Sequence[int] = (3,)) -> list[LogEvents]:
    """The ops as log entries; `per_entry` is how many ops each holds, in turn (0: an empty one)."""
    entries: list[bytes] = []
    left = per_entry[0]
    for op in ops:
        while left == 0 and any(per_entry):
            entries.append(core.take())
            left = per_entry[len(entries) % len(per_entry)]
        core.do(op)
        left -= 1
    entries.append(core.take())
    return [
        LogEvents(0, index, 1 + index // 10, TS_NS + index * 1000, events, chain(index))
        for index, events in enumerate(entries, 1)
    ]


def chain(index: int) -> bytes:
    return hashlib.sha256(b"%d" % index).digest()
