"""No execution beyond the collar, seen from the events alone.

Why it exists: the machine and the twin reckon collars before a trade; whether every trade that was
made lies within them is a sentence about the past, and is checked here as one. It must not look
into either implementation. It holds from machine version 10 on, and for
takers: an auction has no collar, and it ends before its market is in the mode NORMAL.
"""

from collections import defaultdict

from core.codes import MODE_NORMAL
from core.events import (
    AnyEvent,
    AuctionEnded,
    ReferenceSet,
    RulesChanged,
    SymbolModeChanged,
    TradeExecuted,
    VersionChanged,
)
from core.versions import VERSION_STRICT

Match = tuple[int, int]


class _Market:
    def __init__(self) -> None:
        self.static_bps = self.dynamic_bps = self.set_price = self.auction_price = self.last = 0
        self.mode = MODE_NORMAL
        self.match: Match = (0, 0)
        self.before = 0
        """The last price before the match in hand."""


class Collars:
    """Fold every event in."""

    def __init__(self) -> None:
        self._markets: dict[int, _Market] = defaultdict(_Market)
        self._is_strict = False
        self.checked = 0
        """Trades that a collar was there for."""

    def fold(self, events: list[AnyEvent]) -> None:
        for event in events:
            market = self._markets[event.symbol]
            if isinstance(event, VersionChanged):
                self._is_strict = event.version >= VERSION_STRICT
            elif isinstance(event, RulesChanged):
                market.static_bps, market.dynamic_bps = event.static_bps, event.dynamic_bps
            elif isinstance(event, ReferenceSet):
                market.set_price = event.price
            elif isinstance(event, SymbolModeChanged):
                market.mode = event.mode
            elif isinstance(event, AuctionEnded) and event.volume:
                market.auction_price = market.last = event.price
            elif isinstance(event, TradeExecuted) and market.mode == MODE_NORMAL:
                self._traded(market, event)

    def _traded(self, market: _Market, trade: TradeExecuted) -> None:
        match = (trade.taker_order, trade.cause)
        if match != market.match:
            market.match, market.before = match, market.last
        static = market.auction_price or market.set_price
        for bps, at in (
            (market.static_bps, static), (market.dynamic_bps, market.before or static)
        ):  # fmt: skip
            if self._is_strict and bps and at:
                self.checked += 1
                highest, lowest = at + at * bps // 10_000, max(1, at - at * bps // 10_000)
                assert lowest <= trade.price <= highest, f"beyond {lowest} to {highest}: {trade}"
        market.last = trade.price
