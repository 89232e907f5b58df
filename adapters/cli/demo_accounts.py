"""Lists the demonstration's markets, opens and funds its accounts, and writes down their keys.

Why it exists: `up --demo` must give a first order's author a funded account within seconds, and
the same one after a restart. Every step may be repeated: listings and accounts are found again by
name, deposits by their reference, and keys that still stand in the file are kept.

It goes through the operators' gRPC calls like any tool, so the log shows who did it and why.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from adapters.cli.demo_market import (
    ACCOUNTS_FILE, ASSETS, FLOW_FUNDS, MAKERS, MARKETS, TAKER, TRADER_FUNDS, TRADERS, Market,
)  # fmt: skip
from adapters.cli.errors import environment_error
from adapters.key_store import create_key
from adapters.rpc_client import CoreClient
from contracts.gen.exchange.v1 import admin_pb2 as admin
from contracts.gen.exchange.v1 import types_pb2 as types
from gateway.decimals import format_units

ACCOUNTS_FILE_BYTES_MAX: Final = 1 << 20
AUDIT: Final = types.AuditNote(operator="up", reason="demonstration", ticket="demo")
DEADLINE_S: Final = 10.0


class DemoAccount(msgspec.Struct, kw_only=True):
    """One entry of demo-accounts.json. `balances` are what the account owns, holds included."""

    user_id: str
    api_key: str
    secret: str
    balances: dict[str, str]


async def prepare(core: CoreClient, data: Path) -> list[DemoAccount]:
    """All of it. Raises `CliError` when the core refuses a step."""
    await list_markets(core)
    for name in (*MAKERS, TAKER):
        await fund(core, name, await open_account(core, name), FLOW_FUNDS)
    known = {account.user_id: account for account in read_accounts(data)}
    accounts = []
    for name in TRADERS:
        number = await open_account(core, name)
        await fund(core, name, number, TRADER_FUNDS)
        account = known.get(str(number))
        if account is None or not _key_exists(data, account.api_key):
            api_key, secret = create_key(data, number)
            account = DemoAccount(user_id=str(number), api_key=api_key, secret=secret, balances={})
        account.balances = await owned(core, number)
        accounts.append(account)
    write_accounts(data, accounts)
    return accounts


async def list_markets(core: CoreClient) -> None:
    """Assets first: a symbol names them."""
    for name, scale in ASSETS.items():
        asset = admin.ListAssetRequest(audit=AUDIT, name=name, scale=scale)
        _accepted(f"list {name}", (await core.admin.ListAsset(asset, timeout=DEADLINE_S)).reply)
    for market in MARKETS:
        answer = await core.admin.ListSymbol(_listing(market), timeout=DEADLINE_S)
        _accepted(f"list {market.name}", answer.reply)


def _listing(market: Market) -> admin.ListSymbolRequest:
    return admin.ListSymbolRequest(
        audit=AUDIT,
        name=market.name,
        base=market.base,
        quote=market.quote,
        tick_units=market.tick_units,
        lot_units=market.lot_units,
        min_price_ticks=1,
        max_price_ticks=market.max_price,
        max_qty_lots=market.max_qty,
        min_notional_units=market.min_notional,
        max_notional_units=market.max_notional,
        maker_ppm=market.maker_ppm,
        taker_ppm=market.taker_ppm,
    )


async def open_account(core: CoreClient, name: str) -> int:
    """The account's number: the same name opens one account, ever."""
    metadata = types.CommandMetadata(idempotency_key=f"demo/{name}")
    request = admin.OpenAccountRequest(metadata=metadata, audit=AUDIT)
    reply = (await core.admin.OpenAccount(request, timeout=DEADLINE_S)).reply
    _accepted(f"open {name}", reply)
    return int(reply.id)


async def fund(core: CoreClient, name: str, number: int, funds: dict[str, int]) -> None:
    """One deposit per asset, made once: its reference is remembered for ever."""
    for asset, coins in funds.items():
        request = admin.DepositRequest(
            metadata=types.CommandMetadata(
                user_id=str(number), idempotency_key=f"demo/{name}/{asset}"
            ),
            audit=AUDIT,
            asset=asset,
            amount_units=coins * 10 ** ASSETS[asset],
        )
        reply = (await core.admin.Deposit(request, timeout=DEADLINE_S)).reply
        _accepted(f"fund {name} with {asset}", reply)


async def owned(core: CoreClient, number: int) -> dict[str, str]:
    """Available and held together, as decimal strings."""
    answer = await core.balances(number)
    return {
        b.asset: format_units(b.available_units + b.hold_units, ASSETS[b.asset])
        for b in answer.balances
        if b.asset in ASSETS
    }


def _accepted(what: str, reply: types.Reply) -> None:
    if reply.code != types.REJECT_CODE_UNSPECIFIED:
        name = types.RejectCode.Name(reply.code).removeprefix("REJECT_CODE_")
        raise environment_error(f"demonstration: {what}: refused with {name} ({reply.detail})")


def _key_exists(data: Path, api_key: str) -> bool:
    return (data / "keys" / f"{api_key}.json").exists()


def read_accounts(data: Path) -> list[DemoAccount]:
    """What an earlier run wrote; nothing if there was none. Raises `CliError` if it is damaged."""
    path = data / ACCOUNTS_FILE
    try:
        with path.open("rb") as file:
            raw = file.read(ACCOUNTS_FILE_BYTES_MAX)
        return msgspec.json.decode(raw, type=list[DemoAccount])
    except FileNotFoundError:
        return []
    except msgspec.DecodeError as error:
        message = f"{path}: {error}; move it away and new keys are made"
        raise environment_error(message) from error


def write_accounts(data: Path, accounts: list[DemoAccount]) -> None:
    """Whole or not at all, and readable by its owner alone from the first byte on."""
    path = data / ACCOUNTS_FILE
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(accounts), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
