"""Mutilated logs: named, or harmless, never silently accepted. Each is opened in a child process.

Two ways to do damage: through LMDB (what a lost, stale or misdirected write leaves: the pages
are sound, the content is not) and in the file's bytes (what rot or a cut leaves).
"""

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
import pytest

from adapters.lmdb_environment import DATABASES
from adapters.lmdb_folder import log_path, witness_path
from adapters.lmdb_log import LmdbLog
from adapters.lmdb_rows import HARD_STATE_KEY, encode_hard_state, index_key
from core.commands import batch, cancel
from replication.ports import HardState, Result, Write
from replication.record import seal
from tests.log.damage import CLUSTER, MAP_BYTES, look

RECORDS = 12
REFUSALS = {
    "CorruptRow", "CorruptRecord", "CorruptResult", "DataFolderRefused", "HeaderCorrupt",
    "PayloadCorrupt", "TornRecord", "MissingRecord", "MisdirectedRecord", "BrokenChain",
}  # fmt: skip
Transaction = Any
Database = Any
Harm = Callable[[Transaction, dict[bytes, Database]], None]


def write_log(folder: Path, first: int, last: int) -> None:
    """Records `first` to `last`, one write each, results one behind."""
    warnings: list[str] = []
    log = LmdbLog.create_or_open(folder, CLUSTER, 1, MAP_BYTES, warnings.append)
    prev = log.hard_state().last_hash
    for index in range(first, last + 1):
        payload = batch(b"".join(cancel(2, 1, index + n) for n in range(40)), 40)
        record = seal(CLUSTER, index, 1, index, prev, payload)
        prev = record.hash
        state = HardState(term=1, vote=1, last_index=index, last_hash=prev)
        results = []
        if index > 1:
            chain = bytes([index]) * 32
            results = [Result(index=index - 1, term=1, ts_ns=0, chain=chain, events=b"e" * 900)]
        log.append_now(Write(records=[record], results=results, hard_state=state))
    log.close()
    assert warnings == []


def harm(folder: Path, change: Harm) -> None:
    env = lmdb.open(str(log_path(folder)), map_size=MAP_BYTES, max_dbs=len(DATABASES))
    with env.begin(write=True) as txn:
        change(txn, {name: env.open_db(name, txn=txn, create=False) for name in DATABASES})
    env.close()


def verdicts(folders: list[Path]) -> list[str]:
    """What a new process says about each log."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.log.damage", *map(str, folders)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert done.returncode == 0, f"died of log {len(said)} with {done.returncode}: {done.stderr}"
    return said


def verdict(folder: Path) -> str:
    return verdicts([folder])[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_log(tmp_path, 1, RECORDS)
    return tmp_path


def flip(value: bytes, at: int) -> bytes:
    return value[:at] + bytes([value[at] ^ 0x40]) + value[at + 1 :]


def change_record(index: int, change: Callable[[bytes], bytes]) -> Harm:
    def apply(txn: Transaction, dbs: dict[bytes, Database]) -> None:
        key, database = index_key(index), dbs[b"records"]
        txn.put(key, change(txn.get(key, db=database)), db=database)

    return apply


def swap_records(a: int, b: int) -> Harm:
    def apply(txn: Transaction, dbs: dict[bytes, Database]) -> None:
        database = dbs[b"records"]
        one, other = (txn.get(index_key(index), db=database) for index in (a, b))
        txn.put(index_key(a), other, db=database)
        txn.put(index_key(b), one, db=database)

    return apply


def delete(name: bytes, key: bytes) -> Harm:
    def apply(txn: Transaction, dbs: dict[bytes, Database]) -> None:
        assert txn.delete(key, db=dbs[name])

    return apply


def put(name: bytes, key: bytes, change: Callable[[bytes], bytes]) -> Harm:
    def apply(txn: Transaction, dbs: dict[bytes, Database]) -> None:
        txn.put(key, change(txn.get(key, default=b"", db=dbs[name])), db=dbs[name])

    return apply


def rewrite_with_another_history(txn: Transaction, dbs: dict[bytes, Database]) -> None:
    """A sound record of the same cluster and index that belongs to another log."""
    stale = seal(CLUSTER, 6, 1, 6, b"s" * 32, batch(cancel(2, 1, 1), 1))
    txn.put(index_key(6), stale.encoded(), db=dbs[b"records"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (change_record(5, lambda v: flip(v, 40)), "HeaderCorrupt: record 5: "),
        (change_record(5, lambda v: flip(v, 200)), "PayloadCorrupt: record 5: "),
        (change_record(5, lambda v: v[:-1]), "TornRecord: record 5: "),
        (change_record(5, lambda v: v[:10]), "TornRecord: record 5: "),
        (change_record(5, lambda v: bytes(len(v))), "HeaderCorrupt: record 5: "),
        (swap_records(5, 6), "MisdirectedRecord: record 5: record 6 stands in its place"),
        (rewrite_with_another_history, "BrokenChain: record 6: carries another hash"),
        (delete(b"records", index_key(5)), "MissingRecord: record 5: "),
        (delete(b"records", index_key(RECORDS)), "MissingRecord: record 12: "),
        (delete(b"anchor", HARD_STATE_KEY), "CorruptRow: anchor: missing"),
        (put(b"anchor", HARD_STATE_KEY, lambda v: flip(v, 50)), "CorruptRow: anchor: does not"),
        (put(b"meta", b"identity", lambda v: flip(v, 50)), "CorruptRow: identity: does not"),
        (delete(b"meta", b"identity"), "CorruptRow: identity: missing"),
        (put(b"results", index_key(3), lambda v: flip(v, 90)), "CorruptResult: record 3: result"),
        (delete(b"results", index_key(3)), "CorruptResult: record 11: result: 10 are stored"),
    ],
)  # fmt: skip
def test_each_damage_is_named(folder: Path, change: Harm, expected: str) -> None:
    harm(folder, change)
    assert look(folder).startswith(expected)


def test_an_unharmed_log_is_fine(folder: Path) -> None:
    assert verdict(folder) == f"ok {RECORDS}"


@pytest.mark.parametrize("torn", [b"", b"torn", bytes(300)])
def test_a_tail_above_the_anchor_is_cut(folder: Path, torn: bytes) -> None:
    """It was never acknowledged: the anchor moves in the same transaction as its record."""
    harm(folder, put(b"records", index_key(RECORDS + 1), lambda value: torn))
    assert verdict(folder) == f"ok {RECORDS} log: cutting records 13 to 13 above the anchor"
    assert verdict(folder) == f"ok {RECORDS}"


def test_an_older_anchor_is_caught_by_the_witness(folder: Path) -> None:
    """Were it believed, acknowledged records would be cut as a torn tail."""
    warnings: list[str] = []
    log = LmdbLog.create_or_open(folder, CLUSTER, 1, MAP_BYTES, warnings.append)
    tenth = [record for record in log.records(1) if record.index == 10][0]  # noqa: RUF015
    log.close()
    old = HardState(term=1, vote=1, last_index=10, last_hash=tenth.hash)
    harm(folder, put(b"anchor", HARD_STATE_KEY, lambda value: encode_hard_state(old, 1)))
    assert "an older copy, or its end is lost" in verdict(folder)
    assert "an older copy" in verdict(folder), "and nothing was cut by looking"


def test_an_older_copy_of_the_log_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(log_path(folder), copy)
    write_log(folder, RECORDS + 1, RECORDS + 3)
    shutil.rmtree(log_path(folder))
    shutil.copytree(copy, log_path(folder))
    assert verdict(folder).startswith("DataFolderRefused: ")
    assert "ends at index 12 of term 1, but it was durable up to 15" in verdict(folder)


def test_without_a_witness_the_log_still_opens(folder: Path) -> None:
    witness_path(folder).unlink()
    assert verdict(folder) == f"ok {RECORDS}"


def test_a_cut_file_is_named(folder: Path) -> None:
    data = log_path(folder) / "data.mdb"
    with data.open("r+b") as file:
        file.truncate(data.stat().st_size - 4096)
    assert "is beyond EOF or truncated" in verdict(folder)


def test_a_file_of_zeros_is_named(folder: Path) -> None:
    data = log_path(folder) / "data.mdb"
    data.write_bytes(bytes(data.stat().st_size))
    assert "not an LMDB data file" in verdict(folder)


def test_flipped_bytes_in_the_file_are_named_or_harmless(folder: Path, tmp_path: Path) -> None:
    """Anywhere in the file, LMDB's own pages included.

    Either a refusal that names something, or a log that is complete and right, because the byte
    was in a page that is free. LMDB trusts its pages and would die of some of these; that is why
    they are checked before it sees them.
    """
    rng = random.Random(20)
    original = (log_path(folder) / "data.mdb").read_bytes()
    victims = [tmp_path / f"victim-{number}" for number in range(60)]
    for victim in victims:
        shutil.copytree(log_path(folder), log_path(victim))
        shutil.copy(witness_path(folder), witness_path(victim))
        raw = bytearray(original)
        for _ in range(rng.choice((1, 1, 64))):
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        (log_path(victim) / "data.mdb").write_bytes(raw)
    harmless = 0
    for said in verdicts(victims):
        kind = said.split(":", 1)[0]
        assert kind in REFUSALS or said == f"ok {RECORDS}", said
        harmless += said == f"ok {RECORDS}"
    assert 0 < harmless < len(victims), "some damage was found, some was harmless"
