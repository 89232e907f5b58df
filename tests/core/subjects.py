"""The engine and its twin behind one face, so that each test is written once and runs on both.

Why it exists: the two differ in how they hand out results (packed bytes, typed structs) and not in
what they mean. Here both become typed events, replies and plain rows; nothing is judged here.
"""

from collections.abc import Callable
from typing import Protocol

from core.events import REPLY_BYTES, AnyEvent, Reply, decode_events, decode_reply
from core.machine import Machine
from core.views import OrderView
from sim.twin.accounts import Balance
from sim.twin.machine import BookRow, OrderRow, TermsRow, TwinMachine

ALL_LEVELS = 1 << 30


class Subject(Protocol):
    """What a test may ask of either implementation."""

    def apply(
        self, index: int, ts_ns: int, payload: bytes
    ) -> tuple[list[AnyEvent], list[Reply]]: ...
    def order(self, order_id: int) -> OrderRow | None: ...
    def open_orders(self, account: int, symbol: int) -> list[OrderRow]: ...
    def balances(self, account: int) -> list[Balance]: ...
    def all_balances(self) -> list[Balance]: ...
    def balances_digest(self) -> bytes: ...
    def book(self, symbol: int, depth: int) -> BookRow: ...


class Engine:
    """`core.machine.Machine` with its results decoded."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.machine = machine if machine is not None else Machine()

    def apply(self, index: int, ts_ns: int, payload: bytes) -> tuple[list[AnyEvent], list[Reply]]:
        self.machine.apply(index, ts_ns, payload)
        replies = self.machine.replies
        count = len(replies) // REPLY_BYTES
        return decode_events(self.machine.events), [decode_reply(replies, i) for i in range(count)]

    def order(self, order_id: int) -> OrderRow | None:
        view = self.machine.order(order_id)
        return _order_row(view) if view is not None else None

    def open_orders(self, account: int, symbol: int) -> list[OrderRow]:
        return [_order_row(view) for view in self.machine.open_orders(account, symbol)]

    def balances(self, account: int) -> list[Balance]:
        return [row for row in map(_balance, self.machine.balances(account)) if any(row[2:])]

    def all_balances(self) -> list[Balance]:
        return [row for row in map(_balance, self.machine.all_balances()) if any(row[2:])]

    def balances_digest(self) -> bytes:
        return self.machine.balances_digest()

    def book(self, symbol: int, depth: int) -> BookRow:
        view = self.machine.book(symbol, depth)
        bids = [(level[0], level[1], level[2]) for level in view.bids]
        asks = [(level[0], level[1], level[2]) for level in view.asks]
        return BookRow(view.symbol, view.seq, bids, asks)

    def restored(self) -> "Engine":
        """A machine from this one's snapshot; it must not matter to anybody."""
        return Engine(Machine.restore(self.machine.snapshot()))


def _order_row(view: OrderView) -> OrderRow:
    terms = TermsRow(*(getattr(view.terms, name) for name in TermsRow._fields))
    return OrderRow._make([*(getattr(view, name) for name in OrderRow._fields[:-1]), terms])


def _balance(view: object) -> Balance:
    return Balance(*(getattr(view, name) for name in Balance._fields))


MAKERS: dict[str, Callable[[], Subject]] = {"twin": TwinMachine, "engine": Engine}
