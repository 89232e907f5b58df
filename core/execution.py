"""Execution: a match turned into money, events and book deltas.

Why it exists: what a fill means is the same whether a new order or an amended one trades, so it
is written once. It holds the symbol in hand, whose units every amount here depends on. It must
not know why an order trades, nor refuse anything: every check was made before it is called.
"""

from mypy_extensions import i64

from core.accounts import Accounts
from core.amounts import fee_of
from core.answer import Answer
from core.book import Book
from core.codes import BUY, HOUSE
from core.emit import EventWriter
from core.fees import Fees
from core.listing import (
    S_BASE, S_LOT_UNITS, S_MAKER_PPM, S_MODE, S_QUOTE, S_TAKER_PPM, S_TICK_VALUE, S_TRADES,
    SYMBOL_WORDS, Listing,
)  # fmt: skip
from core.markets import Markets
from core.open_orders import OpenOrders
from core.order_store import (
    COUNT_MASK, F_LEFT, F_PRICE, F_QTY, F_SLOT, FILL_WORDS, L_COUNT, L_TOTAL, LEVEL_SHIFT,
    O_FILLED, O_ID, O_OWNER, O_REMAINING, O_TERMS, ORDER_SHIFT, OrderStore,
)  # fmt: skip
from core.table import NIL
from core.terms import ACCOUNT_MASK


class Execution:
    """Trades one taker at a time against the books."""

    def __init__(
        self, listing: Listing, accounts: Accounts, store: OrderStore, books: list[Book],
        open_orders: OpenOrders, markets: Markets, events: EventWriter, answer: Answer,
    ) -> None:  # fmt: skip
        self.listing = listing
        self.accounts = accounts
        self.store = store
        self.books = books
        self.open_orders = open_orders
        self.markets = markets
        self.fees = Fees(answer)
        self.has_fees: bool = False
        """The machine version in force counts volumes and knows schedules."""
        self.is_strict: bool = False
        """The machine version in force is `VERSION_STRICT` or a later one."""
        # What the trade in hand costs, and by which schedules.
        self._maker_ppm: i64 = 0
        self._taker_ppm: i64 = 0
        self._maker_version: i64 = 0
        self._taker_version: i64 = 0
        self.events = events
        self.answer = answer
        # The symbol in hand; `use` reads them from its row.
        self.symbol: i64 = 0
        self.mode: i64 = 0
        self.base: i64 = 0
        self.quote: i64 = 0
        self.tick_value: i64 = 0
        self.lot_units: i64 = 0

    def use(self, symbol: i64) -> None:
        self.symbol = symbol
        self.markets.note(symbol)
        rows = self.listing.symbols.rows
        at = symbol * SYMBOL_WORDS
        self.mode = rows[at + S_MODE]
        self.base = rows[at + S_BASE]
        self.quote = rows[at + S_QUOTE]
        self.tick_value = rows[at + S_TICK_VALUE]
        self.lot_units = rows[at + S_LOT_UNITS]

    def asset_paid(self, side: i64) -> i64:
        """The asset that an order on `side` holds."""
        return self.quote if side == BUY else self.base

    def hold_of(self, side: i64, price: i64, lots: i64) -> i64:
        """What `lots` of a limit order can still cost, in units of the asset paid."""
        return price * lots * self.tick_value if side == BUY else lots * self.lot_units

    def release_hold(self, slot: i64, side: i64, price: i64, lots: i64) -> i64:
        """Give back what `lots` of a limit order hold; how much that was."""
        amount = self.hold_of(side, price, lots)
        self.accounts.reserve(self.store.orders.rows[(slot << ORDER_SHIFT) + O_TERMS] >> 8, -amount)
        return amount

    # --- matching and settlement --------------------------------------------------------------

    def trade(self, slot: i64, side: i64, price: i64, lots: i64, limit: i64) -> i64:
        """Match and settle the taker in `slot`; the lots left over.

        `price` 0 means any price. `limit`: the price by which the taker's hold was reckoned, 0 if
        it was reckoned from the book itself.
        """
        store = self.store
        store.fill_count = 0
        left = self.books[self.symbol].match(side, price, lots)
        if store.fill_count > 0:
            self.settle(slot, side, limit, 0, lots)
        return left

    def close_trade(self, slot: i64, lots: i64, left: i64, prevented: i64) -> None:
        """The taker's row and the answer, after it has traded.

        `prevented`: lots that it lost to self-trade prevention.
        """
        at = slot << ORDER_SHIFT
        rows = self.store.orders.rows
        filled = lots - left - prevented
        rows[at + O_REMAINING] = left
        rows[at + O_FILLED] += filled
        self.answer.remaining = left
        self.answer.filled = filled

    def settle(self, slot: i64, side: i64, limit: i64, first: i64, lots: i64) -> None:
        """Settle the fills from number `first` on; the taker had `lots` before them."""
        store = self.store
        at = slot << ORDER_SHIFT
        taker = store.orders.rows[at + O_OWNER] & ACCOUNT_MASK
        taker_pays = store.orders.rows[at + O_TERMS] >> 8
        taker_gets = self.accounts.ensure(taker, self.base if side == BUY else self.quote)
        left = lots
        fill = first * FILL_WORDS
        end = store.fill_count * FILL_WORDS
        while fill < end:
            left -= store.fills[fill + F_QTY]
            self._settle(fill, side, limit, taker, taker_pays, taker_gets, left)
            fill += FILL_WORDS

    def settle_auction(self, price: i64, bid: i64) -> None:
        """The last two fills, a buyer's and a seller's, are one trade at the auction's `price`.

        `bid`: the buyer's limit. Nobody takes in an auction: both pay as makers. In the event the
        buyer stands as the taker, because it is he who may get something back.
        """
        store = self.store
        fills = store.fills
        buyer_slot = fills[F_SLOT]
        seller_slot = fills[FILL_WORDS + F_SLOT]
        lots = fills[F_QTY]
        rows = store.orders.rows
        buyer_at = buyer_slot << ORDER_SHIFT
        seller_at = seller_slot << ORDER_SHIFT
        buyer = rows[buyer_at + O_OWNER] & ACCOUNT_MASK
        seller = rows[seller_at + O_OWNER] & ACCOUNT_MASK
        quote = price * lots * self.tick_value
        base = lots * self.lot_units
        released = (bid - price) * lots * self.tick_value
        at = self.symbol * SYMBOL_WORDS
        trade = self.listing.symbols.rows[at + S_TRADES] + 1
        self.listing.symbols.rows[at + S_TRADES] = trade
        self._maker_ppm = self.listing.symbols.rows[at + S_MAKER_PPM]
        self._taker_ppm = self._maker_ppm
        if self.has_fees:
            self._use_rates(seller, buyer, quote, NIL)
        buyer_fee = self._fee(self.base, base, self._taker_ppm)
        seller_fee = self._fee(self.quote, quote, self._maker_ppm)
        accounts = self.accounts
        accounts.spend_hold(rows[buyer_at + O_TERMS] >> 8, quote, released)
        accounts.add_available(accounts.ensure(buyer, self.base), base - buyer_fee)
        accounts.spend_hold(rows[seller_at + O_TERMS] >> 8, base, 0)
        accounts.add_available(accounts.ensure(seller, self.quote), quote - seller_fee)
        self._pay_house(self.quote, seller_fee)
        self._pay_house(self.base, buyer_fee)
        self.events.trade_executed(
            self.symbol, BUY, trade, price, lots, rows[seller_at + O_ID], rows[buyer_at + O_ID],
            seller, buyer, quote, seller_fee, buyer_fee, fills[FILL_WORDS + F_LEFT],
            fills[F_LEFT], released,
        )  # fmt: skip
        if self.has_fees:
            self._tell_rates(trade)
        if fills[F_LEFT] == 0:
            self.open_orders.remove(buyer_slot, buyer)
        if fills[FILL_WORDS + F_LEFT] == 0:
            self.open_orders.remove(seller_slot, seller)

    def _settle(
        self, fill: i64, side: i64, limit: i64, taker: i64, taker_pays: i64, taker_gets: i64,
        taker_left: i64,
    ) -> None:  # fmt: skip
        """Move the money of one fill, and say so."""
        accounts = self.accounts
        fills = self.store.fills
        slot = fills[fill + F_SLOT]
        lots = fills[fill + F_QTY]
        price = fills[fill + F_PRICE]
        maker_at = slot << ORDER_SHIFT
        maker = self.store.orders.rows[maker_at + O_OWNER] & ACCOUNT_MASK
        maker_order = self.store.orders.rows[maker_at + O_ID]
        maker_pays = self.store.orders.rows[maker_at + O_TERMS] >> 8
        quote = price * lots * self.tick_value
        base = lots * self.lot_units
        symbol_at = self.symbol * SYMBOL_WORDS
        symbols = self.listing.symbols.rows
        trade = symbols[symbol_at + S_TRADES] + 1
        symbols[symbol_at + S_TRADES] = trade
        maker_ppm = symbols[symbol_at + S_MAKER_PPM]
        taker_ppm = symbols[symbol_at + S_TAKER_PPM]
        if self.has_fees:
            self._use_rates(maker, taker, quote, taker_ppm)
            maker_ppm = self._maker_ppm
            taker_ppm = self._taker_ppm
        released: i64 = 0
        if side == BUY:
            maker_fee = self._fee(self.quote, quote, maker_ppm)
            taker_fee = fee_of(base, taker_ppm)
            if limit != 0:
                released = (limit - price) * lots * self.tick_value
            accounts.spend_hold(taker_pays, quote, released)
            accounts.add_available(taker_gets, base - taker_fee)
            accounts.spend_hold(maker_pays, base, 0)
            accounts.add_available(accounts.ensure(maker, self.quote), quote - maker_fee)
            self._pay_house(self.quote, maker_fee)
            self._pay_house(self.base, taker_fee)
        else:
            maker_fee = self._fee(self.base, base, maker_ppm)
            taker_fee = fee_of(quote, taker_ppm)
            accounts.spend_hold(taker_pays, base, 0)
            accounts.add_available(taker_gets, quote - taker_fee)
            accounts.spend_hold(maker_pays, quote, 0)
            accounts.add_available(accounts.ensure(maker, self.base), base - maker_fee)
            self._pay_house(self.base, maker_fee)
            self._pay_house(self.quote, taker_fee)
        self.answer.filled_quote += quote
        self.events.trade_executed(
            self.symbol, side, trade, price, lots, maker_order, self.answer.id, maker, taker,
            quote, maker_fee, taker_fee, fills[fill + F_LEFT], taker_left, released,
        )  # fmt: skip
        if self.has_fees:
            self._tell_rates(trade)
        if fills[fill + F_LEFT] == 0:
            self.open_orders.remove(slot, maker)

    def _use_rates(self, maker: i64, taker: i64, quote: i64, taker_listed: i64) -> None:
        """What the two pay for a trade of so many quote units, which counts for what comes.

        `taker_listed`: the listing's rate for takers, or NIL in an auction, where nobody takes.
        """
        fees = self.fees
        in_auction = taker_listed == NIL
        listed = self.listing.symbols.rows[self.symbol * SYMBOL_WORDS + S_MAKER_PPM]
        self._maker_ppm = fees.rate(maker, self.symbol, self.quote, True, listed)
        self._maker_version = fees.used
        if not in_auction:
            listed = taker_listed
        self._taker_ppm = fees.rate(taker, self.symbol, self.quote, in_auction, listed)
        self._taker_version = fees.used
        if self.is_strict and (self._maker_ppm < 0 or self._taker_ppm < 0):
            self._bound_rebates(in_auction or maker == taker)
        if maker != taker:  # who trades with himself does not come nearer to a better rate
            fees.note(maker, self.quote, quote)
            fees.note(taker, self.quote, quote)

    def _bound_rebates(self, none: bool) -> None:
        """The house gives no more than it takes in the same trade: nobody may live on its money.

        `none`: nobody takes, or one trades with oneself, who could go on for ever.
        """
        least: i64 = 0 if none else -self._taker_ppm
        if self._maker_ppm < least:
            self._maker_ppm = least
        if self._taker_ppm < 0:
            self._taker_ppm = 0

    def _tell_rates(self, trade: i64) -> None:
        if self._maker_version != 0 or self._taker_version != 0:
            self.events.fees_applied(
                self.symbol, trade, self._maker_version, self._maker_ppm, self._taker_version,
                self._taker_ppm,
            )  # fmt: skip

    def _fee(self, asset: i64, received: i64, ppm: i64) -> i64:
        """Rounded down; a rebate (below 0) too, and no more than the house has."""
        if ppm >= 0:
            return fee_of(received, ppm)
        rebate = fee_of(received, -ppm)
        has = self.accounts.available(self.accounts.find(HOUSE, asset))
        return -(rebate if rebate < has else has)

    def _pay_house(self, asset: i64, fee: i64) -> None:
        if fee != 0:
            self.accounts.add_available(self.accounts.ensure(HOUSE, asset), fee)

    # --- book deltas --------------------------------------------------------------------------

    def level_deltas(self, side: i64) -> None:
        """One delta for each level of `side` that the last match touched, in its order."""
        fills = self.store.fills
        fill: i64 = 0
        end = self.store.fill_count * FILL_WORDS
        before: i64 = NIL
        while fill < end:
            price = fills[fill + F_PRICE]
            if price != before:
                self.level_delta(side, price)
            before = price
            fill += FILL_WORDS

    def delta_of(self, side: i64, price: i64, level: i64) -> None:
        """The delta of a level whose row is known, even if it was dropped just now."""
        at = level << LEVEL_SHIFT
        rows = self.store.levels.rows
        count = rows[at + L_COUNT] & COUNT_MASK
        self.events.book_delta(self.symbol, side, price, rows[at + L_TOTAL], count)

    def level_delta(self, side: i64, price: i64) -> None:
        """The delta of the level at `price`, wherever it lies now; zeros if it is gone."""
        ladder = self.books[self.symbol].side(side)
        key = price * ladder.sign
        at = ladder.position(key)
        total: i64 = 0
        count: i64 = 0
        if at < ladder.depth and ladder.keys[at] == key:
            level = ladder.levels[at] << LEVEL_SHIFT
            total = self.store.levels.rows[level + L_TOTAL]
            count = self.store.levels.rows[level + L_COUNT] & COUNT_MASK
        self.events.book_delta(self.symbol, side, price, total, count)
