"""Bytes that are not events are refused with their place, never read as something else."""

import struct

import pytest

from core.codes import EV_BOOK_DELTA, EVENT_NAMES
from core.events import EVENT_WORDS, BookDelta, decode_events


def row(kind: int, words: int, given: int) -> bytes:
    return struct.pack(f"<{given}q", kind | words << 8, *range(1, given))


def test_a_row_of_the_right_length_is_read() -> None:
    length = EVENT_WORDS[EV_BOOK_DELTA]
    (event,) = decode_events(row(EV_BOOK_DELTA, length, length))
    assert event == BookDelta(symbol=0, seq=1, cause=0, side=0, price=2, total=3, orders=4)


@pytest.mark.parametrize("kind", range(1, len(EVENT_NAMES)))
@pytest.mark.parametrize("off", [-1, 1])
def test_another_length_than_the_kinds_is_refused(kind: int, off: int) -> None:
    length = EVENT_WORDS[kind] + off
    with pytest.raises(ValueError, match=f"events: kind {kind} with {length} words at word 0"):
        decode_events(row(kind, length, length))


@pytest.mark.parametrize("kind", [0, len(EVENT_NAMES), 255])
def test_an_unknown_kind_is_refused(kind: int) -> None:
    with pytest.raises(ValueError, match=f"events: kind {kind} "):
        decode_events(row(kind, 5, 5))


def test_a_row_that_is_cut_is_refused() -> None:
    whole = row(EV_BOOK_DELTA, 5, 5)
    with pytest.raises(ValueError, match="5 words at word 0 of 4"):
        decode_events(whole[:-8])
    with pytest.raises(ValueError, match="not whole words"):
        decode_events(whole[:-1])
