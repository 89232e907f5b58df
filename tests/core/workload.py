"""Random commands where mistakes live: few prices, few accounts, the edges of every bound.

Why it exists: uniform random numbers miss everything; orders must cross, keys must repeat, an
order that is named must often exist and often just have ended. Equal seeds give equal commands.
It learns ids from events, as a client would, and must not look into a machine.
"""

from collections import deque
from random import Random

from core import codes
from core import commands as c
from core.events import (
    AccountOpened,
    AnyEvent,
    OrderAccepted,
    OrderCanceled,
    SymbolListed,
    TradeExecuted,
)

I64_MIN, I64_MAX = -(1 << 63), (1 << 63) - 1
EDGES = (0, 1, -1, 2, I64_MAX, I64_MIN, 1 << 62, (1 << 62) + 1, 1 << 40, 1 << 53, 1 << 24)


def near(value: int) -> tuple[int, int, int]:
    """A bound and its neighbours."""
    return (value - 1, value, value + 1)


ASSETS = [("BTC", 3), ("KRW", 0), ("ETH", 6)]


def _market(**fields: int) -> dict[str, int]:
    return fields


MARKETS = [
    # tick value 10, no fees, everything wide: the plain market
    _market(
        base=1, quote=2, tick_units=1000, lot_units=10, min_price=1, max_price=1000,
        max_qty=1000, min_notional=0, max_notional=10**7, maker_ppm=0, taker_ppm=0,
    ),
    # fees, a narrow band and narrow notionals, so that every bound is met often
    _market(
        base=3, quote=2, tick_units=10, lot_units=100_000, min_price=96, max_price=104,
        max_qty=12, min_notional=200, max_notional=1_000, maker_ppm=1_500, taker_ppm=100_000,
    ),
    # base and quote the other way round: one asset is base here and quote there
    _market(
        base=2, quote=1, tick_units=1, lot_units=1, min_price=90, max_price=110, max_qty=50,
        min_notional=1, max_notional=10**6, maker_ppm=999, taker_ppm=2_001,
    ),
]  # fmt: skip


def setup_records() -> list[bytes]:
    records = [c.list_asset(name, scale) for name, scale in ASSETS]
    for number, market in enumerate(MARKETS):
        records.append(c.list_symbol(f"M{number}", **market))
    for account in range(2, 6):
        records.append(c.open_account(c.key128(f"user-{account}")))
        for asset in range(1, 4):
            reference = c.key128(f"first-{account}-{asset}")
            records.append(c.deposit(account, asset, 200_000, reference))
    return records


class Workload:
    """An endless stream of commands drawn from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._open: dict[int, tuple[int, int]] = {}  # order id to account and symbol
        self._ended: deque[tuple[int, int, int]] = deque(maxlen=8)  # account, symbol, id
        self._keyed: deque[bytes] = deque(maxlen=16)
        self._accounts = 5
        self._symbols = len(MARKETS)
        self._moves = 0

    def learn(self, events: list[AnyEvent]) -> None:
        for event in events:
            if isinstance(event, OrderAccepted):
                self._open[event.order_id] = (event.account, event.symbol)
            elif isinstance(event, OrderCanceled):
                self._end(event.order_id)
            elif isinstance(event, TradeExecuted):
                if event.maker_remaining == 0:
                    self._end(event.maker_order)
                if event.taker_remaining == 0:
                    self._end(event.taker_order)
            elif isinstance(event, AccountOpened):
                self._accounts = event.account
            elif isinstance(event, SymbolListed):
                self._symbols = event.symbol

    def _end(self, order_id: int) -> None:
        self._ended.append((*self._open.pop(order_id), order_id))

    def batch(self) -> list[bytes]:
        size = self._random.choice((1, 1, 2, 5, 20, 100))
        return [self.command() for _ in range(size)]

    def time_step_ns(self) -> int:
        """Mostly little; sometimes none, sometimes beyond any window of these tests."""
        return self._random.choice((0, 1, 10**6, 10**6, 10**9, 50 * 10**9, 25 * 3600 * 10**9))

    def command(self) -> bytes:
        kinds = (
            (self._place, 64), (self._cancel, 12), (self._amend, 14), (self._cancel_all, 1),
            (self._set_mode, 3), (self._move, 6), (self._open_account, 1), (self._listing, 1),
            (self._limits, 1), (self._checkpoint, 1), (self._version, 0.1),
        )  # fmt: skip
        makers, weights = zip(*kinds, strict=True)
        if self._keyed and self._rarely(0.03):
            return self._random.choice(self._keyed)
        record: bytes = self._random.choices(makers, weights)[0]()
        if any(record[16:32]):
            self._keyed.append(record)
        return self._spoiled(record) if self._rarely(0.03) else record

    # --- small choices ------------------------------------------------------------------------

    def _rarely(self, chance: float) -> bool:
        return self._random.random() < chance

    def _account(self) -> int:
        if self._rarely(0.02):
            return self._random.choice((0, 1, self._accounts + 1, *EDGES))
        return self._random.randint(1, min(self._accounts, 6))

    def _symbol(self) -> int:
        if self._rarely(0.02):
            return self._random.choice((0, self._symbols + 1, 4096, 65535))
        return self._random.choice((1, 1, 2, 2, 3))

    def _price(self, order_type: int = codes.LIMIT) -> int:
        if order_type == codes.MARKET and not self._rarely(0.02):
            return 0
        if self._rarely(0.03):
            return self._random.choice((89, 95, 96, 104, 105, 110, 111, 1000, 1001, *EDGES))
        return self._random.randint(97, 103)

    def _qty(self) -> int:
        if self._rarely(0.03):
            return self._random.choice((12, 13, 50, 51, 1000, 1001, *EDGES))
        return self._random.randint(1, 12)

    def _quote_amount(self) -> int:
        if self._rarely(0.05):
            return self._random.choice((97, 103, 199, 200, 1000, 1001, 10**6, *EDGES))
        return self._random.randint(90, 12_000)

    def _key(self) -> c.Key:
        """Often none; else one of few, so that they repeat with equal and other payloads."""
        if self._rarely(0.7):
            return c.NO_KEY
        return (self._random.randint(0, 1), self._random.randint(0, 30))

    def _client(self) -> c.Key:
        return (0, self._random.randint(1, 30)) if self._rarely(0.2) else c.NO_KEY

    def _order(self) -> tuple[int, int, int]:
        """An open order as its owner would name it, mostly; or one that has just ended."""
        if not self._open or self._rarely(0.02):
            return self._account(), self._symbol(), self._random.choice((*EDGES, 1 << 24 | 3))
        if self._ended and self._rarely(0.1):
            account, symbol, order_id = self._random.choice(self._ended)
        else:
            order_id = self._random.choice(list(self._open))
            account, symbol = self._open[order_id]
        if self._rarely(0.05):
            account = self._account()
        if self._rarely(0.1):
            symbol = self._random.choice((0, 0, 1, 2, 3))
        if self._rarely(0.02):
            order_id += self._random.choice((1, -1, 1 << 24, -(1 << 24)))
        return account, symbol, order_id

    # --- commands -----------------------------------------------------------------------------

    def _place(self) -> bytes:
        choose = self._random.choice
        order_type = choose((codes.LIMIT,) * 4 + (codes.MARKET,))
        if order_type == codes.MARKET:
            time_in_force = choose((codes.IOC, codes.IOC, codes.IOC, codes.FOK))
        else:
            time_in_force = choose((codes.GTC,) * 4 + (codes.IOC, codes.FOK, codes.POST_ONLY))
        if self._rarely(0.02):
            time_in_force = self._random.randint(0, 5)
        by_quote = self._rarely(0.5 if order_type == codes.MARKET else 0.01)
        qty = self._quote_amount() if by_quote else self._qty()
        side = choose((codes.BUY, codes.SELL)) if not self._rarely(0.01) else 2
        return c.place(
            self._account(), self._symbol(), side, order_type, time_in_force,
            self._price(order_type), qty, self._key(), self._client(), by_quote,
        )  # fmt: skip

    def _cancel(self) -> bytes:
        account, symbol, order_id = self._order()
        return c.cancel(account, symbol, order_id, self._key())

    def _amend(self) -> bytes:
        account, symbol, order_id = self._order()
        return c.amend(account, symbol, order_id, self._price(), self._qty(), self._key())

    def _cancel_all(self) -> bytes:
        everybody = self._rarely(0.3)
        symbol = self._random.choice((0, 1, 2, 3, self._symbol()))
        return c.cancel_all(0 if everybody else self._account(), symbol, self._key())

    def _set_mode(self) -> bytes:
        mode = self._random.choice((*(0,) * 14, 1, 2, 3, 4, 5, -1))
        return c.set_mode(self._symbol(), mode, self._key())

    def _move(self) -> bytes:
        self._moves += 1
        number = self._random.choice((self._moves, self._moves, self._moves - 1, 0))
        reference = (0, number)
        amount = self._random.choice((1, 500, 5_000, 20_000, self._random.choice(EDGES)))
        asset = self._random.choice((1, 2, 3, 3, 0, 4) if self._rarely(0.1) else (1, 2, 3))
        make = self._random.choice((c.deposit, c.withdraw))
        return make(self._account(), asset, amount, reference)

    def _open_account(self) -> bytes:
        return c.open_account((0, self._random.randint(0, 8)))

    def _listing(self) -> bytes:
        if self._rarely(0.5):
            return c.list_asset(self._random.choice(("BTC", "KRW", "NEW", "~")),
                                self._random.choice((0, 3, 6, 12, 13, -1)))  # fmt: skip
        market = dict(MARKETS[self._random.randint(0, len(MARKETS) - 1)])
        name = f"M{self._random.randint(0, 6)}"
        if self._rarely(0.7):
            field = self._random.choice(sorted(market))
            market[field] = self._random.choice((*EDGES, 1 << 50, 100_000, 100_001, 13))
        return c.list_symbol(name, **market)

    def _limits(self) -> bytes:
        choose = self._random.choice
        if self._rarely(0.3):
            return c.set_limits(choose(EDGES), choose(EDGES), choose(EDGES))
        return c.set_limits(choose((5, 30, 100, 100)), choose((1, 10**9, 10**11, 10**14)),
                            choose((20, 200, 1 << 20)))  # fmt: skip

    def _version(self) -> bytes:
        return c.set_version(self._random.choice((0, 1, 2, 2, -1, 1 << 16, I64_MAX)))

    def _checkpoint(self) -> bytes:
        return c.checkpoint(self._random.choice((0, 0, -1, I64_MAX)))

    def _spoiled(self, record: bytes) -> bytes:
        """One word of a command, never its first, becomes an edge of 64 bits.

        Not a checkpoint's: a false claim about a real one stops the machine, as it should.
        """
        if record[0] == codes.CMD_CHECKPOINT:
            return record
        at = self._random.randrange(1, len(record) // 8) * 8
        word = self._random.choice(EDGES).to_bytes(8, "little", signed=True)
        return record[:at] + word + record[at + 8 :]
