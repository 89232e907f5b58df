"""The bridge between a node's two threads: asyncio, where gRPC lives, and trio, where the node is.

Why it exists: a hop between threads costs more than a command, so both directions hand over
whatever has gathered since the last hop. It is the `NodeApi` that the servers see. It must not
know gRPC, nor what is submitted.

The two queues are deques, whose append and popleft are atomic: one thread appends, the other
takes. A flag says that the other side has been called and has not looked yet; it is cleared
before looking, so that nothing is left behind.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Final, Generic, TypeVar

import trio

from core.codes import OVERLOADED
from replication import membership
from replication.batching import Submission
from replication.driver import Driver
from replication.membership import BadConfiguration, Configuration
from replication.node import ChangeRefused
from replication.node_view import Peers, cluster_view
from replication.ports import (
    ClusterRefused,
    ClusterView,
    Committed,
    NodeStatus,
    NotLeading,
    OutcomeLost,
    Refused,
    StateMachine,
    Submitted,
    Unknown,
)

M = TypeVar("M", bound=StateMachine)
T = TypeVar("T")

CALLS_IN_FLIGHT_MAX: Final = 65_536
TAIL_CHUNK_BYTES: Final = 1 << 20


class NodeStopping(Exception):
    """The node ends; whether a submission in flight took effect is unknown."""


class NodeBridge(Generic[M]):
    """A `NodeApi[M]`, made on the trio thread, called on the asyncio thread."""

    def __init__(
        self, driver: Driver[M], loop: asyncio.AbstractEventLoop, peers: Peers | None = None
    ) -> None:
        self._driver = driver
        self._peers = peers
        self._loop = loop
        self._token = trio.lowlevel.current_trio_token()
        self._nursery: trio.Nursery | None = None
        self._in_flight = 0
        self._to_node: deque[Callable[[], None]] = deque()
        self._node_called = False
        self._to_caller: deque[Callable[[], None]] = deque()
        self._caller_called = False
        self._waiting: set[asyncio.Future[Any]] = set()
        self._stopping = False

    # --- on the asyncio thread ---------------------------------------------------------------

    async def submit(self, commands: bytes, count: int, metadata: bytes = b"") -> Submitted:
        if self._in_flight >= CALLS_IN_FLIGHT_MAX:
            return Submitted(code=OVERLOADED, reason="too many calls are in flight")
        future: asyncio.Future[Submitted | Unknown] = self._loop.create_future()
        done = partial(self._answer, future)
        self._call_node(partial(self._driver.submit, Submission(commands, count, metadata, done)))
        outcome = await self._result_of(future)
        if isinstance(outcome, Unknown):
            raise OutcomeLost(outcome.reason)
        return outcome

    async def query(self, fn: Callable[[M], T]) -> T:
        future: asyncio.Future[T | Exception | Refused] = self._loop.create_future()
        done = partial(self._answer, future)
        self._call_node(partial(self._driver.query, fn, done))
        answer = await self._result_of(future)
        if isinstance(answer, Refused):
            raise NotLeading(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def peek(self, fn: Callable[[M], T]) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        self._call_node(partial(self._run_peek, fn, future))
        return await self._result_of(future)

    async def tail(self, from_index: int) -> AsyncIterator[Committed]:
        """Ends without an error when the node stops."""
        while True:
            wanted = partial(self._driver.entries, from_index, TAIL_CHUNK_BYTES)
            try:
                chunk = await self._await_in_node(wanted)
            except NodeStopping:
                return
            for entry in chunk:
                from_index = entry.index + 1
                yield entry

    async def take_snapshot(self) -> int:
        return await self._await_in_node(self._driver.snapshot)

    def status(self) -> NodeStatus:
        return self._driver.status()

    def cluster(self) -> ClusterView:
        """Read from another thread than the node's: numbers of one moment or the next."""
        return cluster_view(self._driver.node, self._peers)

    async def add_member(self, node: int, address: str, note: bytes) -> int:
        return await self._change(lambda now: membership.inviting(now, node, address, note))

    async def remove_member(self, node: int, note: bytes) -> int:
        return await self._change(lambda now: membership.without(now, node, note))

    async def transfer(self, node: int) -> None:
        async def work() -> None:
            self._driver.transfer(node)

        await self._refusing(work)

    async def _change(self, change: Callable[[Configuration], Configuration]) -> int:
        async def work() -> int:
            return self._driver.change_members(change)

        return await self._refusing(work)

    async def _refusing(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._await_in_node(work)
        except (ChangeRefused, BadConfiguration) as error:
            raise ClusterRefused(str(error)) from error

    def fail_all(self) -> None:
        """The node has ended: whoever still waits will not be answered."""
        self._stopping = True
        for future in list(self._waiting):
            if not future.done():
                future.set_exception(NodeStopping("the node has stopped"))

    async def _result_of(self, future: "asyncio.Future[T]") -> T:
        if self._stopping:
            raise NodeStopping("the node has stopped")
        self._in_flight += 1
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._in_flight -= 1
            self._waiting.discard(future)

    async def _await_in_node(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs `work` as a task of the node; cancelled with this call."""
        future: asyncio.Future[T] = self._loop.create_future()
        scope = trio.CancelScope()
        self._call_node(partial(self._start_task, work, scope, future))
        try:
            return await self._result_of(future)
        except asyncio.CancelledError:
            self._call_node(scope.cancel)
            raise

    def _call_node(self, call: Callable[[], None]) -> None:
        self._to_node.append(call)
        if not self._node_called:
            self._node_called = True
            try:
                self._token.run_sync_soon(self._run_calls)
            except trio.RunFinishedError as error:
                raise NodeStopping("the node has stopped") from error

    def _deliver(self) -> None:
        self._caller_called = False
        while self._to_caller:
            self._to_caller.popleft()()

    # --- on the trio thread ------------------------------------------------------------------

    async def run(self) -> None:
        """Holds the tasks that callers wait for; cancelled when the node ends."""
        async with trio.open_nursery() as self._nursery:
            await trio.sleep_forever()

    def _run_calls(self) -> None:
        self._node_called = False
        while self._to_node:
            self._to_node.popleft()()

    def _answer(self, future: "asyncio.Future[T]", value: T) -> None:
        self._call_caller(partial(_set_result, future, value))

    def _fail(self, future: "asyncio.Future[T]", error: Exception) -> None:
        self._call_caller(partial(_set_exception, future, error))

    def _run_peek(self, fn: Callable[[M], T], future: "asyncio.Future[T]") -> None:
        try:
            value = self._driver.peek(fn)
        except Exception as error:  # noqa: BLE001 - it is the caller's, and raised to the caller
            self._fail(future, error)
        else:
            self._answer(future, value)

    def _start_task(
        self,
        work: Callable[[], Awaitable[T]],
        scope: trio.CancelScope,
        future: "asyncio.Future[T]",
    ) -> None:
        async def task() -> None:
            with scope:
                try:
                    value = await work()
                except Exception as error:  # noqa: BLE001 - raised to the caller
                    self._fail(future, error)
                else:
                    self._answer(future, value)

        if self._nursery is None or self._nursery.cancel_scope.cancel_called:
            self._fail(future, NodeStopping("the node is stopping"))
        else:
            self._nursery.start_soon(task)

    def _call_caller(self, call: Callable[[], None]) -> None:
        self._to_caller.append(call)
        if self._caller_called:
            return
        self._caller_called = True
        try:
            self._loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            # The gRPC side ends before the node does: whoever asked sees the connection end.
            if not self._loop.is_closed():
                raise


def _set_result(future: "asyncio.Future[T]", value: T) -> None:
    if not future.done():
        future.set_result(value)


def _set_exception(future: "asyncio.Future[T]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
