"""Fees: what a trade costs each side, by schedules that operators lay down and by what one traded.

Why it exists: a rate that depends on thirty days of trading is exact on every replica only if the
machine itself counts them, and a client who asks why a fee was what it was must be told by which
schedule. It must not know how a trade came about, nor move money.
"""

from typing import Final

from mypy_extensions import i64

from core.amounts import sum_of
from core.answer import Answer
from core.index import Index
from core.limits import DAY_NS
from core.table import NIL, Table

# Words of a schedule's row.
E_ACCOUNT: Final = 0  # 0 = every account
E_SYMBOL: Final = 1  # 0 = every symbol
E_VERSION: Final = 2  # the how-manieth change of any schedule it was
E_COUNT: Final = 3  # tiers; 0 = it was taken away
E_TIERS: Final = 4  # from so much volume on, the maker's rate, the taker's
FEE_WORDS: Final = 22
TIERS_MAX: Final = 6
TIER_WORDS: Final = 3

# Words of an account's row for a quote asset: what it traded, in that asset's units.
V_ACCOUNT: Final = 0
V_ASSET: Final = 1
V_DAY: Final = 2  # log time // a day, of `V_TODAY`
V_TODAY: Final = 3
V_SUM: Final = 4  # of the 30 days before `V_DAY`
V_DAYS: Final = 5  # those days, each at its number modulo 30
VOLUME_WORDS: Final = 35
DAYS: Final = 30


class Fees:
    """Schedules by account and symbol, volumes by account and quote asset."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.table = Table("fees", FEE_WORDS)
        self.volumes = Table("volumes", VOLUME_WORDS)
        self._by_scope = Index(self.table, 2)
        self._by_account = Index(self.volumes, 2)
        self.version: i64 = 0
        """Changes of schedules so far; derived."""
        self._own: i64 = 0
        """Rows of accounts; derived."""
        self.used: i64 = 0
        """The version of the schedule that `rate` went by, 0 = the symbol's listing."""

    def ensure(self, account: i64, symbol: i64) -> i64:
        row = self._by_scope.find(account, symbol, 0)
        if row == NIL:
            row = self.table.add_row()
            self.table.rows[row * FEE_WORDS + E_ACCOUNT] = account
            self.table.rows[row * FEE_WORDS + E_SYMBOL] = symbol
            self._by_scope.put(row)
            self._own += 1 if account != 0 else 0
        return row

    def has(self, account: i64, symbol: i64) -> bool:
        return self._by_scope.find(account, symbol, 0) != NIL

    def _schedule(self, account: i64, symbol: i64) -> i64:
        """The account's own here, its own everywhere, the symbol's; NIL: none of them."""
        if self._own != 0:
            row = self._in_force(account, symbol)
            if row == NIL:
                row = self._in_force(account, 0)
            if row != NIL:
                return row
        return self._in_force(0, symbol)

    def _in_force(self, account: i64, symbol: i64) -> i64:
        row = self._by_scope.find(account, symbol, 0)
        if row != NIL and self.table.rows[row * FEE_WORDS + E_COUNT] == 0:
            return NIL
        return row

    def rate(self, account: i64, symbol: i64, quote: i64, maker: bool, listed: i64) -> i64:
        """Parts per million, of a maker perhaps below 0; `listed`: that of the symbol's listing."""
        self.used = 0
        if self.table.count == 0:
            return listed
        row = self._schedule(account, symbol)
        if row == NIL:
            return listed
        rows = self.table.rows
        at = row * FEE_WORDS
        self.used = rows[at + E_VERSION]
        tier = rows[at + E_COUNT] - 1
        at += E_TIERS
        if tier > 0:
            volume = self.volume(account, quote)
            while rows[at + tier * TIER_WORDS] > volume:
                tier -= 1  # the first one begins at 0
        return rows[at + tier * TIER_WORDS + (1 if maker else 2)]

    def volume(self, account: i64, quote: i64) -> i64:
        """What it traded in the 30 whole days before today, UTC; units of the quote asset."""
        row = self._by_account.find(account, quote, 0)
        if row == NIL:
            return 0
        self._roll(row)
        return self.volumes.rows[row * VOLUME_WORDS + V_SUM]

    def note(self, account: i64, quote: i64, amount: i64) -> None:
        """The account has traded so much."""
        row = self._by_account.find(account, quote, 0)
        if row == NIL:
            row = self.volumes.add_row()
            at = row * VOLUME_WORDS
            self.volumes.rows[at + V_ACCOUNT] = account
            self.volumes.rows[at + V_ASSET] = quote
            self.volumes.rows[at + V_DAY] = self.answer.ts_ns // DAY_NS
            self._by_account.put(row)
        else:
            self._roll(row)
        at = row * VOLUME_WORDS + V_TODAY
        self.volumes.rows[at] = sum_of(self.volumes.rows[at], amount)
        self.volumes.touch(row)

    def _roll(self, row: i64) -> None:
        """Days that are over go where they are summed, and what is older than 30 goes away."""
        rows = self.volumes.rows
        at = row * VOLUME_WORDS
        today = self.answer.ts_ns // DAY_NS
        day = rows[at + V_DAY]
        if day == today:
            return
        first = today - DAYS if today - DAYS > day else day
        while first < today:
            rows[at + V_DAYS + first % DAYS] = rows[at + V_TODAY] if first == day else 0
            first += 1
        rows[at + V_DAY] = today
        rows[at + V_TODAY] = 0
        total: i64 = 0
        i: i64 = 0
        while i < DAYS:
            total = sum_of(total, rows[at + V_DAYS + i])
            i += 1
        rows[at + V_SUM] = total
        self.volumes.touch(row)

    def rebuild(self) -> None:
        """Indexes and counts, from the tables."""
        self._by_scope = Index(self.table, 2)
        self._by_account = Index(self.volumes, 2)
        self.version = 0
        self._own = 0
        row: i64 = 0
        while row < self.table.count:
            self._by_scope.put(row)
            at = row * FEE_WORDS
            if self.table.rows[at + E_VERSION] > self.version:
                self.version = self.table.rows[at + E_VERSION]
            self._own += 1 if self.table.rows[at + E_ACCOUNT] != 0 else 0
            row += 1
        row = 0
        while row < self.volumes.count:
            self._by_account.put(row)
            row += 1
