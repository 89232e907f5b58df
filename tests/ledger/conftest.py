"""Real PostgreSQL for the ledger's tests: started once per session, in a folder of its own."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.embedded_postgres import EmbeddedPostgres, PostgresUnavailable
from adapters.postgres_migrate import ensure_database, ensure_schema

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session", params=["wheel", "debian-15"])
def postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedPostgres]:
    """A running server: the wheel's, and Debian's where it is installed."""
    program = None if request.param == "wheel" else DEBIAN_15
    if program is not None and not (program / "postgres").exists():
        pytest.skip(f"no PostgreSQL 15 in {program}")
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), program)
    try:
        server.start()
    except PostgresUnavailable as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def ledger_url(postgres: EmbeddedPostgres) -> str:
    """A database with the ledger's tables, as their superuser reaches it."""
    ensure_database(postgres.url(), "lockstep")
    url = postgres.url(database="lockstep")
    ensure_schema(url)
    return url


@pytest.fixture(scope="session")
def new_partition() -> Callable[[], int]:
    """Books of one's own in a database where nothing can be deleted."""
    numbers = itertools.count(1)
    return lambda: next(numbers)
