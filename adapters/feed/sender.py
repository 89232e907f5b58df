"""Pushes actions into an exchange, in order, with many in flight, and keeps every answer.

Why it exists: the throughput and the latencies that `feed` prints are those of this loop, for
both ways in. An action that names an order waits for that order's id; an amend names a total, so
it waits until nothing is in flight and asks what is filled; everything else does not wait for
answers, up to a window. The way in is a port: gRPC or REST. It must not know formats, nor judge
what comes back.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from adapters.feed.actions import Action, Amend, Cancel, Place
from core.codes import OK

WINDOW: Final = 512
"""Commands without an answer at once."""


class Answer(msgspec.Struct, frozen=True):
    """What the exchange said to one action.

    `order_id` 0: a new order was refused. `seq` is the symbol's last that the action used; 0:
    not told, or it used none.
    """

    code: int
    order_id: int
    seq: int


class Door(Protocol):
    """A way into the exchange. Calls that begin earlier enter the log earlier."""

    window: int
    """How many calls it may have in flight and still keep that promise."""

    async def close(self) -> None: ...

    async def place(self, action: Place) -> Answer: ...

    async def cancel(self, action: Cancel, order_id: int, side: int) -> Answer: ...

    async def amend(self, action: Amend, order_id: int, side: int, filled: int) -> Answer: ...

    async def filled(self, order_id: int) -> int:
        """Lots filled of an open order; 0 if it is not open."""
        ...


class Sent(msgspec.Struct):
    """The record of a run, in the order of the actions.

    An action has no answer if it was not sent: it names an order that was refused.
    """

    answers: list[Answer | None]
    latencies_s: list[float]
    seconds: float

    @property
    def orders(self) -> int:
        return sum(answer is not None for answer in self.answers)

    @property
    def accepted(self) -> int:
        return sum(answer is not None and answer.code == OK for answer in self.answers)

    @property
    def last_seq(self) -> int:
        return max((answer.seq for answer in self.answers if answer is not None), default=0)


class Sender:
    """Keeps the ids of the orders that it placed, so that `send` may be called again."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._window = asyncio.Semaphore(min(WINDOW, door.window))
        self._placed: dict[int, asyncio.Task[Answer]] = {}
        self._sides: dict[int, int] = {}
        self._latencies_s: list[float] = []
        self._in_flight: set[asyncio.Task[Answer]] = set()

    async def send(self, actions: Iterable[Action]) -> Sent:
        """Raises what the door raises, once one call has failed."""
        tasks: list[asyncio.Task[Answer] | None] = []
        self._latencies_s = []
        began = time.perf_counter()
        try:
            for action in actions:
                task = await self._start(action)
                tasks.append(task)
            answers = [None if task is None else await task for task in tasks]
        finally:
            for left in self._in_flight:
                left.cancel()
        return Sent(answers, self._latencies_s, time.perf_counter() - began)

    def order_id(self, tag: int) -> int:
        """The exchange's id of an order that was placed; 0 if it was refused or never placed."""
        task = self._placed.get(tag)
        return task.result().order_id if task is not None else 0

    async def _start(self, action: Action) -> asyncio.Task[Answer] | None:
        order_id = filled = 0
        if not isinstance(action, Place):
            order_id = await self._order_id(action.tag)
            if order_id == 0:
                return None
        if isinstance(action, Amend):
            while self._in_flight:
                await asyncio.wait(self._in_flight)
            filled = await self._door.filled(order_id)
        await self._window.acquire()
        task = asyncio.create_task(self._one(action, order_id, filled))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        if isinstance(action, Place):
            self._placed[action.tag] = task
            self._sides[action.tag] = action.side
        return task

    async def _order_id(self, tag: int) -> int:
        task = self._placed.get(tag)
        return (await task).order_id if task is not None else 0

    async def _one(self, action: Action, order_id: int, filled: int) -> Answer:
        began = time.perf_counter()
        try:
            if isinstance(action, Place):
                return await self._door.place(action)
            side = self._sides[action.tag]
            if isinstance(action, Cancel):
                return await self._door.cancel(action, order_id, side)
            return await self._door.amend(action, order_id, side, filled)
        finally:
            self._latencies_s.append(time.perf_counter() - began)
            self._window.release()


def percentile_ms(latencies_s: list[float], percent: int) -> float:
    """The nearest-rank percentile, in milliseconds; 0 for none."""
    if not latencies_s:
        return 0.0
    ranked = sorted(latencies_s)
    return round(1000 * ranked[min(len(ranked) - 1, len(ranked) * percent // 100)], 3)
