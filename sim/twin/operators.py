"""Operators' commands of the twin: listing, accounts, deposits, modes, limits, checkpoints.

Why it exists: as `trading`, for the commands that no client sends. A reject makes no event.
"""

from typing import Any

import msgspec

from core.codes import (
    CMD_DEPOSIT,
    IDEMPOTENCY_MISMATCH,
    INSUFFICIENT_FUNDS,
    MAX_NOTIONAL,
    MODE_AUCTION,
    MODE_HARD_HALT,
    MODE_NORMAL,
    MOVED_BY_DEPOSIT,
    MOVED_BY_WITHDRAWAL,
    OVERLOADED,
    UNKNOWN_SYMBOL,
    VALIDATION,
)
from core.commands import name_text
from core.events import (
    AccountOpened,
    AssetListed,
    BalanceChanged,
    EngineCheckpoint,
    GroupChanged,
    LimitsChanged,
    Reply,
    SymbolListed,
    SymbolModeChanged,
    VersionChanged,
)
from core.limits import (
    AMOUNT_MAX,
    ASSET_SCALE_MAX,
    ASSETS_MAX,
    FEE_PPM_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    SYMBOLS_MAX,
)
from sim.twin import auction, risk
from sim.twin.state import Asset, Command, Limits, Reject, State, Symbol


def set_mode(state: State, command: Command) -> Reply:
    symbol = state.symbols.get(command.symbol)
    mode = command.words[4]
    if symbol is None:
        raise Reject(UNKNOWN_SYMBOL, command.symbol)
    until_ns = command.words[5]
    last_mode = MODE_AUCTION if state.version >= 4 else MODE_HARD_HALT
    if not MODE_NORMAL <= mode <= last_mode:
        raise Reject(VALIDATION, 4)
    if state.version >= 4:
        if until_ns and (mode != MODE_AUCTION or until_ns <= state.now):
            raise Reject(VALIDATION, 5)
        auction.set_mode(state, symbol, mode, until_ns)
        state.use(symbol.id)
        return state.reply(command, id=symbol.id, seq=symbol.seq)
    old_mode, symbol.mode = symbol.mode, mode
    seq = state.emit(SymbolModeChanged, symbol.id, mode=mode, old_mode=old_mode)
    state.use(symbol.id)
    return state.reply(command, id=symbol.id, seq=seq)


def move(state: State, command: Command) -> Reply:
    """DEPOSIT and WITHDRAW."""
    account, reference = command.account, command.key
    asset, amount = command.words[4], command.words[5]
    check_move(state, account, reference, asset, amount)
    known = state.moves.get((command.kind, *reference))
    if known is not None:
        payload, reply = known
        if payload != (account, asset, amount):
            raise Reject(IDEMPOTENCY_MISMATCH)
        return repeated(reply)
    if command.kind == CMD_DEPOSIT:
        if state.accounts.supply[asset] + amount > AMOUNT_MAX:
            raise Reject(MAX_NOTIONAL, AMOUNT_MAX - state.accounts.supply[asset])
        state.accounts.deposit(account, asset, amount)
        reason, delta = MOVED_BY_DEPOSIT, amount
    else:
        risk.check_may_withdraw(state, account)
        available = state.accounts.available[account, asset]
        if amount > available:
            raise Reject(INSUFFICIENT_FUNDS, available)
        state.accounts.withdraw(account, asset, amount)
        reason, delta = MOVED_BY_WITHDRAWAL, -amount
    available = state.accounts.available[account, asset]
    seq = state.emit(
        BalanceChanged, 0, reason=reason, account=account, asset=asset, delta=delta,
        available=available, hold=state.accounts.hold[account, asset], ref_hi=reference[0],
        ref_lo=reference[1],
    )  # fmt: skip
    reply = state.reply(command, id=account, seq=seq, detail=available)
    state.moves[(command.kind, *reference)] = ((account, asset, amount), reply)
    return reply


def check_move(
    state: State, account: int, reference: tuple[int, int], asset: int, amount: int
) -> None:
    if not state.accounts.is_open(account):
        raise Reject(VALIDATION, 1)
    if reference == (0, 0):
        raise Reject(VALIDATION, 2)
    if asset not in state.assets:
        raise Reject(VALIDATION, 4)
    if not 1 <= amount <= AMOUNT_MAX:
        raise Reject(VALIDATION, 5)


def repeated(reply: Reply) -> Reply:
    """The first reply again, with the duplicate bit."""
    return msgspec.structs.replace(reply, duplicate=True)


def open_account(state: State, command: Command) -> Reply:
    reference = (command.words[4], command.words[5])
    if reference == (0, 0):
        raise Reject(VALIDATION, 4)
    if reference in state.account_refs:
        return state.reply(command, id=state.account_refs[reference], duplicate=True)
    account = state.accounts.open()
    state.account_refs[reference] = account
    seq = state.emit(AccountOpened, 0, account=account, ref_hi=reference[0], ref_lo=reference[1])
    return state.reply(command, id=account, seq=seq)


def _name(command: Command) -> str:
    """Characters from ! to ~, then only padding; at least one."""
    raw = b"".join(word.to_bytes(8, "little", signed=True) for word in command.words[4:6])
    name = raw.rstrip(b"\0")
    if not name or any(not 0x21 <= byte <= 0x7E for byte in name):
        raise Reject(VALIDATION, 4)
    return name_text(command.words[4], command.words[5])


def list_asset(state: State, command: Command) -> Reply:
    name, scale = _name(command), command.words[6]
    if not 0 <= scale <= ASSET_SCALE_MAX:
        raise Reject(VALIDATION, 6)
    for asset in state.assets.values():
        if asset.name == name:
            if asset.scale != scale:
                raise Reject(VALIDATION, 4)
            return state.reply(command, id=asset.id, duplicate=True)
    if len(state.assets) >= ASSETS_MAX:
        raise Reject(OVERLOADED, ASSETS_MAX)
    asset = Asset(id=len(state.assets) + 1, name=name, scale=scale)
    state.assets[asset.id] = asset
    seq = state.emit(AssetListed, 0, asset=asset.id, name=name, scale=scale)
    return state.reply(command, id=asset.id, seq=seq)


def _listing(symbol: Symbol) -> tuple[int, ...]:
    """What was asked for, in the order of the command's words from 6."""
    return (
        symbol.base, symbol.quote, symbol.tick_units, symbol.lot_units, symbol.min_price,
        symbol.max_price, symbol.max_qty, symbol.min_notional, symbol.max_notional,
        symbol.maker_ppm, symbol.taker_ppm,
    )  # fmt: skip


def list_symbol(state: State, command: Command) -> Reply:
    name = _name(command)
    asked = command.words[6:17]
    for known in state.symbols.values():
        if known.name == name:
            if _listing(known) != asked:
                raise Reject(VALIDATION, 4)
            return state.reply(command, id=known.id, duplicate=True)
    tick_value = _check_listing(state, *asked)
    if len(state.symbols) >= SYMBOLS_MAX:
        raise Reject(OVERLOADED, SYMBOLS_MAX)
    fields = (
        "base", "quote", "tick_units", "lot_units", "min_price", "max_price", "max_qty",
        "min_notional", "max_notional", "maker_ppm", "taker_ppm",
    )  # fmt: skip
    spec: dict[str, Any] = dict(zip(fields, asked, strict=True)) | {"tick_value": tick_value}
    symbol = Symbol(id=len(state.symbols) + 1, name=name, **spec)
    state.symbols[symbol.id] = symbol
    seq = state.emit(SymbolListed, symbol.id, name=name, **spec)
    return state.reply(command, id=symbol.id, seq=seq)


def _check_listing(
    state: State, base: int, quote: int, tick_units: int, lot_units: int, min_price: int,
    max_price: int, max_qty: int, min_notional: int, max_notional: int, maker_ppm: int,
    taker_ppm: int,
) -> int:  # fmt: skip
    """The tick value, or the number of the first word that cannot be."""
    if base not in state.assets:
        raise Reject(VALIDATION, 6)
    if quote not in state.assets or quote == base:
        raise Reject(VALIDATION, 7)
    if lot_units < 1:
        raise Reject(VALIDATION, 9)
    product = tick_units * lot_units
    whole_coin = int(10 ** state.assets[base].scale)
    if tick_units < 1 or product > AMOUNT_MAX or product % whole_coin != 0:
        raise Reject(VALIDATION, 8)
    tick_value = product // whole_coin
    if min_price < 1:
        raise Reject(VALIDATION, 10)
    if not min_price <= max_price <= PRICE_TICKS_MAX:
        raise Reject(VALIDATION, 11)
    if (
        not 1 <= max_qty <= QTY_LOTS_MAX
        or max_qty * lot_units > AMOUNT_MAX
        or max_price * max_qty * tick_value > AMOUNT_MAX
    ):
        raise Reject(VALIDATION, 12)
    if min_notional < 0:
        raise Reject(VALIDATION, 13)
    if not max(1, min_notional) <= max_notional <= AMOUNT_MAX:
        raise Reject(VALIDATION, 14)
    if not 0 <= maker_ppm <= FEE_PPM_MAX:
        raise Reject(VALIDATION, 15)
    if not 0 <= taker_ppm <= FEE_PPM_MAX:
        raise Reject(VALIDATION, 16)
    return tick_value


def checkpoint(state: State, command: Command, digest: bytes) -> Reply:
    """`digest` is that of the state before this command; here also of this batch so far."""
    state.last_checkpoint = (state.index, digest)
    seq = state.emit(
        EngineCheckpoint, 0, index=state.index, digest=digest,
        balances_digest=state.accounts.digest(),
    )  # fmt: skip
    return state.reply(command, seq=seq)


def set_limits(state: State, command: Command) -> Reply:
    open_orders, window, rows = command.words[4:7]
    if not 1 <= open_orders <= 1 << 24:
        raise Reject(VALIDATION, 4)
    if not 1 <= window <= 1 << 62:
        raise Reject(VALIDATION, 5)
    if not 1 <= rows <= 1 << 26:
        raise Reject(VALIDATION, 6)
    state.limits = Limits(open_orders, window, rows)
    state.forget_expired()
    seq = state.emit(
        LimitsChanged, 0, open_orders=open_orders, dedup_window_ns=window, dedup_rows=rows
    )
    return state.reply(command, seq=seq)


def set_group(state: State, command: Command) -> Reply:
    account, group = command.account, command.words[4]
    if not state.accounts.is_open(account):
        raise Reject(VALIDATION, 1)
    if group < 0:
        raise Reject(VALIDATION, 4)
    before = state.groups.get(account, 0)
    state.groups[account] = group
    seq = state.emit(GroupChanged, 0, account=account, group=group, old_group=before)
    return state.reply(command, id=account, seq=seq)


def set_version(state: State, command: Command) -> Reply:
    wanted, old = command.words[4], state.version
    if not old <= wanted <= 65_535:
        raise Reject(VALIDATION, 4)
    if wanted == old:
        return state.reply(command, id=wanted, duplicate=True)
    if old < 3 <= wanted:
        for symbol in state.symbols.values():
            symbol.last = symbol.high = symbol.low = 0
    state.version = wanted
    seq = state.emit(VersionChanged, 0, version=wanted, old_version=old)
    return state.reply(command, id=wanted, seq=seq)
