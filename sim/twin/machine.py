"""The twin machine: commands in, events and replies out, nothing packed and nothing clever.

Why it exists: it gives the twin the same face as `core.machine.Machine`, so that one test can
drive both. What stands around every trading command (steps 1 to 3 of docs/machine.md) is here;
what a kind of command does is in `trading` and `operators`.
"""

from collections.abc import Callable
from typing import NamedTuple

from core.codes import (
    CMD_AMEND,
    CMD_CANCEL,
    CMD_CANCEL_AFTER,
    CMD_CANCEL_ALL,
    CMD_CHECKPOINT,
    CMD_DEPOSIT,
    CMD_LIST_ASSET,
    CMD_LIST_SYMBOL,
    CMD_OPEN_ACCOUNT,
    CMD_PLACE,
    CMD_PLACE_LIST,
    CMD_PLACE_TERMS,
    CMD_SET_ACCOUNT,
    CMD_SET_DESK,
    CMD_SET_FEES,
    CMD_SET_GROUP,
    CMD_SET_LIMITS,
    CMD_SET_MODE,
    CMD_SET_REFERENCE,
    CMD_SET_RULES,
    CMD_SET_VERSION,
    CMD_TRANSFER_END,
    CMD_TRANSFER_IN,
    CMD_TRANSFER_OUT,
    CMD_TRANSFER_VOID,
    CMD_WITHDRAW,
    IDEMPOTENCY_MISMATCH,
    OVERLOADED,
    UNKNOWN_SYMBOL,
    VALIDATION,
)
from core.commands import TRADING_KINDS, split_batch
from core.events import AnyEvent, CancelRejected, OrderRejected, Reply
from sim.twin import (
    amending,
    fees,
    following,
    lists,
    operators,
    risk,
    rules,
    trading,
    transfers,
    waiting,
)
from sim.twin.accounts import Balance
from sim.twin.book import RESTING, TRAILS, Order
from sim.twin.state import Asset, Command, Reject, State, Symbol, unpack_commands

_TRADING = {
    CMD_PLACE: trading.place,
    CMD_CANCEL: amending.cancel,
    CMD_AMEND: amending.amend,
    CMD_CANCEL_ALL: amending.cancel_all,
    CMD_PLACE_TERMS: waiting.place_terms,
    CMD_PLACE_LIST: lists.place_list,
    CMD_CANCEL_AFTER: following.cancel_after,
}
_OF_TERMS = (CMD_PLACE_TERMS, CMD_PLACE_LIST, CMD_CANCEL_AFTER, CMD_SET_GROUP)
"""Known from version 3 on."""
_OF_RISK = (CMD_SET_RULES, CMD_SET_DESK, CMD_SET_ACCOUNT, CMD_SET_REFERENCE)
_PASSES = (CMD_CANCEL, CMD_CANCEL_ALL, CMD_CANCEL_AFTER, CMD_SET_MODE)
_PLACES = (CMD_PLACE, CMD_PLACE_TERMS, CMD_PLACE_LIST)
_OPERATORS = {
    CMD_SET_MODE: operators.set_mode,
    CMD_DEPOSIT: operators.move,
    CMD_WITHDRAW: operators.move,
    CMD_OPEN_ACCOUNT: operators.open_account,
    CMD_LIST_ASSET: operators.list_asset,
    CMD_LIST_SYMBOL: operators.list_symbol,
    CMD_SET_LIMITS: operators.set_limits,
    CMD_SET_VERSION: operators.set_version,
    CMD_SET_GROUP: operators.set_group,
    CMD_SET_RULES: rules.set_rules,
    CMD_SET_DESK: rules.set_desk,
    CMD_SET_ACCOUNT: rules.set_account,
    CMD_SET_REFERENCE: rules.set_reference,
    CMD_SET_FEES: fees.set_fees,
    CMD_TRANSFER_OUT: transfers.begin,
    CMD_TRANSFER_IN: transfers.begin,
    CMD_TRANSFER_VOID: transfers.void,
    CMD_TRANSFER_END: transfers.end,
}


class OrderRow(NamedTuple):
    order_id: int
    account: int
    symbol: int
    side: int
    price: int
    remaining: int
    filled: int
    time_in_force: int
    client_hi: int
    client_lo: int
    terms: "TermsRow"


class TermsRow(NamedTuple):
    """What a client may see of an order's further terms."""

    order_type: int
    area: int
    trigger: int
    hidden: int
    expire_ns: int
    list_id: int
    held: int


Level = tuple[int, int, int]
"""Price, lots, orders."""


class BookRow(NamedTuple):
    symbol: int
    seq: int
    bids: list[Level]
    asks: list[Level]


class TwinMachine:
    def __init__(self) -> None:
        self._state = State()

    @property
    def index(self) -> int:
        return self._state.index

    @property
    def account_count(self) -> int:
        return self._state.accounts.count

    def apply(self, index: int, ts_ns: int, payload: bytes) -> tuple[list[AnyEvent], list[Reply]]:
        """Apply one log entry. Raises `MalformedBatch`, with nothing changed."""
        records, _, _ = split_batch(payload)
        state = self._state
        state.index, state.now, state.events = index, ts_ns, []
        replies = []
        state.cause = 0
        commands = unpack_commands(records)
        state.sweep_for_entry(len(commands))
        following.begin_entry(state)
        for state.cause, command in enumerate(commands):
            state.forget_expired()
            following.go_on(state)
            if command.kind in TRADING_KINDS:
                replies.append(self._apply_trading(command))
            else:
                replies.append(self._apply_operator(command))
            following.settle(state)
        return state.events, replies

    def _apply_operator(self, command: Command) -> Reply:
        try:
            if command.kind == CMD_SET_MODE and self._state.version >= 2:
                if command.key != (0, 0) and command.symbol in self._state.symbols:
                    return self._once(command._replace(account=0), self._apply_mode)
            self._check_version(command)
            if command.kind == CMD_CHECKPOINT:
                return operators.checkpoint(self._state, command, bytes(32))
            return _OPERATORS[command.kind](self._state, command)
        except Reject as reject:
            return self._state.refuse(command, reject.code, reject.bound)

    # --- what stands around every trading command ---------------------------------------------

    def _apply_trading(self, command: Command) -> Reply:
        try:
            self._check_symbol_and_account(command)
        except Reject as reject:
            return self._rejected(command, reject)
        if command.key == (0, 0):
            return self._decide(command)
        return self._once(command, self._decide)

    def _apply_mode(self, command: Command) -> Reply:
        try:
            return operators.set_mode(self._state, command)
        except Reject as reject:
            return self._state.refuse(command, reject.code, reject.bound)

    def _once(self, command: Command, decide: Callable[[Command], Reply]) -> Reply:
        """Step 3: a key's first reply, again."""
        state = self._state
        row = (command.account, command.symbol, *command.key)
        if row in state.remembered:
            payload, reply = state.remembered[row]
            if payload != command.payload:
                return state.refuse(command, IDEMPOTENCY_MISMATCH, 0)
            return operators.repeated(reply)
        if state.table_is_full():
            if state.is_strict and command.kind in _PASSES:
                return decide(command)
            bound = state.limits.dedup_rows
            return state.refuse(command, OVERLOADED, bound, order_id=_order_named(command))
        reply = decide(command)
        state.remembered[row] = (command.payload, reply)
        state.table.append(reply.ts_ns)
        return reply

    def _check_symbol_and_account(self, command: Command) -> None:
        no_symbol_named = command.symbol == 0 and command.kind not in _PLACES
        if command.symbol not in self._state.symbols and not no_symbol_named:
            raise Reject(UNKNOWN_SYMBOL, command.symbol, stream=0)
        if command.account == 0 and command.kind == CMD_CANCEL_ALL:
            if command.symbol == 0:
                raise Reject(VALIDATION, 0)
        elif not self._state.accounts.is_open(command.account):
            raise Reject(VALIDATION, 1)

    def _check_version(self, command: Command) -> None:
        if command.kind in _OF_TERMS and self._state.version < 3:
            raise Reject(VALIDATION, 0)
        if command.kind in _OF_RISK and self._state.version < risk.VERSION:
            raise Reject(VALIDATION, 0)
        if command.kind == CMD_SET_FEES and self._state.version < fees.VERSION:
            raise Reject(VALIDATION, 0)
        if command.kind >= CMD_TRANSFER_OUT and self._state.version < transfers.VERSION:
            raise Reject(VALIDATION, 0)

    def _decide(self, command: Command) -> Reply:
        try:
            risk.check_may_act(self._state, command.account)
            if command.kind in _PLACES:
                symbol = self._state.symbols[command.symbol]
                risk.check_may_place(self._state, command.account, symbol)
            self._check_version(command)
            return _TRADING[command.kind](self._state, command)
        except Reject as reject:
            return self._rejected(command, reject)

    def _rejected(self, command: Command, reject: Reject) -> Reply:
        """The reject's event, in the stream where it belongs, and its reply."""
        stream = command.symbol if reject.stream is None else reject.stream
        order_id = _order_named(command)
        seq = 0
        if command.kind == CMD_CANCEL:
            seq = self._state.emit(
                CancelRejected, stream, code=reject.code, order_id=order_id,
                account=command.account,
            )  # fmt: skip
        elif command.kind in (*_PLACES, CMD_AMEND):
            client = command.words[6:8] if command.kind in _PLACES else (0, 0)
            seq = self._state.emit(
                OrderRejected, stream, code=reject.code, account=command.account,
                bound=reject.bound, order_id=order_id, client_hi=client[0], client_lo=client[1],
            )  # fmt: skip
        return self._state.refuse(command, reject.code, reject.bound, order_id, seq)

    # --- queries on committed state -----------------------------------------------------------

    def order(self, order_id: int) -> OrderRow | None:
        order = self._state.orders.get(order_id)
        return _order_row(order) if order is not None else None

    def open_orders(self, account: int, symbol: int) -> list[OrderRow]:
        orders = self._state.open_orders.get(account, [])
        return [_order_row(order) for order in orders if symbol in (0, order.symbol)]

    def balances(self, account: int) -> list[Balance]:
        return [row for row in self._state.accounts.rows() if row.account == account]

    def all_balances(self) -> list[Balance]:
        return self._state.accounts.rows()

    def balances_digest(self) -> bytes:
        return self._state.accounts.digest()

    def book(self, symbol: int, depth: int) -> BookRow:
        spec = self._state.symbols[symbol]
        bids, asks = (
            [
                (price, spec.book.total(side, price), len(spec.book.queue(side, price)))
                for price in spec.book.prices(side)[:depth]
            ]
            for side in (0, 1)
        )
        return BookRow(symbol, spec.seq, bids, asks)

    def symbols(self) -> list[Symbol]:
        return list(self._state.symbols.values())

    def assets(self) -> list[Asset]:
        return list(self._state.assets.values())

    def supply(self, asset: int) -> int:
        """Deposits less withdrawals: what the sum over all accounts must be."""
        return self._state.accounts.supply[asset]

    def seq(self, symbol: int) -> int:
        return self._state.symbols[symbol].seq if symbol else self._state.seq0


def _order_named(command: Command) -> int:
    return command.words[4] if command.kind in (CMD_CANCEL, CMD_AMEND) else 0


PLAIN = TermsRow(0, 0, 0, 0, 0, 0, 0)


def _order_row(order: Order) -> OrderRow:
    terms = order.terms
    price, row = order.limit, PLAIN
    if terms is not None:
        if order.area != RESTING:
            price = terms.price
        row = TermsRow(
            terms.order_type, order.area,
            order.place[1] if order.area == TRAILS else terms.trigger, order.hidden,
            terms.expire_ns, terms.list.list_id if terms.list is not None else 0, terms.held,
        )  # fmt: skip
    return OrderRow(
        order.order_id, order.account, order.symbol, order.side, price, order.remaining,
        order.filled, order.time_in_force, *order.client, row,
    )  # fmt: skip
