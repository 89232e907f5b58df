"""How long single entries take, and what a checkpoint and a snapshot add to one.

Why it exists: a rate says nothing about pauses. It times entries one by one in processor time of
the thread, so that what else runs on the machine is not in it, and must not know the commands.
"""

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from adapters.bench.commands import Entry
from core.machine import Machine

STEP_BYTES: Final = 256 << 10
"""Of a snapshot, as `replication.settings` has it."""


def timed(apply: Callable[[int, int, bytes], None], index: int, ts_ns: int, payload: bytes) -> int:
    """Nanoseconds of one entry."""
    started = time.thread_time_ns()
    apply(index, ts_ns, payload)
    return time.thread_time_ns() - started


def percentiles(spent: Sequence[int], unit_ns: int) -> dict[str, float]:
    """p50, p99, p99.9 and the most of some nanoseconds, in units of `unit_ns`; empty: zeros."""
    ordered = sorted(spent) or [0]
    last = len(ordered) - 1
    places = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {
        name: ordered[min(last, int(len(ordered) * part))] / unit_ns
        for name, part in places.items()
    }


def pauses(machine: Machine, entries: Sequence[Entry]) -> dict[str, Any]:
    """Applies the entries, a snapshot being taken from the middle on; microseconds.

    `entry_us` has the entries without a checkpoint, `checkpoint_us` those with one, `snapshot_us`
    what a step of the snapshot took beside its entry, `snapshot_taken_us` the last one, which makes
    it whole.
    """
    plain: list[int] = []
    checkpoints: list[int] = []
    steps: list[int] = []
    taken: list[int] = []
    gc.collect()
    gc.disable()
    try:
        for number, (ts_ns, payload) in enumerate(entries):
            spent = timed(machine.apply, machine.index + 1, ts_ns, payload)
            is_checkpoint = machine.last_checkpoint()[0] == machine.index
            (checkpoints if is_checkpoint else plain).append(spent)
            if number == len(entries) // 2:
                machine.begin_snapshot(STEP_BYTES)
            if number >= len(entries) // 2 and not taken:
                started = time.thread_time_ns()
                is_nearly_whole = machine.copy_snapshot()
                steps.append(time.thread_time_ns() - started)
                if is_nearly_whole:
                    started = time.thread_time_ns()
                    snapshot = machine.take_snapshot()
                    taken.append(time.thread_time_ns() - started)
                    del snapshot  # a node's writer gives it back chunk by chunk
    finally:
        gc.enable()
    return {
        "entries": len(plain), "entry_us": percentiles(plain, 1000),
        "checkpoints": len(checkpoints), "checkpoint_us": percentiles(checkpoints, 1000),
        "snapshot_steps": len(steps), "snapshot_us": percentiles(steps, 1000),
        "snapshot_taken_us": percentiles(taken, 1000)["max"],
    }  # fmt: skip
