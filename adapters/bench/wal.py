"""`lockstep bench wal`: the machine and the durable log, through the real driver, without gRPC.

Why it exists: it answers how many commands a second one node makes durable and applies, and
where the time goes: copying into LMDB, syncing, or the machine. Batches are built beforehand;
the generator runs a machine of its own, so that cancels name orders that exist. It must not know
gRPC or HTTP.
"""

import argparse
import itertools
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from adapters import file_systems
from adapters.lmdb_folder import snapshot_path
from adapters.lmdb_log import CommitTimes, LmdbLog, lmdb_facts
from adapters.node import SystemClock, SystemEntropy
from adapters.snapshot_files import SnapshotFiles
from core.codes import BUY, GTC, LIMIT, OK, SELL
from core.commands import (
    batch_of,
    cancel,
    deposit,
    list_asset,
    list_symbol,
    open_account,
    place,
    split_batch,
)  # fmt: skip
from core.events import REPLY_BYTES, decode_reply
from core.machine import Machine
from replication.batching import Limits, Submission
from replication.driver import Driver
from replication.membership import founding
from replication.node import Node
from replication.ports import Submitted, Unknown
from replication.recovery import recover
from replication.settings import NodeSettings

NAME: Final = "wal"
CLUSTER: Final = bytes(range(16))
ACCOUNTS: Final = 100
FUNDS: Final = 1 << 50
MID: Final = 100_000
WAITING_COMMANDS: Final = 65_536
MAP_BYTES: Final = 8 << 30
NS_PER_ENTRY: Final = 10**7
"""Log time between two entries of the machine that makes the flow."""


class Phase(msgspec.Struct):
    """Where one run's time went, in seconds; disk and machine work at the same time."""

    wall_s: float = 0.0
    put_s: float = 0.0
    sync_s: float = 0.0
    write_s: float = 0.0  # both, and the hops between the threads
    apply_s: float = 0.0
    writes: int = 0
    commands: int = 0
    entries: int = 0
    bytes_written: int = 0


class Meter:
    """An observer that adds up."""

    def __init__(self) -> None:
        self.phase = Phase()

    def applied(self, commands: int, seconds: float) -> None:
        self.phase.commands += commands
        self.phase.apply_s += seconds

    def wrote(self, entries: int, seconds: float) -> None:
        self.phase.write_s += seconds
        self.phase.writes += 1
        self.phase.entries += entries

    def refused(self, code: int) -> None:
        raise AssertionError(f"the benchmark was refused with code {code}")

    def snapshot_taken(self, index: int, size: int) -> None:
        raise AssertionError(f"a snapshot of {size} bytes at {index} was not asked for")

    def committed(self, times: CommitTimes) -> None:
        self.phase.put_s += times.put_s
        self.phase.sync_s += times.sync_s
        self.phase.bytes_written += times.bytes_written


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--commands", type=int, default=400_000, help="per run (default 400000)")
    p.add_argument("--runs", type=int, default=3, help="per batch size (default 3)")
    p.add_argument(
        "--batch", type=int, nargs="+", default=[512, 2048, 8192], help="commands per submission"
    )
    p.add_argument("--data", type=Path, help="where the log lies (default: a temporary folder)")
    p.add_argument("--seed", type=int, default=1)


def run(a: argparse.Namespace) -> dict[str, Any]:
    _say(f"building {a.commands} commands")
    setup, commands = workload(a.commands, a.seed)
    sweep = []
    for size in a.batch:
        phases = [_run_once(setup, commands, size, a.data) for _ in range(a.runs)]
        sweep.append(_summary(size, len(commands), phases))
        _say(f"batch {size}: {sweep[-1]['median']:,.0f} commands/s")
    best = max(sweep, key=lambda row: row["median"])
    return {
        "name": NAME,
        "runs": best["runs"],
        "median": best["median"],
        "unit": "commands/s",
        "conditions": {
            "fsync": "every commit",
            "file_system": file_systems.kind_of(a.data or Path(tempfile.gettempdir())),
            "batch": best["batch"],
            "commands": len(commands),
            "checkpoints": "one at the end of each 10,000 entries or 10 s",
            **lmdb_facts(),
        },
        "sweep": sweep,
    }


def workload(count: int, seed: int) -> tuple[bytes, list[bytes]]:
    """A batch that opens the market, and then commands: 6 of 10 place passively, 1 crosses,
    3 cancel an order that rests. Every command carries an idempotency key.
    """
    setup = setup_batch()
    commands: list[bytes] = []
    for chunk in order_flow(setup, min(1000, count), seed):
        commands += chunk
        if len(commands) >= count:
            break
    return setup, commands[:count]


def order_flow(setup: bytes, size: int, seed: int) -> Iterator[list[bytes]]:
    """For ever, `size` commands at a time. A machine of its own says which orders rest."""
    rng = random.Random(seed)
    machine = Machine()
    machine.apply(1, 0, setup)
    assert all(
        decode_reply(machine.replies, n).code == OK
        for n in range(len(machine.replies) // REPLY_BYTES)
    )
    resting: list[tuple[int, int]] = []
    for index in itertools.count(2):
        number = (index - 2) * size
        chunk = [_command(rng, number + n, resting) for n in range(size)]
        machine.apply(index, index * NS_PER_ENTRY, batch_of(chunk))
        for n in range(size):
            reply = decode_reply(machine.replies, n)
            if reply.remaining:
                resting.append((int.from_bytes(chunk[n][8:16], "little"), reply.id))
        yield chunk


def setup_batch(*more: bytes) -> bytes:
    """The market, its accounts and their money, and then `more` commands."""
    records = [list_asset("BTC", 8), list_asset("KRW", 0)]
    records.append(
        list_symbol(
            "BTC-KRW", 1, 2, tick_units=1000, lot_units=100_000, min_price=1, max_price=1 << 30,
            max_qty=1 << 30, min_notional=0, max_notional=1 << 60, maker_ppm=100, taker_ppm=200,
        )
    )  # fmt: skip
    for number in range(ACCOUNTS):
        account = number + 2
        records.append(open_account((7, account)))
        records += [deposit(account, asset, FUNDS, (asset, account)) for asset in (1, 2)]
    return batch_of([*records, *more])


def _command(rng: random.Random, number: int, resting: list[tuple[int, int]]) -> bytes:
    key = (number + 1, 1)
    draw = rng.random()
    if draw < 0.3 and resting:
        at = rng.randrange(len(resting))
        account, order = resting[at]
        resting[at] = resting[-1]
        resting.pop()
        return cancel(account, 1, order, key)
    side = BUY if rng.random() < 0.5 else SELL
    away = -rng.randint(0, 3) if draw > 0.9 else rng.randint(1, 200)
    price = MID - away if side == BUY else MID + away
    account = rng.randrange(ACCOUNTS) + 2
    return place(account, 1, side, LIMIT, GTC, price, rng.randint(1, 10), key)


def _run_once(setup: bytes, commands: Sequence[bytes], size: int, data: Path | None) -> Phase:
    folder = Path(tempfile.mkdtemp(prefix="lockstep-bench-", dir=data))
    try:
        return trio.run(_drive, folder, setup, commands, size)
    finally:
        shutil.rmtree(folder)


async def _drive(folder: Path, setup: bytes, commands: Sequence[bytes], size: int) -> Phase:
    meter = Meter()
    log = LmdbLog.create_or_open(folder, CLUSTER, 1, MAP_BYTES, _no_warning)
    snapshots = SnapshotFiles(snapshot_path(folder), CLUSTER, _no_warning)
    clock = SystemClock()
    settings = NodeSettings(
        limits=Limits(batch_commands_max=size, waiting_commands_max=WAITING_COMMANDS + size),
        snapshot_entries=1 << 60,
    )
    recovered = recover(log, snapshots, Machine, _no_warning, founding([1]))
    node = Node(
        settings, 1, CLUSTER, recovered, Machine, log, clock, SystemEntropy(),
        _no_warning, meter,
    )  # fmt: skip
    driver: Driver[Machine] = Driver(node, log, snapshots, clock, meter)
    groups = [commands[at : at + size] for at in range(0, len(commands), size)]
    submissions = [(b"".join(group), len(group)) for group in groups]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(driver.run)
        await driver.running()
        await submit_all(driver, setup_submissions(setup, size))
        log.on_commit = meter.committed
        meter.phase = Phase()
        started_s = time.perf_counter()
        await submit_all(driver, submissions)
        meter.phase.wall_s = time.perf_counter() - started_s
        driver.stop()
    log.close()
    return meter.phase


def setup_submissions(setup: bytes, size: int) -> list[tuple[bytes, int]]:
    commands, count, _ = split_batch(setup)
    assert count <= size, f"--batch: {size} is less than the {count} commands of the setup"
    return [(commands, count)]


async def submit_all(driver: Driver[Machine], submissions: list[tuple[bytes, int]]) -> None:
    """Keeps the door full and never over it; returns when everything is answered."""
    answered = 0
    wake = trio.Event()

    def done(answer: Submitted | Unknown) -> None:
        nonlocal answered
        assert isinstance(answer, Submitted), answer
        assert answer.code == OK, answer.reason
        answered += 1
        wake.set()

    for commands, count in submissions:
        while driver.waiting_commands + count > WAITING_COMMANDS:
            wake = trio.Event()
            await wake.wait()
        driver.submit(Submission(commands, count, b"", done))
    while answered < len(submissions):
        wake = trio.Event()
        await wake.wait()


def _summary(size: int, commands: int, phases: list[Phase]) -> dict[str, Any]:
    rates = [round(commands / phase.wall_s) for phase in phases]
    middle = sorted(phases, key=lambda phase: phase.wall_s)[len(phases) // 2]
    share = {
        name: round(getattr(middle, name) / middle.wall_s, 3)
        for name in ("put_s", "sync_s", "write_s", "apply_s")
    }
    return {
        "batch": size,
        "runs": rates,
        "median": statistics.median(rates),
        "writes": middle.writes,
        "entries": middle.entries,
        "mb_per_s": round(middle.bytes_written / middle.wall_s / 1e6, 1),
        "share_of_wall_time": share,
    }


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _no_warning(text: str) -> None:
    raise AssertionError(f"an empty folder gave a warning: {text}")
