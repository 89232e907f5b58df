"""The log window against a plain list, on a disk that rots and loses writes at any moment.

What is promised: a read gives the record that this log has at its index, or says that it cannot;
never another one. What is durable, and where the log ends, is what the list says.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from replication.log_window import LogWindow
from replication.ports import Base, HardState
from replication.record import CorruptRecord, MissingRecord, Record, decode, seal

CLUSTER = bytes(range(16))


class Disk:
    """Rows by index, and what stood there before."""

    def __init__(self) -> None:
        self.rows: dict[int, bytes] = {}
        self.older: dict[int, bytes] = {}

    def record(self, index: int) -> Record:
        if index not in self.rows:
            raise MissingRecord(index, "nothing is stored there")
        return decode(self.rows[index], CLUSTER, index)

    def write(self, cut_from: int, repaired: list[Record], records: list[Record]) -> None:
        if cut_from:
            for index in [index for index in self.rows if index >= cut_from]:
                self.older[index] = self.rows.pop(index)
        for record in (*repaired, *records):
            if record.index in self.rows:
                self.older[record.index] = self.rows[record.index]
            self.rows[record.index] = record.encoded()


class WindowAndList(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.disk = Disk()
        self.log = LogWindow(Base(), HardState(), self.disk, {}, cache_bytes_max=600)
        self.right: list[Record] = []
        self.term = 1
        self.flying: tuple[int, list[Record], list[Record]] | None = None
        self.wrong: set[int] = set()
        """Indexes whose rows on the disk are not what was written."""

    def right_at(self, index: int) -> Record:
        return self.right[index - 1]

    # --- what a replica does ----------------------------------------------------------------

    @rule(count=st.integers(1, 4), size=st.integers(0, 200))
    def append(self, count: int, size: int) -> None:
        for _ in range(count):
            index = self.log.last_index + 1
            payload = b"%d of %d" % (index, self.term) + bytes(size)
            record = seal(CLUSTER, index, self.term, 7, self.log.last_hash, payload)
            self.log.append(record)
            self.right.append(record)

    @precondition(lambda self: self.flying is None and self.log.has_to_write)
    @rule()
    def begin_write(self) -> None:
        self.flying = self.log.begin_write()

    @precondition(lambda self: self.flying is not None)
    @rule()
    def end_write(self) -> None:
        assert self.flying is not None
        self.disk.write(*self.flying)
        cut_from, repaired, records = self.flying
        written = {record.index for record in (*repaired, *records)}
        self.wrong = {i for i in self.wrong - written if not cut_from or i < cut_from}
        self.flying = None
        self.log.end_write()

    @precondition(lambda self: self.log.last_index > 0)
    @rule(share=st.floats(0, 1))
    def cut(self, share: float) -> None:
        """Another leader's term begins; its records will differ."""
        index = 1 + int(share * (self.log.last_index - 1))
        below = index - 1
        self.log.cut(index, self.right_at(below).hash if below else Base().hash)
        del self.right[below:]
        self.term += 1

    @precondition(lambda self: self.flying is None and self.log.last_index > 1)
    @rule(share=st.floats(0, 1), count=st.integers(1, 6))
    def another_branch(self, share: float, count: int) -> None:
        """Cut, replaced and durable: where older rows of a disk come from."""
        self._write()
        self.cut(share)
        self.append(count, 50)
        self._write()
        self.evict()

    def _write(self) -> None:
        if self.log.has_to_write:
            self.begin_write()
            self.end_write()

    @rule()
    def evict(self) -> None:
        self.log.evict(self.log.last_index)

    @rule(share=st.floats(0, 1))
    def repair(self, share: float) -> None:
        """A peer sends what was asked for."""
        for index in list(self.log.in_repair):
            self.log.repair(self.right_at(index))

    @precondition(lambda self: self.log.last_index > 0)
    @rule(share=st.floats(0, 1))
    def name(self, share: float) -> None:
        """A leader says what it has, where nothing here can tell."""
        index = 1 + int(share * (self.log.last_index - 1))
        if self.log.compare(index, self.right_at(index).hash) is None:
            self.log.name(index, self.right_at(index).hash)

    # --- what a disk does -------------------------------------------------------------------

    def _strikes(self, share: float) -> int:
        """A durable row that is as it was written; 0: there is none.

        Of two neighbours one may rot and the other be lost; two lost ones might fit each other.
        """
        rows = [
            index for index in sorted(self.disk.rows)
            if index <= self.log.durable_index and index not in self.wrong
            if not self.stale & {index - 1, index + 1}
        ]  # fmt: skip
        return rows[int(share * (len(rows) - 1))] if rows else 0

    @rule(share=st.floats(0, 1), at=st.integers(0, 200))
    def rot(self, share: float, at: int) -> None:
        index = self._strikes(share)
        if index:
            row = bytearray(self.disk.rows[index])
            row[at % len(row)] ^= 1
            self.disk.rows[index] = bytes(row)
            self.wrong.add(index)

    @property
    def stale(self) -> set[int]:
        """Of these, the ones that are sound in themselves."""
        rows, older = self.disk.rows, self.disk.older
        return {index for index in self.wrong if rows[index] == older.get(index)}

    @rule(share=st.floats(0, 1))
    def lose_a_write(self, share: float) -> None:
        index = self._strikes(share)
        if index in self.disk.older and self.disk.older[index] != self.disk.rows[index]:
            self.disk.rows[index] = self.disk.older[index]
            self.wrong.add(index)

    # --- what must be so --------------------------------------------------------------------

    @invariant()
    def it_reads_what_is_right_or_says_that_it_cannot(self) -> None:
        assert self.log.last_index == len(self.right)
        for index in range(1, self.log.last_index + 1):
            try:
                found = self.log.record(index)
            except CorruptRecord as error:
                self.log.found_damage(error.index)
                assert error.index in self.wrong or error.index in self.log.damaged
                continue
            assert found == self.right_at(index), f"record {index} of another branch"

    @invariant()
    def what_it_asks_for_is_right(self) -> None:
        for index, expected in self.log.damaged.items():
            assert expected in (b"", self.right_at(index).hash), f"record {index} of another branch"

    @invariant()
    def there_is_always_something_to_ask_for(self) -> None:
        """Or a member stays in repair for ever."""
        damaged = self.log.damaged
        assert not damaged or damaged[max(damaged)]

    @invariant()
    def what_is_sound_is_right_on_the_disk(self) -> None:
        for index in range(1, min(self.log.sound_index, self.log.durable_index) + 1):
            assert self.log.record(index) == self.right_at(index)


TestWindowAndList = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")(
    WindowAndList.TestCase
)
TestWindowAndList.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
