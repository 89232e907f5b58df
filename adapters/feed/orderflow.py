"""The public matching benchmark's recorded flow as actions.

Why it exists: the flow that `lockstep match` runs through the bare book is also pushed through
the whole exchange. A modify is an amend to a new total; the flow always raises the quantity, so
it requeues here as it does there. Pure: no exchange and no clock here.
"""

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from adapters.feed.actions import ASK, BID, Action, Amend, Cancel, Place
from adapters.feed.lobster import FlowError
from core.orderflow import CANCEL, FLOW_HEADER, FLOW_RECORD_BYTES, MODIFY, NEW

FLOW_BYTES_MAX: Final = 1 << 30
_GZIP_MAGIC: Final = b"\x1f\x8b"
_RECORD: Final = struct.Struct("<BBBxIQQqq")


def read_flow(path: Path) -> bytes:
    """The file's bytes, unpacked if it is a gzip. Raises `FlowError`."""
    with path.open("rb") as file:
        zipped = file.read(2) == _GZIP_MAGIC
    with gzip.open(path) if zipped else path.open("rb") as file:
        data = file.read(FLOW_BYTES_MAX + 1)
    if len(data) > FLOW_BYTES_MAX:
        raise FlowError(f"flow: more than {FLOW_BYTES_MAX} bytes")
    if len(data) < FLOW_HEADER.size:
        raise FlowError(f"flow: {len(data)} bytes are shorter than its header")
    _, version, count = FLOW_HEADER.unpack_from(data)
    if version != 1:
        raise FlowError(f"flow: version {version} is not 1")
    if len(data) != FLOW_HEADER.size + count * FLOW_RECORD_BYTES:
        raise FlowError(f"flow: {len(data)} bytes are not the header's {count} records")
    return data


def actions(flow: bytes) -> Iterator[Action]:
    """Raises `FlowError` for a record that is none."""
    records = _RECORD.iter_unpack(memoryview(flow)[FLOW_HEADER.size :])
    for number, (kind, side, ioc, lots, _, tag, price, _) in enumerate(records):
        if kind == NEW:
            if side > 1:
                raise FlowError(f"flow: record {number} has side {side}")
            yield Place(tag, ASK if side else BID, price, lots, bool(ioc))
        elif kind == CANCEL:
            yield Cancel(tag)
        elif kind == MODIFY:
            yield Amend(tag, price, lots)
        else:
            raise FlowError(f"flow: record {number} has type {kind}")
