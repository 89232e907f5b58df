"""A recorded flow's way in by the gateway's signed REST, one request after the other.

Why it exists: HTTP requests on several connections overtake each other, and a recording is worth
nothing out of order; so this door has a window of one. Each write carries an idempotency key and
is sent again, the same bytes under a fresh time stamp, when its outcome is unknown. It must not
know what a flow means.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from adapters.cluster_client import CoreClients
from adapters.feed.actions import ASK, BID, Amend, Cancel, Place
from adapters.feed.market import ASSET_SCALE, LOT_UNITS, MarketError, Spec
from adapters.feed.sender import Answer
from adapters.rpc_client import OutcomeUnknown
from core.codes import OK, REJECT_NAMES
from gateway.decimals import format_units
from gateway.signing import canonical, sign

ATTEMPTS: Final = 5
BACKOFF_S: Final = 0.1
REQUEST_TIMEOUT_S: Final = 15.0
KEY_FILE_BYTES_MAX: Final = 1 << 20
_SIDES: Final = {BID: "BUY", ASK: "SELL"}


class ApiAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the key file, as `up --demo` writes it."""

    user_id: str
    api_key: str
    secret: str


def read_accounts(path: Path) -> dict[int, ApiAccount]:
    """The file's first two accounts: the buyer and the seller. Raises `MarketError`."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(KEY_FILE_BYTES_MAX), type=list[ApiAccount])
    except (OSError, msgspec.DecodeError) as error:
        raise MarketError(f"--key-file: {path}: {error}") from error
    if len(found) < 2:
        raise MarketError(f"--key-file: {path}: {len(found)} accounts; a buyer and a seller")
    return {BID: found[0], ASK: found[1]}


class RestDoor:
    """Keeps `sender.Door`. `run_id` makes this run's idempotency keys its own."""

    def __init__(
        self, base_url: str, spec: Spec, accounts: dict[int, ApiAccount], core: CoreClients,
        run_id: int,
    ) -> None:  # fmt: skip
        self.window = 1
        self._spec = spec
        self._accounts = accounts
        self._core = core
        self._run_id = run_id
        self._count = 0
        self._http = httpx.AsyncClient(base_url=base_url, timeout=REQUEST_TIMEOUT_S)

    async def close(self) -> None:
        await self._http.aclose()

    async def place(self, action: Place) -> Answer:
        body = {
            "symbol": self._spec.symbol,
            "side": _SIDES[action.side],
            "type": "LIMIT",
            "price": self._price(action.price),
            "qty": self._qty(action.lots),
            "timeInForce": "IOC" if action.ioc else "GTC",
        }
        return await self._write("POST", "/v1/orders", action.side, body)

    async def cancel(self, action: Cancel, order_id: int, side: int) -> Answer:
        return await self._write("DELETE", f"/v1/orders/{order_id}", side, None)

    async def amend(self, action: Amend, order_id: int, side: int, filled: int) -> Answer:
        body = {"price": self._price(action.price), "qty": self._qty(filled + action.lots)}
        return await self._write("PATCH", f"/v1/orders/{order_id}", side, body)

    async def filled(self, order_id: int) -> int:
        return (await self._core.order(order_id)).order.filled_lots

    def _price(self, ticks: int) -> str:
        return format_units(ticks * self._spec.tick_units, ASSET_SCALE)

    def _qty(self, lots: int) -> str:
        return format_units(lots * LOT_UNITS, ASSET_SCALE)

    async def _write(
        self, method: str, path: str, side: int, body: dict[str, str] | None
    ) -> Answer:
        self._count += 1
        key = f"feed-{self._run_id}-{self._count}"
        content = b"" if body is None else json.dumps(body).encode()
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(BACKOFF_S * 2**attempt)
            headers = self._signed(method, path, self._accounts[side], key, content)
            try:
                response = await self._http.request(method, path, content=content, headers=headers)
            except httpx.TransportError as error:
                why = f"{type(error).__name__}: {error}"
                continue
            if response.status_code < 500:
                return _answer(response)
            why = f"{response.status_code}: {response.text[:200]}"
        raise OutcomeUnknown(f"{method} {path}: no answer in {ATTEMPTS} attempts ({why})")

    @staticmethod
    def _signed(
        method: str, path: str, account: ApiAccount, key: str, body: bytes
    ) -> dict[str, str]:
        ts = str(time.time_ns() // 1_000_000)
        message = canonical(method.encode(), path.encode(), ts.encode(), key.encode(), body)
        headers = {
            "X-API-KEY": account.api_key, "X-TS": ts, "Idempotency-Key": key,
            "X-SIGNATURE": sign(account.secret.encode(), message),
        }  # fmt: skip
        return headers | ({"Content-Type": "application/json"} if body else {})


def _answer(response: httpx.Response) -> Answer:
    """A business reject is an answer; anything else that is refused stops the run."""
    body: dict[str, Any] = response.json()
    if response.is_success:
        return Answer(OK, int(body["orderId"]), int(body["seq"]))
    code = str(body.get("code", ""))
    if response.status_code in (401, 403, 429) or code not in REJECT_NAMES:
        raise MarketError(f"the gateway refused: {response.text[:300]}")
    return Answer(REJECT_NAMES.index(code), 0, 0)
