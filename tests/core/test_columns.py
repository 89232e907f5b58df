"""Columns keep their words when they grow, do not move once they are large, and need no luxury."""

import ctypes
import resource
import subprocess
import sys

import pytest
from librt.vecs import vec
from mypy_extensions import i64

from core.columns import Room, filled
from core.table import Table

LARGE = 1 << 15


def address(column: vec[i64]) -> int:
    """Where its words lie: the first member of a `Py_buffer`."""
    view = (ctypes.c_void_p * 16)()
    python = ctypes.pythonapi
    assert python.PyObject_GetBuffer(ctypes.py_object(memoryview(column)), view, 0) == 0
    found = view[0]
    python.PyBuffer_Release(view)
    assert found is not None
    return int(found)


def add(table: Table) -> None:
    """A row that says its number."""
    row = table.add_row()
    table.rows[row * table.stride] = row


@pytest.mark.parametrize("value", [0, -1])
def test_a_filled_column_holds_one_value(value: int) -> None:
    assert list(memoryview(filled(5, value))) == [value] * 5


def test_a_large_table_grows_where_it_lies() -> None:
    table = Table("words", 4)
    while table.count * 4 <= LARGE:
        add(table)
    before, room = address(table.rows), table._room.words
    for _ in range(50_000):
        add(table)
    assert (address(table.rows), table._room.words) == (before, room)
    assert [table.rows[row * 4] for row in range(table.count)] == list(range(table.count))


def test_a_loaded_table_has_room_to_grow() -> None:
    table = Table("words", 2)
    table.load([memoryview(bytearray(16 * LARGE))])
    before = address(table.rows)
    table.add_row()
    assert address(table.rows) == before
    assert table.count == LARGE + 1


def test_small_columns_take_no_great_room() -> None:
    room = Room()
    column = room.more(vec[i64]([1, 2, 3]), 4)
    assert list(memoryview(column)) == [1, 2, 3]
    assert room.words == 8


RATIONED = """
import resource
from core.table import Table
table = Table("words", 4)
def add():
    row = table.add_row()
    table.rows[row * 4] = row
for _ in range(2_000):
    add()
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), resource.RLIM_INFINITY))
for _ in range(98_000):
    add()
assert [table.rows[row * 4] for row in range(100_000)] == list(range(100_000))
assert table._room.words < 1 << 20
print("as before")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, sets RLIMIT_AS")
def test_where_addresses_are_rationed_a_column_is_copied_as_before() -> None:
    assert hasattr(resource, "RLIMIT_AS")
    ran = subprocess.run(
        [sys.executable, "-c", RATIONED], capture_output=True, text=True, check=False
    )
    assert ran.stdout == "as before\n", ran.stderr
