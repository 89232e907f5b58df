"""The guided fuzzer finds bugs that are put in for it, within a number of runs.

The numbers are some ten times what they take: where memory lies has a say in what it tries.
Where Atheris has no build (not Linux on x86-64) there is nothing to test; the targets' own tests
run everywhere.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.build import PLANTS
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="Atheris has no build for this machine"
)


def _python(folder: Path, module: str, *arguments: str, plant: str = "") -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCKSTEP_")}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, text=True, check=False,
        env={**kept, "PYTHONPATH": str(ROOT), "LOCKSTEP_FUZZ_PLANT": plant}, capture_output=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("plant", "target", "runs"),
    [
        ("length-unchecked", "decoder", 20_000),
        ("length-unchecked", "batch", 2_000),
        ("magic-account", "decoder", 3_000_000),
    ],
)
def test_it_finds_a_planted_bug(plant: str, target: str, runs: int, tmp_path: Path) -> None:
    assert target in next(one for one in PLANTS if one.name == plant).expected
    arguments = (target, "--runs", str(runs), "--seed", "1")
    code, text = _python(tmp_path, "tests.fuzz.guided", *arguments, plant=plant)
    assert code == 1, text
    again = re.search(rf"again: LOCKSTEP_FUZZ_PLANT={plant} python -m (\S+) (\S+) (\S+)", text)
    assert again, text
    code, text = _python(tmp_path, *again.groups(), plant=plant)
    assert code == 1
    assert "Error" in text
    code, text = _python(tmp_path, *again.groups())
    assert code == 0, text


def test_it_finds_nothing_else(tmp_path: Path) -> None:
    """Every target, briefly; and the corpus that is left runs on this build."""
    code, text = _python(tmp_path, "tests.fuzz.guided", "--runs", "100")
    assert code == 0, text
    assert f"{len(TARGETS)} targets, 0 with a finding" in text
    code, text = _python(tmp_path, "tests.fuzz.corpus")
    assert code == 0, text
    assert all(re.search(rf"{name}: [1-9]\d* inputs are good", text) for name in TARGETS)


def test_a_target_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, text = _python(tmp_path, "tests.fuzz.guided", "ledger")
    assert code == 2
    assert "no such target: ledger" in text
