"""Laying down rules of markets and accounts, and protecting a market, as docs/machine.md has it.

Why it exists: `risk` says what the rules mean; here they are set, and acted on.
"""

from core.codes import (
    CANCELED_KILLED,
    MODE_AUCTION,
    MODE_CANCEL_ONLY,
    MODE_NORMAL,
    MODE_POST_ONLY,
    UNKNOWN_SYMBOL,
    VALIDATION,
)
from core.commands import RULE_NAMES
from core.events import (
    AccountRestricted,
    DeskChanged,
    MarketProtected,
    ReferenceSet,
    Reply,
    RulesChanged,
)
from core.limits import PRICE_TICKS_MAX, TIME_NS_MAX
from sim.twin import amending, auction
from sim.twin.risk import FROZEN, MOST, OWN, Desk
from sim.twin.state import Command, Reject, State, Symbol


def protect(state: State, symbol: Symbol) -> None:
    cause, begin = symbol.tripped, symbol.window_price
    symbol.tripped = symbol.window_start = symbol.window_count = 0
    if symbol.mode not in (MODE_NORMAL, MODE_POST_ONLY):
        return
    action, call_ns = symbol.rules["action"], symbol.rules["call_ns"]
    until = state.now + call_ns if call_ns and state.now <= TIME_NS_MAX else 0
    state.emit(
        MarketProtected, symbol.id, tripped_by=cause, action=action, price=symbol.last, begin=begin
    )
    auction.set_mode(state, symbol, action, until if action == MODE_AUCTION else 0)


# --- laying them down ---------------------------------------------------------------------------


def set_rules(state: State, command: Command) -> Reply:
    symbol = _listed(state, command)
    values = command.words[4:24]
    for at, (value, most) in enumerate(zip(values, MOST, strict=True)):
        if not 0 <= value <= most:
            raise Reject(VALIDATION, 4 + at)
    rules = dict(zip(RULE_NAMES, values, strict=True))
    if rules["action"] not in (0, MODE_CANCEL_ONLY, MODE_AUCTION):
        raise Reject(VALIDATION, 13)
    if rules["stopped_orders"] or rules["move_bps"]:
        if rules["window_ns"] == 0:
            raise Reject(VALIDATION, 12)
        if rules["action"] == 0:
            raise Reject(VALIDATION, 13)
    symbol.rules = rules
    seq = state.emit(RulesChanged, symbol.id, **rules)
    return state.reply(command, id=symbol.id, seq=seq)


def _listed(state: State, command: Command) -> Symbol:
    if command.symbol not in state.symbols:
        raise Reject(UNKNOWN_SYMBOL, command.symbol)
    return state.symbols[command.symbol]


def set_desk(state: State, command: Command) -> Reply:
    symbol = _listed(state, command)
    if not state.accounts.is_open(command.account):
        raise Reject(VALIDATION, 1)
    for at, (value, most) in enumerate(zip(command.words[4:10], MOST[-6:], strict=True)):
        if not -1 <= value <= most:
            raise Reject(VALIDATION, 4 + at)
    killed = command.words[10]
    if killed not in (0, 1):
        raise Reject(VALIDATION, 10)
    own = dict(zip(OWN, command.words[4:10], strict=True))
    desk = state.desks.setdefault((command.account, symbol.id), Desk())
    assert isinstance(desk, Desk)
    desk.own, desk.killed = own, killed
    seq = state.emit(DeskChanged, symbol.id, account=command.account, killed=killed, **own)
    desk.is_left = False
    if killed:
        _cancel_killed(state, command.account, symbol.id, desk)
    return state.reply(command, id=command.account, seq=seq)


def _cancel_killed(state: State, account: int, symbol: int, desk: Desk) -> None:
    _, is_all = amending.of_account(state, account, symbol, CANCELED_KILLED)
    desk.is_left = state.is_strict and not is_all


def go_on_killing(state: State) -> None:
    """With the first killed desk of which orders were left."""
    for (account, symbol), desk in state.desks.items():
        assert isinstance(desk, Desk)
        if desk.is_left:
            _cancel_killed(state, account, symbol, desk)
            return


def set_account(state: State, command: Command) -> Reply:
    account, (new, halted) = command.account, command.words[4:6]
    if account != 0 and not state.accounts.is_open(account):
        raise Reject(VALIDATION, 1)
    if not 0 <= new <= FROZEN or (account == 0 and new != 0):
        raise Reject(VALIDATION, 4)
    if halted not in (0, 1):
        raise Reject(VALIDATION, 5)
    state.restrictions[account] = (new, halted)
    seq = state.emit(AccountRestricted, 0, account=account, state=new, withdrawals_halted=halted)
    return state.reply(command, id=account, seq=seq)


def set_reference(state: State, command: Command) -> Reply:
    symbol = _listed(state, command)
    if not 0 <= command.words[4] <= PRICE_TICKS_MAX:
        raise Reject(VALIDATION, 4)
    symbol.reference = command.words[4]
    seq = state.emit(ReferenceSet, symbol.id, price=symbol.reference)
    return state.reply(command, id=symbol.id, seq=seq)
