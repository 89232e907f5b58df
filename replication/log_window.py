"""The log as the replica sees it: the newest records in memory, older ones on demand, and how much
of it is durable.

Why it exists: the protocol asks the log the same few questions all the time (what stands at an
index, of which term, with which hash, is it on the disk), and a wrong answer about durability
loses acknowledged orders. So the bookkeeping of writes that are under way, of suffixes that are
cut while they are, and of damage stands here, apart from the rules that need it. It asks a
`RecordReader`, never a disk, and must not know terms' leaders, votes or messages.

What a damaged record was only its successor can say, or the end; and the successor only if it is
known itself to be of this log: above a lost write's older record, another branch begins. So the
highest damaged record alone has a name from the start. Below it nothing is confirmed, neither a
name nor a record that is sound in itself, until it is back and says what stood below it, and so
on downwards (`_confirm_below`), or until the leader says what it has there (`name`).

What lies where

    base ............. first cached ............ durable ............ flight ............ last
    gone, a snapshot   read when asked for       on the disk          being written      not yet
    covers it                                                                            taken
"""

from collections import deque
from typing import Final, Protocol

from replication.ports import Base, HardState
from replication.record import BrokenChain, CorruptRecord, Record, check_follows

CACHE_BYTES_MAX: Final = 64 << 20


class RecordReader(Protocol):
    """The part of `LogStore` that reads durable records back."""

    def record(self, index: int) -> Record: ...


class LogWindow:
    """One replica's log. Indexes are those of records, 1 and up; 0 is before the first."""

    def __init__(
        self, base: Base, anchor: HardState, reader: RecordReader, damaged: dict[int, bytes],
        cache_bytes_max: int = CACHE_BYTES_MAX,
    ) -> None:  # fmt: skip
        self.base = base
        self.damaged = damaged
        """Index -> the hash that the record there had, empty while nobody has said it whose word
        counts."""
        self._reader = reader
        self._cached: deque[Record] = deque()
        self._cached_bytes = 0
        self._cache_bytes_max = cache_bytes_max
        self._to_write: list[Record] = []
        self._repaired: dict[int, Record] = {}
        self._repaired_in_flight: list[Record] = []
        self._ahead: Record | None = None
        """Read to confirm the one before it; nothing has confirmed it yet."""
        self._restored: list[Record] = []
        self._cut_from = 0
        self._flight_index: int | None = None
        self.durable_index = anchor.last_index
        self.last_index = anchor.last_index
        self.last_hash = anchor.last_hash
        self.last_term = base.term
        self.last_ts_ns = base.ts_ns
        if self.last_index > base.index and self.last_index not in damaged:
            last = reader.record(self.last_index)
            self._cache(last)
            self.last_term, self.last_ts_ns = last.term, last.ts_ns

    # --- what stands where ------------------------------------------------------------------

    def holds(self, index: int) -> bool:
        """Whether the record at `index` is kept here, sound or not."""
        return self.base.index < index <= self.last_index

    def record(self, index: int) -> Record:
        """Raises `CorruptRecord` if the disk does not give back what was written."""
        assert self.holds(index), f"record {index} is outside {self.base.index}..{self.last_index}"
        return self._in_memory(index) or self._confirmed(index)

    def _in_memory(self, index: int) -> Record | None:
        if self._cached and index >= self._cached[0].index:
            return self._cached[index - self._cached[0].index]
        return self._repaired.get(index)

    def _confirmed(self, index: int) -> Record:
        """What the disk has there, if the record after it, or the end, names it.

        A lost write leaves an older record in its place that is sound in itself; sent on or
        applied, it would be another log.
        """
        record = self._from_disk(index)
        if index == self.last_index:
            expected = self.last_hash
        else:
            after = self._in_memory(index + 1)
            if after is None:
                # Whoever reads on will ask for it next.
                after = self._ahead = self._from_disk(index + 1)
            expected = after.prev_hash
        if record.hash != expected:
            raise BrokenChain(index, "is not the record that the one after it names")
        return record

    def _from_disk(self, index: int) -> Record:
        if index in self.damaged:
            raise CorruptRecord(index, "is in repair")
        if self._ahead is not None and self._ahead.index == index:
            return self._ahead
        return self._reader.record(index)

    def term_at(self, index: int) -> int | None:
        """None where that is not known: below the base, above the end, damaged, or right below a
        damaged one."""
        if index == self.last_index and index not in self.damaged:
            return self.last_term
        if index == self.base.index:
            return self.base.term
        if not self.holds(index) or index in self.damaged or self._is_nameless(index):
            return None
        return self.record(index).term

    def hash_at(self, index: int) -> bytes | None:
        """Of a damaged record the hash that it had, if that is known; else as `term_at`."""
        if index == self.last_index:
            return self.last_hash
        if index == self.base.index:
            return self.base.hash
        if not self.holds(index):
            return None
        if index in self.damaged:
            return self.damaged[index] or None
        return None if self._is_nameless(index) else self.record(index).hash

    def compare(self, index: int, expected: bytes) -> bool | None:
        """Whether our record at `index` has this hash; None where nothing here can tell.

        Another hash below a damaged record proves nothing: a lost write may stand there.
        """
        own = self.hash_at(index)
        if own == expected:
            return True
        return False if own is not None and self.is_confirmed(index) else None

    def is_confirmed(self, index: int) -> bool:
        """What is said to have stood there is known: nothing above it is damaged."""
        return index <= self.base.index or max(self.damaged, default=0) <= index

    def _is_nameless(self, index: int) -> bool:
        """Sound or not, the record that would name it is not here."""
        above = index + 1
        return above in self.damaged and self._in_memory(above) is None

    @property
    def is_whole(self) -> bool:
        return not self.damaged

    @property
    def sound_index(self) -> int:
        """The last index up to which all is known to be of this log.

        What stands directly below a damaged record may be of another branch (a lost write): only
        its successor could tell, when that is repaired.
        """
        if not self.damaged:
            return self.last_index
        return max(self.base.index, min(self.damaged) - 2)

    # --- growth and cutting -----------------------------------------------------------------

    def append(self, record: Record) -> None:
        try:
            check_follows(record, self.last_index, self.last_hash, self.last_term, self.last_ts_ns)
        except BrokenChain as error:  # not the disk's fault: whoever calls has compared the place
            raise AssertionError(f"appended out of place: {error}") from error
        self._to_write.append(record)
        self._cache(record)
        self._end_at(record)

    def cut(self, from_index: int, below: bytes) -> None:
        """Another leader's records replace what stands from `from_index` on.

        `below`: the hash of the record before that, as this leader has it. Whatever lies there on
        the disk, the log ends with that one.
        """
        assert self.base.index < from_index <= self.last_index, (from_index, self.last_index)
        self._ahead = None
        handed_out = self.durable_index if self._flight_index is None else max(
            self._flight_index, self.durable_index
        )  # fmt: skip
        if from_index <= handed_out:
            self._cut_from = min(self._cut_from or from_index, from_index)
        self.durable_index = min(self.durable_index, from_index - 1)
        if self._flight_index is not None:
            self._flight_index = min(self._flight_index, from_index - 1)
        while self._to_write and self._to_write[-1].index >= from_index:
            self._to_write.pop()
        while self._cached and self._cached[-1].index >= from_index:
            self._cached_bytes -= _size(self._cached.pop())
        for index in [index for index in self.damaged if index >= from_index]:
            del self.damaged[index]
            self._repaired.pop(index, None)
        self._restored = [record for record in self._restored if record.index < from_index]
        self._end_after_cut(from_index - 1, below)

    def forget_through(self, base: Base) -> None:
        """A snapshot covers everything up to `base`: compaction, the end stays."""
        assert self.base.index <= base.index <= self.last_index, (self.base.index, base.index)
        self.base = base
        while self._cached and self._cached[0].index <= base.index:
            self._cached_bytes -= _size(self._cached.popleft())
        for index in [index for index in self.damaged if index <= base.index]:
            del self.damaged[index]
            self._repaired.pop(index, None)
        if self.last_index == base.index:
            self._end_at_base()

    def reset(self, base: Base) -> None:
        """The log begins after `base`, and is empty. The write that makes it so is durable."""
        self.base = base
        self._ahead = None
        self._cached.clear()
        self._cached_bytes = 0
        self._to_write.clear()
        self.damaged.clear()
        self._repaired.clear()
        self._restored.clear()
        self._cut_from = 0
        self.durable_index = base.index
        self._end_at_base()

    def evict(self, through: int) -> None:
        """Records up to `through` may leave memory, oldest first, if there is need."""
        limit = min(through, self.durable_index)
        while (
            self._cached_bytes > self._cache_bytes_max
            and self._cached
            and self._cached[0].index <= limit
        ):
            self._cached_bytes -= _size(self._cached.popleft())

    # --- repair -----------------------------------------------------------------------------

    def found_damage(self, index: int) -> None:
        """A record that was sound can no longer be read, or is not the one that was written.

        Neither are those right above it that nothing confirms; only the highest gets a name.
        """
        if index in self.damaged or not self.holds(index):
            return
        top, expected = index, b""
        while not expected and self.is_confirmed(top):
            if top == self.last_index:
                expected = self.last_hash
                break
            try:
                expected = self.record(top + 1).prev_hash
            except CorruptRecord:
                top += 1
        for nameless in range(index, top):
            self.damaged[nameless] = b""
        self.damaged[top] = expected

    def name(self, index: int, expected: bytes) -> None:
        """The record at `index` has this hash: somebody knows it whose word counts, and nothing
        that is known here speaks against it. If it stands there after all, it is no more in repair.
        """
        kept = self._repaired.get(index)
        if kept is not None and kept.hash != expected:
            del self._repaired[index]
        if kept is not None and kept.hash == expected:
            return
        record = self._standing(index)
        if record is None or record.hash != expected:
            self._drop_cached_through(index)
            self.damaged[index] = expected
        elif self.damaged.pop(index, None) is not None:
            self._restore(record)
        elif self.damaged:
            self._confirm_below(record)

    def repair(self, record: Record) -> None:
        """The record that was asked for: its hash is the expected one."""
        assert self.damaged[record.index] == record.hash, record.index
        self._repaired[record.index] = record

    def take_restored(self) -> list[Record]:
        """Records that were in repair and are back since this was last called."""
        restored, self._restored = self._restored, []
        return restored

    def wants(self, index: int) -> bool:
        """Whether `repair` may be called for it."""
        return bool(self.damaged.get(index)) and index not in self._repaired

    @property
    def in_repair(self) -> dict[int, bytes]:
        """What to ask for: damaged, of known hash, and not here yet."""
        return {
            index: expected
            for index, expected in sorted(self.damaged.items(), reverse=True)
            if expected and index not in self._repaired
        }

    # --- writing ----------------------------------------------------------------------------

    @property
    def has_to_write(self) -> bool:
        waiting = len(self._repaired) > len(self._repaired_in_flight)
        return bool(self._to_write) or self._cut_from > 0 or waiting

    def begin_write(self) -> tuple[int, list[Record], list[Record]]:
        """Cut from where (0: nowhere), records to put right, records to append; one at a time."""
        assert self._flight_index is None, "one write at a time"
        taken = self._cut_from, list(self._repaired.values()), self._to_write
        self._repaired_in_flight = taken[1]
        self._cut_from = 0
        self._to_write = []
        self._flight_index = self.last_index
        return taken

    def end_write(self) -> None:
        assert self._flight_index is not None, "no write was begun"
        self.durable_index = self._flight_index
        self._flight_index = None
        self._ahead = None
        written, self._repaired_in_flight = self._repaired_in_flight, []
        for record in written:
            if self._repaired.get(record.index) is record:
                del self._repaired[record.index]
                del self.damaged[record.index]
                self._restore(record)

    # --- inside -----------------------------------------------------------------------------

    def _standing(self, index: int) -> Record | None:
        """What stands there, whatever anybody says of it; None if it is not sound, or is just
        being overwritten."""
        if any(record.index == index for record in self._repaired_in_flight):
            return None
        try:
            return self._in_memory(index) or self._reader.record(index)
        except CorruptRecord:
            return None

    def _restore(self, record: Record) -> None:
        """It is here, on the disk, and it is the one that was named."""
        self._restored.append(record)
        if record.index == self.last_index:
            self._end_at(record)
        self._confirm_below(record)

    def _confirm_below(self, record: Record) -> None:
        """A record that came back says which hash the one below it had.

        It is believed more than what stood in its place, which may have been of another branch.
        And what is linked to it without a gap is now confirmed, down to the next damaged record,
        which has a name from now on.
        """
        below = record.index - 1
        if not self.holds(below):
            return
        if below in self.damaged:
            self.name(below, record.prev_hash)
            return
        try:
            sound = self.record(below).hash == record.prev_hash
        except CorruptRecord:
            sound = False
        if not sound:
            self._drop_cached_through(below)
            self.damaged[below] = record.prev_hash
            return
        gap = max((index for index in self.damaged if index < below), default=self.base.index)
        if gap > self.base.index:
            try:
                lowest = self.record(gap + 1)
            except CorruptRecord as error:
                self.found_damage(error.index)
            else:
                self.name(gap, lowest.prev_hash)

    def _drop_cached_through(self, index: int) -> None:
        while self._cached and self._cached[0].index <= index:
            self._cached_bytes -= _size(self._cached.popleft())

    def _cache(self, record: Record) -> None:
        self._cached.append(record)
        self._cached_bytes += _size(record)

    def _end_at(self, record: Record) -> None:
        self.last_index = record.index
        self.last_hash = record.hash
        self.last_term = record.term
        self.last_ts_ns = record.ts_ns

    def _end_at_base(self) -> None:
        self.last_index = self.base.index
        self.last_hash = self.base.hash
        self.last_term = self.base.term
        self.last_ts_ns = self.base.ts_ns

    def _end_after_cut(self, index: int, expected: bytes) -> None:
        """The end is now at `index`, whose record may itself be damaged."""
        if index == self.base.index:
            assert expected == self.base.hash, f"the log was cut above another base than {index}"
            self._end_at_base()
            return
        # The term of a damaged end is not known: nobody votes with it, and its own term's records
        # can only follow one of a term at most theirs.
        self.last_index, self.last_hash = index, expected
        self.last_term, self.last_ts_ns = self.base.term, self.base.ts_ns
        self.name(index, expected)
        end = None if index in self.damaged else self._standing(index)
        if end is not None:
            self._end_at(end)


def _size(record: Record) -> int:
    return len(record.header) + len(record.payload)
