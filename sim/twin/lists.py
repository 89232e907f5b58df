"""PLACE_LIST: OCO, OTO and OTOCO, as docs/machine.md has them.

Why it exists: the legs of a list are checked together and placed together. What becomes of them
later is in `ending` and `following`.
"""

from core.codes import (
    AUCTION,
    BUY,
    CANCEL_ONLY,
    DUPLICATE_ORDER_ID,
    INSUFFICIENT_FUNDS,
    LIMIT,
    LIST_EXECUTING,
    LIST_OCO,
    LIST_OTO,
    LIST_OTOCO,
    MARKET_HALTED,
    MODE_CANCEL_ONLY,
    MODE_NORMAL,
    PEGGED,
    POST_ONLY_WOULD_TRADE,
    STATUS_NEW,
    VALIDATION,
)
from core.events import OrderListChanged, Reply
from sim.twin import asking, risk, trading, waiting
from sim.twin.asking import CONDITIONAL, Wanted
from sim.twin.book import WAITS, Order, OrderList, other
from sim.twin.ending import WAITING
from sim.twin.state import Command, Reject, State, Symbol


def place_list(state: State, command: Command) -> Reply:
    symbol = state.use(command.symbol)
    kind = command.words[4]
    if symbol.mode != MODE_NORMAL:
        code = CANCEL_ONLY if symbol.mode == MODE_CANCEL_ONLY else MARKET_HALTED
        raise Reject(code, symbol.mode)
    if kind not in (LIST_OCO, LIST_OTO, LIST_OTOCO):
        raise Reject(VALIDATION, 4)
    legs = _legs(state, command, kind)
    for at, leg in enumerate(legs):
        trading.check_bounds(symbol, leg)
        risk.check_order(state, symbol, leg, len(legs), legs[:at])
    for at, leg in enumerate(legs):
        trading.check_account(state, leg, len(legs))
        if leg.client != (0, 0) and leg.client in [before.client for before in legs[:at]]:
            raise Reject(DUPLICATE_ORDER_ID, 0)
    if kind == LIST_OCO:
        holds = _plan_pair(state, symbol, legs)
    else:
        _, hold = trading.plan(state, symbol, legs[0], held=0)
        holds = [hold, 0, 0]
    return _accept(state, symbol, command, legs, holds)


def _legs(state: State, command: Command, kind: int) -> list[Wanted]:
    count = 3 if kind == LIST_OTOCO else 2
    legs = []
    for at in range(3):
        first = 8 + 9 * at
        if at >= count:
            for number in range(first, first + 9):
                if command.words[number] != 0:
                    raise Reject(VALIDATION, number)
            continue
        leg = asking.leg_of(command, at)
        leg.in_list = True
        asking.check_leg(leg, at, state.now, state.version)
        if not _fits(leg, kind, at, count):
            raise Reject(VALIDATION, first)
        legs.append(leg)
    if kind != LIST_OTO:
        one, two = legs[-2:]
        if one.side != two.side:
            raise Reject(VALIDATION, 8 + 9 * (count - 1))
        if one.qty != two.qty:
            raise Reject(VALIDATION, 8 + 9 * (count - 1) + 2)
    return legs


def _fits(leg: Wanted, kind: int, at: int, count: int) -> bool:
    if leg.order_type == PEGGED or leg.time_in_force == AUCTION:
        return False
    if kind != LIST_OCO and at == 0:
        return leg.order_type == LIMIT
    if kind == LIST_OTO:
        return True
    if leg.by_quote:
        return False
    if leg.order_type in CONDITIONAL:
        return True
    return at < count - 1 and leg.order_type == LIMIT and leg.may_rest


def _plan_pair(state: State, symbol: Symbol, legs: list[Wanted]) -> list[int]:
    """What each of an OCO holds: together no more than the dearer one can cost."""
    first, second = legs
    if first.order_type == LIMIT:
        reached = symbol.book.within(other(first.side), first.price)
        if reached:
            raise Reject(POST_ONLY_WOULD_TRADE, reached[0])
    else:
        waiting.check_trigger(symbol, first)
    waiting.check_trigger(symbol, second)
    one, two = waiting.hold_for(symbol, first), waiting.hold_for(symbol, second)
    available = state.accounts.available[first.account, symbol.hold_asset(first.side)]
    if max(one, two) > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    return [one, max(0, two - one)]


def _accept(
    state: State, symbol: Symbol, command: Command, legs: list[Wanted], holds: list[int]
) -> Reply:
    client = (command.words[6], command.words[7])
    row = OrderList(
        state.take_list_id(), command.words[4], command.account, symbol.id, client, [None] * 3
    )  # fmt: skip
    orders: list[Order] = []
    for at, leg in enumerate(legs):
        assert leg.terms is not None
        leg.terms.list, leg.terms.leg, leg.list_id = row, at, row.list_id
        if at == 0 and leg.order_type == LIMIT:
            order = trading.accept(state, symbol, leg, leg.qty, holds[0])
            state.orders[order.order_id] = order
            state.open_orders.setdefault(order.account, []).append(order)
        else:
            order = waiting.accept_parked(state, symbol, leg, holds[at])
            if row.kind == LIST_OCO:
                waiting.park(symbol, order)
            else:
                order.area = WAITS
                symbol.waits.join(order, BUY, WAITING)
        row.legs[at] = order
        orders.append(order)
    ids = [order.order_id for order in orders] + [0]
    state.emit(
        OrderListChanged, symbol.id, list_kind=row.kind, list_state=LIST_EXECUTING,
        list_id=row.list_id, account=row.account, first=ids[0], second=ids[1], third=ids[2],
        client_hi=client[0], client_lo=client[1],
    )  # fmt: skip
    if legs[0].order_type != LIMIT:
        return state.reply(
            command, status=STATUS_NEW, id=row.list_id, seq=symbol.seq, remaining=legs[0].qty
        )
    out = trading.run(state, symbol, orders[0], legs[0], is_listed=True)
    reply = trading.order_reply(state, command, orders[0], out, symbol)
    return state.reply(
        command, status=reply.status, id=row.list_id, seq=symbol.seq, filled=reply.filled,
        filled_quote=reply.filled_quote, remaining=reply.remaining,
    )  # fmt: skip
