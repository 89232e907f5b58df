"""The tree of a table's pages: kept equal to one made afresh, and walked down to what differs."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.state_walk import differing_pages
from core.page_tree import FAN, HASH_BYTES, PageTree
from core.table import PAGE_ROWS, Table
from core.waiting import Pace


def afresh(table: Table) -> bytes:
    """The digest by its definition: no state, no changed pages."""
    size = PAGE_ROWS * table.stride
    words = memoryview(table.rows)[: table.count * table.stride]
    level = [
        hashlib.sha256(words[at : at + size]).digest() for at in range(0, len(words), size)
    ] or [bytes(HASH_BYTES)]
    while len(level) > 1:
        groups = (level[at : at + FAN] for at in range(0, len(level), FAN))
        level = [hashlib.sha256(b"".join(group)).digest() for group in groups]
    head = f"{table.name}:{table.stride}:{table.count}".encode()
    return hashlib.sha256(head + level[0]).digest()


def table_of(rows: int) -> Table:
    table = Table("balances", 5)
    for row in range(rows):
        at = table.add_row() * 5
        table.rows[at] = row
    return table


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from([1, 63, 64, 65, 1_023, 1_025])),
            st.tuples(st.just("write"), st.integers(0, 1 << 30)),
            st.tuples(st.just("flat"), st.just(0)),
            st.tuples(st.just("root"), st.just(0)),
            st.tuples(st.just("entry"), st.integers(0, 100_000)),
        ),
        max_size=12,
    )
)
def test_the_root_is_that_of_a_tree_made_afresh(steps: list[tuple[str, int]]) -> None:
    table = table_of(0)
    pace = Pace()
    for what, number in steps:
        if what == "add":
            for _ in range(number):
                at = table.add_row() * 5
                table.rows[at + 1] = number
        elif what == "write" and table.count:
            row = number % table.count
            table.rows[row * 5 + number % 5] = number
            table.touch(row)
        elif what == "entry":
            pace.entry(number, 1)
            table.keep_up(pace)
        elif what == "flat":
            table.digest(as_tree=False)
        elif what == "root":
            assert table.digest(as_tree=True) == afresh(table)
    assert table.digest(as_tree=True) == afresh(table)


def test_a_load_begins_a_new_tree() -> None:
    table = table_of(5_000)
    table.digest(as_tree=True)
    table.load([memoryview(table.dump()[: 40 * 100])])
    assert table.digest(as_tree=True) == afresh(table)
    assert len(table.tree.levels) == 2


@pytest.mark.parametrize(("ours", "theirs"), [(70_000, 70_000), (64, 1), (70_000, 100), (0, 65)])
def test_a_walk_finds_exactly_the_pages_that_differ(ours: int, theirs: int) -> None:
    a, b = table_of(ours), table_of(theirs)
    rng = random.Random(ours)
    touched = {rng.randrange(theirs) for _ in range(20)} if ours == theirs else set()
    for row in touched:
        b.rows[row * 5 + 3] = 1
        b.touch(row)
    a.digest(as_tree=True)
    b.digest(as_tree=True)
    pages = {row // PAGE_ROWS for row in touched}
    if ours != theirs:
        fewest, most = sorted((ours, theirs))
        pages |= set(range(fewest // PAGE_ROWS, (most + PAGE_ROWS - 1) // PAGE_ROWS))
    assert list(differing_pages(a, b)) == sorted(pages)


def test_a_walk_goes_only_where_something_differs() -> None:
    a, b = table_of(70_000), table_of(70_000)
    b.rows[69_999 * 5 + 2] ^= 1
    b.touch(69_999)
    assert a.digest(as_tree=True) != b.digest(as_tree=True)
    differing = [
        sum(
            one[at : at + HASH_BYTES] != other[at : at + HASH_BYTES]
            for at in range(0, len(one), HASH_BYTES)
        )
        for one, other in zip(a.tree.levels, b.tree.levels, strict=True)
    ]
    assert differing == [1, 1, 1, 1]


def test_a_page_that_was_not_added_is_our_bug() -> None:
    tree = PageTree()
    tree.add_page()
    tree.put(0, bytes(HASH_BYTES))
    with pytest.raises(AssertionError, match="beyond the end"):
        tree.put(1, bytes(HASH_BYTES))


@pytest.mark.parametrize("pages", [2, 17, 300, 5_000])
def test_pages_may_be_put_in_any_order(pages: int) -> None:
    one, other = PageTree(), PageTree()
    numbers = list(range(pages))
    for tree in (one, other):
        tree.root()
        for _ in numbers:
            tree.add_page()
        for page in numbers:
            tree.put(page, hashlib.sha256(page.to_bytes(8, "little")).digest())
            tree.raise_down_to(3)
        random.Random(pages).shuffle(numbers)
    assert one.root() == other.root()
    assert one.levels == other.levels
