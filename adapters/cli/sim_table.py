"""Makes `docs/plants.md`: each plant, what caught it, and how long that took.

    python -m adapters.cli.sim_table docs/plants.md [--jobs 2] [--resume]

Why it exists: a simulator is judged by the bugs that it catches, so the table is made by running
it and never by hand: from each of five start seeds it looks for the bug, and the medians stand.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from adapters.cli.sim_pool import Worker, run_all
from sim.order import Order
from sim.planting import Plant
from sim.plants import PLANTS

STARTS: Final = (0, 10_000, 20_000, 30_000, 40_000)
SEEDS_MAX: Final = 100
HARMLESS_SEEDS: Final = 1000

HEAD: Final = f"""# Planted bugs

Made by `just plants`; not edited by hand. From each of five start seeds up to {SEEDS_MAX} seeds
are run, each plant under its own profile; the medians stand here, {SEEDS_MAX}+ where most starts
found nothing. Seconds are of the machine that made the table and say little elsewhere. "starts"
is in how many of the five it was caught. A harmless change is run on {HARMLESS_SEEDS} seeds and
must not be flagged.

| plant | what it does | caught by | starts | seeds | seconds |
|---|---|---|---|---|---|
"""


class Found(msgspec.Struct):
    checker: str
    seeds: int
    seconds: float


def main(argv: list[str]) -> int:
    p = argparse.ArgumentParser(prog="sim_table")
    p.add_argument("file", type=Path)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument(
        "--resume", action="store_true", help="keep the rows of a run that was cut short"
    )
    a = p.parse_args(argv)
    known = _rows_of(a.file) if a.resume else {}
    rows = []
    holes = 0
    for plant in PLANTS.values():
        if plant.name in known:
            rows.append(known[plant.name])
            continue
        found = [_harmless(plant, a.jobs)] if plant.kind == "harmless" else [
            _look(plant, start, a.jobs) for start in STARTS
        ]  # fmt: skip
        caught = [each for each in found if each.checker]
        holes += bool(caught) != bool(plant.expected)
        rows.append(_row(plant, found))
        sys.stderr.write(rows[-1] + "\n")
        a.file.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    return 1 if holes else 0


def _rows_of(file: Path) -> dict[str, str]:
    """By plant, but for the last one that a cut may have left half written."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.endswith(" |")}


def _look(plant: Plant, start: int, jobs: int) -> Found:
    """From this seed on until it is caught. Plants that only hashing shows run each seed twice."""
    began_s = time.perf_counter()
    workers = _workers(plant, jobs, 0)
    again = _workers(plant, jobs, 5) if "DET" in plant.expected else []
    orders = [Order(seed=start + n, profile=plant.profile) for n in range(SEEDS_MAX)]
    try:
        for at in range(0, SEEDS_MAX, 2 * jobs):
            chunk = orders[at : at + 2 * jobs]
            first = {order.seed: outcome for order, outcome in run_all(chunk, workers)}
            second = {o.seed: outcome for o, outcome in run_all(chunk, again)} if again else {}
            for order in chunk:
                outcome = first[order.seed]
                other = second.get(order.seed, outcome)
                checker = outcome.checker or other.checker
                if not checker and other.trace_hash != outcome.trace_hash:
                    checker = "DET"
                if checker:
                    seeds = order.seed - start + 1
                    return Found(checker, seeds, time.perf_counter() - began_s)
    finally:
        for worker in (*workers, *again):
            worker.close()
    return Found("", SEEDS_MAX, time.perf_counter() - began_s)


def _harmless(plant: Plant, jobs: int) -> Found:
    began_s = time.perf_counter()
    workers = _workers(plant, jobs, 0)
    orders = (Order(seed=seed, profile=plant.profile) for seed in range(HARMLESS_SEEDS))
    checkers = [outcome.checker for _, outcome in run_all(orders, workers) if outcome.checker]
    for worker in workers:
        worker.close()
    return Found(checkers[0] if checkers else "", HARMLESS_SEEDS, time.perf_counter() - began_s)


def _workers(plant: Plant, jobs: int, hash_seed: int) -> list[Worker]:
    return [Worker(plant.name, hash_seed, interpreted=plant.needs_sources) for _ in range(jobs)]


def _row(plant: Plant, found: list[Found]) -> str:
    caught = [each for each in found if each.checker]
    names = ", ".join(sorted({each.checker for each in caught})) or (
        "nothing, rightly" if not plant.expected else "**nothing**"
    )
    seeds = statistics.median(each.seeds for each in found)
    seconds = statistics.median(each.seconds for each in found)
    more = "+" if plant.expected and len(caught) * 2 <= len(found) else ""
    starts = f"{len(caught)}/{len(found)}"
    return (
        f"| {plant.name} | {plant.what} | {names} | {starts} | {seeds:.0f}{more} | {seconds:.1f} |"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
