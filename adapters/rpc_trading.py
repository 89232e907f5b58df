"""TradingCoreService: one call per order, the batched stream, and the queries.

Why it exists: see `rpc_server`; this is the part that clients and gateways trade through. It
must not know how a batch becomes durable, nor judge a command's values: the machine does.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, cast

import grpc

from adapters.rpc_calls import STOPPING, Answer, Context, NodeCalls, refuse
from adapters.rpc_codec import (
    FieldError, account_of, hash_bytes, key_of, metadata_of, mode_of, order_id_of, reply_messages,
)  # fmt: skip
from adapters.rpc_directory import Directory
from adapters.rpc_metadata import MalformedMetadata, check_names, encode
from adapters.rpc_orders import batch_of, command_of, symbol_names
from contracts.gen.exchange.v1 import trading_pb2 as pb
from contracts.gen.exchange.v1 import types_pb2 as types
from core import commands
from core.codes import (
    CMD_AMEND,
    CMD_CANCEL,
    CMD_CANCEL_AFTER,
    CMD_CANCEL_ALL,
    CMD_PLACE,
    CMD_PLACE_LIST,
    CMD_PLACE_TERMS,
    CMD_SET_MODE,
    OK,
)
from core.commands import (
    C_ACCOUNT,
    COMMAND_WORDS,
    TRADING_KINDS,
    MalformedBatch,
    check_commands,
)
from core.limits import BATCH_COMMANDS_MAX, WORD_BYTES
from replication.ports import OutcomeLost

if TYPE_CHECKING:
    from core.views import OrderView

WINDOW_BATCHES: Final = 64
"""Batches in flight on one stream; with a full window the server stops reading."""
BOOK_DEPTH_MAX: Final = 1000
BOOK_DEPTH_DEFAULT: Final = 20

EVERYBODY: Final = "0"

_RECORD_BYTES: Final = COMMAND_WORDS * WORD_BYTES
_TRADING: Final = bytes(TRADING_KINDS)


def check_trading(packed: bytes) -> int:
    """How many well-formed trading commands these are. Raises `MalformedBatch`."""
    count = check_commands(packed)
    if count == 0:
        raise MalformedBatch("commands: none; a batch has at least one")
    if len(packed) == count * _RECORD_BYTES:
        # The usual batch: whole rows, so the first byte of each is its kind.
        kinds = packed[::_RECORD_BYTES]
        if not kinds.translate(None, _TRADING) and CMD_CANCEL_ALL not in kinds:
            return count
    at = 0
    for ordinal in range(count):
        kind = packed[at]
        if kind not in TRADING_KINDS:
            name = commands.command_name(kind)
            raise MalformedBatch(
                f"commands: command {ordinal} is {name}; only trading commands pass here"
            )
        account = at + C_ACCOUNT * WORD_BYTES
        if kind == CMD_CANCEL_ALL and not any(packed[account : account + WORD_BYTES]):
            # Everybody's orders need an operator's note, which a batch cannot carry.
            raise MalformedBatch(f"commands: command {ordinal}: account: required")
        at += packed[at + 1] * WORD_BYTES
    return count


class TradingServicer:
    """Answers in the order of the requests; each batch is one submission to the node."""

    def __init__(self, calls: NodeCalls, directory: Directory) -> None:
        self._calls = calls
        self._directory = directory

    # --- one command per call -----------------------------------------------------------------

    async def PlaceOrder(  # noqa: N802  the name is the protocol's
        self, request: pb.PlaceOrderRequest, context: Context
    ) -> pb.PlaceOrderResponse:
        command = pb.Command(metadata=request.metadata, place_order=request.order)
        kind = CMD_PLACE_TERMS if request.order.HasField("terms") else CMD_PLACE
        a = await self._one(command, context, kind)
        return pb.PlaceOrderResponse(reply=a.reply, position=a.position, leader_hint=a.leader_hint)

    async def CancelOrder(  # noqa: N802
        self, request: pb.CancelOrderRequest, context: Context
    ) -> pb.CancelOrderResponse:
        command = pb.Command(metadata=request.metadata, cancel_order=request.cancel)
        a = await self._one(command, context, CMD_CANCEL)
        return pb.CancelOrderResponse(reply=a.reply, position=a.position, leader_hint=a.leader_hint)

    async def AmendOrder(  # noqa: N802
        self, request: pb.AmendOrderRequest, context: Context
    ) -> pb.AmendOrderResponse:
        command = pb.Command(metadata=request.metadata, amend_order=request.amend)
        a = await self._one(command, context, CMD_AMEND)
        return pb.AmendOrderResponse(reply=a.reply, position=a.position, leader_hint=a.leader_hint)

    async def CancelAll(  # noqa: N802
        self, request: pb.CancelAllRequest, context: Context
    ) -> pb.CancelAllResponse:
        command = pb.Command(metadata=request.metadata, cancel_all=request.which)
        everybody = request.metadata.user_id == EVERYBODY
        audit = request.audit if everybody or request.HasField("audit") else None
        a = await self._one(command, context, CMD_CANCEL_ALL, audit)
        return pb.CancelAllResponse(reply=a.reply, position=a.position, leader_hint=a.leader_hint)

    async def PlaceOrderList(  # noqa: N802
        self, request: pb.PlaceOrderListRequest, context: Context
    ) -> pb.PlaceOrderListResponse:
        command = pb.Command(metadata=request.metadata, place_list=request.list)
        a = await self._one(command, context, CMD_PLACE_LIST)
        return pb.PlaceOrderListResponse(
            reply=a.reply, position=a.position, leader_hint=a.leader_hint
        )

    async def CancelAfter(  # noqa: N802
        self, request: pb.CancelAfterRequest, context: Context
    ) -> pb.CancelAfterResponse:
        command = pb.Command(metadata=request.metadata, cancel_after=request.cancel_after)
        a = await self._one(command, context, CMD_CANCEL_AFTER)
        return pb.CancelAfterResponse(reply=a.reply, position=a.position, leader_hint=a.leader_hint)

    async def SetSymbolMode(  # noqa: N802
        self, request: pb.SetSymbolModeRequest, context: Context
    ) -> pb.SetSymbolModeResponse:
        try:
            mode = mode_of(request.mode, "mode")
            metadata = metadata_of(request.metadata, request.audit)
            key = key_of(request.metadata.idempotency_key, "metadata.idempotency_key")
        except FieldError as error:
            await refuse(context, error)
        symbol = await self._symbol_id(request.metadata.symbol, "metadata.symbol", context)
        command = commands.set_mode(symbol, mode, key, request.until_ns)
        a = await self._calls.submit_one(context, command, metadata, CMD_SET_MODE)
        return pb.SetSymbolModeResponse(
            reply=a.reply, position=a.position, leader_hint=a.leader_hint
        )

    async def _one(
        self, command: pb.Command, context: Context, kind: int,
        audit: types.AuditNote | None = None,
    ) -> Answer:  # fmt: skip
        ids = await self._directory.symbol_ids(symbol_names([command]))
        try:
            record = command_of(command, ids)
            metadata = metadata_of(command.metadata, audit)
        except FieldError as error:
            await refuse(context, error)
        return await self._calls.submit_one(context, record, metadata, kind)

    # --- the stream ---------------------------------------------------------------------------

    async def Submit(  # noqa: N802
        self, requests: AsyncIterator[pb.SubmitRequest], context: Context
    ) -> AsyncIterator[pb.SubmitResponse]:
        """Reads ahead of the answers by at most a window, and answers in order."""
        window: Window = asyncio.Queue(WINDOW_BATCHES)
        reader = asyncio.create_task(self._read(requests, window))
        try:
            while (pending := await window.get()) is not None:
                answer = await pending
                if isinstance(answer, str):
                    await context.abort(grpc.StatusCode.UNAVAILABLE, answer)
                yield answer
        finally:
            reader.cancel()

    async def _read(self, requests: AsyncIterator[pb.SubmitRequest], window: "Window") -> None:
        """Starts each batch before it reads the next, so that they enter the log in order."""
        try:
            async for request in requests:
                prepared = await self._prepare(request)
                await window.put(asyncio.create_task(self._answer(request, prepared)))
        except Exception as error:  # noqa: BLE001  the answering side raises it
            await window.put(_failed(error))
        await window.put(None)

    async def _prepare(self, request: pb.SubmitRequest) -> "Prepared | pb.SubmitResponse":
        """The batch for the node, or the answer that refuses it whole."""
        try:
            if request.packed:
                return _packed_batch(request)
            return await self._typed_batch(request)
        except (FieldError, MalformedBatch, MalformedMetadata) as error:
            return pb.SubmitResponse(
                batch_id=request.batch_id, code=types.REJECT_CODE_VALIDATION, error=str(error)
            )

    async def _typed_batch(self, request: pb.SubmitRequest) -> "Prepared":
        batch = list(request.commands)
        if not 1 <= len(batch) <= BATCH_COMMANDS_MAX:
            raise FieldError(f"commands: {len(batch)}; 1 to {BATCH_COMMANDS_MAX}")
        if request.metadata:
            raise FieldError("metadata: empty with typed commands, which carry their own")
        ids = await self._directory.symbol_ids(symbol_names(batch))
        records, metadata = batch_of(batch, ids)
        check_trading(records)
        return records, len(batch), encode(metadata)

    async def _answer(
        self, request: pb.SubmitRequest, prepared: "Prepared | pb.SubmitResponse"
    ) -> "pb.SubmitResponse | str":
        """The batch's answer; a text when the node stops and there will be none."""
        if isinstance(prepared, pb.SubmitResponse):
            return prepared
        records, count, metadata = prepared
        try:
            submitted = await self._calls.node.submit(records, count, metadata)
        except OutcomeLost as error:
            return pb.SubmitResponse(
                batch_id=request.batch_id, outcome_unknown=True, error=str(error)
            )
        except Exception as error:  # noqa: BLE001  the port says: any failure is "stopping"
            return f"{STOPPING} ({error})"
        if submitted.code != OK:
            return pb.SubmitResponse(
                batch_id=request.batch_id, code=cast("types.RejectCode", submitted.code),
                error=submitted.reason, leader_hint=self._calls.leader_hint(submitted),
            )  # fmt: skip
        packed = bool(request.packed)
        return pb.SubmitResponse(
            batch_id=request.batch_id, index=submitted.index, term=submitted.term,
            ts_ns=submitted.ts_ns, packed_replies=submitted.replies if packed else b"",
            replies=() if packed else reply_messages(submitted.replies, count),
        )  # fmt: skip

    # --- queries ------------------------------------------------------------------------------

    async def GetOrder(  # noqa: N802
        self, request: pb.GetOrderRequest, context: Context
    ) -> pb.GetOrderResponse:
        try:
            order_id = order_id_of(request.order_id, "order_id")
        except FieldError as error:
            await refuse(context, error)
        index, view = await self._calls.query(context, lambda m: (m.index, m.order(order_id)))
        if view is None:
            return pb.GetOrderResponse(index=index)
        names = await self._directory.symbol_names([view.symbol])
        return pb.GetOrderResponse(order=_order(view, names[view.symbol]), index=index)

    async def ListOpenOrders(  # noqa: N802
        self, request: pb.ListOpenOrdersRequest, context: Context
    ) -> pb.ListOpenOrdersResponse:
        account = await self._account(request.user_id, context)
        symbol = 0
        if request.symbol:
            symbol = await self._symbol_id(request.symbol, "symbol", context)
        index, views = await self._calls.query(
            context, lambda m: (m.index, m.open_orders(account, symbol))
        )
        names = await self._directory.symbol_names({view.symbol for view in views})
        orders = [_order(view, names[view.symbol]) for view in views]
        return pb.ListOpenOrdersResponse(orders=orders, index=index)

    async def GetBalances(  # noqa: N802
        self, request: pb.GetBalancesRequest, context: Context
    ) -> pb.GetBalancesResponse:
        account = await self._account(request.user_id, context)
        index, views = await self._calls.query(context, lambda m: (m.index, m.balances(account)))
        names = await self._directory.asset_names({view.asset for view in views})
        balances = [
            pb.Balance(
                user_id=str(view.account), asset=names[view.asset], asset_id=view.asset,
                available_units=view.available, hold_units=view.hold,
            )
            for view in views
        ]  # fmt: skip
        return pb.GetBalancesResponse(balances=balances, index=index)

    async def GetBook(  # noqa: N802
        self, request: pb.GetBookRequest, context: Context
    ) -> pb.GetBookResponse:
        depth = request.depth or BOOK_DEPTH_DEFAULT
        if depth > BOOK_DEPTH_MAX:
            await refuse(context, FieldError(f"depth: {depth}; at most {BOOK_DEPTH_MAX}"))
        symbol = await self._symbol_id(request.symbol, "symbol", context)
        index, view = await self._calls.query(context, lambda m: (m.index, m.book(symbol, depth)))
        return pb.GetBookResponse(
            symbol=request.symbol, seq=view.seq, bids=_levels(view.bids),
            asks=_levels(view.asks), index=index,
        )  # fmt: skip

    async def _account(self, user_id: str, context: Context) -> int:
        try:
            return account_of(user_id, "user_id")
        except FieldError as error:
            await refuse(context, error)

    async def _symbol_id(self, name: str, field: str, context: Context) -> int:
        found = (await self._directory.symbol_ids([name])).get(name)
        if found is None:
            await refuse(context, FieldError(f"{field}: {name[:32]!r} is not a listed symbol"))
        return found


Prepared = tuple[bytes, int, bytes]
Window = asyncio.Queue["asyncio.Future[pb.SubmitResponse | str] | None"]


def _packed_batch(request: pb.SubmitRequest) -> Prepared:
    if request.commands:
        raise FieldError("commands: empty when packed is given")
    count = check_trading(request.packed)
    check_names(request.metadata, count)
    return request.packed, count, request.metadata


def _failed(error: Exception) -> "asyncio.Future[pb.SubmitResponse | str]":
    future: asyncio.Future[pb.SubmitResponse | str] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    future.exception()  # retrieved: the answering side may have ended the stream before
    return future


def _order(view: "OrderView", symbol: str) -> pb.Order:
    return pb.Order(
        order_id=view.order_id, user_id=str(view.account), symbol=symbol,
        symbol_id=view.symbol, side=cast("types.Side", view.side + 1),
        time_in_force=cast("types.TimeInForce", view.time_in_force + 1),
        price_ticks=view.price, remaining_lots=view.remaining, filled_lots=view.filled,
        client_order_hash=hash_bytes(view.client_hi, view.client_lo),
        type=cast("types.OrderType", view.terms.order_type + 1), resting=view.terms.area == 0,
        trigger_ticks=view.terms.trigger, hidden_lots=view.terms.hidden,
        expire_ns=view.terms.expire_ns, list_id=view.terms.list_id,
    )  # fmt: skip


def _levels(levels: list[tuple[int, int, int]]) -> list[pb.PriceLevel]:
    return [
        pb.PriceLevel(price_ticks=price, total_lots=total, orders=orders)
        for price, total, orders in levels
    ]
