"""Questions about committed state, from the ask to the one answer, wherever the proof is found.

Why it exists: between a question and its answer the node must prove that it still leads and apply
what was decided before the question; meanwhile the lead may be lost. It must not know how the
proof is made, nor what is asked.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from replication.ports import Refused, StateMachine

M = TypeVar("M", bound=StateMachine)


class _Query(msgspec.Struct):
    fn: Callable[[StateMachine], object]
    done: Callable[[object], None]
    index: int = 0
    """What must be applied first."""


class NodeQueries(Generic[M]):
    """`done` is called once: with what `fn` gave, what it raised, or `Refused`."""

    def __init__(self) -> None:
        self._asked: dict[int, _Query] = {}
        self._proven: deque[_Query] = deque()
        self._last_context = 0

    def ask(self, fn: Callable[[M], object], done: Callable[[object], None]) -> int:
        """The context under which proof is asked for."""
        self._last_context += 1
        self._asked[self._last_context] = _Query(fn, done)  # type: ignore[arg-type]
        return self._last_context

    def proven(self, context: int, index: int) -> None:
        query = self._asked.pop(context)
        query.index = index
        self._proven.append(query)

    def answer(self, machine: M) -> None:
        """Those whose state is applied."""
        while self._proven and self._proven[0].index <= machine.index:
            query = self._proven.popleft()
            try:
                answer = query.fn(machine)
            except Exception as error:  # noqa: BLE001 - the caller's, and given to the caller
                query.done(error)
            else:
                query.done(answer)

    def refuse(self, context: int, refusal: Refused) -> None:
        self._asked.pop(context).done(refusal)

    def refuse_all(self, refusal: Refused) -> None:
        for context in list(self._asked):
            self.refuse(context, refusal)
        while self._proven:
            self._proven.popleft().done(refusal)
