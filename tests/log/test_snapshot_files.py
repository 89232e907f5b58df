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


def files(folder: Path, warnings: list[str]) -> SnapshotFiles:
    return SnapshotFiles(folder / "snapshots", CLUSTER, warnings.append)


def test_what_is_saved_comes_back_newest_first_and_two_are_kept(tmp_path: Path) -> None:
    warnings: list[str] = []
    store = files(tmp_path, warnings)
    for index in (5, 9, 100):
        store.save_now(meta(index), [b"state ", b"%d" % index])
    assert list(store.newest_first()) == [(meta(100), b"state 100"), (meta(9), b"state 9")]
    assert warnings == []


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
