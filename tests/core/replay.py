"""Apply a recorded log in a process of its own and print what came out, as one JSON object.

Why it exists: whether two builds of the core, two hash seeds or two copies of the sources agree
can only be asked of separate processes. Run as a script with the log's path; it imports `core`
from PYTHONPATH and nothing else of this repository, and says which files it got.
"""

import hashlib
import json
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Entry = tuple[int, int, bytes]
"""Index, time stamp, payload."""

_HEAD = struct.Struct("<qqI")


def written_entries(entries: Iterable[Entry]) -> bytes:
    return b"".join(
        _HEAD.pack(index, ts_ns, len(payload)) + payload for index, ts_ns, payload in entries
    )


def write_log(path: Path, entries: Iterable[Entry]) -> None:
    path.write_bytes(written_entries(entries))


def read_log(path: Path) -> Iterator[Entry]:
    return read_entries(path.read_bytes())


def read_entries(data: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(data):
        index, ts_ns, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        yield index, ts_ns, data[at : at + size]
        at += size


def outcome(entries: Iterable[Entry], secret: bytes = b"") -> dict[str, Any]:
    """Everything that must be equal wherever the same log is applied, whatever the secret."""
    from core.machine import Machine

    machine = Machine(secret=secret)
    outputs = hashlib.sha256()
    chains = []
    for index, ts_ns, payload in entries:
        machine.apply(index, ts_ns, payload)
        outputs.update(struct.pack("<qq", len(machine.events), len(machine.replies)))
        outputs.update(machine.events)
        outputs.update(machine.replies)
        chains.append(machine.chain.hex())
    return {
        "index": machine.index,
        "chains": chains,
        "events and replies": outputs.hexdigest(),
        "digest": machine.digest().hex(),
        "sections": {name: digest.hex() for name, digest in machine.digest_sections().items()},
        "balances": machine.balances_digest().hex(),
        "snapshot": hashlib.sha256(machine.snapshot()).hexdigest(),
    }


def main() -> None:
    import core.machine

    result = outcome(read_log(Path(sys.argv[1])))
    json.dump({"core": str(core.machine.__file__), "outcome": result}, sys.stdout)


if __name__ == "__main__":
    main()
