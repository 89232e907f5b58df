"""The build's own promises: stale compiled files are noticed, and LOCKSTEP_PURE means the sources.

Each test works on a copy of the core in a folder of its own, never on the files beside it.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from adapters import core_build

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sources with empty files where their compiled forms would lie."""
    core = tmp_path / "core"
    core.mkdir()
    for name in ("__init__", "codes", "limits"):
        shutil.copy(core_build.CORE / f"{name}.py", core)
    monkeypatch.setattr(core_build, "ROOT", tmp_path)
    monkeypatch.setattr(core_build, "CORE", core)
    monkeypatch.setattr(core_build, "STAMP", core / "_build_stamp.json")
    return core


def compile_in_name_only(core: Path, *names: str) -> None:
    for name in names:
        (core / (name + core_build._suffix())).touch()
    core_build.write_stamp()


def test_no_compiled_files_means_interpreted(copy: Path) -> None:
    assert core_build.state({}) == "interpreted"


def test_a_fresh_build_is_compiled(copy: Path) -> None:
    compile_in_name_only(copy, "codes", "limits")
    assert core_build.state({}) == "compiled"
    assert core_build.state({"LOCKSTEP_PURE": "1"}) == "interpreted"


def test_an_edited_source_is_stale(copy: Path) -> None:
    compile_in_name_only(copy, "codes", "limits")
    with (copy / "limits.py").open("a") as source:
        source.write("# edited\n")
    assert core_build.state({}) == "stale"


def test_a_new_source_or_a_lost_file_is_stale(copy: Path) -> None:
    compile_in_name_only(copy, "codes")
    assert core_build.state({}) == "stale"


def test_files_without_a_stamp_are_stale(copy: Path) -> None:
    compile_in_name_only(copy, "codes", "limits")
    (copy / "_build_stamp.json").unlink()
    assert core_build.state({}) == "stale"


def test_removing_the_build_leaves_the_sources(copy: Path) -> None:
    compile_in_name_only(copy, "codes", "limits")
    assert len(core_build.remove_build()) == 3
    assert sorted(p.name for p in copy.iterdir()) == ["__init__.py", "codes.py", "limits.py"]


def test_pure_imports_the_sources_whatever_lies_there() -> None:
    code = (
        "from adapters import core_build; core_build.use_sources_if_asked(); "
        "import core.commands, core.limits; "
        "print(core.commands.__file__, core.limits.__file__, core_build.running_compiled())"
    )
    environ = {**os.environ, "LOCKSTEP_PURE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    commands, limits, compiled = done.stdout.split()
    assert (Path(commands).suffix, Path(limits).suffix, compiled) == (".py", ".py", "False")


def test_versions_that_matter_agree_between_build_and_run() -> None:
    """What compiles the core is what its tests ran with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    building = set(project["build-system"]["requires"])
    running = set(project["project"]["dependencies"]) | set(project["dependency-groups"]["dev"])
    for name in ("mypy==", "librt==", "msgspec=="):
        (pin,) = (r for r in building if r.startswith(name))
        assert pin in running, f"{pin} is built with, but not run with"
