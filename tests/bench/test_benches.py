"""Each benchmark of the core runs, small, and answers with the keys that scripts rely on."""

import json
from pathlib import Path

import pytest

from adapters.bench import flow
from adapters.bench.commands import Load
from adapters.bench.latency import pauses, percentiles
from adapters.cli.main import main
from core import commands as c
from core.machine import Machine

KEYS = {"name", "runs", "median", "unit", "conditions"}


def measured(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["bench", *arguments, "--json"]) == 0
    result: dict[str, object] = json.loads(capsys.readouterr().out)
    assert result.keys() >= KEYS
    return result


def test_matching_names_the_worst_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(capsys, "matching", "--orders", "300", "--runs", "2")
    scenarios = result["scenarios"]
    assert isinstance(scenarios, dict)
    assert list(scenarios) == list(flow.SCENARIOS)
    assert result["median"] == min(s["median"] for s in scenarios.values())
    assert scenarios[result["worst"]]["median"] == result["median"]


def test_matching_runs_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "small.bin"
    path.write_bytes(flow.generate("normal", 200, 1))
    result = measured(capsys, "matching", "--workload", str(path), "--runs", "1")
    assert result["worst"] == "small.bin"


def test_a_workload_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "bad.bin"
    path.write_bytes(b"not a flow")
    assert main(["bench", "matching", "--workload", str(path)]) == 2
    assert "bad.bin: flow: shorter than its header" in capsys.readouterr().err


def test_machine_ends_every_run_in_the_same_digest(capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(
        capsys, "machine", "--commands", "400", "--batch", "100", "--accounts", "5", "--runs", "2",
        "--warm-up", "200",
    )  # fmt: skip
    digest = result["digest"]
    assert isinstance(digest, str)
    assert len(bytes.fromhex(digest)) == 32
    assert result["pauses_by_batch"] == {}


def test_pauses_are_told_apart_from_entries() -> None:
    load = Load(symbols=1, accounts=3, seed=1, window_ns=1 << 40)
    load.play(25, 1)
    machine = Machine()
    for index, entry in enumerate(load.entries[: load.prelude], 1):
        machine.apply(index, *entry)
    checkpoint = (load.entries[-1][0], c.batch(c.checkpoint(0, bytes(32)), 1))
    found = pauses(machine, [*load.entries[load.prelude :], checkpoint])
    assert (found["entries"], found["checkpoints"]) == (25, 1)
    assert found["snapshot_steps"] >= 1
    assert found["snapshot_taken_us"] > 0


def test_percentiles_of_known_numbers() -> None:
    spent = list(range(1_000, 1_001_000, 1_000))
    assert percentiles(spent, 1_000) == {"p50": 501, "p99": 991, "p99.9": 1_000, "max": 1_000}
    assert percentiles([], 1)["max"] == 0


def test_growth_measures_each_point(capsys: pytest.CaptureFixture[str]) -> None:
    result = measured(
        capsys, "growth", "--commands", "200", "--largest-accounts", "10000",
        "--largest-orders", "100000",
    )  # fmt: skip
    points = result["points"]
    assert isinstance(points, list)
    assert [(p["accounts"], p["open_orders"]) for p in points] == [
        (10_000, 10_000), (10_000, 100_000),
    ]  # fmt: skip
    assert all(p["ns"]["p50"] <= p["ns"]["p99"] <= p["ns"]["max"] for p in points)
    assert main(["bench", "growth", "--largest-orders", "5"]) == 2


def test_a_start_by_replay_and_by_snapshot_come_to_one_state(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The benchmark itself asserts that the states are equal."""
    data = str(tmp_path)
    result = measured(capsys, "recovery", "--commands", "30000", "--runs", "1", "--data", data)
    assert result["snapshot_tail_s"]
    assert main(["bench", "recovery", "--commands", "10"]) == 2
    assert "--commands: 10 is less than" in capsys.readouterr().err
