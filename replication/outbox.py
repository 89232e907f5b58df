"""The outbox: committed entries on their way from the leader to a sink, in order, none left out.

Why it exists: an event that was published cannot be taken back, and one that was left out is
missed for ever, so who publishes, what and when is decided here, without I/O, and is the same
under the simulator's broker as under the real one. It must not know brokers, sockets or what an
event means. Entries come from the node's feed, which holds only what is committed and applied.

The rules
 1. Only a leader publishes. Its term is the epoch of everything that it sends to a sink, and its
    member id the holder; the sink refuses a smaller epoch, and another holder of an equal one.
 2. First it *opens*: the sink takes the epoch, which fences every older one, and answers with the
    last index that it holds. Only from there on does the leader publish. So two leaders' entries
    cannot interleave, and nobody needs to remember a cursor that the sink knows better.
 3. Entries go out in order, at most a window of them (in count and bytes) unacknowledged.
 4. The cursor moves with the sink's acknowledgement and not before. After a failure or a silence
    the leader opens again and learns from the sink what arrived.
 5. Refused for its epoch, it is silent until it leads a later term.

The shell's duties: `lead` and `depose` when the node's role changes; after every input take the
requests and carry them to the sink; bring its answers back; when `wants` names an index, `offer`
the entries from there; call `tick` when `deadline_s` has come. An answer of an earlier attempt may
come late or twice: it says so by its attempt number and is ignored.
"""

import math
from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from replication.ports import Committed

WINDOW_ENTRIES: Final = 256
WINDOW_BYTES: Final = 8 << 20
RETRY_S: Final = 0.2
ANSWER_S: Final = 2.0


class Open(msgspec.Struct, frozen=True):
    """Take this epoch, refuse all smaller ones from now on, and say what you hold."""

    epoch: int
    holder: int
    attempt: int


class Publish(msgspec.Struct, frozen=True):
    """Entries that follow what the sink holds, the first at `first_index`."""

    epoch: int
    holder: int
    attempt: int
    first_index: int
    entries: tuple[Committed, ...]


class Opened(msgspec.Struct, frozen=True):
    """The sink holds everything up to `last_index` durably, and knows the epoch."""

    attempt: int
    last_index: int


class Acknowledged(msgspec.Struct, frozen=True):
    """The sink holds everything up to `last_index` durably."""

    attempt: int
    last_index: int


class Fenced(msgspec.Struct, frozen=True):
    """The sink has a larger epoch, or this one from another holder."""

    attempt: int
    epoch: int
    holder: int


class Failed(msgspec.Struct, frozen=True):
    """It is not known what became of a request, or the sink refused it as out of order."""

    attempt: int
    reason: str


Answer = Opened | Acknowledged | Fenced | Failed


class Phase(Enum):
    IDLE = "IDLE"
    OPENING = "OPENING"
    PUBLISHING = "PUBLISHING"
    WAITING = "WAITING"
    FENCED = "FENCED"


class Outbox:
    """One node's way to one sink."""

    def __init__(
        self, holder: int, *, window_entries: int = WINDOW_ENTRIES,
        window_bytes: int = WINDOW_BYTES, retry_s: float = RETRY_S, answer_s: float = ANSWER_S,
    ) -> None:  # fmt: skip
        self._holder = holder
        self._window_entries = window_entries
        self._window_bytes = window_bytes
        self._retry_s = retry_s
        self._answer_s = answer_s
        self._phase = Phase.IDLE
        self._epoch = 0
        self._attempt = 0
        self._published = 0
        """The sink has said that it holds this; of the present attempt."""
        self._sent = 0
        self._in_flight: deque[tuple[int, int]] = deque()
        self._in_flight_bytes = 0
        self._due_s = math.inf
        self._requests: list[Open | Publish] = []
        self.refusals = 0

    # --- what others may read ---------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def published_index(self) -> int:
        """The cursor: what the sink acknowledged, as far as this leadership knows."""
        return self._published

    @property
    def in_flight(self) -> int:
        """Entries sent and not acknowledged; bounded by the window."""
        return self._sent - self._published if self._phase is Phase.PUBLISHING else 0

    @property
    def deadline_s(self) -> float:
        return self._due_s

    @property
    def wants(self) -> int:
        """The index from which entries are wanted now; 0: none."""
        if self._phase is not Phase.PUBLISHING or not self._has_room:
            return 0
        return self._sent + 1

    @property
    def _has_room(self) -> bool:
        return (
            self._sent - self._published < self._window_entries
            and self._in_flight_bytes < self._window_bytes
        )

    # --- inputs -----------------------------------------------------------------------------

    def lead(self, epoch: int, now_s: float) -> None:
        """The node leads this term, and has applied everything that it inherited."""
        if epoch == self._epoch and self._phase is not Phase.IDLE:
            return
        assert epoch >= self._epoch, f"epoch {epoch} after {self._epoch}"
        self._epoch = epoch
        self._open(now_s)

    def depose(self) -> None:
        """The node does not lead any more: nothing further leaves."""
        self._phase = Phase.IDLE
        self._due_s = math.inf
        self._requests.clear()
        self._forget_flight()

    def offer(self, entries: Sequence[Committed], now_s: float) -> None:
        """The entries from `wants` on, as many as there are; what does not fit is not taken."""
        assert self._phase is Phase.PUBLISHING, f"offered while {self._phase.value}"
        taken: list[Committed] = []
        for entry in entries:
            if not self._has_room:
                break
            assert entry.index == self._sent + 1, f"entry {entry.index} after {self._sent}"
            assert entry.term <= self._epoch, f"entry {entry.index} is of a later term"
            size = len(entry.events) + len(entry.metadata)
            self._sent = entry.index
            self._in_flight.append((entry.index, size))
            self._in_flight_bytes += size
            taken.append(entry)
        if taken:
            self._due_s = now_s + self._answer_s
            self._requests.append(
                Publish(self._epoch, self._holder, self._attempt, taken[0].index, tuple(taken))
            )

    def answer(self, answer: Answer, now_s: float) -> None:
        """The sink's word. Of an earlier attempt, or after the lead was lost: ignored."""
        if answer.attempt != self._attempt or self._phase in (Phase.IDLE, Phase.FENCED):
            return
        match answer:
            case Opened():
                self._opened(answer.last_index)
            case Acknowledged():
                self._acknowledged(answer.last_index, now_s)
            case Fenced():
                self.refusals += 1
                self.depose()
                self._phase = Phase.FENCED
            case Failed():
                self._wait(now_s)

    def tick(self, now_s: float) -> None:
        """The deadline has come: a pause is over, or an answer is overdue."""
        if now_s < self._due_s:
            return
        if self._phase is Phase.WAITING:
            self._open(now_s)
        elif self._phase in (Phase.OPENING, Phase.PUBLISHING):
            self._wait(now_s)

    # --- outputs ----------------------------------------------------------------------------

    def take_requests(self) -> list[Open | Publish]:
        requests, self._requests = self._requests, []
        return requests

    # --- inside -----------------------------------------------------------------------------

    def _open(self, now_s: float) -> None:
        self._phase = Phase.OPENING
        self._attempt += 1
        self._forget_flight()
        self._requests = [Open(self._epoch, self._holder, self._attempt)]
        self._due_s = now_s + self._answer_s

    def _opened(self, last_index: int) -> None:
        if self._phase is not Phase.OPENING:
            return  # a copy
        self._phase = Phase.PUBLISHING
        self._published = self._sent = last_index
        self._due_s = math.inf

    def _acknowledged(self, last_index: int, now_s: float) -> None:
        if self._phase is not Phase.PUBLISHING or last_index <= self._published:
            return
        assert last_index <= self._sent, f"the sink has {last_index}, {self._sent} were sent"
        self._published = last_index
        while self._in_flight and self._in_flight[0][0] <= last_index:
            self._in_flight_bytes -= self._in_flight.popleft()[1]
        self._due_s = now_s + self._answer_s if self._in_flight else math.inf

    def _wait(self, now_s: float) -> None:
        """Try again after a while, from the beginning (rule 4)."""
        self._phase = Phase.WAITING
        self._attempt += 1  # what is still under way answers for an attempt that is over
        self._requests.clear()
        self._forget_flight()
        self._due_s = now_s + self._retry_s

    def _forget_flight(self) -> None:
        self._in_flight.clear()
        self._in_flight_bytes = 0


class Fence:
    """A sink's side of rule 1, for any sink that has no fencing of its own.

    Whoever keeps one keeps `epoch`, `holder` and `last_index` durably, with what was published.
    """

    __slots__ = ("epoch", "holder", "last_index")

    def __init__(self, epoch: int = 0, holder: int = 0, last_index: int = 0) -> None:
        self.epoch = epoch
        self.holder = holder
        self.last_index = last_index

    def refuses(self, epoch: int, holder: int) -> bool:
        """A smaller epoch, or this one from another holder than the one that opened it."""
        return epoch < self.epoch or (epoch == self.epoch and holder != self.holder)

    def open(self, request: Open) -> Opened | Fenced:
        if self.refuses(request.epoch, request.holder):
            return Fenced(request.attempt, self.epoch, self.holder)
        self.epoch, self.holder = request.epoch, request.holder
        return Opened(request.attempt, self.last_index)

    def publish(
        self, request: Publish
    ) -> tuple[Acknowledged | Fenced | Failed, Sequence[Committed]]:  # fmt: skip
        """The answer, and the entries that are new: what the sink already holds is not again."""
        if self.refuses(request.epoch, request.holder) or request.epoch != self.epoch:
            return Fenced(request.attempt, self.epoch, self.holder), ()
        if request.first_index > self.last_index + 1:
            reason = f"entry {request.first_index} after {self.last_index}: there is a gap"
            return Failed(request.attempt, reason), ()
        new = request.entries[self.last_index + 1 - request.first_index :]
        if new:
            self.last_index = new[-1].index
        return Acknowledged(request.attempt, self.last_index), new
