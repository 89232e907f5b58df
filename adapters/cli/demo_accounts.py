"""Lists the demonstration's markets, opens and funds its accounts, and writes down their keys.

Why it exists: `up --demo` must give a first order's author a funded account within seconds, and
the same one after a restart. Every step may be repeated: listings and accounts are found again by
name, deposits by their reference, and keys that still stand in the file are kept. It must not know
how makers quote.

It goes through the operators' gRPC calls like any tool, so the log shows who did it and why.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from adapters.cli.demo_market import (
    ACCOUNTS_FILE, ASSETS, FLOW_FUNDS, MAKERS, MARKETS, TAKER, TRADER_FUNDS, TRADERS,
)  # fmt: skip
from adapters.cli.errors import environment_error
from adapters.cluster_client import CoreClients
from adapters.key_store import create_key
from adapters.rpc_operator import Operator
from core.versions import VERSION_KNOWN
from gateway.decimals import format_units

ACCOUNTS_FILE_BYTES_MAX: Final = 1 << 20


class DemoAccount(msgspec.Struct, kw_only=True):
    """One entry of demo-accounts.json. `balances` are what the account owns, holds included."""

    user_id: str
    api_key: str
    secret: str
    balances: dict[str, str]


async def prepare(core: CoreClients, data: Path) -> list[DemoAccount]:
    """All of it. Raises `CommandRefused`; `CliError` if the file of accounts is damaged."""
    operator = _operator(core)
    await operator.set_version(VERSION_KNOWN)  # all members are this program
    await list_markets(operator)
    for name in (*MAKERS, TAKER):
        await fund(operator, name, await open_account(operator, name), FLOW_FUNDS)
    known = {account.user_id: account for account in read_accounts(data)}
    accounts = []
    for name in TRADERS:
        number = await open_account(operator, name)
        await fund(operator, name, number, TRADER_FUNDS)
        account = known.get(str(number))
        if account is None or not _key_exists(data, account.api_key):
            api_key, secret = create_key(data, number)
            account = DemoAccount(user_id=str(number), api_key=api_key, secret=secret, balances={})
        account.balances = await owned(core, number)
        accounts.append(account)
    write_accounts(data, accounts)
    return accounts


async def flow_accounts(core: CoreClients) -> list[int]:
    """Who trades without a key: the makers, then the taker. Raises `CommandRefused`."""
    operator = _operator(core)
    return [await open_account(operator, name) for name in (*MAKERS, TAKER)]


async def list_markets(operator: Operator) -> None:
    """Assets first: a symbol names them."""
    for name, scale in ASSETS.items():
        await operator.list_asset(name, scale)
    for m in MARKETS:
        await operator.list_symbol(
            name=m.name, base=m.base, quote=m.quote, tick_units=m.tick_units,
            lot_units=m.lot_units, min_price_ticks=1, max_price_ticks=m.max_price,
            max_qty_lots=m.max_qty, min_notional_units=m.min_notional,
            max_notional_units=m.max_notional, maker_ppm=m.maker_ppm, taker_ppm=m.taker_ppm,
        )  # fmt: skip


async def open_account(operator: Operator, name: str) -> int:
    return await operator.open_account(f"demo/{name}")


async def fund(operator: Operator, name: str, number: int, funds: dict[str, int]) -> None:
    """One deposit per asset, made once: its reference is remembered for ever."""
    for asset, coins in funds.items():
        await operator.deposit(number, asset, coins * 10 ** ASSETS[asset], f"demo/{name}/{asset}")


async def owned(core: CoreClients, number: int) -> dict[str, str]:
    """Available and held together, as decimal strings."""
    answer = await core.balances(number)
    return {
        b.asset: format_units(b.available_units + b.hold_units, ASSETS[b.asset])
        for b in answer.balances
        if b.asset in ASSETS
    }


def _operator(core: CoreClients) -> Operator:
    return Operator(core, "up", "demonstration", "demo")


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
