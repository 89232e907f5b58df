"""The ledger's HTTP surface: balances, and what operators and supervisors ask.

Why it exists: people and services read booked balances here, and whoever watches the exchange
learns whether the books are current and equal to the core's. Four GET routes need no framework.
It shows state and changes none. It must not know how events are booked.

    GET /v1/balances?account=ID   booked balances at one log index
    GET /healthz                  the process answers
    GET /readyz                   booking, caught up, no mismatch; else 503 and why
    GET /metrics                  for Prometheus
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import msgspec
import psycopg
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from adapters.ledger_runner import RUNNING, Runner
from adapters.postgres_reader import BooksReader

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
CoreIndex = Callable[[], Awaitable[int | None]]
"""The core's last log index; None when it does not answer."""

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
PROMETHEUS: Final = b"text/plain; version=0.0.4; charset=utf-8"
ACCOUNT_MAX: Final = (1 << 63) - 1
_ACCOUNT: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    content_type: bytes = JSON


class Metrics(Protocol):
    def collect(self) -> list[Metric]: ...


class LedgerHttp:
    """The ASGI application."""

    def __init__(
        self, runner: Runner, reader: BooksReader, core_index: CoreIndex, lag_entries_max: int
    ) -> None:
        self._runner = runner
        self._reader = reader
        self._core_index = core_index
        self._lag_entries_max = lag_entries_max
        self._routes: Final[dict[str, Callable[[bytes], Awaitable[Answer]]]] = {
            "/v1/balances": self._balances,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "the server is told to offer nothing but HTTP"
        route = self._routes.get(scope["path"])
        if route is None:
            answer = problem(404, "UNKNOWN_PATH", "path", f"{scope['path']!r} is not served here")
        elif scope["method"] not in ("GET", "HEAD"):
            answer = problem(405, "METHOD", "method", "must be GET")
        else:
            answer = await route(scope["query_string"])
        headers = [
            (b"content-type", answer.content_type),
            (b"content-length", str(len(answer.body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})

    async def _balances(self, query: bytes) -> Answer:
        given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        if [name for name, _ in given] != ["account"]:
            return problem(400, "VALIDATION", "account", "must be given once, and nothing else")
        text = given[0][1]
        if not _ACCOUNT.fullmatch(text) or int(text) > ACCOUNT_MAX:
            return problem(400, "VALIDATION", "account", "must be an account number in digits")
        try:
            found = await self._reader.balances(int(text))
        except psycopg.OperationalError:
            return problem(503, "OVERLOADED", "database", "does not answer; try again later")
        if found is None:
            return problem(404, "VALIDATION", "account", f"{text} is not in the books")
        return Answer(200, msgspec.json.encode(found))

    async def _healthz(self, _query: bytes) -> Answer:
        return Answer(200, b'{"status":"ok"}')

    async def _readyz(self, _query: bytes) -> Answer:
        runner = self._runner
        core = await self._core_index()
        missing = []
        if runner.state != RUNNING:
            missing.append(runner.fault or f"the projector is {runner.state}")
        if core is None:
            missing.append("the core does not answer")
        elif core - runner.index > self._lag_entries_max:
            missing.append(f"{core - runner.index} log entries behind the core")
        state = {
            "ready": not missing,
            "state": runner.state,
            "lastIndex": runner.index,
            "coreIndex": core,
            "reconciled": runner.progress.reconciled,
            "missing": missing,
        }
        return Answer(503 if missing else 200, msgspec.json.encode(state))

    async def _metrics(self, _query: bytes) -> Answer:
        core = await self._core_index()
        registry = CollectorRegistry()
        registry.register(_Collector(self._runner, core))
        return Answer(200, generate_latest(registry), PROMETHEUS)


class _Collector:
    """The runner's state as Prometheus' families, taken when they are asked for."""

    def __init__(self, runner: Runner, core_index: int | None) -> None:
        self._runner = runner
        self._core_index = core_index

    def collect(self) -> list[Metric]:
        runner, progress = self._runner, self._runner.progress
        counters = {
            "events": (progress.events, "Events of the core that were folded and booked."),
            "entries": (progress.entries, "Journal entries booked."),
            "postings": (progress.postings, "Postings booked."),
            "transactions": (progress.transactions, "Transactions committed."),
            "redelivered": (progress.redelivered, "Log entries that came again and were left out."),
        }
        families: list[Metric] = [
            CounterMetricFamily(f"lockstep_ledger_{name}", text, value)
            for name, (value, text) in counters.items()
        ]
        compared = CounterMetricFamily(
            "lockstep_ledger_reconciliations",
            "Comparisons of the balances with the core's digest.",
            labels=["result"],
        )
        compared.add_metric(["equal"], progress.reconciled)
        compared.add_metric(["different"], progress.diverged)
        families += [
            compared,
            _gauge("applied_index", "Log index up to which is booked.", runner.index),
            _gauge("up", "1 while the projector books.", int(runner.state == RUNNING)),
            _gauge("stopped", "1 after a fault: a person must look.", int(bool(runner.fault))),
        ]
        if self._core_index is not None:
            lag = max(0, self._core_index - runner.index)
            families.append(_gauge("lag_entries", "Log entries behind the core.", lag))
        return families


def _gauge(name: str, text: str, value: int) -> Metric:
    return GaugeMetricFamily(f"lockstep_ledger_{name}", text, value)


def problem(status: int, code: str, field: str, rule: str) -> Answer:
    """RFC 9457, with the field and the rule."""
    body = {
        "type": f"urn:lockstep:problem:ledger:{code.lower()}",
        "title": f"{field} {rule}",
        "status": status,
        "code": code,
        "errors": [{"field": field, "rule": rule}],
    }
    return Answer(status, msgspec.json.encode(body), PROBLEM)
