"""Snapshots in steps: the state at one index, whatever goes on meanwhile; and their bytes."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import commands as c
from core.machine import Machine
from core.page_image import CHUNK_BYTES
from core.table import PAGE_ROWS, Table
from core.versions import VERSION_KNOWN
from tests.core.pair import START_NS
from tests.core.replay import Entry
from tests.core.subjects import Engine
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import setup_records


@cache
def log_of(seed: int, entries: int) -> list[Entry]:
    """A log of random commands of all kinds, the newest version in force from the third entry."""
    workload, engine = TermsWorkload(seed), Engine()
    log: list[Entry] = []
    ts_ns = START_NS
    batches = [setup_records(), [], [c.set_version(VERSION_KNOWN)]]
    for number in range(entries):
        records = batches[number] if number < len(batches) else workload.batch()
        ts_ns += workload.time_step_ns()
        log.append((number + 1, ts_ns, c.batch_of(records)))
        workload.learn(engine.apply(*log[-1])[0])
    return log


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 3),
    begins=st.integers(1, 60),
    step_bytes=st.sampled_from([1, 700, 5_000, 40_000, 1 << 20]),
    again=st.booleans(),
)
def test_a_snapshot_taken_in_steps_is_the_state_at_its_index(
    seed: int, begins: int, step_bytes: int, again: bool
) -> None:
    log = log_of(seed, 100)
    whole, taken = Machine(), None
    is_begun = False
    for entry in log:
        whole.apply(*entry)
        if whole.index == begins or (again and whole.index == begins + 3 and not taken):
            whole.begin_snapshot(step_bytes)
            is_begun = True
        if is_begun and whole.copy_snapshot():
            taken, is_begun = (whole.index, whole.digest(), whole.take_snapshot()), False
    if taken is None:
        taken = whole.index, whole.digest(), whole.take_snapshot()
    index, digest, snapshot = taken
    size = snapshot.size
    data = b"".join(snapshot)
    assert len(data) == size
    machine = Machine.restore(data)
    assert (machine.index, machine.digest()) == (index, digest)
    for entry in log[index:]:
        machine.apply(*entry)
    assert machine.chain == whole.chain
    assert machine.digest_sections() == whole.digest_sections()
    assert machine.snapshot() == whole.snapshot()


def test_both_formats_hold_the_same_state() -> None:
    machine = Machine()
    for entry in log_of(3, 60):
        machine.apply(*entry)
    old = Machine.restore(machine.snapshot())
    new = Machine.restore(b"".join(machine.take_snapshot()))
    assert old.snapshot() == new.snapshot() == machine.snapshot()
    assert b"".join(old.take_snapshot()) == b"".join(new.take_snapshot())


def test_a_damaged_snapshot_is_refused_and_the_chunk_named() -> None:
    machine = Machine()
    for entry in log_of(3, 60):
        machine.apply(*entry)
    data = b"".join(machine.take_snapshot())
    for at in range(0, len(data), max(1, len(data) // 200)):
        with pytest.raises(ValueError, match="snapshot"):
            Machine.restore(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        with pytest.raises(ValueError, match="snapshot"):
            Machine.restore(data[:at])
    with pytest.raises(ValueError, match="too many"):
        Machine.restore(data + b"\0")
    last = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(ValueError, match="chunk 0 of table transfers is damaged"):
        Machine.restore(last)


def big_table(rows: int) -> Table:
    table = Table("replies", 17)
    for row in range(rows):
        at = table.add_row() * 17
        table.rows[at] = row
    return table


@pytest.mark.parametrize("rows", [1, 64, 65, 40 * PAGE_ROWS, 100 * PAGE_ROWS + 7])
def test_a_table_is_copied_in_chunks_whatever_is_written_meanwhile(rows: int) -> None:
    rng = random.Random(rows)
    table = big_table(rows)
    for _ in range(3):
        table.begin_image()
        step = rng.choice([1, 20_000, 300_000])
        while table.copy_first(step):
            for _ in range(rng.randrange(4)):
                row = rng.randrange(table.count)
                table.rows[row * 17 + 3] += 1
                table.touch(row)
            table.add_row()
            table.copy_again(step)
            if table.count > rows + 200:
                break
        chunks = table.take_image()
        assert b"".join(chunks) == table.dump()
        assert all(len(chunk) <= CHUNK_BYTES for chunk in chunks)
        assert len({len(chunk) for chunk in chunks[:-1]}) <= 1


def test_a_load_that_changes_everything_cannot_keep_a_snapshot_from_ending() -> None:
    machine = Machine()
    machine.apply(1, START_NS, c.batch_of(setup_records()))
    for entry in range(40):
        accounts = [c.open_account(c.key128(f"{entry} {n}")) for n in range(500)]
        machine.apply(2 + entry, START_NS, c.batch_of(accounts))
    machine.begin_snapshot(1)
    for step in range(4_000):
        deposits = [
            c.deposit(2 + account, 1, 1, c.key128(f"{step} {account}"))
            for account in range(0, 20_000, 150)
        ]
        machine.apply(42 + step, START_NS, c.batch_of(deposits))
        if machine.copy_snapshot():
            break
    else:
        pytest.fail("the snapshot did not come to an end")
    digest = machine.digest()
    assert Machine.restore(b"".join(machine.take_snapshot())).digest() == digest
