"""The calls behind `lockstep admin`: arguments as people write them into requests, and back.

Why it exists: a person writes "0.001 BTC", the interface takes whole units; the conversion is
exact or refused, and needs the asset's scale, which the node is asked for. It must not know how
arguments are parsed or results printed.
"""

import argparse
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, cast

import msgspec

from adapters import key_store
from adapters.cli.admin_refusals import rule_of
from adapters.cli.numbers import INT64_MAX, UINT32_MAX
from adapters.cluster_client import CoreClients
from contracts.gen.exchange.v1 import admin_pb2 as admin
from contracts.gen.exchange.v1 import trading_pb2 as trading
from contracts.gen.exchange.v1 import types_pb2 as types
from core.codes import (
    INSUFFICIENT_FUNDS, MAX_NOTIONAL, MODE_NAMES, OK, REJECT_NAMES, STATUS_NAMES, UNKNOWN_SYMBOL,
    VALIDATION,
)  # fmt: skip
from core.limits import FEE_PPM_MAX, TIME_NS_MAX
from core.versions import VERSION_MAX
from gateway.decimals import format_units, parse_amount, parse_units

DEADLINE_S: Final = 10.0
NS_PER_S: Final = 10**9
ACCOUNT_DIGITS_MAX: Final = 10


class Context(msgspec.Struct, frozen=True):
    core: CoreClients
    a: argparse.Namespace
    audit: types.AuditNote


class _Answered(Protocol):
    """What every response to a command has."""

    reply: types.Reply
    position: types.LogPosition
    leader_hint: str


async def list_asset(c: Context) -> dict[str, Any]:
    if not 0 <= c.a.scale <= UINT32_MAX:
        raise ValueError(f"--scale: {c.a.scale} must be 0 to 12")
    request = admin.ListAssetRequest(audit=c.audit, name=c.a.name, scale=c.a.scale)
    return result(await c.core.admin.ListAsset(request, timeout=DEADLINE_S))


async def list_symbol(c: Context) -> dict[str, Any]:
    a = c.a
    base_name, _, quote_name = a.name.partition("-")
    assets = await c.core.assets()
    base = _asset(assets, a.base or base_name, "--base")
    quote = _asset(assets, a.quote or quote_name, "--quote")
    tick = parse_amount(a.tick, quote.scale, "tick")
    lot = parse_amount(a.lot, base.scale, "lot")
    min_notional = 0
    if a.min_notional != "0":
        min_notional = parse_amount(a.min_notional, quote.scale, "min-notional")
    for name in ("maker_ppm", "taker_ppm"):
        if not 0 <= getattr(a, name) <= UINT32_MAX:
            raise ValueError(f"--{name.replace('_', '-')}: must be 0 to {FEE_PPM_MAX}")
    request = admin.ListSymbolRequest(
        audit=c.audit, name=a.name, base=base.name, quote=quote.name,
        tick_units=tick, lot_units=lot,
        min_price_ticks=_steps(a.min_price or a.tick, quote.scale, tick, "min-price"),
        max_price_ticks=_steps(a.max_price, quote.scale, tick, "max-price"),
        max_qty_lots=_steps(a.max_qty, base.scale, lot, "max-qty"),
        min_notional_units=min_notional,
        max_notional_units=parse_amount(a.max_notional, quote.scale, "max-notional"),
        maker_ppm=a.maker_ppm, taker_ppm=a.taker_ppm,
    )  # fmt: skip
    return result(await c.core.admin.ListSymbol(request, timeout=DEADLINE_S))


def _steps(text: str, scale: int, step: int, field: str) -> int:
    return parse_units(text, scale, step, field, VALIDATION)


def _asset(assets: dict[str, admin.Asset], name: str, option: str) -> admin.Asset:
    found = assets.get(name)
    if found is None:
        raise ValueError(f"{option}: {name!r} is not a listed asset")
    return found


async def open_account(c: Context) -> dict[str, Any]:
    metadata = types.CommandMetadata(idempotency_key=c.a.reference)
    request = admin.OpenAccountRequest(metadata=metadata, audit=c.audit)
    return result(await c.core.admin.OpenAccount(request, timeout=DEADLINE_S))


async def deposit(c: Context) -> dict[str, Any]:
    asset = _asset(await c.core.assets(), c.a.asset, "--asset")
    request = admin.DepositRequest(
        metadata=_move(c), audit=c.audit, asset=asset.name,
        amount_units=parse_amount(c.a.amount, asset.scale, "amount"),
    )  # fmt: skip
    answer = await c.core.admin.Deposit(request, timeout=DEADLINE_S)
    return result(answer) | _available(answer, asset)


async def withdraw(c: Context) -> dict[str, Any]:
    asset = _asset(await c.core.assets(), c.a.asset, "--asset")
    request = admin.WithdrawRequest(
        metadata=_move(c), audit=c.audit, asset=asset.name,
        amount_units=parse_amount(c.a.amount, asset.scale, "amount"),
    )  # fmt: skip
    answer = await c.core.admin.Withdraw(request, timeout=DEADLINE_S)
    return result(answer) | _available(answer, asset)


def _move(c: Context) -> types.CommandMetadata:
    return types.CommandMetadata(user_id=c.a.account, idempotency_key=c.a.reference)


def _available(
    answer: admin.DepositResponse | admin.WithdrawResponse, asset: admin.Asset
) -> dict[str, Any]:
    """The number that the answer brings, in the asset's own units."""
    names = {OK: "available", INSUFFICIENT_FUNDS: "available", MAX_NOTIONAL: "fits"}
    name = names.get(answer.reply.code)
    if name is None:
        return {}
    return {name: format_units(answer.reply.detail, asset.scale), "asset": asset.name}


async def mode(c: Context) -> dict[str, Any]:
    request = trading.SetSymbolModeRequest(
        metadata=types.CommandMetadata(symbol=c.a.symbol, idempotency_key=c.a.key or ""),
        audit=c.audit, mode=cast("types.SymbolMode", MODE_NAMES.index(c.a.mode) + 1),
        until_ns=time.time_ns() + c.a.for_s * NS_PER_S if c.a.for_s else 0,
    )  # fmt: skip
    return result(await c.core.trading.SetSymbolMode(request, timeout=DEADLINE_S))


async def cancel_all(c: Context) -> dict[str, Any]:
    """Repeats while the machine says that its bound of one command left some."""
    metadata = types.CommandMetadata(user_id=c.a.account or "0", symbol=c.a.symbol or "")
    request = trading.CancelAllRequest(metadata=metadata, audit=c.audit)
    canceled = 0
    while True:
        answer = await c.core.trading.CancelAll(request, timeout=DEADLINE_S)
        if answer.reply.code == OK:
            canceled += answer.reply.detail
        if answer.reply.code != OK or answer.reply.remaining_lots == 0:
            return result(answer) | {"canceled": canceled}


async def set_limits(c: Context) -> dict[str, Any]:
    if abs(c.a.dedup_window_s) > INT64_MAX // NS_PER_S:
        longest = TIME_NS_MAX // NS_PER_S
        raise ValueError(f"--dedup-window-s: {c.a.dedup_window_s} must be 1 to {longest}")
    request = admin.SetLimitsRequest(
        audit=c.audit, open_orders=c.a.open_orders,
        dedup_window_ns=c.a.dedup_window_s * NS_PER_S, dedup_rows=c.a.dedup_rows,
    )  # fmt: skip
    return result(await c.core.admin.SetLimits(request, timeout=DEADLINE_S))


async def version(c: Context) -> dict[str, Any]:
    if not 1 <= c.a.to <= VERSION_MAX:
        raise ValueError(f"--to: {c.a.to} must be 1 to {VERSION_MAX}")
    request = admin.SetMachineVersionRequest(audit=c.audit, version=c.a.to)
    return result(await c.core.admin.SetMachineVersion(request, timeout=DEADLINE_S))


async def create_key(c: Context) -> dict[str, Any]:
    """Written beside the gateway's other keys: a running gateway finds it within a second."""
    account = _account(c.a.account)
    opened = (await c.core.status()).accounts
    if not 1 <= account <= opened:
        raise ValueError(f"--account: {account} is not open; there are 1 to {opened}")
    if not (c.a.data / "keys").is_dir():
        raise ValueError(f"--data: {c.a.data} holds no keys; give the gateway's data folder")
    permissions = tuple(c.a.permission or ("READ", "TRADE"))
    api_key, secret = key_store.create_key(c.a.data, account, permissions)
    note = {"operator": c.audit.operator, "reason": c.audit.reason, "ticket": c.audit.ticket}
    key_store.note_creation(c.a.data, api_key, account, note)
    return {
        "user_id": str(account), "api_key": api_key, "secret": secret,
        "permissions": list(permissions),
    }  # fmt: skip


async def snapshot(c: Context) -> dict[str, Any]:
    answer = await c.core.admin.Snapshot(
        admin.SnapshotRequest(audit=c.audit), timeout=6 * DEADLINE_S
    )
    return {"index": answer.index}


async def status(c: Context) -> dict[str, Any]:
    s = await c.core.status(with_digest=True)
    return {
        "role": s.role, "term": s.term, "index": s.index, "durable_index": s.durable_index,
        "leader": s.leader_hint, "accepting": s.accepting, "partition": s.partition,
        "cluster_id": s.cluster_id, "accounts": s.accounts, "ts_ns": s.ts_ns,
        "machine_version": s.machine_version,
        "chain_hash": s.chain.hex(), "digest": s.digest.hex(),
        "balances_digest": s.balances_digest.hex(),
    }  # fmt: skip


async def markets(c: Context) -> dict[str, Any]:
    answer = await c.core.markets()
    scales = {asset.name: asset.scale for asset in answer.assets}
    return {
        "asset": [
            {"id": asset.asset_id, "name": asset.name, "scale": asset.scale}
            for asset in answer.assets
        ],
        "symbol": [_shown_symbol(symbol, scales) for symbol in answer.symbols],
        "index": answer.index,
    }


def _shown_symbol(s: admin.Symbol, scales: dict[str, int]) -> dict[str, Any]:
    base, quote = scales[s.base], scales[s.quote]
    return {
        "id": s.symbol_id, "name": s.name, "base": s.base, "quote": s.quote,
        "tick": format_units(s.tick_units, quote), "lot": format_units(s.lot_units, base),
        "min_price": format_units(s.min_price_ticks * s.tick_units, quote),
        "max_price": format_units(s.max_price_ticks * s.tick_units, quote),
        "max_qty": format_units(s.max_qty_lots * s.lot_units, base),
        "min_notional": format_units(s.min_notional_units, quote),
        "max_notional": format_units(s.max_notional_units, quote),
        "maker_ppm": s.maker_ppm, "taker_ppm": s.taker_ppm, "mode": MODE_NAMES[s.mode - 1],
        "seq": s.seq,
    }  # fmt: skip


async def balances(c: Context) -> dict[str, Any]:
    answer = await c.core.balances(_account(c.a.account))
    scales = {name: asset.scale for name, asset in (await c.core.assets()).items()}
    return {
        "balance": [
            {
                "asset": row.asset,
                "available": format_units(row.available_units, scales[row.asset]),
                "hold": format_units(row.hold_units, scales[row.asset]),
            }
            for row in answer.balances
        ],
        "index": answer.index,
    }


def _account(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= ACCOUNT_DIGITS_MAX):
        raise ValueError(f"--account: {text[:32]!r} must be an account id in decimal")
    return int(text)


def result(answer: _Answered) -> dict[str, Any]:
    """The reply as people read it; a reject's bound is its `detail`, `rule` says what it means."""
    reply = answer.reply
    out: dict[str, Any] = {"code": REJECT_NAMES[reply.code]}
    if reply.code != OK:
        if reply.code != UNKNOWN_SYMBOL:  # its number stands for the name, which was typed
            out["detail"] = reply.detail
        rule = rule_of(reply.command, reply.code, reply.detail)
        if rule or reply.code == VALIDATION:
            out["rule"] = rule
        if answer.leader_hint:
            out["leader"] = answer.leader_hint
        return out
    if reply.id:
        out["id"] = reply.id
    if reply.status:
        out["status"] = STATUS_NAMES[reply.status]
    return out | {"duplicate": reply.duplicate, "index": answer.position.index}


CALLS: Final[dict[str, Callable[[Context], Awaitable[dict[str, Any]]]]] = {
    "list-asset": list_asset,
    "list-symbol": list_symbol,
    "open-account": open_account,
    "deposit": deposit,
    "withdraw": withdraw,
    "mode": mode,
    "cancel-all": cancel_all,
    "set-limits": set_limits,
    "version": version,
    "create-key": create_key,
    "snapshot": snapshot,
    "status": status,
    "markets": markets,
    "balances": balances,
}
