"""Follows the log into the gateway's folds, wakes who waits, and paces the WebSocket feed.

Why it exists: one task owns the read model, so that nothing else moves it. When the tail ends or
an entry does not follow, the process stops: a fold that guessed would show a market that never
was, and a new process folds from the start in the same way. Implements `gateway.ports.Progress`.
It must not know what an event means.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from adapters.cluster_client import CoreClients
from adapters.rpc_client import CoreUnavailable
from gateway.feed_hub import CONFLATE_MS_MAX, CONFLATE_MS_MIN, FeedHub
from gateway.fold import ReadModel

RETRY_S: Final = 0.2
YIELD_EVERY: Final = 64
"""Entries folded before requests get a turn while the fold is far behind."""


class LogFeed:
    def __init__(
        self, client: CoreClients, model: ReadModel, hub: FeedHub, conflate_ms: int
    ) -> None:  # fmt: skip
        if not CONFLATE_MS_MIN <= conflate_ms <= CONFLATE_MS_MAX:
            raise ValueError(f"conflate_ms: {CONFLATE_MS_MIN} to {CONFLATE_MS_MAX}")
        self._client = client
        self._model = model
        self._hub = hub
        self._conflate_s = conflate_ms / 1000
        self._live_from: int | None = None
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    async def run(self, wake: Callable[[], None]) -> None:
        """Until cancelled, or until the log cannot be followed any more.

        `wake` tells the sockets that sessions in `hub.woken` have something to send.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._learn_the_end())
            group.create_task(self._follow(wake))
            group.create_task(self._pace(wake))

    @property
    def live(self) -> bool:
        return self._live_from is not None and self._model.index >= self._live_from

    async def reached(self, index: int, timeout_s: float) -> bool:
        if self._model.index >= index:
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (index, future)
        self._waiters.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return False
        finally:
            if entry in self._waiters:
                self._waiters.remove(entry)
        return True

    async def _follow(self, wake: Callable[[], None]) -> None:
        model = self._model
        async for entry in self._client.tail(model.index + 1):
            model.apply(entry.index, entry.ts_ns, entry.packed_events, entry.metadata)
            self._hub.publish()
            wake()
            if self._waiters:
                self._release(model.index)
            if entry.index % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    async def _learn_the_end(self) -> None:
        """Where the log stands now: the folds are live from there on."""
        while self._live_from is None:
            try:
                self._live_from = (await self._client.status()).index
            except CoreUnavailable:
                await asyncio.sleep(RETRY_S)

    def _release(self, index: int) -> None:
        for wanted, future in self._waiters:
            if wanted <= index and not future.done():
                future.set_result(None)
        self._waiters = [w for w in self._waiters if not w[1].done()]

    async def _pace(self, wake: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(self._conflate_s)
            self._hub.flush_books()
            wake()
