"""AdminService: what operators may change, each with a note that stays in the log, and views.

Why it exists: an operator's command moves money or stops a market, so none is taken without who,
why and under which ticket; the note is written into the batch's metadata, hence replicated and
chained with the command itself. It must not know the command line, nor a command's rules.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, cast

import grpc

from adapters.rpc_calls import Context, NodeCalls, refuse
from adapters.rpc_codec import FieldError, account_of, audit_of, key_of
from adapters.rpc_directory import Directory
from adapters.rpc_risk import RiskServicer
from contracts.gen.exchange.v1 import admin_pb2 as pb
from contracts.gen.exchange.v1 import types_pb2 as types
from core import commands
from core.codes import (
    CMD_DEPOSIT, CMD_LIST_ASSET, CMD_LIST_SYMBOL, CMD_OPEN_ACCOUNT, CMD_SET_GROUP, CMD_SET_LIMITS,
    CMD_SET_VERSION, CMD_WITHDRAW,
)  # fmt: skip
from replication.node_snapshots import SnapshotFailed
from replication.ports import ClusterApi

if TYPE_CHECKING:
    from core.machine import Machine
    from core.views import SymbolView

TakeSnapshot = Callable[[], Awaitable[int]]
"""Writes a snapshot of this node and gives its log index, or raises `SnapshotFailed`."""

UNLISTED_ASSET: Final = 0
"""Ids start at 1: the machine itself answers for a name that is not listed."""


class AdminServicer(RiskServicer):
    def __init__(
        self, calls: NodeCalls, directory: Directory, take_snapshot: TakeSnapshot | None,
        cluster: ClusterApi | None = None,
    ) -> None:  # fmt: skip
        super().__init__(calls, cluster)
        self._directory = directory
        self._take_snapshot = take_snapshot

    async def ListAsset(  # noqa: N802  the name is the protocol's
        self, request: pb.ListAssetRequest, context: Context
    ) -> pb.ListAssetResponse:
        def record() -> bytes:
            return commands.list_asset(_name(request.name), request.scale)

        return await self._calls.operate(
            request, record, CMD_LIST_ASSET, context, pb.ListAssetResponse
        )

    async def ListSymbol(  # noqa: N802
        self, request: pb.ListSymbolRequest, context: Context
    ) -> pb.ListSymbolResponse:
        ids = await self._directory.asset_ids([request.base, request.quote])

        def record() -> bytes:
            return commands.list_symbol(
                _name(request.name),
                ids.get(request.base, UNLISTED_ASSET), ids.get(request.quote, UNLISTED_ASSET),
                tick_units=request.tick_units, lot_units=request.lot_units,
                min_price=request.min_price_ticks, max_price=request.max_price_ticks,
                max_qty=request.max_qty_lots, min_notional=request.min_notional_units,
                max_notional=request.max_notional_units, maker_ppm=request.maker_ppm,
                taker_ppm=request.taker_ppm,
            )  # fmt: skip

        return await self._calls.operate(
            request, record, CMD_LIST_SYMBOL, context, pb.ListSymbolResponse
        )

    async def OpenAccount(  # noqa: N802
        self, request: pb.OpenAccountRequest, context: Context
    ) -> pb.OpenAccountResponse:
        def record() -> bytes:
            return commands.open_account(_reference(request.metadata))

        return await self._calls.operate(
            request, record, CMD_OPEN_ACCOUNT, context, pb.OpenAccountResponse
        )

    async def Deposit(  # noqa: N802
        self, request: pb.DepositRequest, context: Context
    ) -> pb.DepositResponse:
        asset = await self._asset_id(request.asset)

        def record() -> bytes:
            account = account_of(request.metadata.user_id, "metadata.user_id")
            reference = _reference(request.metadata)
            return commands.deposit(account, asset, request.amount_units, reference)

        return await self._calls.operate(request, record, CMD_DEPOSIT, context, pb.DepositResponse)

    async def Withdraw(  # noqa: N802
        self, request: pb.WithdrawRequest, context: Context
    ) -> pb.WithdrawResponse:
        asset = await self._asset_id(request.asset)

        def record() -> bytes:
            account = account_of(request.metadata.user_id, "metadata.user_id")
            reference = _reference(request.metadata)
            return commands.withdraw(account, asset, request.amount_units, reference)

        return await self._calls.operate(
            request, record, CMD_WITHDRAW, context, pb.WithdrawResponse
        )

    async def SetLimits(  # noqa: N802
        self, request: pb.SetLimitsRequest, context: Context
    ) -> pb.SetLimitsResponse:
        def record() -> bytes:
            return commands.set_limits(
                request.open_orders, request.dedup_window_ns, request.dedup_rows
            )

        return await self._calls.operate(
            request, record, CMD_SET_LIMITS, context, pb.SetLimitsResponse
        )

    async def SetSelfTradeGroup(  # noqa: N802
        self, request: pb.SetSelfTradeGroupRequest, context: Context
    ) -> pb.SetSelfTradeGroupResponse:
        def record() -> bytes:
            account = account_of(request.metadata.user_id, "metadata.user_id")
            return commands.set_group(account, request.group)

        return await self._calls.operate(
            request, record, CMD_SET_GROUP, context, pb.SetSelfTradeGroupResponse
        )

    async def SetMachineVersion(  # noqa: N802
        self, request: pb.SetMachineVersionRequest, context: Context
    ) -> pb.SetMachineVersionResponse:
        def record() -> bytes:
            return commands.set_version(request.version)

        return await self._calls.operate(
            request, record, CMD_SET_VERSION, context, pb.SetMachineVersionResponse
        )

    async def Snapshot(  # noqa: N802
        self, request: pb.SnapshotRequest, context: Context
    ) -> pb.SnapshotResponse:
        try:
            audit_of(request.audit)
        except FieldError as error:
            await refuse(context, error)
        if self._take_snapshot is None:
            await context.abort(
                grpc.StatusCode.UNIMPLEMENTED, "this node takes its snapshots by itself alone"
            )
            raise AssertionError("abort raises")
        try:
            return pb.SnapshotResponse(index=await self._take_snapshot())
        except SnapshotFailed as error:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
            raise AssertionError("abort raises") from error

    async def GetStatus(  # noqa: N802
        self, request: pb.GetStatusRequest, context: Context
    ) -> pb.GetStatusResponse:
        status = self._calls.node.status()
        wanted = request.with_digest
        index, chain, digest, balances, accounts = await self._calls.peek(
            context, lambda machine: _state(machine, wanted)
        )
        return pb.GetStatusResponse(
            role=status.role, term=status.term, index=index,
            leader_hint=str(status.leader) if status.leader else "", chain=chain, digest=digest,
            balances_digest=balances, accounts=accounts, partition=status.partition,
            cluster_id=status.cluster_id, durable_index=status.durable_index,
            ts_ns=status.ts_ns, accepting=status.accepting,
            machine_version=status.machine_version,
        )  # fmt: skip

    async def GetMarkets(  # noqa: N802
        self, _request: pb.GetMarketsRequest, context: Context
    ) -> pb.GetMarketsResponse:
        index, assets, symbols = await self._calls.query(
            context, lambda machine: (machine.index, machine.assets(), machine.symbols())
        )
        names = {asset.id: asset.name for asset in assets}
        return pb.GetMarketsResponse(
            symbols=[_symbol(symbol, names) for symbol in symbols],
            assets=[pb.Asset(asset_id=a.id, name=a.name, scale=a.scale) for a in assets],
            index=index,
        )

    async def _asset_id(self, name: str) -> int:
        return (await self._directory.asset_ids([name])).get(name, UNLISTED_ASSET)


def _name(name: str) -> str:
    """What fits the record; which of its characters a name may have, the machine says."""
    try:
        commands.name_words(name)
    except ValueError as error:
        raise FieldError(f"name: {name[:32]!r} must be 1 to 16 ASCII characters") from error
    return name


def _reference(metadata: types.CommandMetadata) -> commands.Key:
    return key_of(metadata.idempotency_key, "metadata.idempotency_key", required=True)


def _state(machine: "Machine", with_digest: bool) -> tuple[int, bytes, bytes, bytes, int]:
    digest = machine.digest() if with_digest else b""
    balances = machine.balances_digest() if with_digest else b""
    return machine.index, machine.chain, digest, balances, machine.account_count


def _symbol(view: "SymbolView", assets: dict[int, str]) -> pb.Symbol:
    return pb.Symbol(
        symbol_id=view.id, name=view.name, base=assets[view.base], quote=assets[view.quote],
        tick_units=view.tick_units, lot_units=view.lot_units, tick_value=view.tick_value,
        min_price_ticks=view.min_price, max_price_ticks=view.max_price,
        max_qty_lots=view.max_qty, min_notional_units=view.min_notional,
        max_notional_units=view.max_notional, maker_ppm=view.maker_ppm,
        taker_ppm=view.taker_ppm, mode=cast("types.SymbolMode", view.mode + 1), seq=view.seq,
    )  # fmt: skip
