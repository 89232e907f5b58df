"""The packed book and the naive one under one test class, and under random orders side by side.

Why it exists: the book is the innermost loop, and the machine's tests see it only through money
and events. `BookContract` says what any order book must do; two small adapters give both books
the same few verbs.
"""

from dataclasses import dataclass
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.book import Book
from core.codes import BUY, SELL
from core.limits import ORDER_ID_MAX, SLOT_BITS
from core.order_store import (
    F_LEFT,
    F_PRICE,
    F_QTY,
    F_SLOT,
    FILL_WORDS,
    GENERATION_MAX,
    L_COUNT,
    L_PRICE,
    L_TOTAL,
    LEVEL_WORDS,
    O_FILLED,
    O_ID,
    O_REMAINING,
    ORDER_WORDS,
    OrderStore,
)
from sim.twin.book import Book as NaiveBook
from sim.twin.book import Order, other

SYMBOL = 1


@dataclass(frozen=True)
class Fill:
    maker: int
    price: int
    lots: int
    maker_left: int


Levels = list[tuple[int, int, int]]
"""Price, lots, orders; the best first."""


class AnyBook(Protocol):
    """Orders go by a number of the caller's."""

    def rest(self, order: int, side: int, price: int, lots: int) -> None: ...
    def match(self, side: int, price: int, lots: int) -> tuple[list[Fill], int]: ...
    def cancel(self, order: int) -> None: ...
    def reduce(self, order: int, lots: int) -> None: ...
    def best(self, side: int) -> int: ...
    def fillable(self, side: int, price: int, lots: int) -> int: ...
    def levels(self, side: int) -> Levels: ...


class Naive:
    """The twin's book; matching is spelled out."""

    def __init__(self) -> None:
        self._book = NaiveBook()
        self._orders: dict[int, Order] = {}

    def rest(self, order: int, side: int, price: int, lots: int) -> None:
        self._orders[order] = Order(order, 0, SYMBOL, side, price, lots, 0)
        self._book.join(self._orders[order])

    def match(self, side: int, price: int, lots: int) -> tuple[list[Fill], int]:
        fills = []
        for at in self._book.within(other(side), price):
            for maker in list(self._book.queue(other(side), at)):
                if lots == 0:
                    break
                taken = min(lots, maker.remaining)
                lots -= taken
                maker.filled += taken
                fills.append(Fill(maker.order_id, at, taken, maker.remaining))
                if maker.remaining == 0:
                    self._book.leave(maker)
        return fills, lots

    def cancel(self, order: int) -> None:
        self._book.leave(self._orders.pop(order))

    def reduce(self, order: int, lots: int) -> None:
        self._orders[order].qty -= lots

    def best(self, side: int) -> int:
        return self._book.best(side) or 0

    def fillable(self, side: int, price: int, lots: int) -> int:
        return min(lots, self._book.liquidity(other(side), price))

    def levels(self, side: int) -> Levels:
        book = self._book
        return [
            (price, book.total(side, price), len(book.queue(side, price)))
            for price in book.prices(side)
        ]


class Packed:
    """`core.book.Book` with its slots translated."""

    def __init__(self) -> None:
        self._store = OrderStore()
        self._book = Book(SYMBOL, self._store)
        self._slots: dict[int, int] = {}
        self._names: dict[int, int] = {}

    def rest(self, order: int, side: int, price: int, lots: int) -> None:
        slot = self._store.allocate()
        self._slots[order], self._names[slot] = slot, order
        rows = self._store.orders.rows
        rows[slot * ORDER_WORDS + O_REMAINING] = lots
        rows[slot * ORDER_WORDS + O_FILLED] = 0
        self._book.rest(slot, side, price)
        assert self._store.find(rows[slot * ORDER_WORDS + O_ID]) == slot

    def match(self, side: int, price: int, lots: int) -> tuple[list[Fill], int]:
        self._store.fill_count = 0
        left = self._book.match(side, price, lots)
        fills = self._store.fills
        starts = range(0, self._store.fill_count * FILL_WORDS, FILL_WORDS)
        return [
            Fill(
                self._names[fills[at + F_SLOT]], fills[at + F_PRICE], fills[at + F_QTY],
                fills[at + F_LEFT],
            )
            for at in starts
        ], left  # fmt: skip

    def cancel(self, order: int) -> None:
        slot = self._slots[order]
        self._book.unlink(slot)
        self._store.release(slot)

    def reduce(self, order: int, lots: int) -> None:
        self._book.reduce(self._slots[order], lots)

    def best(self, side: int) -> int:
        return self._book.best(side)

    def fillable(self, side: int, price: int, lots: int) -> int:
        return self._book.fillable(side, price, lots)

    def levels(self, side: int) -> Levels:
        ladder = self._book.side(side)
        rows = self._store.levels.rows
        starts = [ladder.levels[i] * LEVEL_WORDS for i in reversed(range(ladder.depth))]
        return [(rows[at + L_PRICE], rows[at + L_TOTAL], rows[at + L_COUNT]) for at in starts]


class BookContract:
    """What every order book does. Subclasses say which one."""

    @pytest.fixture
    def book(self) -> AnyBook:
        raise NotImplementedError

    def test_an_empty_book_has_nothing(self, book: AnyBook) -> None:
        assert (book.best(BUY), book.best(SELL)) == (0, 0)
        assert book.match(BUY, 100, 5) == ([], 5)
        assert book.match(SELL, 0, 5) == ([], 5)
        assert book.fillable(BUY, 0, 5) == 0
        assert book.levels(BUY) == book.levels(SELL) == []

    @pytest.mark.parametrize(("side", "best_first"), [(BUY, [103, 101, 99]),
                                                      (SELL, [99, 101, 103])])  # fmt: skip
    def test_levels_are_sorted_from_the_best(
        self, book: AnyBook, side: int, best_first: list[int]
    ) -> None:
        for order, price in enumerate((101, 103, 99, 101)):
            book.rest(order, side, price, 1 + order)
        totals = {101: (5, 2), 103: (2, 1), 99: (3, 1)}
        assert book.levels(side) == [(price, *totals[price]) for price in best_first]
        assert book.best(side) == best_first[0]
        assert book.levels(other(side)) == []

    def test_the_best_price_trades_first(self, book: AnyBook) -> None:
        for order, price in enumerate((101, 99, 100)):
            book.rest(order, SELL, price, 2)
        fills, left = book.match(BUY, 100, 5)
        assert fills == [Fill(1, 99, 2, 0), Fill(2, 100, 2, 0)]
        assert left == 1
        assert book.levels(SELL) == [(101, 2, 1)]

    def test_the_oldest_trades_first_whatever_its_size(self, book: AnyBook) -> None:
        for order, lots in enumerate((1, 50, 2)):
            book.rest(order, BUY, 100, lots)
        fills, left = book.match(SELL, 100, 52)
        assert fills == [Fill(0, 100, 1, 0), Fill(1, 100, 50, 0), Fill(2, 100, 1, 1)]
        assert left == 0
        assert book.levels(BUY) == [(100, 1, 1)]

    def test_a_limit_is_a_limit(self, book: AnyBook) -> None:
        book.rest(0, SELL, 101, 1)
        book.rest(1, BUY, 99, 1)
        assert book.match(BUY, 100, 1) == ([], 1)
        assert book.match(SELL, 100, 1) == ([], 1)
        assert book.match(BUY, 101, 1) == ([Fill(0, 101, 1, 0)], 0)
        assert book.match(SELL, 99, 1) == ([Fill(1, 99, 1, 0)], 0)

    def test_price_zero_is_any_price(self, book: AnyBook) -> None:
        book.rest(0, SELL, 1, 1)
        book.rest(1, SELL, 1 << 40, 1)
        assert book.match(BUY, 0, 9) == ([Fill(0, 1, 1, 0), Fill(1, 1 << 40, 1, 0)], 7)

    def test_what_rests_goes_to_the_tail(self, book: AnyBook) -> None:
        book.rest(0, BUY, 100, 1)
        book.rest(1, BUY, 100, 1)
        book.cancel(0)
        book.rest(2, BUY, 100, 1)
        fills, _ = book.match(SELL, 100, 2)
        assert [fill.maker for fill in fills] == [1, 2]

    @pytest.mark.parametrize("gone", [0, 1, 2])
    def test_cancel_leaves_the_others_in_their_order(self, book: AnyBook, gone: int) -> None:
        for order in range(3):
            book.rest(order, SELL, 100, 1)
        book.cancel(gone)
        assert book.levels(SELL) == [(100, 2, 2)]
        fills, left = book.match(BUY, 100, 3)
        assert [fill.maker for fill in fills] == [order for order in range(3) if order != gone]
        assert left == 1

    def test_the_last_one_takes_its_level_along(self, book: AnyBook) -> None:
        book.rest(0, BUY, 100, 1)
        book.rest(1, BUY, 99, 1)
        book.cancel(0)
        assert book.levels(BUY) == [(99, 1, 1)]
        assert book.best(BUY) == 99

    def test_a_reduction_keeps_its_place(self, book: AnyBook) -> None:
        book.rest(0, BUY, 100, 5)
        book.rest(1, BUY, 100, 5)
        book.reduce(0, 3)
        assert book.levels(BUY) == [(100, 7, 2)]
        assert book.match(SELL, 100, 3)[0] == [Fill(0, 100, 2, 0), Fill(1, 100, 1, 4)]

    def test_fillable_counts_what_a_match_would_take(self, book: AnyBook) -> None:
        for order, price in enumerate((100, 100, 101, 105)):
            book.rest(order, SELL, price, 2)
        assert [book.fillable(BUY, price, 100) for price in (99, 100, 101, 104, 105, 0)] == [
            0, 4, 6, 6, 8, 8,
        ]  # fmt: skip
        assert book.fillable(BUY, 0, 5) == 5

    def test_hundreds_of_makers_in_one_match(self, book: AnyBook) -> None:
        for order in range(500):
            book.rest(order, SELL, 100 + order % 7, 1)
        fills, left = book.match(BUY, 0, 600)
        assert left == 100
        assert [fill.maker for fill in fills] == sorted(range(500), key=lambda n: (n % 7, n))
        assert book.levels(SELL) == []


class TestNaiveBook(BookContract):
    @pytest.fixture
    def book(self) -> AnyBook:
        return Naive()


class TestPackedBook(BookContract):
    @pytest.fixture
    def book(self) -> AnyBook:
        return Packed()


def test_a_slot_is_retired_after_its_last_generation() -> None:
    store = OrderStore()
    slot = store.allocate()
    store.release(slot)
    store.orders.rows[slot * ORDER_WORDS + O_ID] = (GENERATION_MAX - 1) << SLOT_BITS | slot
    assert store.allocate() == slot
    last_id = store.orders.rows[slot * ORDER_WORDS + O_ID]
    assert last_id == GENERATION_MAX << SLOT_BITS | slot <= ORDER_ID_MAX
    store.release(slot)
    assert store.allocate() == slot + 1


steps = st.tuples(
    st.sampled_from(("take", "take", "take", "cancel", "reduce")),
    st.sampled_from((BUY, SELL)),
    st.integers(1, 8),
    st.integers(1, 20),
)


@given(st.lists(steps, max_size=120))
def test_both_books_agree(script: list[tuple[str, int, int, int]]) -> None:
    """`take` trades and rests with what is left, as an order does."""
    packed, naive = Packed(), Naive()
    resting: dict[int, int] = {}  # order to the lots that it has left
    for number, (what, side, price, lots) in enumerate(script):
        if what == "take":
            assert packed.fillable(side, price, lots) == naive.fillable(side, price, lots)
            fills, left = packed.match(side, price, lots)
            assert (fills, left) == naive.match(side, price, lots)
            for fill in fills:
                resting[fill.maker] = fill.maker_left
            if left:
                packed.rest(number, side, price, left)
                naive.rest(number, side, price, left)
                resting[number] = left
        elif resting:
            order = sorted(resting)[price % len(resting)]
            if what == "cancel" or resting[order] == 1:
                packed.cancel(order)
                naive.cancel(order)
                resting[order] = 0
            else:
                off = 1 + lots % (resting[order] - 1)
                packed.reduce(order, off)
                naive.reduce(order, off)
                resting[order] -= off
        resting = {order: left for order, left in resting.items() if left}
        assert packed.levels(BUY) == naive.levels(BUY)
        assert packed.levels(SELL) == naive.levels(SELL)
        assert (packed.best(BUY), packed.best(SELL)) == (naive.best(BUY), naive.best(SELL))
