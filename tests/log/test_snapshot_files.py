"""Snapshots on disk: whole or absent, checked to the last byte, at most two kept."""

import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.snapshot_files import BadSnapshot, SnapshotFiles, encode_header, read_snapshot
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
