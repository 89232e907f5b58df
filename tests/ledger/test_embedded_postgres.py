"""The embedded PostgreSQL leaves nothing behind: whoever ends, and however."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from adapters.embedded_postgres import EmbeddedPostgres, PostgresUnavailable
from adapters.ledger_database import ledger_database

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60
CHILD = """
import sys
from pathlib import Path
from adapters.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cluster for all tests here: each leaves it stopped and whole."""
    place = tmp_path_factory.mktemp("embedded") / "postgres"
    try:
        with EmbeddedPostgres(place):
            pass
    except PostgresUnavailable as error:
        pytest.skip(str(error))
    return place


def ask(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def exists(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_data_survives_a_restart_and_nothing_runs_after_stop(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("create table t as select 42 as x")
        pid = server.pid
    assert pid is not None
    assert not exists(pid)
    assert server.pid is None
    with EmbeddedPostgres(folder) as server:
        assert ask(server, "select x from t") == 42
        assert ask(server, "show fsync") == "on"
        assert ask(server, "show listen_addresses") == ""


def test_only_its_account_may_enter(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        socket = Path(str(psycopg.conninfo.conninfo_to_dict(server.url())["host"]))
        assert socket.stat().st_mode & 0o077 == 0
        assert (socket.parent / "cluster").stat().st_mode & 0o077 == 0
    assert Path(server.folder).exists()


def test_a_second_start_on_the_same_folder_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        with pytest.raises(PostgresUnavailable, match=f"process {os.getpid()} keeps"):
            EmbeddedPostgres(folder).start()
        assert ask(server, "select 1") == 1


def test_a_long_path_gets_a_short_socket(tmp_path: Path, folder: Path) -> None:
    assert folder.exists()
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(deep) as server:
        assert ask(server, "select 1") == 1
        socket = Path(str(psycopg.conninfo.conninfo_to_dict(server.url())["host"]))
    assert not socket.exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_parent_takes_its_server_along(folder: Path, how: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    pid = int(child.stdout.readline())
    assert exists(pid)
    child.send_signal(how)
    child.wait(DEADLINE_S)
    with EmbeddedPostgres(folder) as server:  # waits for the old one, if it is still stopping
        assert ask(server, "select 1") == 1
        assert not exists(pid)
    child.communicate(timeout=DEADLINE_S)


def test_a_killed_server_starts_again_on_what_was_committed(folder: Path) -> None:
    """Its sessions outlive it for a moment: the next start waits for them."""
    with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("create table if not exists kept (x int)")
            connection.execute("insert into kept values (1)")
        before = ask(server, "select count(*) from kept")
        session = psycopg.connect(server.url())
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    with EmbeddedPostgres(folder) as server:
        assert ask(server, "select count(*) from kept") == before
    with pytest.raises(psycopg.OperationalError):
        session.execute("select 1")


def test_a_pid_file_of_a_stranger_is_stale(folder: Path) -> None:
    (folder / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}/cluster\n")
    with EmbeddedPostgres(folder) as server:
        assert ask(server, "select 1") == 1


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    settings = folder / "cluster" / "postgresql.auto.conf"
    settings.write_text("no_such_setting = 1\n")
    try:
        with pytest.raises(PostgresUnavailable, match="no_such_setting"):
            EmbeddedPostgres(folder).start()
    finally:
        settings.write_text("")
    with pytest.raises(PostgresUnavailable, match="not running"):
        EmbeddedPostgres(folder).url()


def test_a_database_of_ones_own_is_used_instead(tmp_path: Path, ledger_url: str) -> None:
    with ledger_database(tmp_path / "unused", {"DATABASE_URL": ledger_url}) as url:
        assert url == ledger_url
    assert not (tmp_path / "unused").exists()


def test_the_embedded_writer_is_only_a_writer(folder: Path) -> None:
    with (
        ledger_database(folder, {}) as url,
        psycopg.connect(url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("delete from ledger.posting")
