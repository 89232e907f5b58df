"""The native signature: what is signed, how it is compared, and when it is too old.

    canonical = "LOCKSTEP-V1" \\n METHOD \\n PATH?QUERY \\n X-TS \\n IDEMPOTENCY-KEY \\n RAW-BODY
    X-SIGNATURE = hex(HMAC-SHA256(secret, canonical))

An absent key or body is an empty line; `?QUERY` stands only when there is a query. The raw bytes
are signed as sent, so nothing that a proxy or a JSON parser would read differently is left out.

Why there is no replay cache: every write reaches the machine under an idempotency key (the
client's, or one derived from the signature itself), so a replayed write is answered with the
first reply and has no second effect, whichever gateway process it reaches and after any restart.
A cache could only refuse what is harmless, and would refuse honest retries with it.
"""

import hashlib
import hmac
import re
from typing import Final

from gateway.ports import Key
from gateway.problems import Refused, unauthorized

VERSION: Final = b"LOCKSTEP-V1"
WINDOW_MS: Final = 5_000
FUTURE_MS: Final = 1_000
"""A request from the future is a wrong clock; a second covers honest skew."""

_TS: Final = re.compile(rb"[1-9][0-9]{12}")
_SIGNATURE: Final = re.compile(rb"[0-9a-fA-F]{64}")
_KEY_ID: Final = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_DUMMY_SECRET: Final = hashlib.sha256(b"no key has this secret").digest()

SIGNATURE_RULE: Final = (
    "must belong to a known X-API-KEY and be hex(HMAC-SHA256(secret, canonical request))"
)


def canonical(
    method: bytes, target: bytes, ts: bytes, idempotency_key: bytes, body: bytes
) -> bytes:  # fmt: skip
    return b"\n".join((VERSION, method, target, ts, idempotency_key, body))


def sign(secret: bytes, message: bytes) -> str:
    return hmac.digest(secret, message, "sha256").hex()


def key_id_of(header: bytes | None) -> str:
    if header is None:
        raise Refused(unauthorized("api-key", "X-API-KEY", "must be given"))
    if _KEY_ID.fullmatch(header) is None:
        raise Refused(unauthorized("api-key", "X-API-KEY", "must be 1 to 64 of A-Z a-z 0-9 _ -"))
    return header.decode()


def check_time(header: bytes | None, now_ms: int) -> None:
    if header is None:
        raise Refused(unauthorized("timestamp", "X-TS", "must be given: epoch milliseconds"))
    if _TS.fullmatch(header) is None:
        raise Refused(unauthorized("timestamp", "X-TS", "must be 13 digits: epoch milliseconds"))
    age_ms = now_ms - int(header)
    if age_ms > WINDOW_MS:
        rule = f"must not be older than {WINDOW_MS} ms; it is {age_ms} ms old"
        raise Refused(unauthorized("timestamp", "X-TS", rule))
    if age_ms < -FUTURE_MS:
        rule = f"must not be more than {FUTURE_MS} ms ahead; it is {-age_ms} ms ahead"
        raise Refused(unauthorized("timestamp", "X-TS", rule))


def check_signature(key: Key | None, message: bytes, header: bytes | None) -> Key:
    """The key, if it signed `message`. An unknown key costs and answers the same as a bad
    signature: neither tells which keys exist."""
    if header is None:
        raise Refused(unauthorized("signature", "X-SIGNATURE", "must be given"))
    secret = _DUMMY_SECRET if key is None else key.secret
    expected = hmac.digest(secret, message, "sha256")
    given = bytes.fromhex(header.decode()) if _SIGNATURE.fullmatch(header) else b""
    if not hmac.compare_digest(expected, given) or key is None:
        raise Refused(unauthorized("signature", "X-SIGNATURE", SIGNATURE_RULE))
    return key
