"""`lockstep bench ledger`: how fast the core's events become durable double entry in PostgreSQL.

Why it exists: the projector must keep up with the exchange on a fraction of a core, and the size
of its batches, and whether a commit waits for the disk, decide that. So the events are those of
the real machine on a seeded flow of orders (half of them trade; accounts by Zipf's law, so a few
balances are hot), the server is the embedded PostgreSQL, and each run checks its books against
the core's digest as the ledger always does.

A second part is an open loop: log entries come at a fixed rate, whether or not the last ones are
booked, through the runner of `lockstep ledger`; it measures from the moment an entry is due to the
commit that books it. Entries not booked when the feed has ended and two seconds have passed are
counted as late, not left out.

Events are made before the clock starts. Processor time is that of this process and of its
PostgreSQL session; background writers of the server are not in it.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from adapters.embedded_postgres import EmbeddedPostgres
from adapters.ledger_runner import Runner
from adapters.postgres_ledger import PostgresLedger, PostgresTransaction
from adapters.postgres_migrate import ensure_database, ensure_schema
from core import codes
from core import commands as c
from core.machine import Machine
from ledger.ports import Cursor, LogEvents
from ledger.projector import BATCH_POSTINGS_DEFAULT, Projector

ORDERS: Final = 40_000
ACCOUNTS: Final = 1000
COMMANDS_PER_ENTRY: Final = 20
ENTRIES_PER_CHECKPOINT: Final = 100
BATCHES: Final = (64, 512, 4096, 32_768)
ZIPF_S: Final = 1.0
RATE: Final = 5000
LINGER_S: Final = 0.005
GRACE_S: Final = 2.0
TS_NS: Final = 1_700_000_000_000_000_000


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--orders", type=int, default=ORDERS, help=f"default {ORDERS}")
    p.add_argument("--runs", type=int, default=3, help="of the default setting; default 3")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument(
        "--rate", type=int, default=RATE, help=f"orders/s of the open loop; default {RATE}"
    )
    p.add_argument(
        "--batch", type=int, action="append", help="postings in a batch; repeat to sweep others"
    )


def run(a: argparse.Namespace) -> dict[str, Any]:
    log = make_log(a.orders, a.seed)
    with (
        tempfile.TemporaryDirectory(prefix="lockstep-bench-") as folder,
        EmbeddedPostgres(Path(folder) / "postgres") as server,
    ):
        ensure_database(server.url(), "lockstep")
        url = server.url(database="lockstep")
        ensure_schema(url)
        return asyncio.run(_measure(a, url, log))


async def _measure(a: argparse.Namespace, url: str, log: list[LogEvents]) -> dict[str, Any]:
    partitions = iter(range(1, 1000))
    await _once(url, next(partitions), log[: len(log) // 5], BATCH_POSTINGS_DEFAULT, wait=False)
    runs = [
        await _once(url, next(partitions), log, BATCH_POSTINGS_DEFAULT, wait=False)
        for _ in range(a.runs)
    ]
    sweep = [
        await _once(url, next(partitions), log, batch, wait)
        for batch in a.batch or BATCHES
        for wait in (False, True)
    ]
    orders_per_s = [_rate(a.orders, run) for run in runs]
    open_loop = await _open_loop(url, next(partitions), log, a.rate)
    return {
        "name": "ledger",
        "runs": orders_per_s,
        "median": statistics.median(orders_per_s),
        "unit": "orders/s",
        "conditions": {
            "orders": a.orders,
            "log_entries": len(log),
            "commands_per_entry": COMMANDS_PER_ENTRY,
            "accounts": ACCOUNTS,
            "batch_postings": BATCH_POSTINGS_DEFAULT,
            "synchronous_commit": "off, on at checkpoints",
            "checkpoint_every_entries": ENTRIES_PER_CHECKPOINT,
        },
        "open_loop": open_loop,
        "default": [_shown(a.orders, run) for run in runs],
        "sweep": [_shown(a.orders, run) for run in sweep],
    }


def _rate(count: int, run: dict[str, float]) -> int:
    return round(count / run["wall_s"])


def _shown(orders: int, run: dict[str, float]) -> dict[str, Any]:
    return {
        "batch_postings": run["batch"],
        "synchronous_commit": bool(run["wait"]),
        "orders_per_s": _rate(orders, run),
        "events_per_s": round(run["events"] / run["wall_s"]),
        "entries_per_s": round(run["entries"] / run["wall_s"]),
        "postings_per_s": round(run["postings"] / run["wall_s"]),
        "transactions": round(run["transactions"]),
        "projector_us_per_order": round(run["projector_s"] / orders * 1e6, 1),
        "postgres_us_per_order": round(run["postgres_s"] / orders * 1e6, 1),
    }


async def _once(
    url: str, partition: int, log: list[LogEvents], batch: int, wait: bool
) -> dict[str, float]:
    """One run into empty books. Raises `BooksDiverged` if they are not the core's."""
    store = await PostgresLedger.connect(url, partition, synchronous_commit=wait)
    try:
        projector = await Projector.open(store, partition, batch)
        before = _cpu_s(store.backend_pid), time.process_time(), time.perf_counter()
        for entry in log:
            await projector.offer(
                LogEvents(partition, entry.index, 1, entry.ts_ns, entry.events, entry.chain)
            )
        await projector.flush()
        wall_s = time.perf_counter() - before[2]
        projector_s = time.process_time() - before[1]
        postgres_s = _cpu_s(store.backend_pid) - before[0]
    finally:
        await store.close()
    done = projector.progress
    return {
        "batch": batch, "wait": wait, "wall_s": wall_s, "projector_s": projector_s,
        "postgres_s": postgres_s, "events": done.events, "entries": done.entries,
        "postings": done.postings, "transactions": done.transactions,
    }  # fmt: skip


async def _open_loop(url: str, partition: int, log: list[LogEvents], rate: int) -> dict[str, Any]:
    """How long after it was due each log entry was booked, in milliseconds."""
    loop = asyncio.get_running_loop()
    start = loop.time() + 0.2
    step_s = COMMANDS_PER_ENTRY / rate
    booked_at: dict[int, float] = {}
    ended, all_booked = asyncio.Event(), asyncio.Event()

    def committed(index: int) -> None:
        booked_at[index] = loop.time()
        if index == len(log):
            all_booked.set()

    async def feed(index: int) -> AsyncIterator[LogEvents]:
        for entry in log[index - 1 :]:
            wait_s = start + entry.index * step_s - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            yield msgspec.structs.replace(entry, partition=partition)
        ended.set()
        await asyncio.Event().wait()

    async def connect() -> _Stamped:
        store = await _Stamped.connect(url, partition)
        store.committed = committed
        return store

    runner = Runner(
        connect, feed, partition=partition, batch_postings=BATCH_POSTINGS_DEFAULT,
        linger_s=LINGER_S,
    )  # fmt: skip
    task = asyncio.create_task(runner.run())
    await ended.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(all_booked.wait(), GRACE_S)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    delays: list[float] = []
    commits = sorted(booked_at.items())
    for index, at in commits:
        first = len(delays) + 1
        delays += [1000 * (at - start - n * step_s) for n in range(first, index + 1)]
    delays.sort()
    return {
        "orders_per_s_offered": rate,
        "log_entries": len(log),
        "late": len(log) - len(delays),
        "transactions": len(commits),
        "applied_ms": {
            name: round(delays[min(int(len(delays) * part), len(delays) - 1)], 1)
            for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
        },
    }


class _Stamped(PostgresLedger):
    """Tells of each commit the log index that it came to."""

    committed: Callable[[int], None]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with super().transaction() as transaction:
            moved = _MovedTo(transaction)
            yield moved  # type: ignore[misc]
        self.committed(moved.index)


class _MovedTo:
    """A transaction that remembers where it moved the cursor."""

    def __init__(self, transaction: PostgresTransaction) -> None:
        self.index = 0
        self._transaction = transaction

    async def move_cursor(self, old: Cursor, new: Cursor) -> None:
        self.index = new.log_index
        await self._transaction.move_cursor(old, new)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


def _cpu_s(pid: int) -> float:
    """User and system time of a process; 0 where the system does not tell it this way."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- the log ----------------------------------------------------------------------------------


def make_log(orders: int, seed: int) -> list[LogEvents]:
    """What the machine says about a seeded flow: setting up, then orders, then a checkpoint."""
    machine = Machine()
    log: list[LogEvents] = []

    def apply(records: list[bytes]) -> None:
        index = machine.index + 1
        machine.apply(index, TS_NS + index * 1_000_000, c.batch_of(records))
        log.append(LogEvents(0, index, 1, machine.ts_ns, machine.events, machine.chain))

    for records in _setting_up():
        apply(records)
    flow = _orders(orders, seed)
    while records := [record for _, record in zip(range(COMMANDS_PER_ENTRY), flow, strict=False)]:
        apply(records)
        if len(log) % ENTRIES_PER_CHECKPOINT == 0:
            apply([c.checkpoint()])
    apply([c.checkpoint()])
    return log


def _setting_up() -> Iterator[list[bytes]]:
    yield [c.list_asset("BTC", 8), c.list_asset("KRW", 0)]
    yield [
        c.list_symbol(
            "BTC-KRW", 1, 2, tick_units=100_000_000, lot_units=100, min_price=1,
            max_price=1 << 20, max_qty=1 << 20, min_notional=0, max_notional=1 << 50,
            maker_ppm=500, taker_ppm=1000,
        )
    ]  # fmt: skip
    yield [c.open_account(c.key128(f"bench-{n}")) for n in range(ACCOUNTS)]
    for asset in (1, 2):
        yield [
            c.deposit(account, asset, 1 << 50, (account, asset))
            for account in range(2, ACCOUNTS + 2)
        ]


def _orders(count: int, seed: int) -> Iterator[bytes]:
    draw = Random(seed)
    accounts = range(2, ACCOUNTS + 2)
    weights = [1 / (rank + 1) ** ZIPF_S for rank in range(ACCOUNTS)]
    for account in draw.choices(accounts, weights, k=count):
        side = draw.randrange(2)
        price = 1000 + draw.randrange(-6, 4) * (1 if side == codes.BUY else -1)
        yield c.place(account, 1, side, codes.LIMIT, codes.GTC, price, draw.randrange(1, 50))
