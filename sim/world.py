"""Virtual time: a heap of events, and the record of all that happened.

Why it exists: everything in a simulated run happens because an event's time has come, one event
after another, so that a run is a function of its plan. It must not know nodes, networks, disks or
faults: it calls what it was given, when it was asked to. No wall clock, no randomness; events of
one instant happen in the order in which they were asked for.
"""

import hashlib
import heapq
from collections.abc import Callable
from typing import Final

import msgspec

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
NS_PER_US: Final = 1_000

_FLUSH_LINES: Final = 512

EVENTS_PER_S_MAX: Final = 20_000
"""Ten times what the busiest second of thousands of runs had. Beyond it somebody asks to be called
back at once, for ever, or two send each other the same as fast as the network carries it."""


class Storm(Exception):
    """Our bug, in production code or in the simulator: more happens than there is reason for."""


Event = tuple[int, int, Callable[..., None], tuple[object, ...]]


class World:
    """The clock of a run and what is to happen in it."""

    __slots__ = (
        "_events_max", "_heap", "_second_ends_ns", "_sequence", "after_event", "events",
        "is_stopped", "now_ns", "trace",
    )  # fmt: skip

    def __init__(self, trace: "Trace | None" = None) -> None:
        self.now_ns = 0
        self.events = 0
        self.trace = trace or Trace()
        self.after_event: Callable[[], None] | None = None
        """Called after every event: the checkers."""
        self.is_stopped = False
        self._heap: list[Event] = []
        self._sequence = 0
        self._second_ends_ns = NS_PER_S
        self._events_max = EVENTS_PER_S_MAX

    def at(self, time_ns: int, callback: Callable[..., None], *arguments: object) -> None:
        """Call back at that time, or at once (as the next event) if it has passed."""
        self._sequence += 1
        now_ns = self.now_ns
        heapq.heappush(
            self._heap,
            (max(time_ns, now_ns), self._sequence, callback, arguments),
        )

    def after(self, delay_ns: int, callback: Callable[..., None], *arguments: object) -> None:
        self._sequence += 1
        heapq.heappush(
            self._heap, (self.now_ns + max(0, delay_ns), self._sequence, callback, arguments)
        )

    def run(self, until_ns: int) -> None:
        """Everything up to and with `until_ns`, or up to `stop`."""
        heap = self._heap
        pop = heapq.heappop
        while heap and heap[0][0] <= until_ns and not self.is_stopped:
            time_ns, _, callback, arguments = pop(heap)
            self.now_ns = time_ns
            if time_ns >= self._second_ends_ns:
                self._second_ends_ns = time_ns + NS_PER_S
                self._events_max = self.events + EVENTS_PER_S_MAX
            elif self.events >= self._events_max:
                raise Storm(
                    f"more than {EVENTS_PER_S_MAX} events in the second before {time_ns} ns"
                )
            self.events += 1
            callback(*arguments)
            if self.after_event is not None:
                self.after_event()
        if not self.is_stopped:
            self.now_ns = max(self.now_ns, until_ns)

    def stop(self) -> None:
        """`run` returns after this event; nothing that waits happens any more."""
        self.is_stopped = True

    @property
    def waiting(self) -> int:
        """How many events wait."""
        return len(self._heap)


class TraceRecord(msgspec.Struct, frozen=True):
    """One line of the story, for a person or a picture."""

    time_ns: int
    kind: str
    node: int
    peer: int
    term: int
    index: int
    text: str


class Trace:
    """The hash of everything that happened; the records themselves only when asked for.

    Two runs of one plan have one hash, whatever the process, its hash seed, or the build of the
    core. So only values that the plan determines may be noted: no addresses, no orders of sets.
    """

    __slots__ = ("_digest", "_lines", "_records_max", "keeps", "records")

    def __init__(self, *, keeps: bool = False, records_max: int = 400_000) -> None:
        self._digest = hashlib.sha256()
        self._lines: list[str] = []
        self._records_max = records_max
        self.keeps = keeps
        self.records: list[TraceRecord] = []

    def note(
        self, time_ns: int, kind: str, node: int, peer: int = 0, term: int = 0, index: int = 0,
        text: str = "",
    ) -> None:  # fmt: skip
        lines = self._lines
        lines.append(f"{time_ns} {kind} {node} {peer} {term} {index} {text}\n")
        if len(lines) >= _FLUSH_LINES:
            self._flush()
        if self.keeps and len(self.records) < self._records_max:
            self.records.append(TraceRecord(time_ns, kind, node, peer, term, index, text))

    def hexdigest(self) -> str:
        self._flush()
        return self._digest.hexdigest()

    def _flush(self) -> None:
        self._digest.update("".join(self._lines).encode())
        self._lines.clear()
