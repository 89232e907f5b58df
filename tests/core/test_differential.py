"""Volume: tens of thousands of seeded random commands, engine and twin compared at each batch.

Beside the Hypothesis machine, which shrinks what it finds; this one is fast and says the seed.
"""

import os

import pytest

from core import commands as c
from core.versions import VERSION_KNOWN
from tests.core.pair import Pair
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import Workload, setup_records

NIGHTLY = os.environ.get("LOCKSTEP_HYPOTHESIS_PROFILE") == "nightly"
COMMANDS = 50_000 if NIGHTLY else 3_000
SEEDS = range(40 if NIGHTLY else 8)
CHECK_EVERY_BATCHES = 20
RESTART_EVERY_BATCHES = 37


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_and_twin_agree(seed: int) -> None:
    pair, workload = Pair(), Workload(seed)
    pair.apply(*setup_records())
    pair.check()
    sent = batches = 0
    while sent < COMMANDS:
        records = workload.batch()
        pair.now_ns += workload.time_step_ns()
        events, _ = pair.apply(*records)
        workload.learn(events)
        sent += len(records)
        batches += 1
        if batches % CHECK_EVERY_BATCHES == 0:
            pair.check()
        if batches % RESTART_EVERY_BATCHES == 0:
            pair.restart()
    pair.check()


@pytest.mark.parametrize("seed", SEEDS)
def test_they_agree_on_every_kind_of_order(seed: int) -> None:
    pair, workload = Pair(), TermsWorkload(seed)
    pair.apply(*setup_records(), c.set_version(VERSION_KNOWN))
    sent = batches = 0
    while sent < COMMANDS:
        workload.now_ns = pair.now_ns
        records = workload.batch()
        events, _ = pair.apply(*records)
        workload.learn(events)
        pair.now_ns += workload.time_step_ns()
        sent += len(records)
        batches += 1
        if batches % CHECK_EVERY_BATCHES == 0:
            pair.check()
        if batches % RESTART_EVERY_BATCHES == 0:
            pair.restart()
    pair.check()
