"""The bulk fuzzer itself: a short campaign, the same in both builds, and bugs that it must find."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import core_build
from core import commands as c
from core.machine import Machine
from tests.core.replay import read_log
from tests.fuzz import bulk, logs
from tests.fuzz.build import PLANTS
from tests.fuzz.mutation import Pass, Recording

ROOT = Path(__file__).resolve().parents[2]


def _run(
    module: str, folder: Path, *arguments: str, **environment: str
) -> tuple[int, str]:  # fmt: skip
    """In a process of its own, whose findings fall into `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCKSTEP_")}
    done = subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{module}", *arguments], cwd=folder, text=True,
        env={**kept, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("seed", range(5))
def test_a_short_campaign(seed: int) -> None:
    recording, outcome = Recording(seed), bulk.Outcome()
    recording.record()
    for number in range(3):
        bulk.run_pass(recording, seed, number, outcome)
    assert outcome.commands > 8_000


@pytest.mark.parametrize("seed", range(2))
def test_what_it_makes_decodes_and_is_answered(seed: int) -> None:
    """A fuzzer whose commands are all refused proves nothing."""
    recording = Recording(seed)
    recording.record()
    one, machine = Pass(recording, seed, 1), Machine()
    machine.apply(*one.first())
    codes: list[int] = []
    changed = 0
    for place, recorded in enumerate(one.order()):
        entry = one.entry(place, recorded, machine)
        commands, count, _ = c.split_batch(entry[2])
        assert (count, len(commands)) == (recorded.count, len(recorded.commands))
        changed += commands != recorded.commands
        machine.apply(*entry)
        codes += [word & 0xFF for word in memoryview(machine.replies).cast("q")[::8].tolist()]
    assert changed > 5
    assert codes.count(0) > len(codes) // 20
    assert len(set(codes)) > 8


def test_both_builds_come_to_the_same(tmp_path: Path) -> None:
    if core_build.state({}) != "compiled":
        pytest.skip("the core in the tree is not compiled")
    arguments = ("--seeds", "4", "--passes", "2")
    code, text = _run("builds", tmp_path, *arguments)
    assert (code, text) == (0, "4 seeds in both builds, 0 differ\n")
    code, text = _run("builds", tmp_path, *arguments, LOCKSTEP_FUZZ_PLANT="rate-generous")
    assert code == 1
    assert re.search(r"seed \d FAILED: compiled \w+, interpreted \w+", text), text


def test_the_twin_finds_what_is_wrong_and_raises_nothing(tmp_path: Path) -> None:
    arguments = ("--seeds", "4", "--commands", "6000")
    code, text = _run("differential", tmp_path, *arguments)
    assert code == 0, text
    assert len(re.findall(r"seed \d: \d+ commands; (?:terms|spoiled|edges)", text)) == 4
    code, text = _run("differential", tmp_path, *arguments, LOCKSTEP_FUZZ_PLANT="rate-generous")
    assert code == 1
    assert "TOO_MANY_REQUESTS" in text
    assert re.search(r"again: .* --seeds 1 --start \d --commands 6000", text), text
    (found,) = (tmp_path / ".fuzz" / "crashes").iterdir()
    assert len(list(read_log(found))) < 25, text
    code, _ = _run("differential", tmp_path, "--log", str(found))
    assert code == 0
    plant = {"LOCKSTEP_FUZZ_PLANT": "rate-generous"}
    code, _ = _run("differential", tmp_path, "--log", str(found), **plant)
    assert code == 1


@pytest.mark.parametrize(
    "plant", [one.name for one in PLANTS if "bulk" in one.expected]
)  # fmt: skip
def test_it_finds_a_planted_bug_and_cuts_it_down(plant: str, tmp_path: Path) -> None:
    arguments = ("--seeds", "4", "--passes", "15")
    code, text = _run("bulk", tmp_path, *arguments, LOCKSTEP_FUZZ_PLANT=plant)
    assert code == 1, text
    again = re.search(r"again: .* --seeds 1 --start (\d+)", text)
    assert again, text
    assert f"LOCKSTEP_FUZZ_PLANT={plant}" in text
    (kept,) = (tmp_path / ".fuzz" / "crashes").iterdir()
    log = list(read_log(kept))
    assert 1 < len(log) < 25, text  # of thousands of commands
    logs.judge(log)  # nothing is wrong with it without the plant
    code, _ = _run(
        "bulk",
        tmp_path,
        "--seeds",
        "1",
        "--start",
        again[1],
        "--passes",
        "15",
        LOCKSTEP_FUZZ_PLANT=plant,
    )
    assert code == 1


def test_several_processes_name_the_seed_of_one_that_dies(tmp_path: Path) -> None:
    arguments = ("--seeds", "4", "--passes", "1", "--jobs", "2")
    code, text = _run("bulk", tmp_path, *arguments)
    assert code == 0, text
    assert text.count("outcome") == 4
    assert re.search(r"4 seeds, \d{5} commands", text)
    code, text = _run("bulk", tmp_path, *arguments, LOCKSTEP_FUZZ_PLANT="sudden-death")
    assert code == 1
    assert re.search(r"seed [0-3] FAILED: its process ended with -9", text)
    assert re.search(r"again: .* python -m tests.fuzz.bulk --seeds 1 --start [0-3]", text)
