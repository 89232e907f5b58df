"""Every golden scenario, on the twin and on the engine: the same text from both.

`pytest tests/golden --golden-rewrite` (or LOCKSTEP_GOLDEN_REWRITE=1, as `just golden-rewrite` has
it) writes the twin's answers into the files, to be read in a diff before they are committed. The
engine is never asked: a golden file says what docs/machine.md says, not what the code happens to
do.
"""

import os
from pathlib import Path

import pytest

from sim.twin.machine import TwinMachine
from tests.core.subjects import MAKERS
from tests.golden.scenario import SCENARIOS, Runner

FILES = sorted(SCENARIOS.glob("*.txt"))


def rewrite_asked(config: pytest.Config) -> bool:
    asked = config.getoption("--golden-rewrite", default=False)
    return bool(asked) or os.environ.get("LOCKSTEP_GOLDEN_REWRITE", "") not in ("", "0")


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_scenario(path: Path, maker: str, request: pytest.FixtureRequest) -> None:
    text = path.read_text()
    if rewrite_asked(request.config):
        path.write_text(Runner(TwinMachine()).rewrite(text))
        return
    assert Runner(MAKERS[maker]()).rewrite(text).splitlines() == text.splitlines()


def test_the_scenarios_are_there() -> None:
    assert len(FILES) >= 60
    shown = sum(path.read_text().count("\n----\n") for path in FILES)
    assert shown >= 3 * len(FILES)  # a scenario that shows nothing proves nothing
