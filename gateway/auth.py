"""Who is asking: the checks between a request and its account, in a fixed order.

key lookup -> address -> time -> signature -> permission. Everything before the signature is
cheap and writes nothing, so that strangers cannot fill any table; the account's own rate limit
comes after it. A key used from an address that it does not allow answers as an unknown key.
"""

from gateway.http import Request
from gateway.ports import PERMISSION_NAMES, Clock, Key, KeyStore
from gateway.problems import Refused, forbidden
from gateway.signing import canonical, check_signature, check_time, key_id_of

_NAME_OF = {bit: name for name, bit in PERMISSION_NAMES.items()}


def authenticate(request: Request, keys: KeyStore, clock: Clock, permission: int) -> Key:
    """The key that signed this request. Raises `Refused` with 401 or 403."""
    headers = request.headers
    key = keys.find(key_id_of(headers.get(b"x-api-key")))
    if key is not None and key.ips and request.client_ip not in key.ips:
        key = None
    ts = headers.get(b"x-ts")
    check_time(ts, clock.now_ms())
    message = canonical(
        request.method.encode(), request.target, ts or b"", headers.get(b"idempotency-key", b""),
        request.body,
    )  # fmt: skip
    signer = check_signature(key, message, headers.get(b"x-signature"))
    if not signer.permissions & permission:
        raise Refused(forbidden("X-API-KEY", f"must have permission {_NAME_OF[permission]}"))
    return signer
