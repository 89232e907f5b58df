"""The doctor on this very machine, and its rules on machines that we only describe."""

import json
from pathlib import Path

import pytest

from adapters import file_systems
from adapters.cli import doctor, main


def test_json_is_one_object_with_every_finding(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = main.main(["doctor", "--json"])
    answer = json.loads(capsys.readouterr().out)
    by_name = {f["name"]: f for f in answer["findings"]}
    assert by_name["Python"]["status"] == "ok"
    assert by_name["lmdb"]["found"].count("LMDB 0.9") or by_name["lmdb"]["found"].count("LMDB 1.")
    assert exit_code == (0 if answer["ok"] else 1)


def test_what_is_lacking_comes_with_advice(tmp_path: Path) -> None:
    for finding in doctor.examine(tmp_path):
        assert finding.found
        assert finding.advice, f"{finding.name}: nothing to do about it"


def test_a_required_part_that_is_missing_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = doctor.Finding(
        name="lmdb", needed_for="all", required=True, status="missing", found="no", advice="sync"
    )
    monkeypatch.setattr(doctor, "examine", lambda data: iter([lacking]))
    assert main.main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "-> sync" in out
    assert "cannot run here yet" in out


@pytest.mark.parametrize(
    ("place", "kind"),
    [("/data/x", "ext4"), ("/data", "ext4"), ("/database", "overlay"), ("/run/y", "tmpfs")],
)
def test_the_longest_mount_point_above_wins(place: str, kind: str) -> None:
    mounts = "overlay / overlay rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/sda /data ext4 rw 0 0\n"
    assert file_systems.kind_of(Path(place), mounts) == kind
