"""The door of what operators do to a cluster, before it stands in the log for ever."""

from typing import Any, cast

import grpc
import grpc.aio
import pytest

from adapters.rpc_client import CoreClient
from adapters.rpc_server import serve
from contracts.gen.exchange.v1 import admin_pb2, types_pb2
from replication.node_snapshots import SnapshotFailed
from tests.rpc.echo_node import EchoNode

pytestmark = pytest.mark.asyncio
DEADLINE_S = 20.0
NOTE = types_pb2.AuditNote(operator="kim", reason="growth", ticket="OPS-8")


class Changes:
    """The part of a `ClusterApi` that adds."""

    def __init__(self) -> None:
        self.added: list[tuple[int, str]] = []

    async def add_member(self, node: int, address: str, _note: bytes) -> int:
        self.added.append((node, address))
        return 7


async def add(changes: Changes, address: str) -> int:
    server = await serve(
        cast("Any", EchoNode()), "127.0.0.1:0", cluster=cast("Any", changes)
    )  # fmt: skip
    client = CoreClient(server.address, deadline_s=DEADLINE_S)
    try:
        request = admin_pb2.AddMemberRequest(audit=NOTE, node=4, address=address)
        return (await client.admin.AddMember(request, timeout=DEADLINE_S)).index
    finally:
        await client.close()
        await server.stop(0)


@pytest.mark.parametrize("address", ["", "10.0.0.4:7531", "node-4.example:65535", "köln:1"])
async def test_an_address_that_can_be_dialled_reaches_the_log(address: str) -> None:
    changes = Changes()
    assert await add(changes, address) == 7
    assert changes.added == [(4, address)]


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("no-port", "is not HOST:PORT"),
        ("h:http", "is not HOST:PORT"),
        ("::1:7531", "is not HOST:PORT"),
        ("http://h:1", "is not HOST:PORT"),
        ("h:7531\n", "is not HOST:PORT"),
        ("a..b:7531", "is no host's name"),
        ("x" * 64 + ".example:7531", "is no host's name"),
        ("ä\x00b:1", "is no host's name"),
        ("a." * 130 + "b:1", "is no host's name"),
        ("127.0.0.1:0", "is outside 1..65535"),
        ("127.0.0.1:70000", "is outside 1..65535"),
    ],
)
async def test_any_other_is_refused_with_the_field_and_the_rule(address: str, rule: str) -> None:
    changes = Changes()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await add(changes, address)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    said = caught.value.details() or ""
    assert said.startswith("address: ")
    assert rule in said
    assert changes.added == []


async def test_an_operator_is_told_why_there_is_no_snapshot() -> None:
    async def full() -> int:
        raise SnapshotFailed("snapshot 9: No space left on device")

    server = await serve(cast("Any", EchoNode()), "127.0.0.1:0", take_snapshot=full)
    client = CoreClient(server.address, deadline_s=DEADLINE_S)
    try:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.admin.Snapshot(
                admin_pb2.SnapshotRequest(audit=NOTE), timeout=DEADLINE_S
            )  # fmt: skip
    finally:
        await client.close()
        await server.stop(0)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "No space left" in (caught.value.details() or "")
