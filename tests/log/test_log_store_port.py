"""The contract of `replication.ports.LogStore`: the real log, the one in memory, the simulated one.

The driver's tests stand on the one in memory and the simulator on its own; this suite is why that
proves anything.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from adapters.lmdb_log import LmdbLog
from core.commands import batch, cancel
from replication.ports import Base, HardState, Result, Write
from replication.record import BrokenChain, CorruptRecord, Record, seal
from sim.storage import SimLog, Storage
from tests.replication.memory import MemoryLog

CLUSTER = bytes(range(16))
MAP_BYTES = 256 << 20


class SimulatedLog(SimLog):
    """A simulated disk whose writes are durable at once."""

    def __init__(self) -> None:
        super().__init__(CLUSTER)
        self._storage = Storage(CLUSTER, random.Random(1))
        self._storage.log = self

    def append_now(self, write: Write) -> None:
        self._storage.begin(write)
        self._storage.complete()

    def records(self, from_index: int) -> Iterator[Record]:
        for index in range(max(from_index, self.start.index + 1), self.anchor.last_index + 1):
            yield self.record(index)


Log = MemoryLog | LmdbLog | SimulatedLog


def no_warning(text: str) -> None:
    raise AssertionError(text)


def opened(folder: Path) -> LmdbLog:
    return LmdbLog.create_or_open(folder, CLUSTER, 1, MAP_BYTES, no_warning)


@pytest.fixture(params=["memory", "lmdb", "simulated"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    if request.param == "memory":
        yield MemoryLog(CLUSTER)
        return
    if request.param == "simulated":
        yield SimulatedLog()
        return
    real = opened(tmp_path)
    yield real
    real.close()


def payload(number: int) -> bytes:
    return batch(cancel(2, 1, number), 1, b"meta%d" % number)


def chained(first: int, count: int, prev: bytes = bytes(32)) -> list[Record]:
    records = []
    for index in range(first, first + count):
        records.append(seal(CLUSTER, index, 1, index, prev, payload(index)))
        prev = records[-1].hash
    return records


def anchor(record: Record) -> HardState:
    return HardState(term=record.term, vote=1, last_index=record.index, last_hash=record.hash)


def result(index: int) -> Result:
    return Result(index=index, term=1, ts_ns=index, chain=bytes([index]) * 32, events=b"e" * index)


def test_an_empty_log(log: Log) -> None:
    assert log.hard_state() == HardState()
    assert list(log.records(1)) == []
    assert log.result_index() == 0
    assert log.result_chain(1) is None
    assert log.read_committed(1, 100) == []
    assert log.room_bytes() > 0


def test_a_vote_without_records(log: Log) -> None:
    state = HardState(term=7, vote=1)
    log.append_now(Write(hard_state=state))
    assert log.hard_state() == state


def test_records_come_back_in_order_from_any_index(log: Log) -> None:
    records = chained(1, 5)
    log.append_now(Write(records=records[:2], hard_state=anchor(records[1])))
    log.append_now(Write(records=records[2:], hard_state=anchor(records[4])))
    assert log.hard_state() == anchor(records[4])
    assert list(log.records(1)) == records
    assert list(log.records(4)) == records[3:]


def test_results_are_behind_the_records_and_read_with_them(log: Log) -> None:
    records = chained(1, 4)
    log.append_now(Write(records=records[:3], hard_state=anchor(records[2])))
    log.append_now(
        Write(records=records[3:], results=[result(1), result(2)], hard_state=anchor(records[3]))
    )
    assert log.result_index() == 2
    assert log.result_chain(2) == bytes([2]) * 32
    assert log.result_chain(3) is None
    found = log.read_committed(1, 1 << 20)
    assert [entry.index for entry in found] == [1, 2]
    assert [entry.metadata for entry in found] == [b"meta1", b"meta2"]
    assert found[1].events == b"ee"
    assert log.read_committed(3, 1 << 20) == []


def test_results_alone_are_a_write(log: Log) -> None:
    records = chained(1, 1)
    log.append_now(Write(records=records, hard_state=anchor(records[0])))
    log.append_now(Write(results=[result(1)]))
    assert log.result_index() == 1
    assert log.hard_state() == anchor(records[0])


def test_a_read_is_bounded_but_gives_at_least_one(log: Log) -> None:
    records = chained(1, 5)
    results = [result(index) for index in range(1, 6)]
    log.append_now(Write(records=records, results=results, hard_state=anchor(records[4])))
    assert [entry.index for entry in log.read_committed(2, 1)] == [2]
    assert [entry.index for entry in log.read_committed(2, 60)] == [2, 3]


@pytest.mark.parametrize("kind", ["memory", "lmdb"])
def test_an_anchor_that_names_another_end_is_refused(kind: str, tmp_path: Path) -> None:
    """By the readers of whole logs; of the simulated one recovery compares the anchor."""
    log = MemoryLog(CLUSTER) if kind == "memory" else opened(tmp_path)
    records = chained(1, 3)
    wrong = HardState(term=1, vote=1, last_index=3, last_hash=b"x" * 32)
    log.append_now(Write(records=records, hard_state=wrong))
    with pytest.raises(BrokenChain, match="record 3: the anchor names another hash"):
        list(log.records(1))
    if isinstance(log, LmdbLog):
        log.close()


def test_a_cut_makes_room_for_another_leaders_records(log: Log) -> None:
    records = chained(1, 5)
    log.append_now(
        Write(records=records, results=[result(1), result(2)], hard_state=anchor(records[4]))
    )
    other = [
        seal(CLUSTER, 4, 2, 4, records[2].hash, payload(44)),
    ]
    log.append_now(Write(cut_from=4, records=other, hard_state=anchor(other[0])))
    assert list(log.records(1)) == [*records[:3], *other]
    assert log.hard_state() == anchor(other[0])
    assert log.result_index() == 2
    with pytest.raises(CorruptRecord):
        log.record(5)


def test_a_cut_alone_makes_the_log_shorter(log: Log) -> None:
    records = chained(1, 5)
    log.append_now(Write(records=records, hard_state=anchor(records[4])))
    log.append_now(Write(cut_from=3, hard_state=anchor(records[1])))
    assert list(log.records(1)) == records[:2]


def test_a_repaired_record_stands_in_its_place(log: Log) -> None:
    records = chained(1, 3)
    log.append_now(Write(records=records, hard_state=anchor(records[2])))
    log.append_now(Write(repaired=[records[1]]))
    assert list(log.records(1)) == records
    assert log.hard_state() == anchor(records[2])


def stop(reason: str) -> NoReturn:
    raise AssertionError(reason)


def base_of(record: Record) -> Base:
    return Base(
        index=record.index, term=record.term, ts_ns=record.ts_ns, hash=record.hash, members=b"m"
    )


def test_a_base_takes_away_what_a_snapshot_covers(log: Log) -> None:
    records = chained(1, 5)
    results = [result(index) for index in range(1, 5)]
    log.append_now(Write(records=records, results=results, hard_state=anchor(records[4])))
    log.append_now(Write(base=base_of(records[2])))
    assert log.base() == base_of(records[2])
    assert list(log.records(4)) == records[3:]
    assert log.result_index() == 4
    assert log.result_chain(2) is None
    assert [entry.index for entry in log.read_committed(4, 1 << 20)] == [4]
    with pytest.raises(CorruptRecord):
        log.record(3)


def test_a_reset_forgets_everything_and_goes_on_after_its_base(log: Log) -> None:
    records = chained(1, 3)
    log.append_now(Write(records=records, results=[result(1)], hard_state=anchor(records[2])))
    there = chained(9, 1, b"p" * 32)[0]
    log.append_now(Write(reset=base_of(there), hard_state=anchor(there)))
    assert (log.base(), log.hard_state()) == (base_of(there), anchor(there))
    assert log.result_index() == 9
    following = chained(10, 2, there.hash)
    log.append_now(Write(records=following, results=[result(10)], hard_state=anchor(following[1])))
    assert list(log.records(10)) == following
    assert log.result_index() == 10


@pytest.mark.parametrize("with_reset", [True, False])
def test_a_base_below_the_logs_own_is_our_bug_and_stops(
    with_reset: bool, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was taken, the log began below what the snapshot covers, with nothing there."""
    records = chained(1, 9)
    if isinstance(log, LmdbLog):
        monkeypatch.setattr(log, "_die", stop)
    log.append_now(Write(records=records, hard_state=anchor(records[-1])))
    log.append_now(Write(results=[result(index) for index in range(1, 10)]))
    reset = Base(index=20, term=1, ts_ns=20, hash=b"h" * 32)
    lower = base_of(records[4])
    if with_reset:
        write = Write(
            reset=reset, base=base_of(records[6]),
            hard_state=HardState(term=1, last_index=20, last_hash=reset.hash),
        )  # fmt: skip
    else:
        log.append_now(Write(base=base_of(records[6])))
        write = Write(base=lower)
    with pytest.raises(AssertionError, match="log begins"):
        log.append_now(write)
    if not with_reset:
        assert log.base().index == 7


@pytest.mark.trio
async def test_appends_return_when_they_are_durable(log: Log) -> None:
    records = chained(1, 3)
    for record in records:
        await log.append(Write(records=[record], hard_state=anchor(record)))
        assert log.hard_state().last_index == record.index
    assert list(log.records(1)) == records


def test_the_real_log_is_there_after_it_was_closed(tmp_path: Path) -> None:
    records = chained(1, 3)
    log = opened(tmp_path)
    log.append_now(Write(records=records, results=[result(1)], hard_state=anchor(records[2])))
    log.close()
    log = opened(tmp_path)
    assert list(log.records(1)) == records
    assert log.result_index() == 1
    assert log.cluster == CLUSTER
    log.close()
