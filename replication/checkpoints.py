"""Checkpoints: when the leader asks all replicas for the digest of their state.

Why it exists: equal logs must give equal states, and a difference is worth nothing if it is
found a month later. Each checkpoint carries the digest of the one before; a replica that had
another stops. Pure; it knows the checkpoint command and its event, nothing else of the machine.
"""

import math

from core.codes import CMD_CHECKPOINT, EV_ENGINE_CHECKPOINT
from core.commands import BATCH_HEADER_BYTES, checkpoint
from core.events import EngineCheckpoint, decode_event, event_rows


class CheckpointPlan:
    """Due every so many entries, and so long after anything happened; never after nothing."""

    def __init__(self, every_entries: int, every_s: float) -> None:
        self._every_entries = every_entries
        self._every_s = every_s
        self._entries = 0
        self._last_s = -math.inf
        self._previous: tuple[int, bytes] = (0, bytes(32))
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

    def command(self) -> bytes:
        """The checkpoint command, with what is known of the one before."""
        return checkpoint(*self._previous)

    def proposed(self, index: int) -> None:
        """One at a time: the next one carries this one's digest."""
        self._waiting_for = index

    def applied(self, index: int, payload: bytes, events: bytes, now_s: float) -> None:
        """Told of every applied entry, whoever proposed it."""
        if len(payload) > BATCH_HEADER_BYTES and payload[BATCH_HEADER_BYTES] == CMD_CHECKPOINT:
            event = _checkpoint_event(events)
            assert event is not None, f"entry {index} is a checkpoint without a digest"
            self._previous = (event.index, event.digest)
            self._entries = 0
            self._last_s = now_s
            if index >= self._waiting_for:
                self._waiting_for = 0
        elif len(payload) > BATCH_HEADER_BYTES:
            self._entries += 1


def _checkpoint_event(events: bytes) -> EngineCheckpoint | None:
    for row in event_rows(events):
        if row[0] & 0xFF == EV_ENGINE_CHECKPOINT:
            event = decode_event(row)
            assert isinstance(event, EngineCheckpoint)
            return event
    return None
