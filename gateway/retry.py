"""Retrying at a cluster: what to do after each attempt to submit, until the outcome is known.

Why it exists: an order that is sent again must be the same order, and an order that may have been
taken must never be reported as refused. Both are easy to break in a loop around a connection, so
the decisions stand here, without I/O, clock or randomness: the gateway and the simulator's clients
run the same code. It must not know what is submitted, nor how.

The rules
 1. Every attempt carries the same bytes with the same idempotency keys; the machine answers a
    repeated one with its first reply.
 2. A refusal with a hint is followed to the node that it names, at once, a few times in a row; one
    without leads to the next node, after a pause that grows.
 3. Once the outcome of any attempt is unknown, only an answer ends it, or the deadline, and then
    the outcome is reported as unknown: a later refusal speaks of the later attempt alone.
 4. A refusal that has nothing to do with who leads (OVERLOADED, VALIDATION) ends it at once, if
    no attempt before is in doubt.
 5. Everything is bounded: attempts, hops, pauses, and time.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from core.codes import FENCING_TOKEN, NOT_LEADER

HOPS_MAX: Final = 3
"""Hints followed without a pause: two nodes that each believe the other leads must not spin us."""
ATTEMPTS_MAX: Final = 1000
PAUSE_S_MIN: Final = 0.02
PAUSE_S_MAX: Final = 0.2


class Try(msgspec.Struct, frozen=True):
    """Submit at this node, now."""

    node: int


class Wait(msgspec.Struct, frozen=True):
    """Ask `next` again at this time."""

    until_s: float


class GiveUp(msgspec.Struct, frozen=True):
    """`unknown`: it may or may not stand in the log. Else: certainly not, `code` says why."""

    unknown: bool
    code: int
    reason: str


class Retry:
    """One submission's way. Call `next`, do what it says, tell the outcome, call `next` again."""

    def __init__(
        self, nodes: Sequence[int], leader: int, now_s: float, deadline_s: float,
        random_fraction: Callable[[], float],
    ) -> None:  # fmt: skip
        if not nodes:
            raise ValueError("nodes: there must be at least one")
        self._nodes = tuple(nodes)
        self._at = self._nodes.index(leader) if leader in self._nodes else 0
        self._deadline_s = deadline_s
        self._random_fraction = random_fraction
        self._due_s = now_s
        self._pause_s = PAUSE_S_MIN
        self._hops = 0
        self._attempts = 0
        self._in_doubt = False
        self._final: GiveUp | None = None
        self._last = (NOT_LEADER, "no node was tried")

    @property
    def deadline_s(self) -> float:
        return self._deadline_s

    @property
    def node(self) -> int:
        """Where the next attempt goes. After `GiveUp` the next submission does well to begin there:
        one that began again at a dead node would never get further than this one."""
        return self._nodes[self._at]

    @property
    def attempts(self) -> int:
        return self._attempts

    @property
    def in_doubt(self) -> bool:
        """An attempt before may have been taken."""
        return self._in_doubt

    def next(self, now_s: float) -> Try | Wait | GiveUp:
        if self._final is not None:
            return self._final
        if now_s >= self._deadline_s or self._attempts >= ATTEMPTS_MAX:
            code, reason = self._last
            self._final = GiveUp(self._in_doubt, code, reason)
            return self._final
        if now_s < self._due_s:
            return Wait(min(self._due_s, self._deadline_s))
        self._attempts += 1
        return Try(self._nodes[self._at])

    def refused(self, code: int, leader: int, reason: str, now_s: float) -> None:
        """The node took nothing of this attempt. `leader`: node number, 0 = it knows none."""
        self._last = (code, reason)
        if code not in (NOT_LEADER, FENCING_TOKEN):
            if not self._in_doubt:
                self._final = GiveUp(False, code, reason)
                return
            self._pause(now_s)
            return
        here = self._nodes[self._at]
        if leader in self._nodes and leader != here and self._hops < HOPS_MAX:
            self._hops += 1
            self._at = self._nodes.index(leader)
            self._due_s = now_s
            return
        self._elsewhere(now_s)

    def not_sent(self, reason: str, now_s: float) -> None:
        """There is no connection, or the attempt never left: nothing of it was taken."""
        self._last = (NOT_LEADER, reason)
        self._elsewhere(now_s)

    def unknown(self, reason: str, now_s: float) -> None:
        """It was sent and no answer came: taken, or not."""
        self._in_doubt = True
        self._last = (NOT_LEADER, reason)
        self._elsewhere(now_s)

    def _elsewhere(self, now_s: float) -> None:
        self._at = (self._at + 1) % len(self._nodes)
        self._pause(now_s)

    def _pause(self, now_s: float) -> None:
        """Half of the pause is fixed and half is drawn, so that many do not come together."""
        self._hops = 0
        self._due_s = now_s + self._pause_s * (0.5 + 0.5 * self._random_fraction())
        self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)
