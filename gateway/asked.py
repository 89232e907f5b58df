"""What a command asked for, kept until its answer: by this a refusal's one number is understood.

Why it exists: a reject says a code and a bound, and the same pair is said by several rules; which
one it was follows from what was asked, from the rules in force, and from the order in which the
machine looks at them (docs/machine.md). It must not know HTTP, bodies or how a command is packed.
"""

from typing import Final, NamedTuple

import msgspec

from core.codes import (
    FOK, IOC, LIMIT, MARKET, PEGGED, SELL, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT,
    TRAILING_STOP, TRAILING_STOP_LIMIT,
)  # fmt: skip
from core.commands import FLAG_BY_QUOTE, FLAG_TRAIL_BPS
from core.events import Reply
from gateway.fold import ReadModel
from gateway.order_view import Order
from gateway.symbols import Symbol

LIMIT_TYPES: Final = (LIMIT, STOP_LIMIT, TAKE_PROFIT_LIMIT, TRAILING_STOP_LIMIT)
TRAILING_TYPES: Final = (TRAILING_STOP, TRAILING_STOP_LIMIT)
PROFIT_TYPES: Final = (TAKE_PROFIT, TAKE_PROFIT_LIMIT)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One order in the machine's numbers, as a request placed or amended it; 0 is not given."""

    side: int
    order_type: int
    time_in_force: int
    price: int = 0
    qty: int = 0
    flags: int = 0
    stp: int = 0
    by_group: bool = False
    trigger: int = 0
    trail: int = 0
    display: int = 0
    min_qty: int = 0
    expire_ns: int = 0
    peg_offset: int = 0
    order: Order | None = None
    """Of an amend: the order as it was known when it was asked."""

    @property
    def by_quote(self) -> bool:
        return self.flags & FLAG_BY_QUOTE != 0

    @property
    def is_limit_kind(self) -> bool:
        return self.order_type in LIMIT_TYPES

    @property
    def is_conditional(self) -> bool:
        return self.order_type not in (LIMIT, MARKET, PEGGED)

    @property
    def is_trailing(self) -> bool:
        return self.order_type in TRAILING_TYPES

    @property
    def may_rest(self) -> bool:
        is_taker = self.time_in_force in (IOC, FOK)
        return self.order_type > MARKET or (self.order_type == LIMIT and not is_taker)

    @property
    def waits_for_rise(self) -> bool:
        """Its trigger is reached from below."""
        return (self.side == SELL) == (self.order_type in PROFIT_TYPES)

    @property
    def left(self) -> int:
        """Lots that would be open: of an amend the new total less what is filled."""
        return self.qty - (self.order.filled if self.order else 0)

    # --- what the request calls it -------------------------------------------------------------

    @property
    def price_field(self) -> str:
        return "price" if self.is_limit_kind or self.order_type == PEGGED else "collar"

    @property
    def qty_field(self) -> str:
        return "quoteQty" if self.by_quote else "qty"

    @property
    def trail_field(self) -> str:
        return "trailBps" if self.flags & FLAG_TRAIL_BPS else "trailBy"


class Words(NamedTuple):
    """What a client is told: a sentence about what is, the field, and what the field must be."""

    detail: str
    field: str
    rule: str


class Case(NamedTuple):
    """One refusal. `symbol`: None when the command named none; `asked`: of an order."""

    reply: Reply
    model: ReadModel
    account: int
    symbol: Symbol | None = None
    asked: Asked | None = None
