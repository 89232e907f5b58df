"""One running exchange for all end-to-end tests of a module: starting one takes seconds."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Credentials, Exchange


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """A node and a gateway with the market BTC-KRW listed."""
    folder: Path = tmp_path_factory.mktemp("exchange")
    running = Exchange(folder)

    async def start() -> None:
        await running.__aenter__()
        await running.list_market()

    try:
        asyncio.run(start())
        yield running
    finally:
        asyncio.run(running.__aexit__())


@pytest.fixture(scope="module")
def alice(exchange: Exchange) -> Credentials:
    return asyncio.run(exchange.account("alice"))


@pytest.fixture(scope="module")
def bob(exchange: Exchange) -> Credentials:
    return asyncio.run(exchange.account("bob"))
