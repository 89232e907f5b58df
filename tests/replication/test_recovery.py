"""What a node starts from after a crash, whatever the moment of the crash."""

import random

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from replication.membership import founding
from replication.node_results import ResultDiffers
from replication.ports import Result
from replication.record import (
    CorruptRecord,
    MisdirectedRecord,
    MissingRecord,
    PayloadCorrupt,
)
from replication.recovery import Recovered, recover, refuse_damage, replay
from replication.settings import NodeSettings
from tests.replication.memory import MemoryLog, MemorySnapshots
from tests.replication.tally import Tally
from tests.replication.world import CLUSTER, World


async def run_for(world: World, commands: int, snapshot_at: int = 0) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.driver.run)
        await world.driver.running()
        for n in range(commands):
            await world.send(1 + n % 3, first=100 * n + 1).get()
            if n + 1 == snapshot_at:
                await world.driver.snapshot()
        world.driver.stop()


def drive(world: World, commands: int, snapshot_at: int = 0) -> World:
    trio.run(
        run_for, world, commands, snapshot_at, clock=trio.testing.MockClock(autojump_threshold=0)
    )
    return world


def full_replay(log: MemoryLog) -> Tally:
    return replay(log.records(1), Tally())


def found(
    log: MemoryLog, snapshots: MemorySnapshots, warnings: list[str] | None = None
) -> Recovered[Tally]:
    warned: list[str] = []
    recovered = recover(log, snapshots, Tally, warned.append, founding([1]))
    assert warned == (warnings or [])
    return recovered


def again(log: MemoryLog, snapshots: MemorySnapshots, warnings: list[str] | None = None) -> Tally:
    return found(log, snapshots, warnings).machine


def test_snapshot_and_tail_give_what_a_full_replay_gives() -> None:
    world = drive(World(), 20, snapshot_at=9)
    recovered = found(world.log, world.snapshots)
    assert recovered.snapshot_indexes
    assert recovered.machine.digest() == world.machine.digest() == full_replay(world.log).digest()
    assert recovered.machine.chain == world.machine.chain


def test_two_restarts_go_on_where_the_last_ended_and_the_term_grows() -> None:
    world = World(NodeSettings(snapshot_entries=5))
    terms = []
    for _ in range(3):
        drive(world, 7)
        terms.append(world.replica.term)
        digest = world.machine.digest()
        world = world.restart()
        assert world.machine.digest() == digest
        assert world.warnings == []
    assert terms == [1, 2, 3]
    assert full_replay(world.log).digest() == world.machine.digest()


@given(st.integers(0, 2**32))
def test_a_crash_at_any_write_loses_nothing_acknowledged(seed: int) -> None:
    """The disk is copied while the node runs: what a crash at that moment leaves."""
    rng = random.Random(seed)
    world = World(NodeSettings(batch_delay_s=0))
    acknowledged: list[bytes] = []
    at_crash: list[tuple[MemoryLog, int]] = []

    async def sender() -> None:
        for n in range(12):
            answer = world.send(1, first=n + 1)
            if rng.random() < 0.5:
                at_crash.append((world.log.copy(), len(acknowledged)))
            got = await answer.get()
            acknowledged.append(got.replies)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.driver.run)
            await world.driver.running()
            await sender()
            world.driver.stop()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    for log, count in at_crash:
        restarted = drive(World(log=log), 0)
        assert restarted.machine.commands >= count
        assert full_replay(restarted.log).digest() == restarted.machine.digest()


def test_results_that_were_not_stored_are_derived_again() -> None:
    world = drive(World(), 6)
    log = world.log.copy()
    for index in list(log.results)[-3:]:
        del log.results[index]
    restarted = World(log=log)
    assert restarted.machine.index == world.machine.index - 3, "decided again, with a new term"
    drive(restarted, 0)
    assert log.results[world.machine.index].chain == world.machine.chain


def test_a_follower_may_be_ahead_of_the_results_that_a_crash_left() -> None:
    """It saw entries live whose results were not stored yet: it waits, and misses nothing."""
    world = drive(World(), 6)
    seen = world.machine.index
    log = world.log.copy()
    for index in range(seen - 2, seen + 1):
        del log.results[index]
    restarted = World(log=log)
    assert restarted.machine.index < seen
    seen_later: list[int] = []

    async def follow() -> None:
        seen_later.extend(entry.index for entry in await restarted.driver.entries(seen + 1, 1))
        restarted.driver.stop()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            nursery.start_soon(restarted.driver.run)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert seen_later == [seen + 1]


def test_an_unusable_snapshot_is_passed_over_with_a_warning() -> None:
    world = drive(World(), 8, snapshot_at=3)
    meta, data = world.snapshots.saved[0]
    digest = world.machine.digest()
    lying = msgspec.structs.replace(meta, chain=bytes(32))
    world.snapshots.saved = [(lying, data)]
    said = f"snapshot {meta.index}: passed over, it is not the state that it says it is"
    assert again(world.log, world.snapshots, [said]).digest() == digest


def test_a_snapshot_ahead_of_the_results_is_passed_over() -> None:
    world = drive(World(), 8, snapshot_at=8)
    index = world.snapshots.saved[0][0].index
    for later in range(index, world.log.result_index() + 1):
        del world.log.results[later]
    known = world.log.result_index()
    said = f"snapshot {index}: passed over, results are stored up to {known} only"
    assert again(world.log, world.snapshots, [said]).index == known


def test_a_snapshot_of_another_log_stops_the_start() -> None:
    world = drive(World(), 8, snapshot_at=3)
    meta, data = world.snapshots.saved[0]
    world.snapshots.saved = [(msgspec.structs.replace(meta, record_hash=bytes(32)), data)]
    with pytest.raises(CorruptRecord, match="made from another log"):
        again(world.log, world.snapshots)


def test_a_result_that_differs_stops_the_start_and_is_named() -> None:
    world = drive(World(), 8)
    stored = world.log.results[5]
    world.log.results[5] = Result(
        index=5, term=stored.term, ts_ns=stored.ts_ns, chain=bytes(32), events=stored.events
    )
    with pytest.raises(ResultDiffers, match="result 5: the stored chain is 00"):
        again(world.log, world.snapshots)


def test_a_corrupt_record_is_named_and_in_repair_and_a_lone_node_stops() -> None:
    world = drive(World(), 8)
    log = world.log
    hash_of_4 = log.record(4).hash
    log.rows[4] = log.rows[4][:-1] + b"\xff"
    recovered = found(log, world.snapshots)
    assert recovered.damaged == {4: hash_of_4}, "the record after it says which it must be"
    with pytest.raises(PayloadCorrupt, match="record 4: "):
        refuse_damage(recovered)


def test_a_missing_record_is_named_and_in_repair() -> None:
    world = drive(World(), 8)
    hash_of_6 = world.log.record(6).hash
    del world.log.rows[6]
    recovered = found(world.log, world.snapshots)
    assert recovered.damaged == {6: hash_of_6}
    assert recovered.machine.index == 4, "no sound record says yet that 5 is the right one"
    with pytest.raises(MissingRecord, match="record 6: "):
        refuse_damage(recovered)


def test_of_two_damaged_neighbours_only_the_upper_ones_hash_is_known() -> None:
    world = drive(World(), 8)
    hash_of_5 = world.log.record(5).hash
    del world.log.rows[4]
    del world.log.rows[5]
    assert found(world.log, world.snapshots).damaged == {5: hash_of_5, 4: b""}


def test_a_record_of_another_place_breaks_the_chain() -> None:
    world = drive(World(), 8)
    hash_of_5 = world.log.record(5).hash
    world.log.rows[5] = world.log.rows[4]
    recovered = found(world.log, world.snapshots)
    assert recovered.damaged == {5: hash_of_5}
    with pytest.raises(MisdirectedRecord, match="record 5: record 4 stands in its place"):
        refuse_damage(recovered)


def test_an_empty_disk_is_a_beginning() -> None:
    recovered = found(MemoryLog(CLUSTER), MemorySnapshots())
    assert (recovered.machine.index, recovered.known_index, recovered.damaged) == (0, 0, {})
    assert recovered.configurations == [(0, founding([1]))]
