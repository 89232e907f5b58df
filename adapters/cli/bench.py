"""`lockstep bench NAME`: runs one benchmark and prints what it measured, and under what conditions.

Each benchmark is a module of `adapters/bench` with `add_arguments(parser)` and `run(arguments)`,
which answers with a dict: name, runs[], median, unit, conditions{} and what is particular to it.
Nothing is written to disk here: numbers that are kept are kept by a person, with their machine.
"""

import argparse
import importlib
import os
import platform
import sys
from pathlib import Path
from typing import Any, Final, Protocol, cast

import msgspec

from adapters import core_build
from adapters.cli.errors import environment_error

HELP = "Runs a benchmark: several runs, their median, and the conditions they ran under."
EXAMPLE = "lockstep bench matching --json"

BENCHES: Final[dict[str, str]] = {
    "matching": "the bare order book, on five generated scenarios",
    "machine": "the whole machine: risk, idempotency, events, digest",
    "growth": "what a command costs as accounts and open orders grow",
    "wal": "the machine and the durable log, with fsync",
    "recovery": "the start of a node on a long log: by replay, and by snapshot and tail",
    "rest": "signed durable orders over HTTP",
    "grpc": "durable commands over the gRPC stream",
    "cluster": "three nodes, fsync on each, durable commands over gRPC",
    "sim": "the simulator: events and simulated seconds a second, on one core",
    "ledger": "projection of events into PostgreSQL",
}


class Bench(Protocol):
    """What each benchmark's module offers."""

    def add_arguments(self, p: argparse.ArgumentParser, /) -> None:
        """Declare the benchmark's options."""

    def run(self, a: argparse.Namespace, /) -> dict[str, Any]:
        """Measure."""


def add_arguments(p: argparse.ArgumentParser) -> None:
    """One sub-parser per benchmark that this build has."""
    names = p.add_subparsers(dest="bench", required=True, metavar="NAME")
    for name, text in BENCHES.items():
        sub = names.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.add_argument("--json", action="store_true", help="one JSON object on standard output")
        module = _load(name)
        if module is not None:
            module.add_arguments(sub)


def run(a: argparse.Namespace) -> int:
    """Run it and print the result."""
    module = _load(a.bench)
    if module is None:
        raise environment_error(f"{a.bench}: this build does not have the benchmark")
    if not core_build.running_compiled():
        print("lockstep bench: the core runs interpreted: `just build`", file=sys.stderr)
    result = module.run(a)
    result["conditions"] = machine_conditions() | result.get("conditions", {})
    if a.json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    else:
        print(as_table(result))
    return 0


def machine_conditions() -> dict[str, Any]:
    """What every measurement depends on, whatever it measures."""
    return {
        "core": "compiled" if core_build.running_compiled() else "interpreted",
        "python": platform.python_version(),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "load_1m_before": round(os.getloadavg()[0], 2),
    }


def cpu_model() -> str:
    """The processor's name, as the kernel has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def as_table(result: dict[str, Any]) -> str:
    """A result for people: the median first, everything else under it."""
    lines = [f"{result['name']}: {_number(result['median'])} {result['unit']} (median)"]
    for key, value in result.items():
        if key in ("name", "median", "unit"):
            continue
        lines += _rows(key, value, indent=2)
    return "\n".join(lines)


def _rows(key: str, value: object, indent: int) -> list[str]:
    pad = " " * indent
    if isinstance(value, dict):
        rows = [row for k, v in value.items() for row in _rows(str(k), v, indent + 2)]
        return [f"{pad}{key}:", *rows]
    if isinstance(value, list | tuple):
        return [f"{pad}{key}: " + ", ".join(_number(item) for item in value)]
    return [f"{pad}{key}: {_number(value)}"]


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _load(name: str) -> Bench | None:
    module = f"adapters.bench.{name}"
    try:
        return cast("Bench", importlib.import_module(module))
    except ModuleNotFoundError as error:
        if error.name is not None and module.startswith(error.name):
            return None
        raise environment_error(f"{name}: needs the package {error.name!r}") from error
