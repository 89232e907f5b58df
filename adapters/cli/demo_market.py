"""The demonstration's markets, and how its makers and takers behave: integers in, commands out.

Why it exists apart from the command: what a maker quotes is a function of the market, the turn and
a source of numbers, so that it can be tested without an exchange. It knows no network and no clock.

Per market and turn one of two makers replaces its whole ladder: a mass cancel, then post-only
orders on both sides of a wandering mid price; the other maker's ladder stands meanwhile, so the
book is never empty. After that a taker may cross the spread with one IOC order, more often towards
the position from which it came.
"""

from typing import Final, Protocol

import msgspec

from core import commands
from core.codes import BUY, IOC, LIMIT, POST_ONLY, SELL

TURN_MS: Final = 500
LADDER_LEVELS: Final = 4
COMMANDS_PER_TURN: Final = 2 * LADDER_LEVELS + 2
"""Twenty commands a second and market: a mass cancel, the ladder, at most one taker."""

MAKERS: Final = ("maker-1", "maker-2")
TAKER: Final = "taker-1"
TRADERS: Final = tuple(f"demo-{n}" for n in range(1, 6))
"""Accounts for people to try things with: their keys stand in demo-accounts.json."""

ACCOUNTS_FILE: Final = "demo-accounts.json"
"""In the data folder, readable by its owner alone: who can sign a first order."""

ASSETS: Final = {"KRW": 4, "BTC": 8, "ETH": 8, "SOL": 8, "XRP": 6}
"""Decimal places of the minimal unit."""

TRADER_FUNDS: Final = {"KRW": 500_000_000, "BTC": 2, "ETH": 50, "SOL": 500, "XRP": 50_000}
FLOW_FUNDS: Final = {
    "KRW": 5_000_000_000_000, "BTC": 20_000, "ETH": 500_000, "SOL": 5_000_000, "XRP": 500_000_000,
}  # fmt: skip
"""In whole coins. Makers and takers have enough for years of turns."""


class Entropy(Protocol):
    """Where chance comes from. A source that repeats itself makes a dull market, nothing worse."""

    def below(self, bound: int) -> int:
        """From 0 to `bound` - 1."""
        ...


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """A listing, and where its price starts. Units, ticks and lots as in `docs/machine.md`."""

    name: str
    base: str
    tick_units: int
    lot_units: int
    max_price: int
    max_qty: int
    start_price: int
    typical_lots: int
    quote: str = "KRW"
    min_notional: int = 5_000 * 10**4
    max_notional: int = 50_000_000_000 * 10**4
    maker_ppm: int = 200
    taker_ppm: int = 500


MARKETS: Final = (
    Market(  # ticks of 1,000 KRW, lots of 0.00001 BTC
        name="BTC-KRW", base="BTC", tick_units=10**7, lot_units=10**3, max_price=10**6,
        max_qty=10**8, start_price=143_000, typical_lots=2_000,
    ),
    Market(  # ticks of 1,000 KRW, lots of 0.0001 ETH
        name="ETH-KRW", base="ETH", tick_units=10**7, lot_units=10**4, max_price=10**5,
        max_qty=10**9, start_price=5_000, typical_lots=5_000,
    ),
    Market(  # ticks of 100 KRW, lots of 0.001 SOL
        name="SOL-KRW", base="SOL", tick_units=10**6, lot_units=10**5, max_price=10**5,
        max_qty=10**9, start_price=2_400, typical_lots=10_000,
    ),
    Market(  # ticks of 1 KRW, lots of 0.1 XRP
        name="XRP-KRW", base="XRP", tick_units=10**4, lot_units=10**5, max_price=10**6,
        max_qty=10**8, start_price=3_200, typical_lots=8_000,
    ),
)  # fmt: skip


class Flow:
    """One market's makers and taker: `turn()` gives the commands of the next half second."""

    def __init__(
        self, market: Market, symbol: int, makers: tuple[int, int], taker: int, entropy: Entropy
    ) -> None:
        self._market = market
        self._symbol = symbol
        self._makers = makers
        self._taker = taker
        self._entropy = entropy
        self._turns = 0
        self._mid = market.start_price
        self._position = 0  # the taker's lots, as far as its orders went

    @property
    def mid(self) -> int:
        return self._mid

    def turn(self) -> list[bytes]:
        """A mass cancel, a ladder, and perhaps a taker."""
        self._walk()
        maker = self._makers[self._turns % 2]
        self._turns += 1
        records = [commands.cancel_all(maker, self._symbol)]
        for level in range(LADDER_LEVELS):
            offset = 1 + 2 * level + self._entropy.below(2)
            for side, price in ((BUY, self._mid - offset), (SELL, self._mid + offset)):
                lots = self._lots() * (level + 1)
                records.append(
                    commands.place(maker, self._symbol, side, LIMIT, POST_ONLY, price, lots)
                )
        if self._entropy.below(3):
            records.append(self._take())
        return records

    def leave(self) -> list[bytes]:
        """The commands that take all makers' orders off the book."""
        return [commands.cancel_all(maker, self._symbol) for maker in self._makers]

    def _walk(self) -> None:
        """At most one tick a turn, drawn back gently when the start is more than 5 % away."""
        drift = self._mid - self._market.start_price
        if 20 * abs(drift) > self._market.start_price:
            self._mid -= 1 if drift > 0 else -1
        else:
            self._mid += self._entropy.below(3) - 1

    def _lots(self) -> int:
        return self._market.typical_lots // 2 + self._entropy.below(self._market.typical_lots)

    def _take(self) -> bytes:
        lots = self._lots()
        bound = 200 * self._market.typical_lots
        buys = self._entropy.below(2 * bound) >= bound + max(-bound, min(bound, self._position))
        self._position += lots if buys else -lots
        side, price = (BUY, self._mid + 4) if buys else (SELL, self._mid - 4)
        return commands.place(self._taker, self._symbol, side, LIMIT, IOC, price, lots)
