"""What the commands that look at a data folder from outside share: opening, replaying, digests.

Why it exists: `replay` and `audit` read the log of a stopped or a running node without its lock
and must never change a byte of it. It knows the log's files and that a machine can be rebuilt
from them; it prints nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from adapters.lmdb_folder import DataFolderRefused, log_path, snapshot_path
from adapters.lmdb_log import LmdbReader
from adapters.snapshot_files import SnapshotFiles
from core.machine import Machine
from replication.record import COMMANDS, Record


class MachineState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay ended and what the machine says of itself there; hashes in hexadecimal."""

    index: int
    chain_hash: str
    digest: str
    sections: dict[str, str]


@contextmanager
def reader_of(folder: Path) -> Iterator[LmdbReader]:
    """The log in `folder`, read-only. Raises `DataFolderRefused` if there is none."""
    reader = LmdbReader.open(node_folder(folder))
    try:
        yield reader
    finally:
        reader.close()


def node_folder(folder: Path) -> Path:
    """The node's own folder: `folder`, or the one node in it, as the folder of `lockstep up` has.

    Raises `DataFolderRefused` when there is no log, or several to choose from.
    """
    if _has_log(folder):
        return folder
    nodes = sorted(node for node in folder.glob("node-*") if _has_log(node))
    if len(nodes) > 1:
        names = ", ".join(node.name for node in nodes)
        raise DataFolderRefused(f"data folder {folder}: holds {names}; name one of them")
    if not nodes:
        raise DataFolderRefused(f"data folder {folder}: there is no log in it")
    return nodes[0]


def _has_log(folder: Path) -> bool:
    return (log_path(folder) / "data.mdb").exists()


def machine_payload(record: Record) -> bytes:
    """What the machine applies for a record: of one that names members, an empty batch."""
    return record.payload if record.kind == COMMANDS else b""


def machine_at_base(reader: LmdbReader, folder: Path) -> Machine:
    """An empty machine, or that of the oldest snapshot from which the kept log goes on.

    Raises `DataFolderRefused` if the log is kept from an index that no whole snapshot reaches.
    """
    base = reader.base().index
    if base == 0:
        return Machine()
    warnings: list[str] = []  # not used: a file that is passed over is named by `audit`
    files = SnapshotFiles(snapshot_path(folder), reader.cluster, warnings.append)
    found = [data for meta, data in files.newest_first() if meta.index >= base]
    if not found:
        raise DataFolderRefused(
            f"data folder {folder}: the log begins after {base}, and no snapshot reaches there"
        )
    return Machine.restore(found[-1])


def state_of(machine: Machine) -> MachineState:
    return MachineState(
        index=machine.index,
        chain_hash=machine.chain.hex(),
        digest=machine.digest().hex(),
        sections={name: value.hex() for name, value in machine.digest_sections().items()},
    )


def machine_at(reader: LmdbReader, folder: Path, index: int) -> Machine:
    """The machine after entry `index`, from the kept log. Raises as `machine_at_base` does."""
    machine = machine_at_base(reader, folder)
    for record in reader.records(machine.index + 1):
        if record.index > index:
            break
        machine.apply(record.index, record.ts_ns, machine_payload(record))
    return machine
