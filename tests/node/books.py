"""The ledger beside a node that is killed again and again, and what its books must say then."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Self

import httpx
import msgspec

from adapters.addresses import free_ports
from adapters.cluster_client import CoreClients
from tests.node.process import DEADLINE_S, lockstep

POLL_S = 0.05


def free_address() -> str:
    return f"127.0.0.1:{free_ports(1)[0]}"


class Books:
    """`lockstep ledger` with a PostgreSQL of its own, following the core at a fixed address."""

    def __init__(self, folder: Path, core: str) -> None:
        self.address = free_address()
        self._environment = {
            "LOCKSTEP_LEDGER_LISTEN": self.address,
            "LOCKSTEP_LEDGER_CORE": core,
            "LOCKSTEP_LEDGER_POSTGRES_DIR": str(folder),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "adapters.cli.main", "ledger",
            env=os.environ | self._environment, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> int | None:
        """SIGTERM; the exit code. Its PostgreSQL stops with it."""
        process = self._process
        if process is None:
            return None
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            return await process.wait()

    async def caught_up(self, index: int) -> None:
        """Until the books hold log index `index` and say that they are ready."""
        assert self._process is not None
        ended = asyncio.ensure_future(self._process.wait())
        try:
            async with self._http() as http, asyncio.timeout(DEADLINE_S):
                while True:
                    assert not ended.done(), "the ledger ended by itself"
                    with contextlib.suppress(httpx.HTTPError):
                        said = (await http.get("/readyz")).json()
                        if said["ready"] and said["lastIndex"] >= index:
                            return
                    await asyncio.wait([ended], timeout=POLL_S)
        finally:
            ended.cancel()

    async def equal_to(self, core: CoreClients, accounts: list[int]) -> None:
        """Account by account, asset by asset, available and hold, in units."""
        scales = {name: asset.scale for name, asset in (await core.assets()).items()}
        async with self._http() as http:
            for account in accounts:
                held = (await core.balances(account)).balances
                expected = {b.asset: (b.available_units, b.hold_units) for b in held}
                answer = await http.get("/v1/balances", params={"account": account})
                booked = {
                    row["asset"]: tuple(
                        units_of(row[part], scales[row["asset"]]) for part in ("available", "hold")
                    )
                    for row in answer.raise_for_status().json()["balances"]
                }
                assert {k: v for k, v in booked.items() if any(v)} == expected, f"of {account}"

    async def sound(self) -> None:
        """`ledger verify`: sums, balances and trades, nothing twice; on the stopped books."""
        code, out, err = await lockstep("ledger", "verify", "--json", **self._environment)
        assert code == 0, (out, err)
        result = msgspec.json.decode(out)
        assert result["entries"] > 0
        assert result["reconciliations"] > 0, "the books were never compared with the core"

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://{self.address}", trust_env=False, timeout=10)


def units_of(text: str, scale: int) -> int:
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(scale, "0"))
