"""`lockstep demo-flow`: market makers and takers, so that a demonstration's books move and trade.

A client like any other: it talks to a node over the batched gRPC stream, at no more than twenty
commands a second and market, and leaves no quotes behind when it ends. When the core is away or
overloaded it waits, longer each time, and begins again with a mass cancel.
"""

import argparse
import asyncio
import contextlib
import random
import secrets
import signal
import sys
from pathlib import Path
from typing import Final

from adapters.cli import demo_accounts
from adapters.cli.demo_market import ACCOUNTS_FILE, MARKETS, TURN_MS, Flow
from adapters.cli.errors import environment_error
from adapters.cluster_client import CoreClients, connect
from adapters.rpc_client import CoreUnavailable, OutcomeUnknown
from adapters.rpc_operator import CommandRefused
from core.codes import OK, REJECT_NAMES

HELP = "Market makers and takers for a demonstration."
EXAMPLE = "lockstep demo-flow --node 127.0.0.1:7401 --data lockstep-data"

READY_TIMEOUT_S: Final = 30.0
BACKOFF_S_MAX: Final = 10.0
LEAVE_TIMEOUT_S: Final = 2.0


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Where the node is, and whether to stop after the preparations."""
    p.add_argument("--node", default="127.0.0.1:7401", metavar="HOST:PORT")
    p.add_argument(
        "--data", type=Path, default=Path("lockstep-data"), help="where keys and accounts are kept"
    )
    p.add_argument("--seed", type=int, help="repeat the same quotes; default: new ones each time")
    p.add_argument(
        "--prepare",
        action="store_true",
        help="list the markets, fund the accounts, write their keys, and end",
    )


def run(a: argparse.Namespace) -> int:
    """Prepare, then quote until a signal comes."""
    try:
        asyncio.run(_run(a))
    except (CoreUnavailable, OutcomeUnknown) as error:
        raise environment_error(str(error)) from error
    except CommandRefused as error:
        raise environment_error(f"demonstration: {error}") from error
    return 0


async def _run(a: argparse.Namespace) -> None:
    async with connect(a.node) as core:
        await core.ready(READY_TIMEOUT_S)
        accounts = await demo_accounts.prepare(core, a.data)
        print(f"{len(accounts)} accounts in {a.data / ACCOUNTS_FILE}", flush=True)
        if a.prepare:
            return
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        seed = secrets.randbits(64) if a.seed is None else a.seed
        print(f"quoting {', '.join(m.name for m in MARKETS)} with seed {seed}", flush=True)
        flows = await _flows(core, _Chance(seed))
        await asyncio.gather(*(quote(core, flow, stop) for flow in flows))


class _Chance:
    """Chance from a seed: a demonstration can be repeated."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - quotes, not secrets

    def below(self, bound: int) -> int:
        return self._random.randrange(bound)


async def _flows(core: CoreClients, chance: _Chance) -> list[Flow]:
    first, second, taker = await demo_accounts.flow_accounts(core)
    symbols = await core.symbols()
    return [
        Flow(market, symbols[market.name].symbol_id, (first, second), taker, chance)
        for market in MARKETS
    ]


async def quote(core: CoreClients, flow: Flow, stop: asyncio.Event) -> None:
    """One market, turn after turn, until asked to stop; then its quotes are taken off."""
    pause_s = turn_s = TURN_MS / 1000
    await _send(core, flow.leave())  # what a killed predecessor left
    while not stop.is_set():
        failure = await _send(core, flow.turn())
        if failure:
            pause_s = min(2 * pause_s, BACKOFF_S_MAX)
            print(f"demo-flow: {failure}; next turn in {pause_s:g} s", file=sys.stderr, flush=True)
        else:
            pause_s = turn_s
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause_s)
    with contextlib.suppress(TimeoutError):  # a core that is gone takes its time to say so
        await asyncio.wait_for(_send(core, flow.leave()), LEAVE_TIMEOUT_S)


async def _send(core: CoreClients, records: list[bytes]) -> str:
    """Why nothing was accepted, or an empty string. Single rejects are part of the game."""
    try:
        answer = await core.submit(b"".join(records), len(records))
    except (CoreUnavailable, OutcomeUnknown) as error:
        return str(error) or type(error).__name__
    return "" if answer.code == OK else f"{REJECT_NAMES[answer.code]} {answer.reason}".strip()
