"""A market with funded accounts on a running node, through the operators' interface."""

from adapters.rpc_client import CoreClient
from adapters.rpc_operator import Operator

SYMBOL = "BTC-KRW"
SYMBOL_ID = 1
FUNDS = 1 << 50


def operator_of(core: CoreClient) -> Operator:
    return Operator(core, "test", "a market to trade on", "T-1")


async def open_market(core: CoreClient, accounts: int) -> list[int]:
    """Lists the symbol, opens and funds accounts; gives their ids."""
    operator = operator_of(core)
    for name, scale in (("BTC", 8), ("KRW", 0)):
        await operator.list_asset(name, scale)
    listed = await operator.list_symbol(
        name=SYMBOL, base="BTC", quote="KRW", tick_units=1000, lot_units=100_000,
        min_price_ticks=1, max_price_ticks=1 << 30, max_qty_lots=1 << 30,
        min_notional_units=0, max_notional_units=1 << 60, maker_ppm=100, taker_ppm=200,
    )  # fmt: skip
    assert listed == SYMBOL_ID
    opened = [await operator.open_account(f"user {number}") for number in range(accounts)]
    for number, account in enumerate(opened):
        for asset in ("BTC", "KRW"):
            await operator.deposit(account, asset, FUNDS, f"first {asset} of {number}")
    return opened
