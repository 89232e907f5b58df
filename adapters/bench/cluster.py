"""`lockstep bench cluster`: durable commands of three nodes on one machine, fsync on each.

Why it exists: it says what replication costs and takes: a closed loop for the peak, then an open
loop at half of it for the latency of an acknowledgement. The nodes are processes of their own; the
caller is this one, so all four share the machine's cores.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop

from adapters.addresses import free_ports
from adapters.bench.grpc import ACCOUNTS, FUNDS, quantiles_ms, submissions
from adapters.bench.processes import started
from adapters.cli.errors import usage_error
from adapters.cli.up_cluster import Cluster, write_table_file
from adapters.cluster_client import ClusterClient, addresses_of
from adapters.load.market import SYMBOL, list_market, open_funded
from core.codes import OK
from core.limits import BATCH_COMMANDS_MAX

START_S: Final = 60.0


class Run(msgspec.Struct):
    """Latency is a submission's, from when it was due to the answer: at half of the peak."""

    commands_per_s: float
    half_rate_per_s: float
    half_ack_ms: dict[str, float]


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--runs", type=int, default=3, help="runs; the median is the result")
    p.add_argument("--seconds", type=float, default=3.0, help="length of each half of a run")
    p.add_argument("--commands", type=int, default=1000, help="commands in one submission")
    p.add_argument("--callers", type=int, default=16, help="submissions on their way at once")
    p.add_argument("--seed", type=int, default=1, help="of the order flow")


def run(a: argparse.Namespace) -> dict[str, Any]:
    if not 1 <= a.commands <= BATCH_COMMANDS_MAX:
        raise usage_error(f"--commands: 1 to {BATCH_COMMANDS_MAX}")
    runs = uvloop.run(_runs(a))
    return {
        "name": "cluster",
        "runs": [msgspec.to_builtins(row) for row in runs],
        "median": statistics.median(row.commands_per_s for row in runs),
        "unit": "commands/s acknowledged by two of three disks",
        "half_ack_ms_p50": statistics.median(row.half_ack_ms["p50"] for row in runs),
        "half_ack_ms_p99": statistics.median(row.half_ack_ms["p99"] for row in runs),
        "conditions": {
            "nodes": 3, "commands_per_submission": a.commands, "callers": a.callers,
            "seconds": a.seconds, "loop": "closed, then open at half", "seed": a.seed,
        },
    }  # fmt: skip


async def _runs(a: argparse.Namespace) -> list[Run]:
    runs = []
    for number in range(1, a.runs + 1):
        with tempfile.TemporaryDirectory(prefix="lockstep-bench-") as name:
            folder = Path(name)
            ports = free_ports(6)
            grpc = ",".join(f"{n}=127.0.0.1:{ports[n - 1]}" for n in (1, 2, 3))
            peers = ",".join(f"{n}=127.0.0.1:{ports[n + 2]}" for n in (1, 2, 3))
            cluster = Cluster(folder, 3, grpc, peers)
            cluster.found()
            for file, table in cluster.settings():
                write_table_file(file, {"node": table})
            nodes = {name: ["node", "--config", str(file)] for name, file, _ in cluster.nodes()}
            with started(folder, nodes, {}):
                runs.append(await _measure(a, cluster.core, f"{number}"))
        sys.stderr.write(f"run {number}: {runs[-1]}\n")
    return runs


async def _measure(a: argparse.Namespace, core_addresses: str, number: str) -> Run:
    async with ClusterClient(addresses_of(core_addresses)) as core:
        await core.ready(START_S)
        await list_market(core)
        accounts = [await open_funded(core, f"{number}-{n}", FUNDS, FUNDS) for n in range(ACCOUNTS)]
        symbol = (await core.symbols())[SYMBOL].symbol_id
        load = submissions(accounts, symbol, a.commands, a.seed)
        peak = await _closed(core, load, a)
        latencies = await _open(core, load, a.commands, peak / 2, a.seconds)
    return Run(round(peak, 1), round(peak / 2, 1), quantiles_ms(latencies))


async def _closed(core: ClusterClient, load: Iterator[bytes], a: argparse.Namespace) -> float:
    done = 0
    started_s = time.perf_counter()

    async def call() -> None:
        nonlocal done
        while time.perf_counter() < started_s + a.seconds:
            answer = await core.submit(next(load), a.commands)
            assert answer.code == OK, answer
            done += a.commands

    await asyncio.gather(*(call() for _ in range(a.callers)))
    return done / (time.perf_counter() - started_s)


async def _open(
    core: ClusterClient, load: Iterator[bytes], size: int, rate: float, seconds: float
) -> list[float]:
    """Submissions when they are due, whether or not the earlier ones are answered."""
    latencies: list[float] = []
    started_s = time.perf_counter()

    async def call(due_s: float) -> None:
        answer = await core.submit(next(load), size)
        assert answer.code == OK, answer
        latencies.append(time.perf_counter() - due_s)

    async with asyncio.TaskGroup() as group:
        for number in range(max(1, int(rate * seconds / size))):
            due_s = started_s + number * size / rate
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            group.create_task(call(due_s))
    return latencies
