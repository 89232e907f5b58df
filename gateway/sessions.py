"""One WebSocket client: what it asked for, what it still has to be sent, when it is too slow.

Why it exists: a connection is only as fast as its reader, and the exchange must not keep what a
reader will not take. A session's outbox is counted in bytes. Book levels are conflated by key
while it is full; trades are never dropped silently: a client that cannot take them is closed
with SLOW_CONSUMER. It knows no socket: an adapter takes bytes from it and hands messages in.
"""

from collections import deque
from typing import Final

import msgspec

MESSAGE_BYTES_MAX: Final = 4 * 1024
MESSAGES_PER_S: Final = 5.0
MESSAGES_BURST: Final = 20
"""Binance's five messages a second, with a burst for the subscriptions at the start."""

SUBSCRIPTIONS_MAX: Final = 100
OUTBOX_BYTES_MAX: Final = 1 << 20
OUTBOX_BYTES_BUSY: Final = 64 * 1024
"""Above this a book delta waits in the session and merges with the next ones."""

CLOSE_POLICY: Final = 1008
CLOSE_TRY_AGAIN: Final = 1013

Level = tuple[int, int]
"""(side, price)."""


class Inbound(msgspec.Struct, forbid_unknown_fields=True):
    """What a client may say. `id` comes back in the answer."""

    op: str
    ch: str = ""
    symbol: str = ""
    id: str = ""


class BookPosition:
    """Where one session is in one symbol's book: `sent_seq`, and levels kept back since."""

    __slots__ = ("late", "sent_seq")

    def __init__(self, sent_seq: int) -> None:
        self.sent_seq = sent_seq
        self.late: set[Level] = set()


class Session:
    """State of one connection. `closing` is (code, reason) once it must end."""

    def __init__(self, client_ip: str, now_s: float) -> None:
        self.client_ip = client_ip
        self.books: dict[int, BookPosition] = {}
        self.trades: dict[int, int] = {}
        """Symbol id -> sequence number of the last trade that was sent."""
        self.closing: tuple[int, str] | None = None
        self.messages_sent = 0
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._tokens = float(MESSAGES_BURST)
        self._tokens_at_s = now_s

    @property
    def outbox_bytes(self) -> int:
        return self._outbox_bytes

    @property
    def busy(self) -> bool:
        return self._outbox_bytes > OUTBOX_BYTES_BUSY

    @property
    def subscriptions(self) -> int:
        return len(self.books) + len(self.trades)

    def admit(self, now_s: float) -> bool:
        """Whether one more message from the client is within its rate; else closes."""
        refill = (now_s - self._tokens_at_s) * MESSAGES_PER_S
        self._tokens = min(float(MESSAGES_BURST), self._tokens + refill)
        self._tokens_at_s = now_s
        if self._tokens < 1.0:
            self.close(CLOSE_POLICY, "TOO_MANY_REQUESTS")
            return False
        self._tokens -= 1.0
        return True

    def push(self, tail: bytes) -> None:
        """Queue one message. `tail` is a JSON object's inside from its first member on; the
        per-connection counter `n` goes before it, so that `tail` can be shared."""
        if self.closing is not None:
            return
        if self._outbox_bytes + len(tail) > OUTBOX_BYTES_MAX:
            self.close(CLOSE_POLICY, "SLOW_CONSUMER")
            return
        self.messages_sent += 1
        message = b'{"n":%d,%b' % (self.messages_sent, tail)
        self._outbox.append(message)
        self._outbox_bytes += len(message)

    def close(self, code: int, reason: str) -> None:
        """Ends the session; what it had not taken is dropped."""
        if self.closing is None:
            self.closing = (code, reason)
        self._outbox.clear()
        self._outbox_bytes = 0

    def take(self) -> bytes | None:
        """The next message to send, or None."""
        if not self._outbox:
            return None
        message = self._outbox.popleft()
        self._outbox_bytes -= len(message)
        return message
