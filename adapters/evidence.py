"""The forensic bundle: what a node keeps when it finds that its state is not the others'.

Why it exists: a replica that differs must stop, and whoever looks for the reason needs what was
there at that moment, before an operator's next step changes it. The log itself stays where it is;
beside it this keeps the digests, the range in question and a snapshot of the state that is wrong.
It decides nothing.
"""

import os
import time
from pathlib import Path
from typing import Final

import msgspec

from adapters.lmdb_folder import snapshot_path
from adapters.lmdb_log import LmdbReader
from core.machine import Machine
from replication.record import CorruptRecord

STATE_FILE: Final = "state.snapshot"

ENTRIES: Final = 1000
"""Records before the end that are copied: a checkpoint's worth of a busy system, and more."""


def keep_evidence(folder: Path, log: LmdbReader, error: Exception, machine: Machine) -> Path:
    """Writes `evidence/<index>-<time>/` and gives its path. Raises `OSError` if it cannot."""
    kept = folder / "evidence" / f"{machine.index}-{time.time_ns()}"
    kept.mkdir(mode=0o700, parents=True)
    anchor = log.hard_state()
    checkpoint, digest = machine.last_checkpoint()
    report = {
        "what": str(error),
        "kind": type(error).__name__,
        "index": machine.index,
        "chain": machine.chain.hex(),
        "digest": machine.digest().hex(),
        "sections": {name: value.hex() for name, value in machine.digest_sections().items()},
        "checkpoint": {
            "index": checkpoint,
            "digest": digest.hex(),
            "sections": {k: v.hex() for k, v in machine.checkpoint_sections.items()},
        },
        "differing_sections": sorted(getattr(error, "sections", {})),
        "cluster": log.cluster.hex(),
        "member": log.identity.node_id,
        "term": anchor.term,
        "last_index": anchor.last_index,
        "last_hash": anchor.last_hash.hex(),
        "base_index": log.base().index,
        "snapshots": sorted(path.name for path in snapshot_path(folder).glob("*.snap")),
    }
    (kept / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    (kept / STATE_FILE).write_bytes(machine.snapshot())
    _copy_log(log, kept, max(log.base().index + 1, machine.index - ENTRIES), anchor.last_index)
    return kept


def _copy_log(log: LmdbReader, kept: Path, first: int, last: int) -> None:
    """Records as they lie on the disk, and the results beside them, in two files of frames."""
    with (kept / "records.bin").open("wb") as records, (kept / "results.bin").open("wb") as results:
        for index in range(first, last + 1):
            try:
                value = log.record(index).encoded()
                result = log.result(index)
            except CorruptRecord as error:
                value, result = str(error).encode(), None
            records.write(len(value).to_bytes(4, "little") + value)
            if result is not None:
                packed = msgspec.msgpack.encode(result)
                results.write(len(packed).to_bytes(4, "little") + packed)
        for file in (records, results):
            file.flush()
            os.fsync(file.fileno())
