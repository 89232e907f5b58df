"""Changing a symbol's mode: by an operator, by a call's own end, and to protect the market.

Why it exists: whoever changes a mode, what it leads to is the same: a call begins, is left or is
uncrossed. It must not know why.
"""

from mypy_extensions import i64

from core.auction import Auction
from core.codes import MODE_AUCTION, MODE_NORMAL, MODE_POST_ONLY
from core.listing import S_MODE, SYMBOL_WORDS
from core.markets import M_CALL_FIRST, M_TARGET
from core.trading import Trading


class Modes:
    """Of all symbols."""

    def __init__(self, trading: Trading, auction: Auction) -> None:
        self.trading = trading
        self.auction = auction

    def put(self, symbol: i64, mode: i64) -> None:
        """The mode and nothing else, as it was before there were auctions."""
        at = symbol * SYMBOL_WORDS + S_MODE
        rows = self.trading.listing.symbols.rows
        old_mode = rows[at]
        rows[at] = mode
        self.trading.events.symbol_mode_changed(symbol, mode, old_mode)

    def change(self, symbol: i64, mode: i64, until_ns: i64) -> None:
        """A mode in which orders trade is entered by an uncrossing, if there was a call.

        `until_ns`: of AUCTION, when the call ends by itself. The caller settles the symbol.
        """
        markets = self.trading.markets
        old_mode = self.trading.listing.symbols.rows[symbol * SYMBOL_WORDS + S_MODE]
        may_trade = mode == MODE_NORMAL or mode == MODE_POST_ONLY
        if self.trading.execution.is_strict and markets.get(symbol, M_TARGET) != 0:
            # Begun anew it would trade at another price: one auction has one.
            if may_trade:
                markets.set(symbol, M_TARGET, mode + 1)
                return
            self.auction.interrupt(symbol)
        markets.set(symbol, M_TARGET, 0)
        if may_trade and (
            old_mode == MODE_AUCTION
            or markets.get(symbol, M_CALL_FIRST) != 0
            or self.auction.is_crossed(symbol)
        ):
            self.auction.begin_uncrossing(symbol, mode)
            return
        if old_mode == MODE_AUCTION:
            self.auction.leave(symbol)
        self.put(symbol, mode)
        if mode == MODE_AUCTION:
            self.auction.begin(symbol, until_ns)
