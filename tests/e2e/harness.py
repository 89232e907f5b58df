"""Real processes for end-to-end tests: a node and a gateway on free ports, in one data folder.

Why it exists: the tests beside it talk to what a user would start (`lockstep node`, `lockstep
gateway`), over real sockets. Start-up is awaited on the process's own answer with a deadline;
whatever happens, `stop` leaves no process behind and shows a part's last words.
"""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import httpx

from adapters.addresses import free_ports
from adapters.key_store import create_key
from adapters.load import market
from adapters.parent_death import PARENT_VARIABLE
from adapters.rpc_client import CoreClient
from gateway.signing import canonical, sign

ROOT: Final = Path(__file__).resolve().parent.parent.parent
START_S: Final = 60.0
STOP_S: Final = 20.0
POLL_S: Final = 0.02
SYMBOL: Final = market.SYMBOL


class Part:
    """One `lockstep` command as a child process; its output goes to a file."""

    def __init__(self, name: str, folder: Path, environ: dict[str, str]) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._environ = os.environ | environ | {PARENT_VARIABLE: str(os.getpid())}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "adapters.cli.main", self.name],
                cwd=ROOT, env=self._environ, stdout=log, stderr=log,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM, and SIGKILL when that is not heard; the exit code."""
        if self._process is None:
            return 0
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop:\n{self.said()}") from None

    def said(self) -> str:
        return self._log.read_text(errors="replace")[-4_000:] if self._log.exists() else ""


class Credentials(NamedTuple):
    account: int
    api_key: str
    secret: str


class Client:
    """A signed HTTP client of one account. Use as `async with exchange.client(...) as client:`."""

    def __init__(self, base_url: str, credentials: Credentials) -> None:
        self._api_key = credentials.api_key
        self._secret = credentials.secret.encode()
        self._run = os.urandom(4).hex()
        self._keys = itertools.count(1)
        self.http = httpx.AsyncClient(base_url=base_url, timeout=30.0, trust_env=False)

    async def __call__(
        self, method: str, target: str, body: Any = None, key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """`body`: bytes as they are, anything else as JSON. `headers` replace after signing."""
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        if key is None and method == "POST":
            key = f"{self._run}-{next(self._keys)}"
        sent = self.signature(method, target, raw, key)
        if raw:
            sent["content-type"] = "application/json"
        return await self.http.request(
            method, target, content=raw, headers=sent | (headers or {})
        )  # fmt: skip

    def signature(self, method: str, target: str, raw: bytes, key: str | None) -> dict[str, str]:
        ts = str(time.time_ns() // 1_000_000)
        message = canonical(
            method.encode(), target.encode(), ts.encode(), (key or "").encode(), raw
        )  # fmt: skip
        headers = {
            "x-api-key": self._api_key, "x-ts": ts, "x-signature": sign(self._secret, message),
        }  # fmt: skip
        return headers | ({"idempotency-key": key} if key is not None else {})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()


class Exchange:
    """A node and a gateway. Use as `async with Exchange(tmp_path) as exchange:`."""

    def __init__(self, folder: Path, **gateway: str) -> None:
        self.folder = folder
        self.core_address, self.http_address = (f"127.0.0.1:{p}" for p in free_ports(2))
        self.url = f"http://{self.http_address}"
        self.node = Part("node", folder, {
            "LOCKSTEP_NODE_DATA": str(folder / "node-1"),
            "LOCKSTEP_NODE_LISTEN": self.core_address,
            "LOCKSTEP_NODE_MAP_BYTES": str(1 << 30),
        })  # fmt: skip
        settings = {
            "LISTEN": self.http_address, "CORE": self.core_address, "DATA": str(folder),
        } | {name.upper(): value for name, value in gateway.items()}  # fmt: skip
        self.gateway = Part(
            "gateway", folder, {f"LOCKSTEP_GATEWAY_{k}": v for k, v in settings.items()}
        )

    async def __aenter__(self) -> Self:
        try:
            self.node.start()
            self.gateway.start()
            await self.ready()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            self.gateway.stop()
        finally:
            self.node.stop()

    async def ready(self) -> None:
        """Until `GET /readyz` is 200."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:

            async def ask() -> bool:
                for part in (self.node, self.gateway):
                    assert part.running, f"{part.name} ended:\n{part.said()}"
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx.HTTPError:
                    return False

            await until(ask, "the exchange is ready", START_S)

    async def list_market(self) -> None:
        async with CoreClient(self.core_address) as core:
            await market.list_market(core)
        await self.ready()  # the gateway has folded the listing

    async def account(self, name: str, krw: int = 10**12, btc: int = 10**12) -> Credentials:
        """A funded account and a key for it. Amounts in minimal units."""
        async with CoreClient(self.core_address) as core:
            account = await market.open_funded(core, name, krw, btc)
        await self.ready()
        credentials = Credentials(account, *create_key(self.folder, account))

        async with self.client(credentials) as client:

            async def known() -> bool:
                return (await client("GET", "/v1/orders")).status_code == 200

            await until(known, "the gateway finds the new key", START_S)
        return credentials

    def client(self, credentials: Credentials) -> Client:
        return Client(self.url, credentials)

    async def state(self) -> tuple[bytes, bytes]:
        """Digests of the whole state and of the balances, as the core has them."""
        async with CoreClient(self.core_address) as core:
            status = await core.status(with_digest=True)
        return status.digest, status.balances_digest


async def until(ask: Callable[[], Awaitable[bool]], what: str, within_s: float) -> None:
    """Poll a condition of another process until it holds; the deadline fails the test."""
    deadline = time.monotonic() + within_s
    while not await ask():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(POLL_S)
