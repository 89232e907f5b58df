"""Requests and responses as values, routes as a table: HTTP without a server.

Why it exists: handlers, tests and the simulator exchange these; an adapter makes them from what
its web server delivers. `target` and `body` are the raw bytes, because those are what is signed.
"""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from gateway.ports import Key
from gateway.problems import Problem, Refused, invalid, no_such_path, uri_too_long, wrong_method

QUERY_BYTES_MAX: Final = 8 * 1024
QUERY_FIELDS_MAX: Final = 16

HEADERS_READ: Final = frozenset(
    (
        b"x-api-key", b"x-ts", b"x-signature", b"idempotency-key", b"content-type",
        b"content-length", b"traceparent",
    )
)  # fmt: skip
"""All that the gateway ever looks at; one of these given twice is refused as ambiguous."""

JSON: Final = b"application/json"
Headers = tuple[tuple[bytes, bytes], ...]


class Request(NamedTuple):
    method: str
    path: str
    query: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes
    client_ip: str


class Response(NamedTuple):
    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Headers = ()


class Call(NamedTuple):
    """A routed request: `argument` is the path's variable part, `key` None when public."""

    request: Request
    argument: str
    params: dict[str, str]
    key: Key | None
    trace_id: bytes

    @property
    def account(self) -> int:
        assert self.key is not None, "a signed route without a key"
        return self.key.account


Handler = Callable[[Call], Awaitable[Response]]


class Route(NamedTuple):
    """`permission` 0: public. `has_body`: a JSON body is expected. `params`: query fields."""

    method: str
    template: str
    handler: Handler
    permission: int = 0
    has_body: bool = False
    params: tuple[str, ...] = ()


class Router:
    """Exact paths by one lookup; the few templates with one `{}` segment by comparison."""

    def __init__(self, routes: list[Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        templates: dict[str, dict[str, Route]] = {}
        for route in routes:
            table = templates if "{}" in route.template else self._exact
            by_method = table.setdefault(route.template, {})
            assert route.method not in by_method, f"{route.method} {route.template} twice"
            by_method[route.method] = route
        self._templates = [(tuple(t.split("/")), by) for t, by in templates.items()]

    def match(self, method: str, path: str) -> tuple[Route, str]:
        """The route and the path's variable part. Raises `Refused` with 404 or 405."""
        by_method = self._exact.get(path)
        argument = ""
        if by_method is None:
            by_method, argument = self._match_template(path)
        # HEAD is GET without the body, which the server leaves out (RFC 9110, 9.3.2).
        route = by_method.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = sorted(by_method.keys() | ({"HEAD"} if "GET" in by_method else set()))
            raise Refused(wrong_method(method[:16], ", ".join(allowed)))
        return route, argument

    def _match_template(self, path: str) -> tuple[dict[str, Route], str]:
        parts = path.split("/", 8)
        for template, by_method in self._templates:
            if len(template) != len(parts):
                continue
            argument = ""
            for want, have in zip(template, parts, strict=True):
                if want == "{}" and have:
                    argument = have
                elif want != have:
                    break
            else:
                return by_method, argument
        raise Refused(no_such_path(path[:128]))


def query_params(query: bytes, allowed: tuple[str, ...]) -> dict[str, str]:
    """The query's fields, each known and given once. Raises `Refused`, naming the field."""
    if not query:
        return {}
    if len(query) > QUERY_BYTES_MAX:
        raise Refused(uri_too_long(QUERY_BYTES_MAX))
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )  # fmt: skip
    except (ValueError, UnicodeError):
        raise Refused(invalid("query", "must be well-formed name=value pairs")) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            raise Refused(invalid(name[:64], "is not a parameter of this path"))
        if name in found:
            raise Refused(invalid(name, "must be given once"))
        found[name] = value
    return found


def whole_number(params: dict[str, str], name: str, default: int, most: int) -> int:
    """An optional parameter from 1 to `most`. Raises `Refused`, naming it."""
    text = params.get(name)
    if text is None:
        return default
    good = len(text) <= 9 and text.isascii() and text.isdigit()
    if not good or not 1 <= int(text) <= most:
        raise Refused(invalid(name, f"must be a whole number from 1 to {most}"))
    return int(text)


def retry_headers(problem: Problem) -> Headers:
    headers: Headers = ()
    if problem.retry_after_s:
        headers += ((b"retry-after", b"%d" % problem.retry_after_s),)
    if problem.allow:
        headers += ((b"allow", problem.allow.encode("ascii", "replace")),)
    return headers
