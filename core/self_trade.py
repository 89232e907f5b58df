"""Self-trade prevention: matching for a taker that must not meet its own orders.

Why it exists: an order that names a mode is matched maker by maker, so that its own ones can be
dealt with on the way; every other order takes the fast path and pays nothing for this. The taker's
mode decides, whatever the maker's says. Own means of the same account, or, with `by_group`, of the
same group of accounts.

A plan (`walk`) goes the same way without touching anything: what FOK, a minimum quantity and the
hold of a market order are reckoned from must be what will happen.
"""

from mypy_extensions import i64

from core.amounts import product_of, sum_of
from core.book import Book, Ladder
from core.codes import (
    BUY, CANCELED_SELF_TRADE, STP_DECREMENT, STP_EXPIRE_BOTH, STP_EXPIRE_MAKER, STP_EXPIRE_TAKER,
)  # fmt: skip
from core.endings import Endings
from core.execution import Execution
from core.order_store import (
    L_HEAD, L_PRICE, LEVEL_SHIFT, O_FILLED, O_ID, O_NEXT, O_OWNER, O_REMAINING, O_TERMS,
    ORDER_SHIFT, OrderStore,
)  # fmt: skip
from core.profiles import Profiles
from core.table import NIL
from core.terms import ACCOUNT_MASK


class SelfTrade:
    """One taker at a time."""

    def __init__(self, execution: Execution, endings: Endings, profiles: Profiles) -> None:
        self.execution = execution
        self.endings = endings
        self.store: OrderStore = execution.store
        self.profiles = profiles
        self._account: i64 = 0
        self._group: i64 = 0
        self._mode: i64 = 0
        # Of the last trade.
        self.stopped: bool = False
        self.prevented: i64 = 0  # lots that the taker lost
        # Of the last walk.
        self.lots: i64 = 0
        self.spent: i64 = 0
        self._budget: i64 = 0
        self._by_quote: bool = False

    def begin(self, account: i64, mode: i64, by_group: i64, is_listed: bool) -> None:
        """Whose order comes next, and how it is to meet its own.

        A list's legs are for what they were placed for: from `VERSION_STRICT` on none is made
        smaller, both end instead.
        """
        self._account = account
        self._group = self.profiles.group(account) if by_group != 0 else 0
        if mode == STP_DECREMENT and is_listed and self.execution.is_strict:
            mode = STP_EXPIRE_BOTH
        self._mode = mode

    def is_own(self, slot: i64) -> bool:
        account = self.store.orders.rows[(slot << ORDER_SHIFT) + O_OWNER] & ACCOUNT_MASK
        if account == self._account:
            return True
        return self._group != 0 and self.profiles.group(account) == self._group

    def _stops(self, maker: i64) -> bool:
        """Meeting this own order ends the taker."""
        if self._mode == STP_DECREMENT:
            return self.execution.is_strict and self.endings.is_listed(maker)
        return self._mode == STP_EXPIRE_TAKER or self._mode == STP_EXPIRE_BOTH

    def refusing_order(self, side: i64, price: i64) -> i64:
        """With EXPIRE_TAKER: the id of an own order that would be met first of all, or 0."""
        if self._mode != STP_EXPIRE_TAKER:
            return 0
        book = self.execution.books[self.execution.symbol]
        slot = book.reachable(side, price)
        if slot == NIL or not self.is_own(slot):
            return 0
        return self.store.orders.rows[(slot << ORDER_SHIFT) + O_ID]

    # --- matching -----------------------------------------------------------------------------

    def trade(self, slot: i64, side: i64, price: i64, lots: i64, limit: i64) -> i64:
        """`Execution.trade` for the order that `begin` named; the lots left over.

        `stopped` says that the rest must not stay, `prevented` how many lots it lost on the way.
        """
        store = self.store
        execution = self.execution
        book = execution.books[execution.symbol]
        store.fill_count = 0
        self.stopped = False
        self.prevented = 0
        left = lots
        while left > 0:
            maker = book.reachable(side, price)
            if maker == NIL:
                break
            if not self.is_own(maker):
                have = store.orders.rows[(maker << ORDER_SHIFT) + O_REMAINING]
                take = have if have < left else left
                first = store.fill_count
                book.match(side, store.price_of(maker), take)
                execution.settle(slot, side, limit, first, left)
                left -= take
            elif self._mode == STP_DECREMENT and not self._stops(maker):
                left = self._decrement(slot, side, limit, left, maker)
                if self.stopped:
                    break
            else:
                if self._mode != STP_EXPIRE_TAKER:
                    self.endings.take_out(maker, CANCELED_SELF_TRADE)
                if self._mode != STP_EXPIRE_MAKER:
                    self.stopped = True
                    break
        return left

    def _decrement(self, slot: i64, side: i64, limit: i64, left: i64, maker: i64) -> i64:
        """Both lose what the smaller one has; what the taker has left.

        A taker that would have nothing left stops instead, and its rest is dropped whole.
        """
        store = self.store
        have = store.left_of(maker)
        lots = have if have < left else left
        if lots < left:
            left -= lots
            self.prevented += lots
            self._amend_taker(slot, side, limit, lots, left)
        else:
            self.stopped = True
        if lots == have:
            self.endings.take_out(maker, CANCELED_SELF_TRADE)
        else:
            self._reduce_maker(maker, lots, have - lots)
        return left

    def _amend_taker(self, slot: i64, side: i64, limit: i64, lots: i64, left: i64) -> None:
        execution = self.execution
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        released: i64 = 0
        if limit != 0:
            released = execution.release_hold(slot, side, limit, lots)
        filled = rows[at + O_FILLED] + rows[at + O_REMAINING] - self.prevented - left
        execution.events.order_amended(
            execution.symbol, side, rows[at + O_ID], rows[at + O_OWNER] & ACCOUNT_MASK, limit,
            filled + left, left, -released, 0,
        )  # fmt: skip

    def _reduce_maker(self, maker: i64, lots: i64, left: i64) -> None:
        execution = self.execution
        rows = self.store.orders.rows
        at = maker << ORDER_SHIFT
        side = rows[at + O_TERMS] & 0xF
        price = self.store.price_of(maker)
        released = execution.release_hold(maker, side, price, lots)
        execution.books[execution.symbol].reduce(maker, lots)
        execution.events.order_amended(
            execution.symbol, side, rows[at + O_ID], rows[at + O_OWNER] & ACCOUNT_MASK, price,
            rows[at + O_FILLED] + left, left, -released, 1,
        )  # fmt: skip
        execution.level_delta(side, price)

    # --- planning -----------------------------------------------------------------------------

    def walk(self, side: i64, price: i64, amount: i64, by_quote: bool, budget: i64) -> bool:
        """How `trade` would go, in `lots` and `spent` quote units.

        `amount` is lots, or quote units with `by_quote`; `budget` the quote units that a buyer
        may spend, -1 for any. False if that is not enough. Products are bounded as in
        `Trading.plan`: by a division before.
        """
        book: Book = self.execution.books[self.execution.symbol]
        ladder: Ladder = book.asks if side == BUY else book.bids
        worst = book.worst_key(side, price)
        self.lots = 0
        self.spent = 0
        self._budget = budget
        self._by_quote = by_quote
        i = ladder.depth - 1
        left = amount
        while i >= 0 and ladder.keys[i] >= worst and left > 0:
            left = self._walk_level(ladder.levels[i], left)
            if left < 0:
                return False
            i -= 1
        return True

    def _walk_level(self, level: i64, left: i64) -> i64:
        """What is left of the amount behind this level: 0 ends the walk, -1 exceeds the budget."""
        store = self.store
        at = level << LEVEL_SHIFT
        lot_cost = store.levels.rows[at + L_PRICE] * self.execution.tick_value
        can = left // lot_cost if self._by_quote else left
        hidden: i64 = 0
        take: i64 = 0
        missed = False
        stopped = False
        slot = store.levels.rows[at + L_HEAD]
        while slot != NIL and can > 0:
            row = slot << ORDER_SHIFT
            if not self.is_own(slot):
                there = store.orders.rows[row + O_REMAINING]
                hidden += store.hidden_of(slot)
                if there > can:
                    there = can
                    missed = True
                take += there
                can -= there
            elif self._stops(slot):
                stopped = True
                break
            elif self._mode == STP_DECREMENT:
                there = store.left_of(slot)
                there = there if there < can else can
                can -= there
                left -= there
            slot = store.orders.rows[row + O_NEXT]
        if not stopped:
            if hidden > can:
                hidden = can
                missed = True
            take += hidden
        missed = missed or self._others_from(slot, stopped)
        if self._budget >= 0 and take > (self._budget - self.spent) // lot_cost:
            return -1
        self.spent = sum_of(self.spent, product_of(take, lot_cost))
        self.lots += take
        if self._by_quote:
            left -= take * lot_cost
            return 0 if stopped or missed else left
        return 0 if stopped else left - take

    def _others_from(self, slot: i64, stopped: bool) -> bool:
        """Whether an order that is not own stands from `slot` on: it was not taken whole."""
        while not stopped and slot != NIL:
            if not self.is_own(slot):
                return True
            slot = self.store.orders.rows[(slot << ORDER_SHIFT) + O_NEXT]
        return False
