"""The edges: numbers near 2**62, bytes that are no batch, and every word at its extremes.

A batch that does not decode changes nothing; one that decodes is applied or rejected, and never
raises, whatever stands in it. All of it holds for the build of the core that is loaded, and
`test_determinism` compares the builds.
"""

import struct

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import commands as c
from core.codes import (
    BUY,
    CMD_CHECKPOINT,
    CMD_LIST_SYMBOL,
    CMD_PLACE,
    GTC,
    LIMIT,
    OK,
    TOO_MANY_REQUESTS,
)
from core.events import REPLY_BYTES
from core.limits import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX
from core.machine import Diverged, Machine
from core.versions import VERSION_RISK
from tests.core.edge_workload import EdgeWorkload, edge_setup_records
from tests.core.pair import START_NS, Pair
from tests.core.workload import EDGES, setup_records

COMMANDS = 1_200


@pytest.mark.parametrize("seed", range(5))
def test_engine_and_twin_agree_near_two_to_the_62(seed: int) -> None:
    pair, workload = Pair(), EdgeWorkload(seed)
    pair.apply(*edge_setup_records())
    sent = 0
    while sent < COMMANDS:
        records = workload.batch()
        events, _ = pair.apply(*records)
        workload.learn(events)
        pair.check()
        sent += len(records)
    pair.restart()
    pair.check()


# --- bytes that are no batch ----------------------------------------------------------------------


def _prepared() -> Machine:
    machine = Machine()
    machine.apply(1, START_NS, c.batch_of(setup_records()))
    return machine


def _state(machine: Machine) -> tuple[object, ...]:
    return (
        machine.index, machine.chain, machine.digest(), machine.snapshot(), machine.events,
        machine.replies,
    )  # fmt: skip


def _refused(payload: bytes) -> str:
    """The reason; the machine must not have noticed."""
    machine = _prepared()
    before = _state(machine)
    with pytest.raises(c.MalformedBatch) as error:
        machine.apply(2, START_NS, payload)
    assert _state(machine) == before
    machine.apply(2, START_NS, c.batch_of([c.place(2, 1, 0, 0, 0, 100, 1)]))
    assert len(machine.replies) == REPLY_BYTES
    return str(error.value)


GOOD = c.place(2, 1, 0, 0, 0, 100, 1)
LONG = c.list_symbol(
    "X", 1, 2, tick_units=1000, lot_units=1, min_price=1, max_price=9, max_qty=9,
    min_notional=0, max_notional=9, maker_ppm=0, taker_ppm=0,
)  # fmt: skip


def _with_head(record: bytes, head: int) -> bytes:
    return struct.pack("<q", head) + record[8:]


MALFORMED = {
    "shorter than a header": (b"\x01", "shorter than its header"),
    "another magic": (b"LSB2" + c.batch_of([GOOD])[4:], "magic"),
    "a byte too many": (c.batch_of([GOOD]) + b"\0", "do not add up"),
    "a byte too few": (c.batch_of([GOOD])[:-1], "do not add up"),
    "half a word": (c.batch(GOOD + b"\0" * 4, 1), "whole words"),
    "count too small": (c.batch(GOOD + GOOD, 1), "header's count"),
    "count too large": (c.batch(GOOD, 2), "header's count"),
    "commands without a count": (c.batch(GOOD, 0), "header's count"),
    "kind 0": (c.batch(_with_head(GOOD, 8 << 8), 1), "unknown kind 0"),
    "kind 27": (c.batch(_with_head(GOOD, 27 | 8 << 8), 1), "unknown kind 27"),
    "terms of a short order": (c.batch(_with_head(GOOD, 14 | 8 << 8), 1), "has 8 words"),
    "kind 255": (c.batch(_with_head(GOOD, 255 | 8 << 8), 1), "unknown kind 255"),
    "no length": (c.batch(_with_head(GOOD, 1), 1), "has 0 words"),
    "a short order": (c.batch(_with_head(GOOD[:56], 1 | 7 << 8), 1), "has 7 words"),
    "a long order": (c.batch(_with_head(GOOD, 1 | 9 << 8) + bytes(8), 1), "has 9 words"),
    "cut in the middle": (c.batch(GOOD + GOOD[:32], 2), "has 8 words"),
    "cut in a listing": (c.batch(LONG[:-8], 1), "has 18 words"),
    "bit 48": (c.batch(_with_head(GOOD, CMD_PLACE | 8 << 8 | 1 << 48), 1), "stray bits"),
    "bit 63": (c.batch(_with_head(GOOD, CMD_PLACE | 8 << 8 | -(1 << 63)), 1), "stray bits"),
    "bit 32 of a cancel": (c.batch(_with_head(GOOD, 2 | 8 << 8 | 1 << 32), 1), "stray bits"),
    "a good one before": (c.batch(GOOD + _with_head(GOOD, 14 | 8 << 8), 2), "command 1"),
    "too many commands": (
        c.batch(GOOD * (BATCH_COMMANDS_MAX + 1), BATCH_COMMANDS_MAX + 1), "more than 8192",
    ),
    "too many bytes": (c.batch(bytes(BATCH_BYTES_MAX + 8), 1), "whole words up to"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_batch_changes_nothing(name: str) -> None:
    payload, reason = MALFORMED[name]
    assert reason in _refused(payload)


def test_the_largest_batches_are_fine() -> None:
    machine = _prepared()
    machine.apply(2, START_NS, c.batch_of([GOOD] * BATCH_COMMANDS_MAX))
    assert len(machine.replies) == REPLY_BYTES * BATCH_COMMANDS_MAX
    machine.apply(3, START_NS, c.batch_of([LONG] * BATCH_COMMANDS_MAX))
    assert len(machine.replies) == REPLY_BYTES * BATCH_COMMANDS_MAX
    machine.apply(4, START_NS, c.batch_of([]))
    machine.apply(5, START_NS, b"")
    assert (machine.events, machine.replies) == (b"", b"")


@given(payload=st.one_of(
    st.binary(max_size=200),
    st.builds(c.batch, st.binary(max_size=160), st.integers(0, 4), st.binary(max_size=9)),
))  # fmt: skip
@example(b"")
def test_any_bytes_are_applied_or_change_nothing(payload: bytes) -> None:
    machine = _prepared()
    before = _state(machine)
    try:
        machine.apply(2, START_NS, payload)
    except c.MalformedBatch:
        assert _state(machine) == before
    else:
        assert machine.index == 2


@given(st.data())
def test_a_spoiled_batch_is_applied_or_changes_nothing(data: st.DataObject) -> None:
    good = bytearray(c.batch_of([GOOD, LONG, c.cancel(2, 1, 1 << 24)], b"metadata"))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    payload = bytes(good[: data.draw(st.sampled_from((len(good), len(good) - 8, 40)))])
    machine = _prepared()
    before = _state(machine)
    try:
        machine.apply(2, START_NS, payload)
    except c.MalformedBatch:
        assert _state(machine) == before
    else:
        assert len(machine.replies) == 3 * REPLY_BYTES


# --- every word at its extremes -------------------------------------------------------------------

words = st.one_of(st.sampled_from(EDGES), st.integers(0, 20), st.integers(-(2**63), 2**63 - 1))
KINDS = [kind for kind in range(1, 13) if kind != CMD_CHECKPOINT]


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Any command that is well formed, with any words."""
    kind = draw(st.sampled_from(KINDS))
    length = 18 if kind == CMD_LIST_SYMBOL else 8
    symbol = draw(st.sampled_from((0, 1, 2, 3, 4, 65535)))
    terms = draw(st.integers(0, 0xFFFF)) if kind == CMD_PLACE else 0
    head = kind | length << 8 | symbol << 16 | terms << 32
    account = draw(st.one_of(st.integers(1, 6), words))
    rest = [draw(words) for _ in range(length - 2)]
    return struct.pack(f"<{length}q", head, account, *rest)


@given(batch=st.lists(records(), min_size=1, max_size=6))
def test_whatever_is_well_formed_is_answered(batch: list[bytes]) -> None:
    pair = Pair()
    pair.apply(*setup_records())
    _, replies = pair.apply(*batch)
    assert [reply.command for reply in replies] == [record[0] for record in batch]
    pair.check()


def test_a_rate_at_the_end_of_time() -> None:
    """The moment of the next command leaves 64 bits where a gap is added to the last one."""
    pair = Pair()
    pair.apply(*setup_records(), c.set_version(VERSION_RISK), c.set_desk(2, 1, rate=1))
    pair.now_ns = 2**63 - 1 - 5 * 10**8
    codes_ = [
        reply.code
        for _ in range(3)
        for reply in pair.apply(c.place(2, 1, BUY, LIMIT, GTC, 100, 1))[1]
    ]
    assert codes_ == [OK, TOO_MANY_REQUESTS, TOO_MANY_REQUESTS]
    pair.now_ns = 2**63 - 1
    _, (last,) = pair.apply(c.place(2, 1, BUY, LIMIT, GTC, 100, 1))
    assert last.code == OK
    pair.check()
    pair.restart()


# --- checkpoints ----------------------------------------------------------------------------------


def _at_first_checkpoint() -> tuple[Machine, bytes]:
    machine = _prepared()
    digest = machine.digest()
    machine.apply(2, START_NS, c.batch_of([c.checkpoint()]))
    assert machine.last_checkpoint() == (2, digest)
    return machine, digest


def test_a_true_claim_passes() -> None:
    machine, digest = _at_first_checkpoint()
    machine.apply(3, START_NS, c.batch_of([c.checkpoint(2, digest)]))
    assert machine.index == 3


@pytest.mark.parametrize("byte", [0, 7, 8, 31])
def test_a_false_claim_stops_the_machine(byte: int) -> None:
    machine, digest = _at_first_checkpoint()
    false = bytearray(digest)
    false[byte] ^= 1
    with pytest.raises(Diverged):
        machine.apply(3, START_NS, c.batch_of([c.checkpoint(2, bytes(false))]))


def test_a_claim_survives_a_restart() -> None:
    machine, digest = _at_first_checkpoint()
    restored = Machine.restore(machine.snapshot())
    assert restored.last_checkpoint() == (2, digest)
    with pytest.raises(Diverged):
        restored.apply(3, START_NS, c.batch_of([c.checkpoint(2, bytes(32))]))


@pytest.mark.parametrize("data", [b"", b"\x00", b"LSB1", b"\xc1" * 40])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="snapshot"):
        Machine.restore(data)


def test_a_damaged_snapshot_is_refused() -> None:
    """Whichever byte was flipped or lost: a wrong state may not look like a right one."""
    machine, _ = _at_first_checkpoint()
    snapshot = machine.snapshot()
    step = max(1, len(snapshot) // 300)
    for at in range(0, len(snapshot), step):
        damaged = snapshot[:at] + bytes([snapshot[at] ^ 0x10]) + snapshot[at + 1 :]
        with pytest.raises(ValueError, match="snapshot"):
            Machine.restore(damaged)
        with pytest.raises(ValueError, match="snapshot"):
            Machine.restore(snapshot[:at])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("index", 2**63), ("index", -1), ("ts_ns", 2**64 - 1), ("version", 2**63),
        ("scalars", ["x"] * 15), ("scalars", [{}] * 15), ("scalars", [2**63] * 15),
        ("scalars", []), ("tables", {"assets": 5}), ("tables", {}), ("chain", b""), ("seal", ""),
    ],
)  # fmt: skip
def test_a_snapshot_with_other_members_is_refused(member: str, value: object) -> None:
    """Compiled as interpreted: what is inside of a list or a table is looked at, too."""
    members = msgspec.msgpack.decode(_prepared().snapshot())
    if member == "tables" and value:
        value = dict.fromkeys(members["tables"], 5)
    with pytest.raises(ValueError, match="snapshot"):
        Machine.restore(msgspec.msgpack.encode({**members, member: value}))


def test_a_snapshot_may_not_be_a_bottomless_pit() -> None:
    """A member that nobody knows is passed over, however deep it is nested."""
    members = msgspec.msgpack.decode(_prepared().snapshot())
    deep = msgspec.msgpack.encode({**members, "more": 0})[:-1] + b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(ValueError, match="snapshot"):
        Machine.restore(deep)
    unreadable = _prepared().snapshot().replace(b"assets", b"asset\xff")
    with pytest.raises(ValueError, match="snapshot"):
        Machine.restore(unreadable)
