"""The exchange's own processes under a benchmark: started in a folder, watched, ended.

Why it exists: a number that a client would see needs the real commands as real processes, and an
account of the processor time that each of them took. It must not know what is measured.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from adapters.cli.errors import environment_error
from adapters.parent_death import PARENT_VARIABLE

STOP_S: Final = 15.0

Parts = dict[str, "subprocess.Popen[bytes]"]


@contextlib.contextmanager
def running(folder: Path, names: tuple[str, ...], settings: dict[str, str]) -> Iterator[Parts]:
    """Each command of `names` as a process that logs into `folder`; all are ended afterwards."""
    with started(folder, {name: [name] for name in names}, settings) as parts:
        yield parts


@contextlib.contextmanager
def started(
    folder: Path, commands: dict[str, list[str]], settings: dict[str, str]
) -> Iterator[Parts]:
    """Each `lockstep` command, under a name of its own; all are ended afterwards."""
    environ = os.environ | settings | {PARENT_VARIABLE: str(os.getpid())}
    parts: Parts = {}
    try:
        for part, arguments in commands.items():
            with (folder / f"{part}.log").open("wb") as log:
                parts[part] = subprocess.Popen(  # noqa: S603  our own command
                    [sys.executable, "-m", "adapters.cli.main", *arguments],
                    env=environ, stdout=log, stderr=log,
                )  # fmt: skip
        yield parts
    finally:
        for process in reversed(parts.values()):
            process.terminate()
        for process in parts.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def check_alive(folder: Path, parts: Parts) -> None:
    """Raises the environment's error of the first process that ended, with its last words."""
    for part, process in parts.items():
        if process.poll() is not None:
            said = (folder / f"{part}.log").read_text(errors="replace")
            raise environment_error(f"the {part} ended at its start:\n{said[-2000:]}")


def cpu_s(pid: int) -> float:
    """Processor seconds of a running process; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
