"""The loop under trio's mock clock: pipelining, pacing, bounds, drain. Nothing here sleeps for
real, and the disk answers when the test says so.
"""

import errno
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from core.codes import NOT_LEADER, OK, OVERLOADED, VALIDATION
from replication.batching import Limits, Submission
from replication.node_snapshots import SnapshotFailed
from replication.ports import Committed, SnapshotData, SnapshotMeta, Submitted, TailGone
from replication.settings import NodeSettings
from tests.replication.memory import MemorySnapshots
from tests.replication.tally import Tally
from tests.replication.world import Answer, World

pytestmark = pytest.mark.trio
Scenario = Callable[[World], Awaitable[None]]


async def in_world(world: World, scenario: Scenario) -> None:
    """Runs the node, then the scenario, then drains the node."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.driver.run)
        await world.driver.running()
        await scenario(world)
        world.driver.stop()


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked()


async def test_a_command_is_answered_after_commit_and_apply(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        world.log.hold()
        answer = world.send(2)
        await settle()
        assert world.log.is_writing
        assert answer.value is None, "not durable, so not answered"
        assert world.machine.index == 1
        world.log.release()
        got = await answer.get()
        assert (got.code, got.index, got.term) == (OK, 2, 1)
        assert len(got.replies) == 128
        assert world.log.anchor.last_index == 2

    await in_world(World(), scenario)


async def test_an_idle_system_commits_at_once(autojump_clock: trio.testing.MockClock) -> None:
    async def scenario(world: World) -> None:
        await trio.sleep(1)
        before = trio.current_time()
        await world.send().get()
        assert trio.current_time() == before

    await in_world(World(NodeSettings(batch_delay_s=0.5)), scenario)


async def test_a_lone_caller_never_waits(autojump_clock: trio.testing.MockClock) -> None:
    async def scenario(world: World) -> None:
        before = trio.current_time()
        for _ in range(5):
            await world.send().get()
        assert trio.current_time() == before

    await in_world(World(NodeSettings(batch_delay_s=0.5)), scenario)


async def test_a_busy_system_gathers_for_the_delay(autojump_clock: trio.testing.MockClock) -> None:
    async def scenario(world: World) -> None:
        await world.send(100).get()
        before = trio.current_time()
        first = world.send()
        await trio.sleep(0.2)
        second = world.send()
        one, two = await first.get(), await second.get()
        assert one.index == two.index, "both in one entry"
        assert trio.current_time() == pytest.approx(before + 0.5)

    await in_world(World(NodeSettings(batch_delay_s=0.5, result_flush_s=10)), scenario)


async def test_a_full_batch_does_not_wait(autojump_clock: trio.testing.MockClock) -> None:
    async def scenario(world: World) -> None:
        await world.send(40).get()
        before = trio.current_time()
        await world.send(40).get()
        assert trio.current_time() == before

    config = NodeSettings(batch_delay_s=0.5, limits=Limits(batch_commands_max=40))
    await in_world(World(config), scenario)


async def test_the_machine_works_while_the_disk_does(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Entry N is applied and answered while entry N+1 is being written, N+2 is gathered."""

    async def scenario(world: World) -> None:
        world.log.hold()
        first = world.send()
        await settle()
        second = world.send()
        await settle()
        gate = world.log
        gate.release()
        gate.hold()
        await settle()
        assert first.value is not None
        assert second.value is None
        assert gate.is_writing, "the second entry is on its way"
        third, fourth = world.send(), world.send()
        gate.release()
        assert (await third.get()).index == (await fourth.get()).index == 4

    await in_world(World(NodeSettings(batch_delay_s=0)), scenario)


async def test_results_ride_in_the_next_write(autojump_clock: trio.testing.MockClock) -> None:
    async def scenario(world: World) -> None:
        await world.send().get()
        await world.send().get()
        with_records = [write for write in world.log.writes if write.records]
        riding = [[result.index for result in write.results] for write in with_records]
        assert riding == [[], [1], [2]], "each with the write after its own"

    await in_world(World(NodeSettings(result_flush_s=100, batch_delay_s=0)), scenario)


async def test_results_are_flushed_when_no_write_comes(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        await world.send().get()
        assert world.log.result_index() < 2
        await trio.sleep(0.051)
        assert world.log.result_index() == 2
        writes = len(world.log.writes)
        await trio.sleep(60)
        assert len(world.log.writes) == writes, "an idle node leaves the disk alone"

    await in_world(World(NodeSettings(checkpoint_s=1000)), scenario)


async def test_what_does_not_fit_is_refused_and_the_rest_goes_on(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        world.log.hold()
        first = world.send(3)
        second = world.send(3)
        refused = await second.get()
        assert (refused.code, refused.index, refused.replies) == (OVERLOADED, 0, b"")
        world.log.release()
        assert (await first.get()).code == OK
        assert (await world.send(3).get()).code == OK

    await in_world(World(NodeSettings(limits=Limits(waiting_commands_max=4))), scenario)


async def test_a_full_log_closes_the_door_before_the_log(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        world.log.room = 0
        refused = await world.send().get()
        assert (refused.code, refused.reason) == (OVERLOADED, "the log is nearly full")
        assert world.replica.last_index == 1
        world.log.room = 1 << 20
        assert (await world.send().get()).code == OK

    await in_world(World(), scenario)


async def test_malformed_commands_never_reach_the_log(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        answer = Answer()
        world.driver.submit(Submission(b"nonsense", 1, b"", answer.put))
        assert (await answer.get()).code == VALIDATION
        assert world.replica.last_index == 1

    await in_world(World(), scenario)


async def test_the_machine_holds_the_writer_back(autojump_clock: trio.testing.MockClock) -> None:
    """No more entries are made than the machine may be behind."""
    config = NodeSettings(limits=Limits(batch_commands_max=1), unapplied_entries_max=3)

    async def scenario(world: World) -> None:
        world.log.hold()
        answers = [world.send() for _ in range(10)]
        await settle()
        assert world.replica.last_index - world.machine.index == 3
        world.log.release()
        for answer in answers:
            assert (await answer.get()).code == OK

    await in_world(World(config), scenario)


async def test_followers_get_every_entry_once_in_order(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """From the store, from the feed and live: one sequence without a seam."""
    seen: list[Committed] = []

    async def follow(world: World) -> None:
        while True:
            found = await world.driver.entries(len(seen) + 1, 200)
            seen.extend(found)

    async def scenario(world: World) -> None:
        for _ in range(20):
            await world.send(3).get()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, world)
            for _ in range(20):
                await world.send(3).get()
            await settle()
            nursery.cancel_scope.cancel()
        assert [entry.index for entry in seen] == list(range(1, world.machine.index + 1))
        assert seen[-1].chain == world.machine.chain
        with pytest.raises(TailGone, match="from_index: 99 is outside"):
            await world.driver.entries(99, 1)
        with pytest.raises(TailGone):
            await world.driver.entries(0, 1)

    await in_world(World(NodeSettings(feed_bytes_max=1000, checkpoint_s=1000)), scenario)


async def test_checkpoints_come_only_after_something_happened(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        await trio.sleep(100)
        assert world.machine.index == 1, "nothing happened, nothing to check"
        await world.send().get()
        await trio.sleep(10.1)
        assert world.machine.last_checkpoint()[0] == 3
        await trio.sleep(100)
        assert world.machine.index == 3, "a checkpoint is not something that happened"
        await world.send().get()
        await trio.sleep(10.1)
        assert world.machine.last_checkpoint()[0] == 5, "and it carried the digest of 3"

    await in_world(World(), scenario)


async def test_checkpoints_come_after_so_many_entries(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        for _ in range(10):
            await world.send().get()
        assert world.machine.last_checkpoint()[0] > 0

    await in_world(World(NodeSettings(checkpoint_entries=5, checkpoint_s=1e6)), scenario)


async def test_snapshots_are_taken_every_so_many_entries(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        for _ in range(10):
            await world.send().get()
        await trio.sleep(1)
        meta, _ = world.snapshots.saved[0]
        assert meta.index >= 4
        assert world.log.result_index() >= meta.index, "results below a snapshot are stored"

    await in_world(World(NodeSettings(snapshot_entries=4)), scenario)


async def test_a_snapshot_in_many_steps_ends_on_an_idle_node_and_beside_entries(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        for _ in range(3):
            await world.send().get()
        assert await world.driver.snapshot() >= 3
        answers = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.driver.snapshot)
            for _ in range(40):
                answers.append(world.send())
                await trio.lowlevel.checkpoint()
        for answer in answers:
            await answer.get()
        assert len(world.snapshots.saved) == 2
        for meta, data in world.snapshots.saved:
            machine = Tally.restore(data)
            assert (machine.index, machine.chain) == (meta.index, meta.chain)
            assert machine.digest() == meta.digest
            assert world.log.result_chain(meta.index) == meta.chain

    await in_world(World(NodeSettings(snapshot_step_bytes=20)), scenario)


class FullDisk(MemorySnapshots):
    """So many saves find no room."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    async def save(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        await trio.lowlevel.checkpoint()
        if self.failures:
            self.failures -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        self.save_now(meta, data)


class SlowDisk(MemorySnapshots):
    async def save(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        await trio.sleep(2)
        self.save_now(meta, data)


class StuckDisk(MemorySnapshots):
    async def save(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        await trio.sleep_forever()


async def test_a_snapshot_that_cannot_be_saved_is_told_to_who_asked(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        await world.send().get()
        with trio.fail_after(10):
            with pytest.raises(SnapshotFailed, match=r"snapshot 2: .*No space left"):
                await world.driver.snapshot()
            assert await world.driver.snapshot() == 2

    await in_world(World(snapshots=FullDisk(1)), scenario)


async def test_a_snapshot_that_failed_is_tried_again_after_as_many_entries(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Not with the next one: the whole state is copied and hashed for it."""
    disk = FullDisk(1 << 30)

    async def scenario(world: World) -> None:
        for first in range(1, 61):
            await world.send(first=first).get()
        await settle()
        tries = (1 << 30) - disk.failures
        assert 4 <= tries <= world.machine.index // 10
        disk.failures = 0
        for first in range(61, 91):
            await world.send(first=first).get()
        await settle()
        assert len(disk.saved) >= 2

    await in_world(World(NodeSettings(snapshot_entries=10), snapshots=disk), scenario)


async def test_an_older_snapshot_that_is_under_way_is_not_the_one_that_was_asked_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        for first in range(1, 8):
            await world.send(first=first).get()
        assert world.driver.node.snapshots.is_busy
        with trio.fail_after(10):
            assert await world.driver.snapshot() == world.machine.index
        assert len(world.snapshots.saved) == 2

    await in_world(World(NodeSettings(snapshot_entries=5), snapshots=SlowDisk()), scenario)


@pytest.mark.parametrize("disk", [FullDisk(1 << 30), SlowDisk(), StuckDisk()])
async def test_a_last_snapshot_keeps_no_node_from_stopping(
    disk: MemorySnapshots, autojump_clock: trio.testing.MockClock
) -> None:
    world = World(NodeSettings(snapshot_entries=5), snapshots=disk)
    world.driver.on_drained = world.driver.snapshot
    with trio.fail_after(100):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.driver.run)
            await world.driver.running()
            for first in range(1, 8):
                await world.send(first=first).get()
            world.driver.stop()
    wanted = [world.machine.index] if isinstance(disk, SlowDisk) else []
    assert [meta.index for meta, _ in disk.saved][1:] == wanted


async def test_a_drain_finishes_what_was_accepted(autojump_clock: trio.testing.MockClock) -> None:
    world = World(NodeSettings(limits=Limits(batch_commands_max=4)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.driver.run)
        await world.driver.running()
        world.log.hold()
        answers = [world.send(4) for _ in range(10)]
        await settle()
        world.driver.stop()
        late = await world.send().get()
        assert late.code == NOT_LEADER
        world.log.release()
    got = [answer.value for answer in answers]
    assert [each.code for each in got if isinstance(each, Submitted)] == [OK] * 10
    assert world.log.result_index() == world.log.anchor.last_index == world.machine.index
    assert world.driver.status().role == "STOPPING"


async def test_nothing_is_accepted_before_the_term_is_durable(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = World()
    world.log.hold()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.driver.run)
        await settle()
        assert (await world.send().get()).code == NOT_LEADER
        assert not world.driver.status().accepting
        world.log.release()
        await world.driver.running()
        assert (await world.send().get()).code == OK
        world.driver.stop()


async def test_a_wall_clock_that_jumps_back_does_not_turn_log_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def scenario(world: World) -> None:
        first = await world.send().get()
        world.clock.offset_ns -= 10**12
        second = await world.send().get()
        assert second.ts_ns == first.ts_ns

    await in_world(World(), scenario)


async def test_a_machine_that_fails_stops_the_node(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()

    def fail(index: int, ts_ns: int, payload: bytes) -> None:
        raise ZeroDivisionError("state and log do not fit")

    async def scenario(running: World) -> None:
        monkeypatch.setattr(running.machine, "apply", fail)
        answer = running.send()
        await trio.sleep_forever()
        raise AssertionError(answer)

    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        await in_world(world, scenario)


async def test_what_is_due_gets_an_entry_of_its_own(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """An order that ends by time ends in an idle exchange too."""

    async def scenario(world: World) -> None:
        world.machine.next_due_ns = world.clock.wall_ns() + 3 * 10**9
        await world.send().get()
        before = world.machine.index
        await trio.sleep(2.9)
        assert world.machine.index == before
        await trio.sleep(0.2)
        assert world.machine.index == before + 1
        assert world.machine.next_due_ns == 0
        await trio.sleep(5)
        assert world.machine.index == before + 1, "once"

    settings = NodeSettings(checkpoint_s=1000, checkpoint_entries=1000)
    await in_world(World(settings), scenario)
