"""Orders with further terms, as the simulator's clients ask for them.

Why it exists: what holds under faults must hold for every kind of order: triggers, icebergs, pegs,
lists, lives that end by time. Drawn near the market, so that they meet. It must not know how a
request travels, nor what becomes of it.
"""

import random
from typing import Any, Final

from core import codes
from core.commands import (
    FLAG_BY_QUOTE,
    FLAG_PEG_OTHER,
    FLAG_SLIDE,
    FLAG_TRAIL_BPS,
    Key,
    cancel_after,
    leg,
    place_list,
    place_terms,
    set_desk,
    set_fees,
    set_mode,
    set_reference,
    set_rules,
)
from core.transfer_commands import (
    OUTCOME_CONFIRM,
    OUTCOME_REFUND,
    transfer_end,
    transfer_in,
    transfer_out,
    transfer_void,
)

NEAR: Final = 6
"""Ticks around the price where orders and triggers stand."""


class Wishes:
    """One market's. `now_ns` is the wisher's clock, which may be wrong."""

    def __init__(self, symbol: int, price: int) -> None:
        self._symbol = symbol
        self._price = price
        self._transfers: list[tuple[Key, int, int, int, int]] = []
        """The last few: id, asset, amount, account, deadline."""

    def draw(self, rng: random.Random, account: int, key: Key, now_ns: int) -> bytes:
        """Any kind of order, a switch, an auction, a transfer, or what operators lay down."""
        kind = rng.choice(
            ("limit", "limit", "market", "stop", "stop", "trail", "peg", "list", "list")
        )
        if rng.random() < 0.03:
            until_ns = now_ns + rng.choice((3 * 10**8, 10**9, 3 * 10**9))
            return set_mode(self._symbol, codes.MODE_AUCTION, key, until_ns)
        if rng.random() < 0.03:
            return self._laid_down(rng, account)
        if rng.random() < 0.04:
            after_ns = rng.choice((0, 10**9, 5 * 10**9))
            return cancel_after(account, rng.choice((0, self._symbol)), after_ns, key)
        if rng.random() < 0.04:
            return self._transfer(rng, account, now_ns)
        if kind == "list":
            return self._list(rng, account, key)
        side = rng.choice((codes.BUY, codes.SELL))
        order_type, tif, fields = {
            "limit": self._limit, "market": self._market, "stop": self._stop,
            "trail": self._trail, "peg": self._peg,
        }[kind](rng, side, now_ns)  # fmt: skip
        if rng.random() < 0.4:
            fields["stp"] = rng.randint(1, 4)
        return place_terms(account, self._symbol, side, order_type, tif, key=key, **fields)

    def _laid_down(self, rng: random.Random, account: int) -> bytes:
        """Rules and rates that leave most orders alone."""
        what = rng.choice(("rules", "rules", "none", "desk", "fees", "reference"))
        if what == "rules":
            return set_rules(
                self._symbol, dynamic_bps=rng.choice((100, 300)), buy_up_bps=800, stopped_orders=3,
                move_bps=400, window_ns=10**9, action=codes.MODE_AUCTION, call_ns=5 * 10**8,
                daily_notional=1 << 50,
            )  # fmt: skip
        if what == "none":
            return set_rules(self._symbol)
        if what == "desk":
            return set_desk(account, self._symbol, open_orders=rng.choice((-1, 6)), rate=1_000)
        if what == "fees":
            of = rng.choice((0, account))
            return set_fees(of, self._symbol, [(0, rng.choice((-100, 500)), 1_000)])
        return set_reference(self._symbol, self._near(rng))

    def _transfer(self, rng: random.Random, account: int, now_ns: int) -> bytes:
        """Any step of one from this partition to itself, as two couriers at odds would take it."""
        if not self._transfers or rng.random() < 0.3:
            deadline_ns = now_ns + rng.choice((10**8, 10**9, 10**10))
            amount = rng.randint(1, 40)
            new = ((9, rng.getrandbits(62)), rng.randint(1, 2), amount, account, deadline_ns)
            self._transfers = [*self._transfers[-7:], new]
        transfer, asset, amount, whose, deadline_ns = rng.choice(self._transfers)
        step = rng.choice(("out", "out", "in", "void", "end", "end"))
        if step == "void":
            return transfer_void(transfer, 0)
        if step == "end":
            return transfer_end(transfer, rng.choice((OUTCOME_CONFIRM, OUTCOME_REFUND)), 1)
        make = transfer_out if step == "out" else transfer_in
        return make(whose, asset, amount, transfer, 0, whose, deadline_ns)

    def _near(self, rng: random.Random) -> int:
        return self._price + rng.randint(-NEAR, NEAR)

    def _limit(self, rng: random.Random, side: int, now_ns: int) -> tuple[int, int, dict[str, Any]]:
        del side
        tif = rng.choice((
            codes.GTC, codes.GTC, codes.IOC, codes.GTD, codes.DAY, codes.POST_ONLY, codes.AUCTION,
        ))  # fmt: skip
        fields: dict[str, Any] = {"price": self._near(rng), "qty": rng.randint(1, 30)}
        if tif == codes.GTD:
            fields["expire_ns"] = now_ns + rng.choice((10**8, 10**9, 10**10))
        if tif == codes.POST_ONLY:
            fields["flags"] = FLAG_SLIDE
        elif tif == codes.IOC:
            fields["min_qty"] = 1
        elif rng.random() < 0.5:
            fields["display"] = rng.randint(1, fields["qty"])
        return codes.LIMIT, tif, fields

    def _market(
        self, rng: random.Random, side: int, now_ns: int
    ) -> tuple[int, int, dict[str, Any]]:
        del side, now_ns
        if rng.random() < 0.4:
            return codes.MARKET, codes.IOC, {"qty": rng.randint(90, 2_000), "flags": FLAG_BY_QUOTE}
        return codes.MARKET, codes.IOC, {"qty": rng.randint(1, 20), "price": self._near(rng)}

    def _stop(self, rng: random.Random, side: int, now_ns: int) -> tuple[int, int, dict[str, Any]]:
        del now_ns
        stops = rng.random() < 0.6
        away = rng.randint(1, NEAR)
        rises = stops == (side == codes.BUY)
        fields: dict[str, Any] = {
            "trigger": self._price + away if rises else self._price - away,
            "qty": rng.randint(1, 20),
        }
        if rng.random() < 0.5:
            fields["price"] = self._near(rng)
            return codes.STOP_LIMIT if stops else codes.TAKE_PROFIT_LIMIT, codes.GTC, fields
        return codes.STOP if stops else codes.TAKE_PROFIT, codes.IOC, fields

    def _trail(self, rng: random.Random, side: int, now_ns: int) -> tuple[int, int, dict[str, Any]]:
        del side, now_ns
        fields: dict[str, Any] = {"qty": rng.randint(1, 20), "trail": rng.randint(1, NEAR)}
        if rng.random() < 0.5:
            fields |= {"trail": rng.randint(50, 500), "flags": FLAG_TRAIL_BPS}
        return codes.TRAILING_STOP, codes.IOC, fields

    def _peg(self, rng: random.Random, side: int, now_ns: int) -> tuple[int, int, dict[str, Any]]:
        del side, now_ns
        fields: dict[str, Any] = {"qty": rng.randint(1, 20), "peg_offset": rng.randint(-3, 3)}
        if rng.random() < 0.3:
            fields["flags"] = FLAG_PEG_OTHER
        return codes.PEGGED, codes.GTC, fields

    def _list(self, rng: random.Random, account: int, key: Key) -> bytes:
        kind = rng.choice((codes.LIST_OCO, codes.LIST_OTO, codes.LIST_OTOCO))
        side, qty = rng.choice((codes.BUY, codes.SELL)), rng.randint(1, 10)
        away = rng.randint(1, NEAR) * (1 if side == codes.SELL else -1)
        first = leg(1 - side, codes.LIMIT, codes.GTC, price=self._near(rng), qty=qty)
        target = leg(side, codes.LIMIT, codes.GTC, price=self._price + away, qty=qty)
        stop = leg(side, codes.STOP, codes.IOC, trigger=self._price - away, qty=qty)
        legs = {
            codes.LIST_OCO: [target, stop], codes.LIST_OTO: [first, target],
            codes.LIST_OTOCO: [first, target, stop],
        }[kind]  # fmt: skip
        return place_list(account, self._symbol, kind, legs, key=key)
