"""Events and replies: their layout in words, and readable forms for those who consume them.

Why it exists: the machine writes an event once, into the bytes that the log's results, the
outbox and the digest chain share; everyone else reads those bytes through this module. Nothing
here decides what happens.

An event is a row of signed 64-bit little-endian words. Word 0 is packed:

    bits  0-7   kind            bits 32-47  cause: ordinal of the command in its batch
    bits  8-15  words in all    bits 48-51  side
    bits 16-31  symbol id       bits 52-59  detail: see each kind

Word 1 is the sequence number: gapless per symbol, from 1; symbol 0 is the stream of events that
belong to no symbol (accounts, balances, assets, checkpoints). Every amount that a balance moves
by is in an event, so that a ledger can follow without knowing the order book:

    OrderAccepted   hold moves from available to hold (buy: quote asset, sell: base asset)
    TradeExecuted   the buyer's hold pays `quote_units`; the seller's hold gives
                    `qty x lot_units` of base; each receives the other less its fee, the house
                    account gets the fees; `taker_release` goes from the taker's hold back to
                    available (the limit was worse than the trade's price)
    OrderCanceled   `released` moves from hold back to available
    OrderAmended    `hold_delta` moves from available to hold (negative: back)
    OrderTriggered  the same
    BalanceChanged  a deposit or withdrawal moves available by `delta`
    TransferChanged `amount` by its state: see `TransferChanged`

A reply is eight words and answers one command:

    0  code bits 0-7 | status bits 8-15 | duplicate bit 16 | command kind bits 24-31
    1  id: of the order, account, asset or symbol that the command made or named; the version
    2  seq: the last sequence number of the symbol that the command used, 0 = none
    3  ts_ns: log time of the entry that first applied the command
    4  filled lots      5  filled quote units      6  lots left open
    7  detail: a reject's bound; a mass cancel's count of canceled orders; the new available
       balance after a deposit or withdrawal
"""

import struct
from collections.abc import Iterator
from typing import Final

import msgspec

from core.codes import (
    EV_ACCOUNT_OPENED, EV_ACCOUNT_RESTRICTED, EV_ASSET_LISTED, EV_AUCTION_CALLED, EV_AUCTION_ENDED,
    EV_AUCTION_INDICATED, EV_BALANCE_CHANGED, EV_BOOK_DELTA, EV_CANCEL_AFTER_SET,
    EV_CANCEL_REJECTED, EV_DESK_CHANGED, EV_ENGINE_CHECKPOINT, EV_FEES_APPLIED, EV_FEES_CHANGED,
    EV_GROUP_CHANGED, EV_LIMITS_CHANGED, EV_MARKET_PROTECTED, EV_ORDER_ACCEPTED, EV_ORDER_AMENDED,
    EV_ORDER_CANCELED, EV_ORDER_LIST_CHANGED, EV_ORDER_REJECTED, EV_ORDER_TERMS,
    EV_ORDER_TRIGGERED, EV_REFERENCE_SET, EV_RULES_CHANGED, EV_SYMBOL_LISTED,
    EV_SYMBOL_MODE_CHANGED, EV_TRADE_EXECUTED, EV_TRANSFER_CHANGED, EV_VERSION_CHANGED,
)  # fmt: skip
from core.commands import name_text
from core.event_types import (
    AccountOpened, AccountRestricted, AnyEvent, AssetListed, AuctionCalled, AuctionEnded,
    AuctionIndicated, BalanceChanged, BookDelta, CancelAfterSet, CancelRejected, DeskChanged,
    EngineCheckpoint, Event, FeesApplied, FeesChanged, GroupChanged, LimitsChanged,
    MarketProtected, OrderAccepted, OrderAmended, OrderCanceled, OrderListChanged, OrderRejected,
    OrderTermsAccepted, OrderTriggered, ReferenceSet, RulesChanged, SymbolListed,
    SymbolModeChanged, TradeExecuted, TransferChanged, VersionChanged,
)  # fmt: skip
from core.limits import WORD_BYTES

__all__ = [
    "EVENT_WORDS",
    "REPLY_BYTES",
    "REPLY_DUPLICATE_BIT",
    "REPLY_WORDS",
    "AccountOpened",
    "AccountRestricted",
    "AnyEvent",
    "AssetListed",
    "AuctionCalled",
    "AuctionEnded",
    "AuctionIndicated",
    "BalanceChanged",
    "BookDelta",
    "CancelAfterSet",
    "CancelRejected",
    "DeskChanged",
    "EngineCheckpoint",
    "Event",
    "FeesApplied",
    "FeesChanged",
    "GroupChanged",
    "LimitsChanged",
    "MarketProtected",
    "OrderAccepted",
    "OrderAmended",
    "OrderCanceled",
    "OrderListChanged",
    "OrderRejected",
    "OrderTermsAccepted",
    "OrderTriggered",
    "ReferenceSet",
    "Reply",
    "RulesChanged",
    "SymbolListed",
    "SymbolModeChanged",
    "TradeExecuted",
    "TransferChanged",
    "VersionChanged",
    "decode_event",
    "decode_events",
    "decode_reply",
    "event_rows",
]  # fmt: skip

EVENT_WORDS: Final = (
    0, 10, 7, 7, 4, 9, 15, 5, 3, 9, 11, 5, 6, 16, 5, 4, 13, 8, 9, 4, 5, 3, 5, 4, 22, 10,
    5, 3, 5, 23, 7, 13,
)  # fmt: skip
"""Words of each event kind, by kind number."""

REPLY_WORDS: Final = 8
REPLY_BYTES: Final = 64
REPLY_DUPLICATE_BIT: Final = 16


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One command's answer. `code` 0 is OK; else a reject code of `core.codes`."""

    code: int
    status: int
    duplicate: bool
    command: int
    id: int
    seq: int
    ts_ns: int
    filled: int
    filled_quote: int
    remaining: int
    detail: int


_REPLY: Final = struct.Struct("<8q")


def decode_reply(replies: bytes, ordinal: int = 0) -> Reply:
    head, id_, seq, ts_ns, filled, filled_quote, remaining, detail = _REPLY.unpack_from(
        replies, ordinal * REPLY_BYTES
    )
    return Reply(
        code=head & 0xFF, status=head >> 8 & 0xFF, duplicate=bool(head >> 16 & 1),
        command=head >> 24 & 0xFF, id=id_, seq=seq, ts_ns=ts_ns, filled=filled,
        filled_quote=filled_quote, remaining=remaining, detail=detail,
    )  # fmt: skip


def event_rows(events: bytes) -> Iterator[tuple[int, ...]]:
    """Each event as a tuple of its words: the fast way to fold.

    Raises `ValueError` (the sender's fault) for an unknown kind, a length other than the kind's,
    or a record that the bytes do not hold.
    """
    if len(events) % WORD_BYTES != 0:
        raise ValueError(f"events: {len(events)} bytes are not whole words")
    words = memoryview(events).cast("q")
    at = 0
    end = len(words)
    while at < end:
        kind = words[at] & 0xFF
        length = words[at] >> 8 & 0xFF
        if not 0 < kind < len(EVENT_WORDS) or length != EVENT_WORDS[kind] or at + length > end:
            raise ValueError(f"events: kind {kind} with {length} words at word {at} of {end}")
        yield tuple(words[at : at + length])
        at += length


def decode_event(w: tuple[int, ...]) -> AnyEvent:
    """The typed form of one row of `event_rows`. Raises `ValueError` for an unknown kind."""
    head = w[0]
    kind = head & 0xFF
    symbol = head >> 16 & 0xFFFF
    cause = head >> 32 & 0xFFFF
    side = head >> 48 & 0xF
    detail = head >> 52 & 0xFF
    seq = w[1]
    if kind == EV_ORDER_ACCEPTED:
        return OrderAccepted(
            symbol=symbol, seq=seq, cause=cause, side=side, order_type=detail & 0xF,
            time_in_force=detail >> 4, order_id=w[2], account=w[3], price=w[4], qty=w[5],
            quote_qty=w[6], hold=w[7], client_hi=w[8], client_lo=w[9],
        )  # fmt: skip
    if kind == EV_TRADE_EXECUTED:
        return TradeExecuted(
            symbol=symbol, seq=seq, cause=cause, side=side, trade_id=w[2], price=w[3], qty=w[4],
            maker_order=w[5], taker_order=w[6], maker_account=w[7], taker_account=w[8],
            quote_units=w[9], maker_fee=w[10], taker_fee=w[11], maker_remaining=w[12],
            taker_remaining=w[13], taker_release=w[14],
        )  # fmt: skip
    if kind == EV_BOOK_DELTA:
        return BookDelta(
            symbol=symbol, seq=seq, cause=cause, side=side, price=w[2], total=w[3], orders=w[4]
        )
    if kind == EV_ORDER_CANCELED:
        return OrderCanceled(
            symbol=symbol, seq=seq, cause=cause, side=side, reason=detail, order_id=w[2],
            account=w[3], qty=w[4], released=w[5], price=w[6],
        )  # fmt: skip
    if kind == EV_ORDER_REJECTED:
        return OrderRejected(
            symbol=symbol, seq=seq, cause=cause, code=detail, account=w[2], bound=w[3],
            order_id=w[4], client_hi=w[5], client_lo=w[6],
        )  # fmt: skip
    return _decode_rare(kind, symbol, seq, cause, side, detail, w)


def _decode_rare(
    kind: int, symbol: int, seq: int, cause: int, side: int, detail: int, w: tuple[int, ...]
) -> AnyEvent:
    if kind == EV_CANCEL_REJECTED:
        return CancelRejected(
            symbol=symbol, seq=seq, cause=cause, code=detail, order_id=w[2], account=w[3]
        )
    if kind == EV_ORDER_AMENDED:
        return OrderAmended(
            symbol=symbol, seq=seq, cause=cause, side=side, order_id=w[2], account=w[3],
            price=w[4], qty=w[5], remaining=w[6], hold_delta=w[7], kept_priority=w[8],
        )  # fmt: skip
    if kind == EV_SYMBOL_MODE_CHANGED:
        return SymbolModeChanged(symbol=symbol, seq=seq, cause=cause, mode=detail, old_mode=w[2])
    if kind == EV_BALANCE_CHANGED:
        return BalanceChanged(
            symbol=symbol, seq=seq, cause=cause, reason=detail, account=w[2], asset=w[3],
            delta=w[4], available=w[5], hold=w[6], ref_hi=w[7], ref_lo=w[8],
        )  # fmt: skip
    if kind == EV_ENGINE_CHECKPOINT:
        return EngineCheckpoint(
            symbol=symbol, seq=seq, cause=cause, index=w[2], digest=struct.pack("<4q", *w[3:7]),
            balances_digest=struct.pack("<4q", *w[7:11]),
        )  # fmt: skip
    if kind == EV_ACCOUNT_OPENED:
        return AccountOpened(
            symbol=symbol, seq=seq, cause=cause, account=w[2], ref_hi=w[3], ref_lo=w[4]
        )
    if kind == EV_ASSET_LISTED:
        return AssetListed(
            symbol=symbol, seq=seq, cause=cause, asset=w[2], name=name_text(w[3], w[4]),
            scale=w[5],
        )  # fmt: skip
    if kind == EV_SYMBOL_LISTED:
        return SymbolListed(
            symbol=symbol, seq=seq, cause=cause, name=name_text(w[2], w[3]), base=w[4],
            quote=w[5], tick_units=w[6], lot_units=w[7], tick_value=w[8], min_price=w[9],
            max_price=w[10], max_qty=w[11], min_notional=w[12], max_notional=w[13],
            maker_ppm=w[14], taker_ppm=w[15],
        )  # fmt: skip
    if kind == EV_LIMITS_CHANGED:
        return LimitsChanged(
            symbol=symbol, seq=seq, cause=cause, open_orders=w[2], dedup_window_ns=w[3],
            dedup_rows=w[4],
        )  # fmt: skip
    if kind == EV_VERSION_CHANGED:
        return VersionChanged(
            symbol=symbol, seq=seq, cause=cause, version=w[2], old_version=w[3]
        )  # fmt: skip
    return _decode_terms(kind, symbol, seq, cause, side, detail, w)


def _decode_terms(
    kind: int, symbol: int, seq: int, cause: int, side: int, detail: int, w: tuple[int, ...]
) -> AnyEvent:
    if kind == EV_ORDER_TERMS:
        return OrderTermsAccepted(
            symbol=symbol, seq=seq, cause=cause, order_id=w[2], account=w[3], trigger=w[4],
            trail=w[5], display=w[6], min_qty=w[7], expire_ns=w[8], peg_offset=w[9],
            stp=w[10] & 0xFF, by_group=w[10] >> 8, flags=w[11], list_id=w[12],
        )  # fmt: skip
    if kind == EV_ORDER_TRIGGERED:
        return OrderTriggered(
            symbol=symbol, seq=seq, cause=cause, side=side, code=detail, order_id=w[2],
            account=w[3], price=w[4], hold_delta=w[5], qty=w[6],
            area=w[7],
        )  # fmt: skip
    if kind == EV_ORDER_LIST_CHANGED:
        return OrderListChanged(
            symbol=symbol, seq=seq, cause=cause, list_kind=detail & 0xF, list_state=detail >> 4,
            list_id=w[2], account=w[3], first=w[4], second=w[5], third=w[6], client_hi=w[7],
            client_lo=w[8],
        )  # fmt: skip
    if kind == EV_CANCEL_AFTER_SET:
        return CancelAfterSet(
            symbol=symbol, seq=seq, cause=cause, account=w[2], deadline_ns=w[3]
        )  # fmt: skip
    if kind == EV_GROUP_CHANGED:
        return GroupChanged(
            symbol=symbol, seq=seq, cause=cause, account=w[2], group=w[3], old_group=w[4]
        )  # fmt: skip
    if kind == EV_AUCTION_CALLED:
        return AuctionCalled(symbol=symbol, seq=seq, cause=cause, until_ns=w[2])
    if kind == EV_AUCTION_INDICATED:
        return AuctionIndicated(
            symbol=symbol, seq=seq, cause=cause, price=w[2], volume=w[3], surplus=w[4]
        )
    if kind == EV_AUCTION_ENDED:
        return AuctionEnded(symbol=symbol, seq=seq, cause=cause, price=w[2], volume=w[3])
    return _decode_risk(kind, symbol, seq, cause, detail, w)


def _decode_risk(
    kind: int, symbol: int, seq: int, cause: int, detail: int, w: tuple[int, ...]
) -> AnyEvent:
    if kind == EV_RULES_CHANGED:
        return RulesChanged(
            symbol=symbol, seq=seq, cause=cause, buy_up_bps=w[2], buy_down_bps=w[3],
            sell_up_bps=w[4], sell_down_bps=w[5], static_bps=w[6], dynamic_bps=w[7],
            stopped_orders=w[8], move_bps=w[9], window_ns=w[10], action=w[11], call_ns=w[12],
            tick_step=w[13], lot_step=w[14], min_qty=w[15], max_position=w[16],
            open_orders=w[17], parked_orders=w[18], rate=w[19], burst=w[20],
            daily_notional=w[21],
        )  # fmt: skip
    if kind == EV_DESK_CHANGED:
        return DeskChanged(
            symbol=symbol, seq=seq, cause=cause, account=w[2], max_position=w[3],
            open_orders=w[4], parked_orders=w[5], rate=w[6], burst=w[7], daily_notional=w[8],
            killed=w[9],
        )  # fmt: skip
    if kind == EV_ACCOUNT_RESTRICTED:
        return AccountRestricted(
            symbol=symbol, seq=seq, cause=cause, account=w[2], state=w[3], withdrawals_halted=w[4]
        )
    if kind == EV_REFERENCE_SET:
        return ReferenceSet(symbol=symbol, seq=seq, cause=cause, price=w[2])
    if kind == EV_MARKET_PROTECTED:
        return MarketProtected(
            symbol=symbol, seq=seq, cause=cause, tripped_by=detail, action=w[2], price=w[3],
            begin=w[4],
        )  # fmt: skip
    if kind == EV_FEES_CHANGED:
        if w[4] < 0 or 5 + 3 * w[4] > len(w):
            raise ValueError(f"events: {w[4]} tiers of fees")
        return FeesChanged(
            symbol=symbol, seq=seq, cause=cause, account=w[2], version=w[3],
            tiers=tuple((w[5 + 3 * i], w[6 + 3 * i], w[7 + 3 * i]) for i in range(w[4])),
        )  # fmt: skip
    if kind == EV_FEES_APPLIED:
        return FeesApplied(
            symbol=symbol, seq=seq, cause=cause, trade_id=w[2], maker_version=w[3], maker_ppm=w[4],
            taker_version=w[5], taker_ppm=w[6],
        )  # fmt: skip
    if kind == EV_TRANSFER_CHANGED:
        return TransferChanged(
            symbol=symbol, seq=seq, cause=cause, transfer_state=detail, transfer_hi=w[2],
            transfer_lo=w[3], account=w[4], asset=w[5], amount=w[6], available=w[7], hold=w[8],
            partner=w[9], their_account=w[10], deadline_ns=w[11], proof=w[12],
        )  # fmt: skip
    raise ValueError(f"events: unknown kind {kind}")


def decode_events(events: bytes) -> list[AnyEvent]:
    return [decode_event(row) for row in event_rows(events)]
