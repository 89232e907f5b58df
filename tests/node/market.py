"""A market with funded accounts on a running node, through the operators' interface."""

from adapters.rpc_client import CoreClient
from contracts.gen.exchange.v1 import admin_pb2 as pb
from contracts.gen.exchange.v1 import types_pb2 as types

AUDIT = types.AuditNote(operator="test", reason="a market to trade on", ticket="T-1")
SYMBOL = "BTC-KRW"
SYMBOL_ID = 1
FUNDS = 1 << 50


async def open_market(core: CoreClient, accounts: int) -> list[int]:
    """Lists the symbol, opens and funds accounts; gives their ids."""
    for name, scale in (("BTC", 8), ("KRW", 0)):
        await core.admin.ListAsset(pb.ListAssetRequest(audit=AUDIT, name=name, scale=scale))
    await core.admin.ListSymbol(
        pb.ListSymbolRequest(
            audit=AUDIT, name=SYMBOL, base="BTC", quote="KRW", tick_units=1000, lot_units=100_000,
            min_price_ticks=1, max_price_ticks=1 << 30, max_qty_lots=1 << 30,
            min_notional_units=0, max_notional_units=1 << 60, maker_ppm=100, taker_ppm=200,
        )
    )  # fmt: skip
    return [await _open(core, number) for number in range(accounts)]


async def _open(core: CoreClient, number: int) -> int:
    name = types.CommandMetadata(idempotency_key=f"user {number}")
    opened = await core.admin.OpenAccount(pb.OpenAccountRequest(audit=AUDIT, metadata=name))
    assert opened.reply.id, opened
    account = opened.reply.id
    for asset in ("BTC", "KRW"):
        reference = types.CommandMetadata(
            user_id=str(account), idempotency_key=f"first {asset} of {number}"
        )
        paid = await core.admin.Deposit(
            pb.DepositRequest(audit=AUDIT, metadata=reference, asset=asset, amount_units=FUNDS)
        )
        assert paid.reply.detail == FUNDS
    return int(account)
