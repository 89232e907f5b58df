"""The window of published entries: bounded, contiguous, never ahead of the store's eviction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replication.feed import Feed
from replication.ports import Committed


def entry(index: int, size: int = 100) -> Committed:
    return Committed(
        index=index, term=1, ts_ns=index, events=bytes(size), metadata=b"", chain=bytes(32)
    )


def test_a_follower_sees_everything_from_its_position() -> None:
    feed = Feed(0, 1 << 20)
    for index in (1, 2, 3):
        feed.publish(entry(index))
    found = feed.after(2, 1 << 20)
    assert found is not None
    assert [one.index for one in found] == [2, 3]
    assert feed.after(4, 1 << 20) == []


def test_a_chunk_has_a_bound_but_at_least_one_entry() -> None:
    feed = Feed(0, 1 << 20)
    for index in (1, 2, 3):
        feed.publish(entry(index))
    assert len(feed.after(1, 1) or ()) == 1
    assert len(feed.after(1, 133) or ()) == 2


def test_what_left_the_window_is_asked_of_the_store() -> None:
    feed = Feed(0, 300)
    for index in range(1, 6):
        feed.publish(entry(index))
    assert feed.first_index == 1, "nothing is in the store yet, so nothing may leave"
    feed.stored(4)
    assert feed.first_index == 4
    assert feed.after(3, 1) is None
    assert feed.after(4, 1) == [entry(4)]


def test_entries_are_published_in_order() -> None:
    feed = Feed(5, 300)
    with pytest.raises(AssertionError, match="in order"):
        feed.publish(entry(7))


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), max_size=60), st.integers(0, 2000))
def test_the_window_is_contiguous_and_bounded(
    steps: list[tuple[int, bool]], bytes_max: int
) -> None:
    feed = Feed(0, bytes_max)
    for number, (size, store) in enumerate(steps, 1):
        feed.publish(entry(number, size))
        if store:
            feed.stored(number)
            kept = feed.after(feed.first_index, 1 << 30) or []
            assert sum(len(one.events) + 32 for one in kept) <= bytes_max
        found = feed.after(feed.first_index, 1 << 30) or []
        assert [one.index for one in found] == list(range(feed.first_index, number + 1))
