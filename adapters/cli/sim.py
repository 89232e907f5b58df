"""`lockstep sim`: fault-injection runs of the whole exchange in virtual time.

Why it exists: it turns seeds into runs and outcomes into something that a person or CI can act
on: coverage, the failed check, a shrunk plan, the line that replays it, a picture. What a run is
and what is right stand in `sim/`; processes in `adapters/cli/sim_pool.py`.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from adapters.cli.errors import EXIT_CHECK_FAILED, EXIT_OK, usage_error
from adapters.cli.sim_pool import Worker, run_all
from sim.order import Order
from sim.plan import PROFILES
from sim.planting import Plant
from sim.plants import PLANTS, UnknownPlant, plant_named
from sim.shrink import Shrunk, shrink
from sim.simulation import Outcome

HELP = "Runs the exchange under faults, in virtual time; every run replays from its seed."
EXAMPLE = "lockstep sim --seeds 200 --jobs 2\n  lockstep sim --seed 7 --html run.html"

SEEDS_MAX: Final = 10_000_000
JOBS_MAX: Final = 64
PLANT_SEEDS: Final = 200
PROGRESS_S: Final = 2.0
QUIET_PROGRESS_S: Final = 30.0
"""Into a file: a line now and then, so that a run that is ended has said how far it was."""
INTERPRETED_EVERY: Final = 20
"""With --twice every so-manieth second run is of the interpreted core."""


def add_arguments(p: argparse.ArgumentParser) -> None:
    which = p.add_mutually_exclusive_group()
    which.add_argument("--seed", type=int, metavar="N", help="one run, this one")
    which.add_argument("--seeds", type=int, metavar="N", help="so many runs (default 100)")
    which.add_argument("--list-plants", action="store_true", help="what can be planted")
    p.add_argument("--start", type=int, default=0, metavar="S", help="the first seed (default 0)")
    p.add_argument("--profile", choices=sorted(PROFILES), help="which faults (default: default)")
    p.add_argument("--jobs", type=int, default=1, metavar="J", help="processes (default 1)")
    p.add_argument("--plant", metavar="NAME", help="put this bug in, and look for it")
    p.add_argument(
        "--twice", action="store_true",
        help="run each seed again under another hash seed, some interpreted",
    )  # fmt: skip
    p.add_argument("--html", metavar="FILE", help="with --seed: a picture of the run")
    p.add_argument("--keep", metavar="LIST", help="with --seed: only the faults of these ordinals")
    p.add_argument("--commands", type=int, metavar="N", help="with --seed: at most N commands")
    p.add_argument("--run-ms", type=int, metavar="MS", help="with --seed: end the faults then")
    p.add_argument("--no-shrink", action="store_true", help="report a failing run as it is")
    p.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(a: argparse.Namespace) -> int:
    if a.list_plants:
        return _list_plants(as_json=a.json)
    _check(a)
    plant = _plant(a.plant)
    profile = a.profile or (plant.profile if plant else "default")
    if a.seed is not None:
        return _one(a, plant, profile)
    count = a.seeds if a.seeds is not None else (PLANT_SEEDS if plant else 100)
    campaign = Campaign(profile, plant, a.jobs, twice=a.twice)
    try:
        campaign.run(a.start, count, stop_at_failure=plant is not None)
        shrunk = None if a.no_shrink else campaign.shrunk()
    finally:
        campaign.close()
    report = campaign.report()
    if a.json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        _print(campaign, shrunk)
    if plant is not None:
        return EXIT_OK if bool(campaign.failed) == bool(plant.expected) else EXIT_CHECK_FAILED
    return EXIT_CHECK_FAILED if campaign.failed else EXIT_OK


def _check(a: argparse.Namespace) -> None:
    if a.seeds is not None and not 1 <= a.seeds <= SEEDS_MAX:
        raise usage_error(f"--seeds: {a.seeds} is outside 1..{SEEDS_MAX}")
    if not 1 <= a.jobs <= JOBS_MAX:
        raise usage_error(f"--jobs: {a.jobs} is outside 1..{JOBS_MAX}")
    if a.start < 0 or (a.seed is not None and a.seed < 0):
        raise usage_error("--start, --seed: a seed is not negative")
    if a.seed is None:
        for name in ("html", "keep", "commands", "run_ms"):
            if getattr(a, name) is not None:
                raise usage_error(f"--{name.replace('_', '-')}: goes with --seed")
    for name in ("commands", "run_ms"):
        value = getattr(a, name)
        if value is not None and value < 0:
            raise usage_error(f"--{name.replace('_', '-')}: {value} is negative")


def _plant(name: str | None) -> Plant | None:
    if name is None:
        return None
    try:
        return plant_named(name)
    except UnknownPlant as error:
        raise usage_error(f"--plant: {error}") from error


def _list_plants(*, as_json: bool) -> int:
    rows = [
        {"name": plant.name, "kind": plant.kind, "expected_checkers": list(plant.expected),
         "what": plant.what}
        for plant in PLANTS.values()
    ]  # fmt: skip
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode({"plants": rows}) + b"\n")
    else:
        for row in rows:
            print(f"{row['name']:<34} {row['kind']:<9} {row['what']}")
    return EXIT_OK


# --- one run ----------------------------------------------------------------------------------


def _one(a: argparse.Namespace, plant: Plant | None, profile: str) -> int:
    order = Order(
        seed=a.seed, profile=profile, keep=_ordinals(a.keep), commands=a.commands, run_ms=a.run_ms
    )
    worker = _worker(plant)
    again = _worker(plant, hash_seed=1, interpreted=True)
    try:
        outcome = worker.run(order, a.html or "")
        if a.twice and outcome.is_good:
            outcome = _compared(outcome, again.run(order))
    finally:
        worker.close()
        again.close()
    if a.json:
        sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
    else:
        print(order.plan().text())
        print(
            f"trace {outcome.trace_hash}, {outcome.events} events, {outcome.entries} entries, "
            f"{outcome.sim_ns / 1e9:.1f} simulated seconds, {outcome.leader_changes} leaders"
        )
        if outcome.checker:
            print(f"{outcome.checker}: {outcome.what}\n{outcome.why}")
        if a.html:
            print(f"picture: {a.html}")
    return EXIT_OK if outcome.is_good else EXIT_CHECK_FAILED


def _ordinals(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    if text == "none":
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise usage_error(f"--keep: {text!r} is no list of ordinals, such as 3,9,12") from error


def _worker(plant: Plant | None, hash_seed: int = 0, *, interpreted: bool = False) -> Worker:
    name = plant.name if plant else ""
    sources = interpreted or (plant is not None and plant.needs_sources)
    return Worker(name, hash_seed, interpreted=sources)


def _compared(first: Outcome, second: Outcome) -> Outcome:
    """DET: the same seed, another process, another hash seed, perhaps another build."""
    first.checks["DET"] = first.checks.get("DET", 0) + 1
    if second.trace_hash != first.trace_hash:
        first.checker = "DET"
        first.what = f"trace {first.trace_hash[:16]} the first time, {second.trace_hash[:16]} again"
    return first


# --- many runs --------------------------------------------------------------------------------


class Campaign:
    """Many seeds of one profile, with or without a plant, and what they add up to."""

    def __init__(self, profile: str, plant: Plant | None, jobs: int, *, twice: bool) -> None:
        self.profile = profile
        self.plant = plant
        # Only another hash seed shows that an order of hashing leaks; so such plants run twice.
        self.twice = twice or (plant is not None and "DET" in plant.expected)
        self.failed: list[Outcome] = []
        self.total = Outcome(seed=0, profile=profile)
        self.seeds = 0
        self.wall_s = 0.0
        self.run_s = 0.0
        self._workers = [_worker(plant) for _ in range(jobs)]
        self._again = [_worker(plant, hash_seed=7 + job) for job in range(jobs)]
        self._interpreted = [_worker(plant, 3, interpreted=True) for _ in range(jobs)]
        self._shrunk: Shrunk | None = None

    def run(self, start: int, count: int, *, stop_at_failure: bool) -> None:
        began_s = time.perf_counter()
        orders = (Order(seed=seed, profile=self.profile) for seed in range(start, start + count))
        shown_s = began_s
        for outcome in self._outcomes(orders):
            self._add(outcome)
            now_s = time.perf_counter()
            self.wall_s = now_s - began_s
            if now_s - shown_s >= (PROGRESS_S if sys.stderr.isatty() else QUIET_PROGRESS_S):
                shown_s = now_s
                self._progress(count)
            if outcome.checker and stop_at_failure:
                break
        self._progress(count, end="\n")

    def _outcomes(self, orders: Iterator[Order]) -> Iterator[Outcome]:
        if not self.twice:
            for _, outcome in run_all(orders, self._workers):
                yield outcome
            return
        chunk: list[Order] = []
        for order in orders:
            chunk.append(order)
            if len(chunk) == 20 * len(self._workers):
                yield from self._both(chunk)
                chunk = []
        yield from self._both(chunk)

    def _both(self, chunk: list[Order]) -> Iterator[Outcome]:
        first = {order.seed: outcome for order, outcome in run_all(chunk, self._workers)}
        pure = [order for order in chunk if order.seed % INTERPRETED_EVERY == 0]
        rest = [order for order in chunk if order.seed % INTERPRETED_EVERY]
        for orders, workers in ((rest, self._again), (pure, self._interpreted)):
            for order, outcome in run_all(orders, workers):
                known = first[order.seed]
                yield known if known.checker else _compared(known, outcome)

    def _add(self, outcome: Outcome) -> None:
        total = self.total
        self.seeds += 1
        self.run_s += outcome.wall_seconds
        if outcome.checker:
            self.failed.append(outcome)
            if self.plant is None:  # a long campaign goes on; who watches can begin to look
                what = f"seed {outcome.seed}: {outcome.checker}: {outcome.what}"
                print(what[:200], file=sys.stderr, flush=True)
        for name in ("events", "commands", "unknown", "entries", "sim_ns", "leader_changes",
                     "snapshot_transfers", "repairs", "retries"):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(outcome, name))
        for counts, more in (
            (total.faults, outcome.faults), (total.over_budget, outcome.over_budget),
            (total.checks, outcome.checks),
        ):  # fmt: skip
            for key, number in more.items():
                counts[key] = counts.get(key, 0) + number

    def _progress(self, count: int, end: str = "\r") -> None:
        print(
            f"{self.seeds}/{count} seeds, {len(self.failed)} failed, {self.total.events} "
            f"events, {self.total.sim_ns / 1e9:.0f} simulated s in {self.wall_s:.0f} s ",
            end=end if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True,
        )  # fmt: skip

    def shrunk(self) -> Shrunk | None:
        """Of the first failing run; nothing for failures that a single run does not show."""
        if not self.failed or self.failed[0].checker == "DET":
            return None
        if self.plant is not None and self.plant.name == "canary":
            return None
        outcome = min(self.failed, key=lambda each: each.seed)
        order = Order(seed=outcome.seed, profile=self.profile)
        worker = self._workers[0]
        self._shrunk = shrink(order, outcome.checker, lambda each: worker.run(each).checker)
        return self._shrunk

    def close(self) -> None:
        for worker in (*self._workers, *self._again, *self._interpreted):
            worker.close()

    def report(self) -> dict[str, Any]:
        total = self.total
        name = self.plant.name if self.plant else ""
        report: dict[str, Any] = {
            "seeds": self.seeds, "profile": self.profile,
            "failed": [
                {"seed": each.seed, "checker": each.checker, "what": each.what,
                 "replay": Order(seed=each.seed, profile=self.profile).line(name)}
                for each in self.failed
            ],
            "events": total.events, "commands": total.commands, "unknown": total.unknown,
            "entries": total.entries, "sim_seconds": total.sim_ns / 1e9,
            "wall_seconds": self.wall_s, "run_seconds": self.run_s,
            "leader_changes": total.leader_changes,
            "snapshot_transfers": total.snapshot_transfers, "repairs": total.repairs,
            "retries": total.retries, "faults": dict(sorted(total.faults.items())),
            "over_budget": total.over_budget, "checkers": total.checks,
        }  # fmt: skip
        if self._shrunk is not None:
            report["shrunk"] = self._shrunk.order.line(name)
        if self.plant is not None:
            first = self.failed[0] if self.failed else None
            report |= {
                "plant": name, "kind": self.plant.kind, "caught": first is not None,
                "checker": first.checker if first else "", "seed": first.seed if first else None,
                "seeds_tried": self.seeds,
            }  # fmt: skip
        return report


def _print(campaign: Campaign, shrunk: Shrunk | None) -> None:
    total = campaign.total
    print(f"{campaign.seeds} seeds of profile {campaign.profile}, {len(campaign.failed)} failed")
    print(
        f"  {total.events} events, {total.commands} commands answered, {total.unknown} unknown, "
        f"{total.entries} entries, {total.sim_ns / 1e9:.0f} simulated seconds"
    )
    if campaign.run_s:
        print(
            f"  per core: {total.events / campaign.run_s:.0f} events/s, "
            f"{total.sim_ns / 1e9 / campaign.run_s:.0f} simulated seconds a second"
        )
    print(
        f"  {total.leader_changes} leaders, {total.snapshot_transfers} snapshot transfers, "
        f"{total.repairs} repairs, {total.retries} retries of the gateway"
    )
    print("  faults that struck: " + _counts(total.faults))
    if total.over_budget:
        print("  left out, beyond the budget: " + _counts(total.over_budget))
    print("  checks: " + _counts(total.checks))
    name = campaign.plant.name if campaign.plant else ""
    for outcome in campaign.failed[:20]:
        print(f"FAILED {outcome.checker}: {outcome.what}")
        print(f"  replay: {Order(seed=outcome.seed, profile=campaign.profile).line(name)}")
    if shrunk is not None:
        print(f"shrunk in {shrunk.runs} runs to: {shrunk.order.line(name)}")
        print(shrunk.order.plan().text())


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {counts[name]}" for name in sorted(counts)) or "none"
