"""`lockstep bench matching`: the bare order book on the public benchmark's five scenarios.

The figure that counts is the worst scenario's median. With `--workload FILE` it runs that flow
instead. Generating and checking a flow is not timed; each run starts with an empty book.
"""

import argparse
import gzip
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from adapters.bench import flow
from adapters.cli.errors import usage_error
from core.orderflow import FlowRun, check_flow

REPORTS_PER_MESSAGE: Final = 2


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    p.add_argument("--workload", type=Path, help="an orderflow file instead of the scenarios")
    p.add_argument("--orders", type=int, default=1_000_000, help="new orders per scenario")
    p.add_argument("--runs", type=int, default=5, help="timed runs per scenario")
    p.add_argument("--seed", type=int, default=7, help="seed of the generated flows")


def read_flow(path: Path) -> bytes:
    """An orderflow file, unpacked if its name ends in .gz."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        raise usage_error(f"{path}: {error}") from error


def workloads(a: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each flow that is to be run."""
    if a.workload is not None:
        yield a.workload.name, read_flow(a.workload)
        return
    for scenario in flow.SCENARIOS:
        print(f"bench matching: generating {scenario}", file=sys.stderr)
        yield scenario, flow.generate(scenario, a.orders, a.seed)


def run(a: argparse.Namespace) -> dict[str, Any]:
    """Millions of messages a second, per scenario."""
    if a.orders < 1 or a.runs < 1:
        raise usage_error("--orders and --runs: at least 1")
    scenarios: dict[str, Any] = {}
    for name, data in workloads(a):
        try:
            count, greatest = check_flow(data)
        except ValueError as error:
            raise usage_error(f"{name}: {error}") from error
        rates = [one_run(data, count, greatest) for _ in range(a.runs)]
        scenarios[name] = {
            "messages": count, "median": statistics.median(rates), "runs": rates,
        }  # fmt: skip
    worst = min(scenarios, key=lambda name: scenarios[name]["median"])
    best = max(scenarios, key=lambda name: scenarios[name]["median"])
    return {
        "name": "matching",
        "unit": "M messages/s, worst scenario",
        "median": scenarios[worst]["median"],
        "runs": scenarios[worst]["runs"],
        "worst": worst,
        "best_over_worst": scenarios[best]["median"] / scenarios[worst]["median"],
        "scenarios": scenarios,
        "conditions": {"cores_used": 1} | _source(a),
    }


def _source(a: argparse.Namespace) -> dict[str, Any]:
    """Where the messages came from: a file has neither a size asked for nor a seed."""
    if a.workload is not None:
        return {"workload": str(a.workload)}
    return {"orders": a.orders, "seed": a.seed}


def one_run(data: bytes, count: int, greatest: int) -> float:
    """Millions of messages a second of one run over an empty book."""
    book = FlowRun(greatest + 1)
    book.reserve(count * REPORTS_PER_MESSAGE)
    started = time.perf_counter()
    book.run(data, 0, count)
    return count / (time.perf_counter() - started) / 1e6
