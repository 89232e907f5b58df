"""Snapshots on disk: whole or absent, checked to the last byte, at most two kept."""

import errno
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.lmdb_folder import ROOM_RESERVE_BYTES
from adapters.snapshot_files import (
    LOOK_EVERY_BYTES,
    BadSnapshot,
    SnapshotFiles,
    encode_header,
    read_snapshot,
)
from replication.ports import SnapshotMeta

CLUSTER = bytes(range(16))


def meta(index: int) -> SnapshotMeta:
    return SnapshotMeta(
        index=index, term=2, ts_ns=3, chain=b"c" * 32, record_hash=b"r" * 32, digest=b"d" * 32
    )


def files(folder: Path, warnings: list[str], usable_through: int = 1000) -> SnapshotFiles:
    folder = folder / "snapshots"
    return SnapshotFiles(folder, CLUSTER, warnings.append, lambda: usable_through)


def test_what_is_saved_comes_back_newest_first_and_two_are_kept(tmp_path: Path) -> None:
    warnings: list[str] = []
    store = files(tmp_path, warnings)
    for index in (5, 9, 100):
        store.save_now(meta(index), [b"state ", b"%d" % index])
    assert list(store.newest_first()) == [(meta(100), b"state 100"), (meta(9), b"state 9")]
    assert warnings == []


def test_what_the_log_can_start_from_stays_however_many_a_leader_sends(tmp_path: Path) -> None:
    """Each of them is durable before the log follows, and the process may end in between."""
    store = files(tmp_path, [], usable_through=25)
    for index in (10, 20, 70, 90, 110):
        store.save_now(meta(index), [b"state"])
    assert store.indexes() == [110, 90, 20, 10]
    store = files(tmp_path, [], usable_through=110)
    store.save_now(meta(120), [b"state"])
    assert store.indexes() == [120, 110, 90]
    store.save_now(meta(121), [b"state"])
    assert 20 not in store.indexes()


def test_at_a_start_what_is_ahead_of_the_log_goes(tmp_path: Path) -> None:
    store = files(tmp_path, [], usable_through=25)
    for index in (10, 20, 70):
        store.save_now(meta(index), [b"state"])
    store.clear_up()
    assert store.indexes() == [20, 10]


def test_a_snapshot_leaves_the_log_its_room(tmp_path: Path) -> None:
    """The log admits entries by what was free before, and ends the process when it cannot write."""
    free = ROOM_RESERVE_BYTES + 100
    store = SnapshotFiles(tmp_path, CLUSTER, print, free=lambda _folder: free)
    store.save_now(meta(5), [b"s" * 100], 100)
    with pytest.raises(OSError, match="no room for a snapshot beside the log") as caught:
        store.save_now(meta(9), [b"s" * 101], 101)
    assert caught.value.errno == errno.ENOSPC
    assert [file.name for file in tmp_path.iterdir()] == ["5.snap"]


@pytest.mark.parametrize("tells_its_size", [True, False])
def test_a_disk_that_fills_up_meanwhile_ends_the_save(tmp_path: Path, tells_its_size: bool) -> None:
    size = 8 * LOOK_EVERY_BYTES
    piece = bytes(1 << 20)
    given = 0

    def pieces() -> Iterator[bytes]:
        nonlocal given
        while given < size:
            given += len(piece)
            yield piece

    def free(_folder: Path) -> int:
        """Others write as much as the snapshot."""
        return ROOM_RESERVE_BYTES + size - 2 * given

    store = SnapshotFiles(tmp_path, CLUSTER, print, free=free)
    with pytest.raises(OSError, match="no room"):
        store.save_now(meta(9), pieces(), size if tells_its_size else 0)
    assert given <= (1 if tells_its_size else 5) * LOOK_EVERY_BYTES
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_half_written_goes_at_the_next_start(tmp_path: Path) -> None:
    store = files(tmp_path, [])
    store.clear_up()
    store.save_now(meta(5), [b"state"])
    (tmp_path / "snapshots" / "9.part").write_bytes(b"half")
    files(tmp_path, []).clear_up()
    assert [file.name for file in (tmp_path / "snapshots").iterdir()] == ["5.snap"]


def test_no_folder_is_no_snapshot(tmp_path: Path) -> None:
    assert list(files(tmp_path, []).newest_first()) == []


def test_a_file_that_was_not_finished_is_not_a_snapshot(tmp_path: Path) -> None:
    store = files(tmp_path, [])
    store.save_now(meta(5), [b"state"])
    (tmp_path / "snapshots" / "9.part").write_bytes(b"half")
    assert store.indexes() == [5]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_is_found(data: st.DataObject) -> None:
    state = b"the whole state"
    header = encode_header(meta(5), CLUSTER, len(state), hashlib.sha256(state).digest())
    raw = bytearray(header + state)
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadSnapshot):
        read_snapshot(io.BytesIO(raw), CLUSTER)


def test_a_damaged_file_is_named_and_the_older_one_is_taken(tmp_path: Path) -> None:
    warnings: list[str] = []
    store = files(tmp_path, warnings)
    for index in (5, 9):
        store.save_now(meta(index), [b"st", b"ate"])
    damaged = tmp_path / "snapshots" / "9.snap"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert [found.index for found, _ in store.newest_first()] == [5]
    assert len(warnings) == 1
    assert "9.snap: passed over: 4 bytes of state where the header says 5" in warnings[0]


def test_a_renamed_file_and_another_clusters_file_are_refused(tmp_path: Path) -> None:
    store = files(tmp_path, [])
    store.save_now(meta(5), [b"state"])
    (tmp_path / "snapshots" / "5.snap").rename(tmp_path / "snapshots" / "6.snap")
    with pytest.raises(BadSnapshot, match="it is the snapshot of index 5"):
        store.read(6)
    renamed = io.BytesIO((tmp_path / "snapshots" / "6.snap").read_bytes())
    with pytest.raises(BadSnapshot, match="belongs to cluster"):
        read_snapshot(renamed, bytes(16))
