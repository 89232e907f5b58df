"""Opens logs in a process of its own and says what it found: damage may kill the reader.

Run as `python -m tests.log.damage FOLDER...`; prints one line for each: `ok INDEX`, or the kind
and text of the refusal. A process that died has printed fewer, and the test sees that too.
"""

import sys
from pathlib import Path

from adapters.lmdb_folder import DataFolderRefused
from adapters.lmdb_log import LmdbLog
from adapters.lmdb_rows import CorruptRow
from replication.record import CorruptRecord

CLUSTER = bytes(range(16))
MAP_BYTES = 256 << 20


def look(folder: Path) -> str:
    """Opens the log, reads everything in it, and says what it found."""
    warnings: list[str] = []
    try:
        log = LmdbLog.create_or_open(folder, CLUSTER, 1, MAP_BYTES, warnings.append)
        try:
            last = sum(1 for _ in log.records(1))
            entries = log.read_committed(1, 1 << 30)
            assert len(entries) == log.result_index(), "results are missing"
        finally:
            log.close()
    except (CorruptRecord, CorruptRow, DataFolderRefused) as error:
        return f"{type(error).__name__}: {error}"
    return f"ok {last} {'; '.join(warnings)}".strip()


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(look(Path(argument)), flush=True)
