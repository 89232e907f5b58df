"""A state that is wrong in one word is named down to that word, also from outside."""

import shutil
from itertools import islice
from pathlib import Path

import pytest

from adapters.evidence import STATE_FILE
from adapters.log_audit import state_difference, states_at_common_end
from adapters.log_tools import machine_at, reader_of
from adapters.rpc_client import CoreClient
from adapters.state_walk import key_of, state_differences, word_name, word_names
from core import commands as c
from core.machine import Machine
from core.table import Table
from core.versions import VERSION_KNOWN
from tests.core.pair import START_NS
from tests.core.subjects import Engine
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import setup_records
from tests.node.market import open_market
from tests.node.process import NodeProcess, lockstep
from tests.node.test_node import fill, order, report


def machine_of(seed: int, commands: int) -> Machine:
    """After random commands of every kind."""
    engine = Engine()
    workload = TermsWorkload(seed)
    now_ns, index, sent = START_NS, 1, 0
    engine.apply(index, now_ns, c.batch_of([*setup_records(), c.set_version(VERSION_KNOWN)]))
    while sent < commands:
        records = workload.batch()
        index, now_ns, sent = index + 1, now_ns + workload.time_step_ns(), sent + len(records)
        events, _ = engine.apply(index, now_ns, c.batch_of(records))
        workload.learn(events)
    return engine.machine


def tables_of(machine: Machine) -> dict[str, Table]:
    return {table.name: table for table in machine.tables()}


def test_each_table_has_a_name_for_each_word() -> None:
    for name, table in tables_of(machine_of(1, 50)).items():
        names = word_names(name)
        assert min(names) == 0, name
        assert max(names) < table.words, name
        assert len(set(names.values())) == len(names), name
        assert word_name(name, table.words - 1), name
        assert key_of(name, 0, (0,) * table.words).startswith("row 0"), name


def test_what_is_wrong_is_named_whatever_table_it_is_in() -> None:
    machine = machine_of(2, 1_500)
    whole = Machine.restore(machine.snapshot())
    assert list(state_differences(machine, whole)) == []
    wrong = 0
    for name, table in tables_of(machine).items():
        if table.count == 0:
            continue
        row, word = table.count - 1, table.words - 1
        right = table.word(row, word)
        table.rows[table.count * table.stride - 1] ^= 1
        table.touch(row)
        (found,) = state_differences(machine, whole)
        table.rows[table.count * table.stride - 1] ^= 1
        table.touch(row)
        told = (found.section, found.field, found.a, found.b)
        assert told == (name, word_name(name, word), str(right ^ 1), str(right))
        assert found.key.startswith(f"row {row}")
        wrong += 1
    assert wrong >= 14
    assert list(state_differences(machine, whole)) == []


def test_a_longer_state_has_rows_that_the_other_lacks() -> None:
    a, b = machine_of(3, 100), machine_of(3, 400)
    found = list(state_differences(a, b))
    assert any((d.section, d.a, d.b) == ("replies", "absent", "there") for d in found)
    assert any(d.section == "scalars" for d in found)


def test_without_trees_there_is_no_walk() -> None:
    with pytest.raises(ValueError, match="version 1 has no tree"):
        next(state_differences(Machine(), Machine()))


@pytest.mark.asyncio
@pytest.mark.e2e
async def test_audit_names_the_word_of_a_forensic_bundle(tmp_path: Path) -> None:
    folder, bundle = tmp_path / "node-1", tmp_path / "bundle"
    node = await NodeProcess(folder).start()
    async with CoreClient(node.address) as core:
        (account,) = await open_market(core, 1)
        for number in range(1, 4):
            await core.submit(order(account, number), 1)
    code, _, said = await lockstep(
        "admin", "version", "--to", str(VERSION_KNOWN), "--url", f"grpc://{node.address}",
        "--reason", "trees", "--ticket", "T-2",
    )  # fmt: skip
    assert code == 0, said
    assert await node.stop() == 0
    with reader_of(folder) as reader:
        machine = machine_at(reader, folder, 1 << 40)
    bundle.mkdir()
    (bundle / STATE_FILE).write_bytes(machine.snapshot())
    code, found = await report("audit", str(folder), str(bundle))
    assert (code, found["first_difference"]) == (0, None)

    balances = tables_of(machine)["balances"]
    (row,) = islice(
        (r for r in range(balances.count) if balances.rows[r * balances.stride] == account), 1
    )
    balances.rows[row * balances.stride + 2] += 1
    balances.touch(row)
    (bundle / STATE_FILE).write_bytes(machine.snapshot())
    code, found = await report("audit", str(folder), str(bundle))
    difference = found["first_difference"]
    assert isinstance(difference, dict)
    assert (code, difference["section"], difference["field"]) == (1, "balances", "available")
    assert f"account {account}, asset" in str(difference["key"])
    assert int(difference["b"]) == int(difference["a"]) + 1

    (bundle / STATE_FILE).write_bytes(b"none")
    code, _, said = await lockstep("audit", str(folder), str(bundle))
    assert code == 3
    assert b"state.snapshot: snapshot: " in said


@pytest.mark.asyncio
@pytest.mark.e2e
async def test_a_shorter_log_is_compared_as_far_as_it_reaches(tmp_path: Path) -> None:
    short, long = tmp_path / "short", tmp_path / "long"
    await fill(short, 3)
    shutil.copytree(short, long)
    node = await NodeProcess(long).start()
    async with CoreClient(node.address) as core:
        await core.submit(order(2, 9), 1)
    assert await node.stop() == 0
    code, found = await report("audit", str(short), str(long))
    assert (code, found["ok"], found["first_difference"]) == (0, True, None)
    with reader_of(short) as a, reader_of(long) as b:
        assert states_at_common_end(a, short, b, long) is None
        ends = [machine_at(r, f, 1 << 40) for r, f in ((a, short), (b, long))]
    difference = state_difference(*ends)
    assert difference is not None
    assert (difference.section, difference.field) == ("state", "digest")
