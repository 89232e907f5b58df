"""Readiness by state and lag, asked of the application itself: no socket, no database."""

from typing import Any

import httpx
import pytest

from adapters.ledger_http import LedgerHttp
from adapters.ledger_runner import CONNECTING, RUNNING, STOPPED, Runner
from adapters.postgres_reader import BooksReader
from ledger.views import decimal_text

LAG_MAX = 64


def runner(state: str, index: int, fault: str = "") -> Runner:
    def never(*_: object) -> Any:
        raise AssertionError("not asked for here")

    made = Runner(never, never, partition=0, batch_postings=1, linger_s=0.0)
    made.state, made.index, made.fault = state, index, fault
    return made


async def ask(path: str, it: Runner, core: int | None) -> httpx.Response:
    async def core_index() -> int | None:
        return core

    app = LedgerHttp(it, BooksReader("postgresql:///nowhere", 0), core_index, LAG_MAX)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ledger") as client:
        return await client.get(path)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("state", "core", "fault", "missing"),
    [
        (RUNNING, 100, "", []),
        (RUNNING, 100 + LAG_MAX, "", []),
        (RUNNING, 101 + LAG_MAX, "", ["65 log entries behind the core"]),
        (RUNNING, None, "", ["the core does not answer"]),
        (CONNECTING, 100, "", ["the projector is CONNECTING"]),
        (STOPPED, 100, "BooksDiverged: at 7", ["BooksDiverged: at 7"]),
    ],
)
async def test_ready_means_booking_and_caught_up(
    state: str, core: int | None, fault: str, missing: list[str]
) -> None:
    answer = await ask("/readyz", runner(state, 100, fault), core)
    assert answer.status_code == (503 if missing else 200)
    assert answer.json()["missing"] == missing
    assert answer.json()["ready"] is not bool(missing)


@pytest.mark.asyncio
async def test_the_lag_is_a_metric_while_the_core_answers() -> None:
    assert (
        "lockstep_ledger_lag_entries 11.0"
        in (await ask("/metrics", runner(RUNNING, 100), 111)).text
    )
    assert "lag_entries" not in (await ask("/metrics", runner(RUNNING, 100), None)).text


@pytest.mark.asyncio
async def test_a_database_that_is_away_is_said_so() -> None:
    answer = await ask("/v1/balances?account=1", runner(CONNECTING, 0), None)
    assert answer.status_code == 503
    assert answer.json()["errors"] == [
        {"field": "database", "rule": "does not answer; try again later"}
    ]


@pytest.mark.parametrize(
    ("units", "scale", "text"),
    [
        (0, 0, "0"), (0, 8, "0"), (1, 8, "0.00000001"), (-1, 2, "-0.01"),
        (10**8, 8, "1"), (-(10**9), 8, "-10"), (1_050_000, 6, "1.05"), (10, 0, "10"),
        (123, 2, "1.23"), (-12345, 4, "-1.2345"), (1 << 62, 12, "4611686.018427387904"),
        (7, 0, "7"), (-7, 0, "-7"),
    ],
)  # fmt: skip
def test_amounts_are_exact(units: int, scale: int, text: str) -> None:
    assert decimal_text(units, scale) == text
