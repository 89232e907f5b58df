"""Operators' commands: modes, money in and out, accounts, listings, limits.

Why it exists: they are rare, they need no speed, and they are the only commands that create
money, accounts or symbols; so they stand apart from trading. A rejected one makes no event.
"""

from librt.vecs import vec
from mypy_extensions import i64

from core.account_rows import B_AVAILABLE, B_HOLD, BALANCE_WORDS
from core.accounts import Accounts
from core.answer import Answer
from core.codes import (
    CMD_DEPOSIT, CMD_OPEN_ACCOUNT, IDEMPOTENCY_MISMATCH, INSUFFICIENT_FUNDS, MARKET_HALTED,
    MAX_NOTIONAL, MODE_AUCTION, MODE_HARD_HALT, MODE_NORMAL, MOVED_BY_DEPOSIT, MOVED_BY_WITHDRAWAL,
    OVERLOADED, UNKNOWN_SYMBOL, VALIDATION,
)  # fmt: skip
from core.commands import (
    C_ACCOUNT, C_KEY_HI, GROUP_NEW, LIMIT_DEDUP_ROWS, LIMIT_DEDUP_WINDOW, LIMIT_OPEN_ORDERS,
    MODE_NEW, MODE_UNTIL, MOVE_AMOUNT, MOVE_ASSET, OPEN_REF_HI, SYM_NAME_HI, SYM_NAME_LO,
    VERSION_NEW,
)  # fmt: skip
from core.dedup import (
    R_ACCOUNT, R_AMOUNT, R_ASSET, R_DETAIL, R_SEQ, R_TS, REFERENCE_WORDS, References, Replies,
)  # fmt: skip
from core.emit import EventWriter
from core.limits import ACCOUNTS_MAX, AMOUNT_MAX, ASSETS_MAX, DEDUP_ROWS_MAX, SLOT_BITS, SYMBOLS_MAX
from core.listing import A_SUPPLY, ASSET_WORDS, Listing
from core.modes import Modes
from core.profiles import FROZEN, Profiles
from core.table import NIL
from core.trading import Trading
from core.versions import VERSION_MAX


class Operators:
    """Each method carries out one command whose words it is given."""

    def __init__(
        self, listing: Listing, accounts: Accounts, profiles: Profiles, trading: Trading,
        modes: Modes, replies: Replies, references: References, events: EventWriter,
        answer: Answer,
    ) -> None:  # fmt: skip
        self.listing = listing
        self.accounts = accounts
        self.profiles = profiles
        self.modes = modes
        self.trading = trading
        self.replies = replies
        self.references = references
        self.events = events
        self.answer = answer

    def set_mode(self, symbol: i64, mode: i64, until_ns: i64, has_auctions: bool) -> None:
        """`until_ns`: of AUCTION, when the call ends by itself. The caller settles the symbol."""
        if not self.listing.has_symbol(symbol):
            self.answer.reject(UNKNOWN_SYMBOL, symbol)
            return
        if mode < MODE_NORMAL or mode > (MODE_AUCTION if has_auctions else MODE_HARD_HALT):
            self.answer.reject(VALIDATION, MODE_NEW)
            return
        if has_auctions and until_ns != 0:
            if mode != MODE_AUCTION or until_ns <= self.answer.ts_ns:
                self.answer.reject(VALIDATION, MODE_UNTIL)
                return
        self.answer.id = symbol
        if has_auctions:
            self.modes.change(symbol, mode, until_ns)
        else:
            self.modes.put(symbol, mode)
        self.trading.markets.note(symbol)
        self.answer.seq = self.events.last_seq(symbol)

    def move(self, kind: i64, account: i64, hi: i64, lo: i64, asset: i64, amount: i64) -> None:
        """A deposit or a withdrawal."""
        answer = self.answer
        if not self.check_move(account, hi, lo, asset, amount):
            return
        known = self.references.find(hi, lo, kind)
        if known != NIL:
            self._answer_again(known, account, asset, amount)
            return
        supply_at = asset * ASSET_WORDS + A_SUPPLY
        supply = self.listing.assets.rows[supply_at]
        available = self.accounts.available(self.accounts.find(account, asset))
        if kind == CMD_DEPOSIT:
            if amount > AMOUNT_MAX - supply:
                answer.reject(MAX_NOTIONAL, AMOUNT_MAX - supply)
                return
            delta = amount
        else:
            if not self.may_withdraw(account):
                return
            if amount > available:
                answer.reject(INSUFFICIENT_FUNDS, available)
                return
            delta = -amount
        row = self.accounts.ensure(account, asset)
        self.accounts.add_available(row, delta)
        self.listing.assets.rows[supply_at] = supply + delta
        self.listing.assets.touch(asset)
        rows = self.accounts.balances.rows
        at = row * BALANCE_WORDS
        reason: i64 = MOVED_BY_DEPOSIT if kind == CMD_DEPOSIT else MOVED_BY_WITHDRAWAL
        self.events.balance_changed(
            reason, account, asset, delta, rows[at + B_AVAILABLE], rows[at + B_HOLD], hi, lo
        )
        answer.id = account
        answer.seq = self.events.last_seq(0)
        answer.detail = rows[at + B_AVAILABLE]
        self.references.add(
            hi, lo, kind, account, asset, amount, answer.seq, answer.ts_ns, answer.detail
        )

    def may_withdraw(self, account: i64) -> bool:
        if self.profiles.restricted == 0:
            return True
        if self.profiles.state(account) == FROZEN:
            return self.answer.reject(MARKET_HALTED, FROZEN)
        return self.profiles.may_withdraw(account) or self.answer.reject(MARKET_HALTED, 0)

    def check_move(self, account: i64, hi: i64, lo: i64, asset: i64, amount: i64) -> bool:
        """What any movement of money must name."""
        if not self.accounts.is_open(account):
            return self.answer.reject(VALIDATION, C_ACCOUNT)
        if hi == 0 and lo == 0:
            return self.answer.reject(VALIDATION, C_KEY_HI)
        if not self.listing.has_asset(asset):
            return self.answer.reject(VALIDATION, MOVE_ASSET)
        if amount < 1 or amount > AMOUNT_MAX:
            return self.answer.reject(VALIDATION, MOVE_AMOUNT)
        return True

    def _answer_again(self, known: i64, account: i64, asset: i64, amount: i64) -> None:
        rows = self.references.table.rows
        at = known * REFERENCE_WORDS
        if (
            rows[at + R_ACCOUNT] != account
            or rows[at + R_ASSET] != asset
            or rows[at + R_AMOUNT] != amount
        ):
            self.answer.reject(IDEMPOTENCY_MISMATCH, 0)
            return
        self.answer.duplicate = True
        self.answer.id = account
        self.answer.seq = rows[at + R_SEQ]
        self.answer.ts_ns = rows[at + R_TS]
        self.answer.detail = rows[at + R_DETAIL]

    def open_account(self, hi: i64, lo: i64) -> None:
        answer = self.answer
        if hi == 0 and lo == 0:
            answer.reject(VALIDATION, OPEN_REF_HI)
            return
        known = self.references.find(hi, lo, CMD_OPEN_ACCOUNT)
        if known != NIL:
            answer.duplicate = True
            answer.id = self.references.table.rows[known * REFERENCE_WORDS + R_ACCOUNT]
            return
        if self.accounts.accounts.count > ACCOUNTS_MAX:
            answer.reject(OVERLOADED, ACCOUNTS_MAX)
            return
        answer.id = self.accounts.open()
        self.events.account_opened(answer.id, hi, lo)
        answer.seq = self.events.last_seq(0)
        self.references.add(hi, lo, CMD_OPEN_ACCOUNT, answer.id, 0, 0, answer.seq, answer.ts_ns, 0)

    def list_asset(self, hi: i64, lo: i64, scale: i64) -> None:
        answer = self.answer
        wrong = self.listing.check_asset(hi, lo, scale)
        if wrong != 0:
            answer.reject(VALIDATION, wrong)
            return
        known = self.listing.find_asset(hi, lo)
        if known != NIL:
            answer.duplicate = True
            answer.id = known
            return
        if self.listing.assets.count > ASSETS_MAX:
            answer.reject(OVERLOADED, ASSETS_MAX)
            return
        answer.id = self.listing.add_asset(hi, lo, scale)
        self.events.asset_listed(answer.id, hi, lo, scale)
        answer.seq = self.events.last_seq(0)

    def list_symbol(self, words: vec[i64]) -> None:
        """`words`: the whole command."""
        answer = self.answer
        spec = self.listing.spec_of(words)
        wrong = self.listing.check_symbol(words, spec)
        if wrong != 0:
            answer.reject(VALIDATION, wrong)
            return
        known = self.listing.find_symbol(words[SYM_NAME_HI], words[SYM_NAME_LO])
        if known != NIL:
            answer.duplicate = True
            answer.id = known
            return
        if self.listing.symbols.count > SYMBOLS_MAX:
            answer.reject(OVERLOADED, SYMBOLS_MAX)
            return
        symbol = self.listing.add_symbol(spec)
        self.trading.add_symbol(symbol)
        answer.id = symbol
        self.events.symbol_listed(symbol, spec)
        answer.seq = self.events.last_seq(symbol)

    def set_limits(self, open_orders: i64, window_ns: i64, rows: i64) -> None:
        if open_orders < 1 or open_orders > 1 << SLOT_BITS:
            self.answer.reject(VALIDATION, LIMIT_OPEN_ORDERS)
            return
        if window_ns < 1 or window_ns > AMOUNT_MAX:
            self.answer.reject(VALIDATION, LIMIT_DEDUP_WINDOW)
            return
        if rows < 1 or rows > DEDUP_ROWS_MAX:
            self.answer.reject(VALIDATION, LIMIT_DEDUP_ROWS)
            return
        self.trading.open_orders_max = open_orders
        self.replies.set_limits(self.answer.ts_ns, window_ns, rows)
        self.events.limits_changed(open_orders, window_ns, rows)
        self.answer.seq = self.events.last_seq(0)

    def set_group(self, account: i64, group: i64) -> None:
        if not self.accounts.is_open(account):
            self.answer.reject(VALIDATION, C_ACCOUNT)
            return
        if group < 0:
            self.answer.reject(VALIDATION, GROUP_NEW)
            return
        before = self.profiles.set_group(account, group)
        self.events.group_changed(account, group, before)
        self.answer.id = account
        self.answer.seq = self.events.last_seq(0)

    def set_version(self, version: i64, old_version: i64) -> bool:
        """Whether a new version is in force now; what the program knows is not judged here."""
        if version < old_version or version > VERSION_MAX:
            return self.answer.reject(VALIDATION, VERSION_NEW)
        self.answer.id = version
        if version == old_version:
            self.answer.duplicate = True
            return False
        self.events.version_changed(version, old_version)
        self.answer.seq = self.events.last_seq(0)
        return True
