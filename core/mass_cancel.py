"""CANCEL_ALL: every open order of an account, or of a symbol, in a fixed order.

Why it exists: one command may take out thousands of orders, so it has a bound of its own and
says whether that bound stopped it. It must not know how a single order is taken out.
"""

from mypy_extensions import i64

from core.book import L_HEAD, LEVEL_SHIFT, O_ACCOUNT, ORDER_SHIFT, Ladder
from core.codes import CANCELED_MASS, MARKET_HALTED, MODE_HARD_HALT, STATUS_CANCELED
from core.limits import CANCELS_PER_COMMAND_MAX
from core.table import NIL
from core.trading import Trading


def cancel_all(trading: Trading, symbol: i64, account: i64) -> None:
    """The symbol, if not 0, is listed; the account, if not 0, is open; not both are 0."""
    answer = trading.answer
    if symbol != 0:
        trading.execution.use(symbol)
        if trading.execution.mode == MODE_HARD_HALT:
            answer.reject(MARKET_HALTED, trading.execution.mode)
            return
    if account != 0:
        canceled = _of_account(trading, symbol, account)
    else:
        book = trading.books[symbol]
        canceled = _of_ladder(trading, book.bids, 0)
        canceled = _of_ladder(trading, book.asks, canceled)
    answer.status = STATUS_CANCELED
    answer.filled = 0
    answer.detail = canceled
    if symbol != 0 and canceled > 0:
        answer.seq = trading.events.last_seq(symbol)


def _of_account(trading: Trading, symbol: i64, account: i64) -> i64:
    """Oldest first. Orders of halted symbols, and of others than `symbol`, are passed over."""
    canceled: i64 = 0
    slot = trading.open_orders.first(account)
    while slot != NIL:
        following = trading.open_orders.following(slot)
        of_symbol = trading.execution.symbol_of(slot)
        if symbol == 0 or of_symbol == symbol:
            trading.execution.use(of_symbol)
            if trading.execution.mode != MODE_HARD_HALT:
                if canceled == CANCELS_PER_COMMAND_MAX:
                    trading.answer.remaining = 1
                    break
                trading.take_out(slot, account, CANCELED_MASS)
                canceled += 1
        slot = following
    return canceled


def _of_ladder(trading: Trading, ladder: Ladder, canceled: i64) -> i64:
    """Best price first, oldest first within a price."""
    while ladder.depth > 0:
        if canceled == CANCELS_PER_COMMAND_MAX:
            trading.answer.remaining = 1
            break
        level = ladder.levels[ladder.depth - 1]
        slot = trading.store.levels.rows[(level << LEVEL_SHIFT) + L_HEAD]
        owner = trading.store.orders.rows[(slot << ORDER_SHIFT) + O_ACCOUNT]
        trading.take_out(slot, owner, CANCELED_MASS)
        canceled += 1
    return canceled
