"""What follows from a command: pegged orders move, triggers fire, lists go on, until all is quiet.

Why it exists: one trade may trigger an order whose trade triggers the next, and every replica must
go through them in the same order and come to an end. So a command's effects on others happen
here, after it is answered, symbol by symbol in the order in which it used them; and time's
effects, before an entry's commands. It must not know what a command is.

The order, for one symbol: pegged orders follow; then the orders whose trigger was reached, rising
ones before falling ones, fixed before trailing, the nearest trigger first, the oldest first; after
each, pegged orders follow again. When no trigger is reached any more, the next order whose list has
come to it is activated, and it begins anew. Each step uses up an order that was parked, so it ends;
and after `CASCADE_PER_COMMAND_MAX` steps the rest is left to the next command.
"""

from mypy_extensions import i64

from core.auction import Auction
from core.codes import (
    BUY, CANCELED_CANCEL_AFTER, CANCELED_EXPIRED, CANCELED_KILLED, MODE_AUCTION, MODE_NORMAL,
    MODE_POST_ONLY, SELL,
)  # fmt: skip
from core.conditional import Conditional
from core.endings import DUE
from core.limits import (
    CANCELS_PER_COMMAND_MAX, CASCADE_PER_COMMAND_MAX, EXPIRIES_PER_ENTRY_MAX, TIME_NS_MAX,
)  # fmt: skip
from core.markets import (
    M_BACKLOG, M_CALL_END, M_HIGH, M_LAST, M_LOW, M_PEGS, M_TARGET, M_TRIPPED, M_WATCH,
    M_WINDOW_PRICE,
)  # fmt: skip
from core.mass_cancel import MassCancel
from core.modes import Modes
from core.order_store import OrderStore
from core.pegs import Pegs
from core.rules import D_ACCOUNT, D_SYMBOL, DESK_WORDS, KILLED, U_ACTION, U_CALL
from core.table import NIL
from core.timers import (
    CALLS, NOTHING_DUE, SWITCH_WORDS, SWITCHES, TRANSFERS, W_ACCOUNT, W_DEADLINE, W_SYMBOL,
)  # fmt: skip
from core.trading import Trading
from core.trailing import REACHED_FALLING, REACHED_RISING
from core.transfer_orders import TransferOrders


class Cascade:
    """Works off what is due."""

    def __init__(
        self, trading: Trading, conditional: Conditional, pegs: Pegs, mass_cancel: MassCancel,
        modes: Modes, transfer_orders: TransferOrders,
    ) -> None:  # fmt: skip
        self.trading = trading
        self.store: OrderStore = trading.store
        self.conditional = conditional
        self.pegs = pegs
        self.mass_cancel = mass_cancel
        self.modes = modes
        self.transfer_orders = transfer_orders
        self.auction: Auction = modes.auction

    # --- time ---------------------------------------------------------------------------------

    def begin_entry(self, now_ns: i64) -> None:
        """What ends by `now_ns`, and what that leads to; before an entry's commands."""
        timers = self.trading.timers
        done: i64 = 0
        ended: i64 = 0
        while done < EXPIRIES_PER_ENTRY_MAX and ended < CANCELS_PER_COMMAND_MAX:
            what = timers.due(now_ns)
            if what == NOTHING_DUE:
                break
            timers.live -= 1
            if what >= 0:
                self._expire(what)
                ended += 1
            elif what < CALLS:
                self.transfer_orders.overdue(what - TRANSFERS)
            elif what < SWITCHES:
                self._end_call(what - CALLS)
            elif not self._switch(what - SWITCHES):
                break
            elif self.trading.execution.is_strict:
                ended += self.mass_cancel.taken
            done += 1
        self.go_on()
        self.settle()

    def _expire(self, order_id: i64) -> None:
        slot = self.store.find(order_id)
        assert slot != NIL, "timers: an order that is due is not there"
        timers = self.trading.timers
        timers.live += 1  # its end takes it off
        self.trading.execution.use(self.store.symbol_of(slot))
        self.trading.endings.take_out(slot, CANCELED_EXPIRED)

    def _end_call(self, symbol: i64) -> None:
        """The call's own end: the market trades again, unless the call is extended."""
        markets = self.trading.markets
        is_strict = self.trading.execution.is_strict
        markets.set(symbol, M_CALL_END, 0)
        if is_strict and markets.get(symbol, M_TARGET) != 0:
            return  # the end of this call has begun already
        if self.auction.extend(symbol):
            return
        if is_strict:
            # At once: what ends at the same time, or later, has been in the auction.
            self.auction.begin_uncrossing(symbol, MODE_NORMAL)
        else:
            self.auction.end(symbol, MODE_NORMAL)
        markets.note_due(symbol)

    def _switch(self, row: i64) -> bool:
        """A dead man's switch: cancel, and say that it is over; or, False, go on next time."""
        timers = self.trading.timers
        at = row * SWITCH_WORDS
        account = timers.switches.rows[at + W_ACCOUNT]
        symbol = timers.switches.rows[at + W_SYMBOL]
        is_all = self.mass_cancel.of_account(symbol, account, CANCELED_CANCEL_AFTER)
        if not is_all:
            timers.add(timers.switches.rows[at + W_DEADLINE], SWITCHES + row)
            return False
        timers.switches.rows[at + W_DEADLINE] = 0
        timers.switches.touch(row)
        self.trading.events.cancel_after_set(symbol, account, 0)
        return True

    # --- what follows -------------------------------------------------------------------------

    def go_on(self) -> None:
        """With what the command before left."""
        markets = self.trading.markets
        if self.trading.risk.rules.killing > 0:
            self._go_on_killing()
        symbol: i64 = 1
        while markets.backlogs > 0 and symbol < markets.table.count:
            if markets.get(symbol, M_BACKLOG) != 0:
                markets.note_due(symbol)
            symbol += 1
        self._settle(True)

    def _go_on_killing(self) -> None:
        """With the first desk whose orders were more than one command cancels."""
        rules = self.trading.risk.rules
        row = rules.first_killing()
        assert row != NIL, "cascade: a desk that is being killed is not there"
        account = rules.desks.rows[row * DESK_WORDS + D_ACCOUNT]
        symbol = rules.desks.rows[row * DESK_WORDS + D_SYMBOL]
        if self.mass_cancel.of_account(symbol, account, CANCELED_KILLED):
            rules.set_killed(row, KILLED)

    def settle(self) -> None:
        """Until every symbol that was used is quiet."""
        self._settle(not self.trading.execution.is_strict)

    def _settle(self, uncrosses: bool) -> None:
        """`uncrosses`: a part of an uncrossing that goes on is due."""
        markets = self.trading.markets
        at: i64 = 0
        while at < markets.touched_count:
            self._settle_symbol(markets.touched[at], uncrosses)
            at += 1
        if self.trading.execution.is_strict:
            markets.forget_seen()
        markets.forget_touched()

    def _settle_symbol(self, symbol: i64, uncrosses: bool) -> None:
        markets = self.trading.markets
        execution = self.trading.execution
        execution.use(symbol)
        steps: i64 = 0
        if markets.get(symbol, M_TARGET) != 0:
            if not uncrosses or not self.auction.go_on(symbol):
                markets.set_backlog(symbol, 1)
                return
        if execution.mode == MODE_AUCTION:
            self._settle_call(symbol)
            return
        while markets.get(symbol, M_WATCH) != 0 or markets.get(symbol, M_TRIPPED) != 0:
            if markets.get(symbol, M_TRIPPED) != 0:
                self._protect(symbol)
                execution.use(symbol)
                if execution.mode == MODE_AUCTION:
                    self._settle_call(symbol)
                    return
            if markets.get(symbol, M_PEGS) != 0 and not self.auction.is_crossed(symbol):
                self.pegs.follow(symbol)
            if execution.mode != MODE_NORMAL:
                break
            slot = self._reached(symbol)
            is_reached = slot != NIL
            if not is_reached:
                slot = self._due(symbol)
            if slot == NIL:
                break
            if steps == CASCADE_PER_COMMAND_MAX:
                markets.set_backlog(symbol, 1)
                return
            if is_reached:
                self.conditional.fire(slot)
            else:
                self.conditional.activate(slot)
            steps += 1
        if markets.get(symbol, M_BACKLOG) != 0:
            markets.set_backlog(symbol, 0)

    def _protect(self, symbol: i64) -> None:
        """The breaker has tripped: into the mode that the rules name, and say why."""
        trading = self.trading
        markets = trading.markets
        cause = markets.get(symbol, M_TRIPPED)
        begin = markets.get(symbol, M_WINDOW_PRICE)
        trading.risk.forget_window(symbol)
        mode = trading.execution.mode
        if mode != MODE_NORMAL and mode != MODE_POST_ONLY:
            return
        action = trading.risk.rules.get(symbol, U_ACTION)
        call_ns = trading.risk.rules.get(symbol, U_CALL)
        until: i64 = 0
        if action == MODE_AUCTION and call_ns != 0 and trading.answer.ts_ns <= TIME_NS_MAX:
            until = trading.answer.ts_ns + call_ns
        trading.events.market_protected(symbol, cause, action, markets.get(symbol, M_LAST), begin)
        self.modes.change(symbol, action, until)

    def _settle_call(self, symbol: i64) -> None:
        """Orders that waited for the auction join it; then say what would trade."""
        waits = self.trading.endings.wait_books[symbol]
        steps: i64 = 0
        slot = waits.head(SELL)
        while slot != NIL and steps < CASCADE_PER_COMMAND_MAX:
            self.auction.enter(slot)
            steps += 1
            slot = waits.head(SELL)
        self.auction.indicate(symbol)
        self.trading.markets.set_backlog(symbol, 0 if slot == NIL else 1)

    def _reached(self, symbol: i64) -> i64:
        """The next order whose trigger the market has reached; without one, a new beginning."""
        markets = self.trading.markets
        endings = self.trading.endings
        high = markets.get(symbol, M_HIGH)
        low = markets.get(symbol, M_LOW)
        if self.trading.execution.is_strict:
            return self._reached_strictly(symbol, high, low)
        if high == 0 and low == 0:
            return NIL
        slot = endings.trigger_books[symbol].reachable(BUY, high)
        if slot == NIL:
            slot = endings.trail_books[symbol].reachable(BUY, high)
        if slot == NIL:
            slot = endings.trigger_books[symbol].reachable(SELL, low)
        if slot == NIL:
            slot = endings.trail_books[symbol].reachable(SELL, low)
        if slot == NIL:
            markets.set(symbol, M_HIGH, 0)
            markets.set(symbol, M_LOW, 0)
        return slot

    def _reached_strictly(self, symbol: i64, high: i64, low: i64) -> i64:
        """The same, where a trailing trigger is reached by the price that the market shows, and
        not by an earlier one that it had followed since."""
        endings = self.trading.endings
        fixed = endings.trigger_books[symbol]
        trails = endings.trail_books[symbol]
        slot = fixed.reachable(BUY, high) if high != 0 else NIL
        if slot == NIL:
            slot = trails.reachable(BUY, REACHED_RISING)
        if slot == NIL and low != 0:
            slot = fixed.reachable(SELL, low)
        if slot == NIL:
            slot = trails.reachable(SELL, REACHED_FALLING)
        if slot == NIL and high != 0:
            self.trading.markets.set(symbol, M_HIGH, 0)
            self.trading.markets.set(symbol, M_LOW, 0)
        return slot

    def _due(self, symbol: i64) -> i64:
        """The next order whose list has come to it."""
        waits = self.trading.endings.wait_books[symbol]
        return waits.head(BUY) if waits.best(BUY) == DUE else NIL
