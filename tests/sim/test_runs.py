"""Whole runs: they pass, they repeat themselves, and their faults are real."""

import pytest

from adapters.cli.sim_pool import Worker
from core import codes
from core.events import event_rows
from sim.order import Order
from sim.plan import PROFILES, UnknownProfile, draw_plan, shortened
from sim.simulation import Outcome, Simulation


def run(seed: int, profile: str = "default") -> Outcome:
    return Simulation(draw_plan(seed, profile)).run()


@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"idle", "calm"}))
def test_seeds_of_every_profile_pass_every_check(profile: str) -> None:
    outcomes = [run(seed, profile) for seed in range(8)]
    assert [(o.seed, o.checker, o.what) for o in outcomes if o.checker] == []
    assert sum(o.commands for o in outcomes) > 300
    assert sum(o.leader_changes for o in outcomes) > 16


def test_a_calm_run_leaves_no_outcome_unknown() -> None:
    outcome = run(1, "calm")
    assert outcome.is_good, outcome.what
    assert (outcome.unknown, outcome.repairs) == (0, 0)
    assert outcome.commands > 300


def test_every_fault_of_the_default_profile_really_strikes() -> None:
    struck: dict[str, int] = {}
    for seed in range(60):
        for kind, count in run(seed).faults.items():
            struck[kind] = struck.get(kind, 0) + count
    wanted = {
        "crash", "crash_all", "pause", "partition", "clog", "clock_jump", "drift", "bitrot",
        "misdirect", "lost_write", "failed_fsync", "disk_full", "slow_disk", "wipe", "transfer",
        "drain", "snapshot", "broker_outage", "broker_lag", "zombie_producer", "ledger_crash",
        "gateway_restart", "loss", "duplicate", "reorder", "bitflip", "client_loss", "torn_write",
        "unsynced_write_lost", "unsynced_write_kept", "add_member", "broker_duplicate",
    }  # fmt: skip
    assert wanted - set(struck) == set()


def test_one_seed_is_one_run_in_every_process_and_build() -> None:
    here = run(3).trace_hash
    for worker in (Worker(hash_seed=1), Worker(hash_seed=99, interpreted=True)):
        try:
            assert worker.run(Order(seed=3)).trace_hash == here
        finally:
            worker.close()
    assert run(4).trace_hash != here


def test_a_shortened_plan_keeps_what_it_keeps() -> None:
    plan = draw_plan(7)
    kept = tuple(fault.ordinal for fault in plan.faults[:3])
    short = shortened(plan, keep=kept, commands=5, run_ms=4_000)
    assert tuple(f.ordinal for f in short.faults) == tuple(
        f.ordinal for f in plan.faults[:3] if f.at_ms < 4_000
    )
    assert (short.commands, short.run_ms, short.nodes) == (5, 4_000, plan.nodes)
    assert Simulation(short).run().is_good


def test_an_unknown_profile_is_the_callers_fault() -> None:
    with pytest.raises(UnknownProfile, match="profile: 'nope' is none of calm, churn, default"):
        draw_plan(1, "nope")


def test_clients_bring_every_kind_of_event_about() -> None:
    """What never happens under faults is not tested under faults."""
    seen: set[int] = set()
    ends: set[int] = set()
    for seed in range(30, 60):
        simulation = Simulation(draw_plan(seed, "default"))
        assert simulation.run().is_good
        for entry in simulation.checkers.decided.values():
            for row in event_rows(entry.events):
                seen.add(row[0] & 0xFF)
                if row[0] & 0xFF == codes.EV_ORDER_CANCELED:
                    ends.add(row[0] >> 52 & 0xFF)
    missing = {codes.EVENT_NAMES[kind] for kind in range(1, len(codes.EVENT_NAMES))} - {
        codes.EVENT_NAMES[kind] for kind in seen
    }
    # Of accounts and of the machine's own limits, which no client asks to change.
    assert missing == {"LimitsChanged", "GroupChanged", "AccountRestricted"}
    unusual = {"AUCTION_OVER", "UNFUNDED", "KILLED", "COLLAR"}
    assert {codes.CANCEL_REASON_NAMES[end] for end in ends} >= set(
        codes.CANCEL_REASON_NAMES[1:]
    ) - unusual
