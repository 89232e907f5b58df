"""Checkpoints: when the leader asks all replicas for the digest of their state.

Why it exists: equal logs must give equal states, and a difference is worth nothing if it is
found a month later. Each checkpoint carries the digest of the one before; a replica that had
another stops. Pure; it knows that there is a checkpoint command, nothing else of the machine.
"""

import math

from core.codes import CMD_CHECKPOINT
from core.commands import BATCH_HEADER_BYTES


class CheckpointPlan:
    """Due every so many entries, and so long after anything happened; never after nothing."""

    def __init__(self, every_entries: int, every_s: float) -> None:
        self._every_entries = every_entries
        self._every_s = every_s
        self._entries = 0
        self._last_s = -math.inf
        self._waiting_for = 0

    @property
    def due_s(self) -> float:
        """When the next one is due if no more entries come; infinity if nothing happened."""
        if self._waiting_for or self._entries == 0:
            return math.inf
        return self._last_s + self._every_s

    def begin(self, now_s: float) -> None:
        """The node has begun to lead."""
        self._last_s = now_s

    def due(self, now_s: float) -> bool:
        if self._waiting_for or self._entries == 0:
            return False
        return self._entries >= self._every_entries or now_s >= self._last_s + self._every_s

    def proposed(self, index: int) -> None:
        """One at a time: the next one carries this one's digest."""
        self._waiting_for = index

    def applied(self, index: int, payload: bytes, now_s: float) -> None:
        """Told of every applied entry, whoever proposed it."""
        if len(payload) <= BATCH_HEADER_BYTES:
            return
        if payload[BATCH_HEADER_BYTES] == CMD_CHECKPOINT:
            self._entries = 0
            self._last_s = now_s
        else:
            self._entries += 1
        if index >= self._waiting_for:
            self._waiting_for = 0
