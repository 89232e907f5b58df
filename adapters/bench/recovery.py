"""`lockstep bench recovery`: how long a node takes to stand where its log stands.

Why it exists: a node that was killed serves again when it has verified its log and has the state
of its end. That is measured twice on one log of N commands: applying all of them, and from a
snapshot near the end. The log is written by the real driver; only the start is timed.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import trio

from adapters import file_systems
from adapters.bench import wal
from adapters.cli.errors import usage_error
from adapters.lmdb_folder import snapshot_path
from adapters.lmdb_log import LmdbLog, lmdb_facts
from adapters.node import SystemClock, SystemEntropy
from adapters.snapshot_files import SnapshotFiles
from core.commands import set_limits
from core.machine import Machine
from replication.batching import Limits
from replication.driver import Driver
from replication.membership import founding
from replication.node import Node
from replication.recovery import recover
from replication.settings import NodeSettings

BATCH: Final = 2048
TAIL_SHARE: Final = 0.02
"""Of the commands lie above the snapshot: 200,000 of ten million."""
MAP_BYTES: Final = 32 << 30
KEYS_NS: Final = 10**9
KEYS_MAX: Final = 1 << 22
"""Keys are remembered for a second of log time: ten million a day would fill their table."""


class Meter(wal.Meter):
    def snapshot_taken(self, index: int, size: int) -> None:
        sys.stderr.write(f"snapshot at entry {index}: {size:,} bytes\n")


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--commands", type=int, default=10_000_000, help="in the log (10000000)")
    p.add_argument("--runs", type=int, default=3, help="starts of each kind (3)")
    p.add_argument("--data", type=Path, help="where the log lies (default: a temporary folder)")
    p.add_argument("--seed", type=int, default=1)


def run(a: argparse.Namespace) -> dict[str, Any]:
    if a.commands < 10 * BATCH:
        raise usage_error(f"--commands: {a.commands} is less than {10 * BATCH} commands")
    with tempfile.TemporaryDirectory(prefix="lockstep-bench-", dir=a.data) as name:
        folder = Path(name)
        trio.run(_build, folder, a.commands, a.seed)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        replays = [_start(folder, folder / "none") for _ in range(a.runs)]
        tails = [_start(folder, snapshot_path(folder)) for _ in range(a.runs)]
        kind = file_systems.kind_of(folder)
    assert {state for _, state in replays} == {state for _, state in tails}, "one log, two states"
    return {
        "name": "recovery",
        "runs": [round(seconds, 2) for seconds, _ in replays],
        "median": round(statistics.median(seconds for seconds, _ in replays), 2),
        "unit": "s until a node stands at the end of its log, by applying all of it",
        "snapshot_tail_s": round(statistics.median(seconds for seconds, _ in tails), 2),
        "snapshot_tail_runs": [round(seconds, 2) for seconds, _ in tails],
        "conditions": {
            "commands": a.commands, "batch": BATCH, "tail_share": TAIL_SHARE, "file_system": kind,
            "folder_mb": round(size / 1e6), "seed": a.seed, **lmdb_facts(),
        },
    }  # fmt: skip


def _start(folder: Path, snapshots: Path) -> tuple[float, tuple[int, bytes]]:
    """Seconds, and where the machine stands."""
    snapshots.mkdir(exist_ok=True)
    began_s = time.perf_counter()
    log = LmdbLog.create_or_open(folder, wal.CLUSTER, 1, MAP_BYTES, _warn)
    try:
        files = SnapshotFiles(snapshots, wal.CLUSTER, _warn)
        machine = recover(log, files, Machine, _warn, founding([1])).machine
        seconds = time.perf_counter() - began_s
        sys.stderr.write(f"start with {snapshots.name}: {seconds:.2f} s\n")
        return seconds, (machine.index, machine.digest())
    finally:
        log.close()


async def _build(folder: Path, commands: int, seed: int) -> None:
    """A log of at least so many commands, and a snapshot shortly before its end."""
    log = LmdbLog.create_or_open(folder, wal.CLUSTER, 1, MAP_BYTES, _warn)
    snapshots = SnapshotFiles(snapshot_path(folder), wal.CLUSTER, _warn)
    clock, meter = SystemClock(), Meter()
    settings = NodeSettings(
        limits=Limits(batch_commands_max=BATCH, waiting_commands_max=2 * BATCH),
        snapshot_entries=1 << 60,
    )
    recovered = recover(log, snapshots, Machine, _warn, founding([1]))
    node = Node(
        settings, 1, wal.CLUSTER, recovered, Machine, log, clock, SystemEntropy(), _warn, meter,
    )  # fmt: skip
    driver: Driver[Machine] = Driver(node, log, snapshots, clock, meter)
    setup = wal.setup_batch(set_limits(10_000, KEYS_NS, KEYS_MAX))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(driver.run)
        await driver.running()
        await wal.submit_all(driver, wal.setup_submissions(setup, BATCH))
        snapshot_at = int(commands * (1 - TAIL_SHARE)) // BATCH
        for number, chunk in enumerate(wal.order_flow(setup, BATCH, seed)):
            if number * BATCH >= commands:
                break
            if number == snapshot_at:
                await driver.snapshot()
            await wal.submit_all(driver, [(b"".join(chunk), BATCH)])
            if number % 500 == 0:
                sys.stderr.write(f"{number * BATCH:,} of {commands:,} commands written\n")
        driver.stop()
    log.close()


def _warn(text: str) -> None:
    sys.stderr.write(f"warning: {text}\n")
