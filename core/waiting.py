"""Numbers that wait to be worked off, oldest first.

Why it exists: work that a checkpoint would find heaped up (pages to hash, nodes of a tree) is done
a little after each entry instead, the longest waiting first, so that what is written again and
again is worked off once for many writings. It must not know what a number stands for, and decides
nothing that a digest or an answer could show: when a page is hashed is nobody's business.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

WHOLE_SHIFT: Final = 20
WHOLE: Final = 1 << WHOLE_SHIFT
"""A whole interval."""
_EARLY_AT_FIRST: Final = 2048
_PER_ENTRY_LEAST: Final = 8
_PER_ENTRY_MOST: Final = 48
_SOON: Final = 16
"""For so many entries after the expected end the effort is kept up; then the guess was wrong."""
_LATER: Final = 1


class Fifo:
    """A ring, which grows by doubling. Its user sees to it that its numbers are bounded."""

    def __init__(self) -> None:
        self.count: i64 = 0
        self._first: i64 = 0
        self._ring: vec[i64] = vec[i64]([0, 0, 0, 0])

    def push(self, number: i64) -> None:
        if self.count == i64(len(self._ring)):
            self._double()
        ring = self._ring
        ring[(self._first + self.count) & (i64(len(ring)) - 1)] = number
        self.count += 1

    def pop(self) -> i64:
        """The oldest. There must be one."""
        assert self.count > 0, "fifo: empty"
        ring = self._ring
        number = ring[self._first]
        self._first = (self._first + 1) & (i64(len(ring)) - 1)
        self.count -= 1
        return number

    def _double(self) -> None:
        old = self._ring
        size: i64 = len(old)
        ring = vec[i64](capacity=size * 2)
        i: i64 = 0
        while i < size:
            ring = append(ring, old[(self._first + i) & (size - 1)])
            i += 1
        while i < size * 2:
            ring = append(ring, 0)
            i += 1
        self._ring = ring
        self._first = 0


class Waiting:
    """A `Fifo` in which a number stands once, however often it was added."""

    def __init__(self) -> None:
        self.fifo = Fifo()
        self._waits: vec[i64] = vec[i64]()

    def add(self, number: i64) -> None:
        while number >= i64(len(self._waits)):
            self._waits = append(self._waits, 0)
        if self._waits[number] == 0:
            self._waits[number] = 1
            self.fifo.push(number)

    def take(self) -> i64:
        """The oldest. There must be one."""
        number = self.fifo.pop()
        self._waits[number] = 0
        return number


class Pace:
    """How fast to work: where the log stands in the interval between two checkpoints.

    The end of an interval is a guess. Whoever makes checkpoints does so after so many entries, so
    many commands or so long, whichever comes first, and the machine is not told which. But none
    of the three was ever more than its limit, so the most that was seen of each is the guess. It
    is kept a little short, and forgotten in time; at once when a checkpoint came long before all
    three. A guess that is too short costs hashes that come to nothing, one too long a pause.
    """

    def __init__(self) -> None:
        self.left: i64 = WHOLE
        """Of the interval; 0: its end may come at any time."""
        self.overdue: i64 = 0
        """Numbers to work off after this entry, when nothing is left."""
        self.interval_entries: i64 = 0
        """Of the last interval; 0 before the first checkpoint."""
        self.per_entry: i64 = _PER_ENTRY_MOST
        """Numbers to work off that are no pause, by the size of the last interval's entries."""
        self._late_entries: i64 = 0
        self._entries: i64 = 0
        self._commands: i64 = 0
        self._since_ns: i64 = 0
        # What a node makes of it unless it is told otherwise; see `replication.settings`.
        self._entries_apart: i64 = 10_000
        self._commands_apart: i64 = 50_000
        self._ns_apart: i64 = 10_000_000_000

    def entry(self, commands: i64, ts_ns: i64) -> None:
        """There is one entry more."""
        if self._entries == 0 and self._since_ns == 0:
            self._since_ns = ts_ns
        self._entries += 1
        self._commands += commands
        self.left = _least_of(
            _left(self._entries, self._entries_apart - 2),
            _left(self._commands, self._commands_apart - 2 * self._commands // self._entries),
            _left((ts_ns - self._since_ns) >> 10, self._ns_apart >> 10),
        )
        self._late_entries = self._late_entries + 1 if self.left == 0 else 0
        is_soon = self._late_entries <= _SOON
        self.overdue = self.per_entry if is_soon else _LATER + (commands >> 6)

    def checkpoint(self, ts_ns: i64) -> None:
        """Here is one: the next interval begins, unless this one has not begun yet."""
        if self._entries == 0:
            return
        if self.interval_entries == 0 or self._is_early(ts_ns - self._since_ns):
            self._entries_apart = self._commands_apart = self._ns_apart = 0
        self._entries_apart = _longest(self._entries, self._entries_apart)
        self._commands_apart = _longest(self._commands, self._commands_apart)
        self._ns_apart = _longest(ts_ns - self._since_ns, self._ns_apart)
        self.interval_entries = self._entries
        per_entry = _PER_ENTRY_LEAST + self._commands // (2 * self._entries)
        self.per_entry = per_entry if per_entry < _PER_ENTRY_MOST else _PER_ENTRY_MOST
        self._entries = 0
        self._commands = 0
        self._since_ns = ts_ns
        self.left = WHOLE

    def _is_early(self, ns: i64) -> bool:
        """None of the three is near its limit, so one of the guesses is far too long."""
        return (
            _is_short(self._entries, self._entries_apart)
            and _is_short(self._commands, self._commands_apart)
            and _is_short(ns, self._ns_apart)
        )


def _is_short(seen: i64, guess: i64) -> bool:
    return seen < guess - (guess >> 2)


def _left(done: i64, apart: i64) -> i64:
    end = apart - (apart >> 8)
    return 0 if done >= end else WHOLE - done * WHOLE // end


def _least_of(a: i64, b: i64, c: i64) -> i64:
    least = a if a < b else b
    return least if least < c else c


def _longest(seen: i64, guess: i64) -> i64:
    shorter = guess - (guess >> 4)
    return seen if seen > shorter else shorter


class Quota:
    """How many of those that wait are to be looked at after an entry.

    A few may always wait: their work is no pause. Early in an interval more may: the later a
    number is worked off, the more writings it is done for. That allowance falls evenly to nothing
    at the interval's expected end, by so many an entry as are no pause either; by more where that
    would not suffice for what the interval before had.
    """

    def __init__(self, few: i64) -> None:
        self._few: i64 = few
        self._done: i64 = 0
        """Worked off in this interval."""
        self._early: i64 = _EARLY_AT_FIRST
        self._most: i64 = _PER_ENTRY_MOST
        """For an entry."""

    def due(self, waiting: i64, pace: Pace) -> i64:
        """How many of the `waiting` to look at now."""
        due = waiting - self._few - (self._early * pace.left >> WHOLE_SHIFT)
        if due <= 0:
            return 0
        most = pace.overdue if pace.left == 0 else self._most
        return due if due < most else most

    def did(self, count: i64) -> None:
        """So many have been worked off, for whatever reason."""
        self._done += count

    def begin(self, pace: Pace) -> None:
        """A new interval."""
        enough = self._done + (self._done >> 2)
        self._early = pace.interval_entries * pace.per_entry
        if self._early < enough:
            self._early = enough
        self._most = 4 * self._early // (pace.interval_entries + 1)
        self._done = 0

    def restart(self) -> None:
        """What was done is no measure of what will be."""
        self._early = _EARLY_AT_FIRST
        self._done = 0
