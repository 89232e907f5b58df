"""`lockstep ledger`: the projector as a process, and the checks of its books.

Why it exists: the composition root of the ledger; it joins the core's feed over gRPC, PostgreSQL,
the projector and the HTTP surface, and holds no rule of theirs.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import psycopg
import uvicorn

from adapters.addresses import Address, listen
from adapters.cli.errors import EXIT_CHECK_FAILED, EXIT_OK, environment_error, usage_error
from adapters.cluster_client import CoreAddresses, CoreClients, connect
from adapters.config import load
from adapters.embedded_postgres import PostgresUnavailable
from adapters.ledger_database import ledger_database
from adapters.ledger_http import LedgerHttp
from adapters.ledger_rebuild import rebuild_check
from adapters.ledger_runner import Runner
from adapters.postgres_ledger import PostgresLedger
from adapters.postgres_migrate import LedgerSchemaError, check_schema, ensure_schema
from adapters.postgres_reader import BooksReader
from adapters.postgres_verify import verify
from adapters.rpc_client import CoreUnavailable, TailGone
from ledger.ports import FeedFault, LogEvents
from ledger.projector import BATCH_POSTINGS_DEFAULT

HELP = "Projects the core's events into PostgreSQL as double entry, and checks the books."
EXAMPLE = "lockstep ledger --config lockstep.toml\n  lockstep ledger verify --config lockstep.toml"

ACTIONS: Final = {
    "run": "book events and serve balances, until stopped (the default)",
    "verify": "check the tables: sums, balances, trades; exit 1 if one fails",
    "rebuild-check": "fold the core's log again and compare posting by posting",
    "migrate": "make roles and tables as the owner, and end",
}
CORE_DEADLINE_S: Final = 2.0
HTTP_CONNECTIONS_MAX: Final = 256

Positive = Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]


class LedgerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[ledger]` of the settings file, and LOCKSTEP_LEDGER_… in the environment."""

    listen: Address = "127.0.0.1:7403"
    core: CoreAddresses = "127.0.0.1:7401"
    partition: Annotated[int, msgspec.Meta(ge=0, le=32_767)] = 0
    database_url: str = ""
    """Whoever logs in here acts as lockstep_writer. Empty: DATABASE_URL, else `postgres_dir`."""
    owner_url: str = ""
    """Who makes the tables at the start. Empty: they are there."""
    postgres_dir: str = ""
    """Folder of an embedded PostgreSQL that this process starts and stops itself."""
    batch_postings: Positive = BATCH_POSTINGS_DEFAULT
    linger_ms: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5
    """Longest wait for more events before a batch is booked."""
    ready_lag_entries: Positive = 64
    """Log entries behind the core at which the ledger is no longer ready."""


def add_arguments(p: argparse.ArgumentParser) -> None:
    lines = "; ".join(f"{name}: {text}" for name, text in ACTIONS.items())
    p.add_argument("action", nargs="?", choices=tuple(ACTIONS), default="run", help=lines)
    p.add_argument("--config", type=Path, metavar="FILE", help="TOML with a table [ledger]")
    p.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(a: argparse.Namespace) -> int:
    config = load(LedgerConfig, a.config, "ledger")
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        with _database(config) as url:
            if a.action == "migrate":
                return EXIT_OK
            if a.action == "verify":
                return _verify(config, url, as_json=a.json)
            if a.action == "rebuild-check":
                return asyncio.run(_rebuild_check(config, url, as_json=a.json))
            return asyncio.run(_serve(config, url))
    except (PostgresUnavailable, LedgerSchemaError, psycopg.OperationalError) as error:
        raise environment_error(str(error)) from error


@contextlib.contextmanager
def _database(config: LedgerConfig) -> Iterator[str]:
    """The projector's URL, with the tables there in the version that this program needs."""
    if config.database_url:
        if config.owner_url:
            ensure_schema(config.owner_url)
        check_schema(config.database_url)
        yield config.database_url
        return
    if not config.postgres_dir and not os.environ.get("DATABASE_URL"):
        raise usage_error(
            "ledger.database_url: is empty; set it, or DATABASE_URL, or postgres_dir for an "
            "embedded PostgreSQL of this process"
        )
    with ledger_database(Path(config.postgres_dir)) as url:
        yield url


# --- run --------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the projector and the database stop in our order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(config: LedgerConfig, url: str) -> int:
    listener = listen(config.listen, "ledger.listen")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    reader = BooksReader(url, config.partition)
    async with connect(config.core, CORE_DEADLINE_S) as core:
        runner = Runner(
            lambda: PostgresLedger.connect(url, config.partition),
            lambda index: _feed(core, index),
            partition=config.partition,
            batch_postings=config.batch_postings,
            linger_s=config.linger_ms / 1000,
        )

        async def core_index() -> int | None:
            try:
                return (await core.status()).index
            except CoreUnavailable:
                return None

        server = _Server(
            uvicorn.Config(
                LedgerHttp(runner, reader, core_index, config.ready_lag_entries),
                lifespan="off", log_config=None, access_log=False,
                limit_concurrency=HTTP_CONNECTIONS_MAX, timeout_graceful_shutdown=2,
            )
        )  # fmt: skip
        serving = asyncio.create_task(server.serve([listener]))
        booking = asyncio.create_task(runner.run())
        stopping = asyncio.create_task(stop.wait())
        try:
            # A projector that a fault stopped leaves the surface up: it has to say so.
            waited: set[asyncio.Task[Any]] = {serving, booking, stopping}
            while not (stopping.done() or serving.done()):
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                if booking.done():
                    booking.result()  # raises what is a bug
                    waited.discard(booking)
        finally:
            server.should_exit = True
            booking.cancel()
            stopping.cancel()
            await asyncio.gather(serving, booking, stopping, return_exceptions=True)
            await reader.close()
    return EXIT_CHECK_FAILED if runner.fault else EXIT_OK


async def _feed(core: CoreClients, index: int) -> AsyncIterator[LogEvents]:
    try:
        async for batch in core.tail(index):
            yield LogEvents(
                batch.partition, batch.index, batch.epoch, batch.ts_ns, batch.packed_events,
                batch.chain,
            )  # fmt: skip
    except TailGone as error:
        raise FeedFault(
            f"the core's log does not hold index {index}, where these books end: {error}"
        ) from error
    except CoreUnavailable as error:
        raise FeedFault(str(error)) from error


# --- checks -----------------------------------------------------------------------------------


def _verify(config: LedgerConfig, url: str, *, as_json: bool) -> int:
    result = verify(url, config.partition)
    if as_json:
        print(msgspec.json.encode(result).decode())
    else:
        for check in result.checks:
            print(f"{'ok  ' if check.ok else 'FAIL'} {check.name}")
            for row in check.rows:
                print("       " + ", ".join(row))
        print(
            f"{result.entries} entries, {result.postings} postings, {result.reconciliations} "
            f"comparisons with the core, up to log index {result.last_index}"
        )
    return EXIT_OK if result.ok else EXIT_CHECK_FAILED


async def _rebuild_check(config: LedgerConfig, url: str, *, as_json: bool) -> int:
    async with connect(config.core, CORE_DEADLINE_S) as core:
        try:
            await core.ready(CORE_DEADLINE_S)
            result = await rebuild_check(url, config.partition, _feed(core, 1))
        except CoreUnavailable as error:
            raise environment_error(f"ledger.core: {error}") from error
    if as_json:
        print(msgspec.json.encode(result).decode())
    else:
        print(
            f"{'ok' if result.ok else 'FAIL'}: {result.entries} entries, {result.postings} "
            f"postings up to log index {result.last_index}"
        )
        if result.first_difference:
            print(result.first_difference)
    return EXIT_OK if result.ok else EXIT_CHECK_FAILED
