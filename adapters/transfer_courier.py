"""A courier between two clusters over gRPC: it takes the steps that `gateway.courier` names.

Why it exists: the command line sends transfers and settles those that somebody left half done. Both
are the same walk, from what the source says of a transfer to its end. It must not know which step
comes next, nor arguments.
"""

import struct
from typing import Any, Final, cast

import msgspec

from adapters.cluster_client import CoreClients
from contracts.gen.exchange.v1 import admin_pb2 as admin
from contracts.gen.exchange.v1 import transfers_pb2 as pb
from contracts.gen.exchange.v1 import types_pb2 as types
from core.codes import EV_TRANSFER_CHANGED, OK, TRANSFER_OVERDUE, TRANSFER_RESERVED
from core.commands import key128
from core.events import TransferChanged, decode_event, event_rows
from core.transfer_commands import OUTCOME_CONFIRM
from gateway.courier import Courier, Credit, End, Ended, Step, Stuck, Void
from gateway.transfer_pairs import Report, TransferPairs

STEP_S: Final = 10.0
LISTED: Final = 1_000
"""Open transfers asked for at once."""
_STEPS_MAX: Final = 8
"""A way has at most four; more is a target that changes its mind."""
OPEN: Final = (TRANSFER_RESERVED, TRANSFER_OVERDUE)


class NotPartners(ValueError):
    """The operator's fault: these two cannot send each other money."""


class Outcome(msgspec.Struct, frozen=True):
    """`outcome`: CONFIRMED, REFUNDED or STUCK; `why` of the last.

    `refusal`: of REFUNDED, the code and the bound with which the target refused it.
    """

    transfer_id: bytes
    outcome: str
    why: str = ""
    refusal: tuple[int, int] = (OK, 0)


async def read_pairs(source: CoreClients, target: CoreClients) -> Report:
    """Reads both logs as far as they go now, the target's after the source's.

    Raises `TailGone` if a log was cut, `NotPartners` as `TransferCourier.between`.
    """
    numbers = await numbers_of(source, target)
    pairs = TransferPairs(*numbers)
    for core, take in ((source, pairs.at_source), (target, pairs.at_target)):
        names = {asset.asset_id: name for name, asset in (await core.assets()).items()}
        last = (await core.status()).index
        if last == 0:
            continue
        async for entry in core.tail():
            for row in event_rows(entry.packed_events):
                if row[0] & 0xFF == EV_TRANSFER_CHANGED:
                    event = decode_event(row)
                    assert isinstance(event, TransferChanged), "events: not what its kind says"
                    take(event, names.get(event.asset, ""))
            if entry.index >= last:
                break
    return pairs.report()


async def numbers_of(source: CoreClients, target: CoreClients) -> tuple[int, int]:
    """Asks both who they are. Raises `NotPartners`."""
    ours, theirs = await source.status(), await target.status()
    if ours.partition == theirs.partition and ours.cluster_id != theirs.cluster_id:
        raise NotPartners(
            f"both clusters call themselves partition {ours.partition}: "
            "give each its own `partition` in its nodes' settings"
        )
    return ours.partition, theirs.partition


def transfer_id_of(reference: str) -> bytes:
    """The 16 bytes that stand for a reference in both partitions."""
    return struct.pack("<qq", *key128(reference))


class TransferCourier:
    """Two partitions, in one direction. Raises `CoreUnavailable` and gRPC's errors as they come:
    then nothing is known of the last step, and taking it again is safe."""

    def __init__(
        self, source: CoreClients, target: CoreClients, audit: types.AuditNote,
        numbers: tuple[int, int],
    ) -> None:  # fmt: skip
        self._source = source
        self._target = target
        self._audit = audit
        self.number, self.partner = numbers
        self._assets: tuple[dict[str, admin.Asset], dict[str, admin.Asset]] = ({}, {})
        """The source's and the target's; what is listed once never changes."""

    @classmethod
    async def between(
        cls, source: CoreClients, target: CoreClients, audit: types.AuditNote
    ) -> "TransferCourier":
        """Raises `NotPartners`."""
        return cls(source, target, audit, await numbers_of(source, target))

    async def check_asset(self, name: str) -> admin.Asset:
        """The source's. Raises `NotPartners` unless both count it in the same unit."""
        ours, theirs = await self._listed(name)
        for assets, side in ((ours, "source"), (theirs, "target")):
            if name not in assets:
                raise NotPartners(f"asset: {name!r} is not listed at the {side}")
        if ours[name].scale != theirs[name].scale:
            raise NotPartners(
                f"asset: {name} has {ours[name].scale} decimal places at the source and "
                f"{theirs[name].scale} at the target"
            )
        return ours[name]

    async def _listed(self, name: str) -> tuple[dict[str, admin.Asset], dict[str, admin.Asset]]:
        if not all(name in assets for assets in self._assets):
            self._assets = (await self._source.assets(), await self._target.assets())
        return self._assets

    async def reserve(self, request: pb.ReserveTransferRequest) -> pb.ReserveTransferResponse:
        """The first step, at the source."""
        request.audit.CopyFrom(self._audit)
        request.partner = self.partner
        answer: pb.ReserveTransferResponse = await self._source.transfers.ReserveTransfer(
            request, timeout=STEP_S
        )
        return answer

    async def waiting(self) -> list[pb.Transfer]:
        """What waits at the source for this target, all of it: some may be stuck for long."""
        found: list[pb.Transfer] = []
        request = pb.ListOpenTransfersRequest(limit=LISTED)
        while True:
            answer = await self._source.transfers.ListOpenTransfers(request, timeout=STEP_S)
            found += [one for one in answer.transfers if one.partner == self.partner]
            if len(answer.transfers) < LISTED:
                return found
            request.after_seq = answer.transfers[-1].seq

    async def find(self, transfer_id: bytes) -> pb.Transfer | None:
        """What the source knows of it as the source."""
        request = pb.GetTransferRequest(transfer_id=transfer_id)
        answer = await self._source.transfers.GetTransfer(request, timeout=STEP_S)
        sides: list[pb.Transfer] = list(answer.transfers)
        return next((one for one in sides if one.state < types.TRANSFER_STATE_CREDITED), None)

    async def carry(self, transfer: pb.Transfer) -> Outcome:
        """From where it stands to its end. An asset that the target has not listed it refuses."""
        ours, theirs = await self._listed(transfer.asset)
        if transfer.asset in theirs:
            scales = ours[transfer.asset].scale, theirs[transfer.asset].scale
            if scales[0] != scales[1]:
                return Outcome(transfer.transfer_id, "STUCK", f"decimal places differ: {scales}")
        courier = Courier()
        for _ in range(_STEPS_MAX):
            match courier.next:
                case Ended(outcome):
                    if outcome == OUTCOME_CONFIRM:
                        return Outcome(transfer.transfer_id, "CONFIRMED")
                    refusal = courier.refusal
                    return Outcome(transfer.transfer_id, "REFUNDED", refusal=refusal)
                case Stuck(why):
                    return Outcome(transfer.transfer_id, "STUCK", why)
                case step:
                    await self._take(courier, step, transfer)
        return Outcome(transfer.transfer_id, "STUCK", "the target answers first so, then so")

    async def _take(self, courier: Courier, step: Step, transfer: pb.Transfer) -> None:
        shared: dict[str, Any] = {"audit": self._audit, "transfer_id": transfer.transfer_id}
        if isinstance(step, Credit):
            reply = (await self._target.transfers.CreditTransfer(pb.CreditTransferRequest(
                metadata=types.CommandMetadata(user_id=transfer.partner_user_id),
                asset=transfer.asset, amount_units=transfer.amount_units, partner=self.number,
                partner_user_id=transfer.user_id, deadline_ns=transfer.deadline_ns, **shared,
            ), timeout=STEP_S)).reply  # fmt: skip
            courier.credited(reply.code, reply.detail, reply.seq)
        elif isinstance(step, Void):
            void = pb.VoidTransferRequest(partner=self.number, **shared)
            reply = (await self._target.transfers.VoidTransfer(void, timeout=STEP_S)).reply
            courier.voided(reply.code, reply.detail, reply.seq)
        else:
            assert isinstance(step, End), "courier: an unknown step"
            outcome = cast("pb.TransferOutcome", step.outcome)
            end = pb.EndTransferRequest(outcome=outcome, proof=step.proof, **shared)
            reply = (await self._source.transfers.EndTransfer(end, timeout=STEP_S)).reply
            courier.ended(reply.code, reply.detail)
