"""`lockstep bench sim`: how fast the simulator is, on one core, with all checkers on.

Why it exists: more seeds in a night find more bugs. Two workloads: the default profile under its
faults, and three idle nodes that only say that they live. In this process, so one core.
"""

import argparse
import statistics
import sys
import time
from typing import Any

import msgspec

from sim.plan import draw_plan
from sim.simulation import Simulation


class Run(msgspec.Struct):
    """One pass over the seeds of both profiles."""

    events_per_s: float
    loaded_sim_s_per_s: float
    idle_sim_s_per_s: float
    seeds_per_s: float


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--runs", type=int, default=3, help="runs; the median is the result")
    p.add_argument("--seeds", type=int, default=60, help="of the default profile, each run")
    p.add_argument("--idle-seeds", type=int, default=5, help="of the idle profile, each run")


def run(a: argparse.Namespace) -> dict[str, Any]:
    runs = []
    for number in range(1, a.runs + 1):
        runs.append(_one_run(a.seeds, a.idle_seeds))
        sys.stderr.write(f"run {number}: {runs[-1]}\n")
    medians = {
        name: statistics.median(getattr(row, name) for row in runs)
        for name in Run.__struct_fields__
    }
    return {
        "name": "sim", "runs": [msgspec.to_builtins(row) for row in runs],
        "median": medians["events_per_s"], "unit": "events/s on one core, all checkers on",
        **medians, "conditions": {"seeds": a.seeds, "idle_seeds": a.idle_seeds},
    }  # fmt: skip


def _one_run(seeds: int, idle_seeds: int) -> Run:
    events, loaded_ns, loaded_s = _pass("default", seeds)
    _, idle_ns, idle_s = _pass("idle", idle_seeds)
    return Run(
        round(events / loaded_s, 1), round(loaded_ns / 1e9 / loaded_s, 1),
        round(idle_ns / 1e9 / idle_s, 1), round(seeds / loaded_s, 2),
    )  # fmt: skip


def _pass(profile: str, seeds: int) -> tuple[int, int, float]:
    events = sim_ns = 0
    began_s = time.perf_counter()
    for seed in range(seeds):
        outcome = Simulation(draw_plan(seed, profile)).run()
        assert outcome.is_good, f"seed {seed} of {profile}: {outcome.checker}: {outcome.what}"
        events += outcome.events
        sim_ns += outcome.sim_ns
    return events, sim_ns, time.perf_counter() - began_s
