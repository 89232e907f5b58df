"""The metadata section of a batch: who named each command, and why an operator sent it.

Why it exists: the machine never reads metadata, but it stands in the log beside the commands, so
traces and the audit survive with them. The section is msgpack of a map from a number to three
binary strings; a batch without any has an empty section.

    ordinal            (command_id, correlation_id, trace_id) of the command with that ordinal
    AUDIT + ordinal    (operator, reason, ticket) of an operator's command

Ordinals stay below `AUDIT`, so both kinds move alike when batches are joined. It must not know
gRPC, nor what a command does.
"""

from typing import Final

import msgspec

from core.limits import BATCH_COMMANDS_MAX
from replication.batching import AUDIT, Metadata

__all__ = ["AUDIT", "Metadata", "Names"]

Names = tuple[bytes, bytes, bytes]

NAME_BYTES_MAX: Final = 128
REASON_BYTES_MAX: Final = 256

_DECODER: Final = msgspec.msgpack.Decoder(Metadata)


class MalformedMetadata(ValueError):
    """The sender's fault; the text says which key and rule."""


def encode(metadata: Metadata) -> bytes:
    return msgspec.msgpack.encode(metadata) if metadata else b""


def decode(section: bytes) -> Metadata:
    """For readers of the log: whatever was let in is read."""
    if not section:
        return {}
    try:
        return _DECODER.decode(section)
    except msgspec.DecodeError as error:
        raise MalformedMetadata(f"metadata: {error}") from error


def check_names(section: bytes, count: int) -> None:
    """The door of packed batches: three names per ordinal below `count`, and no audit notes.

    Only the server writes audit notes, from an operator's call: a gateway cannot forge one.
    """
    if not section:
        return
    for ordinal, names in decode(section).items():
        if not 0 <= ordinal < count:
            raise MalformedMetadata(f"metadata: key {ordinal} is not a command's ordinal")
        for name in names:
            if len(name) > NAME_BYTES_MAX:
                raise MalformedMetadata(
                    f"metadata: a name of command {ordinal} has {len(name)} bytes; "
                    f"at most {NAME_BYTES_MAX}"
                )


def joined(parts: list[tuple[int, bytes]]) -> bytes:
    """One section for batches laid end to end; each part is (its commands, its section)."""
    if not any(section for _, section in parts):
        return b""
    out: Metadata = {}
    offset = 0
    for count, section in parts:
        for key, names in decode(section).items():
            out[key + offset] = names
        offset += count
    assert offset <= BATCH_COMMANDS_MAX, "the joiner bounds the batch before it joins"
    return encode(out)
