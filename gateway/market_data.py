"""The market as the public sees it, folded from the log: books, trades, candles, ticker.

Why it exists: the core answers orders; it should not spend its one thread on people who look.
This fold holds the same book in a shape that is cheap to show. It is pure: integers in, integers
kept, time is the log's `ts_ns`. It knows no decimal strings, sessions or sockets.

Every table is bounded: the book by the machine's own limit on open orders, the rest by the
constants below.
"""

from bisect import bisect_left, insort
from collections import deque
from typing import Final, NamedTuple

from core.codes import BUY, MODE_AUCTION

TRADES_KEPT: Final = 1_000
CANDLES_KEPT: Final = 1_500
"""Binance answers at most 1,000 candles; a day of minutes (1,440) must fit for the ticker."""

MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS
INTERVALS_MS: Final[dict[str, int]] = {
    "1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": 60 * MINUTE_MS,
    "1d": DAY_MS,
}  # fmt: skip


class Trade(NamedTuple):
    seq: int
    trade_id: int
    ts_ns: int
    side: int  # the taker's
    price: int
    qty: int
    quote_units: int


class Candle:
    """One interval that traded; intervals without a trade have none."""

    __slots__ = ("close", "count", "high", "low", "open", "open_ms", "quote_units", "volume")

    def __init__(self, open_ms: int, price: int) -> None:
        self.open_ms = open_ms
        self.open = self.high = self.low = self.close = price
        self.volume = 0
        self.quote_units = 0
        self.count = 0

    def add(self, price: int, qty: int, quote_units: int) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += qty
        self.quote_units += quote_units
        self.count += 1


class Ticker(NamedTuple):
    """The 24 hours of log time before the last entry, to the minute. No trade: all zero."""

    open_ms: int
    close_ms: int
    open: int
    high: int
    low: int
    last: int
    volume: int
    quote_units: int
    trades: int


class Indication(NamedTuple):
    """What would trade if the call ended now: zeros if nothing would. `surplus`: lots more to
    buy; negative: to sell."""

    price: int
    volume: int
    surplus: int


class BookSide:
    """Levels of one side: `totals` by price, and the prices in ascending order."""

    __slots__ = ("prices", "totals")

    def __init__(self) -> None:
        self.totals: dict[int, int] = {}
        self.prices: list[int] = []

    def set(self, price: int, total: int) -> None:
        if total == 0:
            if self.totals.pop(price, None) is not None:
                del self.prices[bisect_left(self.prices, price)]
            return
        if price not in self.totals:
            insort(self.prices, price)
        self.totals[price] = total

    def lowest(self, depth: int) -> list[tuple[int, int]]:
        return [(price, self.totals[price]) for price in self.prices[:depth]]

    def highest(self, depth: int) -> list[tuple[int, int]]:
        return [(price, self.totals[price]) for price in self.prices[: -depth - 1 : -1]]


class Market:
    """One symbol. `book_seq` is the sequence number of its last book delta."""

    __slots__ = (
        "asks", "bids", "book_seq", "book_ts_ns", "candles", "changed", "indication", "trades",
    )  # fmt: skip

    def __init__(self) -> None:
        self.book_seq = 0
        self.book_ts_ns = 0
        self.bids = BookSide()
        self.asks = BookSide()
        self.trades: deque[Trade] = deque(maxlen=TRADES_KEPT)
        self.candles: dict[str, deque[Candle]] = {
            name: deque(maxlen=CANDLES_KEPT) for name in INTERVALS_MS
        }
        self.changed: set[tuple[int, int]] = set()
        """(side, price) of levels that moved since the feed last took them."""
        self.indication: Indication | None = None
        """None: no call goes on."""

    def add_trade(self, trade: Trade) -> None:
        self.trades.append(trade)
        now_ms = trade.ts_ns // 1_000_000
        for name, interval_ms in INTERVALS_MS.items():
            ring = self.candles[name]
            open_ms = now_ms - now_ms % interval_ms
            if not ring or ring[-1].open_ms != open_ms:
                ring.append(Candle(open_ms, trade.price))
            ring[-1].add(trade.price, trade.qty, trade.quote_units)

    def depth(self, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Bids from the best (highest), asks from the best (lowest)."""
        return self.bids.highest(depth), self.asks.lowest(depth)

    def ticker(self, now_ns: int) -> Ticker:
        now_ms = now_ns // 1_000_000
        since_ms = now_ms - DAY_MS
        window = [c for c in self.candles["1m"] if c.open_ms > since_ms]
        last = self.trades[-1].price if self.trades else 0
        if not window:
            return Ticker(max(0, since_ms), now_ms, last, last, last, last, 0, 0, 0)
        return Ticker(
            since_ms, now_ms, window[0].open, max(c.high for c in window),
            min(c.low for c in window), last, sum(c.volume for c in window),
            sum(c.quote_units for c in window), sum(c.count for c in window),
        )  # fmt: skip


class MarketData:
    """All markets by symbol id. The handlers are called by `gateway.fold` in log order."""

    def __init__(self) -> None:
        self.markets: dict[int, Market] = {}
        self.new_trades: list[tuple[int, Trade]] = []
        """(symbol id, trade) since the feed last took them."""

    def symbol_listed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        self.markets[row[0] >> 16 & 0xFFFF] = Market()

    def book_delta(self, row: tuple[int, ...], ts_ns: int) -> None:
        head, seq, price, total, _ = row
        market = self.markets[head >> 16 & 0xFFFF]
        side = head >> 48 & 0xF
        (market.bids if side == BUY else market.asks).set(price, total)
        market.book_seq = seq
        market.book_ts_ns = ts_ns
        market.changed.add((side, price))

    def mode_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        """A call begins with nothing to trade, and is over with any other mode."""
        is_call = row[0] >> 52 & 0xFF == MODE_AUCTION
        market = self.markets[row[0] >> 16 & 0xFFFF]
        market.indication = Indication(0, 0, 0) if is_call else None

    def auction_indicated(self, row: tuple[int, ...], _ts_ns: int) -> None:
        self.markets[row[0] >> 16 & 0xFFFF].indication = Indication(row[2], row[3], row[4])

    def trade_executed(self, row: tuple[int, ...], ts_ns: int) -> None:
        head = row[0]
        symbol = head >> 16 & 0xFFFF
        trade = Trade(row[1], row[2], ts_ns, head >> 48 & 0xF, row[3], row[4], row[9])
        self.markets[symbol].add_trade(trade)
        self.new_trades.append((symbol, trade))
