"""The recorded benchmark flow, the fold of events, and the loop that sends in order."""

import asyncio
import gzip
import struct
from pathlib import Path

import pytest

from adapters.feed import orderflow
from adapters.feed.actions import ASK, BID, Amend, Cancel, Place
from adapters.feed.fold import BookFold, SymbolEvents, Trade
from adapters.feed.lobster import FlowError
from adapters.feed.sender import Answer, Sender, percentile_ms
from core.codes import OK, UNKNOWN_ORDER, VALIDATION

RECORD = struct.Struct("<BBBxIQQqq")


def flow(*records: bytes) -> bytes:
    return struct.pack("<QII", 7, 1, len(records)) + b"".join(records)


def test_records_become_actions(tmp_path: Path) -> None:
    data = flow(
        RECORD.pack(0, 0, 0, 21, 1, 5, 100, 0),
        RECORD.pack(0, 1, 1, 3, 2, 6, 101, 0),
        RECORD.pack(2, 0, 0, 30, 3, 5, 99, 0),
        RECORD.pack(1, 0, 0, 0, 4, 5, 0, 0),
    )
    path = tmp_path / "flow.bin.gz"
    path.write_bytes(gzip.compress(data))
    assert orderflow.read_flow(path) == data
    assert list(orderflow.actions(data)) == [
        Place(5, BID, 100, 21), Place(6, ASK, 101, 3, True), Amend(5, 99, 30), Cancel(5),
    ]  # fmt: skip


def test_the_bare_book_says_what_to_expect() -> None:
    data = flow(
        RECORD.pack(0, 1, 0, 5, 1, 1, 100, 0),
        RECORD.pack(0, 0, 1, 7, 2, 2, 101, 0),
        RECORD.pack(1, 0, 0, 0, 3, 1, 0, 0),
    )
    assert orderflow.expected(data) == ([Trade(100, 5, 1, 2)], 1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"short", "header"),
        (struct.pack("<QII", 7, 2, 0), "version 2"),
        (struct.pack("<QII", 7, 1, 3), "3 records"),
    ],
)
def test_a_file_that_is_no_flow_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "flow.bin"
    path.write_bytes(data)
    with pytest.raises(FlowError, match=words):
        orderflow.read_flow(path)


def test_a_record_that_is_none_is_named() -> None:
    for record in (RECORD.pack(3, 0, 0, 1, 1, 1, 1, 0), RECORD.pack(0, 2, 0, 1, 1, 1, 1, 0)):
        with pytest.raises(FlowError, match="record 0"):
            list(orderflow.actions(flow(record)))


# --- the fold ---------------------------------------------------------------------------------


def event(kind: int, symbol: int, side: int, seq: int, *words: int) -> bytes:
    head = kind | len(words) + 2 << 8 | symbol << 16 | side << 48
    return struct.pack(f"<{len(words) + 2}q", head, seq, *words)


def delta(seq: int, side: int, price: int, total: int, symbol: int = 1) -> bytes:
    return event(7, symbol, side, seq, price, total, 1)


def trade(seq: int, maker: int, taker: int) -> bytes:
    return event(6, 1, 0, seq, 1, 100, 5, maker, taker, *[0] * 8)


def test_the_book_can_be_looked_at_after_each_sequence_number() -> None:
    events = SymbolEvents(1)
    events.add(delta(1, 0, 100, 5) + delta(1, 0, 7, 7, symbol=2) + delta(2, 1, 101, 4))
    events.add(trade(3, 8, 9) + delta(4, 0, 100, 0) + delta(5, 0, 99, 1))
    fold = BookFold(events.rows)
    assert fold.advance(2) == []
    assert (fold.levels(BID, 10), fold.levels(ASK, 10)) == ([(100, 5)], [(101, 4)])
    assert fold.advance(4) == [Trade(100, 5, 8, 9)]
    assert fold.levels(BID, 10) == []
    fold.advance(0)
    fold.advance(5)
    assert fold.levels(BID, 10) == [(99, 1)]
    assert fold.trades == 1


def test_a_gap_in_the_events_stops_the_run() -> None:
    events = SymbolEvents(1)
    events.add(delta(1, 0, 100, 5))
    with pytest.raises(AssertionError, match="gap"):
        events.add(delta(3, 0, 100, 6))


# --- the loop ---------------------------------------------------------------------------------


class RecordingDoor:
    """Answers when it is told to; order ids count from 1000."""

    def __init__(self, window: int = 8) -> None:
        self.window = window
        self.calls: list[tuple[object, ...]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.in_flight = 0
        self.most_in_flight = 0
        self.refused: set[int] = set()

    async def close(self) -> None: ...

    async def _answered(self, code: int, order_id: int) -> Answer:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await self.open.wait()
        self.in_flight -= 1
        return Answer(code, order_id, len(self.calls))

    async def place(self, action: Place) -> Answer:
        self.calls.append(("place", action.tag))
        if action.tag in self.refused:
            return await self._answered(VALIDATION, 0)
        return await self._answered(OK, 1000 + action.tag)

    async def cancel(self, action: Cancel, order_id: int, side: int) -> Answer:
        self.calls.append(("cancel", order_id, side))
        return await self._answered(UNKNOWN_ORDER if order_id == 1009 else OK, order_id)

    async def amend(self, action: Amend, order_id: int, side: int, filled: int) -> Answer:
        self.calls.append(("amend", order_id, side, filled + action.lots))
        return await self._answered(OK, order_id)

    async def filled(self, order_id: int) -> int:
        assert self.in_flight == 0, "an amend's total is asked for when nothing can change it"
        return 4


@pytest.mark.asyncio
async def test_actions_enter_in_order_and_name_the_exchanges_ids() -> None:
    door = RecordingDoor()
    sender = Sender(door)
    sent = await sender.send(
        [Place(1, BID, 100, 5), Place(2, ASK, 101, 5), Cancel(1), Amend(2, 102, 6), Cancel(2)]
    )
    assert door.calls == [
        ("place", 1), ("place", 2), ("cancel", 1001, BID), ("amend", 1002, ASK, 10),
        ("cancel", 1002, ASK),
    ]  # fmt: skip
    assert (sent.orders, sent.accepted, len(sent.latencies_s)) == (5, 5, 5)
    assert sender.order_id(2) == 1002


@pytest.mark.asyncio
async def test_many_are_in_flight_but_no_more_than_the_window() -> None:
    door = RecordingDoor(window=3)
    door.open.clear()
    sending = asyncio.create_task(Sender(door).send(Place(n, BID, 1, 1) for n in range(10)))
    await asyncio.wait([sending], timeout=0.05)
    assert len(door.calls) == 3
    door.open.set()
    assert (await sending).orders == 10
    assert door.most_in_flight == 3


@pytest.mark.asyncio
async def test_what_names_a_refused_order_is_not_sent_and_rejects_are_counted() -> None:
    door = RecordingDoor()
    door.refused = {5}
    sent = await Sender(door).send([Place(5, BID, 1, 1), Cancel(5), Place(9, BID, 1, 1), Cancel(9)])
    assert sent.answers[1] is None
    assert (sent.orders, sent.accepted) == (3, 1)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile_ms([], 99) == 0.0
    assert percentile_ms([0.001 * n for n in range(1, 101)], 50) == 51.0
    assert percentile_ms([0.001 * n for n in range(1, 101)], 99) == 100.0
