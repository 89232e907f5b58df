"""The database that the ledger uses: the one that was named, or the embedded one, made ready.

Why it exists: `lockstep up`, `lockstep ledger` and tests must come to the same tables and the same
rights, whichever PostgreSQL there is. It knows how to get one and nothing of what is in it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from adapters.embedded_postgres import EmbeddedPostgres
from adapters.postgres_migrate import WRITER, ensure_database, ensure_schema

DATABASE: Final = "lockstep"
VARIABLE: Final = "DATABASE_URL"


@contextmanager
def ledger_database(folder: Path, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A URL for the projector, with the schema there; the embedded server lives until the end.

    `DATABASE_URL` names a server of one's own: its user must own the ledger's schema or be able
    to make it. On the embedded server the URL logs in as the writer, who can do no more than
    write. Call on the main thread. Raises `PostgresUnavailable` and `LedgerSchemaError`.
    """
    named = environ.get(VARIABLE, "")
    if named:
        ensure_schema(named)
        yield named
        return
    with EmbeddedPostgres(folder) as server:
        yield make_ready(server)


def make_ready(server: EmbeddedPostgres) -> str:
    """Database, tables and a writer who may log in; the writer's URL."""
    ensure_database(server.url(), DATABASE)
    ensure_schema(server.url(database=DATABASE))
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"alter role {WRITER} login".encode())
    return server.url(WRITER, DATABASE)
