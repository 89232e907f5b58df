"""What the machine remembers of each symbol's market, beside its book.

Why it exists: triggers look at the last price, pegged orders at the best ones, and both must be
cheap for a symbol that has neither. So each symbol has a row here, and one word of it says whether
anything watches the market at all. It must not know what a trigger does.

The table belongs to the state from `VERSION_ORDER_TERMS` on; before, it is kept and not counted.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.table import Table
from core.terms import T_NEXT, T_PREV, TERMS_SHIFT, Terms

# Words of a market's row, which is the symbol's.
M_LAST: Final = 0  # price of the last trade, 0 = none yet
M_HIGH: Final = 1  # highest price that triggers have not been looked at for, 0 = none
M_LOW: Final = 2  # lowest one
M_WATCH: Final = 3  # parked and pegged orders
M_PEGS: Final = 4  # pegged orders
M_PEG_FIRST: Final = 5  # the oldest one: terms row + 1, 0 = none
M_PEG_LAST: Final = 6
M_TRAILS: Final = 7  # trailing stops that wait
M_BACKLOG: Final = 8  # 1: orders that are due were left to the next command
M_CALL_FIRST: Final = 9  # orders for the auction only, in the book: terms row + 1, 0 = none
M_CALL_LAST: Final = 10
M_CALL_END: Final = 11  # log time at which the call ends by itself, 0 = never
M_TARGET: Final = 12  # the mode to go into when the uncrossing is over + 1, 0 = there is none
M_UNCROSS: Final = 13  # its price
M_TRADED: Final = 14  # its lots so far
M_IND_PRICE: Final = 15  # what was indicated last
M_IND_VOLUME: Final = 16
M_IND_SURPLUS: Final = 17
M_AUCTION: Final = 18  # price of the last auction, 0 = none yet
M_TRIPPED: Final = 19  # why the market is to be protected, 0 = it is not
M_WINDOW_START: Final = 20  # log time, 0 = there is no window
M_WINDOW_PRICE: Final = 21
M_WINDOW_COUNT: Final = 22  # orders that a collar stopped in it
MARKET_SHIFT: Final = 5
MARKET_WORDS: Final = 32


class Markets:
    """The table, and which watched symbols the command in hand has used."""

    def __init__(self) -> None:
        self.table = Table("markets", MARKET_WORDS)
        self.touched: vec[i64] = vec[i64]()
        self.touched_count: i64 = 0
        self.backlogs: i64 = 0
        """Symbols with M_BACKLOG set; derived."""
        self._noted: vec[i64] = vec[i64]()
        self.add()

    def add(self) -> None:
        """A row for one more symbol."""
        self.table.add_row()
        self._noted = append(self._noted, 0)
        self.touched = append(self.touched, 0)

    def reset(self) -> None:
        """Every market as if nothing had happened yet: the table's version begins."""
        count = self.table.count
        self.table = Table("markets", MARKET_WORDS)
        while self.table.count < count:
            self.table.add_row()
        self.rebuild()

    def rebuild(self) -> None:
        """What is derived, from the table."""
        self._noted = vec[i64]()
        self.touched = vec[i64]()
        self.touched_count = 0
        self.backlogs = 0
        row: i64 = 0
        while row < self.table.count:
            self._noted = append(self._noted, 0)
            self.touched = append(self.touched, 0)
            self.backlogs += self.table.rows[(row << MARKET_SHIFT) + M_BACKLOG]
            row += 1

    def get(self, symbol: i64, word: i64) -> i64:
        return self.table.rows[(symbol << MARKET_SHIFT) + word]

    def set(self, symbol: i64, word: i64, value: i64) -> None:
        self.table.rows[(symbol << MARKET_SHIFT) + word] = value
        self.table.touch(symbol)

    def note(self, symbol: i64) -> None:
        """The command in hand uses the symbol; remembered if anything watches it."""
        if self.table.rows[(symbol << MARKET_SHIFT) + M_WATCH] != 0:
            self.note_due(symbol)

    def note_due(self, symbol: i64) -> None:
        if self._noted[symbol] == 0:
            self._noted[symbol] = 1
            self.touched[self.touched_count] = symbol
            self.touched_count += 1

    def forget_touched(self) -> None:
        while self.touched_count > 0:
            self.touched_count -= 1
            self._noted[self.touched[self.touched_count]] = 0

    def see(self, symbol: i64, price: i64) -> None:
        """A trade at `price`."""
        rows = self.table.rows
        at = symbol << MARKET_SHIFT
        rows[at + M_LAST] = price
        if rows[at + M_WATCH] != 0:
            if price > rows[at + M_HIGH]:
                rows[at + M_HIGH] = price
            if rows[at + M_LOW] == 0 or price < rows[at + M_LOW]:
                rows[at + M_LOW] = price
        self.table.touch(symbol)

    def forget_seen(self) -> None:
        """Where nothing waits for a price any more, what was seen is nobody's concern."""
        at: i64 = 0
        while at < self.touched_count:
            symbol = self.touched[at]
            if self.get(symbol, M_WATCH) == 0 and self.get(symbol, M_HIGH) != 0:
                self.set(symbol, M_HIGH, 0)
                self.set(symbol, M_LOW, 0)
            at += 1

    def set_backlog(self, symbol: i64, value: i64) -> None:
        self.backlogs += value - self.get(symbol, M_BACKLOG)
        self.set(symbol, M_BACKLOG, value)

    def watch(self, symbol: i64, more: i64) -> None:
        self.set(symbol, M_WATCH, self.get(symbol, M_WATCH) + more)

    # --- orders that belong together, oldest first --------------------------------------------

    def add_peg(self, symbol: i64, row: i64, terms: Terms) -> None:
        """The order of that terms row begins to follow."""
        self.add_to_chain(symbol, M_PEG_FIRST, row, terms)
        self.set(symbol, M_PEGS, self.get(symbol, M_PEGS) + 1)
        self.watch(symbol, 1)

    def remove_peg(self, symbol: i64, row: i64, terms: Terms) -> None:
        self.remove_from_chain(symbol, M_PEG_FIRST, row, terms)
        self.set(symbol, M_PEGS, self.get(symbol, M_PEGS) - 1)
        self.watch(symbol, -1)

    def add_to_chain(self, symbol: i64, first: i64, row: i64, terms: Terms) -> None:
        """At its end. `first`: the word of the chain's first row; the next one is its last."""
        last = self.get(symbol, first + 1)
        rows = terms.table.rows
        rows[(row << TERMS_SHIFT) + T_PREV] = last
        rows[(row << TERMS_SHIFT) + T_NEXT] = 0
        terms.table.touch(row)
        if last == 0:
            self.set(symbol, first, row + 1)
        else:
            rows[((last - 1) << TERMS_SHIFT) + T_NEXT] = row + 1
            terms.table.touch(last - 1)
        self.set(symbol, first + 1, row + 1)

    def remove_from_chain(self, symbol: i64, first: i64, row: i64, terms: Terms) -> None:
        rows = terms.table.rows
        before = rows[(row << TERMS_SHIFT) + T_PREV]
        after = rows[(row << TERMS_SHIFT) + T_NEXT]
        if before == 0:
            self.set(symbol, first, after)
        else:
            rows[((before - 1) << TERMS_SHIFT) + T_NEXT] = after
            terms.table.touch(before - 1)
        if after == 0:
            self.set(symbol, first + 1, before)
        else:
            rows[((after - 1) << TERMS_SHIFT) + T_PREV] = before
            terms.table.touch(after - 1)
