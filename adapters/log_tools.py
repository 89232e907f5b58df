"""What the commands that look at a data folder from outside share: opening, replaying, digests.

Why it exists: `replay` and `audit` read the log of a stopped or a running node without its lock
and must never change a byte of it. It knows the log's files and that a machine can be rebuilt
from them; it prints nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from adapters.lmdb_folder import DataFolderRefused, log_path
from adapters.lmdb_log import LmdbReader
from core.machine import Machine


class MachineState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay ended and what the machine says of itself there; hashes in hexadecimal."""

    index: int
    chain_hash: str
    digest: str
    sections: dict[str, str]


@contextmanager
def reader_of(folder: Path) -> Iterator[LmdbReader]:
    """The log in `folder`, read-only. Raises `DataFolderRefused` if there is none."""
    if not (log_path(folder) / "data.mdb").exists():
        raise DataFolderRefused(f"data folder {folder}: there is no log in it")
    reader = LmdbReader.open(folder)
    try:
        yield reader
    finally:
        reader.close()


def state_of(machine: Machine) -> MachineState:
    return MachineState(
        index=machine.index,
        chain_hash=machine.chain.hex(),
        digest=machine.digest().hex(),
        sections={name: value.hex() for name, value in machine.digest_sections().items()},
    )
