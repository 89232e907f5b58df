"""What follows from a command, and from time: docs/machine.md, "What follows".

Why it exists: pegged orders move, triggers fire and lists go on after each command, and orders end
by time before each entry; here in the plainest form.
"""

from core.codes import (
    BUY,
    CANCELED_CANCEL_AFTER,
    CANCELED_EXPIRED,
    MODE_AUCTION,
    MODE_NORMAL,
    SELL,
    VALIDATION,
)
from core.events import CancelAfterSet, Reply
from core.limits import (
    CANCEL_AFTER_NS_MAX,
    CANCELS_PER_COMMAND_MAX,
    CASCADE_PER_COMMAND_MAX,
    EXPIRIES_PER_ENTRY_MAX,
    TIME_NS_MAX,
)
from sim.twin import amending, auction, ending, rules, transfers, waiting
from sim.twin.book import Order
from sim.twin.state import Command, Reject, State, Symbol


def begin_entry(state: State) -> None:
    """What ends by now: the earliest first; transfers, calls, switches, orders."""
    ended = 0
    for _ in range(EXPIRIES_PER_ENTRY_MAX):
        if state.is_strict and ended >= CANCELS_PER_COMMAND_MAX:
            break
        due = [
            (symbol.call_end, -1, symbol.id, (0, 0))
            for symbol in state.symbols.values()
            if 0 < symbol.call_end <= state.now
        ]
        due += [
            (deadline, 0, at, key)
            for at, (key, deadline) in enumerate(state.switches.items())
            if 0 < deadline <= state.now
        ]
        for order in state.orders.values():
            if order.terms is not None and 0 < order.terms.expire_ns <= state.now:
                due.append((order.terms.expire_ns, 1, order.order_id, (0, 0)))
        late = transfers.next_due(state)
        if late and (not due or late[0].deadline_ns <= min(due)[0]):
            transfers.overdue(state, late[0])
            continue
        if not due:
            break
        _, what, order_id, key = min(due)
        if what < 0:
            auction.time_is_over(state, state.symbols[order_id])
        elif what > 0:
            state.use(state.orders[order_id].symbol)
            ending.take_out(state, state.orders[order_id], CANCELED_EXPIRED)
            ended += 1
        else:
            canceled, is_all = amending.of_account(state, *key, CANCELED_CANCEL_AFTER)
            if not is_all:
                break
            ended += canceled
            state.switches[key] = 0
            state.emit(CancelAfterSet, key[1], account=key[0], deadline_ns=0)
    go_on(state)
    settle(state)


def cancel_after(state: State, command: Command) -> Reply:
    after = command.words[4]
    if not 0 <= after <= CANCEL_AFTER_NS_MAX or state.now > TIME_NS_MAX:
        raise Reject(VALIDATION, 4)
    key = (command.account, command.symbol)
    deadline = state.now + after if after else 0
    if deadline or state.switches.get(key, 0):
        state.switches[key] = deadline
        state.emit(CancelAfterSet, command.symbol, account=command.account, deadline_ns=deadline)
    seq = state.symbols[command.symbol].seq if command.symbol else state.seq0
    return state.reply(command, seq=seq, detail=deadline)


def go_on(state: State) -> None:
    """With what the command before left."""
    rules.go_on_killing(state)
    for symbol in state.symbols.values():
        if symbol.backlog:
            state.note(symbol.id)
    _settle(state, uncrosses=True)


def settle(state: State) -> None:
    """Until every symbol that was used is quiet, in the order in which they were used."""
    _settle(state, uncrosses=not state.is_strict)


def _settle(state: State, uncrosses: bool) -> None:
    at = 0
    while at < len(state.touched):
        _settle_symbol(state, state.symbols[state.touched[at]], uncrosses)
        at += 1
    state.touched = []
    for symbol in state.symbols.values():
        if state.is_strict and not symbol.is_watched():
            symbol.high = symbol.low = 0  # nothing waits for a price


def _settle_symbol(state: State, symbol: Symbol, uncrosses: bool) -> None:
    """`uncrosses`: a part of an uncrossing that goes on is due."""
    steps = 0
    if symbol.target is not None and not (uncrosses and auction.go_on(state, symbol)):
        symbol.backlog = True
        return
    if symbol.mode == MODE_AUCTION:
        auction.settle(state, symbol)
        return
    while symbol.is_watched() or symbol.tripped:
        if symbol.tripped:
            rules.protect(state, symbol)
            if symbol.mode == MODE_AUCTION:
                auction.settle(state, symbol)
                return
        if not auction.is_crossed(symbol):
            waiting.follow_pegs(state, symbol)
        if symbol.mode != MODE_NORMAL:
            break
        reached = _reached(state, symbol)
        due = reached or _due(symbol)
        if due is None:
            break
        if steps == CASCADE_PER_COMMAND_MAX:
            symbol.backlog = True
            return
        if reached is not None:
            waiting.enter(state, due)
        else:
            waiting.activate(state, due)
        steps += 1
    symbol.backlog = False


def _reached(state: State, symbol: Symbol) -> Order | None:
    """The next order whose trigger was reached; without one, what was seen is done with."""
    if state.is_strict:
        for side, price, turn in (
            (SELL, symbol.high, waiting.RISEN), (BUY, symbol.low, waiting.FALLEN)
        ):  # fmt: skip
            fixed = symbol.triggers.first(side, price) if price else None
            trailing = symbol.trails.queue(side, turn)
            if fixed or trailing:
                return fixed or trailing[0]
        symbol.high = symbol.low = 0
        return None
    if symbol.high:
        for side, price in ((SELL, symbol.high), (BUY, symbol.low)):
            for queues in (symbol.triggers, symbol.trails):
                order = queues.first(side, price)
                if order is not None:
                    return order
    symbol.high = symbol.low = 0
    return None


def _due(symbol: Symbol) -> Order | None:
    queue = symbol.waits.queue(BUY, ending.DUE)
    return queue[0] if queue else None
