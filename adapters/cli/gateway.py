"""`lockstep gateway`: REST, WebSocket and market data in one process.

Why it exists: the composition root of the gateway; it makes the adapters, hands them to the
rooms, and ends the process when any part that it cannot do without ends. Nothing is decided here.
"""

import argparse
import asyncio
import gc
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated, Final

import msgspec
import uvloop

from adapters.addresses import Address, listen
from adapters.cli.errors import EXIT_OK, environment_error
from adapters.cluster_client import CoreAddresses, connect
from adapters.config import load
from adapters.gateway_core import GatewayCore
from adapters.gateway_feed import LogFeed
from adapters.gateway_system import HttpLedger, ProcessEntropy, SystemClock
from adapters.http_asgi import GatewayApp
from adapters.http_server import make_server
from adapters.key_store import FileKeyStore, KeyStoreError
from gateway.api import Api, ApiLimits, Ports
from gateway.feed_hub import FeedHub
from gateway.fold import ReadModel

HELP = "REST, WebSocket and market data: the exchange as clients see it."
EXAMPLE = "lockstep gateway --config lockstep.toml"

GC_ALLOCATIONS: Final = 50_000
"""Objects between collections of the youngest: the orders of the folds are many, live long and
make no cycles, and looking through them is a pause that a client would feel."""


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Table `[gateway]`. `ledger` is a URL, or empty: then `GET /v1/balances` answers 503."""

    listen: Address = "127.0.0.1:8080"
    core: CoreAddresses = "127.0.0.1:7401"
    ledger: str = ""
    data: Path = Path("lockstep-data")
    conflate_ms: Annotated[int, msgspec.Meta(ge=50, le=200)] = 100
    closed_orders_max: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 250_000
    account_per_s: Annotated[float, msgspec.Meta(gt=0)] = 2_000.0
    account_burst: Annotated[int, msgspec.Meta(ge=1)] = 4_000
    address_per_s: Annotated[float, msgspec.Meta(gt=0)] = 10_000.0
    address_burst: Annotated[int, msgspec.Meta(ge=1)] = 20_000


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--config", type=Path, help="TOML file with a table [gateway]")


def run(a: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    config = load(GatewayConfig, a.config, "gateway")
    try:
        keys = FileKeyStore(config.data)
    except KeyStoreError as error:
        raise environment_error(str(error)) from error
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    with listen(config.listen, "gateway.listen") as sock:
        uvloop.run(_serve(config, keys, sock))
    return EXIT_OK


async def _serve(config: GatewayConfig, keys: FileKeyStore, sock: socket.socket) -> None:
    clock = SystemClock()
    model = ReadModel(config.closed_orders_max)
    hub = FeedHub(model)
    ledger = HttpLedger(config.ledger) if config.ledger else None
    async with connect(config.core) as client:
        core = GatewayCore(client)
        feed = LogFeed(client, model, hub, config.conflate_ms)
        limits = ApiLimits(
            config.account_per_s, config.account_burst, config.address_per_s, config.address_burst
        )
        api = Api(model, Ports(core, keys, clock, feed, ProcessEntropy(), ledger), limits)
        api.gauges = lambda: {"websocket_sessions": len(hub), "keys": len(keys)}
        app = GatewayApp(api, hub, clock)
        server = make_server(app, sock)
        print(f"gateway: listening on {config.listen}, core {config.core}", file=sys.stderr)
        following = asyncio.create_task(feed.run(app.wake))
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        asked = asyncio.create_task(_asked_to_stop())
        await asyncio.wait((following, serving, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        hub.close_all()
        app.wake()
        server.should_exit = True
        await serving
        await core.close()
        following.cancel()
        failure = (await asyncio.gather(following, return_exceptions=True))[0]
        if ledger is not None:
            await ledger.close()
    if isinstance(failure, Exception):
        raise failure


async def _asked_to_stop() -> None:
    """Until Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
