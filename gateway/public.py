"""Public answers: markets, books, trades, ticker, candles. Reads the folds, formats decimals.

Why it exists: these need no account and no core, so they stay up when the core does not answer,
and say by `seq` and `ts` how old they are.
"""

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from core import codes
from core.commands import RULE_NAMES
from gateway.fold import ReadModel
from gateway.http import Call, Response, Route, whole_number
from gateway.market_data import CANDLES_KEPT, INTERVALS_MS, TRADES_KEPT, Candle, Market, Trade
from gateway.problems import Refused, invalid
from gateway.rule_view import MarketLaw, RuleView
from gateway.symbols import Symbol

DEPTH_DEFAULT: Final = 50
DEPTH_MAX: Final = 1_000
ROWS_DEFAULT: Final = 100

Levels = list[tuple[str, str]]


class FeeBody(msgspec.Struct, frozen=True, rename="camel"):
    """The rates from so much traded in 30 days on, in the quote asset."""

    volume: str
    maker_ppm: int
    taker_ppm: int


class MarketBody(msgspec.Struct, frozen=True, rename="camel"):
    """One listed symbol; `tickSize` and `lotSize` are the steps of price and quantity.

    The two rates are those of the first tier of `fees`. `rules`: those that are laid down.
    """

    symbol: str
    base: str
    quote: str
    mode: str
    tick_size: str
    lot_size: str
    min_price: str
    max_price: str
    max_qty: str
    min_notional: str
    max_notional: str
    maker_fee_ppm: int
    taker_fee_ppm: int
    fees: list[FeeBody]
    rules: dict[str, str | int]


class BookBody(msgspec.Struct, frozen=True):
    symbol: str
    seq: int
    ts: int
    bids: Levels
    asks: Levels


class TradeBody(msgspec.Struct, frozen=True, rename="camel"):
    """`side` is the taker's."""

    seq: int
    trade_id: str
    ts: int
    side: str
    price: str
    qty: str


class TickerBody(msgspec.Struct, frozen=True, rename="camel"):
    """The last 24 hours of log time, to the minute; prices are null before the first trade.

    During a call auction also what would trade if it ended now, at which price (null: nothing
    would), and how much more is left to buy there (below 0: to sell).
    """

    symbol: str
    seq: int
    open_time: int
    close_time: int
    open: str | None
    high: str | None
    low: str | None
    last: str | None
    volume: str
    quote_volume: str
    trades: int
    best_bid: str | None
    best_ask: str | None
    indicative_price: str | UnsetType | None = UNSET
    indicative_qty: str | UnsetType = UNSET
    indicative_surplus: str | UnsetType = UNSET


class CandleBody(msgspec.Struct, frozen=True, rename="camel"):
    """`ts` is the interval's start. An interval without a trade has no candle."""

    ts: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    trades: int


encode: Final = msgspec.json.Encoder().encode


def market_body(s: Symbol, rules: RuleView) -> MarketBody:
    tiers = rules.fees(s.id) or ((0, s.maker_ppm, s.taker_ppm),)
    return MarketBody(
        symbol=s.name, base=s.base.name, quote=s.quote.name, mode=codes.MODE_NAMES[s.mode],
        tick_size=s.price_text(1), lot_size=s.qty_text(1), min_price=s.price_text(s.min_price),
        max_price=s.price_text(s.max_price), max_qty=s.qty_text(s.max_qty),
        min_notional=s.quote_text(s.min_notional), max_notional=s.quote_text(s.max_notional),
        maker_fee_ppm=tiers[0][1], taker_fee_ppm=tiers[0][2],
        fees=[FeeBody(s.quote_text(volume), maker, taker) for volume, maker, taker in tiers],
        rules=_rules_shown(s, rules.market(s.id)),
    )  # fmt: skip


_PRICES: Final = ("tick_step",)
_QUANTITIES: Final = ("lot_step", "min_qty", "max_position")
_AMOUNTS: Final = ("daily_notional",)


def _rules_shown(s: Symbol, law: MarketLaw) -> dict[str, str | int]:
    """By the names of docs/risk.md; a rule that is 0 is none."""
    shown: dict[str, str | int] = {}
    for name, value in zip(RULE_NAMES, law.rules, strict=True):
        if value == 0:
            continue
        first, *rest = name.split("_")
        public = first + "".join(part.capitalize() for part in rest)
        if name in _PRICES:
            shown[public] = s.price_text(value)
        elif name in _QUANTITIES:
            shown[public] = s.qty_text(value)
        elif name in _AMOUNTS:
            shown[public] = s.quote_text(value)
        elif name == "action":
            shown[public] = codes.MODE_NAMES[value]
        else:
            shown[public] = value
    if law.reference:
        shown["referencePrice"] = s.price_text(law.reference)
    return shown


def level_texts(symbol: Symbol, levels: list[tuple[int, int]]) -> Levels:
    return [(symbol.price_text(price), symbol.qty_text(total)) for price, total in levels]


def book_body(symbol: Symbol, market: Market, seq: int, ts_ns: int, depth: int) -> BookBody:
    bids, asks = market.depth(depth)
    return BookBody(
        symbol=symbol.name, seq=seq, ts=ts_ns // 1_000_000, bids=level_texts(symbol, bids),
        asks=level_texts(symbol, asks),
    )  # fmt: skip


def trade_body(symbol: Symbol, trade: Trade) -> TradeBody:
    return TradeBody(
        seq=trade.seq, trade_id=str(trade.trade_id), ts=trade.ts_ns // 1_000_000,
        side=codes.SIDE_NAMES[trade.side], price=symbol.price_text(trade.price),
        qty=symbol.qty_text(trade.qty),
    )  # fmt: skip


def candle_body(s: Symbol, c: Candle) -> CandleBody:
    return CandleBody(
        ts=c.open_ms, open=s.price_text(c.open), high=s.price_text(c.high),
        low=s.price_text(c.low), close=s.price_text(c.close), volume=s.qty_text(c.volume),
        quote_volume=s.quote_text(c.quote_units), trades=c.count,
    )  # fmt: skip


def _price(symbol: Symbol, ticks: int) -> str | None:
    """No price is 0, so 0 says that there is none: a client must not read it as one."""
    return symbol.price_text(ticks) if ticks else None


def _indication(symbol: Symbol, market: Market) -> dict[str, Any]:
    """Members of `TickerBody` that only a call has."""
    found = market.indication
    if found is None:
        return {}
    return {
        "indicative_price": _price(symbol, found.price),
        "indicative_qty": symbol.qty_text(found.volume),
        "indicative_surplus": symbol.qty_text(found.surplus),
    }


class PublicApi:
    def __init__(self, model: ReadModel) -> None:
        self._model = model

    def routes(self) -> list[Route]:
        base = "/v1/markets/{}"
        return [
            Route("GET", "/v1/markets", self.markets),
            Route("GET", base, self.market),
            Route("GET", f"{base}/orderbook", self.orderbook, params=("depth",)),
            Route("GET", f"{base}/trades", self.trades, params=("limit",)),
            Route("GET", f"{base}/ticker", self.ticker),
            Route("GET", f"{base}/candles", self.candles, params=("interval", "limit")),
        ]

    def _market(self, call: Call) -> tuple[Symbol, Market]:
        symbol = self._model.symbols.named(call.argument)
        return symbol, self._model.market_data.markets[symbol.id]

    async def markets(self, _call: Call) -> Response:
        model = self._model
        found = [market_body(s, model.rules) for s in model.symbols.by_id.values()]
        return Response(200, encode({"markets": found}))

    async def market(self, call: Call) -> Response:
        return Response(200, encode(market_body(self._market(call)[0], self._model.rules)))

    async def orderbook(self, call: Call) -> Response:
        symbol, market = self._market(call)
        depth = whole_number(call.params, "depth", DEPTH_DEFAULT, DEPTH_MAX)
        model = self._model
        body = book_body(symbol, market, model.seq(symbol.id), model.ts_ns, depth)
        return Response(200, encode(body))

    async def trades(self, call: Call) -> Response:
        """The newest first."""
        symbol, market = self._market(call)
        limit = whole_number(call.params, "limit", ROWS_DEFAULT, TRADES_KEPT)
        newest = list(market.trades)[: -limit - 1 : -1]
        rows = [trade_body(symbol, trade) for trade in newest]
        seq = self._model.seq(symbol.id)
        return Response(200, encode({"symbol": symbol.name, "seq": seq, "trades": rows}))

    async def ticker(self, call: Call) -> Response:
        symbol, market = self._market(call)
        t = market.ticker(self._model.ts_ns)
        bids, asks = market.depth(1)
        body = TickerBody(
            symbol=symbol.name, seq=self._model.seq(symbol.id), open_time=t.open_ms,
            close_time=t.close_ms, open=_price(symbol, t.open), high=_price(symbol, t.high),
            low=_price(symbol, t.low), last=_price(symbol, t.last),
            volume=symbol.qty_text(t.volume), quote_volume=symbol.quote_text(t.quote_units),
            trades=t.trades, best_bid=_price(symbol, bids[0][0] if bids else 0),
            best_ask=_price(symbol, asks[0][0] if asks else 0),
            **_indication(symbol, market),
        )  # fmt: skip
        return Response(200, encode(body))

    async def candles(self, call: Call) -> Response:
        """The oldest first; the last one is still open."""
        symbol, market = self._market(call)
        interval = call.params.get("interval", "1m")
        if interval not in INTERVALS_MS:
            raise Refused(invalid("interval", f"must be one of {', '.join(INTERVALS_MS)}"))
        limit = whole_number(call.params, "limit", ROWS_DEFAULT, CANDLES_KEPT)
        rows = [candle_body(symbol, c) for c in list(market.candles[interval])[-limit:]]
        head = {"symbol": symbol.name, "interval": interval, "seq": self._model.seq(symbol.id)}
        return Response(200, encode(head | {"candles": rows}))
