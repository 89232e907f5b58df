"""A market and funded accounts on a fresh core, for the REST benchmark and end-to-end tests.

Why it exists: both need the same small world, made through the operators' interface as an
operator would make it.
"""

from typing import Any, Final

from adapters.rpc_client import CoreClient
from contracts.gen.exchange.v1 import admin_pb2, types_pb2
from core.codes import OK

AUDIT: Final = types_pb2.AuditNote(
    operator="load", reason="a market for a benchmark or a test", ticket="LOAD-1"
)
SYMBOL: Final = "BTC-KRW"
KRW_SCALE: Final = 0
BTC_SCALE: Final = 8


class SetupRefused(Exception):
    """The core refused an operator's command of the setup."""


async def list_market(core: CoreClient) -> None:
    """KRW without decimals, BTC with 8; tick 1,000 KRW, lot 0.001 BTC."""
    for name, scale in (("KRW", KRW_SCALE), ("BTC", BTC_SCALE)):
        asset = admin_pb2.ListAssetRequest(audit=AUDIT, name=name, scale=scale)
        _taken(await core.admin.ListAsset(asset))
    symbol = admin_pb2.ListSymbolRequest(
        audit=AUDIT, name=SYMBOL, base="BTC", quote="KRW", tick_units=1_000, lot_units=100_000,
        min_price_ticks=1_000, max_price_ticks=1_000_000, max_qty_lots=10_000_000,
        min_notional_units=5_000, max_notional_units=10_000_000_000, maker_ppm=500,
        taker_ppm=1_000,
    )  # fmt: skip
    _taken(await core.admin.ListSymbol(symbol))


async def open_funded(core: CoreClient, name: str, krw: int, btc: int) -> int:
    """The account of the outside name `name`, with deposits in minimal units; its number."""
    named = types_pb2.CommandMetadata(idempotency_key=name)
    opened = await core.admin.OpenAccount(admin_pb2.OpenAccountRequest(metadata=named, audit=AUDIT))
    account: int = _taken(opened).id
    for asset, amount in (("KRW", krw), ("BTC", btc)):
        metadata = types_pb2.CommandMetadata(
            user_id=str(account), idempotency_key=f"{name} {asset}"
        )
        deposit = admin_pb2.DepositRequest(
            metadata=metadata, audit=AUDIT, asset=asset, amount_units=amount
        )
        _taken(await core.admin.Deposit(deposit))
    return account


def _taken(response: Any) -> Any:
    """The reply of an operator's command. Raises `SetupRefused`."""
    if response.reply.code != OK:
        raise SetupRefused(str(response.reply))
    return response.reply
