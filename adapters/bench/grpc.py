"""`lockstep bench grpc`: durable commands over the `Submit` stream, without HTTP before it.

Why it exists: it says what the node's own door can take when a caller sends many commands at
once, as a market maker or a gateway does, and so which part of an order's cost is HTTP's. The
node is a process of its own; the caller is this one.
"""

import argparse
import asyncio
import itertools
import random
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
from adapters.bench.processes import Parts, check_alive, cpu_s, running
from adapters.cli.errors import usage_error
from adapters.load.market import SYMBOL, list_market, open_funded
from adapters.rpc_client import CoreClient
from core.codes import BUY, GTC, LIMIT, OK, SELL
from core.commands import place
from core.events import REPLY_BYTES
from core.limits import BATCH_COMMANDS_MAX

ACCOUNTS: Final = 32
START_S: Final = 60.0
FUNDS: Final = 10**15
"""Minimal units of each asset and account: far more than the runs can move."""
ORDERS: Final = 1 << 14
"""Drawn beforehand and sent in turn."""


class Run(msgspec.Struct):
    """One run. Latency is a submission's, from the call to the durable answer."""

    commands: int
    rejected: int
    seconds: float
    commands_per_s: float
    ack_ms: dict[str, float]
    node_us_per_command: float
    caller_us_per_command: float


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--runs", type=int, default=3, help="runs; the median is the result")
    p.add_argument("--seconds", type=float, default=1.5, help="length of one run")
    p.add_argument("--commands", type=int, default=50, help="commands in one submission")
    p.add_argument("--callers", type=int, default=64, help="submissions on their way at once")
    p.add_argument("--seed", type=int, default=1, help="of the order flow")


def run(a: argparse.Namespace) -> dict[str, Any]:
    """Measure; every command's answer is waited for, and what the machine rejected is counted."""
    if not 1 <= a.commands <= BATCH_COMMANDS_MAX:
        raise usage_error(f"--commands: 1 to {BATCH_COMMANDS_MAX}")
    runs = uvloop.run(_runs(a))
    return {
        "name": "grpc",
        "runs": [msgspec.to_builtins(row) for row in runs],
        "median": statistics.median(row.commands_per_s for row in runs),
        "unit": "acknowledged durable commands/s",
        "ack_ms_p50": statistics.median(row.ack_ms["p50"] for row in runs),
        "ack_ms_p99": statistics.median(row.ack_ms["p99"] for row in runs),
        "conditions": {
            "commands_per_submission": a.commands, "callers": a.callers, "seconds": a.seconds,
            "accounts": ACCOUNTS, "loop": "closed", "seed": a.seed,
        },
    }  # fmt: skip


async def _runs(a: argparse.Namespace) -> list[Run]:
    """Each on a node of its own: the keys of one run would fill the next one's table."""
    runs = []
    for number in range(1, a.runs + 1):
        with tempfile.TemporaryDirectory(prefix="lockstep-bench-") as name:
            folder = Path(name)
            address = f"127.0.0.1:{free_ports(1)[0]}"
            settings = {
                "LOCKSTEP_NODE_DATA": str(folder / "node-1"), "LOCKSTEP_NODE_LISTEN": address,
            }  # fmt: skip
            with running(folder, ("node",), settings) as parts:
                runs.append(await _measure(a, address, folder, parts))
        sys.stderr.write(f"run {number}: {runs[-1]}\n")
    return runs


async def _measure(a: argparse.Namespace, address: str, folder: Path, parts: Parts) -> Run:
    async with CoreClient(address) as core:
        try:
            await core.ready(START_S)
        finally:
            check_alive(folder, parts)
        await list_market(core)
        accounts = [await open_funded(core, f"load-{n}", FUNDS, FUNDS) for n in range(ACCOUNTS)]
        symbol = (await core.symbols())[SYMBOL].symbol_id
        load = submissions(accounts, symbol, a.commands, a.seed)
        return await _one_run(core, load, a.commands, a.callers, a.seconds, parts["node"].pid)


def submissions(accounts: list[int], symbol: int, size: int, seed: int) -> Iterator[bytes]:
    """Orders around one price, each with a key of its own, made as it is sent.

    Every order has its mirror on the other side, so the book stays small however long it runs.
    """
    chance = random.Random(seed)
    made = []
    for _ in range(ORDERS // 2):
        price, qty = 50_000 + chance.randint(-10, 10), chance.randint(1, 9)
        made += [(chance.choice(accounts), side, price, qty) for side in (BUY, SELL)]
    chance.shuffle(made)
    numbered = enumerate(itertools.cycle(made), start=1)
    while True:
        yield b"".join([
            place(account, symbol, side, LIMIT, GTC, price, qty, (number, seed))
            for number, (account, side, price, qty) in itertools.islice(numbered, size)
        ])  # fmt: skip


def quantiles_ms(latencies_s: list[float]) -> dict[str, float]:
    """The median and the 99th of a hundred, in milliseconds."""
    ordered = sorted(latencies_s)
    return {
        name: round(ordered[int(share * (len(ordered) - 1))] * 1e3, 3)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }


async def _one_run(
    core: CoreClient, load: Iterator[bytes], size: int, callers: int, seconds: float, node: int
) -> Run:
    latencies_s: list[float] = []
    accepted = 0
    ends_s = time.perf_counter() + seconds

    async def call() -> None:
        nonlocal accepted
        while (sent_s := time.perf_counter()) < ends_s:
            submitted = await core.submit(next(load), size)
            assert submitted.code == OK, submitted
            accepted += submitted.replies[::REPLY_BYTES].count(OK)  # a reply begins with its code
            latencies_s.append(time.perf_counter() - sent_s)

    node_s, caller_s, started_s = cpu_s(node), time.process_time(), time.perf_counter()
    await asyncio.gather(*(call() for _ in range(callers)))
    took_s = time.perf_counter() - started_s
    commands = size * len(latencies_s)
    ack_ms = quantiles_ms(latencies_s)
    return Run(
        commands=commands, rejected=commands - accepted, seconds=round(took_s, 3),
        commands_per_s=round(commands / took_s, 1),
        ack_ms=ack_ms,
        node_us_per_command=round((cpu_s(node) - node_s) / commands * 1e6, 2),
        caller_us_per_command=round((time.process_time() - caller_s) / commands * 1e6, 2),
    )  # fmt: skip
