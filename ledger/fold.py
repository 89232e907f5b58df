"""Core events to double entry: which ledger accounts an event moves, and by how much.

Why it exists: this is the whole of the ledger's bookkeeping knowledge, in one pure module, so
that it can be read beside `core/events.py` (which says what each event moves) and tested without
a database. It knows no store, no batches and no balances; it does not decide whether a movement
is allowed, for the core has decided that.

    deposit         outside.available -> account.available      (withdrawal: back)
    order accepted  account.available -> account.hold
    order canceled  account.hold -> account.available
    order amended   account.available -> account.hold           (negative: back)
    order triggered the same
    transfer        reserved: account.available -> account.hold, refunded: back;
                    confirmed: account.hold -> outside.available;
                    credited: outside.available -> account.available
    trade           buyer.hold -> seller.available (quote), seller.hold -> buyer.available (base),
                    each less the receiver's fee, which goes to house.available; and what the
                    taker's limit was worse than the price, from hold back to available
"""

from collections.abc import Callable, Iterable
from typing import Final

from core.codes import (
    BUY,
    EV_BALANCE_CHANGED,
    EV_ENGINE_CHECKPOINT,
    EV_ORDER_ACCEPTED,
    EV_ORDER_AMENDED,
    EV_ORDER_CANCELED,
    EV_ORDER_TRIGGERED,
    EV_TRADE_EXECUTED,
    EV_TRANSFER_CHANGED,
    HOUSE,
    MOVED_BY_DEPOSIT,
    MOVED_BY_WITHDRAWAL,
    TRANSFER_CONFIRMED,
    TRANSFER_CREDITED,
    TRANSFER_REFUNDED,
    TRANSFER_RESERVED,
)  # fmt: skip
from core.events import (
    AccountOpened,
    AssetListed,
    EngineCheckpoint,
    SymbolListed,
    decode_event,
    event_rows,
)  # fmt: skip
from ledger.ports import (
    AVAILABLE,
    DEPOSIT,
    HOLD,
    ORDER_AMEND,
    ORDER_HOLD,
    ORDER_RELEASE,
    OUTSIDE,
    TRADE,
    TRANSFER_HOLD,
    TRANSFER_IN,
    TRANSFER_OUT,
    TRANSFER_RELEASE,
    WITHDRAWAL,
    Account,
    Asset,
    BalanceChange,
    Entry,
    FeedFault,
    LogEvents,
    Posting,
    Segment,
    Stream,
    Symbol,
)  # fmt: skip

Leg = tuple[int, int, int, int]
"""Account, asset, bucket, signed amount."""
Row = tuple[int, ...]


class Journal:
    """A segment under construction, with what its postings add up to for each balance."""

    def __init__(self) -> None:
        self.segment = Segment()
        self.deltas: dict[tuple[int, int], list[int]] = {}
        """(account, asset) -> [available, hold, last index, postings]"""
        self.checkpoint: tuple[int, EngineCheckpoint] | None = None
        """Ordinal and event of the checkpoint that ends this journal."""
        self.streams: dict[int, Stream] = {}
        """Where the streams that moved stand after it; in an entry's last journal only."""
        self.events = 0

    def changes(self) -> list[BalanceChange]:
        """Sorted, so that whoever locks rows in this order cannot deadlock."""
        return [BalanceChange(*key, *delta) for key, delta in sorted(self.deltas.items())]

    def absorb(self, other: "Journal") -> None:
        """Take over what came next in the log. Neither may end in a checkpoint."""
        assert self.checkpoint is None, "a checkpoint ends a journal"
        assert other.checkpoint is None, "a checkpoint ends a journal"
        mine, its = self.segment, other.segment
        mine.accounts += its.accounts
        mine.assets += its.assets
        mine.symbols += its.symbols
        mine.entries += its.entries
        mine.postings += its.postings
        self.events += other.events
        self.streams |= other.streams
        for key, (available, hold, index, postings) in other.deltas.items():
            known = self.deltas.get(key)
            if known is None:
                self.deltas[key] = [available, hold, index, postings]
            else:
                known[0] += available
                known[1] += hold
                known[2] = index
                known[3] += postings


class Fold:
    """Symbols listed so far and how far each stream's numbers have come; folds entry by entry."""

    def __init__(self, symbols: Iterable[Symbol] = (), streams: Iterable[Stream] = ()) -> None:
        self._symbols = {symbol.symbol: symbol for symbol in symbols}
        self._seqs = {stream.symbol: stream.last_seq for stream in streams}
        self._trades = {stream.symbol: stream.last_trade for stream in streams}
        self._entry_of: Final[dict[int, Callable[[Row], tuple[int, int, int, list[Leg]]]]] = {
            EV_ORDER_ACCEPTED: self._accepted,
            EV_TRADE_EXECUTED: self._trade,
            EV_ORDER_CANCELED: self._canceled,
            EV_ORDER_AMENDED: self._amended,
            EV_ORDER_TRIGGERED: self._triggered,
            EV_BALANCE_CHANGED: self._moved,
            EV_TRANSFER_CHANGED: self._transferred,
        }

    def fold(self, log: LogEvents) -> list[Journal]:
        """One journal, or one more for each checkpoint in the entry: it ends its journal.

        Raises `FeedFault` when the events cannot follow those folded before.
        """
        journals = [Journal()]
        touched: set[int] = set()
        ordinal = 0
        try:
            for row in event_rows(log.events):
                if journals[-1].checkpoint is not None:
                    journals.append(Journal())
                touched.add(self._fold_event(log, ordinal, row, journals[-1]))
                ordinal += 1
        except (ValueError, IndexError) as error:
            raise FeedFault(f"log index {log.index}, event {ordinal}: {error}") from error
        journals[-1].streams = {
            symbol: Stream(symbol, self._seqs[symbol], self._trades.get(symbol, 0))
            for symbol in touched
        }
        return journals

    def _fold_event(self, log: LogEvents, ordinal: int, row: Row, journal: Journal) -> int:
        """Returns the event's stream."""
        head = row[0]
        stream = head >> 16 & 0xFFFF
        expected = self._seqs.get(stream, 0) + 1
        if row[1] != expected:
            raise ValueError(f"symbol {stream} has seq {row[1]} where {expected} comes next")
        self._seqs[stream] = expected
        journal.events += 1
        kind = head & 0xFF
        make = self._entry_of.get(kind)
        if make is not None:
            entry_kind, trade_id, order_id, legs = make(row)
            if legs:
                entry = Entry(log.index, ordinal, entry_kind, stream, trade_id, order_id, log.ts_ns)
                _book(journal, entry, legs)
        elif not EV_ORDER_ACCEPTED <= kind < EV_ENGINE_CHECKPOINT:
            self._fold_rare(log, ordinal, row, journal)
        return stream

    def _fold_rare(self, log: LogEvents, ordinal: int, row: Row, journal: Journal) -> None:
        segment = journal.segment
        match decode_event(row):
            case EngineCheckpoint() as event:
                journal.checkpoint = (ordinal, event)
            case AccountOpened() as event:
                segment.accounts.append(
                    Account(event.account, event.ref_hi, event.ref_lo, log.index, log.ts_ns)
                )
            case AssetListed() as event:
                segment.assets.append(Asset(event.asset, event.name, event.scale, log.index))
            case SymbolListed() as event:
                symbol = Symbol(
                    event.symbol, event.name, event.base, event.quote, event.lot_units, log.index
                )
                self._symbols[symbol.symbol] = symbol
                segment.symbols.append(symbol)
            case _:
                pass  # limits move no money

    # --- what each event books: entry kind, trade id, order id, legs --------------------------

    def _accepted(self, row: Row) -> tuple[int, int, int, list[Leg]]:
        return ORDER_HOLD, 0, row[2], _to_hold(row[3], self._held_asset(row[0]), row[7])

    def _canceled(self, row: Row) -> tuple[int, int, int, list[Leg]]:
        return ORDER_RELEASE, 0, row[2], _to_hold(row[3], self._held_asset(row[0]), -row[5])

    def _amended(self, row: Row) -> tuple[int, int, int, list[Leg]]:
        return ORDER_AMEND, 0, row[2], _to_hold(row[3], self._held_asset(row[0]), row[7])

    def _triggered(self, row: Row) -> tuple[int, int, int, list[Leg]]:
        return ORDER_AMEND, 0, row[2], _to_hold(row[3], self._held_asset(row[0]), row[5])

    def _moved(self, row: Row) -> tuple[int, int, int, list[Leg]]:
        reason = row[0] >> 52 & 0xFF
        account, asset, delta = row[2], row[3], row[4]
        if reason == MOVED_BY_DEPOSIT and delta > 0:
            kind = DEPOSIT
        elif reason == MOVED_BY_WITHDRAWAL and delta < 0:
            kind = WITHDRAWAL
        else:
            raise ValueError(f"a balance moved by {delta} for reason {reason}")
        legs = [(OUTSIDE, asset, AVAILABLE, -delta), (account, asset, AVAILABLE, delta)]
        return kind, 0, 0, legs

    def _transferred(self, row: Row) -> tuple[int, int, int, list[Leg]]:
        state = row[0] >> 52 & 0xFF
        account, asset, amount = row[4], row[5], row[6]
        if state == TRANSFER_RESERVED:
            return TRANSFER_HOLD, 0, 0, _to_hold(account, asset, amount)
        if state == TRANSFER_REFUNDED:
            return TRANSFER_RELEASE, 0, 0, _to_hold(account, asset, -amount)
        outside = (OUTSIDE, asset, AVAILABLE)
        if state == TRANSFER_CONFIRMED:
            return TRANSFER_OUT, 0, 0, [(account, asset, HOLD, -amount), (*outside, amount)]
        if state == TRANSFER_CREDITED:
            return TRANSFER_IN, 0, 0, [(*outside, -amount), (account, asset, AVAILABLE, amount)]
        return TRANSFER_HOLD, 0, 0, []  # overdue or voided: nothing moves

    def _trade(self, row: Row) -> tuple[int, int, int, list[Leg]]:
        head, trade_id, qty, taker_order = row[0], row[2], row[4], row[6]
        maker, taker, quote_units = row[7], row[8], row[9]
        maker_fee, taker_fee, taker_release = row[10], row[11], row[14]
        symbol = self._symbol(head)
        expected = self._trades.get(symbol.symbol, 0) + 1
        if trade_id != expected:
            raise ValueError(f"trade {trade_id} of {symbol.name} where {expected} comes next")
        self._trades[symbol.symbol] = expected
        taker_buys = head >> 48 & 0xF == BUY
        buyer, buyer_fee = (taker, taker_fee) if taker_buys else (maker, maker_fee)
        seller, seller_fee = (maker, maker_fee) if taker_buys else (taker, taker_fee)
        base_units = qty * symbol.lot_units
        legs = [
            (buyer, symbol.quote, HOLD, -quote_units),
            (seller, symbol.quote, AVAILABLE, quote_units - seller_fee),
            (HOUSE, symbol.quote, AVAILABLE, seller_fee),
            (seller, symbol.base, HOLD, -base_units),
            (buyer, symbol.base, AVAILABLE, base_units - buyer_fee),
            (HOUSE, symbol.base, AVAILABLE, buyer_fee),
        ]
        if taker_release:
            legs += _to_hold(taker, symbol.quote if taker_buys else symbol.base, -taker_release)
        return TRADE, trade_id, taker_order, legs

    def _symbol(self, head: int) -> Symbol:
        symbol = self._symbols.get(head >> 16 & 0xFFFF)
        if symbol is None:
            raise ValueError(f"symbol {head >> 16 & 0xFFFF} was never listed")
        return symbol

    def _held_asset(self, head: int) -> int:
        """A buying order holds quote, a selling one base."""
        symbol = self._symbol(head)
        return symbol.quote if head >> 48 & 0xF == BUY else symbol.base


def _to_hold(account: int, asset: int, amount: int) -> list[Leg]:
    if amount == 0:
        return []
    return [(account, asset, AVAILABLE, -amount), (account, asset, HOLD, amount)]


def _book(journal: Journal, entry: Entry, legs: list[Leg]) -> None:
    """Append the entry and its postings, legs of nothing left out; assert that it balances."""
    index, ordinal = entry.log_index, entry.ordinal
    sums: dict[int, int] = {}
    postings = journal.segment.postings
    deltas = journal.deltas
    leg = 0
    for account, asset, bucket, amount in legs:
        if amount == 0:
            continue
        sums[asset] = sums.get(asset, 0) + amount
        postings.append(Posting(index, ordinal, leg, account, asset, bucket, amount))
        leg += 1
        delta = deltas.get((account, asset))
        if delta is None:
            delta = deltas[account, asset] = [0, 0, index, 0]
        delta[bucket] += amount
        delta[2] = index
        delta[3] += 1
    assert not any(sums.values()), f"entry {entry} does not balance: {sums}"
    journal.segment.entries.append(entry)
