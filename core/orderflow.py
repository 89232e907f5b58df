"""The bare order book under a recorded order flow, for conformance and for the benchmark.

Why it exists: 247 public engines have run the same flow and agree on the hash of their reports;
this drives our book, and nothing else of the machine, through it. It must not know accounts or
the log. The layout of the flow and of its reports is described beside the recorded data.

A flow's order ids are small and dense, so a column maps them to slots, as the engines in that
survey do. Reports are written as rows of six numbers and become text only afterwards.
"""

import struct
from typing import Final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from core.book import Book
from core.columns import filled
from core.order_store import (
    F_LEFT, F_PRICE, F_QTY, F_SLOT, FILL_WORDS, L_BOOK, L_PRICE, LEVEL_SHIFT, O_LEVEL, O_REMAINING,
    ORDER_SHIFT, OrderStore,
)  # fmt: skip
from core.table import NIL

FLOW_HEADER: Final = struct.Struct("<QII")
FLOW_RECORD_BYTES: Final = 40
FLOW_IDS_MAX: Final = 50_000_000

NEW: Final = 0
CANCEL: Final = 1
MODIFY: Final = 2

REPORT_WORDS: Final = 6
_FIELDS: Final = (6, 6, 5, 6, 3, 3)
"""Fields of each report type, the type itself included."""


class FlowRun:
    """One book and the reports of one flow."""

    def __init__(self, ids: i64) -> None:
        self.store = OrderStore()
        self.book = Book(1, self.store)
        self.slot_of: vec[i64] = filled(ids, NIL)
        self.flow_id: vec[i64] = vec[i64]()
        self.out: vec[i64] = filled(1 << 16, 0)
        self.used: i64 = 0

    def reserve(self, reports: i64) -> None:
        """Make room once, so that a timed run does not pay for growth."""
        out = self.out
        want = reports * REPORT_WORDS
        while i64(len(out)) < want:
            out = append(out, 0)
        self.out = out

    def _report(self, kind: i64, seq: i64, a: i64, b: i64, c: i64, d: i64) -> None:
        at = self.used
        if at + REPORT_WORDS > i64(len(self.out)):
            self.reserve(2 * at // REPORT_WORDS + 64)
        out = self.out
        out[at] = kind
        out[at + 1] = seq
        out[at + 2] = a
        out[at + 3] = b
        out[at + 4] = c
        out[at + 5] = d
        self.used = at + REPORT_WORDS

    def _rest(self, flow_id: i64, side: i64, price: i64, lots: i64) -> None:
        store = self.store
        slot = store.allocate()
        if slot == i64(len(self.flow_id)):
            self.flow_id = append(self.flow_id, 0)
        self.flow_id[slot] = flow_id
        self.slot_of[flow_id] = slot
        store.orders.rows[(slot << ORDER_SHIFT) + O_REMAINING] = lots
        self.book.rest(slot, side, price)

    def _match(self, seq: i64, flow_id: i64, side: i64, price: i64, lots: i64) -> i64:
        store = self.store
        store.fill_count = 0
        left = self.book.match(side, price, lots)
        if store.fill_count == 0:
            return left
        fills = store.fills
        i: i64 = 0
        end = store.fill_count * FILL_WORDS
        while i < end:
            maker = self.flow_id[fills[i + F_SLOT]]
            self._report(1, seq, fills[i + F_PRICE], fills[i + F_QTY], maker, flow_id)
            if fills[i + F_LEFT] == 0:
                self.slot_of[maker] = NIL
            i += FILL_WORDS
        return left

    def new(self, seq: i64, flow_id: i64, side: i64, price: i64, lots: i64, ioc: i64) -> None:
        self._report(0, seq, side, flow_id, price, lots)
        left = self._match(seq, flow_id, side, price, lots)
        if left > 0:
            if ioc != 0:
                self._report(2, seq, side, flow_id, price, 0)
            else:
                self._rest(flow_id, side, price, left)

    def cancel(self, seq: i64, flow_id: i64) -> None:
        slot = self.slot_of[flow_id]
        if slot == NIL:
            self._report(4, seq, flow_id, 0, 0, 0)
            return
        level = self.store.orders.rows[(slot << ORDER_SHIFT) + O_LEVEL] << LEVEL_SHIFT
        levels = self.store.levels.rows
        self._report(2, seq, levels[level + L_BOOK] & 1, flow_id, levels[level + L_PRICE], 0)
        self.book.unlink(slot)
        self.store.release(slot)
        self.slot_of[flow_id] = NIL

    def modify(self, seq: i64, flow_id: i64, price: i64, lots: i64) -> None:
        slot = self.slot_of[flow_id]
        if slot == NIL:
            self._report(5, seq, flow_id, 0, 0, 0)
            return
        level = self.store.orders.rows[(slot << ORDER_SHIFT) + O_LEVEL] << LEVEL_SHIFT
        side = self.store.levels.rows[level + L_BOOK] & 1
        self.book.unlink(slot)
        self.store.release(slot)
        self.slot_of[flow_id] = NIL
        left = self._match(seq, flow_id, side, price, lots)
        if left > 0:
            self._rest(flow_id, side, price, left)
        self._report(3, seq, side, flow_id, price, lots)

    def run(self, flow: bytes, first: i64, count: i64) -> None:
        """Apply `count` records of `flow`, which starts with its header, from record `first`."""
        at = 16 + first * FLOW_RECORD_BYTES
        end = at + count * FLOW_RECORD_BYTES
        while at < end:
            word = read_i64_le(flow, at)
            seq = read_i64_le(flow, at + 8)
            flow_id = read_i64_le(flow, at + 16)
            kind = word & 0xFF
            lots = (word >> 32) & 0xFFFFFFFF
            if kind == NEW:
                price = read_i64_le(flow, at + 24)
                self.new(seq, flow_id, (word >> 8) & 0xFF, price, lots, (word >> 16) & 0xFF)
            elif kind == CANCEL:
                self.cancel(seq, flow_id)
            else:
                self.modify(seq, flow_id, read_i64_le(flow, at + 24), lots)
            at += FLOW_RECORD_BYTES

    def report_text(self) -> str:
        """The canonical report: lines sorted by (sequence, type), stable, no newline at the end."""
        cells = memoryview(self.out)
        rows = [tuple(cells[i : i + REPORT_WORDS]) for i in range(0, self.used, REPORT_WORDS)]
        rows.sort(key=lambda row: (row[1], row[0]))
        return "\n".join(",".join(map(str, row[: _FIELDS[row[0]]])) for row in rows)


def check_flow(flow: bytes) -> tuple[int, int]:
    """Record count and greatest order id of a flow. Raises `ValueError` naming what is wrong."""
    if len(flow) < 16:
        raise ValueError("flow: shorter than its header of 16 bytes")
    _, version, count = FLOW_HEADER.unpack_from(flow)
    if len(flow) != 16 + count * FLOW_RECORD_BYTES:
        raise ValueError(f"flow: {len(flow)} bytes are not {count} records (version {version})")
    greatest: i64 = 0
    i: i64 = 0
    records: i64 = count
    while i < records:
        at = 16 + i * FLOW_RECORD_BYTES
        word = read_i64_le(flow, at)
        flow_id = read_i64_le(flow, at + 16)
        if word & 0xFF > MODIFY or (word >> 8) & 0xFF > 1:
            raise ValueError(f"flow: record {i} has an unknown type or side")
        if flow_id < 0 or flow_id > FLOW_IDS_MAX:
            raise ValueError(f"flow: record {i} has order id {flow_id}, not 0..{FLOW_IDS_MAX}")
        if word & 0xFF != CANCEL and (word >> 32) & 0xFFFFFFFF == 0:
            raise ValueError(f"flow: record {i} has quantity 0")
        if flow_id > greatest:
            greatest = flow_id
        i += 1
    return count, greatest
