"""The operators' command that lays down a schedule of fees.

Why it exists: a wrong rate costs somebody money on every trade, so each field has its bounds, and
each change has a number that the trades after it name. It must not know when a rate is used.
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from core.accounts import Accounts
from core.answer import Answer
from core.codes import OVERLOADED, UNKNOWN_SYMBOL, VALIDATION
from core.commands import C_ACCOUNT, FEES_COUNT, FEES_TIERS
from core.emit import EventWriter
from core.fees import E_COUNT, E_TIERS, E_VERSION, FEE_WORDS, TIER_WORDS, TIERS_MAX, Fees
from core.limits import AMOUNT_MAX, FEE_PPM_MAX, FEE_SCHEDULES_MAX
from core.listing import Listing

TIERS: Final = TIERS_MAX * TIER_WORDS


class FeeOrders:
    """`set` carries out the command."""

    def __init__(
        self, listing: Listing, accounts: Accounts, fees: Fees, events: EventWriter, answer: Answer
    ) -> None:
        self.listing = listing
        self.accounts = accounts
        self.fees = fees
        self.events = events
        self.answer = answer

    def set(self, symbol: i64, account: i64, words: vec[i64]) -> None:
        """`words`: the whole command. Symbol 0: the account's rate everywhere, of one tier."""
        if not self.listing.has_symbol(symbol) and (symbol != 0 or account == 0):
            self.answer.reject(UNKNOWN_SYMBOL, symbol)
            return
        if account != 0 and not self.accounts.is_open(account):
            self.answer.reject(VALIDATION, C_ACCOUNT)
            return
        wrong = self._wrong_word(symbol, words)
        if wrong != 0:
            self.answer.reject(VALIDATION, wrong)
            return
        fees = self.fees
        if not fees.has(account, symbol) and fees.table.count == FEE_SCHEDULES_MAX:
            self.answer.reject(OVERLOADED, FEE_SCHEDULES_MAX)
            return
        row = fees.ensure(account, symbol)
        fees.version += 1
        rows = fees.table.rows
        at = row * FEE_WORDS
        rows[at + E_VERSION] = fees.version
        rows[at + E_COUNT] = words[FEES_COUNT]
        i: i64 = 0
        while i < TIERS:
            rows[at + E_TIERS + i] = words[FEES_TIERS + i]
            i += 1
        fees.table.touch(row)
        self.events.fees_changed(symbol, account, fees.version, words)
        self.answer.id = fees.version
        self.answer.seq = self.events.last_seq(symbol)

    def _wrong_word(self, symbol: i64, words: vec[i64]) -> i64:
        """The number of the word that is out of its bounds, or 0."""
        count = words[FEES_COUNT]
        if count < 0 or count > TIERS_MAX or (symbol == 0 and count > 1):
            return FEES_COUNT
        at: i64 = FEES_TIERS
        before: i64 = -1
        while at < FEES_TIERS + count * TIER_WORDS:
            volume = words[at]
            maker = words[at + 1]
            taker = words[at + 2]
            if volume <= before or volume > AMOUNT_MAX or (before == -1 and volume != 0):
                return at
            if maker < -FEE_PPM_MAX or maker > FEE_PPM_MAX:
                return at + 1
            if taker < 0 or taker > FEE_PPM_MAX:
                return at + 2
            if maker + taker < 0:
                return at + 1
            before = volume
            at += TIER_WORDS
        while at < FEES_TIERS + TIERS:
            if words[at] != 0:
                return at
            at += 1
        return 0
