"""Messages between the replicas of one cluster over TCP, with mutual TLS if it is asked for.

Why it exists: it keeps `replication.ports.Transport`'s promise on real sockets: a message arrives
whole, from the node that it names, or not at all. It must not know what a message says.

Each node dials every other and speaks on the connections that it dialled, so a connection carries
one way. Every peer has its own two bounded queues: small messages (votes, heartbeats, answers)
pass before bulk (records, snapshots), and a peer that is slow fills its own queues and nobody
else's. What does not fit is dropped: the protocol repeats it. Messages that wait together leave
in one write. A connection begins with a hello that names cluster, sender and addressee; one that
does not fit, or a frame that is none, ends it with a warning.
"""

import contextlib
import math
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import trio

from adapters.addresses import split
from adapters.peer_certificates import PeerTls, client_context, node_name, server_context
from adapters.peer_frames import BadFrame, FrameReader, frame
from replication.messages import (
    Append,
    MalformedMessage,
    Message,
    RepairReply,
    SnapshotChunk,
    decode,
    encode,
    node_number,
)
from replication.ports import Warner

PROTOCOL: Final = 1
HELLO_BYTES_MAX: Final = 1024
HELLO_S_MAX: Final = 5.0
BACKOFF_S_MIN: Final = 0.05
BACKOFF_S_MAX: Final = 1.0
BULK_BYTES: Final = 4096
"""A message of at least so many bytes waits in the second lane."""
LANE_MESSAGES_MAX: Final = 4096
LANE_BYTES_MAX: Final = 64 << 20
WRITE_BYTES: Final = 256 << 10
READ_BYTES: Final = 256 << 10
INBOX_MESSAGES_MAX: Final = 1024
CONNECTIONS_MAX: Final = 64
UNANSWERED_MS_MAX: Final = 5_000
"""Sent and not acknowledged for so long: the connection is dead (TCP_USER_TIMEOUT)."""
WARN_EVERY_S: Final = 10.0

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """The first frame of a connection, from whoever dialled."""

    protocol: int
    cluster: bytes
    member: int
    to_node: int


class Lane:
    """A bounded queue of frames."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque()
        self.size = 0

    def put(self, data: bytes) -> bool:
        if len(self.frames) >= LANE_MESSAGES_MAX or self.size + len(data) > LANE_BYTES_MAX:
            return False
        self.frames.append(data)
        self.size += len(data)
        return True

    def take(self) -> bytes:
        data = self.frames.popleft()
        self.size -= len(data)
        return data

    def clear(self) -> None:
        self.frames.clear()
        self.size = 0


class Peer:
    """One other node: where it listens and what waits for it."""

    def __init__(self, node: int, address: str) -> None:
        self.node = node
        self.address = address
        self.small = Lane()
        self.bulk = Lane()
        self.wake = trio.Event()
        self.connected = False
        self.dropped = 0
        self.sent_bytes = 0
        self.scope = trio.CancelScope()

    def put(self, data: bytes, *, bulk: bool) -> None:
        """Without a connection nothing waits: it would be old when there is one."""
        if not self.connected or not (self.bulk if bulk else self.small).put(data):
            self.dropped += 1
            return
        self.wake.set()

    def next_write(self) -> bytes:
        """As many waiting frames as one write carries, small ones first."""
        parts: list[bytes] = []
        size = 0
        for lane in (self.small, self.bulk):
            while lane.frames and (not parts or size + len(lane.frames[0]) <= WRITE_BYTES):
                parts.append(lane.take())
                size += len(parts[-1])
        return b"".join(parts)


class PeerStatistics(msgspec.Struct, frozen=True):
    node: int
    connected: bool
    queued: int
    dropped: int
    sent_bytes: int


class PeerTransport:
    """A `replication.ports.Transport`. Made anywhere, run and used on one trio thread."""

    def __init__(
        self, member: int, cluster: bytes, listen: str, peers: Mapping[int, str], warn: Warner,
        tls: PeerTls | None = None, monotonic_s: Callable[[], float] = trio.current_time,
    ) -> None:  # fmt: skip
        self._member = member
        self._cluster = cluster
        self._listen = listen
        self._warn = warn
        self._monotonic_s = monotonic_s
        self._server_tls = server_context(tls) if tls is not None else None
        self._client_tls = client_context(tls) if tls is not None else None
        own = node_number(member)
        self._settled = dict(peers)
        self._peers = {n: Peer(n, at) for n, at in sorted(peers.items()) if n != own}
        self._inbox_in, self._inbox_out = trio.open_memory_channel[Message](INBOX_MESSAGES_MAX)
        self._nursery: trio.Nursery | None = None
        self._connections = 0
        self._warned: dict[str, float] = {}
        self.address = listen

    # --- the port ---------------------------------------------------------------------------

    def send(self, message: Message) -> None:
        peer = self._peers.get(node_number(message.to))
        if peer is None:
            self._say(f"node {node_number(message.to)}", "no address is known for it")
            return
        data = frame(encode(message))
        bulk = isinstance(message, Append | SnapshotChunk | RepairReply)
        peer.put(data, bulk=bulk and len(data) >= BULK_BYTES)

    async def receive(self) -> Message:
        return await self._inbox_out.receive()

    # --- running ----------------------------------------------------------------------------

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listens and dials until cancelled. Raises `OSError` if it cannot listen."""
        host, port = split(self._listen)
        listeners = await trio.open_tcp_listeners(port, host=host)
        self.address = f"{host}:{listeners[0].socket.getsockname()[1]}"
        async with trio.open_nursery() as self._nursery:
            for peer in self._peers.values():
                self._nursery.start_soon(self._dial, peer)
            task_status.started()
            await trio.serve_listeners(self._serve, listeners, handler_nursery=self._nursery)

    def know(self, addresses: Mapping[int, str]) -> None:
        """Dials whom it did not know, and lets go who is not named any more."""
        known = dict(addresses) | self._settled
        wanted = {n: at for n, at in known.items() if n != node_number(self._member)}
        for node, peer in list(self._peers.items()):
            if wanted.get(node) != peer.address:
                peer.scope.cancel()
                del self._peers[node]
        for node, address in sorted(wanted.items()):
            if node not in self._peers:
                peer = self._peers[node] = Peer(node, address)
                if self._nursery is not None:
                    self._nursery.start_soon(self._dial, peer)

    @property
    def addresses(self) -> dict[int, str]:
        return {node: peer.address for node, peer in self._peers.items()}

    @property
    def connected(self) -> frozenset[int]:
        return frozenset(node for node, peer in self._peers.items() if peer.connected)

    def statistics(self) -> list[PeerStatistics]:
        return [
            PeerStatistics(
                node=peer.node, connected=peer.connected,
                queued=len(peer.small.frames) + len(peer.bulk.frames), dropped=peer.dropped,
                sent_bytes=peer.sent_bytes,
            )
            for peer in self._peers.values()
        ]  # fmt: skip

    # --- our side: dialling and writing -----------------------------------------------------

    async def _dial(self, peer: Peer) -> None:
        backoff_s = BACKOFF_S_MIN
        with peer.scope:
            while True:
                try:
                    stream = await self._connect(peer)
                except (
                    OSError,
                    ValueError,  # an address that none can be: it may stand in a log for ever
                    OverflowError,
                    trio.BrokenResourceError,
                    trio.TooSlowError,
                    ssl.SSLError,
                ) as error:
                    self._say_why(peer, error)
                    await trio.sleep(backoff_s)
                    backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)
                    continue
                peer.connected = True
                backoff_s = BACKOFF_S_MIN
                try:
                    await self._write(peer, stream)
                finally:  # it is dialled again; what was lost is repeated by the protocol
                    peer.connected = False
                    peer.small.clear()
                    peer.bulk.clear()
                    await trio.aclose_forcefully(stream)

    async def _connect(self, peer: Peer) -> Stream:
        host, port = split(peer.address)
        with trio.fail_after(HELLO_S_MAX):
            bare = await trio.open_tcp_stream(host, port)
            _tune(bare)
            stream: Stream = bare
            try:
                if self._client_tls is not None:
                    name = node_name(peer.node)
                    stream = trio.SSLStream(
                        bare, self._client_tls, server_hostname=name, https_compatible=True
                    )
                    await stream.do_handshake()
                hello = Hello(PROTOCOL, self._cluster, self._member, peer.node)
                await stream.send_all(frame(msgspec.msgpack.encode(hello)))
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
        return stream

    async def _write(self, peer: Peer, stream: Stream) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, stream, nursery.cancel_scope)
            # In here: what leaves a nursery comes in a group, which nobody would take for a loss.
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, OSError):
                await self._write_on(peer, stream)
            nursery.cancel_scope.cancel()

    async def _write_on(self, peer: Peer, stream: Stream) -> None:
        while True:
            data = peer.next_write()
            if not data:
                peer.wake = trio.Event()
                await peer.wake.wait()
                continue
            await stream.send_all(data)
            peer.sent_bytes += len(data)

    async def _watch(self, stream: Stream, scope: trio.CancelScope) -> None:
        """The other side never speaks here: whatever comes is its end."""
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await stream.receive_some(1)
        scope.cancel()

    # --- their side: reading ----------------------------------------------------------------

    async def _serve(self, bare: trio.SocketStream) -> None:
        if self._connections >= CONNECTIONS_MAX:
            self._say("a peer", f"refused: there are {CONNECTIONS_MAX} connections")
            await trio.aclose_forcefully(bare)
            return
        self._connections += 1
        stream: Stream = bare
        try:
            _tune(bare)
            if self._server_tls is not None:
                stream = trio.SSLStream(
                    bare, self._server_tls, server_side=True, https_compatible=True
                )
            await self._read(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            if isinstance(error.__cause__, ssl.SSLError):
                self._say("a peer", f"refused: {error.__cause__}")
        except (BadFrame, MalformedMessage) as error:
            self._say("a peer", f"connection closed: {error}")
        except trio.TooSlowError:
            self._say("a peer", f"connection closed: no hello within {HELLO_S_MAX} s")
        finally:
            self._connections -= 1
            await trio.aclose_forcefully(stream)

    async def _read(self, stream: Stream) -> None:
        reader = FrameReader()
        hello: Hello | None = None
        deadline = trio.CancelScope(deadline=self._monotonic_s() + HELLO_S_MAX)
        with deadline:
            while True:
                data = await stream.receive_some(READ_BYTES)
                if not data:
                    return
                for payload in reader.feed(bytes(data)):
                    if hello is None:
                        hello = self._checked(payload, stream)
                        if hello is None:
                            return
                        deadline.deadline = math.inf
                        continue
                    message = decode(payload)
                    if message.sender != hello.member:
                        raise BadFrame(f"a message of member {message.sender} on this connection")
                    if node_number(message.to) == node_number(self._member):
                        await self._inbox_in.send(message)
        raise trio.TooSlowError

    def _checked(self, payload: bytes, stream: Stream) -> Hello | None:
        """The hello, if it is one for us; the warning says what does not fit."""
        try:
            hello = msgspec.msgpack.decode(payload[:HELLO_BYTES_MAX], type=Hello)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadFrame(f"hello: {error}") from error
        who = f"node {node_number(hello.member)}"
        if hello.protocol != PROTOCOL:
            self._say(who, f"refused: protocol {hello.protocol}, this node speaks {PROTOCOL}")
        elif hello.cluster != self._cluster:
            self._say(who, f"refused: it belongs to cluster {hello.cluster.hex()}")
        elif hello.to_node != node_number(self._member):
            self._say(who, f"refused: it looks for node {hello.to_node}")
        elif not _named_by_certificate(stream, node_number(hello.member)):
            self._say(who, "refused: its certificate is another node's")
        else:
            return hello
        return None

    # --- saying -----------------------------------------------------------------------------

    def _say_why(self, peer: Peer, error: BaseException) -> None:
        """A node that is not there needs no word; what will not mend by itself does."""
        if isinstance(error, ValueError | OverflowError) and not isinstance(error, OSError):
            self._say(f"node {peer.node}", f"cannot be dialled at {peer.address!r}: {error}")
        cause = error if isinstance(error, ssl.SSLError) else error.__cause__
        if isinstance(cause, ssl.SSLError):
            self._say(f"node {peer.node}", f"TLS with {peer.address}: {cause}")

    def _say(self, who: str, what: str) -> None:
        """Once in a while for each kind of trouble: a peer may try many times a second."""
        now_s = self._monotonic_s()
        key = f"{who}: {what}"
        if self._warned.get(key, -math.inf) + WARN_EVERY_S <= now_s:
            if len(self._warned) > 1000:
                self._warned.clear()
            self._warned[key] = now_s
            self._warn(f"peers: {key}")


def _named_by_certificate(stream: Stream, node: int) -> bool:
    if not isinstance(stream, trio.SSLStream):
        return True
    certificate = stream.getpeercert()
    names = certificate.get("subjectAltName", ()) if certificate else ()
    return ("DNS", node_name(node)) in names


def _tune(stream: trio.SocketStream) -> None:
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS_MAX)
