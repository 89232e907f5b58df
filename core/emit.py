"""Events and replies, written once into the columns that everyone else reads.

Why it exists: the bytes that the log's results, the outbox and the digest chain share are these
words as they lie; nothing is encoded again. It knows the layout of `core.events` and the
sequence numbers, and must not know why an event happens.
"""

from librt.vecs import append, vec
from mypy_extensions import i64

from core.codes import (
    EV_ACCOUNT_OPENED, EV_ACCOUNT_RESTRICTED, EV_ASSET_LISTED, EV_AUCTION_CALLED, EV_AUCTION_ENDED,
    EV_AUCTION_INDICATED, EV_BALANCE_CHANGED, EV_BOOK_DELTA, EV_CANCEL_AFTER_SET,
    EV_CANCEL_REJECTED, EV_DESK_CHANGED, EV_ENGINE_CHECKPOINT, EV_FEES_APPLIED, EV_FEES_CHANGED,
    EV_GROUP_CHANGED, EV_LIMITS_CHANGED, EV_MARKET_PROTECTED, EV_ORDER_ACCEPTED, EV_ORDER_AMENDED,
    EV_ORDER_CANCELED, EV_ORDER_LIST_CHANGED, EV_ORDER_REJECTED, EV_ORDER_TERMS,
    EV_ORDER_TRIGGERED, EV_REFERENCE_SET, EV_RULES_CHANGED, EV_SYMBOL_LISTED,
    EV_SYMBOL_MODE_CHANGED, EV_TRADE_EXECUTED, EV_TRANSFER_CHANGED, EV_VERSION_CHANGED,
)  # fmt: skip
from core.columns import column_bytes, filled
from core.listing import S_SEQ, SYMBOL_WORDS
from core.table import Table


class EventWriter:
    """One batch's events. `cause` is the ordinal of the command that is being applied."""

    def __init__(self, symbols: Table) -> None:
        self.words: vec[i64] = filled(1 << 12, 0)
        self.used: i64 = 0
        self.cause: i64 = 0
        self._symbols = symbols

    def start_batch(self) -> None:
        self.used = 0
        self.cause = 0

    def taken(self) -> bytes:
        """All events of the batch, as they lie."""
        return column_bytes(self.words, self.used)

    def last_seq(self, symbol: i64) -> i64:
        return self._symbols.rows[symbol * SYMBOL_WORDS + S_SEQ]

    def _open(self, kind: i64, words: i64, symbol: i64, side: i64, detail: i64) -> i64:
        """Room for an event with its head and sequence number written; where it starts."""
        at = self.used
        if at + words > i64(len(self.words)):
            self._grow()
        rows = self._symbols.rows
        seq_at = symbol * SYMBOL_WORDS + S_SEQ
        seq = rows[seq_at] + 1
        rows[seq_at] = seq
        self._symbols.touch(symbol)
        out = self.words
        out[at] = kind | words << 8 | symbol << 16 | self.cause << 32 | side << 48 | detail << 52
        out[at + 1] = seq
        self.used = at + words
        return at

    def _grow(self) -> None:
        words = self.words
        more: i64 = len(words)
        while more > 0:
            words = append(words, 0)
            more -= 1
        self.words = words

    def order_accepted(
        self, symbol: i64, side: i64, terms: i64, order_id: i64, account: i64, price: i64,
        lots: i64, quote: i64, hold: i64, client_hi: i64, client_lo: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_ORDER_ACCEPTED, 10, symbol, side, terms)
        out = self.words
        out[at + 2] = order_id
        out[at + 3] = account
        out[at + 4] = price
        out[at + 5] = lots
        out[at + 6] = quote
        out[at + 7] = hold
        out[at + 8] = client_hi
        out[at + 9] = client_lo

    def order_rejected(
        self, symbol: i64, code: i64, account: i64, bound: i64, order_id: i64, client_hi: i64,
        client_lo: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_ORDER_REJECTED, 7, symbol, 0, code)
        out = self.words
        out[at + 2] = account
        out[at + 3] = bound
        out[at + 4] = order_id
        out[at + 5] = client_hi
        out[at + 6] = client_lo

    def order_canceled(
        self, symbol: i64, side: i64, reason: i64, order_id: i64, account: i64, lots: i64,
        released: i64, price: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_ORDER_CANCELED, 7, symbol, side, reason)
        out = self.words
        out[at + 2] = order_id
        out[at + 3] = account
        out[at + 4] = lots
        out[at + 5] = released
        out[at + 6] = price

    def cancel_rejected(self, symbol: i64, code: i64, order_id: i64, account: i64) -> None:
        at = self._open(EV_CANCEL_REJECTED, 4, symbol, 0, code)
        self.words[at + 2] = order_id
        self.words[at + 3] = account

    def order_amended(
        self, symbol: i64, side: i64, order_id: i64, account: i64, price: i64, lots: i64,
        remaining: i64, hold_delta: i64, kept_priority: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_ORDER_AMENDED, 9, symbol, side, 0)
        out = self.words
        out[at + 2] = order_id
        out[at + 3] = account
        out[at + 4] = price
        out[at + 5] = lots
        out[at + 6] = remaining
        out[at + 7] = hold_delta
        out[at + 8] = kept_priority

    def trade_executed(
        self, symbol: i64, side: i64, trade_id: i64, price: i64, lots: i64, maker_order: i64,
        taker_order: i64, maker_account: i64, taker_account: i64, quote: i64, maker_fee: i64,
        taker_fee: i64, maker_remaining: i64, taker_remaining: i64, taker_release: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_TRADE_EXECUTED, 15, symbol, side, 0)
        out = self.words
        out[at + 2] = trade_id
        out[at + 3] = price
        out[at + 4] = lots
        out[at + 5] = maker_order
        out[at + 6] = taker_order
        out[at + 7] = maker_account
        out[at + 8] = taker_account
        out[at + 9] = quote
        out[at + 10] = maker_fee
        out[at + 11] = taker_fee
        out[at + 12] = maker_remaining
        out[at + 13] = taker_remaining
        out[at + 14] = taker_release

    def book_delta(self, symbol: i64, side: i64, price: i64, total: i64, orders: i64) -> None:
        at = self._open(EV_BOOK_DELTA, 5, symbol, side, 0)
        out = self.words
        out[at + 2] = price
        out[at + 3] = total
        out[at + 4] = orders

    def symbol_mode_changed(self, symbol: i64, mode: i64, old_mode: i64) -> None:
        at = self._open(EV_SYMBOL_MODE_CHANGED, 3, symbol, 0, mode)
        self.words[at + 2] = old_mode

    def balance_changed(
        self, reason: i64, account: i64, asset: i64, delta: i64, available: i64, hold: i64,
        ref_hi: i64, ref_lo: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_BALANCE_CHANGED, 9, 0, 0, reason)
        out = self.words
        out[at + 2] = account
        out[at + 3] = asset
        out[at + 4] = delta
        out[at + 5] = available
        out[at + 6] = hold
        out[at + 7] = ref_hi
        out[at + 8] = ref_lo

    def engine_checkpoint(self, index: i64, digests: vec[i64]) -> None:
        """`digests`: four words of the state's digest, then four of the balances'."""
        at = self._open(EV_ENGINE_CHECKPOINT, 11, 0, 0, 0)
        out = self.words
        out[at + 2] = index
        i: i64 = 0
        while i < 8:
            out[at + 3 + i] = digests[i]
            i += 1

    def account_opened(self, account: i64, ref_hi: i64, ref_lo: i64) -> None:
        at = self._open(EV_ACCOUNT_OPENED, 5, 0, 0, 0)
        out = self.words
        out[at + 2] = account
        out[at + 3] = ref_hi
        out[at + 4] = ref_lo

    def asset_listed(self, asset: i64, name_hi: i64, name_lo: i64, scale: i64) -> None:
        at = self._open(EV_ASSET_LISTED, 6, 0, 0, 0)
        out = self.words
        out[at + 2] = asset
        out[at + 3] = name_hi
        out[at + 4] = name_lo
        out[at + 5] = scale

    def symbol_listed(self, symbol: i64, spec: vec[i64]) -> None:
        """`spec`: the first fourteen words of the symbol's row."""
        at = self._open(EV_SYMBOL_LISTED, 16, symbol, 0, 0)
        out = self.words
        i: i64 = 0
        while i < 14:
            out[at + 2 + i] = spec[i]
            i += 1

    def limits_changed(self, open_orders: i64, dedup_window_ns: i64, dedup_rows: i64) -> None:
        at = self._open(EV_LIMITS_CHANGED, 5, 0, 0, 0)
        out = self.words
        out[at + 2] = open_orders
        out[at + 3] = dedup_window_ns
        out[at + 4] = dedup_rows

    def version_changed(self, version: i64, old_version: i64) -> None:
        at = self._open(EV_VERSION_CHANGED, 4, 0, 0, 0)
        out = self.words
        out[at + 2] = version
        out[at + 3] = old_version

    def order_terms(
        self, symbol: i64, order_id: i64, account: i64, trigger: i64, trail: i64, display: i64,
        min_qty: i64, expire_ns: i64, peg_offset: i64, stp: i64, flags: i64, list_id: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_ORDER_TERMS, 13, symbol, 0, 0)
        out = self.words
        out[at + 2] = order_id
        out[at + 3] = account
        out[at + 4] = trigger
        out[at + 5] = trail
        out[at + 6] = display
        out[at + 7] = min_qty
        out[at + 8] = expire_ns
        out[at + 9] = peg_offset
        out[at + 10] = stp
        out[at + 11] = flags
        out[at + 12] = list_id

    def order_triggered(
        self, symbol: i64, side: i64, code: i64, order_id: i64, account: i64, price: i64,
        hold_delta: i64, lots: i64, area: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_ORDER_TRIGGERED, 8, symbol, side, code)
        out = self.words
        out[at + 2] = order_id
        out[at + 3] = account
        out[at + 4] = price
        out[at + 5] = hold_delta
        out[at + 6] = lots
        out[at + 7] = area

    def order_list_changed(
        self, symbol: i64, kind: i64, state: i64, list_id: i64, account: i64, first: i64,
        second: i64, third: i64, client_hi: i64, client_lo: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_ORDER_LIST_CHANGED, 9, symbol, 0, kind | state << 4)
        out = self.words
        out[at + 2] = list_id
        out[at + 3] = account
        out[at + 4] = first
        out[at + 5] = second
        out[at + 6] = third
        out[at + 7] = client_hi
        out[at + 8] = client_lo

    def cancel_after_set(self, symbol: i64, account: i64, deadline_ns: i64) -> None:
        at = self._open(EV_CANCEL_AFTER_SET, 4, symbol, 0, 0)
        self.words[at + 2] = account
        self.words[at + 3] = deadline_ns

    def group_changed(self, account: i64, group: i64, old_group: i64) -> None:
        at = self._open(EV_GROUP_CHANGED, 5, 0, 0, 0)
        out = self.words
        out[at + 2] = account
        out[at + 3] = group
        out[at + 4] = old_group

    def auction_called(self, symbol: i64, until_ns: i64) -> None:
        at = self._open(EV_AUCTION_CALLED, 3, symbol, 0, 0)
        self.words[at + 2] = until_ns

    def auction_indicated(self, symbol: i64, price: i64, volume: i64, surplus: i64) -> None:
        at = self._open(EV_AUCTION_INDICATED, 5, symbol, 0, 0)
        out = self.words
        out[at + 2] = price
        out[at + 3] = volume
        out[at + 4] = surplus

    def auction_ended(self, symbol: i64, price: i64, volume: i64) -> None:
        at = self._open(EV_AUCTION_ENDED, 4, symbol, 0, 0)
        self.words[at + 2] = price
        self.words[at + 3] = volume

    def rules_changed(self, symbol: i64, words: vec[i64]) -> None:
        """`words`: the command, whose rules begin at its fifth word."""
        at = self._open(EV_RULES_CHANGED, 22, symbol, 0, 0)
        i: i64 = 0
        while i < 20:
            self.words[at + 2 + i] = words[4 + i]
            i += 1

    def desk_changed(self, symbol: i64, account: i64, words: vec[i64]) -> None:
        """`words`: the command, whose limits begin at its fifth word."""
        at = self._open(EV_DESK_CHANGED, 10, symbol, 0, 0)
        self.words[at + 2] = account
        i: i64 = 0
        while i < 7:
            self.words[at + 3 + i] = words[4 + i]
            i += 1

    def account_restricted(self, account: i64, state: i64, halted: i64) -> None:
        at = self._open(EV_ACCOUNT_RESTRICTED, 5, 0, 0, 0)
        self.words[at + 2] = account
        self.words[at + 3] = state
        self.words[at + 4] = halted

    def reference_set(self, symbol: i64, price: i64) -> None:
        at = self._open(EV_REFERENCE_SET, 3, symbol, 0, 0)
        self.words[at + 2] = price

    def market_protected(
        self, symbol: i64, cause: i64, action: i64, price: i64, begin: i64
    ) -> None:
        at = self._open(EV_MARKET_PROTECTED, 5, symbol, 0, cause)
        self.words[at + 2] = action
        self.words[at + 3] = price
        self.words[at + 4] = begin

    def fees_changed(self, symbol: i64, account: i64, version: i64, words: vec[i64]) -> None:
        """`words`: the command, whose number of tiers is its fifth word."""
        at = self._open(EV_FEES_CHANGED, 23, symbol, 0, 0)
        self.words[at + 2] = account
        self.words[at + 3] = version
        i: i64 = 0
        while i < 19:
            self.words[at + 4 + i] = words[4 + i]
            i += 1

    def fees_applied(
        self, symbol: i64, trade: i64, maker_version: i64, maker_ppm: i64, taker_version: i64,
        taker_ppm: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_FEES_APPLIED, 7, symbol, 0, 0)
        out = self.words
        out[at + 2] = trade
        out[at + 3] = maker_version
        out[at + 4] = maker_ppm
        out[at + 5] = taker_version
        out[at + 6] = taker_ppm

    def transfer_changed(
        self, state: i64, hi: i64, lo: i64, account: i64, asset: i64, amount: i64, available: i64,
        hold: i64, partner: i64, their_account: i64, deadline_ns: i64, proof: i64,
    ) -> None:  # fmt: skip
        at = self._open(EV_TRANSFER_CHANGED, 13, 0, 0, state)
        out = self.words
        out[at + 2] = hi
        out[at + 3] = lo
        out[at + 4] = account
        out[at + 5] = asset
        out[at + 6] = amount
        out[at + 7] = available
        out[at + 8] = hold
        out[at + 9] = partner
        out[at + 10] = their_account
        out[at + 11] = deadline_ns
        out[at + 12] = proof
