"""How orders end, and what follows for the lists that they belong to.

Why it exists: every way out of the market goes through `take_out` or `ended`, so that money, lists
and queues are given back alike. It must not know why an order ends.
"""

from core.codes import CANCELED_LIST, LIST_DONE, LIST_OCO, LIST_OTOCO
from core.commands import FLAG_BY_QUOTE
from core.events import BookDelta, OrderCanceled, OrderListChanged
from sim.twin.book import RESTING, Order
from sim.twin.state import State, Symbol

FILLED = 0
WAITING, DUE = 1, 2
"""The two queues of legs that wait for their list, as prices of `Symbol.waits`."""

Levels = list[tuple[int, int]]
"""(side, price) of levels that changed, in the order in which their deltas are due."""


def emit_deltas(state: State, symbol: Symbol, levels: Levels) -> None:
    """One for each level, as it stands now; a level named twice has its delta at the end."""
    for at, (side, price) in enumerate(levels):
        if (side, price) not in levels[at + 1 :]:
            state.emit(
                BookDelta, symbol.id, side=side, price=price,
                total=symbol.book.total(side, price), orders=len(symbol.book.queue(side, price)),
            )  # fmt: skip


def emit_canceled(
    state: State, symbol: Symbol, order: Order, reason: int, qty: int, released: int, price: int
) -> None:
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), -released)
    state.emit(
        OrderCanceled, symbol.id, side=order.side, reason=reason, order_id=order.order_id,
        account=order.account, qty=qty, released=released, price=price,
    )  # fmt: skip


def take_out(state: State, order: Order, reason: int) -> int:
    """Cancel a live order; the lots that it had left."""
    symbol = state.symbols[order.symbol]
    symbol.area(order.area).leave(order)
    if order.area == RESTING:
        left = order.remaining
        released = symbol.hold_of(order.side, order.limit, left)
        emit_canceled(state, symbol, order, reason, left, released, order.limit)
        emit_deltas(state, symbol, [(order.side, order.limit)])
    else:
        assert order.terms is not None
        left = 0 if order.terms.flags & FLAG_BY_QUOTE else order.terms.qty
        emit_canceled(state, symbol, order, reason, left, order.terms.held, order.terms.price)
    close(state, order)
    ended(state, order, reason)
    return left


def close(state: State, order: Order) -> None:
    """It can be found no more, and its slot is free."""
    del state.orders[order.order_id]
    state.open_orders[order.account].remove(order)
    state.give_back(order.order_id)


def ended(state: State, order: Order, reason: int) -> None:
    """What the end of an order, filled or canceled, means for others."""
    terms = order.terms
    if terms is None:
        return
    in_call = state.symbols[order.symbol].in_call
    if order in in_call:
        in_call.remove(order)
    pegs = state.symbols[order.symbol].pegs
    if order in pegs:
        pegs.remove(order)
    if terms.list is None:
        return
    row = terms.list
    row.legs[terms.leg] = None
    if reason == FILLED and terms.leg == 0 and row.kind != LIST_OCO:
        for leg in row.legs[1:]:
            if leg is not None:
                make_due(state, leg)
    elif reason not in (FILLED, CANCELED_LIST):
        for at in range(3):
            doomed = row.legs[at]
            if doomed is not None and doomed.order_id in state.orders:
                take_out(state, doomed, CANCELED_LIST)
    if not row.done and not any(row.legs):
        row.done = True
        state.emit(
            OrderListChanged, order.symbol, list_kind=row.kind, list_state=LIST_DONE,
            list_id=row.list_id, account=row.account, first=0, second=0, third=0,
            client_hi=row.client[0], client_lo=row.client[1],
        )  # fmt: skip
        state.free_lists.append(row.list_id & 0xFFFFFF)


def make_due(state: State, leg: Order) -> None:
    symbol = state.symbols[leg.symbol]
    symbol.waits.leave(leg)
    symbol.waits.join(leg, 0, DUE)
    state.note(leg.symbol)


def sibling(order: Order) -> Order | None:
    """The other one of a pair of which only one may trade."""
    terms = order.terms
    if terms is None or terms.list is None:
        return None
    if terms.list.kind == LIST_OCO:
        return terms.list.legs[1 - terms.leg]
    if terms.list.kind == LIST_OTOCO and terms.leg > 0:
        return terms.list.legs[3 - terms.leg]
    return None


def leg_trades(state: State, order: Order) -> None:
    pair = sibling(order)
    if pair is not None and pair.order_id in state.orders:
        take_out(state, pair, CANCELED_LIST)


def held_by(state: State, order: Order) -> int:
    if order.area == RESTING:
        symbol = state.symbols[order.symbol]
        return symbol.hold_of(order.side, order.limit, order.remaining)
    assert order.terms is not None
    return order.terms.held
