"""Random commands with further terms: triggers near the market, small tips, short lives, lists.

Why it exists: `workload` knows plain orders; here are all the others, drawn where their mistakes
live: triggers that the next trade reaches, pegs that meet, lists whose legs trade at once, own
orders on both sides. Equal seeds give equal commands.
"""

from typing import Any

from core import codes
from core import commands as c
from core import transfer_commands as tc
from tests.core.workload import EDGES, Workload

STOPS = (codes.STOP, codes.TAKE_PROFIT)
LIMIT_STOPS = (codes.STOP_LIMIT, codes.TAKE_PROFIT_LIMIT)
TIFS = (
    codes.GTC, codes.GTC, codes.GTC, codes.IOC, codes.FOK, codes.POST_ONLY, codes.GTD, codes.DAY,
    codes.AUCTION,
)  # fmt: skip
GENTLE = 0.02
"""How often a field is drawn without regard to the others."""


class TermsWorkload(Workload):
    """Half of the commands are those of `Workload`. The machine's version must be the newest."""

    now_ns = 0
    """Told before each batch: expiries are drawn near it."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._transfers = 0
        self._transfer_times: dict[int, int] = {}

    def command(self) -> bytes:
        if self._rarely(0.5):
            return super().command()
        kinds = (
            (self._limit, 26), (self._market, 8), (self._stop, 22), (self._trailing, 9),
            (self._pegged, 8), (self._list, 24), (self._amend_trigger, 4), (self._filtered, 3),
            (self._cancel_after, 4), (self._group, 2), (self._drain, 6),
            (self._call, 3), (self._rules, 3), (self._desk, 2), (self._state, 2),
            (self._fees, 2), (self._transfer, 4),
        )  # fmt: skip
        makers, weights = zip(*kinds, strict=True)
        record: bytes = self._random.choices(makers, weights)[0]()
        if any(record[16:32]):
            self._keyed.append(record)
        return self._spoiled(record) if self._rarely(0.02) else record

    # --- small choices ------------------------------------------------------------------------

    def _side(self) -> int:
        return self._random.choice((codes.BUY, codes.SELL))

    def _stp(self) -> dict[str, Any]:
        if self._rarely(0.5):
            return {}
        return {"stp": self._random.randint(1, 4), "by_group": self._rarely(0.4)}

    def _expiry(self, time_in_force: int) -> int:
        if time_in_force == codes.GTD or (time_in_force == codes.POST_ONLY and self._rarely(0.3)):
            return self.now_ns + self._random.choice((1, 10**6, 10**7, 10**9, 10**11))
        return self._random.choice((self.now_ns, -1)) if self._rarely(0.01) else 0

    def _soon(self) -> int:
        return self.now_ns + self._random.choice((1, 10**6, 10**9))

    def _terms(self, side: int, order_type: int, tif: int, **fields: Any) -> bytes:
        if self._rarely(GENTLE):
            fields[
                self._random.choice(("trigger", "trail", "display", "min_qty", "peg_offset"))
            ] = self._random.choice((1, 5, *EDGES))
        if self._rarely(GENTLE):
            tif = self._random.randint(0, 6)
        if self._rarely(GENTLE):
            fields["flags"] = self._random.randint(0, 15)
        return c.place_terms(
            self._account(), self._symbol(), side, order_type, tif, key=self._key(),
            client=self._client(), **fields,
        )  # fmt: skip

    # --- commands -----------------------------------------------------------------------------

    def _limit(self) -> bytes:
        choose = self._random.choice
        tif = choose(TIFS)
        qty = self._random.randint(1, 30) if self._rarely(0.5) else self._qty()
        fields: dict[str, Any] = {"price": self._price(), "qty": qty, **self._stp()}
        if tif not in (codes.IOC, codes.FOK) and self._rarely(0.5):
            fields["display"] = self._random.randint(1, 5)
        if tif not in (codes.FOK, codes.POST_ONLY) and self._rarely(0.2):
            fields["min_qty"] = self._random.randint(1, 6)
        if tif == codes.POST_ONLY and self._rarely(0.6):
            fields["flags"] = c.FLAG_SLIDE
        fields["expire_ns"] = self._expiry(tif)
        return self._terms(self._side(), codes.LIMIT, tif, **fields)

    def _market(self) -> bytes:
        side = self._side()
        fields = self._stp()
        if self._rarely(0.4):
            fields |= {"flags": c.FLAG_BY_QUOTE, "qty": self._quote_amount()}
            return self._terms(side, codes.MARKET, codes.IOC, **fields)
        fields["qty"] = self._random.randint(1, 30)
        if self._rarely(0.5):
            fields["price"] = self._price()
        if self._rarely(0.3):
            fields["min_qty"] = self._random.randint(1, 8)
            return self._terms(side, codes.MARKET, codes.IOC, **fields)
        return self._terms(
            side, codes.MARKET, self._random.choice((codes.IOC, codes.IOC, codes.FOK)), **fields
        )

    def _conditional(self, side: int, tif: int) -> tuple[int, dict[str, int]]:
        """Type and fields of an order with a fixed trigger, mostly on the right side of 100."""
        is_limit = self._rarely(0.6)
        order_type = self._random.choice(LIMIT_STOPS if is_limit else STOPS)
        rises = (side == codes.BUY) == (order_type in (codes.STOP, codes.STOP_LIMIT))
        near = self._random.randint(0, 4)
        fields: dict[str, int] = {"trigger": 100 + near if rises else 100 - near}
        fields["qty"] = self._random.randint(1, 12)
        if is_limit:
            fields |= {"price": self._price(), "expire_ns": self._expiry(tif)}
        elif self._rarely(0.3):
            fields["price"] = self._price()
        elif self._rarely(0.3):
            fields |= {"flags": c.FLAG_BY_QUOTE, "qty": self._quote_amount()}
        if not is_limit and self._rarely(0.2):
            fields["expire_ns"] = self.now_ns + self._random.choice((1, 10**7, 10**10))
        return order_type, fields

    def _stop(self) -> bytes:
        side, tif = self._side(), self._random.choice(TIFS)
        order_type, fields = self._conditional(side, tif)
        if order_type in STOPS:
            tif = self._random.choice((codes.IOC, codes.IOC, codes.FOK))
        return self._terms(side, order_type, tif, **fields, **self._stp())

    def _trailing_fields(self) -> dict[str, int]:
        if self._rarely(0.4):
            return {"trail": self._random.choice((1, 50, 100, 300)), "flags": c.FLAG_TRAIL_BPS}
        return {"trail": self._random.randint(1, 4)}

    def _trailing(self) -> bytes:
        fields = {"qty": self._random.randint(1, 12), **self._trailing_fields(), **self._stp()}
        if self._rarely(0.2):
            fields["expire_ns"] = self._soon()
            return self._terms(self._side(), codes.TRAILING_STOP, codes.IOC, **fields)
        if self._rarely(0.5):
            fields["price"] = self._price()
            tif = self._random.choice((codes.GTC, codes.IOC, codes.DAY))
            return self._terms(self._side(), codes.TRAILING_STOP_LIMIT, tif, **fields)
        return self._terms(self._side(), codes.TRAILING_STOP, codes.IOC, **fields)

    def _pegged(self) -> bytes:
        fields = {"qty": self._qty(), "peg_offset": self._random.randint(-3, 3)}
        if self._rarely(0.4):
            fields["flags"] = c.FLAG_PEG_OTHER
        if self._rarely(0.5):
            fields["price"] = self._price()
        tif = self._random.choice((codes.GTC, codes.GTC, codes.GTD, codes.DAY))
        fields["expire_ns"] = self._expiry(tif)
        return self._terms(self._side(), codes.PEGGED, tif, **fields)

    def _leg(self, side: int, qty: int, conditional: bool) -> tuple[int, ...]:
        client = self._client()
        if not conditional and self._rarely(0.15):
            return c.leg(side, codes.MARKET, codes.IOC, qty=qty, client=client)
        if not conditional:
            tif = self._random.choice((codes.GTC, codes.GTC, codes.POST_ONLY, codes.IOC, codes.DAY))
            display = self._random.randint(1, 3) if self._rarely(0.2) and tif == codes.GTC else 0
            return c.leg(side, codes.LIMIT, tif, price=self._price(), qty=qty, client=client,
                         display=display)  # fmt: skip
        if self._rarely(0.3):
            fields: dict[str, Any] = {"qty": qty, "client": client, **self._trailing_fields()}
            if self._rarely(0.5):
                fields |= {"price": self._price(), "expire_ns": self._soon()}
                return c.leg(side, codes.TRAILING_STOP_LIMIT, codes.GTD, **fields)
            if self._rarely(0.5):
                fields["expire_ns"] = self._soon()
            return c.leg(side, codes.TRAILING_STOP, codes.IOC, **fields)
        order_type, fields = self._conditional(side, codes.GTC)
        if not fields.get("flags"):
            fields["qty"] = qty
        tif = codes.IOC if order_type in STOPS else codes.GTC
        fields.pop("expire_ns", 0)
        if self._rarely(0.3):
            tif = codes.IOC if order_type in STOPS else codes.GTD
            fields["expire_ns"] = self._soon()
        return c.leg(side, order_type, tif, client=client, **fields)

    def _list(self) -> bytes:
        kind = self._random.choice((codes.LIST_OCO, codes.LIST_OTO, codes.LIST_OTOCO))
        side, qty = self._side(), self._random.randint(1, 12)
        legs = []
        if kind != codes.LIST_OCO:
            first = 1 - side if self._rarely(0.8) else side
            legs.append(self._leg(first, self._random.randint(1, 12), self._rarely(0.02)))
        if kind == codes.LIST_OTO:
            legs.append(self._leg(side, qty, self._rarely(0.5)))
        else:
            legs.append(self._leg(side, qty, self._rarely(0.3)))
            legs.append(self._leg(side, qty, not self._rarely(0.02)))
        if self._rarely(GENTLE):
            kind = self._random.choice((0, 1, 2, 3, 4))
        account = self._account()
        stp = self._stp() if self._rarely(0.3) else {}
        return c.place_list(
            account, self._symbol(), kind, legs, key=self._key(), client=self._client(), **stp
        )

    def _amend_trigger(self) -> bytes:
        account, symbol, order_id = self._order()
        price = 0 if self._rarely(0.3) else self._price()
        trigger = self._random.choice((0, 96, 98, 99, 101, 102, 104))
        return c.amend(account, symbol, order_id, price, self._qty(), self._key(), trigger)

    def _filtered(self) -> bytes:
        choose = self._random.choice
        what = choose((0, 1, 2, 4, 8, 8, 8, 5, 10, 15, 16, -1))
        low, high = choose((0, 0, 98, 100, -1)), choose((0, 0, 99, 102, -1))
        account = 0 if self._rarely(0.2) else self._account()
        return c.cancel_all(account, choose((0, 1, 2)), self._key(), what, low, high)

    def _cancel_after(self) -> bytes:
        after = self._random.choice((0, 0, 1, 10**6, 10**9, 25 * 3600 * 10**9, -1))
        return c.cancel_after(self._account(), self._random.choice((0, 1, 2)), after, self._key())

    def _call(self) -> bytes:
        """An auction begins or ends; by itself, too."""
        mode = self._random.choice((codes.MODE_AUCTION, codes.MODE_AUCTION, codes.MODE_NORMAL))
        until = self.now_ns + self._random.choice((0, 1, 10**6, 10**9))
        if mode != codes.MODE_AUCTION or self._rarely(0.5):
            until = self.now_ns if self._rarely(0.05) else 0
        return c.set_mode(self._symbol(), mode, self._key(), until)

    def _rules(self) -> bytes:
        """Few rules at a time, near the market; often none at all, so that trading goes on."""
        choose = self._random.choice
        if self._rarely(0.1):
            return c.set_reference(self._symbol(), choose((0, 99, 100, 101, -1, *EDGES)))
        rules: dict[str, int] = {}
        wishes: dict[str, tuple[int, ...]] = {
            "buy_up_bps": (100, 300), "buy_down_bps": (200,), "sell_up_bps": (200,),
            "sell_down_bps": (100, 300), "static_bps": (150, 300), "dynamic_bps": (50, 100, 200),
            "tick_step": (2,), "lot_step": (3,), "min_qty": (2, 4), "max_position": (5_000, 25_000),
            "open_orders": (2, 5), "parked_orders": (1, 3), "rate": (1, 1000), "burst": (1, 3),
            "daily_notional": (5_000, 100_000),
        }  # fmt: skip
        for name in self._random.sample(sorted(wishes), choose((0, 0, 1, 2, 4))):
            rules[name] = choose(wishes[name])
        if self._rarely(0.4):
            rules |= {
                "stopped_orders": choose((0, 1, 3)), "move_bps": choose((0, 100, 300)),
                "window_ns": choose((1, 10**9, 10**11)), "action": choose((1, 5, 5)),
                "call_ns": choose((0, 10**6, 10**9)),
            }  # fmt: skip
        if self._rarely(0.1):
            rules[choose(c.RULE_NAMES)] = choose(EDGES)
        return c.set_rules(self._symbol(), **rules)

    def _desk(self) -> bytes:
        own = {
            name: self._random.choice((-1, 1, 3, 10_000))
            for name in self._random.sample(c.RULE_NAMES[-6:], self._random.choice((0, 0, 1, 2)))
        }
        if self._rarely(0.1):
            own["rate"] = self._random.choice(EDGES)
        killed = self._random.choice((0, 0, 0, 1, 2)) if self._rarely(0.5) else 0
        return c.set_desk(self._account(), self._symbol(), killed, **own)

    def _state(self) -> bytes:
        state = self._random.choice((0, 0, 0, 1, 2, 3))
        halted = self._random.choice((0, 0, 0, 1, 2))
        account = 0 if self._rarely(0.2) else self._account()
        return c.set_account(account, 0 if account == 0 and self._rarely(0.8) else state, halted)

    def _fees(self) -> bytes:
        """Mostly few tiers that a day's trading reaches; rebates that the house can hardly pay."""
        choose = self._random.choice
        tiers: list[c.Tier] = []
        for _ in range(choose((0, 1, 1, 2, 3, 6, 7 if self._rarely(0.05) else 4))):
            volume = tiers[-1][0] + choose((1, 5_000, 100_000)) if tiers else 0
            taker = choose((0, 100, 2_000, 100_000))
            maker = choose((0, taker, -taker, -taker // 2, 50_000))
            tiers.append((volume, maker, taker))
        if tiers and self._rarely(0.1):
            wrong = [*choose(tiers)]
            wrong[choose((0, 1, 2))] = choose(EDGES)
            tiers[choose(range(len(tiers)))] = (wrong[0], wrong[1], wrong[2])
        account = self._account() if self._rarely(0.5) else 0
        symbol = 0 if account and self._rarely(0.4) else self._symbol()
        return c.set_fees(account, symbol, tiers[: 1 if symbol == 0 and self._rarely(0.8) else 6])

    def _transfer(self) -> bytes:
        """Any step of one of the last few transfers, here to here, in whatever order."""
        choose = self._random.choice
        step = choose(("out", "out", "in", "in", "void", "end", "end"))
        if step == "out" and self._rarely(0.5):
            self._transfers += 1
        transfer = (8, max(0, self._transfers - choose((0, 0, 0, 1, 2, 5))))
        if step == "void":
            return tc.transfer_void(transfer, choose((0, 0, 0, 1, -1)))
        if step == "end":
            return tc.transfer_end(transfer, choose((1, 1, 2, 3)), choose((1, 1, 2, 0)))
        fixed = transfer[1] if self._rarely(0.9) else choose((transfer[1] + 1, *EDGES))
        deadline = self._transfer_times.setdefault(
            transfer[1], self.now_ns + choose((1, 10**6, 10**9, 10**11))
        )
        if self._rarely(0.05):
            deadline = choose((self.now_ns, self.now_ns + 8 * 86_400 * 10**9, *EDGES))
        make = tc.transfer_out if step == "out" else tc.transfer_in
        account, asset = 2 + fixed % 3, 1 + fixed % 2
        there = (choose((0, 0, 0, 0, 1)), choose((3, 3, 3, 3, 3, 3, 0, -1, 1 << 32)))
        return make(account, asset, 1 + fixed % 2_000, transfer, *there, deadline)

    def _drain(self) -> bytes:
        """An account that can hardly pay for anything any more."""
        self._moves += 1
        amount = self._random.choice((100_000, 50_000, 20_000, 10_000, 3_000))
        return c.withdraw(
            self._account(), self._random.choice((1, 2, 2, 2, 3)), amount, (1, self._moves)
        )

    def _group(self) -> bytes:
        return c.set_group(self._account(), self._random.choice((0, 1, 1, 2, -1)))
