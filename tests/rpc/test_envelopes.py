"""Every event of the machine has its public message, and every field of that is filled."""

import struct

import pytest

from adapters import rpc_metadata
from adapters.rpc_envelopes import envelopes
from contracts.gen.exchange.v1 import events_pb2
from core import codes
from core.commands import name_words
from core.events import EVENT_WORDS
from replication.ports import Committed

NAME = name_words("BTC-KRW")
SYMBOL, SEQ, CAUSE, SIDE = 7, 41, 2, codes.SELL

# What word 0 says in its detail bits, where 1 would not name every field.
DETAILS = {
    codes.EV_ORDER_ACCEPTED: codes.MARKET | codes.FOK << 4,
    codes.EV_SYMBOL_MODE_CHANGED: codes.MODE_HARD_HALT,
    codes.EV_ORDER_LIST_CHANGED: codes.LIST_OCO | codes.LIST_EXECUTING << 4,
}
OTHER_WORDS = {
    codes.EV_SYMBOL_MODE_CHANGED: [codes.MODE_SOFT_HALT],
    codes.EV_ASSET_LISTED: [3, *NAME, 8],
    codes.EV_RULES_CHANGED: [*range(101, 110), codes.MODE_AUCTION, *range(111, 121)],
    codes.EV_ACCOUNT_RESTRICTED: [101, 2, 1],
    codes.EV_MARKET_PROTECTED: [codes.MODE_AUCTION, 102, 103],
    codes.EV_FEES_CHANGED: [101, 102, 2, *range(104, 122)],
    codes.EV_ORDER_TERMS: [*range(101, 109), 1 | 1 << 8, 15, 111],
    codes.EV_SYMBOL_LISTED: [*NAME, *range(101, 113)],
}


def row(kind: int) -> bytes:
    words = OTHER_WORDS.get(kind, list(range(101, 99 + EVENT_WORDS[kind])))
    assert len(words) == EVENT_WORDS[kind] - 2
    head = (
        kind | EVENT_WORDS[kind] << 8 | SYMBOL << 16 | CAUSE << 32 | SIDE << 48
        | DETAILS.get(kind, 1) << 52
    )  # fmt: skip
    return struct.pack(f"<{len(words) + 2}q", head, SEQ, *words)


def enveloped(events: bytes, metadata: bytes = b"") -> list[events_pb2.EventEnvelope]:
    entry = Committed(index=12, term=3, ts_ns=99, events=events, metadata=metadata, chain=bytes(32))
    return list(envelopes(entry, 5, {SYMBOL: "BTC-KRW"}.__getitem__))


@pytest.mark.parametrize("kind", range(1, len(codes.EVENT_NAMES)), ids=codes.EVENT_NAMES[1:])
def test_every_event_has_its_message_and_every_field(kind: int) -> None:
    [envelope] = enveloped(row(kind))
    which = envelope.WhichOneof("event")
    assert which is not None
    message = getattr(envelope, which)
    assert message.DESCRIPTOR.name == codes.EVENT_NAMES[kind]
    filled = {field.name for field, _ in message.ListFields()}
    assert filled == {field.name for field in message.DESCRIPTOR.fields}
    assert (envelope.symbol, envelope.seq, envelope.occurred_at) == ("BTC-KRW", SEQ, 99)
    assert (envelope.partition, envelope.index, envelope.epoch) == (5, 12, 3)


def test_ids_tell_events_of_one_entry_apart_and_causes_follow_the_command() -> None:
    names = rpc_metadata.encode({CAUSE: (b"cmd", b"corr", b"trace")})
    first, second = enveloped(row(codes.EV_BOOK_DELTA) * 2, names)
    assert [first.event_id, second.event_id] == ["5-12-0", "5-12-1"]
    assert (first.causation_id, first.correlation_id, first.trace_id) == ("cmd", "corr", "trace")
    [unnamed] = enveloped(row(codes.EV_BOOK_DELTA))
    assert unnamed.causation_id == unnamed.correlation_id == f"5-12-c{CAUSE}"
    traced = rpc_metadata.encode({CAUSE: (b"", b"", b"trace")})
    assert enveloped(row(codes.EV_BOOK_DELTA), traced)[0].correlation_id == "trace"


def test_a_name_that_is_no_text_is_shown_and_does_not_end_the_tail() -> None:
    names = rpc_metadata.encode({CAUSE: (b"\x83" * 16, "고객".encode(), b"\xff")})
    [envelope] = enveloped(row(codes.EV_BOOK_DELTA), names)
    assert envelope.causation_id == "83" * 16
    assert (envelope.correlation_id, envelope.trace_id) == ("고객", "ff")


def test_the_public_side_and_mode_are_not_the_zero_of_the_inside() -> None:
    [trade] = enveloped(row(codes.EV_TRADE_EXECUTED))
    assert trade.trade_executed.side == codes.SELL + 1
    [mode] = enveloped(row(codes.EV_SYMBOL_MODE_CHANGED))
    assert mode.symbol_mode_changed.mode == codes.MODE_HARD_HALT + 1
    assert mode.symbol_mode_changed.old_mode == codes.MODE_SOFT_HALT + 1
