"""uvicorn, with the bounds that it lacks: header sizes, a deadline for a request, connections.

Why it exists: uvicorn parses and paces well, but reads any number of headers, waits for ever for
the rest of a request (slow-loris), and answers malformed HTTP in plain text. The two protocol
classes below add those bounds and nothing else. They know no route.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Generator
from typing import Any, ClassVar, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from adapters.http_asgi import CLOSE_NOW
from gateway.problems import CONTENT_TYPE, Problem, encode_problem, headers_too_large, invalid
from gateway.sessions import MESSAGE_BYTES_MAX

HEADER_BYTES_MAX: Final = 16 * 1024
HEADER_FIELDS_MAX: Final = 64
REQUEST_DEADLINE_S: Final = 10.0
KEEP_ALIVE_S: Final = 75
CONNECTIONS_MAX: Final = 4_096
PER_ADDRESS_MAX: Final = 2_048
WS_PING_S: Final = 20.0
WS_PONG_S: Final = 20.0
CLOSE_S: Final = 5.0
DRAIN_S: Final = 5

_TEXTS: Final = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}

_CONTINUE: Final = b"HTTP/1.1 100 "

log: Final = logging.getLogger("lockstep.gateway")


class _TooManyHeaders(Exception):
    """Inside the parser's callbacks only."""


class _WholeAnswer:
    """A transport for one answer that holds the head back until the body comes.

    uvicorn writes the two apart, which makes two system calls here and two wake-ups at the
    client for each order; together they are one packet.
    """

    __slots__ = ("_began", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._began = False
        self._head = b""

    def write(self, data: bytes) -> None:
        if not self._began and not data.startswith(_CONTINUE):
            self._began = True
            self._head = data
        elif self._head:
            self._transport.write(self._head + data)
            self._head = b""
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class BoundedHttp(HttpToolsProtocol):
    """One HTTP connection. Counts are of the process: all its connections share one loop."""

    open_by_address: ClassVar[dict[str, int]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._header_bytes = 0
        self._header_excess = ""
        self._deadline: asyncio.TimerHandle | None = None
        self._address = self.client[0] if self.client else ""
        here = self.open_by_address.get(self._address, 0) + 1
        self.open_by_address[self._address] = here
        self._counted = True
        if len(self.connections) > CONNECTIONS_MAX or here > PER_ADDRESS_MAX:
            transport.abort()
            return
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._request_is_whole()
        self._uncount()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """The connection lives on under another protocol, which the feed hub counts."""
        self._request_is_whole()
        self._uncount()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._expect_request()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_header(len(name) + len(value))

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if not self.parser.should_upgrade() and self.scope["method"] != "HEAD":
            # uvicorn writes no body for HEAD, so there the head must not wait for one.
            self.cycle.transport = _WholeAnswer(self.transport)  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        self._request_is_whole()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser refused, whether it was its own rule or the bound below."""
        if self._header_excess:
            self._end_with(headers_too_large(self._header_excess))
        else:
            self._end_with(invalid("request", f"must be well-formed HTTP: {msg}"))

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > HEADER_BYTES_MAX or len(self.headers) > HEADER_FIELDS_MAX:
            self._header_excess = (
                f"must be at most {HEADER_FIELDS_MAX} fields and {HEADER_BYTES_MAX} bytes"
            )
            raise _TooManyHeaders  # ends the parsing, which answers through send_400_response

    def _expect_request(self) -> None:
        self._request_is_whole()
        self._deadline = self.loop.call_later(REQUEST_DEADLINE_S, self._too_slow)

    def _request_is_whole(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _uncount(self) -> None:
        if self._counted:
            self._counted = False
            left = self.open_by_address[self._address] - 1
            if left:
                self.open_by_address[self._address] = left
            else:
                del self.open_by_address[self._address]

    def _end_with(self, problem: Problem) -> None:
        body = encode_problem(problem, "", "")
        head = (
            b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
            % (problem.status, _TEXTS[problem.status], CONTENT_TYPE, len(body))
        )
        self.transport.write(head + body)
        self.transport.close()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """One WebSocket connection, with a close that does not wait for a slow reader."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # absent when the handshake itself was refused
            self.scope["state"][CLOSE_NOW] = self.close_now

    def close_now(self, code: int, reason: str) -> None:
        """Send the close frame past the flow control, and drop the connection soon after."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(CLOSE_S, self.transport.abort)


class Server(uvicorn.Server):
    """uvicorn's server without its own signal handlers: the composition root has them, because
    more than the server must be stopped, and the process must end with a code of its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def make_server(app: Any, sock: socket.socket) -> Server:
    """A server for one application on a bound socket; `serve(sockets=[sock])` runs it."""
    config = uvicorn.Config(
        app, http=BoundedHttp, ws=BoundedWebSocket, loop="uvloop", lifespan="off",
        access_log=False, log_config=None, server_header=False, date_header=True,
        proxy_headers=False, timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=DRAIN_S,
        ws_max_size=MESSAGE_BYTES_MAX, ws_ping_interval=WS_PING_S, ws_ping_timeout=WS_PONG_S,
        ws_per_message_deflate=False, backlog=1024,
    )  # fmt: skip
    host, port = sock.getsockname()[:2]
    config.host, config.port = host, port
    return Server(config)
