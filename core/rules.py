"""What operators have laid down for markets, accounts in markets, and accounts: limits as data.

Why it exists: every limit is a number that a logged command sets, with a reason and a ticket, so
that an audit can say what was in force at any log index. Here they lie; `core.risk` reads them.
Zero means that there is no such limit.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.index import Index
from core.table import NIL, Table

# Words of a market's row, which is the symbol's; those of SET_RULES from 4 on, in their order.
U_BUY_UP: Final = 0  # hundredths of a per cent that a buyer's limit may lie above the reference
U_BUY_DOWN: Final = 1  # below
U_SELL_UP: Final = 2
U_SELL_DOWN: Final = 3
U_STATIC: Final = 4  # how far a trade may lie from the last auction's price, or the set one
U_DYNAMIC: Final = 5  # how far from the last trade before the order
U_COUNT: Final = 6  # orders stopped by a collar within the window that trip the breaker
U_MOVE: Final = 7  # how far the price may move within the window
U_WINDOW: Final = 8  # log nanoseconds
U_ACTION: Final = 9  # the mode to go into
U_CALL: Final = 10  # of AUCTION: how long the call lasts, nanoseconds; 0 = until it is ended
U_TICK_STEP: Final = 11  # prices are multiples of so many ticks
U_LOT_STEP: Final = 12  # quantities are multiples of so many lots
U_MIN_QTY: Final = 13  # lots
U_POSITION: Final = 14  # lots that an account may own and be about to buy
U_OPEN: Final = 15  # open orders of an account here
U_PARKED: Final = 16  # those of them that are parked
U_RATE: Final = 17  # commands a second of an account here that place or amend
U_BURST: Final = 18  # of them at once
U_DAILY: Final = 19  # quote units that an account may trade here in a day, UTC
RULES: Final = 20
U_REFERENCE: Final = 20  # the set price; ticks
RULE_WORDS: Final = 32

# Words of an account's row in a market.
D_ACCOUNT: Final = 0
D_SYMBOL: Final = 1
D_OWN: Final = 2  # its own U_POSITION to U_DAILY, in their order; 0 = the market's, -1 = no limit
OWN_RULES: Final = 6
D_KILLED: Final = 8  # not 0: it may only cancel here
D_NEXT_NS: Final = 9  # when its commands would be within the rate, had they come evenly
D_DAY: Final = 10  # log time // a day, of
D_TRADED: Final = 11  # quote units that it traded
DESK_WORDS: Final = 12

# Values of D_KILLED.
KILLED: Final = 1
KILLING: Final = 2
"""Its open orders were more than one command cancels: the rest is canceled before the next ones."""


class Rules:
    """Markets' rows, by symbol, and accounts' rows in markets."""

    def __init__(self) -> None:
        self.table = Table("rules", RULE_WORDS)
        self.desks = Table("desks", DESK_WORDS)
        self.killing: i64 = 0
        """Desks that are KILLING. Derived."""
        self._by_account = Index(self.desks, 2)
        self._laid_down: vec[i64] = vec[i64]()
        """Of each symbol: how many of its rules are not 0. Derived."""
        self.add()

    def add(self) -> None:
        """A row for one more symbol."""
        self.table.add_row()
        self._laid_down = append(self._laid_down, 0)

    def is_free(self, symbol: i64) -> bool:
        """Nothing is laid down for the market, and nothing for any account in any market.

        Most markets are so, and asking once is cheaper than reading twenty zeros.
        """
        return self.desks.count == 0 and self._laid_down[symbol] == 0

    def get(self, symbol: i64, rule: i64) -> i64:
        return self.table.rows[symbol * RULE_WORDS + rule]

    def set(self, symbol: i64, rule: i64, value: i64) -> None:
        if rule < RULES:
            before: i64 = 1 if self.get(symbol, rule) != 0 else 0
            self._laid_down[symbol] += (1 if value != 0 else 0) - before
        self.table.rows[symbol * RULE_WORDS + rule] = value
        self.table.touch(symbol)

    def desk(self, account: i64, symbol: i64) -> i64:
        """The account's row in the market, or NIL."""
        if self.desks.count == 0:
            return NIL
        return self._by_account.find(account, symbol, 0)

    def ensure_desk(self, account: i64, symbol: i64) -> i64:
        row = self._by_account.find(account, symbol, 0)
        if row == NIL:
            row = self.desks.add_row()
            self.desks.rows[row * DESK_WORDS + D_ACCOUNT] = account
            self.desks.rows[row * DESK_WORDS + D_SYMBOL] = symbol
            self._by_account.put(row)
        return row

    def set_killed(self, row: i64, value: i64) -> None:
        at = row * DESK_WORDS + D_KILLED
        self.killing -= 1 if self.desks.rows[at] == KILLING else 0
        self.killing += 1 if value == KILLING else 0
        self.desks.rows[at] = value
        self.desks.touch(row)

    def first_killing(self) -> i64:
        """The first desk that is KILLING, or NIL."""
        row: i64 = 0
        while self.killing > 0 and row < self.desks.count:
            if self.desks.rows[row * DESK_WORDS + D_KILLED] == KILLING:
                return row
            row += 1
        return NIL

    def limit(self, row: i64, symbol: i64, rule: i64) -> i64:
        """What holds for an account (`row` its desk, or NIL), of the rules from U_POSITION on."""
        if row != NIL:
            own = self.desks.rows[row * DESK_WORDS + D_OWN + rule - U_POSITION]
            if own != 0:
                return 0 if own < 0 else own
        return self.get(symbol, rule)

    def rebuild(self) -> None:
        """The index and the counts, from the tables."""
        self.killing = 0
        self._by_account = Index(self.desks, 2)
        self._laid_down = vec[i64]()
        symbol: i64 = 0
        while symbol < self.table.count:
            count: i64 = 0
            rule: i64 = 0
            while rule < RULES:
                if self.get(symbol, rule) != 0:
                    count += 1
                rule += 1
            self._laid_down = append(self._laid_down, count)
            symbol += 1
        row: i64 = 0
        while row < self.desks.count:
            self._by_account.put(row)
            if self.desks.rows[row * DESK_WORDS + D_KILLED] == KILLING:
                self.killing += 1
            row += 1
