"""Money between two partitions as an operator sends it: two real nodes, killed midway."""

import time
from pathlib import Path

import msgspec
import pytest

from adapters.rpc_client import CoreClient
from adapters.transfer_courier import transfer_id_of
from contracts.gen.exchange.v1 import transfers_pb2 as pb
from contracts.gen.exchange.v1 import types_pb2 as types
from tests.node.process import NodeProcess, lockstep

pytestmark = [pytest.mark.asyncio, pytest.mark.e2e]
AUDITED = ("--reason", "because", "--ticket", "OPS-1", "--json")
Said = dict[str, object]


async def admin(node: NodeProcess, *words: str) -> tuple[int, Said]:
    reads = words[0] == "balances" or words[:2] in (("transfer", "show"), ("transfer", "check"))
    audited = ("--json",) if reads else AUDITED
    url = ("--url", f"grpc://{node.address}")
    code, out, err = await lockstep("admin", *words, *url, *audited)
    if code in (0, 1):
        return code, msgspec.json.decode(out, type=Said)
    return code, {"said": err.decode()}


async def partition(folder: Path, number: int, asset_first: str) -> NodeProcess:
    """The same assets under other ids in each."""
    node = await NodeProcess(folder / f"p{number}", partition=str(number)).start()
    for name in (asset_first, *({"BTC", "KRW"} - {asset_first})):
        assert (await admin(node, "list-asset", name, "--scale", "2"))[0] == 0
    for name in ("alice", "bob"):
        assert (await admin(node, "open-account", "--reference", name))[0] == 0
    assert (await admin(node, "version", "--to", "8"))[0] == 0
    return node


async def held(node: NodeProcess, account: str) -> list[tuple[str, str, str]]:
    _, said = await admin(node, "balances", "--account", account)
    rows = said["balance"]
    assert isinstance(rows, list)
    return sorted((row["asset"], row["available"], row["hold"]) for row in rows)


async def reserve_only(
    source: NodeProcess, amount_units: int, asset: str = "KRW", reference: str = "left-behind"
) -> bytes:
    """What a courier does first, before it dies."""
    transfer_id = transfer_id_of(reference)
    async with CoreClient(source.address) as core:
        answer = await core.transfers.ReserveTransfer(pb.ReserveTransferRequest(
            metadata=types.CommandMetadata(user_id="2"),
            audit=types.AuditNote(operator="kim", reason="because", ticket="OPS-1"),
            transfer_id=transfer_id, asset=asset, amount_units=amount_units, partner=2,
            partner_user_id="3", deadline_ns=time.time_ns() + 3600 * 10**9,
        ))  # fmt: skip
    assert answer.reply.code == 0
    return transfer_id


async def test_a_transfer_arrives_once_or_comes_back(tmp_path: Path) -> None:
    source, target = await partition(tmp_path, 1, "BTC"), await partition(tmp_path, 2, "KRW")
    await admin(source, "deposit", "--account", "2", "--asset", "KRW", "--amount", "10",
                "--reference", "wire-1")  # fmt: skip
    to = ("--to", f"grpc://{target.address}")

    def send(reference: str, account: str, amount: str) -> tuple[str, ...]:
        move = ("--account", "2", "--to-account", account, "--asset", "KRW", "--amount", amount)
        return ("transfer", "send", *move, "--reference", reference, *to)

    code, said = await admin(source, *send("t1", "3", "2.5"))
    assert (code, said["state"], said["duplicate"]) == (0, "CONFIRMED", False)
    code, said = await admin(source, *send("t1", "3", "2.5"))
    assert (code, said["state"]) == (0, "CONFIRMED")
    assert await held(source, "2") == [("KRW", "7.5", "0")]
    assert await held(target, "3") == [("KRW", "2.5", "0")]

    code, said = await admin(source, *send("t2", "99", "1"))
    assert (code, said["code"], said["state"]) == (1, "REFUNDED", "REFUNDED")
    assert said["why"] == "the target refused it: to-account: must be open at the target"
    code, said = await admin(source, *send("t2", "99", "1"))
    assert (code, said["code"]) == (1, "REFUNDED"), "and again"
    assert "send it under another reference" in str(said["why"])
    assert await held(source, "2") == [("KRW", "7.5", "0")]

    code, said = await admin(source, "transfer", "check", *to)
    counted = [said[name] for name in ("confirmed", "refunded", "in_flight", "wrong")]
    assert (code, counted) == (0, [1, 1, 0, []])

    code, said = await admin(source, *send("t3", "3", "7.51"))
    assert (code, said["code"]) == (1, "INSUFFICIENT_FUNDS")
    code, said = await admin(source, *send("t1", "3", "9"))
    assert (code, said["code"]) == (1, "IDEMPOTENCY_MISMATCH")
    code, said = await admin(
        source, "transfer", "settle", "--to", f"grpc://{source.address}", "--every", "0"
    )
    assert code == 2
    assert "--every" in str(said["said"])
    for node in (source, target):
        assert await node.stop() == 0


async def test_what_a_dead_courier_left_is_settled(tmp_path: Path) -> None:
    """The target is away when the money is reserved; both are killed before it is settled."""
    source, target = await partition(tmp_path, 1, "BTC"), await partition(tmp_path, 2, "KRW")
    await admin(source, "deposit", "--account", "2", "--asset", "KRW", "--amount", "10",
                "--reference", "wire-1")  # fmt: skip
    await admin(source, "list-asset", "GOLD", "--scale", "2")
    await admin(source, "deposit", "--account", "2", "--asset", "GOLD", "--amount", "1",
                "--reference", "wire-2")  # fmt: skip
    await reserve_only(source, amount_units=100, asset="GOLD", reference="nobody-lists-it")
    reserved = await reserve_only(source, amount_units=400)
    assert await held(source, "2") == [("GOLD", "0", "1"), ("KRW", "6", "4")]
    for node in (source, target):
        await node.kill()
        await node.start()
    _, said = await admin(source, "transfer", "show")
    rows = said["transfer"]
    assert isinstance(rows, list)
    shown = [(row["id"], row["state"], row["amount"]) for row in rows]
    assert shown[1:] == [(reserved.hex(), "RESERVED", "4")]
    assert shown[0][1:] == ("RESERVED", "1")
    settle = ("transfer", "settle", "--to", f"grpc://{target.address}")
    code, said = await admin(source, *settle)
    assert (code, said["CONFIRMED"], said["REFUNDED"], said["STUCK"]) == (0, 1, 1, 0)
    code, said = await admin(source, *settle)
    assert (code, said["CONFIRMED"]) == (0, 0), "nothing is left"
    assert await held(source, "2") == [("GOLD", "1", "0"), ("KRW", "6", "0")]
    assert await held(target, "3") == [("KRW", "4", "0")]
    for node in (source, target):
        assert await node.stop() == 0
