"""The read side: one pass over each log entry's events, handed to the folds in order.

Why it exists: the market, the orders and the symbols must stand at the same log index, or a
client sees a trade without the order. `ReadModel.apply` is their only way forward. It is pure;
where entries come from, and what to do when they stop, is an adapter's business.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from core import codes
from core.commands import Key, key128
from core.events import event_rows
from core.order_lists import LEGS_MAX
from core.versions import VERSION_FIRST
from gateway.list_view import ListView
from gateway.market_data import MarketData
from gateway.order_view import CLIENT_TEXT_MAX, CLOSED_MAX_DEFAULT, OrderView
from gateway.rule_view import RuleView
from gateway.symbols import Symbols

Handler = Callable[[tuple[int, ...], int], None]

Ids = dict[int, tuple[bytes, bytes, bytes]]

_CLIENT_AT: Final = {codes.EV_ORDER_ACCEPTED: 8, codes.EV_ORDER_LIST_CHANGED: 7}
"""The word from which on an event carries the hash of the client's own id."""

_decode_ids = msgspec.msgpack.Decoder(Ids).decode


class OutOfOrder(Exception):
    """The peer's fault: an entry or an event is missing or repeated. The fold must not go on."""


class ReadModel:
    """All folds at one log index. `ts_ns` is the log time of the last entry."""

    def __init__(self, closed_max: int = CLOSED_MAX_DEFAULT) -> None:
        self.index = 0
        self.ts_ns = 0
        self.version = VERSION_FIRST
        """The machine version in force."""
        self.symbols = Symbols()
        self.market_data = MarketData()
        self.orders = OrderView(closed_max)
        self.lists = ListView()
        self.rules = RuleView()
        self._seqs: dict[int, int] = {}
        symbols, market, orders = self.symbols, self.market_data, self.orders
        rules = self.rules
        self._handlers: dict[int, tuple[Handler, ...]] = {
            codes.EV_ASSET_LISTED: (symbols.asset_listed,),
            codes.EV_SYMBOL_LISTED: (symbols.symbol_listed, market.symbol_listed),
            codes.EV_SYMBOL_MODE_CHANGED: (
                symbols.mode_changed, orders.mode_changed, market.mode_changed,
            ),
            codes.EV_AUCTION_INDICATED: (market.auction_indicated,),
            codes.EV_ORDER_ACCEPTED: (orders.order_accepted,),
            codes.EV_TRADE_EXECUTED: (market.trade_executed, orders.trade_executed),
            codes.EV_BOOK_DELTA: (market.book_delta,),
            codes.EV_ORDER_CANCELED: (orders.order_canceled,),
            codes.EV_ORDER_AMENDED: (orders.order_amended,),
            codes.EV_VERSION_CHANGED: (self._version_changed,),
            codes.EV_ORDER_TERMS: (orders.order_terms,),
            codes.EV_ORDER_TRIGGERED: (orders.order_triggered,),
            codes.EV_ORDER_LIST_CHANGED: (self.lists.changed, orders.list_changed),
            codes.EV_LIMITS_CHANGED: (rules.limits_changed,),
            codes.EV_RULES_CHANGED: (rules.rules_changed,),
            codes.EV_REFERENCE_SET: (rules.reference_set,),
            codes.EV_DESK_CHANGED: (rules.desk_changed,),
            codes.EV_ACCOUNT_RESTRICTED: (rules.account_restricted,),
            codes.EV_FEES_CHANGED: (rules.fees_changed,),
        }  # fmt: skip

    def apply(self, index: int, ts_ns: int, events: bytes, metadata: bytes = b"") -> None:
        """Fold log entry `index`. Entries come one by one from 1. Raises `OutOfOrder`.

        After `OutOfOrder` the model is spoilt: throw it away and fold again from entry 1.
        """
        if index != self.index + 1:
            raise OutOfOrder(f"entry {index} came after entry {self.index}")
        seqs = self._seqs
        handlers = self._handlers
        ids: Ids | None = None
        for row in event_rows(events):
            head = row[0]
            symbol = head >> 16 & 0xFFFF
            seq = row[1]
            if seq != seqs.get(symbol, 0) + 1:
                raise OutOfOrder(f"symbol {symbol}: event {seq} came after {seqs.get(symbol, 0)}")
            seqs[symbol] = seq
            kind = head & 0xFF
            for handler in handlers.get(kind, ()):
                handler(row, ts_ns)
            at = _CLIENT_AT.get(kind, 0)
            if at and (row[at] or row[at + 1]):
                if ids is None:
                    ids = decode_metadata(metadata)
                self._name_client(kind, row, (row[at], row[at + 1]), ids)
        if self.orders.empty:
            self.orders.entry_over()
        self.index = index
        self.ts_ns = ts_ns

    def _version_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        self.version = row[2]

    def seq(self, symbol: int) -> int:
        """The last sequence number of the symbol, of any event."""
        return self._seqs.get(symbol, 0)

    def _name_client(self, kind: int, row: tuple[int, ...], client: Key, ids: Ids) -> None:
        """Put the client's own id on the order or list, if the hash in the event proves the text.

        A command for several of them brings their ids together, a space between.
        """
        found = ids.get(row[0] >> 32 & 0xFFFF)
        if found is None or not found[1].isascii():
            return
        for text in found[1].decode().split(" ", LEGS_MAX):
            if len(text) <= CLIENT_TEXT_MAX and key128(text) == client:
                view = self.orders if kind == codes.EV_ORDER_ACCEPTED else self.lists
                view.name_client(row[2], text)
                return


def decode_metadata(metadata: bytes) -> Ids:
    """Command, correlation and trace id by the command's ordinal. Metadata is no part of the
    state and is never trusted: what does not decode names nothing."""
    if not metadata:
        return {}
    try:
        return _decode_ids(metadata)
    except msgspec.DecodeError:
        return {}
