"""The life of each type of order, as a table of transitions; and a judge that follows real orders.

Why it exists: a trader asks "what can become of my order", and the answer must be what the machine
does. So the table is written once: the diagrams in docs/orders are drawn from it, and tests follow
every order of millions of commands through it, in both directions: nothing happens that is not in
the table, and everything in the table happens. It must not know how a machine decides.

Seen from outside, by events: an order is OPEN from the moment it may trade, resting or taking.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from core.codes import (
    AUCTION,
    CANCEL_REASON_NAMES,
    LIMIT,
    MARKET,
    MODE_AUCTION,
    ORDER_TYPE_NAMES,
    PEGGED,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    TRAILING_STOP_LIMIT,
)
from core.events import (
    AnyEvent,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderListChanged,
    OrderTriggered,
    SymbolModeChanged,
    TradeExecuted,
)

START: Final = "[*]"
PARKED: Final = "PARKED"
WAITING: Final = "WAITING"
OPEN: Final = "OPEN"
FILLED: Final = "FILLED"
CANCELED: Final = "CANCELED"
EXPIRED: Final = "EXPIRED"

BY_USER: Final = ("USER", "MASS", "CANCEL_AFTER", "KILLED")
"""Reasons for which an order is CANCELED; LIST is one too, and for any other it is EXPIRED."""


class Step(NamedTuple):
    before: str
    cause: str
    after: str


def _ends(state: str, reasons: Iterable[str]) -> list[Step]:
    return [Step(state, r, CANCELED if r in (*BY_USER, "LIST") else EXPIRED) for r in reasons]


def _trading(reasons: Iterable[str]) -> list[Step]:
    """An order in the market."""
    return [Step(OPEN, "partly filled", OPEN), Step(OPEN, "filled", FILLED), *_ends(OPEN, reasons)]


_WAITS: Final = [
    Step(START, "accepted, of a list", WAITING),
    *_ends(WAITING, (*BY_USER, "LIST", "TRIGGER_REJECTED")),
]
_WAITS_WITH_TIME: Final = [*_WAITS, *_ends(WAITING, ("EXPIRED",))]
_LIMIT: Final = [
    *_trading((*BY_USER, "LIST", "IOC_REMAINDER", "SELF_TRADE", "COLLAR", "EXPIRED")),
    Step(OPEN, "amended", OPEN),
]
_TRIGGERED_LIMIT: Final = [step for step in _LIMIT if step.cause != "LIST"]
"""When it is triggered the other one of its pair has gone."""
_MARKET: Final = [
    *_trading(("MARKET_REMAINDER", "SELF_TRADE", "COLLAR")),
    Step(OPEN, "amended", OPEN),
]
_CONDITIONAL: Final = [
    Step(START, "accepted", PARKED),
    Step(PARKED, "triggered", OPEN),
    Step(PARKED, "amended", PARKED),
    *_ends(PARKED, (*BY_USER, "LIST", "EXPIRED", "TRIGGER_REJECTED")),
    Step(WAITING, "activated", PARKED),
    *_WAITS_WITH_TIME,
]
_FIXED: Final = [*_CONDITIONAL, Step(WAITING, "activated", OPEN)]
_OPENS_FROM_LIST: Final = Step(WAITING, "activated", OPEN)

_FOR_AUCTION: Final = [
    Step(START, "accepted, for the auction", WAITING), Step(WAITING, "amended", WAITING),
    Step(OPEN, "AUCTION_OVER", EXPIRED),
]  # fmt: skip

LIVES: Final[dict[int, frozenset[Step]]] = {
    LIMIT: frozenset([
        Step(START, "accepted", OPEN), *_LIMIT, *_WAITS_WITH_TIME, _OPENS_FROM_LIST,
        *_FOR_AUCTION,
    ]),
    MARKET: frozenset([
        Step(START, "accepted", OPEN), *_MARKET, *_WAITS, _OPENS_FROM_LIST,
    ]),
    STOP: frozenset([*_FIXED, *_MARKET]),
    TAKE_PROFIT: frozenset([*_FIXED, *_MARKET]),
    TRAILING_STOP: frozenset([*_CONDITIONAL, *_MARKET]),
    STOP_LIMIT: frozenset([*_FIXED, *_TRIGGERED_LIMIT]),
    TAKE_PROFIT_LIMIT: frozenset([*_FIXED, *_TRIGGERED_LIMIT]),
    TRAILING_STOP_LIMIT: frozenset([*_CONDITIONAL, *_TRIGGERED_LIMIT]),
    PEGGED: frozenset([
        Step(START, "accepted", OPEN), Step(OPEN, "repriced", OPEN),
        *_trading((*BY_USER, "SELF_TRADE", "EXPIRED", "UNFUNDED")),
    ]),
}  # fmt: skip
"""By order type."""


class Lives:
    """Follows orders by their events. Raises `AssertionError` for a step that is in no table."""

    def __init__(self) -> None:
        self.seen: dict[int, set[Step]] = {order_type: set() for order_type in LIVES}
        self._modes: dict[int, int] = {}
        self._types: dict[int, int] = {}
        self._states: dict[int, str] = {}
        self._listed: set[int] = set()

    def fold(self, events: list[AnyEvent]) -> None:
        for at, event in enumerate(events):
            if isinstance(event, OrderAccepted):
                self._begin(event, events[at + 1 :])
            elif isinstance(event, TradeExecuted):
                self._fill(event.maker_order, event.maker_remaining)
                self._fill(event.taker_order, event.taker_remaining)
            elif isinstance(event, OrderAmended):
                state = self._states[event.order_id]
                pegged = self._types[event.order_id] == PEGGED
                self._step(event.order_id, "repriced" if pegged else "amended", state)
            elif isinstance(event, SymbolModeChanged):
                self._modes[event.symbol] = event.mode
            elif isinstance(event, OrderTriggered):
                self._trigger(event)
            elif isinstance(event, OrderCanceled):
                reason = CANCEL_REASON_NAMES[event.reason]
                by_user = reason in (*BY_USER, "LIST")
                self._step(event.order_id, reason, CANCELED if by_user else EXPIRED)

    def _begin(self, event: OrderAccepted, rest: list[AnyEvent]) -> None:
        """Where a list's orders begin is said by the list's event, which follows them."""
        order_id = event.order_id
        self._types[order_id] = event.order_type
        self._states[order_id] = START
        of_list = next(
            (e for e in rest if isinstance(e, OrderListChanged)
             and order_id in (e.first, e.second, e.third)), None,
        )  # fmt: skip
        waits = of_list is not None and of_list.list_kind > 1 and order_id != of_list.first
        if event.time_in_force == AUCTION and self._modes.get(event.symbol) != MODE_AUCTION:
            self._step(order_id, "accepted, for the auction", WAITING)
        elif waits:
            self._step(order_id, "accepted, of a list", WAITING)
        else:
            parked = STOP <= event.order_type <= TRAILING_STOP_LIMIT
            self._step(order_id, "accepted", PARKED if parked else OPEN)

    def _fill(self, order_id: int, left: int) -> None:
        self._step(order_id, "partly filled" if left else "filled", OPEN if left else FILLED)

    def _trigger(self, event: OrderTriggered) -> None:
        if event.code:
            return  # its cancel follows, and is the step
        state = self._states[event.order_id]
        cause = "triggered" if state == PARKED else "activated"
        self._step(event.order_id, cause, PARKED if event.area else OPEN)

    def _step(self, order_id: int, cause: str, after: str) -> None:
        order_type = self._types[order_id]
        step = Step(self._states[order_id], cause, after)
        name = ORDER_TYPE_NAMES[order_type]
        assert step in LIVES[order_type], f"order {order_id}, {name}: {step} is in no table"
        self.seen[order_type].add(step)
        self._states[order_id] = after
        if after in (FILLED, CANCELED, EXPIRED):
            del self._states[order_id], self._types[order_id]


def diagram(order_type: int) -> str:
    """The table as a Mermaid state diagram, causes of one arrow on one line."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for step in sorted(LIVES[order_type]):
        arrows.setdefault((step.before, step.after), []).append(step.cause)
    lines = ["stateDiagram-v2"]
    for (before, after), causes in arrows.items():
        lines.append(f"    {before} --> {after}: {', '.join(causes)}")
    lines += [f"    {state} --> [*]" for state in (FILLED, CANCELED, EXPIRED)]
    return "\n".join(lines)


_PLACE: Final = re.compile(r"<!-- life (\d) -->\n.*?<!-- end -->", re.DOTALL)


def drawn(page: str) -> str:
    """The page with its diagrams as the tables have them."""

    def draw(found: re.Match[str]) -> str:
        body = diagram(int(found[1]))
        return f"<!-- life {found[1]} -->\n```mermaid\n{body}\n```\n<!-- end -->"

    return _PLACE.sub(draw, page)


def main(folder: str) -> None:
    for path in sorted(Path(folder).glob("*.md")):
        path.write_text(drawn(path.read_text()))


if __name__ == "__main__":
    main(sys.argv[1])
