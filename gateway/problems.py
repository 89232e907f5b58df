"""What a client is told when the answer is no: RFC 9457 problem details, from one table.

Why it exists: a refusal has a reject code (the public names of `core.codes`), an HTTP status,
a field and a rule, and all four must agree everywhere. `code` is always one of the public reject
codes; `type` says more finely what happened at the edge (a signature, a size). Nothing here
decides to refuse.
"""

from typing import Final

import msgspec

from core import codes

TYPE_PREFIX: Final = "urn:lockstep:problem:"
CONTENT_TYPE: Final = b"application/problem+json"

STATUS_AND_TITLE: Final[dict[int, tuple[int, str]]] = {
    codes.VALIDATION: (400, "The request is not valid"),
    codes.UNKNOWN_SYMBOL: (404, "There is no such symbol"),
    codes.UNKNOWN_ORDER: (404, "There is no such order"),
    codes.NOT_OWNER: (404, "There is no such order"),
    codes.PRICE_BAND: (422, "The price is out of bounds"),
    codes.TICK_SIZE: (422, "The price is between two steps"),
    codes.LOT_SIZE: (422, "The quantity is not allowed for the symbol"),
    codes.MIN_NOTIONAL: (422, "The order is worth too little"),
    codes.MAX_NOTIONAL: (422, "The order is worth too much"),
    codes.INSUFFICIENT_FUNDS: (422, "The account has too little available"),
    codes.MARKET_HALTED: (409, "This is not taken now"),
    codes.CANCEL_ONLY: (409, "Only cancels are taken now"),
    codes.TOO_MANY_REQUESTS: (429, "Too many requests"),
    codes.TOO_MANY_OPEN_ORDERS: (422, "There are too many open orders"),
    codes.NO_LIQUIDITY: (422, "Nothing to trade with"),
    codes.POST_ONLY_WOULD_TRADE: (422, "A post-only order would trade"),
    codes.FOK_UNFILLABLE: (422, "The order cannot be filled at once and whole"),
    codes.SELF_TRADE: (422, "The order would trade with the account's own"),
    codes.DUPLICATE_ORDER_ID: (409, "An open order has this client order id"),
    codes.IDEMPOTENCY_MISMATCH: (422, "The idempotency key was used for another request"),
    codes.FENCING_TOKEN: (503, "This part of the exchange was superseded"),
    codes.NOT_LEADER: (503, "The exchange is changing its leader"),
    codes.OVERLOADED: (503, "The exchange takes no more work now"),
}
"""Reject code -> HTTP status and title. 5xx is never used for a definite business reject:
clients read 5xx as "the outcome is unknown or nothing happened", and retry."""


class FieldError(msgspec.Struct, frozen=True):
    field: str
    rule: str


class Problem(msgspec.Struct, frozen=True):
    """One refusal. `kind` is the last part of the type URI."""

    status: int
    code: int
    kind: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    retry_after_s: int = 0
    allow: str = ""


class Refused(Exception):
    """The caller's fault, found before the core was asked: nothing was changed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class _Body(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    errors: tuple[FieldError, ...] = ()


_encode: Final = msgspec.json.Encoder().encode


def encode_problem(problem: Problem, instance: str, trace_id: str) -> bytes:
    return _encode(
        _Body(
            type=TYPE_PREFIX + problem.kind,
            title=problem.title,
            status=problem.status,
            detail=problem.detail,
            instance=instance,
            code=codes.REJECT_NAMES[problem.code],
            trace_id=trace_id,
            errors=problem.errors,
        )
    )


def kind_of(code: int) -> str:
    return codes.REJECT_NAMES[code].lower().replace("_", "-")


def rejected(code: int, detail: str, field: str = "", rule: str = "") -> Problem:
    """A problem with the status and title that the table gives to `code`."""
    status, title = STATUS_AND_TITLE[code]
    errors = (FieldError(field, rule),) if field else ()
    retry = 1 if status in (429, 503) else 0
    return Problem(status, code, kind_of(code), title, detail, errors, retry)


def invalid(field: str, rule: str, code: int = codes.VALIDATION) -> Problem:
    return rejected(code, f"{field} {rule}", field, rule)


def check_version(field: str, needed: int, in_force: int) -> None:
    """Raises `Refused` for what a later machine version brings."""
    if in_force < needed:
        raise Refused(invalid(field, version_rule(needed, in_force)))


def version_rule(needed: int, in_force: int) -> str:
    return f"needs machine version {needed}; {in_force} is in force"


def _edge(status: int, kind: str, title: str, field: str, rule: str) -> Problem:
    errors = (FieldError(field, rule),)
    return Problem(status, codes.VALIDATION, kind, title, f"{field} {rule}", errors)


def unauthorized(kind: str, field: str, rule: str) -> Problem:
    return _edge(401, kind, "The request is not authenticated", field, rule)


def forbidden(field: str, rule: str) -> Problem:
    return _edge(403, "permission", "The key may not do this", field, rule)


def too_large(limit_bytes: int) -> Problem:
    rule = f"must not be longer than {limit_bytes} bytes"
    return _edge(413, "body-too-large", "The body is too large", "body", rule)


def uri_too_long(limit_bytes: int) -> Problem:
    rule = f"must not be longer than {limit_bytes} bytes"
    return _edge(414, "uri-too-long", "The request target is too long", "query", rule)


def headers_too_large(rule: str) -> Problem:
    return _edge(431, "headers-too-large", "The header fields are too large", "headers", rule)


def wrong_content_type() -> Problem:
    rule = "must be application/json"
    return _edge(415, "content-type", "The body's type is not understood", "Content-Type", rule)


def no_such_path(path: str) -> Problem:
    problem = _edge(404, "no-such-path", "There is nothing here", "path", "must be a known path")
    return msgspec.structs.replace(problem, detail=f"nothing is served at {path!r}")


def wrong_method(method: str, allow: str) -> Problem:
    rule = f"must be one of {allow}"
    problem = _edge(405, "method", "The path does not take this method", "method", rule)
    return msgspec.structs.replace(problem, detail=f"{method} is not taken here", allow=allow)


def key_missing() -> Problem:
    rule = "must be given with every new order"
    return _edge(400, "idempotency-key", "An idempotency key is missing", "Idempotency-Key", rule)


def too_many_requests(detail: str, retry_after_s: int) -> Problem:
    problem = rejected(codes.TOO_MANY_REQUESTS, detail)
    return msgspec.structs.replace(problem, retry_after_s=max(1, retry_after_s))


def unavailable(detail: str, code: int = codes.OVERLOADED) -> Problem:
    """Nothing was accepted; the same request may be sent again."""
    _, title = STATUS_AND_TITLE[code]
    return Problem(503, code, kind_of(code), title, detail, (), 1)


def outcome_unknown() -> Problem:
    return Problem(
        504, codes.OVERLOADED, "outcome-unknown", "The outcome is not known yet",
        "the exchange did not answer in time, and may or may not have taken the request; send it "
        "again with the same Idempotency-Key to learn the outcome without repeating the effect",
        (), 1,
    )  # fmt: skip


def internal_error() -> Problem:
    return Problem(
        500, codes.OVERLOADED, "internal", "A fault of the gateway",
        "the gateway failed on this request; the trace id names it in the gateway's log; a write "
        "may be sent again with the same Idempotency-Key",
    )  # fmt: skip
