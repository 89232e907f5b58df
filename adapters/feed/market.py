"""The market that a recorded flow is pushed into: its scales, its two accounts, their funds.

Why it exists: a flow needs a symbol whose ticks are the file's own prices, and accounts that can
pay for all of it. Both are made through the operators' service when they are not there, and left
as they are when they are. Bids belong to one account and asks to the other, so that no order
ever meets one of its own account. It must not know the formats that flows are recorded in.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from adapters.cluster_client import CoreClients
from adapters.feed.actions import ASK, BID
from adapters.rpc_operator import DEADLINE_S, Operator, accepted
from contracts.gen.exchange.v1 import trading_pb2, types_pb2

ACCOUNT_NAMES: Final = {BID: "lockstep-feed-buyer", ASK: "lockstep-feed-seller"}
ASSET_SCALE: Final = 6
LOT_UNITS: Final = 10**ASSET_SCALE
"""One lot is one whole share."""
FUND_QUOTE_UNITS: Final = 10**9 * 10**ASSET_SCALE
FUND_BASE_UNITS: Final = 10**7 * 10**ASSET_SCALE


class MarketError(Exception):
    """The environment's fault: this exchange cannot take the flow as it stands; says why."""


class Spec(msgspec.Struct, frozen=True):
    """A symbol as the flow needs it. `tick_units`: quote units per tick for one whole share."""

    symbol: str
    tick_units: int
    price_ticks_max: int

    @property
    def base(self) -> str:
        return self.symbol.partition("-")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("-")[2]


LOBSTER: Final = Spec("AAPL-USD", 100, 10**8)
"""A LOBSTER price, dollars x 10,000, is the tick: 0.0001 USD."""
ORDERFLOW: Final = Spec("FLOW-USD", 10_000, 10**7)
"""0.01 USD per tick."""


class Market(msgspec.Struct, frozen=True):
    """What a sender needs to know: the symbol's id and whose the two sides are."""

    symbol: str
    symbol_id: int
    accounts: dict[int, int]


class Preparation:
    """The steps of one run, each under the same note."""

    def __init__(self, core: CoreClients, note: str) -> None:
        self._core = core
        self._operator = Operator(core, "lockstep feed", note, "FEED")

    async def prepare(self, spec: Spec, accounts: dict[int, int] | None = None) -> Market:
        """Lists, opens, funds and clears as needed; `accounts` by side if they exist already.

        Raises `MarketError` or `CommandRefused`.
        """
        if not spec.base or not spec.quote:
            raise MarketError(f"symbol: {spec.symbol!r} must be BASE-QUOTE")
        for asset in (spec.base, spec.quote):
            await self._list_asset(asset)
        symbol = await self._list_symbol(spec)
        if accounts is None:
            accounts = {
                side: await self._operator.open_account(name)
                for side, name in ACCOUNT_NAMES.items()
            }
        await self._fund(accounts[BID], spec.quote, FUND_QUOTE_UNITS)
        await self._fund(accounts[ASK], spec.base, FUND_BASE_UNITS)
        await self._clear(spec.symbol, accounts.values())
        return Market(spec.symbol, symbol, accounts)

    async def _list_asset(self, name: str) -> None:
        known = (await self._core.assets()).get(name)
        if known is not None:
            if known.scale != ASSET_SCALE:
                raise MarketError(
                    f"asset {name} is listed with scale {known.scale}, the flow needs "
                    f"{ASSET_SCALE}: name another pair with --symbol"
                )
            return
        await self._operator.list_asset(name, ASSET_SCALE)

    async def _list_symbol(self, spec: Spec) -> int:
        known = (await self._core.symbols()).get(spec.symbol)
        if known is not None:
            if (known.tick_units, known.lot_units) != (spec.tick_units, LOT_UNITS):
                raise MarketError(
                    f"symbol {spec.symbol} is listed with another tick or lot than the flow's: "
                    "name another pair with --symbol"
                )
            return known.symbol_id
        return await self._operator.list_symbol(
            name=spec.symbol, base=spec.base, quote=spec.quote,
            tick_units=spec.tick_units, lot_units=LOT_UNITS, min_price_ticks=1,
            max_price_ticks=spec.price_ticks_max, max_qty_lots=10**6, min_notional_units=1,
            max_notional_units=10**17, maker_ppm=200, taker_ppm=400,
        )  # fmt: skip

    async def _fund(self, account: int, asset: str, wanted_units: int) -> None:
        balances = await self._core.balances(account)
        have = sum(b.available_units + b.hold_units for b in balances.balances if b.asset == asset)
        if have >= wanted_units:
            return
        # The log index makes each funding its own reference, and a repeat the same one.
        reference = f"lockstep-feed-{account}-{asset}-{balances.index}"
        await self._operator.deposit(account, asset, wanted_units - have, reference)

    async def _clear(self, symbol: str, accounts: Iterable[int]) -> None:
        """What an earlier run left goes; what others left is not ours to touch."""
        for account in accounts:
            left = True
            while left:
                request = trading_pb2.CancelAllRequest(
                    metadata=types_pb2.CommandMetadata(user_id=str(account), symbol=symbol)
                )
                answer = await self._core.trading.CancelAll(request, timeout=DEADLINE_S)
                left = accepted(answer, f"cancel-all on {symbol}").remaining_lots > 0
        book = await self._core.book(symbol, 1)
        if book.bids or book.asks:
            raise MarketError(
                f"symbol {symbol}: others have orders in its book; name another with --symbol"
            )
