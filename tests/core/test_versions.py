"""Machine versions: old rules stay for old logs, and a program that is too old stops.

What the command answers is in the golden scenarios `machine_version` and `mode_keyed`; here is
what they cannot show: programs of two releases on one log, snapshots, and digests.
"""

import pytest

from core import commands as c
from core.codes import MODE_CANCEL_ONLY, MODE_NORMAL
from core.commands import batch_of
from core.machine import Machine
from core.versions import VERSION_FIRST, VERSION_KNOWN, UnknownVersion
from tests.core.workload import setup_records

KEY = (1, 2)


def machine_with(*records: bytes, known_version: int = VERSION_KNOWN) -> Machine:
    machine = Machine(known_version)
    machine.apply(1, 1, batch_of([*setup_records(), *records]))
    return machine


def test_a_log_begins_with_the_first_version() -> None:
    assert Machine().version == VERSION_FIRST
    assert Machine(1).known_version == 1


def test_both_programs_agree_until_the_version_is_raised() -> None:
    twice = (c.set_mode(1, MODE_CANCEL_ONLY, KEY), c.set_mode(1, MODE_NORMAL), c.set_version(1))
    old = machine_with(*twice, twice[0], known_version=1)
    new = machine_with(*twice, twice[0])
    assert (old.chain, old.digest()) == (new.chain, new.digest())
    assert old.symbols()[0].mode == MODE_CANCEL_ONLY


def test_an_old_program_stops_where_the_version_is_raised() -> None:
    with pytest.raises(UnknownVersion, match=r"2 is in force from log index 1 on.*up to 1") as stop:
        machine_with(c.set_version(2), known_version=1)
    assert (stop.value.wanted, stop.value.known, stop.value.index) == (2, 1, 1)


def test_no_program_runs_a_version_that_nobody_knows() -> None:
    with pytest.raises(UnknownVersion):
        machine_with(c.set_version(VERSION_KNOWN + 1))


def test_the_version_is_in_snapshot_and_digest() -> None:
    first, second = machine_with(), machine_with(c.set_version(2))
    assert first.digest_sections()["scalars"] != second.digest_sections()["scalars"]
    restored = Machine.restore(second.snapshot())
    assert restored.version == 2
    assert restored.digest() == second.digest()
    assert Machine.restore(first.snapshot(), 1).version == VERSION_FIRST


def test_an_old_program_refuses_the_snapshot_of_a_newer_one() -> None:
    with pytest.raises(UnknownVersion, match="in force"):
        Machine.restore(machine_with(c.set_version(2)).snapshot(), 1)
