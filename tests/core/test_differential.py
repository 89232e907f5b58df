"""Volume: tens of thousands of seeded random commands, engine and twin compared at each batch.

Beside the Hypothesis machine, which shrinks what it finds; this one is fast and says the seed.
`just fuzz` and `just fuzz-nightly` go on with other seeds.
"""

import os
from collections.abc import Callable

import pytest

from tests.fuzz import differential

NIGHTLY = os.environ.get("LOCKSTEP_HYPOTHESIS_PROFILE") == "nightly"
COMMANDS = 50_000 if NIGHTLY else 3_000
SEEDS = range(40 if NIGHTLY else 8)
KINDS = {
    differential.plain: SEEDS, differential.terms: SEEDS, differential.keys: SEEDS,
    differential.spoiled: range(4),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "seed"), [(kind, seed) for kind, seeds in KINDS.items() for seed in seeds]
)
def test_engine_and_twin_agree(kind: Callable[[int, int], int], seed: int) -> None:
    assert kind(seed, COMMANDS) >= COMMANDS
