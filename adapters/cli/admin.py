"""`lockstep admin`: what operators do, over gRPC, each change with a reason and a ticket.

Why it exists: listings, money and modes are changed by people, and what a person changed must be
found again. Operator, reason and ticket travel with the command into the replicated log, beside
it and under the same hash, so the audit is where the change is and no file can be lost or edited.
Amounts are decimals in the asset's own units here and nowhere behind.
"""

import argparse
import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import grpc.aio

from adapters.cli import admin_cluster, admin_risk, admin_transfer
from adapters.cli.admin_calls import CALLS, DEADLINE_S, Context
from adapters.cli.admin_group import Adder
from adapters.cli.errors import EXIT_CHECK_FAILED, EXIT_OK, environment_error, usage_error
from adapters.cli.numbers import whole
from adapters.cluster_client import connect
from adapters.rpc_client import CoreUnavailable
from contracts.gen.exchange.v1 import types_pb2 as types
from core.codes import MODE_NAMES
from gateway.ports import PERMISSION_NAMES
from gateway.problems import Refused

HELP = (
    "Operators' commands: listings, accounts, deposits, keys, modes, cancels, limits, snapshots. "
    "What changes something needs --reason and --ticket, which stay in the replicated log."
)
EXAMPLE = (
    "lockstep admin list-asset BTC --scale 8 --reason 'first listing' --ticket OPS-1\n"
    "  lockstep admin deposit --account 2 --asset KRW --amount 1000000 --reference wire-77 \\\n"
    "      --reason 'wire received' --ticket OPS-2\n"
    "  lockstep admin create-key --account 2 --data lockstep-data --reason 'asked for' \\\n"
    "      --ticket OPS-4\n"
    "  lockstep admin mode BTC-KRW CANCEL_ONLY --reason 'news' --ticket OPS-3\n"
    "  lockstep admin cluster status --url grpc://1=127.0.0.1:7401,2=127.0.0.1:7411\n"
    "  lockstep admin transfer send --to grpc://127.0.0.1:8401 --account 2 --to-account 5 \\\n"
    "      --asset KRW --amount 1000 --reference move-9 --reason rebalancing --ticket OPS-5\n"
    "  lockstep admin status --json"
)

DEFAULT_URL: Final = "grpc://127.0.0.1:7401"
CONNECT_S: Final = 5.0
FOR_S_MAX: Final = 1_000_000_000
"""Thirty years: added to now it still is a log time."""

_TYPED: Final = {
    "metadata.user_id": "--account",
    "metadata.symbol": "symbol",
    "metadata.idempotency_key": "--reference",
    "partner_user_id": "--to-account",
    "audit.operator": "--operator",
    "audit.reason": "--reason",
    "audit.ticket": "--ticket",
}

READS: Final = ("status", "markets", "balances")
"""Subcommands that change nothing: no reason, no ticket."""
GROUPS: Final = {"cluster": admin_cluster.CALLS, "transfer": admin_transfer.CALLS}
GROUP_READS: Final = {"cluster": admin_cluster.READS, "transfer": admin_transfer.READS}


def add_arguments(p: argparse.ArgumentParser) -> None:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--url", default=DEFAULT_URL,
        help=f"grpc://HOST:PORT, or grpc://1=HOST:PORT,2=... for a cluster ({DEFAULT_URL})",
    )  # fmt: skip
    common.add_argument("--json", action="store_true", help="print one JSON object")
    audited = argparse.ArgumentParser(add_help=False, parents=[common])
    audited.add_argument("--reason", required=True, help="why; stays in the log")
    audited.add_argument("--ticket", required=True, help="under which ticket; stays in the log")
    audited.add_argument("--operator", help="who (the login name)")
    commands = p.add_subparsers(dest="what", required=True, metavar="WHAT")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        parents = [common] if name in READS else [audited]
        return commands.add_parser(name, help=text, description=text, parents=parents)

    _listings(command)
    _money(command)
    _markets(command)
    _keys(command)
    command("status", "role, term, index, chain and digests of the node")
    command("markets", "every listed symbol and asset")
    admin_risk.add_arguments(command)
    admin_cluster.add_arguments(commands, common, audited)
    admin_transfer.add_arguments(commands, common, audited)
    balances = command("balances", "one account's balances")
    balances.add_argument("--account", required=True, metavar="ID")


def _listings(command: Adder) -> None:
    asset = command("list-asset", "lists an asset; the same listing again changes nothing")
    asset.add_argument("name", metavar="NAME")
    asset.add_argument("--scale", type=whole(), required=True, help="decimal places, 0 to 12")
    symbol = command("list-symbol", "lists a symbol of two listed assets")
    symbol.add_argument("name", metavar="BASE-QUOTE")
    symbol.add_argument("--base", help="asset (the part before the dash)")
    symbol.add_argument("--quote", help="asset (the part after the dash)")
    for option, text in (
        ("--tick", "price step, in quote per whole base coin"),
        ("--lot", "quantity step, in base"),
        ("--max-price", "in quote per whole base coin"),
        ("--max-qty", "in base"),
        ("--max-notional", "in quote"),
    ):
        symbol.add_argument(option, required=True, metavar="DECIMAL", help=text)
    symbol.add_argument("--min-price", metavar="DECIMAL", help="(one tick)")
    symbol.add_argument("--min-notional", metavar="DECIMAL", default="0", help="in quote (0)")
    symbol.add_argument("--maker-ppm", type=whole(), default=0, help="fee, millionths (0)")
    symbol.add_argument("--taker-ppm", type=whole(), default=0, help="fee, millionths (0)")


def _money(command: Adder) -> None:
    account = command("open-account", "opens an account; the same reference opens once")
    account.add_argument("--reference", required=True, help="the user's name outside")
    for name, text in (
        ("deposit", "credits an account; a reference counts once"),
        ("withdraw", "debits an account; a reference counts once"),
    ):
        move = command(name, text)
        move.add_argument("--account", required=True, metavar="ID")
        move.add_argument("--asset", required=True)
        move.add_argument("--amount", required=True, metavar="DECIMAL", help="such as 0.001")
        move.add_argument("--reference", required=True, help="unique, such as the wire's number")


def _markets(command: Adder) -> None:
    mode = command("mode", "sets a symbol's mode")
    mode.add_argument("symbol")
    mode.add_argument("mode", choices=MODE_NAMES)
    mode.add_argument("--key", help="the same key sets it once (from machine version 2 on)")
    mode.add_argument(
        "--for-s", type=whole(1, FOR_S_MAX), metavar="S",
        help="AUCTION: ends by itself after so long (without it, when somebody ends it)",
    )  # fmt: skip
    cancel = command("cancel-all", "cancels open orders: of an account, on a symbol, or both")
    cancel.add_argument("--account", metavar="ID", help="(everybody)")
    cancel.add_argument("--symbol", help="(every symbol; required without --account)")
    limits = command("set-limits", "sets the machine's limits, all three at once")
    limits.add_argument("--open-orders", type=whole(), required=True, help="of one account")
    limits.add_argument(
        "--dedup-window-s", type=whole(), required=True, help="idempotency keys' life"
    )
    limits.add_argument("--dedup-rows", type=whole(), required=True, help="keys remembered at once")
    version = command("version", "puts the rules of a machine version in force, everywhere at once")
    version.add_argument("--to", type=whole(), required=True, metavar="N", help="not below today's")
    command("snapshot", "writes a snapshot of the node")


def _keys(command: Adder) -> None:
    key = command("create-key", "makes an API key for REST; its secret is shown only here")
    key.add_argument("--account", required=True, metavar="ID")
    key.add_argument(
        "--data", type=Path, default=Path("lockstep-data"), metavar="DIR",
        help="the gateway's data folder (./lockstep-data)",
    )  # fmt: skip
    key.add_argument(
        "--permission", action="append", choices=PERMISSION_NAMES, help="repeat it (READ, TRADE)"
    )


def run(a: argparse.Namespace) -> int:
    scheme, separator, address = a.url.partition("://")
    if not separator or scheme != "grpc" or not address:
        raise usage_error(f"--url: {a.url!r} must be grpc://HOST:PORT")
    try:
        calls = CALLS | admin_risk.CALLS
        admin_risk.check(a)
        call = GROUPS[a.what][a.action] if a.what in GROUPS else calls[a.what]
        result = asyncio.run(_run(a, address, call))
    except Refused as error:
        raise usage_error(f"--{error}") from error
    except ValueError as error:
        raise usage_error(str(error)) from error
    except CoreUnavailable as error:
        raise environment_error(str(error)) from error
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
            raise usage_error(_as_typed(str(error.details()))) from error
        if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            raise environment_error(
                f"no answer within {DEADLINE_S:.0f} s: whether it took effect is unknown; "
                "repeat it with the same reference"
            ) from error
        raise environment_error(f"{address}: {error.code().name}: {error.details()}") from error
    _print(result, as_json=a.json)
    return EXIT_OK if result.get("code", "OK") == "OK" else EXIT_CHECK_FAILED


def _as_typed(said: str) -> str:
    """The node names fields of its messages; people typed options."""
    field, separator, rest = said.partition(":")
    return _TYPED.get(field, field) + separator + rest


Call = Callable[[Context], Awaitable[dict[str, Any]]]


async def _run(a: argparse.Namespace, address: str, call: Call) -> dict[str, Any]:
    note = types.AuditNote()
    if a.what not in READS and getattr(a, "action", "") not in GROUP_READS.get(a.what, ()):
        operator = a.operator or getpass.getuser()
        note = types.AuditNote(operator=operator, reason=a.reason, ticket=a.ticket)
    async with connect(address, DEADLINE_S) as core:
        await core.ready(CONNECT_S)
        return await call(Context(core, a, note))


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            shown = row
            if isinstance(row, dict):
                shown = "  ".join(f"{key}={item}" for key, item in row.items())
            print(f"{name}: {shown}")
