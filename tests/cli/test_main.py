"""The command table: exit codes, help with examples, errors without tracebacks."""

import argparse
import sys
import types
from pathlib import Path

import pytest

from adapters.cli import bench, main
from adapters.cli.errors import CliError


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A command of our own in the table: `run` is replaced by each test."""
    module = types.ModuleType("adapters.cli.probe")
    module.HELP = "Probes."  # type: ignore[attr-defined]
    module.EXAMPLE = "lockstep probe --depth 3"  # type: ignore[attr-defined]
    module.add_arguments = lambda p: p.add_argument(  # type: ignore[attr-defined]
        "--depth", type=int, default=1
    )
    monkeypatch.setitem(sys.modules, "adapters.cli.probe", module)
    monkeypatch.setitem(main.COMMANDS, "probe", ("adapters.cli.probe", "probes"))
    return module


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name}" in out for name in main.COMMANDS)


def test_no_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([]) == 2


def test_an_unknown_command_names_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["upp"]) == 2
    assert "unknown command 'upp'; known are up, node" in capsys.readouterr().err


def test_help_of_a_command_has_its_example(
    probe: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main.main(["probe", "--help"])
    assert stop.value.code == 0
    assert "lockstep probe --depth 3" in capsys.readouterr().out


def test_usage_errors_exit_with_2(
    probe: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main.main(["probe", "--depth", "deep"])
    assert stop.value.code == 2
    assert "argument --depth: invalid int value" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "exit_code", "said"),
    [
        (CliError(1, "books differ"), 1, "lockstep probe: books differ"),
        (CliError(3, "no server"), 3, "lockstep probe: no server"),
        (PermissionError(13, "Permission denied", "x.mdb"), 3, "Permission denied: 'x.mdb'"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_ends_without_a_traceback(
    probe: types.ModuleType,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    exit_code: int,
    said: str,
) -> None:
    def run(a: argparse.Namespace) -> int:
        raise error

    probe.run = run  # type: ignore[attr-defined]
    assert main.main(["probe"]) == exit_code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_bug_shows_its_traceback(probe: types.ModuleType) -> None:
    def run(a: argparse.Namespace) -> int:
        raise ZeroDivisionError

    probe.run = run  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError):
        main.main(["probe"])


def test_a_missing_package_of_one_command_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lockstep_probe_needs.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(main.COMMANDS, "probe", ("lockstep_probe_needs", "probes"))
    assert main.main(["probe"]) == 3
    assert "needs the Python package 'a_package_that_is_not_there'" in capsys.readouterr().err


def test_bench_results_read_as_a_table() -> None:
    result = {
        "name": "matching", "runs": [7.5e6, 8e6], "median": 7_750_000.0, "unit": "messages/s",
        "conditions": {"core": "compiled"},
    }  # fmt: skip
    assert bench.as_table(result).splitlines() == [
        "matching: 7,750,000 messages/s (median)",
        "  runs: 7,500,000, 8,000,000",
        "  conditions:",
        "    core: compiled",
    ]
