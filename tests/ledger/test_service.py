"""`lockstep ledger` from outside: a real process between real gRPC, real PostgreSQL and HTTP."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
import psycopg
import pytest

from adapters.addresses import free_ports
from adapters.embedded_postgres import EmbeddedPostgres, PostgresUnavailable
from adapters.ledger_database import make_ready
from adapters.postgres_migrate import ensure_database, ensure_schema
from adapters.rpc_server import serve
from core import commands as c
from core.codes import BUY, GTC, LIMIT, SELL
from tests.ledger.machine_node import MachineNode

pytestmark = [pytest.mark.asyncio, pytest.mark.e2e]

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0


class Ledger:
    """The process, and a client of it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S)

    async def until(self, path: str, good: Callable[[httpx.Response], bool]) -> httpx.Response:
        """Ask again and again: each answer takes its time, so this does not spin."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                assert self.process.returncode is None, "the ledger's process ended"
                try:
                    answer = await self.http.get(path)
                except httpx.TransportError:
                    await asyncio.sleep(0)
                    continue
                if good(answer):
                    return answer

    async def stopped(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        async with asyncio.timeout(DEADLINE_S):
            return await self.process.wait()


@asynccontextmanager
async def served(node: MachineNode) -> AsyncIterator[str]:
    """The node's address."""
    server = await serve(cast("Any", node), "127.0.0.1:0")
    try:
        yield server.address
    finally:
        await server.stop(0)


def settings(core: str, url: str, partition: int, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "LOCKSTEP_LEDGER_CORE": core,
        "LOCKSTEP_LEDGER_DATABASE_URL": url,
        "LOCKSTEP_LEDGER_PARTITION": str(partition),
        "LOCKSTEP_LEDGER_LISTEN": f"127.0.0.1:{port}",
    }


async def lockstep(environ: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adapters.cli.main", "ledger", *arguments,
        cwd=ROOT, env=environ, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


@asynccontextmanager
async def ledger(core: str, url: str) -> AsyncIterator[Ledger]:
    port = free_ports(1)[0]
    running = Ledger(await lockstep(settings(core, url, 0, port)), port)
    try:
        yield running
    finally:
        await running.http.aclose()
        if running.process.returncode is None:
            running.process.kill()
            await running.process.wait()


async def check(url: str, core: str, action: str) -> tuple[int, dict[str, Any]]:
    process = await lockstep(settings(core, url, 0, 0), action, "--json")
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, msgspec.json.decode(out)


async def trade(node: MachineNode) -> None:
    """Two accounts, a deposit each, one trade with fees, one order left resting, a checkpoint."""
    records = [
        c.list_asset("BTC", 8),
        c.list_asset("KRW", 0),
        c.list_symbol(
            "BTC-KRW", 1, 2, tick_units=1000, lot_units=100_000, min_price=1, max_price=1 << 20,
            max_qty=1 << 20, min_notional=0, max_notional=1 << 50, maker_ppm=1000, taker_ppm=2000,
        ),
        c.open_account((1, 1)),
        c.open_account((2, 2)),
        c.deposit(2, 2, 10_000_000, (3, 3)),
        c.deposit(3, 1, 500_000_000, (4, 4)),
        c.place(3, 1, SELL, LIMIT, GTC, 50_000, 100),
        c.place(2, 1, BUY, LIMIT, GTC, 50_010, 100),
        c.place(2, 1, BUY, LIMIT, GTC, 40_000, 50),
        c.checkpoint(),
    ]  # fmt: skip
    for record in records:
        done = await node.submit(record, 1)
        assert done.replies[0] == 0


@pytest.fixture
def fresh_url(postgres: Any) -> str:
    """A database of its own, so that partition 0 is free."""
    name = f"service_{os.urandom(4).hex()}"
    ensure_database(postgres.url(), name)
    url: str = postgres.url(database=name)
    ensure_schema(url)
    return url


def ready_at(index: int) -> Callable[[httpx.Response], bool]:
    return lambda answer: answer.status_code == 200 and answer.json()["lastIndex"] == index


async def test_events_become_balances_and_survive_kill(fresh_url: str) -> None:
    node = MachineNode()
    async with served(node) as core:
        await trade(node)
        async with ledger(core, fresh_url) as first:
            ready = await first.until("/readyz", ready_at(11))
            assert ready.json()["reconciled"] == 1
            answer = await first.http.get("/v1/balances?account=2")
            assert answer.json() == {
                "account": 2,
                "lastIndex": 11,
                "balances": [
                    {"asset": "BTC", "available": "0.0998", "hold": "0",
                     "total": "0.0998"},
                    {"asset": "KRW", "available": "3000000", "hold": "2000000",
                     "total": "5000000"},
                ],
            }  # fmt: skip
            house = (await first.http.get("/v1/balances?account=1")).json()["balances"]
            assert [(b["asset"], b["total"]) for b in house] == [
                ("BTC", "0.00020000"), ("KRW", "5000"),
            ]  # fmt: skip
            metrics = (await first.http.get("/metrics")).text
            assert "lockstep_ledger_applied_index 11.0" in metrics
            assert 'lockstep_ledger_reconciliations_total{result="equal"} 1.0' in metrics
            assert await first.stopped(signal.SIGKILL) == -signal.SIGKILL
        await node.submit(c.deposit(3, 2, 7, (5, 5)), 1)
        async with ledger(core, fresh_url) as second:
            await second.until("/readyz", ready_at(12))
            mine = (await second.http.get("/v1/balances?account=3")).json()["balances"]
            assert mine[1] == {
                "asset": "KRW", "available": "4995007", "hold": "0", "total": "4995007",
            }  # fmt: skip
            code, found = await check(fresh_url, core, "verify")
            assert (code, found["ok"], found["last_index"]) == (0, True, 12)
            code, found = await check(fresh_url, core, "rebuild-check")
            assert (code, found["ok"], found["first_difference"]) == (0, True, None)
            assert await second.stopped(signal.SIGTERM) == 0


async def test_a_mismatch_stops_posting_and_is_told(fresh_url: str) -> None:
    node = MachineNode()
    async with served(node) as core:
        await trade(node)
        spoiled = bytearray(node.log[-1].events)
        spoiled[-1] ^= 1
        node.log[-1] = msgspec.structs.replace(node.log[-1], events=bytes(spoiled))
        async with ledger(core, fresh_url) as running:
            answer = await running.until("/readyz", lambda a: a.json()["state"] == "STOPPED")
            assert answer.status_code == 503
            assert "balances differ at log index 11" in answer.json()["missing"][0]
            metrics = (await running.http.get("/metrics")).text
            assert "lockstep_ledger_stopped 1.0" in metrics
            assert 'lockstep_ledger_reconciliations_total{result="different"} 1.0' in metrics
            balances = await running.http.get("/v1/balances?account=2")
            assert balances.json()["lastIndex"] == 10
            assert await running.stopped(signal.SIGTERM) == 1
        code, found = await check(fresh_url, core, "verify")
        assert (code, found["ok"]) == (1, False)


async def test_a_lost_session_is_opened_again(fresh_url: str) -> None:
    node = MachineNode()
    async with served(node) as core:
        await trade(node)
        async with ledger(core, fresh_url) as running:
            await running.until("/readyz", ready_at(11))
            with psycopg.connect(fresh_url) as connection:
                ended = connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where application_name like 'lockstep-%' and datname = current_database()"
                ).fetchall()
            assert (True,) in ended
            await node.submit(c.deposit(3, 2, 7, (5, 5)), 1)
            await node.submit(c.checkpoint(), 1)
            ready = await running.until("/readyz", ready_at(13))
            assert ready.json()["reconciled"] == 2
            mine = (await running.http.get("/v1/balances?account=3")).json()
            assert mine["balances"][1]["available"] == "4995007"


async def test_the_database_is_killed_and_comes_back(tmp_path: Path) -> None:
    """Commits are asynchronous: what the crash took, the log brings again."""
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        server.start()
    except PostgresUnavailable as error:
        pytest.skip(str(error))
    node = MachineNode()
    try:
        url = make_ready(server)
        async with served(node) as core, ledger(core, url) as running:
            await trade(node)
            await running.until("/readyz", ready_at(11))
            await node.submit(c.deposit(3, 2, 1, (5, 5)), 1)
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            for n in range(6, 16):
                await node.submit(c.deposit(3, 2, 1, (n, n)), 1)
            await node.submit(c.checkpoint(), 1)
            server.stop()
            server.start()
            ready = await running.until("/readyz", ready_at(23))
            assert ready.json()["reconciled"] == 2
            code, found = await check(url, core, "rebuild-check")
            assert (code, found["ok"], found["last_index"]) == (0, True, 23)
            code, found = await check(url, core, "verify")
            assert (code, found["ok"]) == (0, True)
    finally:
        server.stop()


async def test_bad_questions_name_the_field(fresh_url: str) -> None:
    async with ledger("127.0.0.1:1", fresh_url) as running:
        alive = await running.until("/healthz", lambda answer: answer.status_code == 200)
        assert alive.json() == {"status": "ok"}
        unready = await running.http.get("/readyz")
        assert unready.status_code == 503
        assert "the core does not answer" in unready.json()["missing"]
        for query in (
            "", "?account=", "?account=-1", "?account=1.0", "?account=1e3", "?account=%EF%BC%91",
            "?account=99999999999999999999", "?account=1&account=2", "?account=1&x=2", "?user=1",
            "?account=01",
        ):  # fmt: skip
            answer = await running.http.get(f"/v1/balances{query}")
            assert answer.status_code == 400, query
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["errors"][0]["field"] == "account"
        assert (await running.http.get("/v1/balances?account=77")).status_code == 404
        assert (await running.http.get("/v1/nothing")).status_code == 404
        assert (await running.http.post("/v1/balances?account=1")).status_code == 405
        assert await running.stopped(signal.SIGINT) == 0


async def test_a_port_in_use_is_named(fresh_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = settings("127.0.0.1:1", fresh_url, 0, int(taken.getsockname()[1]))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "adapters.cli.main", "ledger", cwd=ROOT, env=environ,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
    assert process.returncode == 3
    assert b"ledger.listen" in said
    assert b"Traceback" not in said
