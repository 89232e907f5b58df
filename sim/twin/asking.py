"""What a command asks for as one order, and whether its terms go together.

Why it exists: PLACE, PLACE_TERMS and each leg of PLACE_LIST ask for an order in the same terms, and
docs/machine.md lists in one table which of them may stand together. It must not know the market.
"""

from dataclasses import dataclass

from core.codes import (
    AUCTION,
    DAY,
    FOK,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    PEGGED,
    POST_ONLY,
    SELL,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    TRAILING_STOP_LIMIT,
    VALIDATION,
)
from core.commands import FLAG_BY_QUOTE, FLAG_PEG_OTHER, FLAG_SLIDE, FLAG_TRAIL_BPS
from core.limits import DAY_NS, PRICE_TICKS_MAX, TIME_NS_MAX
from sim.twin.book import Terms
from sim.twin.state import Command, Reject

LIMIT_KINDS = (LIMIT, STOP_LIMIT, TAKE_PROFIT_LIMIT, TRAILING_STOP_LIMIT)
CONDITIONAL = range(STOP, TRAILING_STOP_LIMIT + 1)
TRAILING = (TRAILING_STOP, TRAILING_STOP_LIMIT)
TIPS = 100


@dataclass
class Wanted:
    """An order that somebody asks for. `terms` None: by PLACE, which has no further ones."""

    account: int
    symbol: int
    side: int
    order_type: int
    time_in_force: int
    price: int
    qty: int
    client: tuple[int, int]
    flags: int
    terms: Terms | None = None
    list_id: int = 0
    in_list: bool = False

    @property
    def by_quote(self) -> bool:
        return bool(self.flags & FLAG_BY_QUOTE)

    @property
    def is_limit_kind(self) -> bool:
        return self.order_type in LIMIT_KINDS

    @property
    def may_rest(self) -> bool:
        if self.order_type == LIMIT:
            return self.time_in_force not in (IOC, FOK)
        return self.order_type != MARKET

    @property
    def stp(self) -> int:
        return self.terms.stp if self.terms is not None else 0

    @property
    def rises(self) -> bool:
        """Whether its trigger is reached from below."""
        takes_profit = self.order_type in (TAKE_PROFIT, TAKE_PROFIT_LIMIT)
        return takes_profit == (self.side == SELL)


def plain(command: Command) -> Wanted:
    words = command.words
    return Wanted(
        command.account, command.symbol, command.side, command.order_type, command.time_in_force,
        words[4], words[5], (words[6], words[7]), command.flags,
    )  # fmt: skip


def with_terms(command: Command) -> Wanted:
    wanted = plain(command)
    _, trigger, trail, display, min_qty, expire_ns, peg, _ = command.words[8:16]
    wanted.terms = Terms(
        wanted.order_type, wanted.flags, wanted.price, wanted.qty, command.words[8] & 0xFF,
        command.words[8] >> 8, trigger, trail, display, min_qty, expire_ns, peg,
    )  # fmt: skip
    return wanted


def leg_of(command: Command, leg: int) -> Wanted:
    """A leg of PLACE_LIST. Raises `Reject` if bits stand where none may."""
    first = 8 + 9 * leg
    head, price, qty, hi, lo, trigger, trail, display, expire_ns = command.words[first : first + 9]
    flags = head >> 12
    terms = Terms(
        head >> 4 & 0xF, flags, price, qty, command.words[5] & 0xFF, command.words[5] >> 8,
        trigger, trail, display, 0, expire_ns,
    )  # fmt: skip
    return Wanted(
        command.account, command.symbol, head & 0xF, head >> 4 & 0xF, head >> 8 & 0xF, price, qty,
        (hi, lo), flags, terms,
    )  # fmt: skip


LEG_NUMBERS = {0: 0, 4: 1, 5: 2, 9: 5, 10: 6, 11: 7, 13: 8}


def check_leg(wanted: Wanted, leg: int, now: int, version: int) -> None:
    """`check_terms` with the numbers of the leg's words in the command."""
    try:
        check_terms(wanted, now, version)
    except Reject as reject:
        at = 8 + 9 * leg
        number = 5 if reject.bound == 8 else at + LEG_NUMBERS[reject.bound]
        raise Reject(reject.code, number) from None


def check_terms(wanted: Wanted, now: int, version: int) -> None:
    """Raises `Reject` with the number of the first word that does not fit."""
    terms = wanted.terms
    assert terms is not None
    kind, tif = wanted.order_type, wanted.time_in_force
    for number, is_right in (
        (0, _head_fits(wanted, AUCTION if version >= 4 else DAY)),
        (4, _price_fits(wanted)),
        (5, wanted.qty >= 1),
        (8, _stp_fits(wanted, terms)),
        (9, _trigger_fits(wanted, terms)),
        (10, _trail_fits(wanted, terms)),
        (11, terms.display == 0 or _display_fits(wanted, terms)),
        (12, terms.min_qty == 0 or (
            kind in (LIMIT, MARKET) and not wanted.by_quote and tif not in (FOK, POST_ONLY, AUCTION)
            and 1 <= terms.min_qty <= wanted.qty
        )),
        (13, _expiry_fits(wanted, terms, now)),
        (14, abs(terms.peg) <= PRICE_TICKS_MAX and (kind == PEGGED or terms.peg == 0)),
    ):  # fmt: skip
        if not is_right:
            raise Reject(VALIDATION, number)
    if tif == DAY:
        terms.expire_ns = (now // DAY_NS + 1) * DAY_NS


def _head_fits(wanted: Wanted, last_tif: int) -> bool:
    kind, tif, flags = wanted.order_type, wanted.time_in_force, wanted.flags
    if wanted.side > SELL or kind > PEGGED or tif > last_tif or not 0 <= flags <= 15:
        return False
    if kind == PEGGED:
        tif_fits = tif in (GTC, GTD, DAY)
    elif wanted.is_limit_kind:
        tif_fits = tif != AUCTION or kind == LIMIT
    else:
        tif_fits = tif == IOC or (tif == FOK and not wanted.by_quote)
    return (
        tif_fits
        and not (wanted.by_quote and (wanted.is_limit_kind or kind == PEGGED))
        and not (flags & FLAG_SLIDE and (kind, tif) != (LIMIT, POST_ONLY))
        and not (flags & FLAG_TRAIL_BPS and kind not in TRAILING)
        and not (flags & FLAG_PEG_OTHER and kind != PEGGED)
    )


def _price_fits(wanted: Wanted) -> bool:
    if wanted.is_limit_kind:
        return wanted.price >= 1
    return wanted.price == 0 if wanted.by_quote else wanted.price >= 0


def _stp_fits(wanted: Wanted, terms: Terms) -> bool:
    if not (0 <= terms.stp <= 4 and terms.by_group in (0, 1)):
        return False
    if terms.stp == 0:
        return terms.by_group == 0
    return not (terms.stp == 4 and wanted.by_quote)


def _trigger_fits(wanted: Wanted, terms: Terms) -> bool:
    if wanted.order_type in CONDITIONAL and wanted.order_type not in TRAILING:
        return 1 <= terms.trigger <= PRICE_TICKS_MAX
    return terms.trigger == 0


def _trail_fits(wanted: Wanted, terms: Terms) -> bool:
    if wanted.order_type not in TRAILING:
        return terms.trail == 0
    return 1 <= terms.trail <= (9_999 if wanted.flags & FLAG_TRAIL_BPS else PRICE_TICKS_MAX)


def _display_fits(wanted: Wanted, terms: Terms) -> bool:
    rests = wanted.order_type == LIMIT and wanted.time_in_force not in (IOC, FOK)
    return rests and 1 <= terms.display <= wanted.qty <= terms.display * TIPS


def _expiry_fits(wanted: Wanted, terms: Terms, now: int) -> bool:
    if wanted.time_in_force == DAY:
        return terms.expire_ns == 0 and now <= TIME_NS_MAX
    if wanted.time_in_force == GTD:
        return terms.expire_ns > now
    conditional_market = wanted.order_type in CONDITIONAL and not wanted.is_limit_kind
    may_end = wanted.time_in_force == POST_ONLY or conditional_market
    return terms.expire_ns == 0 or (may_end and terms.expire_ns > now)
