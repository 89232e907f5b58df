"""Frames between replicas: how a message lies on a byte stream, and how damage is noticed.

Why it exists: TCP's own checksum lets about one bad segment in ten thousand million through, and
a stream that lost its place yields nonsense, so every frame says how long it is and carries a
checksum of all of it; whoever reads anything else closes the connection. Pure: bytes in, payloads
out. It must not know sockets, nor what a payload means.

    bytes 0-3   magic "LSP1"
    bytes 4-7   bytes of payload, little-endian
    bytes 8-11  CRC-32 of bytes 0-7 and the payload
    bytes 12-   payload
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from replication.messages import MESSAGE_BYTES_MAX

MAGIC: Final = b"LSP1"
_HEAD: Final = struct.Struct("<4sI")
_CRC: Final = struct.Struct("<I")
HEADER_BYTES: Final = _HEAD.size + _CRC.size


class BadFrame(Exception):
    """The peer's or the wire's fault: what came is no frame. Nothing after it can be read."""


def frame(payload: bytes) -> bytes:
    assert len(payload) <= MESSAGE_BYTES_MAX, f"a message of {len(payload)} bytes"
    head = _HEAD.pack(MAGIC, len(payload))
    return head + _CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload


class FrameReader:
    """Turns a stream, in whatever pieces it comes, back into payloads."""

    def __init__(self, payload_bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._payload_bytes_max = payload_bytes_max

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads that are whole now. Raises `BadFrame`; the reader is then spent."""
        self._buffer += data
        at = 0
        while len(self._buffer) - at >= HEADER_BYTES:
            magic, size = _HEAD.unpack_from(self._buffer, at)
            if magic != MAGIC:
                raise BadFrame(f"magic {magic!r} where {MAGIC!r} was expected")
            if size > self._payload_bytes_max:
                raise BadFrame(f"{size} bytes of payload; at most {self._payload_bytes_max}")
            end = at + HEADER_BYTES + size
            if len(self._buffer) < end:
                break
            (claimed,) = _CRC.unpack_from(self._buffer, at + _HEAD.size)
            payload = bytes(self._buffer[at + HEADER_BYTES : end])
            head = bytes(self._buffer[at : at + _HEAD.size])
            if zlib.crc32(payload, zlib.crc32(head)) != claimed:
                raise BadFrame("the checksum does not match")
            yield payload
            at = end
        del self._buffer[:at]
