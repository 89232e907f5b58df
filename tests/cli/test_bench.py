"""The bench table: one JSON object and nothing else, conditions always there, gaps said."""

import argparse
import json
import sys
import types
from typing import Any

import pytest

from adapters.cli import bench, main


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark of our own in the table."""
    module = types.ModuleType("adapters.bench.probe")

    def add_arguments(p: argparse.ArgumentParser) -> None:
        p.add_argument("--runs", type=int, default=2)

    def run(a: argparse.Namespace) -> dict[str, Any]:
        runs = [1_000_000.0] * a.runs
        conditions = {"workload": "none"}
        return {
            "name": "probe", "runs": runs, "median": runs[0], "unit": "turns/s",
            "conditions": conditions,
        }  # fmt: skip

    module.add_arguments = add_arguments  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "adapters.bench.probe", module)
    monkeypatch.setitem(bench.BENCHES, "probe", "measures nothing")


@pytest.mark.usefixtures("probe")
def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "probe", "--runs", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["runs"] == [1_000_000.0] * 3
    assert result["conditions"]["workload"] == "none"
    assert result["conditions"]["core"] in ("compiled", "interpreted")


@pytest.mark.usefixtures("probe")
def test_people_read_the_median_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "probe"]) == 0
    assert capsys.readouterr().out.startswith("probe: 1,000,000 turns/s (median)\n")


def test_a_benchmark_that_is_not_built_in_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(bench.BENCHES, "absent", "is not there")
    assert main.main(["bench", "absent"]) == 3
    assert "absent: this build does not have the benchmark" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["matching", "machine", "wal", "ledger", "rest"])
def test_every_benchmark_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main.main(["bench", name, "--help"])
    assert stop.value.code == 0
    assert "--json" in capsys.readouterr().out
