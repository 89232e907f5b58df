"""A market and funded accounts on a fresh core, for the REST benchmark and end-to-end tests.

Why it exists: both need the same small world, made through the operators' interface as an
operator would make it. It must not know who will trade there.
"""

from typing import Final

from adapters.cluster_client import CoreClients
from adapters.rpc_operator import Operator

SYMBOL: Final = "BTC-KRW"
KRW_SCALE: Final = 0
BTC_SCALE: Final = 8


async def list_market(core: CoreClients) -> None:
    """KRW without decimals, BTC with 8; tick 1,000 KRW, lot 0.001 BTC. Raises `CommandRefused`."""
    operator = _operator(core)
    for name, scale in (("KRW", KRW_SCALE), ("BTC", BTC_SCALE)):
        await operator.list_asset(name, scale)
    await operator.list_symbol(
        name=SYMBOL, base="BTC", quote="KRW", tick_units=1_000, lot_units=100_000,
        min_price_ticks=1_000, max_price_ticks=1_000_000, max_qty_lots=10_000_000,
        min_notional_units=5_000, max_notional_units=10_000_000_000, maker_ppm=500,
        taker_ppm=1_000,
    )  # fmt: skip


async def open_funded(core: CoreClients, name: str, krw: int, btc: int) -> int:
    """The account of the outside name `name`, with deposits in minimal units; its number.

    Raises `CommandRefused`.
    """
    operator = _operator(core)
    account = await operator.open_account(name)
    for asset, amount in (("KRW", krw), ("BTC", btc)):
        await operator.deposit(account, asset, amount, f"{name} {asset}")
    return account


def _operator(core: CoreClients) -> Operator:
    return Operator(core, "load", "a market for a benchmark or a test", "LOAD-1")
