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
from adapters.feed.fold import Trade
from adapters.feed.lobster import FlowError
from core.orderflow import (
    CANCEL,
    FLOW_HEADER,
    FLOW_RECORD_BYTES,
    MODIFY,
    NEW,
    FlowRun,
    check_flow,
)

FLOW_BYTES_MAX: Final = 1 << 30
_GZIP_MAGIC: Final = b"\x1f\x8b"
_REPORT_TRADE: Final = "1"
_REPORT_REJECTS: Final = ("4", "5")
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


def expected(flow: bytes) -> tuple[list[Trade], int]:
    """What the bare book makes of it: the trades, under the flow's own ids, and the rejects.

    The bare book's reports carry the hash that the public engines agree on, so an exchange that
    trades the same has matched them too. Raises `FlowError`.
    """
    try:
        count, greatest = check_flow(flow)
    except ValueError as error:
        raise FlowError(f"flow: {error}") from error
    book = FlowRun(greatest + 1)
    book.run(flow, 0, count)
    trades, rejects = [], 0
    for line in book.report_text().split("\n"):
        kind, _, *fields = line.split(",")
        if kind == _REPORT_TRADE:
            trades.append(Trade(*(int(field) for field in fields)))
        rejects += kind in _REPORT_REJECTS
    return trades, rejects


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
