"""What the exchange says happened: its events of one symbol, folded into a book step by step.

Why it exists: a flow is judged by the exchange's own events, not by what the sender believes.
Replies say up to which sequence number a command's events go, so the book can be looked at after
each command although hundreds were in flight. Pure.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from adapters.feed.actions import ASK, BID
from core.codes import BUY, EV_BOOK_DELTA, EV_TRADE_EXECUTED
from core.events import event_rows

Row = tuple[int, ...]


class Trade(NamedTuple):
    """Order ids are the exchange's."""

    price: int
    lots: int
    maker: int
    taker: int


_SEQ: Final = 1
_DELTA_PRICE, _DELTA_TOTAL = 2, 3
_TRADE_FIELDS: Final = slice(3, 7)


class SymbolEvents:
    """The events of one symbol in order; gaps are our bug or a broken tail, and stop the run."""

    def __init__(self, symbol_id: int) -> None:
        self._symbol_id = symbol_id
        self.rows: list[Row] = []

    def add(self, packed_events: bytes) -> None:
        for row in event_rows(packed_events):
            if row[0] >> 16 & 0xFFFF == self._symbol_id:
                assert not self.rows or row[_SEQ] == self.rows[-1][_SEQ] + 1, "a gap in the events"
                self.rows.append(row)


class BookFold:
    """Price levels from `BookDelta`, and the trades met on the way."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._at = 0
        self._levels: dict[int, dict[int, int]] = {BID: {}, ASK: {}}
        self.trades = 0

    def advance(self, seq: int) -> list[Trade]:
        """Takes in all events up to `seq`; gives the trades among them."""
        trades = []
        while self._at < len(self._rows) and self._rows[self._at][_SEQ] <= seq:
            row = self._rows[self._at]
            self._at += 1
            kind = row[0] & 0xFF
            if kind == EV_BOOK_DELTA:
                self._set(row)
            elif kind == EV_TRADE_EXECUTED:
                self.trades += 1
                trades.append(Trade(*row[_TRADE_FIELDS]))
        return trades

    def _set(self, row: Row) -> None:
        side = self._levels[BID if row[0] >> 48 & 0xF == BUY else ASK]
        if row[_DELTA_TOTAL]:
            side[row[_DELTA_PRICE]] = row[_DELTA_TOTAL]
        else:
            side.pop(row[_DELTA_PRICE], None)

    def levels(self, side: int, depth: int) -> list[tuple[int, int]]:
        """(price, lots), best first."""
        best = sorted(self._levels[side], key=lambda price: -side * price)[:depth]
        return [(price, self._levels[side][price]) for price in best]
