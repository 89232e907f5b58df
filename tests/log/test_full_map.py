"""A log that fills up closes the door; it never surprises the machine or ends the process."""

from pathlib import Path

import pytest
import trio

from adapters.lmdb_folder import snapshot_path
from adapters.lmdb_log import MAP_BYTES_MIN, LmdbLog
from adapters.node import SystemClock
from adapters.snapshot_files import SnapshotFiles
from core.codes import OK, OVERLOADED
from core.commands import cancel
from core.limits import BATCH_COMMANDS_MAX
from replication.batching import Submission
from replication.driver import Driver
from replication.membership import founding
from replication.node import Node
from replication.ports import Submitted
from replication.recovery import recover
from replication.settings import NodeSettings
from tests.replication.tally import Tally
from tests.replication.world import CLUSTER, Answer, Deaf, Dice

COMMANDS = cancel(2, 1, 1) * BATCH_COMMANDS_MAX
WRITES_MAX = 1000


async def made(folder: Path, map_bytes: int, warnings: list[str]) -> tuple[Driver[Tally], LmdbLog]:
    """The real driver on the real log, with a machine whose events are as long as its commands."""
    log = LmdbLog.create_or_open(folder, CLUSTER, 1, map_bytes, warnings.append)
    snapshots = SnapshotFiles(snapshot_path(folder), CLUSTER, warnings.append)
    recovered = recover(log, snapshots, Tally, warnings.append, founding([1]))
    clock = SystemClock()
    node = Node(
        NodeSettings(checkpoint_commands=1 << 30), 1, CLUSTER, recovered, Tally, log,
        clock, Dice(),
        warnings.append, Deaf(),
    )  # fmt: skip
    driver = Driver(node, log, snapshots, clock, Deaf())
    return driver, log


async def submit(driver: Driver[Tally]) -> Submitted:
    answer = Answer()
    driver.submit(Submission(COMMANDS, BATCH_COMMANDS_MAX, b"", answer.put))
    return await answer.get()


async def fill(driver: Driver[Tally]) -> int:
    """Submits until the door closes; how many were taken."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(driver.run)
        await driver.running()
        for taken in range(WRITES_MAX):
            answer = await submit(driver)
            if answer.code != OK:
                assert (answer.code, answer.reason) == (OVERLOADED, "the log is nearly full")
                assert driver.status().accepting, "the node lives and says so"
                driver.stop()
                return taken
    raise AssertionError("the door never closed")


@pytest.mark.trio
async def test_a_full_map_is_overload_at_the_door(tmp_path: Path) -> None:
    warnings: list[str] = []
    driver, log = await made(tmp_path, MAP_BYTES_MIN, warnings)
    taken = await fill(driver)
    assert taken > 10
    assert log.used_bytes() < MAP_BYTES_MIN
    assert log.result_index() == log.hard_state().last_index, "every result found its place"
    log.close()
    driver, log = await made(tmp_path, 2 * MAP_BYTES_MIN, warnings)
    assert driver.peek(lambda machine: machine.commands) == taken * BATCH_COMMANDS_MAX
    async with trio.open_nursery() as nursery:
        nursery.start_soon(driver.run)
        await driver.running()
        assert (await submit(driver)).code == OK, "a larger map opens the door again"
        driver.stop()
    log.close()
    assert warnings == []
