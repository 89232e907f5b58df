"""Every order's last known state, folded from the log, with its owner.

Why it exists: the machine forgets an order when its life ends, and clients ask afterwards what
became of it. Open orders are all here; closed ones are kept packed, the most recently closed
`closed_max` of them. It must not know HTTP or decimal strings.
"""

import struct
from collections import OrderedDict
from typing import Final

from core import codes
from core.terms import RESTING

CLOSED_MAX_DEFAULT: Final = 250_000
"""About 230 bytes each: 60 MB at the most."""

_PACK: Final = struct.Struct("<14q")
_TERMS: Final = struct.Struct("<9q")
CLIENT_TEXT_MAX: Final = 36

_BY_CALLER: Final = (
    codes.CANCELED_BY_USER, codes.CANCELED_MASS, codes.CANCELED_LIST, codes.CANCELED_CANCEL_AFTER,
    codes.CANCELED_KILLED,
)  # fmt: skip
"""Reasons for which an order is CANCELED; for any other it is EXPIRED."""

_CONDITIONAL: Final = (
    codes.STOP, codes.STOP_LIMIT, codes.TAKE_PROFIT, codes.TAKE_PROFIT_LIMIT,
    codes.TRAILING_STOP, codes.TRAILING_STOP_LIMIT,
)  # fmt: skip
"""Types that wait for a trigger."""


class Order:
    """One order. Amounts in lots and quote units; times in log nanoseconds."""

    __slots__ = (
        "account", "client_hi", "client_lo", "client_text", "created_ns", "filled",
        "filled_quote", "is_parked", "order_id", "order_type", "price", "qty", "quote_qty",
        "reason", "refusal", "remaining", "side", "status", "symbol", "terms", "time_in_force",
        "triggered_ns", "updated_ns",
    )  # fmt: skip

    def __init__(self) -> None:
        self.order_id = self.account = self.symbol = 0
        self.side = self.order_type = self.time_in_force = 0
        self.status = codes.STATUS_NEW
        self.price = self.qty = self.quote_qty = 0
        self.filled = self.filled_quote = self.remaining = 0
        self.created_ns = self.updated_ns = self.triggered_ns = 0
        self.client_hi = self.client_lo = 0
        self.client_text = ""
        self.is_parked = False
        """It waits for a trigger, for its list or for an auction, and is in no book."""
        self.reason = 0
        """Why it was canceled (CANCEL_REASON_NAMES); 0: it is open, or filled."""
        self.refusal = 0
        """Of TRIGGER_REJECTED: the reject code."""
        self.terms: tuple[int, ...] | None = None
        """The words of OrderTerms from the trigger on: trigger, trail, display, least quantity,
        expiry, offset, self-trade prevention, flags, list."""

    @property
    def is_open(self) -> bool:
        return self.status in (codes.STATUS_NEW, codes.STATUS_PARTIALLY_FILLED)

    @property
    def display(self) -> int:
        """Lots that an iceberg shows; 0: it shows all."""
        return self.terms[2] if self.terms else 0

    @property
    def may_be_amended(self) -> bool:
        """A pegged order, and one of a list, is only canceled."""
        return self.order_type != codes.PEGGED and not (self.terms and self.terms[8])

    def pack(self) -> bytes:
        kinds = (
            self.symbol | self.side << 16 | self.order_type << 20 | self.time_in_force << 24
            | self.status << 28 | (self.terms is not None) << 32 | self.reason << 40
            | self.refusal << 48
        )  # fmt: skip
        terms = b"" if self.terms is None else _TERMS.pack(*self.terms)
        return _PACK.pack(
            self.order_id, self.account, kinds, self.price, self.qty, self.quote_qty, self.filled,
            self.filled_quote, self.remaining, self.created_ns, self.updated_ns, self.client_hi,
            self.client_lo, self.triggered_ns,
        ) + terms + self.client_text.encode()  # fmt: skip


def unpack(raw: bytes) -> Order:
    order = Order()
    (
        order.order_id, order.account, kinds, order.price, order.qty, order.quote_qty,
        order.filled, order.filled_quote, order.remaining, order.created_ns, order.updated_ns,
        order.client_hi, order.client_lo, order.triggered_ns,
    ) = _PACK.unpack_from(raw)  # fmt: skip
    order.symbol = kinds & 0xFFFF
    order.side = kinds >> 16 & 0xF
    order.order_type = kinds >> 20 & 0xF
    order.time_in_force = kinds >> 24 & 0xF
    order.status = kinds >> 28 & 0xF
    order.reason = kinds >> 40 & 0xFF
    order.refusal = kinds >> 48 & 0xFF
    text_at = _PACK.size
    if kinds >> 32 & 1:
        order.terms = _TERMS.unpack_from(raw, text_at)
        text_at += _TERMS.size
    order.client_text = raw[text_at:].decode()
    return order


class OrderView:
    """The fold and its two questions: `find` and `open_orders`."""

    def __init__(self, closed_max: int = CLOSED_MAX_DEFAULT) -> None:
        self._closed_max = closed_max
        self._open: dict[int, Order] = {}
        self._open_of: dict[int, dict[int, Order]] = {}
        self._closed: OrderedDict[int, bytes] = OrderedDict()
        self._calls: set[int] = set()
        """Symbols in the mode AUCTION, in which an order for the auction does not wait."""
        self.empty: list[int] = []
        """Orders of this log entry by an amount that paid for no lot. Before machine version 10
        such an order ended without an event, so `entry_over` ends what is left of them."""

    def find(self, order_id: int) -> Order | None:
        order = self._open.get(order_id)
        if order is not None:
            return order
        raw = self._closed.get(order_id)
        return None if raw is None else unpack(raw)

    def open_orders(self, account: int, symbol: int = 0) -> list[Order]:
        """The account's open orders, oldest first; `symbol` 0 = on all symbols."""
        orders = self._open_of.get(account, {}).values()
        return [o for o in orders if symbol in (0, o.symbol)]

    @property
    def open_count(self) -> int:
        return len(self._open)

    @property
    def closed_count(self) -> int:
        return len(self._closed)

    def name_client(self, order_id: int, text: str) -> None:
        """The client's own id as text; the events carry only its hash."""
        order = self._open.get(order_id)
        if order is not None:
            order.client_text = text

    def order_accepted(self, row: tuple[int, ...], ts_ns: int) -> None:
        head = row[0]
        order = Order()
        order.symbol = head >> 16 & 0xFFFF
        order.side = head >> 48 & 0xF
        order.order_type = head >> 52 & 0xF
        order.time_in_force = head >> 56 & 0xF
        order.order_id = row[2]
        order.account = row[3]
        order.price = row[4]
        order.qty = order.remaining = row[5]
        order.quote_qty = row[6]
        order.client_hi = row[8]
        order.client_lo = row[9]
        order.created_ns = order.updated_ns = ts_ns
        order.is_parked = order.order_type in _CONDITIONAL or (
            order.time_in_force == codes.AUCTION and order.symbol not in self._calls
        )
        if order.order_type == codes.MARKET and order.qty == 0:
            self.empty.append(order.order_id)
        self._open[order.order_id] = order
        self._open_of.setdefault(order.account, {})[order.order_id] = order

    def order_terms(self, row: tuple[int, ...], ts_ns: int) -> None:
        """When it is accepted, and when its trigger is moved."""
        order = self._open[row[2]]
        order.terms = row[4:13]
        order.updated_ns = ts_ns

    def mode_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        symbol = row[0] >> 16 & 0xFFFF
        if row[0] >> 52 & 0xFF == codes.MODE_AUCTION:
            self._calls.add(symbol)
        else:
            self._calls.discard(symbol)

    def list_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        """All but the first of OTO and OTOCO wait for it."""
        kind, state = row[0] >> 52 & 0xF, row[0] >> 56 & 0xF
        if state == codes.LIST_EXECUTING and kind != codes.LIST_OCO:
            for order_id in row[5:7]:
                if order_id in self._open:
                    self._open[order_id].is_parked = True

    def trade_executed(self, row: tuple[int, ...], ts_ns: int) -> None:
        self._fill(row[5], row[4], row[9], row[12], ts_ns)
        self._fill(row[6], row[4], row[9], row[13], ts_ns)

    def _fill(self, order_id: int, qty: int, quote_units: int, left: int, ts_ns: int) -> None:
        order = self._open[order_id]
        order.filled += qty
        order.filled_quote += quote_units
        order.remaining = left
        order.updated_ns = ts_ns
        order.status = codes.STATUS_PARTIALLY_FILLED
        if left == 0:
            self._close(order, codes.STATUS_FILLED)

    def order_amended(self, row: tuple[int, ...], ts_ns: int) -> None:
        order = self._open[row[2]]
        order.price = row[4]
        order.qty = row[5]
        order.remaining = row[6]
        order.updated_ns = ts_ns

    def order_triggered(self, row: tuple[int, ...], ts_ns: int) -> None:
        order = self._open[row[2]]
        order.refusal = row[0] >> 52 & 0xFF
        if order.refusal == codes.OK:
            order.qty = order.remaining = row[6]
            order.is_parked = row[7] != RESTING
            if not order.is_parked:
                order.triggered_ns = ts_ns
                if order.qty == 0:
                    self.empty.append(order.order_id)
        order.updated_ns = ts_ns

    def order_canceled(self, row: tuple[int, ...], ts_ns: int) -> None:
        order = self._open[row[2]]
        order.remaining = 0
        order.updated_ns = ts_ns
        order.reason = row[0] >> 52 & 0xFF
        by_caller = order.reason in _BY_CALLER
        self._close(order, codes.STATUS_CANCELED if by_caller else codes.STATUS_EXPIRED)

    def entry_over(self) -> None:
        """The log entry has no more events."""
        for order_id in self.empty:
            if order_id in self._open:
                self._close(self._open[order_id], codes.STATUS_EXPIRED)
        self.empty.clear()

    def _close(self, order: Order, status: int) -> None:
        order.status = status
        del self._open[order.order_id]
        own = self._open_of[order.account]
        del own[order.order_id]
        if not own:
            del self._open_of[order.account]
        self._closed[order.order_id] = order.pack()
        if len(self._closed) > self._closed_max:
            self._closed.popitem(last=False)
