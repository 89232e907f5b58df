"""What clients ask for, word by word, and who carries it out.

Why it exists: the machine sees to what stands around every command (who, once, an answer); here a
command's words become a ticket and go to the part whose business it is. It must not know the log.
"""

from librt.strings import read_i64_le
from mypy_extensions import i64

from core.amending import Amending
from core.codes import (
    AUCTION, CMD_AMEND, CMD_CANCEL, CMD_CANCEL_ALL, CMD_PLACE, CMD_PLACE_LIST, CMD_PLACE_TERMS,
    MODE_AUCTION, PEGGED, VALIDATION,
)  # fmt: skip
from core.commands import AFTER_NS, C_HEAD, PLACE_TERMS_WORDS, TERMS_ZERO, words_of
from core.conditional import Conditional
from core.limits import CANCEL_AFTER_NS_MAX, TIME_NS_MAX
from core.listed import Listed
from core.mass_cancel import MassCancel
from core.pegs import Pegs
from core.ticket import Ticket
from core.trading import Trading
from core.versions import VERSION_ORDER_TERMS, VERSION_RISK


class Decisions:
    """One command at a time; its symbol and account have been checked."""

    def __init__(
        self, trading: Trading, ticket: Ticket, conditional: Conditional, pegs: Pegs,
        listed: Listed, amending: Amending, mass_cancel: MassCancel,
    ) -> None:  # fmt: skip
        self.trading = trading
        self.ticket = ticket
        self.conditional = conditional
        self.pegs = pegs
        self.listed = listed
        self.amending = amending
        self.mass_cancel = mass_cancel

    def decide(
        self, commands: bytes, at: i64, head: i64, kind: i64, symbol: i64, account: i64,
        version: i64,
    ) -> None:  # fmt: skip
        """Whatever the kind asks for."""
        w4 = read_i64_le(commands, at + 32)
        w5 = read_i64_le(commands, at + 40)
        w6 = read_i64_le(commands, at + 48)
        w7 = read_i64_le(commands, at + 56)
        has_terms = version >= VERSION_ORDER_TERMS
        if version >= VERSION_RISK and not self._may(kind, symbol, account):
            return
        if kind == CMD_PLACE:
            self.ticket.set_order(symbol, account, head >> 32, w4, w5, w6, w7)
            if self.trading.check(self.ticket):
                self.trading.place(self.ticket)
        elif kind == CMD_CANCEL:
            self.amending.cancel(symbol, account, w4)
        elif kind == CMD_AMEND:
            self.amending.amend(symbol, account, w4, w5, w6, w7 if has_terms else 0)
        elif kind == CMD_CANCEL_ALL:
            if not has_terms:
                w4 = w5 = w6 = 0
            self.mass_cancel.run(symbol, account, w4, w5, w6)
        elif not has_terms:
            self.trading.answer.reject(VALIDATION, C_HEAD)
        elif kind == CMD_PLACE_TERMS:
            self._place_terms(commands, at, head, symbol, account)
        elif kind == CMD_PLACE_LIST:
            self.listed.place(symbol, account, words_of(commands, at, (head >> 8) & 0xFF))
        else:
            self._cancel_after(symbol, account, w4)

    def _may(self, kind: i64, symbol: i64, account: i64) -> bool:
        """Whether the account may do such a thing at all. AMEND is looked at when it is found."""
        risk = self.trading.risk
        if account == 0:
            return True
        if not risk.may_act(account):
            return False
        places = kind == CMD_PLACE or kind == CMD_PLACE_TERMS or kind == CMD_PLACE_LIST
        return not places or risk.may_place(account, symbol)

    def _place_terms(self, commands: bytes, at: i64, head: i64, symbol: i64, account: i64) -> None:
        ticket = self.ticket
        ticket.set_order(
            symbol, account, head >> 32, read_i64_le(commands, at + 32),
            read_i64_le(commands, at + 40), read_i64_le(commands, at + 48),
            read_i64_le(commands, at + 56),
        )  # fmt: skip
        ticket.set_terms(
            read_i64_le(commands, at + 64), read_i64_le(commands, at + 72),
            read_i64_le(commands, at + 80), read_i64_le(commands, at + 88),
            read_i64_le(commands, at + 96), read_i64_le(commands, at + 104),
            read_i64_le(commands, at + 112),
        )  # fmt: skip
        if not self.trading.check(ticket):
            return
        if read_i64_le(commands, at + 8 * (PLACE_TERMS_WORDS - 1)) != 0:
            self.trading.answer.reject(VALIDATION, TERMS_ZERO)
        elif ticket.is_conditional():
            self.conditional.place(ticket)
        elif ticket.tif == AUCTION and self.trading.execution.mode != MODE_AUCTION:
            self.conditional.place_for_auction(ticket)
        elif ticket.type == PEGGED:
            self.pegs.place(ticket)
        else:
            self.trading.place(ticket)

    def _cancel_after(self, symbol: i64, account: i64, after_ns: i64) -> None:
        if (
            after_ns < 0
            or after_ns > CANCEL_AFTER_NS_MAX
            or self.trading.answer.ts_ns > TIME_NS_MAX
        ):
            self.trading.answer.reject(VALIDATION, AFTER_NS)
            return
        deadline = self.trading.answer.ts_ns + after_ns if after_ns > 0 else 0
        before = self.trading.timers.set_switch(account, symbol, deadline)
        if deadline != 0 or before != 0:
            self.trading.events.cancel_after_set(symbol, account, deadline)
        self.trading.answer.detail = deadline
