"""What a leader proposes of its own accord: checkpoints, and empty entries when time has effects.

Why it exists: an idle exchange must still be compared, and what ends by log time (an order, a
deadline) ends with an entry: if nobody sends one, the leader does. Pure; it knows that a machine
may have something due, not what.
"""

import math
from collections.abc import Iterator
from typing import Final

from core.commands import batch
from replication.checkpoints import CheckpointPlan, Comparison
from replication.ports import Clock, StateMachine
from replication.replica import Replica
from replication.settings import NodeSettings

WAKE: Final = batch(b"", 0)
"""An entry without commands: only its time stamp counts."""


class Initiative:
    """Of one node; it counts while others lead, and proposes while it leads itself."""

    def __init__(self, settings: NodeSettings, clock: Clock) -> None:
        self._clock = clock
        self._checkpoints = CheckpointPlan(settings)
        self._woken_at = 0
        """The log index of the last empty entry: its effect is seen once it is applied."""

    def begin(self) -> None:
        """The node has begun to lead."""
        self._checkpoints.begin(self._clock.monotonic_s())

    def due_s(self, machine: StateMachine) -> float:
        """When there is something to propose, in monotonic seconds; infinity for never."""
        return min(self._checkpoints.due_s, self._wake_due_s(machine))

    def _wake_due_s(self, machine: StateMachine) -> float:
        due_ns = machine.next_due_ns
        if due_ns == 0 or machine.index < self._woken_at:
            return math.inf
        return self._clock.monotonic_s() + max(0, due_ns - self._clock.wall_ns()) / 1e9

    def payloads(
        self, machine: StateMachine, replica: Replica, comparison: Comparison
    ) -> Iterator[bytes]:
        """Each is proposed before the next is asked for. Raises as `Comparison.check` does."""
        if self._checkpoints.due(self._clock.monotonic_s()):
            comparison.check(machine, replica)
            self._checkpoints.proposed(replica.last_index + 1)
            yield comparison.payload(machine)
        due_ns = machine.next_due_ns
        if due_ns != 0 and machine.index >= self._woken_at and due_ns <= self._clock.wall_ns():
            self._woken_at = replica.last_index + 1
            yield WAKE

    def applied(self, index: int, payload: bytes) -> None:
        """Told of every applied entry, whoever proposed it."""
        self._checkpoints.applied(index, payload, self._clock.monotonic_s())
