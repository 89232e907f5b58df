"""TransferService: the steps of transfers between partitions, a call each, and what is known.

Why it exists: each step is an operator's command with a note in the log, and it must say the same
to whoever carries it, however often. It must not know in which order the steps come, nor the other
partition.
"""

from typing import TYPE_CHECKING, Final, cast

from adapters.rpc_calls import Context, NodeCalls, refuse
from adapters.rpc_codec import FieldError, account_of, enum_of, hash_bytes, key_of_bytes
from adapters.rpc_directory import Directory
from contracts.gen.exchange.v1 import transfers_pb2 as pb
from contracts.gen.exchange.v1 import types_pb2 as types
from core import commands, transfer_commands
from core.codes import CMD_TRANSFER_END, CMD_TRANSFER_IN, CMD_TRANSFER_OUT, CMD_TRANSFER_VOID
from core.limits import PARTITIONS_MAX

if TYPE_CHECKING:
    from core.views import TransferView

LIST_MAX: Final = 1_000


class TransferServicer:
    def __init__(self, calls: NodeCalls, directory: Directory) -> None:
        self._calls = calls
        self._directory = directory

    async def ReserveTransfer(  # noqa: N802  the name is the protocol's
        self, request: pb.ReserveTransferRequest, context: Context
    ) -> pb.ReserveTransferResponse:
        asset = await self._asset(request.asset)

        def record() -> bytes:
            return transfer_commands.transfer_out(*_first_step(request, asset))

        return await self._calls.operate(
            request, record, CMD_TRANSFER_OUT, context, pb.ReserveTransferResponse
        )

    async def CreditTransfer(  # noqa: N802
        self, request: pb.CreditTransferRequest, context: Context
    ) -> pb.CreditTransferResponse:
        asset = await self._asset(request.asset)

        def record() -> bytes:
            return transfer_commands.transfer_in(*_first_step(request, asset))

        return await self._calls.operate(
            request, record, CMD_TRANSFER_IN, context, pb.CreditTransferResponse
        )

    async def VoidTransfer(  # noqa: N802
        self, request: pb.VoidTransferRequest, context: Context
    ) -> pb.VoidTransferResponse:
        def record() -> bytes:
            return transfer_commands.transfer_void(
                _id(request.transfer_id), _partner(request.partner)
            )

        return await self._calls.operate(
            request, record, CMD_TRANSFER_VOID, context, pb.VoidTransferResponse
        )

    async def EndTransfer(  # noqa: N802
        self, request: pb.EndTransferRequest, context: Context
    ) -> pb.EndTransferResponse:
        def record() -> bytes:
            outcome = enum_of(request.outcome, pb.TRANSFER_OUTCOME_REFUND, "outcome") + 1
            return transfer_commands.transfer_end(_id(request.transfer_id), outcome, request.proof)

        return await self._calls.operate(
            request, record, CMD_TRANSFER_END, context, pb.EndTransferResponse
        )

    async def GetTransfer(  # noqa: N802
        self, request: pb.GetTransferRequest, context: Context
    ) -> pb.GetTransferResponse:
        try:
            hi, lo = _id(request.transfer_id)
        except FieldError as error:
            await refuse(context, error)
        index, views = await self._calls.query(
            context, lambda machine: (machine.index, machine.transfers(hi, lo))
        )
        return pb.GetTransferResponse(transfers=await self._messages(views), index=index)

    async def ListOpenTransfers(  # noqa: N802
        self, request: pb.ListOpenTransfersRequest, context: Context
    ) -> pb.ListOpenTransfersResponse:
        if not 1 <= request.limit <= LIST_MAX:
            await refuse(context, FieldError(f"limit: {request.limit} must be 1 to {LIST_MAX}"))
        index, views = await self._calls.query(
            context,
            lambda machine: (
                machine.index, machine.open_transfers(request.limit, request.after_seq)
            ),
        )  # fmt: skip
        return pb.ListOpenTransfersResponse(transfers=await self._messages(views), index=index)

    async def _asset(self, name: str) -> int:
        """Ids start at 1: for a name that is not listed, 0, the machine itself answers."""
        return (await self._directory.asset_ids([name])).get(name, 0)

    async def _messages(self, views: "list[TransferView]") -> list[pb.Transfer]:
        names = await self._directory.asset_names({view.asset for view in views} - {0})
        return [
            pb.Transfer(
                transfer_id=hash_bytes(view.transfer_hi, view.transfer_lo),
                state=cast("types.TransferState", view.state),
                user_id=str(view.account) if view.account else "",
                asset=names[view.asset] if view.asset else "", amount_units=view.amount,
                partner=view.partner,
                partner_user_id=str(view.their_account) if view.their_account else "",
                deadline_ns=view.deadline_ns, seq=view.seq, proof=view.proof,
            )
            for view in views
        ]  # fmt: skip


def _first_step(
    request: pb.ReserveTransferRequest | pb.CreditTransferRequest, asset: int
) -> tuple[int, int, int, commands.Key, int, int, int]:
    account = account_of(request.metadata.user_id, "metadata.user_id")
    their_account = account_of(request.partner_user_id, "partner_user_id")
    return (
        account, asset, request.amount_units, _id(request.transfer_id), _partner(request.partner),
        their_account, request.deadline_ns,
    )  # fmt: skip


def _id(transfer_id: bytes) -> commands.Key:
    return key_of_bytes(transfer_id, "transfer_id")


def _partner(number: int) -> int:
    if number > PARTITIONS_MAX:
        raise FieldError(f"partner: {number} must be 0 to {PARTITIONS_MAX}")
    return number
