"""The two threads of a node: every call gets its own answer, and nobody waits for ever."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
import trio

from adapters.node_bridge import NodeBridge, NodeStopping
from core.codes import OK
from core.commands import cancel
from replication.ports import TailGone
from tests.replication.tally import Tally
from tests.replication.world import World

DEADLINE_S = 60.0
Bridge = NodeBridge[Tally]
Client = Callable[[Bridge], Awaitable[None]]


@contextmanager
def asyncio_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def on_both_threads(client: Client) -> World:
    """Runs a node in memory on trio here, and `client` on an asyncio thread against it."""
    world = World()

    async def main(loop: asyncio.AbstractEventLoop) -> None:
        bridge: Bridge = NodeBridge(world.driver, loop)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.driver.run)
            nursery.start_soon(bridge.run)
            await world.driver.running()
            bounded = asyncio.wait_for(client(bridge), DEADLINE_S)
            called = asyncio.run_coroutine_threadsafe(bounded, loop)
            await trio.to_thread.run_sync(called.result)
            world.driver.stop()
            nursery.cancel_scope.cancel()

    with asyncio_thread() as loop:
        trio.run(main, loop)
    return world


def test_each_call_gets_its_own_answer() -> None:
    async def client(bridge: Bridge) -> None:
        answers = await asyncio.gather(
            *(bridge.submit(cancel(2, 1, n) * (1 + n % 3), 1 + n % 3) for n in range(500))
        )
        assert {answer.code for answer in answers} == {OK}
        assert [len(answer.replies) for answer in answers] == [64 * (1 + n % 3) for n in range(500)]
        assert bridge.status().index == max(answer.index for answer in answers)

    world = on_both_threads(client)
    assert world.machine.commands == sum(1 + n % 3 for n in range(500))
    assert world.machine.index < 250, "calls that came together became one entry"


def test_a_query_sees_committed_state_and_its_error_is_the_callers() -> None:
    async def client(bridge: Bridge) -> None:
        await bridge.submit(cancel(2, 1, 1), 1)
        assert await bridge.query(lambda machine: machine.commands) == 1
        with pytest.raises(KeyError):
            await bridge.query(lambda machine: {1: 1}[machine.index + 1])
        assert await bridge.query(lambda machine: machine.index) == 2

    on_both_threads(client)


def test_a_tail_is_live_and_can_be_left() -> None:
    async def client(bridge: Bridge) -> None:
        seen: list[int] = []
        arrived = asyncio.Event()

        async def follow() -> None:
            async for entry in bridge.tail(1):
                seen.append(entry.index)
                arrived.set()

        follower = asyncio.create_task(follow())
        for number in range(1, 4):
            await bridge.submit(cancel(2, 1, number), 1)
        while len(seen) < 4:
            arrived.clear()
            await arrived.wait()
        follower.cancel()
        with pytest.raises(asyncio.CancelledError):
            await follower
        assert seen == [1, 2, 3, 4]
        with pytest.raises(TailGone):
            await anext(bridge.tail(99))

    on_both_threads(client)


def test_a_snapshot_can_be_asked_for() -> None:
    async def client(bridge: Bridge) -> None:
        await bridge.submit(cancel(2, 1, 1), 1)
        assert await bridge.take_snapshot() == 2

    assert len(on_both_threads(client).snapshots.saved) == 1


def test_whoever_waits_when_the_node_ends_is_told() -> None:
    async def client(bridge: Bridge) -> None:
        waiting = asyncio.ensure_future(anext(bridge.tail(2), None))
        stuck = asyncio.ensure_future(bridge.query(lambda machine: machine.index))
        await stuck
        bridge.fail_all()
        assert await waiting is None, "a tail ends, it does not fail"
        with pytest.raises(NodeStopping):
            await bridge.submit(cancel(2, 1, 1), 1)

    on_both_threads(client)
