"""One request to one response: trace, limits, authentication, route, handler, problem.

Why it exists: the order of the checks is a security property and stands in one function.

    address rate -> path and method -> body type -> signature (`gateway.auth`) -> account rate
    -> handler

Sizes are checked before this, by the adapter that reads the bytes: it must not buffer what will
be refused. What can go wrong afterwards is one of four: the caller's fault (`Refused`), the
core's (`CoreUnavailable`, `OutcomeUnknown`), the ledger's, or a bug of ours, which the adapter
catches, counts and answers with 500.
"""

import math
from collections.abc import Callable
from typing import Final

import msgspec

from core import codes
from gateway.auth import authenticate
from gateway.fold import ReadModel
from gateway.http import (
    Call,
    Headers,
    Request,
    Response,
    Route,
    Router,
    query_params,
    retry_headers,
)  # fmt: skip
from gateway.limits import Rate, RateLimiter, Verdict
from gateway.metrics import Metrics
from gateway.ports import (
    Clock,
    CorePort,
    CoreUnavailable,
    Entropy,
    KeyStore,
    LedgerQueries,
    LedgerUnavailable,
    OutcomeUnknown,
    Progress,
)  # fmt: skip
from gateway.private import PrivateApi
from gateway.problems import (
    CONTENT_TYPE,
    Problem,
    Refused,
    encode_problem,
    internal_error,
    outcome_unknown,
    too_many_requests,
    unavailable,
    wrong_content_type,
)  # fmt: skip
from gateway.public import PublicApi
from gateway.tracing import trace_id_of

PLAIN_TEXT: Final = b"text/plain; version=0.0.4; charset=utf-8"
CAUGHT_UP_S: Final = 0.5


class ApiLimits(msgspec.Struct, frozen=True):
    """Rates per second and bursts, per account and per address."""

    account_per_s: float = 2_000.0
    account_burst: int = 4_000
    address_per_s: float = 10_000.0
    address_burst: int = 20_000


class Ports(msgspec.Struct, frozen=True):
    core: CorePort
    keys: KeyStore
    clock: Clock
    progress: Progress
    entropy: Entropy
    ledger: LedgerQueries | None = None


class Api:
    """Everything behind the HTTP surface. `metrics` is read and written by the adapter too."""

    def __init__(self, model: ReadModel, ports: Ports, limits: ApiLimits) -> None:
        self._model = model
        self._ports = ports
        self.metrics = Metrics()
        self._addresses = RateLimiter(Rate("address", limits.address_per_s, limits.address_burst))
        self._accounts = RateLimiter(Rate("account", limits.account_per_s, limits.account_burst))
        private = PrivateApi(model, ports.core, ports.progress, ports.entropy, ports.ledger)
        self._router = Router(
            private.routes()
            + PublicApi(model).routes()
            + [
                Route("GET", "/healthz", self.healthz),
                Route("GET", "/readyz", self.readyz),
                Route("GET", "/metrics", self.metrics_text),
            ]
        )
        self.gauges: Callable[[], dict[str, int]] = dict

    async def handle(self, request: Request) -> Response:
        """Never raises for what a client, the core or the ledger did wrong."""
        started_s = self._ports.clock.monotonic_s()
        trace_id = trace_id_of(request.headers.get(b"traceparent"), self._ports.entropy)
        name = "none"
        limit: Headers = ()
        try:
            self._admit_address(request.client_ip, started_s)
            route, argument = self._router.match(request.method, request.path)
            name = f"{route.method} {route.template}"
            if route.has_body:
                _check_content_type(request.headers.get(b"content-type"))
            if route.template.startswith("/v1/") and not self._ports.progress.live:
                raise CoreUnavailable(codes.OVERLOADED, "the gateway is still reading the log")
            key = None
            if route.permission:
                key = authenticate(request, self._ports.keys, self._ports.clock, route.permission)
                verdict = self._accounts.take(key.account, started_s)
                limit = self._accounts.headers(verdict)
                _admit(verdict, "the account has sent too many requests")
            params = query_params(request.query, route.params)
            response = await route.handler(Call(request, argument, params, key, trace_id))
        except Refused as refused:
            response = self.problem_response(refused.problem, request.path, trace_id)
        except CoreUnavailable as error:
            problem = unavailable(str(error), error.code)
            response = self.problem_response(problem, request.path, trace_id)
        except OutcomeUnknown:
            response = self.problem_response(outcome_unknown(), request.path, trace_id)
        except LedgerUnavailable as error:
            problem = unavailable(f"the ledger does not answer: {error}")
            response = self.problem_response(problem, request.path, trace_id)
        took_s = self._ports.clock.monotonic_s() - started_s
        self.metrics.request(name, response.status, took_s)
        trace: Headers = ((b"x-trace-id", trace_id.hex().encode()),)
        return response._replace(headers=response.headers + limit + trace)

    def problem_response(self, problem: Problem, path: str, trace_id: bytes) -> Response:
        self.metrics.reject(codes.REJECT_NAMES[problem.code])
        body = encode_problem(problem, path[:256], trace_id.hex())
        return Response(problem.status, body, CONTENT_TYPE, retry_headers(problem))

    def failure(self, path: str) -> tuple[Response, str]:
        """The answer to a bug of ours, and the trace id to log it under."""
        trace_id = self._ports.entropy.bytes16()
        return self.problem_response(internal_error(), path, trace_id), trace_id.hex()

    def refuse(self, problem: Problem, path: str) -> Response:
        """A refusal by the adapter, before the request was whole."""
        trace_id = self._ports.entropy.bytes16()
        response = self.problem_response(problem, path, trace_id)
        self.metrics.request("none", response.status, 0.0)
        trace: Headers = ((b"x-trace-id", trace_id.hex().encode()),)
        return response._replace(headers=response.headers + trace)

    def _admit_address(self, client_ip: str, now_s: float) -> None:
        _admit(self._addresses.take(client_ip, now_s), "the address has sent too many requests")

    # --- health --------------------------------------------------------------------------------

    async def healthz(self, _call: Call) -> Response:
        """The process lives. Says nothing about the core: a restart would not help there."""
        return Response(200, b'{"status":"ok"}')

    async def readyz(self, _call: Call) -> Response:
        """200 only when an order sent now would be taken, seen and booked."""
        checks: dict[str, str] = {}
        try:
            status = await self._ports.core.status()
            checks["core"] = "ok"
            caught_up = await self._ports.progress.reached(status.index, CAUGHT_UP_S)
            caught_up = caught_up and self._ports.progress.live
            behind = max(0, status.index - self._model.index)
            checks["fold"] = "ok" if caught_up else f"{behind} log entries behind"
        except CoreUnavailable as error:
            checks["core"] = str(error)
            checks["fold"] = "unknown"
        if self._ports.ledger is not None:
            checks["ledger"] = "ok" if await self._ports.ledger.ready() else "not ready"
        ready = all(value == "ok" for value in checks.values())
        body = msgspec.json.encode({"ready": ready, "index": self._model.index, "checks": checks})
        return Response(200 if ready else 503, body)

    async def metrics_text(self, _call: Call) -> Response:
        gauges = self.gauges() | {
            "fold_index": self._model.index,
            "open_orders": self._model.orders.open_count,
            "closed_orders_kept": self._model.orders.closed_count,
        }
        return Response(200, self.metrics.text(gauges).encode(), PLAIN_TEXT)


def _admit(verdict: Verdict, detail: str) -> None:
    if not verdict.allowed:
        raise Refused(too_many_requests(detail, math.ceil(verdict.retry_after_s)))


def _check_content_type(header: bytes | None) -> None:
    if header != b"application/json":
        kind = (header or b"").split(b";", 1)[0].strip().lower()
        if kind != b"application/json":
            raise Refused(wrong_content_type())
