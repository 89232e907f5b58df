"""The ASGI edge: bytes of a web server to the gateway's values, and back.

Why it exists: this is the only code between uvicorn and the gateway's rules, and it is on the
path of every order, so it does three things and nothing else: bounds what is read, hands over,
and writes the answer. A bug below it is answered with 500, logged with its trace id, and the
process lives. It must not know routes, orders or keys.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from gateway.api import Api
from gateway.bodies import BODY_BYTES_MAX
from gateway.feed_hub import FeedHub, HubFull
from gateway.http import HEADERS_READ, QUERY_BYTES_MAX, Request, Response
from gateway.ports import Clock
from gateway.problems import (
    Problem, invalid, no_such_path, outcome_unknown, too_large, unavailable, uri_too_long,
)  # fmt: skip
from gateway.sessions import Session

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

WEBSOCKET_PATH: Final = "/ws"
_ALWAYS: Final = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_CLOSE: Final = (b"connection", b"close")

CLOSE_NOW: Final = "close_now"
"""Name in the scope's state of the server's way to close without waiting for a slow reader."""

log: Final = logging.getLogger("lockstep.gateway")


class _Link:
    """What connects a session to its socket's tasks."""

    __slots__ = ("ended", "wake")

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.ended = asyncio.Event()


class GatewayApp:
    """One ASGI 3 application: REST and `/ws`. No lifespan: the composition root starts tasks."""

    def __init__(self, api: Api, hub: FeedHub, clock: Clock) -> None:
        self._api = api
        self._hub = hub
        self._clock = clock
        self._links: dict[Session, _Link] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            raise AssertionError(f"the server sent a scope of type {scope['type']!r}")

    # --- HTTP ----------------------------------------------------------------------------------

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in HEADERS_READ:
                if name in headers:
                    problem = invalid(name.decode(), "must be given once")
                    await self._refuse(send, problem, scope["path"])
                    return
                headers[name] = value
        query: bytes = scope["query_string"]
        if len(query) > QUERY_BYTES_MAX:
            await self._refuse(send, uri_too_long(QUERY_BYTES_MAX), scope["path"])
            return
        body = await _body(headers, receive)
        if body is None:
            await self._refuse(send, too_large(BODY_BYTES_MAX), scope["path"])
            return
        raw_path: bytes = scope["raw_path"]
        client = scope["client"]
        request = Request(
            scope["method"], scope["path"], query, raw_path + b"?" + query if query else raw_path,
            headers, body, client[0] if client else "",
        )  # fmt: skip
        try:
            response = await self._api.handle(request)
        except asyncio.CancelledError:
            # The server stops and waits no longer. The command may be in the log, so the caller
            # is told what to do, and this task ends with the answer.
            response = self._api.refuse(outcome_unknown(), request.path)
        except Exception:
            response, trace_id = self._api.failure(request.path)
            log.exception("%s %s failed, trace %s", request.method, request.path, trace_id)
        await _respond(send, response)

    async def _refuse(self, send: Send, problem: Problem, path: str) -> None:
        """The rest of the request is not read: the connection ends with the answer."""
        response = self._api.refuse(problem, path)
        await _respond(send, response._replace(headers=(*response.headers, _CLOSE)))

    # --- WebSocket -----------------------------------------------------------------------------

    def wake(self) -> None:
        """Let the writers of all sessions in `hub.woken` run, and end those that must end."""
        woken = self._hub.woken
        while woken:
            session = woken.pop()
            link = self._links.get(session)
            if link is not None:
                link.wake.set()
                if session.closing is not None:
                    link.ended.set()

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if scope["path"] != WEBSOCKET_PATH:
            await self._reject(send, no_such_path(scope["path"][:128]), scope["path"])
            return
        client = scope["client"]
        try:
            session = self._hub.connect(client[0] if client else "", self._clock.monotonic_s())
        except HubFull:
            problem = unavailable("too many WebSocket connections, in all or from this address")
            await self._reject(send, problem, scope["path"])
            return
        link = self._links[session] = _Link()
        try:
            await send({"type": "websocket.accept"})
            await self._converse(session, link, receive, send)
            if session.closing is not None:
                scope["state"][CLOSE_NOW](*session.closing)
        finally:
            self._hub.disconnect(session)
            del self._links[session]

    async def _converse(
        self, session: Session, link: _Link, receive: Receive, send: Send
    ) -> None:  # fmt: skip
        """One reader, one writer; whichever ends first, or the session's end, ends all."""
        tasks = (
            asyncio.create_task(self._read(session, receive)),
            asyncio.create_task(_write(session, link, send)),
            asyncio.create_task(link.ended.wait()),
        )
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, session: Session, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            data = text.encode() if text is not None else message["bytes"]
            self._hub.receive(session, data, self._clock.monotonic_s())
            self.wake()

    async def _reject(self, send: Send, problem: Problem, path: str) -> None:
        response = self._api.refuse(problem, path)
        headers = [(b"content-type", response.content_type), *response.headers]
        start = "websocket.http.response.start"
        await send({"type": start, "status": response.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": response.body})


async def _write(session: Session, link: _Link, send: Send) -> None:
    """The only sender of its connection. It blocks here when the client does not read, and the
    session's outbox grows behind it up to its bound."""
    while True:
        await link.wake.wait()
        link.wake.clear()
        while (message := session.take()) is not None:
            await send({"type": "websocket.send", "text": message.decode()})


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
    """The whole body; None when it is longer than it may be, read or announced."""
    length = headers.get(b"content-length")
    if length is not None and int(length) > BODY_BYTES_MAX:  # the server checked that it is one
        return None
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        if len(body) > BODY_BYTES_MAX:
            return None
        message = await receive()
        body += message.get("body", b"")
    return body if len(body) <= BODY_BYTES_MAX else None


async def _respond(send: Send, response: Response) -> None:
    body = response.body
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", b"%d" % len(body)),
        *_ALWAYS,
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
