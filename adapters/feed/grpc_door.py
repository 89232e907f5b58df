"""A recorded flow's way in by the gRPC stream: packed commands, many in flight, order kept.

Why it exists: the batched stream is what a gateway uses, so a flow through it meets the exchange as
orders from the public do, at the rate that one connection carries. It must not know formats.
"""

from typing import Final

from adapters.cluster_client import CoreClients
from adapters.feed.actions import ASK, BID, Amend, Cancel, Place
from adapters.feed.market import Market
from adapters.feed.sender import Answer
from core import commands
from core.codes import BUY, GTC, IOC, LIMIT, OK, SELL
from core.events import decode_reply

WINDOW: Final = 512
_SIDES: Final = {BID: BUY, ASK: SELL}


class Refused(Exception):
    """The environment's fault: the core takes no commands now; says why."""


class GrpcDoor:
    """Keeps `sender.Door`: the client's stream sends in the order of the calls."""

    def __init__(self, core: CoreClients, market: Market, window: int = WINDOW) -> None:
        self._core = core
        self._market = market
        self.window = window

    async def close(self) -> None:
        """The client belongs to the caller."""

    async def place(self, action: Place) -> Answer:
        market = self._market
        return await self._submit(commands.place(
            market.accounts[action.side], market.symbol_id, _SIDES[action.side], LIMIT,
            IOC if action.ioc else GTC, action.price, action.lots,
        ))  # fmt: skip

    async def cancel(self, action: Cancel, order_id: int, side: int) -> Answer:
        market = self._market
        return await self._submit(
            commands.cancel(market.accounts[side], market.symbol_id, order_id)
        )

    async def amend(self, action: Amend, order_id: int, side: int, filled: int) -> Answer:
        market = self._market
        return await self._submit(commands.amend(
            market.accounts[side], market.symbol_id, order_id, action.price, filled + action.lots
        ))  # fmt: skip

    async def filled(self, order_id: int) -> int:
        return (await self._core.order(order_id)).order.filled_lots

    async def _submit(self, command: bytes) -> Answer:
        submitted = await self._core.submit(command, 1)
        if submitted.code != OK:
            raise Refused(submitted.reason or f"code {submitted.code}")
        reply = decode_reply(submitted.replies)
        return Answer(reply.code, reply.id, reply.seq)
