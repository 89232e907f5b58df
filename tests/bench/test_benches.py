"""Each benchmark of the core runs, small, and answers with the keys that scripts rely on."""

import json
from pathlib import Path

import pytest

from adapters.bench import flow
from adapters.cli.main import main

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


def test_a_start_by_replay_and_by_snapshot_come_to_one_state(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The benchmark itself asserts that the states are equal."""
    data = str(tmp_path)
    result = measured(capsys, "recovery", "--commands", "30000", "--runs", "1", "--data", data)
    assert result["snapshot_tail_s"]
    assert main(["bench", "recovery", "--commands", "10"]) == 2
    assert "--commands: 10 is less than" in capsys.readouterr().err
