"""Who may use a data folder, what a failed commit does, and what the door says when it is full."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import lmdb
import pytest

from adapters.file_systems import kind_of
from adapters.lmdb_folder import DataFolder, DataFolderRefused, is_in_use
from adapters.lmdb_log import EXIT_DISK_FAILED, MAP_BYTES_MIN, LmdbLog, LmdbReader, lmdb_facts
from adapters.lmdb_witness import Witness, Witnessed, read_witness
from core.commands import batch, cancel
from replication.ports import HardState, Result, Write
from replication.record import seal

CLUSTER = bytes(range(16))


def opened(folder: Path, node_id: int = 1, map_bytes: int = MAP_BYTES_MIN) -> LmdbLog:
    return LmdbLog.create_or_open(folder, CLUSTER, node_id, map_bytes, print)


def test_one_process_owns_a_folder(tmp_path: Path) -> None:
    first = DataFolder.open(tmp_path)
    assert is_in_use(tmp_path)
    with pytest.raises(DataFolderRefused, match=f"in use by process {os.getpid()}"):
        DataFolder.open(tmp_path)
    first.close()
    assert not is_in_use(tmp_path)
    DataFolder.open(tmp_path).close()


def test_a_new_folder_is_its_owners_alone(tmp_path: Path) -> None:
    DataFolder.open(tmp_path / "node").close()
    assert (tmp_path / "node").stat().st_mode & 0o777 == 0o700


def test_a_dead_owner_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        f"import os; from adapters.lmdb_folder import *; DataFolder.open(Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-c", f"{code}; os._exit(9)"], check=False, timeout=60)
    assert (tmp_path / "LOCK").read_text().strip().isdigit()
    DataFolder.open(tmp_path).close()


def test_the_file_system_is_known() -> None:
    assert kind_of(Path("/proc/self")) == "proc"


def test_another_nodes_folder_is_refused(tmp_path: Path) -> None:
    opened(tmp_path, node_id=1).close()
    with pytest.raises(DataFolderRefused, match="belongs to node 1, this is node 2"):
        opened(tmp_path, node_id=2)


def test_the_identity_is_kept_not_replaced(tmp_path: Path) -> None:
    opened(tmp_path).close()
    log = LmdbLog.create_or_open(tmp_path, bytes(16), 1, MAP_BYTES_MIN, print)
    assert log.cluster == CLUSTER
    log.close()


def test_a_map_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFolderRefused, match="map_bytes: 1 is below"):
        opened(tmp_path, map_bytes=1)


def test_a_reader_sees_what_a_running_node_wrote(tmp_path: Path) -> None:
    """In its own process, as the tools are: LMDB allows one environment per file and process."""
    log = opened(tmp_path)
    record = seal(CLUSTER, 1, 1, 1, bytes(32), batch(cancel(2, 1, 1), 1))
    state = HardState(term=1, vote=1, last_index=1, last_hash=record.hash)
    log.append_now(Write(records=[record], hard_state=state))
    code = (
        "import sys; from pathlib import Path; from adapters.lmdb_log import LmdbReader; "
        "print([r.index for r in LmdbReader.open(Path(sys.argv[1])).records(1)])"
    )
    seen = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    log.close()
    assert seen.stdout == "[1]\n"
    with pytest.raises(DataFolderRefused, match="there is none"):
        LmdbReader.open(tmp_path / "nowhere")


class Died(Exception):
    """Instead of the end of the process."""


def die(reason: str) -> NoReturn:
    raise Died(reason)


def test_a_write_that_does_not_continue_the_log_ends_the_process(tmp_path: Path) -> None:
    log = LmdbLog.create_or_open(tmp_path, CLUSTER, 1, MAP_BYTES_MIN, print, die)
    record = seal(CLUSTER, 1, 1, 1, bytes(32), batch(cancel(2, 1, 1), 1))
    state = HardState(term=1, vote=1, last_index=1, last_hash=record.hash)
    log.append_now(Write(records=[record], hard_state=state))
    with pytest.raises(Died, match=r"the log is already longer|commit failed"):
        log.append_now(Write(records=[record], hard_state=state))
    log.close()


def test_a_commit_that_fails_ends_the_process_and_is_not_retried(tmp_path: Path) -> None:
    """A real one, in a process of its own: the map is full inside the transaction."""
    code = f"""
import sys
from pathlib import Path
from adapters.lmdb_log import LmdbLog
from replication.ports import Result, Write
log = LmdbLog.create_or_open(Path(sys.argv[1]), bytes(16), 1, {MAP_BYTES_MIN}, print)
result = Result(index=1, term=1, ts_ns=1, chain=bytes(32), events=bytes({MAP_BYTES_MIN}))
log.append_now(Write(results=[result]))
print("went on")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == EXIT_DISK_FAILED
    assert done.stdout == ""
    assert "level=fatal event=log_failed" in done.stderr
    assert "MDB_MAP_FULL" in done.stderr


def test_the_room_shrinks_and_is_used_up_before_the_map_is(tmp_path: Path) -> None:
    log = LmdbLog.create_or_open(tmp_path, CLUSTER, 1, MAP_BYTES_MIN, print, die)
    before = log.room_bytes()
    index = 0
    while log.room_bytes() > 0:
        index += 1
        size = 4 << 20
        log.append_now(
            Write(
                results=[Result(index=index, term=1, ts_ns=1, chain=bytes(32), events=bytes(size))]
            )
        )
    assert before > log.room_bytes()
    assert log.used_bytes() < MAP_BYTES_MIN * 0.9, "what was admitted still fits"
    log.close()


def test_the_witness_keeps_the_newest_whole_slot(tmp_path: Path) -> None:
    path = tmp_path / "witness"
    witness = Witness(path, CLUSTER)
    for index in (1, 2, 3):
        witness.write(index, 1, index)
    witness.close()
    assert read_witness(path, CLUSTER) == Witnessed(number=3, term=1, last_index=3)
    again = Witness(path, CLUSTER)
    again.write(4, 2, 4)
    again.close()
    raw = bytearray(path.read_bytes())
    raw[10] ^= 1
    path.write_bytes(raw)
    assert read_witness(path, CLUSTER) == Witnessed(number=3, term=1, last_index=3), (
        "the other slot is whole"
    )
    assert read_witness(path, bytes(16)) is None
    assert read_witness(tmp_path / "none", CLUSTER) is None


def test_doctor_can_name_the_library() -> None:
    facts = lmdb_facts()
    assert facts["lmdb"] == ".".join(map(str, lmdb.version()))
