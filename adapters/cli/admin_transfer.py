"""`lockstep admin transfer`: money from one partition to another, and what is on its way.

Why it exists: a transfer is steps in two clusters, and an operator wants to see it arrive or come
back. `send` reserves and carries; `settle` carries what was left half done, once or for as long as
it runs. It must not know which step comes next.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc.aio
import msgspec

from adapters.cli.admin_calls import NS_PER_S, Context, result
from adapters.cli.admin_group import add_group
from adapters.cli.admin_refusals import credit_refusal
from adapters.cli.numbers import decimal, whole
from adapters.cluster_client import connect
from adapters.rpc_client import CoreUnavailable, TailGone
from adapters.transfer_courier import (
    OPEN, Outcome, TransferCourier, read_pairs, transfer_id_of,
)  # fmt: skip
from contracts.gen.exchange.v1 import transfers_pb2 as pb
from contracts.gen.exchange.v1 import types_pb2 as types
from core.codes import OK, REJECT_NAMES, TRANSFER_REFUNDED, TRANSFER_STATE_NAMES
from core.limits import TRANSFER_NS_MAX
from gateway.decimals import format_units, parse_amount

HELP: Final = "money between partitions: send, settle, show, check"
WITHIN_S_DEFAULT: Final = 60
WITHIN_S_MAX: Final = TRANSFER_NS_MAX // NS_PER_S - 60
"""The machine's week, less what this clock may be ahead of it."""
CONNECT_S: Final = 5.0
READS: Final = ("show", "check")
STUCK: Final = "STUCK"
REFUNDED: Final = TRANSFER_STATE_NAMES[TRANSFER_REFUNDED]
OK_NAME: Final = REJECT_NAMES[OK]


def add_arguments(
    commands: Any, common: argparse.ArgumentParser, audited: argparse.ArgumentParser
) -> None:
    action = add_group(commands, "transfer", HELP, READS, common, audited)
    send = action("send", "from an account at --url to one at --to; a reference counts once")
    send.add_argument("--account", required=True, metavar="ID", help="at the source")
    send.add_argument("--to-account", required=True, metavar="ID", help="at the target")
    send.add_argument("--asset", required=True, help="listed by the same name in both")
    send.add_argument("--amount", required=True, metavar="DECIMAL", help="such as 0.001")
    send.add_argument("--reference", required=True, help="unique; repeat it to go on")
    send.add_argument(
        "--within", type=whole(), default=WITHIN_S_DEFAULT, metavar="S",
        help=f"credited within so many seconds, or refunded ({WITHIN_S_DEFAULT})",
    )  # fmt: skip
    settle = action("settle", "carries on what waits at --url for --to")
    settle.add_argument(
        "--every",
        type=decimal(0.1, 3600),
        metavar="S",
        help="again and again, with such pauses; Ctrl-C ends it",
    )
    check = action("check", "reads both logs: does each end have its pair in the other?")
    for parser in (send, settle, check):
        parser.add_argument("--to", required=True, metavar="URL", help="the target, as --url")
    show = action("show", "one transfer, or those that wait at --url, the oldest first")
    show.add_argument("--reference", help="(those that wait)")


async def send(c: Context) -> dict[str, Any]:
    a = c.a
    if not 1 <= a.within <= WITHIN_S_MAX:
        raise ValueError(f"--within: {a.within} must be 1 to {WITHIN_S_MAX} seconds")
    async with connect(_target(a.to), CONNECT_S) as target:
        await target.ready(CONNECT_S)
        courier = await TransferCourier.between(c.core, target, c.audit)
        asset = await courier.check_asset(a.asset)
        transfer_id = transfer_id_of(a.reference)
        known = await courier.find(transfer_id)
        request = pb.ReserveTransferRequest(
            metadata=types.CommandMetadata(user_id=a.account), transfer_id=transfer_id,
            asset=a.asset, amount_units=parse_amount(a.amount, asset.scale, "amount"),
            partner_user_id=a.to_account,
            deadline_ns=known.deadline_ns if known else time.time_ns() + a.within * NS_PER_S,
        )  # fmt: skip
        answer = await courier.reserve(request)
        told = result(answer)
        if answer.reply.code != OK:
            return told
        known = await courier.find(transfer_id)
        assert known is not None, "a transfer that was reserved is not there"
        if known.state not in OPEN:
            return _ended(_row(known, asset.scale))
        told = _told(await courier.carry(known)) | {"duplicate": answer.reply.duplicate}
        return _ended(told)


def _ended(told: dict[str, Any]) -> dict[str, Any]:
    """Of `send`: money that came back did not arrive, which a script must not take for done."""
    if told["state"] != REFUNDED:
        return {"code": OK_NAME} | told
    before = "it was refunded before, and ends once; send it under another reference"
    return {"why": before} | told | {"code": REFUNDED}


async def settle(c: Context) -> dict[str, Any]:
    """Each round carries what waits then; what cannot be reached now is for the next."""
    every = c.a.every
    async with connect(_target(c.a.to), CONNECT_S) as target:
        await target.ready(CONNECT_S)
        courier = await TransferCourier.between(c.core, target, c.audit)
        counts: dict[str, int] = {"CONFIRMED": 0, "REFUNDED": 0, STUCK: 0}
        while True:
            try:
                stuck = await _round(courier, counts)
            except (CoreUnavailable, grpc.aio.AioRpcError):
                if every is None:
                    raise
                stuck = []
            if every is None:
                code = "OK" if not stuck else STUCK
                return {"code": code, **counts, "stuck": [_told(one) for one in stuck]}
            await asyncio.sleep(every)


async def _round(courier: TransferCourier, counts: dict[str, int]) -> list[Outcome]:
    stuck = []
    for transfer in await courier.waiting():
        outcome = await courier.carry(transfer)
        counts[outcome.outcome] += 1
        told = _told(outcome)
        print(f"transfer {told['id']}: {told['state']} {told.get('why', '')}".rstrip(),
              file=sys.stderr)  # fmt: skip
        if outcome.outcome == STUCK:
            stuck.append(outcome)
    return stuck


async def show(c: Context) -> dict[str, Any]:
    scales = {name: asset.scale for name, asset in (await c.core.assets()).items()}
    if c.a.reference:
        request = pb.GetTransferRequest(transfer_id=transfer_id_of(c.a.reference))
        answer = await c.core.transfers.GetTransfer(request, timeout=CONNECT_S)
    else:
        listed = pb.ListOpenTransfersRequest(limit=1_000)
        answer = await c.core.transfers.ListOpenTransfers(listed, timeout=CONNECT_S)
    rows = [_row(one, scales.get(one.asset, 0)) for one in answer.transfers]
    return {"transfer": rows, "index": answer.index}


async def check(c: Context) -> dict[str, Any]:
    """An auditor's question; changes nothing."""
    async with connect(_target(c.a.to), CONNECT_S) as target:
        await target.ready(CONNECT_S)
        try:
            report = await read_pairs(c.core, target)
        except TailGone as error:
            raise CoreUnavailable(f"a log does not begin at its first entry: {error}") from error
    code = "OK" if not report.wrong else "WRONG"
    return {"code": code, **msgspec.structs.asdict(report)}


def _target(url: str) -> str:
    scheme, separator, address = url.partition("://")
    if not separator or scheme != "grpc" or not address:
        raise ValueError(f"--to: {url!r} must be grpc://HOST:PORT")
    return address


def _told(outcome: Outcome) -> dict[str, Any]:
    code = OK_NAME if outcome.outcome != STUCK else STUCK
    told = {"code": code, "state": outcome.outcome, "id": outcome.transfer_id.hex()}
    why = outcome.why or credit_refusal(*outcome.refusal)
    return told | ({"why": why} if why else {})


def _row(transfer: pb.Transfer, scale: int) -> dict[str, Any]:
    return {
        "id": transfer.transfer_id.hex(), "state": TRANSFER_STATE_NAMES[transfer.state],
        "account": transfer.user_id, "asset": transfer.asset,
        "amount": format_units(transfer.amount_units, scale), "partner": transfer.partner,
        "partner_account": transfer.partner_user_id, "deadline_ns": transfer.deadline_ns,
    }  # fmt: skip


CALLS: Final[dict[str, Callable[[Context], Awaitable[dict[str, Any]]]]] = {
    "send": send, "settle": settle, "show": show, "check": check,
}  # fmt: skip
