"""Fees by schedules and by what an account has traded, as docs/machine.md has them.

Why it exists: volumes are kept day by day and summed when they are asked for, so that nothing can
be forgotten when a day ends.
"""

from collections import Counter

from core.codes import HOUSE, OVERLOADED, UNKNOWN_SYMBOL, VALIDATION
from core.commands import Tier
from core.events import FeesApplied, FeesChanged, Reply
from core.limits import AMOUNT_MAX, DAY_NS, FEE_PPM_MAX, FEE_SCHEDULES_MAX
from sim.twin.state import Command, Reject, State, Symbol

VERSION = 7
DAYS = 30
Rate = tuple[int, int]
"""Parts per million, and the version of the schedule; 0 is the symbol's listing."""


def rate_of(state: State, account: int, symbol: Symbol, maker: bool) -> Rate:
    """What holds for the account in a trade of now. In an auction both are makers."""
    listed = symbol.maker_ppm if maker else symbol.taker_ppm
    if state.version < VERSION:
        return listed, 0
    for scope in ((account, symbol.id), (account, 0), (0, symbol.id)):
        version, tiers = state.schedules.get(scope, (0, ()))
        if tiers:
            volume = volume_of(state, account, symbol.quote)
            tier = [tier for tier in tiers if tier[0] <= volume][-1]
            return tier[1 if maker else 2], version
    return listed, 0


def rates_of(
    state: State, symbol: Symbol, maker: int, taker: int, *, in_auction: bool = False
) -> tuple[Rate, Rate]:
    """Of both sides of a trade. In an auction nobody takes."""
    (of_maker, by_maker), (of_taker, by_taker) = (
        rate_of(state, maker, symbol, maker=True),
        rate_of(state, taker, symbol, maker=in_auction),
    )
    if state.is_strict:
        if in_auction or maker == taker:
            of_maker, of_taker = max(of_maker, 0), max(of_taker, 0)
        else:
            of_maker = max(of_maker, -of_taker)
    return (of_maker, by_maker), (of_taker, by_taker)


def volume_of(state: State, account: int, asset: int) -> int:
    today = state.now // DAY_NS
    days = state.volumes.get((account, asset), Counter())
    return min(AMOUNT_MAX, sum(days[day] for day in range(today - DAYS, today)))


def fee(state: State, asset: int, received: int, ppm: int) -> int:
    """Below 0 it is a rebate: rounded down too, and no more than the house has."""
    if ppm >= 0:
        return received * ppm // 10**6
    return -min(received * -ppm // 10**6, state.accounts.available.get((HOUSE, asset), 0))


def note(state: State, symbol: Symbol, maker: int, taker: int, quote: int) -> None:
    """A trade counts for both, unless it was with oneself."""
    if state.version >= VERSION and maker != taker:
        for account in (maker, taker):
            days = state.volumes.setdefault((account, symbol.quote), Counter())
            today = state.now // DAY_NS
            days[today] = min(AMOUNT_MAX, days[today] + quote)


def tell(state: State, symbol: Symbol, maker: Rate, taker: Rate) -> None:
    if maker[1] or taker[1]:
        state.emit(
            FeesApplied, symbol.id, trade_id=symbol.trades, maker_version=maker[1],
            maker_ppm=maker[0], taker_version=taker[1], taker_ppm=taker[0],
        )  # fmt: skip


def set_fees(state: State, command: Command) -> Reply:
    account, symbol = command.account, command.symbol
    if symbol not in state.symbols and (symbol != 0 or account == 0):
        raise Reject(UNKNOWN_SYMBOL, symbol)
    if account != 0 and not state.accounts.is_open(account):
        raise Reject(VALIDATION, 1)
    count = command.words[4]
    if not 0 <= count <= 6 or (symbol == 0 and count > 1):
        raise Reject(VALIDATION, 4)
    tiers: list[Tier] = []
    for at in range(5, 5 + 3 * count, 3):
        volume, maker, taker = command.words[at : at + 3]
        least = tiers[-1][0] + 1 if tiers else 0
        if not least <= volume <= (AMOUNT_MAX if tiers else 0):
            raise Reject(VALIDATION, at)
        if not -FEE_PPM_MAX <= maker <= FEE_PPM_MAX:
            raise Reject(VALIDATION, at + 1)
        if not 0 <= taker <= FEE_PPM_MAX:
            raise Reject(VALIDATION, at + 2)
        if maker + taker < 0:
            raise Reject(VALIDATION, at + 1)
        tiers.append((volume, maker, taker))
    for at in range(5 + 3 * count, 23):
        if command.words[at]:
            raise Reject(VALIDATION, at)
    if (account, symbol) not in state.schedules and len(state.schedules) == FEE_SCHEDULES_MAX:
        raise Reject(OVERLOADED, FEE_SCHEDULES_MAX)
    state.fee_version += 1
    state.schedules[account, symbol] = (state.fee_version, tuple(tiers))
    seq = state.emit(
        FeesChanged, symbol, account=account, version=state.fee_version, tiers=tuple(tiers)
    )
    return state.reply(command, id=state.fee_version, seq=seq)
