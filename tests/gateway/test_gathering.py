"""How `GatewayCore` joins commands: at once when alone, together when many."""

import asyncio

import pytest

from adapters.gateway_core import BATCH_FULL, CROWD, IN_FLIGHT_MAX, GatewayCore
from core.events import REPLY_BYTES
from gateway.ports import Answer, CommandIds
from replication.ports import Submitted

pytestmark = pytest.mark.asyncio

IDS = CommandIds(b"", b"", b"")


class HeldClient:
    """Stands where `CoreClient` does, and answers a submission when the test says so."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self._answers: list[asyncio.Future[Submitted]] = []
        self._came = asyncio.Event()

    nodes = (1,)
    leader = 1

    async def submit_at(
        self, node: int, packed: bytes, count: int, metadata: bytes, deadline_s: float
    ) -> Submitted:
        assert len(packed) == count
        self.counts.append(count)
        self._answers.append(asyncio.get_running_loop().create_future())
        self._came.set()
        return await self._answers[-1]

    def answer(self, number: int) -> None:
        replies = bytes(self.counts[number] * REPLY_BYTES)
        self._answers[number].set_result(Submitted(index=number + 1, replies=replies))

    async def submissions(self, wanted: int) -> list[int]:
        """The sizes of all submissions, when there are `wanted`."""
        async with asyncio.timeout(10):
            while len(self.counts) < wanted:
                self._came.clear()
                await self._came.wait()
        return self.counts


def start(core: GatewayCore, count: int) -> list[asyncio.Task[Answer]]:
    return [asyncio.create_task(core.submit(b"x", IDS)) for _ in range(count)]


@pytest.fixture
def client() -> HeldClient:
    return HeldClient()


@pytest.fixture
def core(client: HeldClient) -> GatewayCore:
    return GatewayCore(client)  # type: ignore[arg-type]


async def test_a_lone_command_goes_at_once(core: GatewayCore, client: HeldClient) -> None:
    first = start(core, 1)
    assert await client.submissions(1) == [1]
    client.answer(0)
    assert (await first[0]).log_index == 1
    second = start(core, 1)
    assert await client.submissions(2) == [1, 1]
    client.answer(1)
    await asyncio.gather(*second)


async def test_commands_gather_behind_one(core: GatewayCore, client: HeldClient) -> None:
    tasks = start(core, 1)
    await client.submissions(1)
    tasks += start(core, CROWD) + start(core, CROWD)
    client.answer(0)
    assert await client.submissions(2) == [1, 2 * CROWD]
    client.answer(1)
    answers = await asyncio.gather(*tasks)
    assert [answer.log_index for answer in answers] == [1] + [2] * (2 * CROWD)


async def test_full_batches_go_beside(core: GatewayCore, client: HeldClient) -> None:
    tasks = start(core, 1)
    await client.submissions(1)
    for number in range(IN_FLIGHT_MAX - 1):
        tasks += start(core, BATCH_FULL)
        await client.submissions(number + 2)
    tasks += start(core, BATCH_FULL)  # nothing more may be on its way
    client.answer(0)
    assert await client.submissions(IN_FLIGHT_MAX + 1) == [1] + [BATCH_FULL] * IN_FLIGHT_MAX
    for number in range(IN_FLIGHT_MAX):
        client.answer(number + 1)
    await asyncio.gather(*tasks)


async def test_after_a_crowd_commands_gather(core: GatewayCore, client: HeldClient) -> None:
    """The gathering ends by its timer, or as soon as a batch is full."""
    crowd = start(core, CROWD)
    await client.submissions(1)
    few = start(core, 3)
    client.answer(0)
    await asyncio.gather(*crowd)
    assert await client.submissions(2) == [CROWD, 3]
    crowd = start(core, CROWD)
    client.answer(1)
    await asyncio.gather(*few)
    assert await client.submissions(3) == [CROWD, 3, CROWD]
    client.answer(2)
    await asyncio.gather(*crowd)
    full = start(core, BATCH_FULL)
    assert await client.submissions(4) == [CROWD, 3, CROWD, BATCH_FULL]
    client.answer(3)
    await asyncio.gather(*full)
