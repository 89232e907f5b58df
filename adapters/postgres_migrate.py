"""Give a PostgreSQL the ledger's roles, schema and tables, once, and say what is in the way.

Why it exists: the owner of the tables and the one who writes them are two roles, so making the
tables is a step of its own, with other rights than the projector's. It knows the schema file and
nothing of what the rows mean.

`lockstep_owner` owns the schema and logs in nowhere. `lockstep_writer` may insert, and update
balances and cursors only. The projector acts as the writer whatever name it logs in by.
"""

from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

OWNER: Final = "lockstep_owner"
WRITER: Final = "lockstep_writer"
SCHEMA: Final = "ledger"
SCHEMA_VERSION: Final = 2
SCHEMA_FILE: Final = Path(__file__).with_name("postgres_schema.sql")
"""Version 1; `postgres_upgrade_N.sql` makes version N of the one before."""
CONNECT_TIMEOUT_S: Final = 10
_LOCK: Final = 0x4C4F434B
"""Key of the advisory lock that lets one migration run at a time."""


class LedgerSchemaError(RuntimeError):
    """The environment's fault: the database cannot be given, or does not have, these tables."""


def ensure_database(admin_url: str, name: str) -> None:
    """Create the database unless it is there. `admin_url` names another database."""
    with psycopg.connect(
        admin_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
    ) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", [name])
        if known.fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def ensure_schema(owner_url: str) -> None:
    """Make roles and tables, or bring those of an older version up to this one; at once or not.

    Raises `LedgerSchemaError` if this user may not, or a newer program made them.
    """
    try:
        with psycopg.connect(owner_url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            if not _exists(connection):
                _create(connection)
            _upgrade(connection)
            _check_version(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise LedgerSchemaError(
            f"database: the ledger's tables cannot be made by this user ({error}): give owner_url "
            "a user with CREATEROLE who may create schemas in this database"
        ) from error
    except psycopg.OperationalError as error:
        raise LedgerSchemaError(f"database: {error}") from error


def check_schema(url: str) -> None:
    """For who may not make tables: are they there, in the version that this program needs?"""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            if not _exists(connection):
                raise LedgerSchemaError(
                    "database: the ledger's tables are not there, or not for this user: run "
                    "`lockstep ledger migrate` with owner_url"
                )
            _check_version(connection)
    except psycopg.Error as error:
        raise LedgerSchemaError(f"database: {error}") from error


def _exists(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute("select to_regclass(%s)", [f"{SCHEMA}.schema_version"]).fetchone()
    return row is not None and row[0] is not None


def _version(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    query = sql.SQL("select max(version) from {}.schema_version").format(sql.Identifier(SCHEMA))
    row = connection.execute(query).fetchone()
    return row[0] if row is not None and isinstance(row[0], int) else 0


def _check_version(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    found = _version(connection)
    if found != SCHEMA_VERSION:
        older = ": run `lockstep ledger migrate` with owner_url" if found < SCHEMA_VERSION else ""
        raise LedgerSchemaError(
            f"database: the ledger's schema has version {found}, this program needs "
            f"{SCHEMA_VERSION}{older}"
        )


def _upgrade(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    for version in range(_version(connection) + 1, SCHEMA_VERSION + 1):
        _as_owner(connection)
        connection.execute(SCHEMA_FILE.with_name(f"postgres_upgrade_{version}.sql").read_bytes())


def _as_owner(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """For the rest of the transaction."""
    connection.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
    connection.execute(sql.SQL("set local search_path to {}").format(sql.Identifier(SCHEMA)))


def _create(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    for role in (OWNER, WRITER):
        known = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
        if known is None:
            connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        if not _may_act_as(connection, role):
            connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
    schema, owner = sql.Identifier(SCHEMA), sql.Identifier(OWNER)
    connection.execute(sql.SQL("create schema {} authorization {}").format(schema, owner))
    _as_owner(connection)
    connection.execute(SCHEMA_FILE.read_bytes())


def _may_act_as(connection: psycopg.Connection[tuple[object, ...]], role: str) -> bool:
    """A superuser always; others by membership, which since 16 may come without SET ROLE."""
    privilege = "set" if connection.info.server_version >= 160_000 else "member"
    row = connection.execute("select pg_has_role(%s, %s)", [role, privilege]).fetchone()
    return row is not None and row[0] is True
