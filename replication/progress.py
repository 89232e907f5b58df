"""How far one follower is, and how much the leader may send it: flow control, a peer at a time.

Why it exists: a leader that sends too little waits for round trips, one that sends too much fills
queues and memory, and one that forgets to try again stops for ever. The three states below are
etcd's (progress.go), named as there. Plain bookkeeping: it must not know the log, records or
messages; the leader tells it what it sent and what came back.

    PROBE      one message at a time: where the logs agree is not known
    REPLICATE  messages go out before the last is answered, up to the window's bounds
    SNAPSHOT   the records that it lacks are gone here: chunks of a snapshot go out, one at a time

    PROBE ── accepted ──▶ REPLICATE ── refused ──▶ PROBE
    any ── records are gone ──▶ SNAPSHOT ── installed ──▶ PROBE
"""

from collections import deque
from enum import Enum
from typing import Final

import msgspec


class Flow(Enum):
    PROBE = "PROBE"
    REPLICATE = "REPLICATE"
    SNAPSHOT = "SNAPSHOT"


NEVER_S: Final = float("-inf")


class Outgoing(msgspec.Struct):
    """A snapshot on its way to one follower; `offset`: bytes that it has acknowledged."""

    index: int
    meta: bytes
    data: bytes
    whole_hash: bytes
    offset: int = 0
    sent: bool = False
    """The chunk at `offset` is out; a heartbeat without news sends it again."""


class Progress:
    """One follower, as the leader of a term sees it. Made anew for each term."""

    __slots__ = (
        "_in_flight", "_in_flight_bytes", "active", "checkpoint", "damaged", "declines", "flow",
        "heard_s", "lacks_what_is_gone", "match", "next", "round_acked", "snapshot", "version",
        "waiting",
    )  # fmt: skip

    def __init__(self, next_index: int) -> None:
        self.flow = Flow.PROBE
        self.match = 0
        """Known to be the leader's and durable there."""
        self.next = next_index
        """What to send next."""
        self.waiting = False
        """In PROBE: a message is out; nothing more until an answer or a heartbeat."""
        self.active = True
        """Heard of since the leader last counted (check-quorum)."""
        self.heard_s = NEVER_S
        self.round_acked = 0
        self.version = 0
        self.damaged = 0
        self.declines = False
        self.lacks_what_is_gone = False
        """It has a damaged record that is not kept here any more: only a snapshot helps."""
        self.checkpoint: tuple[int, bytes] = (0, b"")
        self.snapshot: Outgoing | None = None
        self._in_flight: deque[tuple[int, int]] = deque()
        self._in_flight_bytes = 0

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def in_flight_bytes(self) -> int:
        return self._in_flight_bytes

    def sent(self, last_index: int, size: int) -> None:
        """Records up to `last_index` went out."""
        assert last_index >= self.next, (last_index, self.next)
        if self.flow is Flow.REPLICATE:
            self.next = last_index + 1
            self._in_flight.append((last_index, size))
            self._in_flight_bytes += size
        else:
            self.waiting = True

    def accepted(self, match: int) -> bool:
        """The follower has everything up to `match`; True if that is news."""
        news = match > self.match
        self.match = max(self.match, match)
        self.next = max(self.next, self.match + 1)
        while self._in_flight and self._in_flight[0][0] <= self.match:
            self._in_flight_bytes -= self._in_flight.popleft()[1]
        return news

    def refused(self, at: int, next_index: int) -> bool:
        """The place after `at` did not fit; True if that is news and not an old message."""
        if at <= self.match or (self.flow is Flow.PROBE and at != self.next - 1):
            return False
        self.probe(min(next_index, at))
        return True

    def is_answered_by(self, match: int) -> bool:
        """In PROBE: the logs are known to agree, and what was sent with the question is durable.

        A follower without room takes no records and still answers: going on at each of its
        answers would send them again as fast as the network is.
        """
        return match >= self.next or (match == self.next - 1 and not self.waiting)

    def probe(self, next_index: int) -> None:
        self.flow = Flow.PROBE
        self.next = max(next_index, self.match + 1)
        self._forget()

    def replicate(self) -> None:
        """The logs agree at `match`."""
        self.flow = Flow.REPLICATE
        self.next = self.match + 1
        self._forget()

    def send_snapshot(self, snapshot: Outgoing) -> None:
        self.flow = Flow.SNAPSHOT
        self.lacks_what_is_gone = False
        self.snapshot = snapshot
        self._forget(keep_snapshot=True)

    def _forget(self, *, keep_snapshot: bool = False) -> None:
        self.waiting = False
        self._in_flight.clear()
        self._in_flight_bytes = 0
        if not keep_snapshot:
            self.snapshot = None
