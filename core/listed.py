"""Order lists: OCO, OTO and OTOCO, placed by one command or not at all.

Why it exists: the legs of a list are checked together, hold together no more than can happen, and
get their ids together. It must not know what becomes of a list later: `core.endings` cancels the
other one of a pair, and `core.cascade` brings the legs that wait into the market.

    OCO     first and second are a pair: when one trades or is triggered, the other is canceled
    OTO     second waits until first is filled
    OTOCO   second and third wait until first is filled, and are a pair then

A leg that is canceled, or ends unfilled, takes the whole list with it.
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from core.codes import (
    AUCTION, BUY, CANCEL_ONLY, DUPLICATE_ORDER_ID, INSUFFICIENT_FUNDS, LIMIT, LIST_EXECUTING,
    LIST_OCO, LIST_OTO, LIST_OTOCO, MARKET_HALTED, MODE_CANCEL_ONLY, MODE_NORMAL, OVERLOADED,
    PEGGED, POST_ONLY_WOULD_TRADE, SELL, STATUS_NEW, VALIDATION,
)  # fmt: skip
from core.commands import (
    C_HEAD, LEG_CLIENT_HI, LEG_CLIENT_LO, LEG_DISPLAY, LEG_EXPIRE, LEG_PRICE, LEG_QTY, LEG_TERMS,
    LEG_TRAIL, LEG_TRIGGER, LEG_WORDS, LIST_CLIENT_HI, LIST_CLIENT_LO, LIST_KIND, LIST_LEGS,
    LIST_STP, PLACE_PRICE, PLACE_QTY, TERMS_DISPLAY, TERMS_EXPIRE, TERMS_STP, TERMS_TRAIL,
    TERMS_TRIGGER,
)  # fmt: skip
from core.conditional import Conditional
from core.limits import SLOT_BITS
from core.order_lists import G_ID, LEGS_MAX, LIST_WORDS
from core.order_store import O_ID, ORDER_SHIFT
from core.table import NIL
from core.terms import OWNER_BITS
from core.ticket import NOTHING_WRONG, Ticket
from core.trading import Trading

_TICKET_WORDS: Final = (
    C_HEAD, PLACE_PRICE, PLACE_QTY, TERMS_TRIGGER, TERMS_TRAIL, TERMS_DISPLAY, TERMS_EXPIRE,
)  # fmt: skip
_LEG_WORDS_OF_THEM: Final = (
    LEG_TERMS, LEG_PRICE, LEG_QTY, LEG_TRIGGER, LEG_TRAIL, LEG_DISPLAY, LEG_EXPIRE,
)  # fmt: skip


class Listed:
    """Places lists."""

    def __init__(self, trading: Trading, conditional: Conditional) -> None:
        self.trading = trading
        self.conditional = conditional
        self._tickets: list[Ticket] = [Ticket(), Ticket(), Ticket()]
        self._slots: vec[i64] = vec[i64]([NIL, NIL, NIL])

    def use_version(self, last_tif: i64) -> None:
        for ticket in self._tickets:
            ticket.last_tif = last_tif

    def place(self, symbol: i64, account: i64, words: vec[i64]) -> None:
        """`words`: the whole command. The symbol is listed, the account open."""
        trading = self.trading
        trading.execution.use(symbol)
        kind = words[LIST_KIND]
        if not self._check_mode():
            return
        if kind < LIST_OCO or kind > LIST_OTOCO:
            trading.reject(VALIDATION, LIST_KIND)
            return
        if not self._check_legs(symbol, account, kind, words):
            return
        if not self._check_account(kind):
            return
        if kind == LIST_OCO:
            hold = self._plan_pair()
        elif trading.plan(self._tickets[0], 0):
            hold = trading.hold
        else:
            return
        if hold < 0:
            return
        self._accept(kind, words, hold)

    def _legs(self, kind: i64) -> i64:
        return LEGS_MAX if kind == LIST_OTOCO else LEGS_MAX - 1

    # --- checks -------------------------------------------------------------------------------

    def _check_mode(self) -> bool:
        mode = self.trading.execution.mode
        if mode == MODE_NORMAL:
            return True
        return self.trading.reject(CANCEL_ONLY if mode == MODE_CANCEL_ONLY else MARKET_HALTED, mode)

    def _check_legs(self, symbol: i64, account: i64, kind: i64, words: vec[i64]) -> bool:
        leg: i64 = 0
        while leg < LEGS_MAX:
            at = LIST_LEGS + leg * LEG_WORDS
            if leg < self._legs(kind):
                wrong = self._read_leg(symbol, account, kind, leg, words)
            else:
                wrong = self._not_empty(words, at)
            if wrong != NOTHING_WRONG:
                return self.trading.reject(VALIDATION, wrong)
            leg += 1
        wrong = self._wrong_pair(kind)
        if wrong != NOTHING_WRONG:
            return self.trading.reject(VALIDATION, wrong)
        leg = 0
        self.trading.risk.begin_list()
        while leg < self._legs(kind):
            if not self.trading.check_bounds(self._tickets[leg]):
                return False
            if self.trading.has_risk:
                if not self.trading.risk.check_order(self._tickets[leg], self._legs(kind)):
                    return False
            leg += 1
        return True

    def _not_empty(self, words: vec[i64], at: i64) -> i64:
        i: i64 = 0
        while i < LEG_WORDS:
            if words[at + i] != 0:
                return at + i
            i += 1
        return NOTHING_WRONG

    def _read_leg(self, symbol: i64, account: i64, kind: i64, leg: i64, words: vec[i64]) -> i64:
        """The leg's ticket; the number of the command's word that is wrong in it."""
        t = self._tickets[leg]
        at = LIST_LEGS + leg * LEG_WORDS
        t.set_order(
            symbol, account, words[at + LEG_TERMS], words[at + LEG_PRICE], words[at + LEG_QTY],
            words[at + LEG_CLIENT_HI], words[at + LEG_CLIENT_LO],
        )  # fmt: skip
        t.set_terms(
            words[LIST_STP], words[at + LEG_TRIGGER], words[at + LEG_TRAIL],
            words[at + LEG_DISPLAY], 0, words[at + LEG_EXPIRE], 0,
        )  # fmt: skip
        t.list_leg = 1  # planned as a leg; which one of which list is known when it is accepted
        wrong = t.wrong_word(self.trading.answer.ts_ns)
        if wrong == TERMS_STP:
            return LIST_STP
        i: i64 = 0
        while i < len(_TICKET_WORDS):
            if wrong == _TICKET_WORDS[i]:
                return at + _LEG_WORDS_OF_THEM[i]
            i += 1
        assert wrong == NOTHING_WRONG, "list: a leg has a word wrong that it does not have"
        return wrong if self._fits(t, kind, leg) else at + LEG_TERMS

    def _fits(self, t: Ticket, kind: i64, leg: i64) -> bool:
        """Whether an order of that kind may be this leg."""
        if t.type == PEGGED or t.tif == AUCTION:
            return False
        if kind == LIST_OTO:
            return leg == 1 or t.type == LIMIT
        if kind == LIST_OTOCO and leg == 0:
            return t.type == LIMIT
        if t.by_quote():
            return False
        is_second = leg == self._legs(kind) - 1
        return t.is_conditional() or (not is_second and t.type == LIMIT and t.may_rest())

    def _wrong_pair(self, kind: i64) -> i64:
        """Both of a pair are for the same side and as many lots."""
        if kind == LIST_OTO:
            return NOTHING_WRONG
        second = self._legs(kind) - 1
        one = self._tickets[second - 1]
        two = self._tickets[second]
        at = LIST_LEGS + second * LEG_WORDS
        if one.side != two.side:
            return at + LEG_TERMS
        return NOTHING_WRONG if one.qty == two.qty else at + LEG_QTY

    def _check_account(self, kind: i64) -> bool:
        trading = self.trading
        legs = self._legs(kind)
        leg: i64 = 0
        while leg < legs:
            t = self._tickets[leg]
            if not trading.check_account(t, legs):
                return False
            other: i64 = 0
            while other < leg:
                before = self._tickets[other]
                has_client = t.client_hi != 0 or t.client_lo != 0
                if has_client and t.client_hi == before.client_hi:
                    if t.client_lo == before.client_lo:
                        return trading.reject(DUPLICATE_ORDER_ID, 0)
                other += 1
            leg += 1
        if not trading.endings.lists.has_room():
            return trading.reject(OVERLOADED, 1 << SLOT_BITS)
        return True

    def _plan_pair(self) -> i64:
        """The hold of an OCO's first leg; NIL if it was refused."""
        trading = self.trading
        first = self._tickets[0]
        if first.type == LIMIT:
            best = trading.books[first.symbol].best(SELL if first.side == BUY else BUY)
            if trading.crosses(first.side, first.price, best):
                trading.reject(POST_ONLY_WOULD_TRADE, best)
                return NIL
        elif not self.conditional.check_trigger(first):
            return NIL
        second = self._tickets[1]
        if not self.conditional.check_trigger(second):
            return NIL
        hold = self.conditional.hold_for(first)
        most = self.conditional.hold_for(second)
        most = most if most > hold else hold
        trading.pays = trading.accounts.find(
            first.account, trading.execution.asset_paid(first.side)
        )
        available = trading.accounts.available(trading.pays)
        if most > available:
            trading.reject(INSUFFICIENT_FUNDS, available)
            return NIL
        trading.hold = most - hold
        return hold

    # --- carrying it out ----------------------------------------------------------------------

    def _accept(self, kind: i64, words: vec[i64], hold: i64) -> None:
        """Ids for the list and its legs, their events, then the first leg's life begins."""
        trading = self.trading
        lists = trading.endings.lists
        first = self._tickets[0]
        row = lists.allocate(
            kind, first.account, first.symbol, words[LIST_CLIENT_HI], words[LIST_CLIENT_LO]
        )
        list_id = lists.table.rows[row * LIST_WORDS + G_ID]
        second_hold: i64 = trading.hold if kind == LIST_OCO else 0
        leg: i64 = 0
        while leg < self._legs(kind):
            t = self._tickets[leg]
            t.list_id = list_id
            t.list_leg = (row + 1) | leg << OWNER_BITS
            if leg == 0 and t.type == LIMIT:
                slot = trading.accept(t, t.qty, hold)
                trading.open_orders.add(slot, t.account, t.client_hi, t.client_lo)
            else:
                if leg > 0 and kind != LIST_OCO:
                    trading.pays = NIL
                slot = self.conditional.accept(t, hold if leg == 0 else second_hold)
                if kind == LIST_OCO:
                    self.conditional.park(t, slot)
                else:
                    self.conditional.park_waiting(t, slot)
            self._slots[leg] = slot
            lists.set_leg(row, leg, trading.store.orders.rows[(slot << ORDER_SHIFT) + O_ID])
            leg += 1
        trading.events.order_list_changed(
            first.symbol, kind, LIST_EXECUTING, list_id, first.account, lists.leg(row, 0),
            lists.leg(row, 1), lists.leg(row, 2), words[LIST_CLIENT_HI], words[LIST_CLIENT_LO],
        )  # fmt: skip
        trading.answer.remaining = first.qty
        trading.answer.status = STATUS_NEW
        if first.type == LIMIT:
            trading.answer.id = lists.leg(row, 0)
            trading.run(first, self._slots[0], True)
        trading.answer.id = list_id
