"""`lockstep bench rest`: signed durable orders over REST, from a load generator beside it.

Why it exists: the one number that a client feels, from its signature to the acknowledgement of a
durable order. It starts a node and a gateway of its own in a temporary folder, the generator as a
third process, and afterwards reads the log to prove that every acknowledged order stands in it
once. All of them share this machine's processors.
"""

import argparse
import asyncio
import contextlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.addresses import free_ports
from adapters.bench.processes import Parts, check_alive, cpu_s, running
from adapters.cli.errors import environment_error
from adapters.key_store import create_key
from adapters.load.market import SYMBOL, list_market, open_funded
from adapters.load.rest import Plan, Result
from adapters.rpc_client import CoreClient
from core.codes import EV_ORDER_ACCEPTED
from core.events import event_rows

ACCOUNTS: Final = 32
START_S: Final = 60.0
POLL_S: Final = 0.05
FUNDS: Final = 10**15
"""Minimal units of each asset and account: far more than the runs can move."""


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--runs", type=int, default=3, help="runs; the median is the result")
    p.add_argument("--seconds", type=float, default=5.0, help="length of one run")
    p.add_argument("--connections", type=int, default=64, help="keep-alive connections")
    p.add_argument("--rate", type=float, default=0.0, help="orders/s due (open loop); 0: closed")
    p.add_argument("--seed", type=int, default=1, help="of the order flow")


def run(a: argparse.Namespace) -> dict[str, Any]:
    """Measure, verify, and say both."""
    with tempfile.TemporaryDirectory(prefix="lockstep-bench-") as name:
        folder = Path(name)
        with _exchange(folder) as (core, http, parts):
            keys = asyncio.run(_market(core, folder))
            runs, acked = [], []
            for number in range(a.runs + 1):
                acked_path = folder / f"acked-{number}"
                plan = Plan(
                    host="127.0.0.1", port=http, symbol=SYMBOL, keys=keys,
                    connections=a.connections, seconds=a.seconds if number else 1.0, rate=a.rate,
                    seed=a.seed + number, run=f"run{number}", acked_path=str(acked_path),
                )  # fmt: skip
                before = {part: cpu_s(process.pid) for part, process in parts.items()}
                result = _generate(plan)
                acked += _acked(acked_path)
                used = {
                    part: round(cpu_s(process.pid) - before[part], 2)
                    for part, process in parts.items()
                }
                _say(number, result, used)
                if number:  # run 0 warms up
                    row = msgspec.to_builtins(result)
                    runs.append(row | {"cpu_s": used | {"generator": result.cpu_s}})
            verified = asyncio.run(_verify(core, acked))
    return {
        "name": "rest",
        "runs": runs,
        "median": statistics.median(row["orders_per_s"] for row in runs),
        "unit": "acknowledged durable orders/s",
        "ack_ms_p50": statistics.median(row["ack_ms"]["p50"] for row in runs),
        "ack_ms_p99": statistics.median(row["ack_ms"]["p99"] for row in runs),
        "verified": verified,
        "conditions": {
            "connections": a.connections, "rate": a.rate, "seconds": a.seconds,
            "accounts": ACCOUNTS, "loop": "open" if a.rate else "closed", "seed": a.seed,
        },
    }  # fmt: skip


@contextlib.contextmanager
def _exchange(folder: Path) -> Iterator[tuple[str, int, Parts]]:
    """A node and a gateway of their own: the core's address, the HTTP port, the processes."""
    core_port, http = free_ports(2)
    core = f"127.0.0.1:{core_port}"
    unlimited = {f"LOCKSTEP_GATEWAY_{n}_PER_S": "1e9" for n in ("ACCOUNT", "ADDRESS")}
    bursts = {f"LOCKSTEP_GATEWAY_{n}_BURST": "1000000000" for n in ("ACCOUNT", "ADDRESS")}
    settings = unlimited | bursts | {
        "LOCKSTEP_NODE_DATA": str(folder / "node-1"),
        "LOCKSTEP_NODE_LISTEN": core,
        "LOCKSTEP_GATEWAY_DATA": str(folder),
        "LOCKSTEP_GATEWAY_LISTEN": f"127.0.0.1:{http}",
        "LOCKSTEP_GATEWAY_CORE": core,
    }  # fmt: skip
    with running(folder, ("node", "gateway"), settings) as parts:
        _wait_ready(http, folder, parts)
        yield core, http, parts


def _wait_ready(http: int, folder: Path, parts: Parts) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        check_alive(folder, parts)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{http}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_S)
    raise environment_error(f"the exchange was not ready within {START_S} s")


async def _market(core_address: str, folder: Path) -> list[tuple[str, str]]:
    async with CoreClient(core_address) as core:
        await list_market(core)
        accounts = [await open_funded(core, f"load-{n}", FUNDS, FUNDS) for n in range(ACCOUNTS)]
    return [create_key(folder, account) for account in accounts]


def _generate(plan: Plan) -> Result:
    process = subprocess.run(
        [sys.executable, "-m", "adapters.load.rest"], input=msgspec.json.encode(plan),
        stdout=subprocess.PIPE, check=False, timeout=plan.seconds + 60,
    )  # fmt: skip
    if process.returncode != 0:
        raise environment_error(f"the load generator ended with {process.returncode}")
    return msgspec.json.decode(process.stdout, type=Result)


def _acked(path: Path) -> list[int]:
    raw = path.read_bytes()
    return list(struct.unpack(f"<{len(raw) // 8}Q", raw))


async def _verify(core_address: str, acked: list[int]) -> dict[str, Any]:
    """Every acknowledged order stands in the log exactly once."""
    accepted: list[int] = []
    async with CoreClient(core_address) as core:
        last = (await core.status()).index
        async for entry in core.tail(1):
            accepted += [
                row[2] for row in event_rows(entry.packed_events)
                if row[0] & 0xFF == EV_ORDER_ACCEPTED
            ]  # fmt: skip
            if entry.index >= last:
                break
    missing = set(acked) - set(accepted)
    ok = not missing and len(set(accepted)) == len(accepted) and len(set(acked)) == len(acked)
    return {
        "ok": ok, "acked": len(acked), "in_log": len(accepted), "missing": len(missing),
        "log_entries": last,
    }  # fmt: skip


def _say(number: int, result: Result, used: dict[str, float]) -> None:
    what = f"run {number}" if number else "warm-up"
    sys.stderr.write(
        f"{what}: {result.orders_per_s:,.0f} orders/s, p99 {result.ack_ms['p99']} ms, rejected "
        f"{result.rejected}, failed {result.failed}, dropped {result.dropped}, cpu {used} "
        f"generator {result.cpu_s}"
        "\n"
    )
