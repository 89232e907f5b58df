"""The order in hand: what a command, a leg of a list or a parked order asks for.

Why it exists: an order is placed by four ways (PLACE, PLACE_TERMS, a leg of PLACE_LIST, a trigger
that fires), and the same rules must hold for each. So each way fills in one ticket, and the rules
read it. It knows which terms go together; it must not know the market or anybody's money.
"""

from typing import Final

from mypy_extensions import i64

from core.codes import (
    AUCTION, DAY, FOK, GTC, GTD, IOC, LIMIT, MARKET, PEGGED, POST_ONLY, SELL, STOP, STOP_LIMIT,
    STP_DECREMENT, STP_NONE, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP, TRAILING_STOP_LIMIT,
)  # fmt: skip
from core.commands import (
    C_HEAD, FLAG_BY_QUOTE, FLAG_PEG_OTHER, FLAG_SLIDE, FLAG_TRAIL_BPS, FLAGS_ALL, PLACE_PRICE,
    PLACE_QTY, TERMS_DISPLAY, TERMS_EXPIRE, TERMS_MIN_QTY, TERMS_PEG, TERMS_STP, TERMS_TRAIL,
    TERMS_TRIGGER,
)  # fmt: skip
from core.limits import DAY_NS, ICEBERG_TIPS_MAX, PRICE_TICKS_MAX, TIME_NS_MAX, TRAIL_BPS_MAX

NOTHING_WRONG: Final = -1


class Ticket:
    """Prices in ticks, quantities in lots (quote units with FLAG_BY_QUOTE), times in log ns."""

    def __init__(self) -> None:
        self.symbol: i64 = 0
        self.account: i64 = 0
        self.side: i64 = 0
        self.type: i64 = 0
        self.tif: i64 = 0
        self.last_tif: i64 = DAY
        """The last time in force that the machine version in force knows."""
        self.flags: i64 = 0
        self.price: i64 = 0
        self.qty: i64 = 0
        self.client_hi: i64 = 0
        self.client_lo: i64 = 0
        # The further terms; of a plain order they are all 0.
        self.has_terms: bool = False
        self.stp: i64 = 0
        self.by_group: i64 = 0
        self.trigger: i64 = 0
        self.trail: i64 = 0
        self.display: i64 = 0
        self.min_qty: i64 = 0
        self.expire_ns: i64 = 0
        self.peg: i64 = 0
        self.list_id: i64 = 0
        self.list_leg: i64 = 0  # as in T_LIST

    def set_order(
        self, symbol: i64, account: i64, terms: i64, price: i64, qty: i64, client_hi: i64,
        client_lo: i64,
    ) -> None:  # fmt: skip
        """A plain order. `terms`: side, type, time in force and flags, four bits each."""
        self.symbol = symbol
        self.account = account
        self.side = terms & 0xF
        self.type = (terms >> 4) & 0xF
        self.tif = (terms >> 8) & 0xF
        self.flags = terms >> 12
        self.price = price
        self.qty = qty
        self.client_hi = client_hi
        self.client_lo = client_lo
        if self.has_terms:
            self._forget_terms()

    def _forget_terms(self) -> None:
        self.has_terms = False
        self.stp = 0
        self.by_group = 0
        self.trigger = 0
        self.trail = 0
        self.display = 0
        self.min_qty = 0
        self.expire_ns = 0
        self.peg = 0
        self.list_id = 0
        self.list_leg = 0

    def set_terms(
        self, stp: i64, trigger: i64, trail: i64, display: i64, min_qty: i64, expire_ns: i64,
        peg: i64,
    ) -> None:  # fmt: skip
        """Further terms, after `set_order`. `stp`: mode bits 0-7, by group bit 8 and above."""
        self.has_terms = True
        self.stp = stp & 0xFF
        self.by_group = stp >> 8
        self.trigger = trigger
        self.trail = trail
        self.display = display
        self.min_qty = min_qty
        self.expire_ns = expire_ns
        self.peg = peg

    # --- what kind of order it is -------------------------------------------------------------

    def by_quote(self) -> bool:
        return self.flags & FLAG_BY_QUOTE != 0

    def is_conditional(self) -> bool:
        """It waits for a trigger."""
        return STOP <= self.type <= TRAILING_STOP_LIMIT

    def is_trailing(self) -> bool:
        return self.type == TRAILING_STOP or self.type == TRAILING_STOP_LIMIT

    def is_limit_kind(self) -> bool:
        """It is a LIMIT order, or becomes one when triggered."""
        return (
            self.type == LIMIT
            or self.type == STOP_LIMIT
            or self.type == TAKE_PROFIT_LIMIT
            or self.type == TRAILING_STOP_LIMIT
        )

    def may_rest(self) -> bool:
        """It may still be there after its command."""
        return self.type > MARKET or (self.type == LIMIT and self.tif != IOC and self.tif != FOK)

    def waits_for_rise(self) -> bool:
        """A buying stop and a selling take-profit are reached from below."""
        takes_profit = self.type == TAKE_PROFIT or self.type == TAKE_PROFIT_LIMIT
        return (self.side == SELL) == takes_profit

    # --- terms that go together ---------------------------------------------------------------

    def wrong_word(self, now_ns: i64) -> i64:
        """The PLACE_TERMS word that does not fit, the first one; or `NOTHING_WRONG`.

        A DAY order gets the end of its day.
        """
        if not self._check_head():
            return C_HEAD
        if self.price < 0 or (self.is_limit_kind() and self.price == 0):
            return PLACE_PRICE
        if self.by_quote() and self.price != 0:
            return PLACE_PRICE
        if self.qty < 1:
            return PLACE_QTY
        if self.stp > STP_DECREMENT or self.by_group < 0 or self.by_group > 1:
            return TERMS_STP
        if self.stp == STP_NONE and self.by_group != 0:
            return TERMS_STP
        if self.stp == STP_DECREMENT and self.by_quote():
            return TERMS_STP
        if not self._check_trigger():
            return TERMS_TRIGGER
        if not self._check_trail():
            return TERMS_TRAIL
        if self.display != 0 and not self._check_display():
            return TERMS_DISPLAY
        if self.min_qty != 0 and not self._check_min_qty():
            return TERMS_MIN_QTY
        if not self._check_expiry(now_ns):
            return TERMS_EXPIRE
        if self.type != PEGGED and self.peg != 0:
            return TERMS_PEG
        if self.peg > PRICE_TICKS_MAX or self.peg < -PRICE_TICKS_MAX:
            return TERMS_PEG
        return NOTHING_WRONG

    def _check_head(self) -> bool:
        """Type, time in force and flags."""
        if self.side > SELL or self.type > PEGGED or self.tif > self.last_tif:
            return False
        if self.flags < 0 or self.flags > FLAGS_ALL:
            return False
        by_quote = self.by_quote()
        if self.type == PEGGED:
            if self.tif != GTC and self.tif != GTD and self.tif != DAY:
                return False
        elif not self.is_limit_kind():
            if self.tif != IOC and (self.tif != FOK or by_quote):
                return False
        elif self.tif == AUCTION and self.type != LIMIT:
            return False
        if by_quote and (self.is_limit_kind() or self.type == PEGGED):
            return False
        if self.flags & FLAG_SLIDE != 0 and (self.type != LIMIT or self.tif != POST_ONLY):
            return False
        if self.flags & FLAG_TRAIL_BPS != 0 and not self.is_trailing():
            return False
        return self.flags & FLAG_PEG_OTHER == 0 or self.type == PEGGED

    def _check_trigger(self) -> bool:
        if self.is_conditional() and not self.is_trailing():
            return 1 <= self.trigger <= PRICE_TICKS_MAX
        return self.trigger == 0

    def _check_trail(self) -> bool:
        if not self.is_trailing():
            return self.trail == 0
        most: i64 = TRAIL_BPS_MAX if self.flags & FLAG_TRAIL_BPS != 0 else PRICE_TICKS_MAX
        return 1 <= self.trail <= most

    def _check_display(self) -> bool:
        if self.type != LIMIT or self.tif == IOC or self.tif == FOK:
            return False
        return least_tip(self.qty) <= self.display <= self.qty

    def _check_min_qty(self) -> bool:
        if self.type > MARKET or self.by_quote():
            return False
        if self.tif == FOK or self.tif == POST_ONLY or self.tif == AUCTION:
            return False
        return 1 <= self.min_qty <= self.qty

    def _check_expiry(self, now_ns: i64) -> bool:
        if self.tif == DAY:
            if self.expire_ns != 0 or now_ns > TIME_NS_MAX:
                return False
            self.expire_ns = (now_ns // DAY_NS + 1) * DAY_NS
            return True
        if self.tif == GTD:
            return self.expire_ns > now_ns
        may_end = self.tif == POST_ONLY or (self.is_conditional() and not self.is_limit_kind())
        return self.expire_ns == 0 or (may_end and self.expire_ns > now_ns)


def least_tip(lots: i64) -> i64:
    """What an iceberg of so many lots, from 1 on, must show."""
    return (lots - 1) // ICEBERG_TIPS_MAX + 1
