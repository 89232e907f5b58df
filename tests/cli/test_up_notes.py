"""What `lockstep up` says of a folder that has been used before, and what a benchmark refuses."""

import pytest

from adapters.cli import main
from adapters.cli.up import listed_note
from core.versions import VERSION_KNOWN


def test_the_summary_says_what_there_is_to_trade() -> None:
    assert listed_note(0).startswith("No market is listed yet")
    assert listed_note(1) == "1 market is listed: `lockstep admin markets`."
    assert listed_note(2).startswith("2 markets are listed")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--warm-up", "-5"), "--warm-up: -5 must be from 0"),
        (("--accounts", "9999999999"), "--accounts: 9999999999 must be from 1 to 1000000"),
        (("--symbols", "0"), "--symbols: 0 must be from 1"),
        (("--machine-version", "99"), f"--machine-version: 99 must be from 1 to {VERSION_KNOWN}"),
        (("--batch", "1_0"), "--batch: '1_0' must be a whole number"),
    ],
)
def test_a_benchmark_is_told_its_mistake_before_anything_is_recorded(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main.main(["bench", "machine", *words])
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert said in err
    assert "recording" not in err


def test_fewer_commands_than_a_batch_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["bench", "machine", "--commands", "10", "--batch", "20"]) == 2
    assert "--commands: 10 must be at least --batch, 20" in capsys.readouterr().err
