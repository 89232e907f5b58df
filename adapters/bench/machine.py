"""`lockstep bench machine`: risk, idempotency, matching, fees, events, chain and digest together.

The log entries are recorded once (see `adapters.bench.commands`) and applied to a fresh machine
in each run; the prelude of listings and deposits is not timed. The runs must all end in the same
digest: a benchmark that computed something else is not one.
"""

import argparse
import statistics
import sys
import time
from typing import Any, Final

from adapters.bench.commands import Load
from adapters.bench.latency import pauses
from adapters.cli.errors import usage_error
from adapters.cli.numbers import whole
from core.limits import BATCH_COMMANDS_MAX
from core.machine import Machine
from core.versions import VERSION_FIRST, VERSION_KNOWN

WINDOW_NS: Final = 200_000_000
"""Keys remembered for 0.2 s of log time: with a batch a millisecond, 200 batches of keys."""
PAUSES: Final = {1: 60_000, 20: 300_000, 100: 300_000, 1000: 500_000}
"""Commands per entry, and the commands over which pauses are looked for."""
WARM_UP_COMMANDS: Final = 300_000
"""Applied before the clock starts, so that tables have their size and keys expire."""
COMMANDS_MAX: Final = 100_000_000
ACCOUNTS_MAX: Final = 1_000_000
SYMBOLS_MAX: Final = 1_000
RUNS_MAX: Final = 1_000
"""The load is kept in memory and made before anything is timed: more is a typing error."""


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    p.add_argument(
        "--commands", type=whole(1, COMMANDS_MAX), default=1_000_000, help="timed commands per run"
    )
    p.add_argument(
        "--batch", type=whole(1, BATCH_COMMANDS_MAX), default=1000, help="commands per log entry"
    )
    p.add_argument("--accounts", type=whole(1, ACCOUNTS_MAX), default=1_000)
    p.add_argument("--symbols", type=whole(1, SYMBOLS_MAX), default=4)
    p.add_argument("--runs", type=whole(1, RUNS_MAX), default=5)
    p.add_argument(
        "--warm-up", type=whole(0, COMMANDS_MAX), default=WARM_UP_COMMANDS,
        help="commands not timed",
    )  # fmt: skip
    p.add_argument("--seed", type=whole(), default=7)
    p.add_argument(
        "--machine-version", type=whole(VERSION_FIRST, VERSION_KNOWN), default=VERSION_KNOWN,
        metavar="N", help="the rules in force (%(default)s, the newest)",
    )  # fmt: skip


def _load(a: argparse.Namespace) -> Load:
    """Recorded up to the end of the warm-up, in large entries."""
    load = Load(
        symbols=a.symbols, accounts=a.accounts, seed=a.seed, window_ns=WINDOW_NS,
        version=a.machine_version,
    )  # fmt: skip
    load.play(a.warm_up, a.batch)
    return load


def _pauses(a: argparse.Namespace, batch: int, commands: int) -> dict[str, Any]:
    """Entries of `batch` commands: some that are not measured, then those that are."""
    load = _load(a)
    learned = len(load.entries) + commands // batch // 2
    load.play(commands + commands // 2, batch)
    machine = Machine()
    for index, entry in enumerate(load.entries[:learned], 1):
        machine.apply(index, *entry)
    return pauses(machine, load.entries[learned:])


def run(a: argparse.Namespace) -> dict[str, Any]:
    """Commands a second, and the slowest entry."""
    if a.commands < a.batch:
        raise usage_error(f"--commands: {a.commands} must be at least --batch, {a.batch}")
    print("bench machine: recording the load", file=sys.stderr)
    load = _load(a)
    load.prelude = len(load.entries)
    load.play(a.commands, a.batch)
    end = len(load.entries)
    digest, chain = load.machine.digest(), load.machine.chain
    rates: list[float] = []
    slowest_ms: list[float] = []
    per_entry_us: list[float] = []
    event_bytes = 0
    for _ in range(a.runs):
        machine = Machine()
        for index, entry in enumerate(load.entries[: load.prelude], 1):
            machine.apply(index, *entry)
        spent: list[float] = []
        event_bytes = 0
        timed = load.entries[load.prelude : end]
        for index, (ts_ns, payload) in enumerate(timed, load.prelude + 1):
            started = time.perf_counter()
            machine.apply(index, ts_ns, payload)
            spent.append(time.perf_counter() - started)
            event_bytes += len(machine.events)
        if machine.digest() != digest or machine.chain != chain:
            raise AssertionError("bench machine: a run ended in another digest than the recording")
        rates.append(len(spent) * a.batch / sum(spent))
        slowest_ms.append(max(spent) * 1e3)
        per_entry_us.append(statistics.median(spent) * 1e6)
    commands = (end - load.prelude) * a.batch
    print("bench machine: pauses", file=sys.stderr)
    by_batch = {
        str(batch): _pauses(a, batch, commands_of_a_pause)
        for batch, commands_of_a_pause in PAUSES.items()
        if commands_of_a_pause <= a.commands
    }
    return {
        "name": "machine",
        "unit": "commands/s",
        "median": statistics.median(rates),
        "runs": rates,
        "entry_us_median": statistics.median(per_entry_us),
        "entry_ms_slowest": statistics.median(slowest_ms),
        "event_bytes_per_command": event_bytes / commands,
        "open_orders": len(load.open),
        "digest": digest.hex(),
        "pauses_by_batch": by_batch,
        "conditions": {
            "commands": commands, "batch": a.batch, "accounts": a.accounts, "symbols": a.symbols,
            "seed": a.seed, "cores_used": 1, "warm_up": a.warm_up,
            "machine_version": a.machine_version,
            "keys": "every command has its own", "keys_live": WINDOW_NS // 1_000_000 * a.batch,
        },
    }  # fmt: skip
