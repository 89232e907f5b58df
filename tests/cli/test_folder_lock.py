"""A data folder has one owner, and a dead owner owns nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.folder_lock import FolderInUse, hold

HOLDER = """
import sys
from pathlib import Path
from adapters.folder_lock import hold
with hold(Path(sys.argv[1]), "up"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_owner_is_refused_by_name(tmp_path: Path) -> None:
    with (
        hold(tmp_path, "up"),
        pytest.raises(FolderInUse, match=f"another `lockstep up`, process {os.getpid()}"),
        hold(tmp_path, "up"),
    ):
        pass


def test_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(tmp_path / "new", "up"):
            assert (tmp_path / "new").is_dir()


def test_a_killed_owner_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(FolderInUse, match=f"process {process.pid}"), hold(tmp_path, "up"):
        pass
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    with hold(tmp_path, "up"):
        pass


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(FolderInUse, match="file: cannot be made a folder"), hold(path, "up"):
        raise AssertionError
