"""Time, chance and the ledger's answers, as the gateway's ports want them.

Why it exists: the operating system's clock and entropy, and one HTTP client, behind the contracts
of `gateway.ports`; small enough to read at once. It must not know what they are for.
"""

import itertools
import os
import time
from typing import Final

import httpx
import msgspec

from gateway.ports import LedgerBalance, LedgerBalances, LedgerUnavailable

LEDGER_TIMEOUT_S: Final = 2.0
NOT_BOOKED: Final = 404
"""The account exists in the core, and the books have not come to it."""


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()


class ProcessEntropy:
    """Eight random bytes of the process, then a count: unique, and without a system call."""

    def __init__(self) -> None:
        self._prefix = os.urandom(8)
        self._count = itertools.count(int.from_bytes(os.urandom(7), "big"))

    def bytes16(self) -> bytes:
        return self._prefix + next(self._count).to_bytes(8, "big")


class _Answer(msgspec.Struct, rename="camel"):
    last_index: int
    balances: tuple[LedgerBalance, ...]


class HttpLedger:
    """The ledger's own small HTTP service. Implements `gateway.ports.LedgerQueries`."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=LEDGER_TIMEOUT_S,
            limits=httpx.Limits(max_connections=16), trust_env=False,
        )  # fmt: skip
        self._decode = msgspec.json.Decoder(_Answer).decode

    async def balances(self, account: int) -> LedgerBalances:
        try:
            response = await self._client.get("/v1/balances", params={"account": str(account)})
            if response.status_code == NOT_BOOKED:
                return LedgerBalances(0, ())
            response.raise_for_status()
            answer = self._decode(response.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise LedgerUnavailable(f"{type(error).__name__}: {error}") from error
        return LedgerBalances(answer.last_index, answer.balances)

    async def ready(self) -> bool:
        try:
            response = await self._client.get("/readyz")
        except httpx.HTTPError:
            return False
        return response.status_code == 200

    async def close(self) -> None:
        await self._client.aclose()
