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

The same facts say of some orders that they are gone although no message told so: they were
cancelled unseen, behind the tenth level. `Translation` cancels them before they could trade.
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
    """One message as actions. `maker`: the tag that an execution must hit, else None.

    `gone`: orders that the message proves cancelled unseen; their cancels go first.
    """

    gone: tuple[Cancel, ...]
    action: Action | None
    maker: int | None
    note: str


class Translation:
    """Messages as actions, one after the other; it remembers the orders that are open."""

    def __init__(self, opening: Opening) -> None:
        self._outside = opening.outside
        self._left: dict[int, int] = {}
        # Tags by side and price, oldest first.
        self._queues: dict[int, dict[int, list[int]]] = {BID: {}, ASK: {}}
        for order in opening.orders:
            self._add(order.tag, order.side, order.price, order.lots)

    def step(self, message: Message, number: int, *, level_known: bool) -> Step:
        """`number` is the message's own, from 1: the tag of the order that an execution sends.

        `level_known`: the message's level was determined before it, see `Known`.
        """
        kind, tag, size, price, side = message
        if kind not in (SUBMIT, REDUCE, DELETE, EXECUTE):
            return Step((), None, None, _SKIPPED[kind])
        gone = tuple(Cancel(tag) for tag in self._gone(message, level_known=level_known))
        for cancel in gone:
            self._remove(cancel.tag)
        if kind == SUBMIT:
            self._add(tag, side, price, size)
            return Step(gone, Place(tag, side, price, size), None, "")
        if tag in self._outside:
            return Step(gone, None, None, "an order that was behind the opening book's levels")
        left = self._left.get(tag, 0) - size
        if left < 0 and not level_known:
            # It came in unseen, at a price that the opening book had too.
            return Step(gone, None, None, "an order that was submitted behind the tenth level")
        if left < 0 or (kind == DELETE and left and level_known):
            raise FlowError(f"messages: line {number}: order {tag} had {left + size}, not {size}")
        self._left[tag] = left
        if left == 0 or kind == DELETE:
            self._remove(tag)
        if kind == EXECUTE:
            taker = Place(_TAKER_TAGS - number, -side, price, size, True)
            return Step(gone, taker, tag, "")
        if kind == REDUCE and left:
            return Step(gone, Amend(tag, price, left), None, "")
        return Step(gone, Cancel(tag), None, "")

    def _gone(self, message: Message, *, level_known: bool) -> list[int]:
        """What cannot be there any more: it would be better than the best, or have traded."""
        side = -message.side if message.kind == SUBMIT else message.side
        if message.kind not in (SUBMIT, EXECUTE):
            return []
        worst = side * message.price + (message.kind == EXECUTE)
        queues = self._queues[side]
        gone = [tag for price in queues if side * price >= worst for tag in queues[price]]
        queue = queues.get(message.price, [])
        if message.kind == EXECUTE and not level_known and message.order_id in queue:
            gone += queue[: queue.index(message.order_id)]  # older, yet not executed
        return gone

    def _add(self, tag: int, side: int, price: int, lots: int) -> None:
        self._left[tag] = lots
        self._queues[side].setdefault(price, []).append(tag)

    def _remove(self, tag: int) -> None:
        del self._left[tag]
        for queues in self._queues.values():
            for price, queue in queues.items():
                if tag in queue:
                    queue.remove(tag)
                    if not queue:
                        del queues[price]
                    return


_TAKER_TAGS: Final = -(1 << 40)
_SKIPPED: Final = {
    EXECUTE_HIDDEN: "hidden execution: the visible book does not change",
    CROSS: "cross trade: the visible book does not change",
    HALT: "trading halt indicator: the visible book does not change",
}


# --- what is known ----------------------------------------------------------------------------


class Known:
    """Which levels the opening book and the messages so far determine."""

    def __init__(self, levels: dict[int, dict[int, int]]) -> None:
        self._levels = {side: dict(levels[side]) for side in SIDES}  # the determined ones alone
        # `side * price`: the worst price that is still determined; bigger is better.
        self._frontier = {
            side: min((side * price for price in levels[side]), default=0) for side in SIDES
        }
        self._settle()

    def apply(self, message: Message) -> None:
        """Raises `FlowError` if the message contradicts what is known."""
        kind, _, size, price, side = message
        if kind not in (SUBMIT, REDUCE, DELETE, EXECUTE):
            return
        if kind == EXECUTE:
            self._reach(side, side * price + 1)
        elif kind == SUBMIT:
            self._reach(-side, -side * price)
        if self.is_known(side, price):
            levels = self._levels[side]
            left = levels.get(price, 0) + (size if kind == SUBMIT else -size)
            if left < 0:
                raise FlowError(f"messages: {size} taken from a level of {left + size} at {price}")
            levels[price] = left
            if left == 0:
                del levels[price]
        self._settle()

    def is_known(self, side: int, price: int) -> bool:
        return side * price >= self._frontier[side]

    def levels(self, side: int) -> list[Level]:
        """The determined levels, best first: the first so many of the recorded row."""
        return sorted(self._levels[side].items(), key=lambda level: -side * level[0])

    def _reach(self, side: int, worst: int) -> None:
        """From `worst` on there is nothing better: those prices are known to be empty."""
        self._frontier[side] = min(self._frontier[side], worst)

    def _settle(self) -> None:
        for side in SIDES:
            other = self._levels[-side]
            if other:
                best = max(-side * price for price in other)
                self._reach(side, -best)
        for side in SIDES:
            known = self.levels(side)
            if len(known) >= LEVELS:
                self._frontier[side] = side * known[LEVELS - 1][0]
                for price, _ in known[LEVELS:]:
                    del self._levels[side][price]


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


def steps(messages: list[Message], opening: Opening, known: Known) -> Iterator[Step]:
    """Each message's step; `known` is moved along, and has taken the message in at its yield."""
    translation = Translation(opening)
    for number, message in enumerate(messages, 1):
        level_known = known.is_known(message.side, message.price)
        step = translation.step(message, number, level_known=level_known)
        known.apply(message)
        yield step
