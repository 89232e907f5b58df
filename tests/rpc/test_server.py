"""The gRPC door over a real connection: order, windows, refusals, and what a break means."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import grpc.aio
import pytest

from adapters import rpc_metadata
from adapters.rpc_client import CoreClient, OutcomeUnknown, TailGone
from adapters.rpc_server import AddressTaken, serve
from adapters.rpc_trading import WINDOW_BATCHES, check_trading
from contracts.gen.exchange.v1 import admin_pb2, events_pb2, trading_pb2, types_pb2
from core import commands
from core.codes import (
    BUY,
    FENCING_TOKEN,
    GTC,
    LIMIT,
    NOT_LEADER,
    OK,
    OVERLOADED,
    VALIDATION,
)
from core.events import decode_reply
from tests.rpc.echo_node import EchoNode

pytestmark = pytest.mark.asyncio

DEADLINE_S = 20.0
ORDER = commands.place(2, 1, BUY, LIMIT, GTC, 100, 5)


@asynccontextmanager
async def served(node: EchoNode, **options: Any) -> AsyncIterator[CoreClient]:
    server = await serve(cast("Any", node), "127.0.0.1:0")
    options.setdefault("deadline_s", DEADLINE_S)
    client = CoreClient(server.address, **options)
    try:
        yield client
    finally:
        await client.close()
        await server.stop(0)


def place_request(**changes: Any) -> trading_pb2.PlaceOrderRequest:
    request = trading_pb2.PlaceOrderRequest(
        metadata=types_pb2.CommandMetadata(user_id="2", symbol="BTC-KRW", idempotency_key="k"),
        order=trading_pb2.PlaceOrder(
            side=types_pb2.SIDE_BUY, type=types_pb2.ORDER_TYPE_LIMIT,
            time_in_force=types_pb2.TIME_IN_FORCE_GTC, price_ticks=100, qty_lots=5,
        ),
    )  # fmt: skip
    for name, value in changes.items():
        part, _, field = name.partition("__")
        setattr(getattr(request, part), field, value)
    return request


async def test_a_typed_order_reaches_the_node_as_its_record() -> None:
    node = EchoNode()
    async with served(node) as client:
        answer = await client.trading.PlaceOrder(place_request(), timeout=DEADLINE_S)
    expected = commands.place(2, 1, BUY, LIMIT, GTC, 100, 5, commands.key128("k"))
    assert [batch[0] for batch in node.batches] == [expected]
    assert answer.reply.id == 1
    assert (answer.position.index, answer.position.term) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metadata__user_id": "02"}, "metadata.user_id"),
        ({"metadata__user_id": "-1"}, "metadata.user_id"),
        ({"metadata__user_id": "9" * 30}, "metadata.user_id"),
        ({"metadata__symbol": ""}, "metadata.symbol: required"),
        ({"metadata__idempotency_key": "k" * 129}, "metadata.idempotency_key"),
        ({"metadata__command_id": "c" * 129}, "metadata.command_id"),
        ({"order__side": 0}, "order.side"),
        ({"order__side": 9}, "order.side"),
        ({"order__type": 0}, "order.type"),
        ({"order__time_in_force": 5}, "order.time_in_force"),
        ({"order__client_order_id": "c" * 129}, "order.client_order_id"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_submitted(
    changes: dict[str, Any], words: str
) -> None:
    node = EchoNode()
    async with served(node) as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.trading.PlaceOrder(place_request(**changes), timeout=DEADLINE_S)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert words in (caught.value.details() or "")
    assert node.batches == []


async def test_an_order_without_a_size_is_refused() -> None:
    node = EchoNode()
    request = place_request()
    request.order.ClearField("qty_lots")
    async with served(node) as client:
        with pytest.raises(grpc.aio.AioRpcError, match=r"order\.size"):
            await client.trading.PlaceOrder(request, timeout=DEADLINE_S)
    assert node.batches == []


async def test_an_unlisted_name_is_the_machines_to_judge_and_asked_for_once_per_index() -> None:
    node = EchoNode()
    async with served(node) as client:
        for _ in range(3):
            await client.trading.PlaceOrder(
                place_request(metadata__symbol="NO-SUCH"), timeout=DEADLINE_S
            )
            node.machine.index = 7  # as if nothing else had happened since
    assert node.machine.looks == 2  # at index 0, and at 7
    assert {batch[0][2:4] for batch in node.batches} == {b"\xff\xff"}


@pytest.mark.parametrize("code", [OVERLOADED, NOT_LEADER, FENCING_TOKEN])
async def test_a_refused_batch_is_a_code_and_names_the_leader(code: int) -> None:
    node = EchoNode()
    node.code = code
    async with served(node) as client:
        answer = await client.trading.PlaceOrder(place_request(), timeout=DEADLINE_S)
        submitted = await client.submit(ORDER, 1)
    hint = "" if code == OVERLOADED else "3"
    assert (answer.reply.code, answer.leader_hint) == (code, hint)
    assert answer.reply.status == types_pb2.ORDER_STATUS_REJECTED
    assert not answer.HasField("position")
    assert submitted.code == code
    assert submitted.leader == int(hint or 0)


async def test_concurrent_submissions_join_and_each_gets_its_own_replies() -> None:
    node = EchoNode()
    async with served(node, window_batches=1) as client:
        node.open.clear()
        first = asyncio.create_task(client.submit(ORDER, 1))
        await node.wait_for_batches(1)
        rest = [asyncio.create_task(client.submit(ORDER * n, n)) for n in range(1, 9)]
        await asyncio.wait(rest, timeout=0)  # each joins the queue behind the full window
        node.open.set()
        answers = await asyncio.gather(first, *rest)
    assert [count for _, count, _ in node.batches] == [1, 36]
    ids = [decode_reply(a.replies, at).id for a in answers for at in range(len(a.replies) // 64)]
    assert ids == list(range(1, 38))


async def test_metadata_moves_with_its_commands_when_batches_join() -> None:
    node = EchoNode()
    names = [(f"c{n}".encode(), b"corr", b"trace") for n in range(3)]
    async with served(node, window_batches=1) as client:
        node.open.clear()
        first = asyncio.create_task(client.submit(ORDER, 1, rpc_metadata.encode({0: names[0]})))
        await node.wait_for_batches(1)
        rest = [
            asyncio.create_task(client.submit(ORDER * 2, 2, rpc_metadata.encode({1: name})))
            for name in names[1:]
        ]
        await asyncio.wait(rest, timeout=0)
        node.open.set()
        await asyncio.gather(first, *rest)
    assert rpc_metadata.decode(node.batches[1][2]) == {1: names[1], 3: names[2]}


async def test_the_stream_answers_in_order_and_stops_reading_when_its_window_is_full() -> None:
    node = EchoNode()
    total = 4 * WINDOW_BATCHES
    async with served(node) as client:
        node.open.clear()
        call = client.trading.Submit(timeout=DEADLINE_S)
        for number in range(total):
            await call.write(trading_pb2.SubmitRequest(batch_id=number, packed=ORDER))
        await call.done_writing()
        await node.wait_for_batches(WINDOW_BATCHES)
        held = len(node.batches)
        node.open.set()
        ids = [response.batch_id async for response in call]
    assert held <= WINDOW_BATCHES + 2  # the window, the one awaited, the one waiting to enter
    assert ids == list(range(total))


async def submitted_alone(
    client: CoreClient, request: trading_pb2.SubmitRequest
) -> tuple[trading_pb2.SubmitResponse, trading_pb2.SubmitResponse]:
    """The answer to `request`, and to a good batch after it on the same stream."""
    call = client.trading.Submit(timeout=DEADLINE_S)
    await call.write(request)
    await call.write(trading_pb2.SubmitRequest(batch_id=99, packed=ORDER))
    await call.done_writing()
    answers = [response async for response in call]
    assert [answer.batch_id for answer in answers] == [request.batch_id, 99]
    return answers[0], answers[1]


DEPOSIT = commands.deposit(2, 1, 5, (1, 1))
LISTING = commands.checkpoint()


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"packed": ORDER + b"\0"}, "whole words"),
        ({"packed": ORDER + b"\xee" + ORDER[1:]}, "command 1 has unknown kind"),
        ({"packed": ORDER + ORDER[:32]}, "command 1 has"),
        ({"packed": ORDER * 3 + DEPOSIT + ORDER}, "command 3 is DEPOSIT"),
        ({"packed": ORDER + LISTING}, "command 1 is CHECKPOINT"),
        ({"packed": LISTING + ORDER}, "command 0 is CHECKPOINT"),
        ({"packed": ORDER, "metadata": b"\x01"}, "metadata"),
        ({"packed": ORDER, "metadata": rpc_metadata.encode({1: (b"", b"", b"")})}, "key 1"),
        (
            {"packed": ORDER, "metadata": rpc_metadata.encode({1 << 16: (b"o", b"r", b"t")})},
            "key 65536",
        ),
        ({"packed": ORDER, "metadata": rpc_metadata.encode({0: (b"x" * 129, b"", b"")})}, "129"),
        ({"packed": ORDER, "commands": [trading_pb2.Command()]}, "commands: empty"),
        ({"commands": []}, "commands: 0"),
        ({"commands": [trading_pb2.Command()]}, "commands[0].body"),
        ({"commands": [trading_pb2.Command()], "metadata": b"x"}, "metadata: empty"),
    ],
)
async def test_a_malformed_batch_is_refused_whole_and_the_stream_lives(
    request_: dict[str, Any], words: str
) -> None:
    node = EchoNode()
    async with served(node) as client:
        refused, good = await submitted_alone(
            client, trading_pb2.SubmitRequest(batch_id=4, **request_)
        )
    assert refused.code == VALIDATION
    assert words in refused.error
    assert good.code == OK
    assert len(node.batches) == 1


async def test_a_typed_batch_gets_typed_replies() -> None:
    node = EchoNode()
    placed = place_request(metadata__command_id="mine")
    batch = [
        trading_pb2.Command(metadata=placed.metadata, place_order=placed.order),
        trading_pb2.Command(
            metadata=placed.metadata, cancel_order=trading_pb2.CancelOrder(order_id=1)
        ),
    ]
    async with served(node) as client:
        answer, _ = await submitted_alone(client, trading_pb2.SubmitRequest(commands=batch))
    assert [reply.id for reply in answer.replies] == [1, 2]
    assert answer.packed_replies == b""
    assert rpc_metadata.decode(node.batches[0][2])[1] == (b"mine", b"", b"")


async def test_bytes_that_are_not_commands_never_leave_the_client() -> None:
    node = EchoNode()
    async with served(node) as client:
        for packed, count in ((ORDER, 2), (b"", 0), (b"\0" * 64, 1)):
            with pytest.raises(ValueError, match=r"count|commands"):
                await client.submit(packed, count)
    assert node.batches == []


async def test_a_break_before_the_answer_is_an_unknown_outcome_and_the_next_call_works() -> None:
    node = EchoNode()
    async with served(node) as client:
        node.broken = RuntimeError("the node goes down")
        with pytest.raises(OutcomeUnknown):
            await client.submit(ORDER, 1)
        node.broken = None
        assert (await client.submit(ORDER, 1)).code == OK


async def test_no_answer_within_the_deadline_is_an_unknown_outcome() -> None:
    node = EchoNode()
    async with served(node) as client:
        await client.submit(ORDER, 1)
        node.open.clear()
        with pytest.raises(OutcomeUnknown):
            await client.submit(ORDER, 1, deadline_s=0.2)
        node.open.set()


async def test_what_was_never_sent_is_known_to_be_so() -> None:
    client = CoreClient("127.0.0.1:1", deadline_s=0.2)
    try:
        submitted = await client.submit(ORDER, 1)
        assert submitted.code == OVERLOADED
        assert "not sent" in submitted.reason
    finally:
        await client.close()


async def test_a_full_queue_refuses_at_once() -> None:
    client = CoreClient("127.0.0.1:1", deadline_s=0.5, queue_commands_max=2)
    try:
        waiting = asyncio.create_task(client.submit(ORDER * 2, 2))
        await asyncio.wait([waiting], timeout=0)
        assert "queue is full" in (await client.submit(ORDER, 1)).reason
        assert (await waiting).code == OVERLOADED
    finally:
        await client.close()


async def test_an_operators_command_needs_a_whole_note_and_keeps_it_in_the_log() -> None:
    node = EchoNode()
    note = types_pb2.AuditNote(operator="kim", reason="first funding", ticket="OPS-1")
    metadata = types_pb2.CommandMetadata(user_id="2", idempotency_key="wire-1")
    async with served(node) as client:
        for missing in ("operator", "reason", "ticket"):
            partial = types_pb2.AuditNote()
            partial.CopyFrom(note)
            partial.ClearField(cast("Any", missing))
            request = admin_pb2.DepositRequest(
                metadata=metadata, audit=partial, asset="KRW", amount_units=5
            )
            with pytest.raises(grpc.aio.AioRpcError, match=f"audit.{missing}"):
                await client.admin.Deposit(request, timeout=DEADLINE_S)
        request = admin_pb2.DepositRequest(
            metadata=metadata, audit=note, asset="KRW", amount_units=5
        )
        await client.admin.Deposit(request, timeout=DEADLINE_S)
    [(record, _, section)] = node.batches
    assert record == commands.deposit(2, 2, 5, commands.key128("wire-1"))
    kept = rpc_metadata.decode(section)
    assert kept == {rpc_metadata.AUDIT: (b"kim", b"first funding", b"OPS-1")}


async def test_a_mass_cancel_of_everybody_is_an_operators_and_needs_a_note() -> None:
    node = EchoNode()
    everybody = types_pb2.CommandMetadata(user_id="0", symbol="BTC-KRW")
    note = types_pb2.AuditNote(operator="kim", reason="bad listing", ticket="OPS-2")
    async with served(node) as client:
        with pytest.raises(grpc.aio.AioRpcError, match=r"audit\.operator"):
            await client.trading.CancelAll(
                trading_pb2.CancelAllRequest(metadata=everybody), timeout=DEADLINE_S
            )
        with pytest.raises(grpc.aio.AioRpcError, match=r"metadata\.symbol: required"):
            await client.trading.CancelAll(
                trading_pb2.CancelAllRequest(
                    metadata=types_pb2.CommandMetadata(user_id="0"), audit=note
                ),
                timeout=DEADLINE_S,
            )
        typed = trading_pb2.Command(metadata=everybody, cancel_all=trading_pb2.CancelAll())
        packed = ORDER + commands.cancel_all(2, 1) + commands.cancel_all(0, 1)
        for number, request in enumerate(
            (
                trading_pb2.SubmitRequest(commands=[typed]),
                trading_pb2.SubmitRequest(packed=packed),
            )
        ):
            refused, _ = await submitted_alone(client, request)
            assert f"command {2 * number}: account: required" in refused.error
        node.batches.clear()
        await client.trading.CancelAll(
            trading_pb2.CancelAllRequest(metadata=everybody, audit=note), timeout=DEADLINE_S
        )
    [(record, _, section)] = node.batches
    assert record == commands.cancel_all(0, 1)
    assert rpc_metadata.decode(section) == {rpc_metadata.AUDIT: (b"kim", b"bad listing", b"OPS-2")}


async def test_a_tail_gives_every_entry_once_in_order_and_goes_on_live() -> None:
    node = EchoNode()
    node.commit(b"")
    node.commit(b"", rpc_metadata.encode({0: (b"c", b"", b"")}))
    async with served(node) as client:
        seen = []
        async for batch in client.tail(1):
            seen.append((batch.index, batch.epoch, batch.partition, batch.metadata))
            if len(seen) == 2:
                node.commit(b"")
            if len(seen) == 3:
                break
    assert [entry[:3] for entry in seen] == [(1, 2, 5), (2, 2, 5), (3, 2, 5)]
    assert seen[1][3] == node.log[1].metadata


async def test_a_tail_beyond_the_log_is_gone() -> None:
    node = EchoNode()
    async with served(node) as client:
        with pytest.raises(TailGone):
            await anext(client.tail(5))


async def test_a_tail_resumes_after_the_server_was_away() -> None:
    node = EchoNode()
    node.commit(b"")
    server = await serve(cast("Any", node), "127.0.0.1:0")
    address = server.address
    client = CoreClient(address, deadline_s=DEADLINE_S)
    seen = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            async for batch in client.tail(1):
                seen.append(batch.index)
                if batch.index == 1:
                    await server.stop(0)
                    server = await serve(cast("Any", node), address)
                    node.commit(b"")
                else:
                    break
    finally:
        await client.close()
        await server.stop(0)
    assert seen == [1, 2]


async def test_typed_events_carry_their_causes() -> None:
    node = EchoNode()
    node.commit(MODE_CHANGED, rpc_metadata.encode({3: (b"cmd", b"corr", b"trace")}))
    node.commit(MODE_CHANGED)
    async with served(node) as client:
        call = client.events.Tail(events_pb2.TailRequest(), timeout=DEADLINE_S)
        named, unnamed = await call.read(), await call.read()
        call.cancel()
    assert isinstance(named, events_pb2.TailResponse)
    assert isinstance(unnamed, events_pb2.TailResponse)
    event = named.events[0]
    assert (event.event_id, event.symbol, event.seq) == ("5-1-0", "ETH-KRW", 9)
    assert (event.causation_id, event.correlation_id, event.trace_id) == ("cmd", "corr", "trace")
    assert event.symbol_mode_changed.mode == types_pb2.SYMBOL_MODE_CANCEL_ONLY
    assert unnamed.events[0].causation_id == "5-2-c3"


MODE_CHANGED = b"".join(
    word.to_bytes(8, "little") for word in (8 | 3 << 8 | 2 << 16 | 3 << 32 | 1 << 52, 9, 0)
)


async def test_a_second_server_on_the_same_port_is_refused() -> None:
    node = EchoNode()
    server = await serve(cast("Any", node), "127.0.0.1:0")
    try:
        with pytest.raises(AddressTaken, match="another node"):
            await serve(cast("Any", node), server.address)
    finally:
        await server.stop(0)


async def test_the_check_at_the_door_counts_trading_commands() -> None:
    assert check_trading(ORDER * 5) == 5
    assert check_trading(commands.cancel(2, 1, 7) + commands.cancel_all(2, 0)) == 2
    with pytest.raises(commands.MalformedBatch, match="none"):
        check_trading(b"")
