"""Trace ids: taken from the caller's W3C `traceparent`, or begun here.

Why it exists: one id follows an order from the client through the log to the ledger. A public
caller's flags are not trusted, and a malformed or all-zero id starts a new trace, as the
standard (W3C Trace Context, level 1) asks.
"""

import re
from typing import Final

from gateway.ports import Entropy

_TRACEPARENT: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_ZERO: Final = bytes(16)


def trace_id_of(traceparent: bytes | None, entropy: Entropy) -> bytes:
    if traceparent is not None:
        match = _TRACEPARENT.fullmatch(traceparent)
        if match is not None:
            trace_id = bytes.fromhex(match[1].decode())
            if trace_id != _ZERO and match[2] != b"0" * 16:
                return trace_id
    return entropy.bytes16()
