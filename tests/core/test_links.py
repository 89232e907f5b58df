"""Packed links: digests and snapshots have them as they always were."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.open_orders import LINK_WORDS, Links
from core.table import PAGE_ROWS

WORDS = st.integers(-(2**63), 2**63 - 1)
SLOTS = st.one_of(st.integers(-1, 2**24 - 1), st.sampled_from((-(2**31), 2**31 - 1)))
ROWS = st.lists(st.tuples(WORDS, WORDS, WORDS, SLOTS, SLOTS), max_size=3 * PAGE_ROWS)


def packed(rows: list[tuple[int, ...]]) -> bytes:
    return b"".join(struct.pack("<5q", *row) for row in rows)


@given(ROWS, st.integers(0, 3 * PAGE_ROWS))
def test_what_is_taken_in_comes_out_again(rows: list[tuple[int, ...]], cut: int) -> None:
    links = Links()
    links.load([memoryview(packed(rows[:cut])), memoryview(packed(rows[cut:]))])
    assert links.count == len(rows)
    assert len(links.rows) == len(rows) * LINK_WORDS
    assert links.dump() == packed(rows)
    for page in range(len(links.marks)):
        part = rows[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]
        assert bytes(links.content(page, 1)) == packed(part)
    assert [tuple(links.word(row, n) for n in range(5)) for row in range(links.count)] == rows


@pytest.mark.parametrize("word", [3, 4])
@pytest.mark.parametrize("slot", [2**31, -(2**31) - 1, 2**63 - 1])
def test_a_neighbour_that_no_row_can_have_is_refused(word: int, slot: int) -> None:
    row = [1, 2, 3, -1, -1]
    row[word] = slot
    with pytest.raises(ValueError, match=f"table links: neighbours .*{slot}"):
        Links().load([memoryview(packed([tuple(row)]))])


def test_a_row_that_never_rested_is_zeros() -> None:
    links = Links()
    links.add_row()
    assert links.dump() == bytes(40)
