"""Between the fields of public protobuf messages and the machine's numbers; and replies.

Why it exists: the interface outside is typed and named (a symbol is "BTC-KRW", a user a decimal
string), the inside is rows of words. Here one becomes the other, and what cannot be said inside
is refused with the field's name. Values (a price of -1, a quantity above the bound) are the
machine's to judge, so that there is one judge. Whole orders are read by `rpc_orders`. It must not
know calls, streams or the node.
"""

import struct
from typing import Final, cast

from adapters.rpc_metadata import AUDIT, NAME_BYTES_MAX, REASON_BYTES_MAX, Metadata, Names
from contracts.gen.exchange.v1 import types_pb2 as types
from core.commands import NO_KEY, Key, key128
from core.events import Reply, decode_reply
from core.limits import ACCOUNTS_MAX, ORDER_ID_MAX

KEY_BYTES_MAX: Final = 128
UNLISTED_SYMBOL: Final = 0xFFFF
"""Stands for a name that is not listed: the machine itself answers UNKNOWN_SYMBOL, and the
evidence is in the log. Above every id that it can give (`SYMBOLS_MAX`)."""

_HASH: Final = struct.Struct("<qq")


class FieldError(ValueError):
    """The caller's fault: a field that no command can be made of. Names the field and the rule."""


# --- fields -----------------------------------------------------------------------------------


def account_of(user_id: str, field: str, lowest: int = 1) -> int:
    """A decimal account id. Leading zeros are refused: one account has one name."""
    if user_id.isascii() and user_id.isdigit() and len(user_id) <= 10:
        account = int(user_id)
        if lowest <= account <= ACCOUNTS_MAX and str(account) == user_id:
            return account
    raise FieldError(
        f"{field}: {user_id[:32]!r} must be an account id in decimal, {lowest} to {ACCOUNTS_MAX}"
    )


def key_of(text: str, field: str, required: bool = False) -> Key:
    if len(text.encode()) > KEY_BYTES_MAX:
        raise FieldError(f"{field}: longer than {KEY_BYTES_MAX} bytes")
    if text:
        return key128(text)
    if required:
        raise FieldError(f"{field}: required")
    return NO_KEY


def key_of_bytes(raw: bytes, field: str) -> Key:
    """A 128-bit identity as `hash_bytes` writes it."""
    if len(raw) != _HASH.size or not any(raw):
        raise FieldError(f"{field}: {len(raw)} bytes; must be {_HASH.size}, not all of them 0")
    hi, lo = _HASH.unpack(raw)
    return hi, lo


def order_id_of(order_id: int, field: str) -> int:
    if not 1 <= order_id <= ORDER_ID_MAX:
        raise FieldError(f"{field}: {order_id} must be 1 to {ORDER_ID_MAX}")
    return order_id


def enum_of(value: int, last: int, field: str) -> int:
    """The core's number: the public enums keep 0 for "not given", the core's start there."""
    if not 1 <= value <= last:
        raise FieldError(f"{field}: required, one of the named values (got {value})")
    return value - 1


def mode_of(mode: int, field: str) -> int:
    return enum_of(mode, types.SYMBOL_MODE_AUCTION, field)


def names_of(metadata: types.CommandMetadata, field: str) -> Names | None:
    """The names that events will carry, or None if the sender gave none."""
    found = metadata.command_id, metadata.correlation_id, metadata.trace_id
    if not any(found):
        return None
    raw = tuple(text.encode() for text in found)
    for name, text in zip(("command_id", "correlation_id", "trace_id"), raw, strict=True):
        if len(text) > NAME_BYTES_MAX:
            raise FieldError(f"{field}.{name}: longer than {NAME_BYTES_MAX} bytes")
    return raw[0], raw[1], raw[2]


def audit_of(note: types.AuditNote) -> Names:
    """An operator's note; all three are required, because an audit with gaps is none."""
    limits = (("operator", NAME_BYTES_MAX), ("reason", REASON_BYTES_MAX),
              ("ticket", NAME_BYTES_MAX))  # fmt: skip
    for name, longest in limits:
        size = len(getattr(note, name).encode())
        if not 1 <= size <= longest:
            raise FieldError(f"audit.{name}: {size} bytes; required, 1 to {longest}")
    return note.operator.encode(), note.reason.encode(), note.ticket.encode()


def metadata_of(metadata: types.CommandMetadata, audit: types.AuditNote | None = None) -> Metadata:
    """The metadata section of a single command."""
    out: Metadata = {}
    names = names_of(metadata, "metadata")
    if names is not None:
        out[0] = names
    if audit is not None:
        out[AUDIT] = audit_of(audit)
    return out


# --- replies ----------------------------------------------------------------------------------


def reply_message(reply: Reply) -> types.Reply:
    return types.Reply(
        code=cast("types.RejectCode", reply.code), status=cast("types.OrderStatus", reply.status),
        duplicate=reply.duplicate, command=cast("types.CommandKind", reply.command),
        id=reply.id, seq=reply.seq, ts_ns=reply.ts_ns, filled_lots=reply.filled,
        filled_quote_units=reply.filled_quote, remaining_lots=reply.remaining,
        detail=reply.detail,
    )  # fmt: skip


def reply_messages(replies: bytes, count: int) -> list[types.Reply]:
    return [reply_message(decode_reply(replies, ordinal)) for ordinal in range(count)]


def hash_bytes(hi: int, lo: int) -> bytes:
    """A 128-bit identity as bytes; (0, 0), "none", as no bytes."""
    return _HASH.pack(hi, lo) if hi or lo else b""
