"""`lockstep up`: the whole exchange on this machine, each part a process of its own.

It starts PostgreSQL, then the node or the three of a cluster, puts the newest rules in force if
nothing is listed yet, then starts what needs both: the ledger, the gateway, the demonstration.
When all are ready it prints where everything is, and watches. Ctrl-C or SIGTERM stops all of it,
last started first; so does the end of any part, with the last lines of its log, but for one node
of three: the others go on without it. Parts are the same commands that production runs, and read
the settings that `up` writes to DATA/lockstep.toml.

    DATA/lockstep.toml   settings of the parts, written anew at each start
    DATA/node-N.toml     settings of one node of three, which differ
    DATA/node-N          log and snapshots        DATA/postgres    the ledger's database
    DATA/keys            API keys, sealed         DATA/logs        what each part says
"""

import argparse
import asyncio
import http.client
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal

import msgspec

from adapters import core_build
from adapters.addresses import Address, listen, split
from adapters.cli.demo_market import ACCOUNTS_FILE, MARKETS
from adapters.cli.errors import EXIT_CHECK_FAILED, EXIT_OK, environment_error, usage_error
from adapters.cli.up_cluster import SETTINGS_FILE, Cluster, write_table_file
from adapters.cluster_client import CoreAddresses, connect
from adapters.config import load
from adapters.embedded_postgres import EmbeddedPostgres, PostgresUnavailable
from adapters.folder_lock import FolderInUse, hold
from adapters.ledger_database import VARIABLE, make_ready
from adapters.lmdb_folder import DataFolderRefused
from adapters.postgres_migrate import LedgerSchemaError, ensure_schema
from adapters.rpc_client import CoreUnavailable, OutcomeUnknown
from adapters.rpc_operator import CommandRefused, Operator
from adapters.supervisor import Part, PartFailed, StopAsked, Supervisor
from core.versions import VERSION_KNOWN

HELP = "The whole exchange on this machine; Ctrl-C stops all of it."
EXAMPLE = "lockstep up --demo"

PROBE_TIMEOUT_S: Final = 1.0
PROBE_BYTES_MAX: Final = 4096
READY_TIMEOUT_S: Final = 60.0
VERSION_PAUSE_S: Final = 0.1
"""A heartbeat: with the answer to each a member says which versions it knows."""

CORE_NOTES: Final = {
    "compiled": "compiled",
    "interpreted": "interpreted: `just build` makes it many times faster",
    "stale": "older than its sources: `just build`",
}


class UpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of `up`: also as LOCKSTEP_UP_..., and the command line wins over both."""

    data: Path = Path("lockstep-data")
    http: Address = "127.0.0.1:8080"
    grpc: CoreAddresses = "127.0.0.1:7401"
    """Of three nodes: all three, or the first, and the others' ports are 10 and 20 above."""
    peers: CoreAddresses | Literal[""] = ""
    """Where the nodes of three listen for each other; else 100 above their gRPC ports."""
    ledger: Address = "127.0.0.1:7403"


def add_arguments(p: argparse.ArgumentParser) -> None:
    """What differs from the defaults."""
    p.add_argument("--data", type=Path, metavar="DIR", help="data folder (./lockstep-data)")
    p.add_argument("--http", metavar="HOST:PORT", help="REST and WebSocket (127.0.0.1:8080)")
    p.add_argument(
        "--grpc", metavar="HOST:PORT[,...]", help="the nodes' gRPC (127.0.0.1:7401, :7411, :7421)"
    )
    p.add_argument(
        "--peers", metavar="HOST:PORT,...", help="where three nodes hear each other (:7501, ...)"
    )
    p.add_argument("--ledger", metavar="HOST:PORT", help="the ledger's HTTP (127.0.0.1:7403)")
    p.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="replicas")
    p.add_argument("--kafka", metavar="HOST:PORT", help="publish events there")
    p.add_argument(
        "--demo", action="store_true", help="list markets, fund accounts, run market makers"
    )


def run(a: argparse.Namespace) -> int:
    """Start, watch, stop."""
    if a.kafka is not None:
        raise usage_error("--kafka: this version does not publish to Kafka yet; leave it out")
    config = settings(a)
    data = config.data.absolute()
    try:
        with ExitStack() as stack:
            stack.enter_context(hold(data, "up"))
            cluster = Cluster(data, a.nodes, config.grpc, config.peers)
            wanted = [("--http", config.http), ("--ledger", config.ledger), *cluster.listening()]
            for option, address in wanted:
                listen(address, option).close()  # better told now than later
            cluster.found()
            return Exchange(data, config, cluster, demo=a.demo).run(stack)
    except DataFolderRefused as error:
        raise environment_error(str(error)) from error
    except FolderInUse as error:
        raise environment_error(str(error)) from error
    except (PostgresUnavailable, LedgerSchemaError) as error:
        raise environment_error(f"PostgreSQL: {error}") from error


def settings(a: argparse.Namespace) -> UpConfig:
    """Defaults, the environment, the command line."""
    config = load(UpConfig, None, "up")
    given = {f: getattr(a, f) for f in UpConfig.__struct_fields__ if getattr(a, f) is not None}
    for name, value in given.items():
        if name != "data":
            kind = CoreAddresses if name in ("grpc", "peers") else Address
            try:
                msgspec.convert(value, kind)
            except msgspec.ValidationError:
                raise usage_error(f"--{name}: {value!r} is not HOST:PORT") from None
    return msgspec.structs.replace(config, **given)


class Exchange:
    """The parts, in the order in which they need each other."""

    def __init__(self, data: Path, config: UpConfig, cluster: Cluster, *, demo: bool) -> None:
        self._data = data
        self._config = config
        self._cluster = cluster
        self._demo = demo
        self._logs = data / "logs"
        self._markets = 0
        """That were listed when the nodes had started."""

    def run(self, stack: ExitStack) -> int:
        started_s = time.monotonic()
        self._logs.mkdir(mode=0o700, exist_ok=True)
        supervisor = Supervisor(self._logs)
        stack.enter_context(supervisor.signals())
        database = self._database(stack, supervisor)
        write_settings(self._data, self._config, self._cluster, database)
        stack.enter_context(supervisor)
        try:
            for parts in self._parts():
                say(", ".join(part.name for part in parts))
                supervisor.start(*parts)
                if parts[0].group == "nodes":
                    self._markets = asyncio.run(newest_rules(self._cluster.core))
            self._summary(time.monotonic() - started_s)
            supervisor.watch()
        except PartFailed as error:
            lines = "".join(f"\n    {line}" for line in error.tail)
            log = f"\n  its log is in {self._logs}" if error.tail else ""
            print(f"lockstep up: {error}; stopping everything{lines}{log}", file=sys.stderr)
            return EXIT_CHECK_FAILED
        except (CoreUnavailable, OutcomeUnknown, CommandRefused) as error:
            raise environment_error(f"machine version {VERSION_KNOWN}: {error}") from error
        except StopAsked:
            pass
        print("lockstep up: stopping", file=sys.stderr)
        return EXIT_OK

    def _database(self, stack: ExitStack, supervisor: Supervisor) -> str:
        """The ledger's URL: a server of one's own by DATABASE_URL, else the embedded one."""
        named = os.environ.get(VARIABLE, "")
        if named:
            ensure_schema(named)
            return named
        say("postgres")
        server = stack.enter_context(EmbeddedPostgres(self._data / "postgres"))
        assert server.pid is not None
        supervisor.adopt("postgres", server.pid)
        return make_ready(server)

    def _parts(self) -> list[list[Part]]:
        """In the order of their needs; what needs the same starts together."""
        config = self._config
        rest = [
            self._part("ledger", answers(config.ledger)),
            self._part("gateway", answers(config.http)),
        ]
        if self._demo:
            options = ["--node", self._cluster.core, "--data", str(self._data)]
            rest.append(command("demo-flow", ["demo-flow", *options], quotes(config.http)))
        nodes = [
            command(name, ["node", "--config", str(file)], listens(address), group="nodes")
            for name, file, address in self._cluster.nodes()
        ]
        return [nodes, rest]

    def _part(self, name: str, ready: Callable[[], str | None]) -> Part:
        return command(name, [name, "--config", str(self._data / SETTINGS_FILE)], ready)

    def _summary(self, took_s: float) -> None:
        http, data = self._config.http, self._data
        lines = [
            f"\nLockstep is ready ({took_s:.1f} s, core {CORE_NOTES[core_build.state()]}).\n",
            f"  REST       http://{http}/v1/markets",
            f"  WebSocket  ws://{http}/ws",
            f"  gRPC       {self._cluster.core}",
            f"  ledger     http://{self._config.ledger}/v1/balances?account=1",
            f"  data       {data}",
        ]
        if self._demo:
            lines.append(f"  accounts   {data / ACCOUNTS_FILE}")
            lines.append(f"\n  curl -s 'http://{http}/v1/markets/BTC-KRW/orderbook?depth=5'")
        else:
            lines.append(f"\n  {listed_note(self._markets)}")
        print("\n".join([*lines, "\nCtrl-C stops everything."]), flush=True)


def listed_note(markets: int) -> str:
    """What there is to trade, for those who have just started it."""
    if markets == 0:
        return "No market is listed yet: `lockstep admin --help`, or start with --demo."
    said = "1 market is" if markets == 1 else f"{markets} markets are"
    return f"{said} listed: `lockstep admin markets`."


async def newest_rules(core_addresses: str) -> int:
    """Where nothing is listed yet, the machine version of this program is put in force.

    Answers how many markets are listed.

    All members are this program, and no order has been seen under other rules. A log with
    listings keeps its version: raising it is an operator's decision (`lockstep admin version`).
    """
    async with connect(core_addresses) as core:
        await core.ready(READY_TIMEOUT_S)
        listed = await core.markets()
        if listed.assets:
            return len(listed.symbols)
        operator = Operator(core, "up", "a new exchange", "up")
        until_s = time.monotonic() + READY_TIMEOUT_S
        while True:
            try:
                await operator.set_version(VERSION_KNOWN)
            except CommandRefused:  # a member that has only begun has not said what it knows
                if time.monotonic() >= until_s:
                    raise
            else:
                return 0
            await asyncio.sleep(VERSION_PAUSE_S)


def say(name: str) -> None:
    """Progress, for those who watch a slow start."""
    print(f"lockstep up: starting {name}", file=sys.stderr, flush=True)


def command(
    name: str, arguments: list[str], ready: Callable[[], str | None], group: str = ""
) -> Part:
    """One of our own commands, run by the Python and from the sources that run us.

    `-P`: a folder named `core` where the user happens to stand is not ours.
    """
    path = os.pathsep.join(filter(None, [str(core_build.ROOT), os.environ.get("PYTHONPATH")]))
    return Part(
        name=name,
        argv=[sys.executable, "-P", "-m", "adapters.cli.main", *arguments],
        ready=ready,
        ready_timeout_s=READY_TIMEOUT_S,
        environ={"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
        group=group,
    )


def write_settings(data: Path, config: UpConfig, cluster: Cluster, database_url: str) -> None:
    """One file for all parts, and one more for each node of three."""
    tables: dict[str, dict[str, object]] = {
        "ledger": {
            "listen": config.ledger,
            "core": cluster.core,
            "database_url": database_url,
        },
        "gateway": {
            "listen": config.http,
            "core": cluster.core,
            "ledger": f"http://{config.ledger}",
            "data": str(data),
        },
    }
    for file, table in cluster.settings():
        if file.name == SETTINGS_FILE:
            tables["node"] = table
        else:
            write_table_file(file, {"node": table})
    write_table_file(data / SETTINGS_FILE, tables)


# --- looking at addresses ---------------------------------------------------------------------


def listens(address: str) -> Callable[[], str | None]:
    """Ready when somebody accepts a connection there."""

    def ready() -> str | None:
        try:
            socket.create_connection(split(address), PROBE_TIMEOUT_S).close()
        except OSError as error:
            return f"nobody listens on {address}: {error.strerror or error}"
        return None

    return ready


def answers(address: str) -> Callable[[], str | None]:
    """Ready when GET /readyz is 200."""

    def ready() -> str | None:
        try:
            status, body = get(address, "/readyz")
        except (OSError, http.client.HTTPException) as error:
            return f"http://{address}/readyz: {error!r}"
        return None if status == 200 else f"/readyz: {status} {body.decode(errors='replace')}"

    return ready


def quotes(address: str) -> Callable[[], str | None]:
    """Ready when a client sees the makers' first quotes."""
    path = f"/v1/markets/{MARKETS[0].name}/orderbook?depth=1"

    def ready() -> str | None:
        try:
            status, body = get(address, path)
            book = msgspec.json.decode(body) if status == 200 else {}
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            return f"http://{address}{path}: {error!r}"
        return None if book.get("bids") and book.get("asks") else f"no quotes at {path}"

    return ready


def get(address: str, path: str) -> tuple[int, bytes]:
    """Status and the first of the body."""
    connection = http.client.HTTPConnection(*split(address), timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(PROBE_BYTES_MAX)
    finally:
        connection.close()
