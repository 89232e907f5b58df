"""Fuzzed with bytes: the decoder of batches, the machine behind it, its snapshots and events.

Why it exists: see `tests.fuzz.targets`. Each `run_` function returns, or raises what is a finding;
each `seed_` function makes the inputs to begin with from a machine that holds something of
everything.
"""

import struct
from copy import deepcopy
from functools import cache
from typing import Final

from tests.fuzz.build import choose

choose()

from core import commands as c  # noqa: E402 - which build is decided above
from core import events  # noqa: E402
from core.codes import COMMAND_NAMES  # noqa: E402
from core.limits import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX  # noqa: E402
from core.machine import Diverged, Machine  # noqa: E402
from core.versions import VERSION_KNOWN, UnknownVersion  # noqa: E402
from tests.core.invariants import Invariants  # noqa: E402
from tests.core.pair import START_NS  # noqa: E402
from tests.core.subjects import Engine  # noqa: E402
from tests.core.workload import EDGES, setup_records  # noqa: E402
from tests.fuzz.judges import check_money, check_replies  # noqa: E402
from tests.fuzz.notice import notice  # noqa: E402
from tests.golden.snapshot_story import Story  # noqa: E402

# --- a machine with something of everything, made once --------------------------------------------


class Prepared:
    """A small state of the newest version: its snapshot, log and invariants."""

    def __init__(self) -> None:
        self.story = Story(VERSION_KNOWN, seed=0, worn_commands=0, after_commands=0)
        self.snapshot = self.story.snapshot
        self.index = self.story.engine.machine.index
        self.now_ns = self.story.now_ns
        self.invariants = Invariants()
        self.events = b""
        machine = Machine()
        for entry in self.story.log:
            machine.apply(*entry)
            self.invariants.fold(events.decode_events(machine.events))
            self.events += machine.events

    def machine(self) -> Machine:
        return Machine.restore(self.snapshot)


@cache
def prepared() -> Prepared:
    return Prepared()


def one_of_each() -> list[bytes]:
    """One command of each kind: those of the log, and two about an order that rests."""
    found: dict[int, bytes] = {}
    for _, _, payload in prepared().story.log:
        commands, at = c.split_batch(payload)[0], 0
        while at < len(commands):
            size = commands[at + 1] * 8
            found.setdefault(commands[at], commands[at : at + size])
            at += size
    ready = prepared()
    order = ready.machine().open_orders(ready.story.ann, ready.story.calm)[0]
    named = order.account, order.symbol, order.order_id
    return [c.cancel(*named), c.amend(*named, order.price, order.remaining + 1), *found.values()]


# --- batches as they stand in the log -------------------------------------------------------------

_LONG: Final = {
    10: c.LIST_SYMBOL_WORDS, 11: c.CHECKPOINT_WORDS, 14: c.PLACE_TERMS_WORDS,
    15: c.PLACE_LIST_WORDS, 18: c.SET_RULES_WORDS, 19: c.SET_DESK_WORDS, 22: c.SET_FEES_WORDS,
}  # fmt: skip
KINDS: Final = len(COMMAND_NAMES)
KIND_WORDS: Final = {kind: _LONG.get(kind, c.COMMAND_WORDS) for kind in range(1, KINDS)}
_WITH_TERMS: Final = (1, 14)


def plain_count(commands: bytes) -> int:
    """How many commands these are, -1 for none: from the layout's description, in plain steps."""
    if len(commands) % 8 or len(commands) > BATCH_BYTES_MAX:
        return -1
    at = count = 0
    while at < len(commands):
        kind, words, spare = commands[at], commands[at + 1], commands[at + 4 : at + 8]
        wrong = KIND_WORDS.get(kind) != words or at + words * 8 > len(commands)
        if wrong or any(spare[2:]) or (any(spare) and kind not in _WITH_TERMS):
            return -1
        at, count = at + words * 8, count + 1
    return count if count <= BATCH_COMMANDS_MAX else -1


def _count(commands: bytes) -> int:
    try:
        return c.check_commands(commands)
    except c.MalformedBatch:
        return -1


def run_decoder(data: bytes) -> None:
    """Commands, and the same bytes as a whole payload: as plain steps would read them."""
    count = plain_count(data)
    assert _count(data) == count, f"{count} commands by the description"
    if count >= 0:
        assert c.split_batch(c.batch(data, count, b"m")) == (data, count, b"m")
    try:
        commands, counted, metadata = c.split_batch(data)
    except c.MalformedBatch:
        return
    assert c.batch(commands, counted, metadata) == data
    assert counted == plain_count(commands)


def seed_decoder() -> list[bytes]:
    records = one_of_each()
    return [*records, b"".join(records[:3]), c.batch_of(records[:2], b"metadata")]


def run_batch(data: bytes) -> None:
    """An entry is applied, or it is malformed. The first byte: whether its header is made good."""
    payload = data[1:]
    if data[:1] and data[0] & 1:
        count = _count(payload)
        if count < 0:
            return
        payload = c.batch(payload, count)
    try:
        count = c.split_batch(payload)[1]
    except c.MalformedBatch:
        return
    _apply(payload, count)


def _apply(payload: bytes, count: int) -> None:
    ready = prepared()
    machine = ready.machine()
    try:
        machine.apply(ready.index + 1, ready.now_ns, payload)
    except UnknownVersion as error:
        assert error.wanted > VERSION_KNOWN
        return
    except Diverged:
        return  # a claim about its checkpoint that is false
    check_replies(machine, count)
    check_money(machine)
    invariants = deepcopy(ready.invariants)
    invariants.fold(events.decode_events(machine.events))
    invariants.check(Engine(machine))


def seed_batches() -> list[bytes]:
    records = one_of_each()
    raw = b"\0" + c.batch_of(records[:4], b"metadata")
    return [raw, *(b"\1" + one for one in records), b"\1" + b"".join(records[:4])]


# --- commands, by their parts ---------------------------------------------------------------------


def run_commands(data: bytes) -> None:
    """Any well-formed commands: a few bytes each, so that the fuzzer need not learn the frame.

    Kind, symbol, terms (two bytes); then for each word a byte: below 200 it is the word itself,
    less 20; else one of the edges of 64 bits, or eight bytes follow.
    """
    reader = _Reader(data)
    made: list[bytes] = []
    while reader.left() and len(made) < 32:
        kind = reader.byte() % KINDS or 1
        symbol, terms = reader.byte(), reader.byte() | reader.byte() << 8
        if kind not in _WITH_TERMS:
            terms = 0
        head = kind | KIND_WORDS[kind] << 8 | symbol << 16 | terms << 32
        words = [reader.word() for _ in range(KIND_WORDS[kind] - 1)]
        made.append(struct.pack(f"<{len(words) + 1}q", head, *words))
    payload = c.batch_of(made)
    assert c.check_commands(b"".join(made)) == len(made)
    _apply(payload, len(made))


_WIDE: Final = 255


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def left(self) -> int:
        return len(self._data) - self._at

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def word(self) -> int:
        """Zero once nothing is left."""
        if not self.left():
            return 0
        first = self.byte()
        if first == _WIDE:
            raw = self._data[self._at : self._at + 8].ljust(8, b"\0")
            self._at += 8
            return int.from_bytes(raw, "little", signed=True)
        return first - 20 if first < 200 else EDGES[first % len(EDGES)]


def seed_commands() -> list[bytes]:
    """One of each kind in that form."""
    records = [_as_parts(one) for one in one_of_each()]
    return [*records, b"".join(records[:5])]


def _as_parts(record: bytes) -> bytes:
    head, *words = memoryview(record).cast("q").tolist()
    parts = bytes((head & 0xFF, head >> 16 & 0xFF, head >> 32 & 0xFF, head >> 40 & 0xFF))
    for word in words:
        parts += (
            bytes((word + 20,)) if -20 <= word < 180
            else bytes((_WIDE,)) + word.to_bytes(8, "little", signed=True)
        )  # fmt: skip
    return parts


# --- snapshots and events -------------------------------------------------------------------------


def run_snapshot(data: bytes) -> None:
    """Another machine's state: it is one that proves itself, or no value."""
    try:
        machine = Machine.restore(data)
    except (ValueError, UnknownVersion) as error:
        notice(str(error)[:60])
        return
    assert Machine.restore(machine.snapshot()).digest() == machine.digest()


def seed_snapshots() -> list[bytes]:
    listed = Machine()
    listed.apply(1, START_NS, c.batch_of(setup_records()[:4]))
    chunked = b"".join(listed.take_snapshot())
    return [Machine().snapshot(), listed.snapshot(), chunked]


def run_events(data: bytes) -> None:
    """Bytes of events: typed, or no value; the reader of rows agrees with the typed one."""
    try:
        found = events.decode_events(data)
    except ValueError as error:
        notice(str(error))
        return
    assert len(found) == len(list(events.event_rows(data)))


def seed_events() -> list[bytes]:
    """One event of each kind that the log made."""
    rows = {row[0] & 0xFF: row for row in events.event_rows(prepared().events)}
    return [struct.pack(f"<{len(row)}q", *row) for row in rows.values()]
