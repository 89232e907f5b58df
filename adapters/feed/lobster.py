"""LOBSTER's recorded Nasdaq messages: what they ask of an exchange, and which of the recorded
book levels they determine.

Why it exists: the sample shows the ten best levels of each side after every message, but its
messages are only those that touched these ten. So a level can come into view that no message
ever told of, and what leaves the view may change unseen. To compare honestly, one must say which
levels the opening book and the messages determine, without a look at the later rows: that is
`Known`. Pure: no exchange and no clock here.

What is known of a side. All prices from the best one to a `frontier` are determined: for each of
them the messages give the quantity, be it nothing. Nothing is said of prices behind it. The
frontier moves

- in, to the tenth known level, when an eleventh is known: behind the tenth nothing is recorded;
- out, to the best price of the other side: no bid can stand at or above an ask, so there it is
  known that there is none;
- out, to just before an execution's price: an execution is at the best price of its side.

What this does not do: take orders back that were cancelled unseen, behind the tenth level, and
whose price later lies inside the frontier again. The sample has none; a file that has shows them
as differences.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from adapters.feed.actions import ASK, BID, Action, Amend, Cancel, Place

LEVELS: Final = 10
SIDES: Final = (BID, ASK)

SUBMIT: Final = 1
REDUCE: Final = 2
DELETE: Final = 3
EXECUTE: Final = 4
EXECUTE_HIDDEN: Final = 5
CROSS: Final = 6
HALT: Final = 7

Level = tuple[int, int]
"""Price, quantity."""
EMPTY_PRICES: Final = (-9_999_999_999, 9_999_999_999)
"""What LOBSTER writes where a side has fewer levels."""

REMAINDER: Final = -1
"""Tags of the opening book's orders that no message names are this and below."""


class FlowError(ValueError):
    """The file's fault: the line, the field and the rule."""


class Message(NamedTuple):
    kind: int
    order_id: int
    size: int
    price: int
    side: int


class Row(NamedTuple):
    """The recorded book after a message, best level first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    def side(self, side: int) -> tuple[Level, ...]:
        return self.bids if side == BID else self.asks


# --- the files --------------------------------------------------------------------------------


def read_messages(path: Path) -> list[Message]:
    """Raises `FlowError`. The time of a message plays no part: only their order does."""
    with path.open(newline="", encoding="ascii") as file:
        return [_message(line, fields) for line, fields in enumerate(csv.reader(file), 1)]


def _message(line: int, fields: list[str]) -> Message:
    if len(fields) != 6:
        raise FlowError(f"messages: line {line} has {len(fields)} fields, not 6")
    try:
        kind, order_id, size, price, side = (int(field) for field in fields[1:])
    except ValueError as error:
        raise FlowError(f"messages: line {line}: {error}") from error
    if not SUBMIT <= kind <= HALT:
        raise FlowError(f"messages: line {line}: type {kind} is not one of 1 to 7")
    if kind in (SUBMIT, REDUCE, DELETE, EXECUTE):
        if side not in SIDES:
            raise FlowError(f"messages: line {line}: direction {side} is neither 1 nor -1")
        if size < 1 or price < 1:
            raise FlowError(f"messages: line {line}: size and price must be above 0")
    return Message(kind, order_id, size, price, side)


def read_rows(path: Path) -> list[Row]:
    with path.open(newline="", encoding="ascii") as file:
        return [_row(line, fields) for line, fields in enumerate(csv.reader(file), 1)]


def _row(line: int, fields: list[str]) -> Row:
    if len(fields) != 4 * LEVELS:
        raise FlowError(f"book: line {line} has {len(fields)} fields, not {4 * LEVELS}")
    try:
        numbers = [int(field) for field in fields]
    except ValueError as error:
        raise FlowError(f"book: line {line}: {error}") from error
    asks = zip(numbers[0::4], numbers[1::4], strict=True)
    bids = zip(numbers[2::4], numbers[3::4], strict=True)
    return Row(
        tuple(level for level in bids if level[0] not in EMPTY_PRICES),
        tuple(level for level in asks if level[0] not in EMPTY_PRICES),
    )


# --- the opening book -------------------------------------------------------------------------


def opening_levels(first: Message, row: Row) -> dict[int, dict[int, int]]:
    """The book before the first message: row 1 with that message's effect taken back."""
    levels = {side: dict(row.side(side)) for side in SIDES}
    if first.kind == SUBMIT:
        change = -first.size
    elif first.kind in (REDUCE, DELETE, EXECUTE):
        change = first.size
    else:
        return levels
    side = levels[first.side]
    left = side.get(first.price, 0) + change
    if left < 0:
        raise FlowError("book: line 1 does not contain message 1's order")
    if left:
        side[first.price] = left
    else:
        del side[first.price]
    return levels


class Opening(NamedTuple):
    """Orders to seed the book with, and the ids that messages name but no seed can be."""

    orders: list[Place]
    outside: frozenset[int]


def opening_book(messages: list[Message], levels: dict[int, dict[int, int]]) -> Opening:
    """The opening book as orders: one for each id that a later message names, then the rest.

    An id without a submission belongs to the opening book at its price, with at least as much as
    its messages take from it. Lower ids are older, so they come first. A level's remainder is
    never executed (an execution would name it), so it comes last. An id whose price was behind
    the tenth level when the file began stays outside: what it was, no message says.
    """
    born = {message.order_id for message in messages if message.kind == SUBMIT}
    taken: dict[int, int] = {}
    place: dict[int, tuple[int, int]] = {}
    for message in messages:
        if message.kind in (REDUCE, DELETE, EXECUTE) and message.order_id not in born:
            taken[message.order_id] = taken.get(message.order_id, 0) + message.size
            place[message.order_id] = (message.side, message.price)
    left = {(side, price): lots for side in SIDES for price, lots in levels[side].items()}
    orders: list[Place] = []
    outside = set()
    for tag in sorted(taken):
        side, price = place[tag]
        if left.get((side, price), 0) < taken[tag]:
            outside.add(tag)
            continue
        left[side, price] -= taken[tag]
        orders.append(Place(tag, side, price, taken[tag]))
    for number, ((side, price), lots) in enumerate(left.items()):
        if lots:
            orders.append(Place(REMAINDER - number, side, price, lots))
    return Opening(orders, frozenset(outside))


# --- the messages -----------------------------------------------------------------------------


class Step(NamedTuple):
    """One message as an action. `maker`: the tag that an execution must hit, else None."""

    action: Action | None
    maker: int | None
    note: str


class Translation:
    """Messages as actions, one after the other; it remembers what is left of each order."""

    def __init__(self, opening: Opening) -> None:
        self._outside = opening.outside
        self._left = {order.tag: order.lots for order in opening.orders}

    def step(self, message: Message, number: int) -> Step:
        """`number` is the message's own, from 1: the tag of the order that an execution sends."""
        tag = message.order_id
        if message.kind == SUBMIT:
            self._left[tag] = message.size
            return Step(Place(tag, message.side, message.price, message.size), None, "")
        if message.kind not in (REDUCE, DELETE, EXECUTE):
            return Step(None, None, _SKIPPED[message.kind])
        if tag in self._outside:
            return Step(None, None, "an order that was behind the opening book's tenth level")
        if tag not in self._left or self._left[tag] < message.size:
            raise FlowError(f"messages: line {number}: order {tag} has no {message.size} left")
        self._left[tag] -= message.size
        left = self._left[tag]
        if message.kind == EXECUTE:
            taker = _TAKER_TAGS - number
            return Step(Place(taker, -message.side, message.price, message.size, True), tag, "")
        if message.kind == REDUCE and left:
            return Step(Amend(tag, message.price, left), None, "")
        if left:
            raise FlowError(f"messages: line {number}: order {tag} is deleted with {left} left")
        return Step(Cancel(tag), None, "")


_TAKER_TAGS: Final = -(1 << 40)
_SKIPPED: Final = {
    EXECUTE_HIDDEN: "hidden execution: the visible book does not change",
    CROSS: "cross trade: the visible book does not change",
    HALT: "trading halt indicator: the visible book does not change",
}


# --- what is known ----------------------------------------------------------------------------


class Known:
    """Which levels the opening book and the messages so far determine."""

    def __init__(self, levels: dict[int, dict[int, int]], outside: frozenset[int]) -> None:
        self._levels = {side: dict(levels[side]) for side in SIDES}
        self._outside = outside
        # `side * price`: the worst price that is still determined; bigger is better.
        self._frontier = {
            side: min((side * price for price in levels[side]), default=0) for side in SIDES
        }
        self._settle()

    def apply(self, message: Message) -> None:
        if message.kind not in (SUBMIT, REDUCE, DELETE, EXECUTE):
            return
        if message.kind == EXECUTE:
            self._reach(message.side, message.side * message.price + 1)
        elif message.kind == SUBMIT:
            self._reach(-message.side, -message.side * message.price)
        if message.order_id not in self._outside:
            self._change(message)
        self._settle()

    def _change(self, message: Message) -> None:
        side = self._levels[message.side]
        change = message.size if message.kind == SUBMIT else -message.size
        left = side.get(message.price, 0) + change
        assert left >= 0, "the translation refuses a message that takes more than there is"
        if left:
            side[message.price] = left
        else:
            del side[message.price]

    def levels(self, side: int) -> list[Level]:
        """The determined levels, best first: the first so many of the recorded row."""
        frontier = self._frontier[side]
        found = [
            (price, lots) for price, lots in self._levels[side].items() if side * price >= frontier
        ]
        return sorted(found, key=lambda level: -side * level[0])

    def _reach(self, side: int, worst: int) -> None:
        self._frontier[side] = min(self._frontier[side], worst)

    def _settle(self) -> None:
        for side in SIDES:
            other = self.levels(-side)
            if other:
                self._reach(side, side * other[0][0])
        for side in SIDES:
            known = self.levels(side)
            if len(known) >= LEVELS:
                self._frontier[side] = side * known[LEVELS - 1][0]


class Comparison:
    """Counts levels compared, equal and unknowable; remembers the first difference."""

    def __init__(self) -> None:
        self.compared = 0
        self.equal = 0
        self.unknowable = 0
        self.first_difference = ""

    def row(self, number: int, known: Known, row: Row, book: dict[int, list[Level]]) -> None:
        """`book` is the exchange's own, best level first on each side."""
        for side in SIDES:
            count = min(len(known.levels(side)), LEVELS)
            recorded = row.side(side)
            self.unknowable += max(0, len(recorded) - count)
            for at in range(count):
                self.compared += 1
                expected = recorded[at] if at < len(recorded) else None
                actual = book[side][at] if at < len(book[side]) else None
                if actual == expected:
                    self.equal += 1
                elif not self.first_difference:
                    name = "bid" if side == BID else "ask"
                    self.first_difference = (
                        f"message {number}, {name} level {at + 1}: {actual}, recorded {expected}"
                    )


def steps(messages: list[Message], opening: Opening) -> Iterator[tuple[int, Message, Step]]:
    translation = Translation(opening)
    for number, message in enumerate(messages, 1):
        yield number, message, translation.step(message, number)
