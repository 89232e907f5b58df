"""Operators' commands that lay down limits: rules of a market, of an account in it, of an account.

Why it exists: a wrong limit stops a market as surely as a wrong order, so each field has its
bounds, and each change is an event. It must not know what a limit does.
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from core.accounts import Accounts
from core.answer import Answer
from core.codes import CANCELED_KILLED, MODE_AUCTION, MODE_CANCEL_ONLY, UNKNOWN_SYMBOL, VALIDATION
from core.commands import (
    ACCOUNT_HALTED, ACCOUNT_STATE, C_ACCOUNT, DESK_KILLED, DESK_RULES, REFERENCE_PRICE,
    RULES_FIRST,
)  # fmt: skip
from core.emit import EventWriter
from core.limits import AMOUNT_MAX, DAY_NS, PRICE_TICKS_MAX, QTY_LOTS_MAX, SLOT_BITS
from core.listing import Listing
from core.mass_cancel import MassCancel
from core.profiles import FROZEN, Profiles
from core.rules import (
    D_OWN, DESK_WORDS, KILLED, KILLING, OWN_RULES, RULES, U_ACTION, U_COUNT, U_MOVE, U_POSITION,
    U_REFERENCE, U_WINDOW, Rules,
)  # fmt: skip

_BPS_MAX: Final = 1_000_000
"""A hundred times the reference: beyond it a band is no band."""
_COUNT_MAX: Final = 1_000_000
_RATE_MAX: Final = 1_000_000_000
RULE_MOST: Final = (
    _BPS_MAX, _BPS_MAX, _BPS_MAX, _BPS_MAX, _BPS_MAX, _BPS_MAX, _COUNT_MAX, _BPS_MAX, DAY_NS,
    MODE_AUCTION, DAY_NS, PRICE_TICKS_MAX, QTY_LOTS_MAX, QTY_LOTS_MAX, AMOUNT_MAX, 1 << SLOT_BITS,
    1 << SLOT_BITS, _RATE_MAX, _COUNT_MAX, AMOUNT_MAX,
)  # fmt: skip
"""The greatest value of each rule; the least is 0."""


class RiskOrders:
    """Each method carries out one command."""

    def __init__(
        self, listing: Listing, accounts: Accounts, profiles: Profiles, rules: Rules,
        mass_cancel: MassCancel, events: EventWriter, answer: Answer,
    ) -> None:  # fmt: skip
        self.listing = listing
        self.accounts = accounts
        self.profiles = profiles
        self.rules = rules
        self.mass_cancel = mass_cancel
        self.events = events
        self.answer = answer

    def set_rules(self, symbol: i64, words: vec[i64]) -> None:
        """`words`: the whole command."""
        if not self.listing.has_symbol(symbol):
            self.answer.reject(UNKNOWN_SYMBOL, symbol)
            return
        wrong = self._wrong_rule(words)
        if wrong != 0:
            self.answer.reject(VALIDATION, wrong)
            return
        rule: i64 = 0
        while rule < RULES:
            self.rules.set(symbol, rule, words[RULES_FIRST + rule])
            rule += 1
        self.events.rules_changed(symbol, words)
        self._done(symbol, symbol)

    def _wrong_rule(self, words: vec[i64]) -> i64:
        """The number of the word that is out of its bounds, or 0."""
        rule: i64 = 0
        while rule < RULES:
            value = words[RULES_FIRST + rule]
            if value < 0 or value > RULE_MOST[rule]:
                return RULES_FIRST + rule
            rule += 1
        action = words[RULES_FIRST + U_ACTION]
        if action != 0 and action != MODE_CANCEL_ONLY and action != MODE_AUCTION:
            return RULES_FIRST + U_ACTION
        if words[RULES_FIRST + U_COUNT] != 0 or words[RULES_FIRST + U_MOVE] != 0:
            if words[RULES_FIRST + U_WINDOW] == 0:
                return RULES_FIRST + U_WINDOW
            if action == 0:
                return RULES_FIRST + U_ACTION
        return 0

    def set_desk(self, symbol: i64, account: i64, words: vec[i64]) -> None:
        """An account's own limits in a market; `words`: the whole command."""
        if not self.listing.has_symbol(symbol):
            self.answer.reject(UNKNOWN_SYMBOL, symbol)
            return
        if not self.accounts.is_open(account):
            self.answer.reject(VALIDATION, C_ACCOUNT)
            return
        rule: i64 = 0
        while rule < OWN_RULES:
            value = words[DESK_RULES + rule]
            if value < -1 or value > RULE_MOST[U_POSITION + rule]:
                self.answer.reject(VALIDATION, DESK_RULES + rule)
                return
            rule += 1
        killed = words[DESK_KILLED]
        if killed < 0 or killed > 1:
            self.answer.reject(VALIDATION, DESK_KILLED)
            return
        row = self.rules.ensure_desk(account, symbol)
        at = row * DESK_WORDS
        rule = 0
        while rule < OWN_RULES:
            self.rules.desks.rows[at + D_OWN + rule] = words[DESK_RULES + rule]
            rule += 1
        self.rules.set_killed(row, KILLED if killed != 0 else 0)
        self.events.desk_changed(symbol, account, words)
        self._done(account, symbol)
        if killed != 0:
            is_all = self.mass_cancel.of_account(symbol, account, CANCELED_KILLED)
            if not is_all and self.mass_cancel.trading.execution.is_strict:
                self.rules.set_killed(row, KILLING)

    def set_account(self, account: i64, state: i64, halted: i64) -> None:
        """Account 0: whether anybody may withdraw."""
        if account != 0 and not self.accounts.is_open(account):
            self.answer.reject(VALIDATION, C_ACCOUNT)
            return
        if state < 0 or state > FROZEN or (account == 0 and state != 0):
            self.answer.reject(VALIDATION, ACCOUNT_STATE)
            return
        if halted < 0 or halted > 1:
            self.answer.reject(VALIDATION, ACCOUNT_HALTED)
            return
        self.profiles.restrict(account, state, halted)
        self.events.account_restricted(account, state, halted)
        self._done(account, 0)

    def set_reference(self, symbol: i64, price: i64) -> None:
        if not self.listing.has_symbol(symbol):
            self.answer.reject(UNKNOWN_SYMBOL, symbol)
            return
        if price < 0 or price > PRICE_TICKS_MAX:
            self.answer.reject(VALIDATION, REFERENCE_PRICE)
            return
        self.rules.set(symbol, U_REFERENCE, price)
        self.events.reference_set(symbol, price)
        self._done(symbol, symbol)

    def _done(self, id_: i64, stream: i64) -> None:
        self.answer.id = id_
        self.answer.seq = self.events.last_seq(stream)
