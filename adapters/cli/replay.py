"""`lockstep replay`: applies a node's log again, from its first entry, and says where it ends.

Why it exists: equal logs must give equal states. Whoever doubts a digest can make it again from
the log alone, without a snapshot, a stored result or the node that wrote it.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from adapters.cli.errors import EXIT_CHECK_FAILED, CliError, environment_error
from adapters.lmdb_folder import DataFolderRefused
from adapters.lmdb_rows import CorruptRow
from adapters.log_tools import MachineState, machine_at_base, node_folder, reader_of, state_of
from core.commands import MalformedBatch
from core.machine import Diverged
from core.versions import UnknownVersion
from replication.record import CorruptRecord
from replication.recovery import replay

HELP = "Applies the log again from its first entry; prints index, chain hash and digests."
EXAMPLE = (
    "lockstep replay --data lockstep-data --json\n"
    "  lockstep replay --data lockstep-data/node-1 --to 1000 --json"
)


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="data folder of `up`, or of one node",
    )
    p.add_argument("--to", type=int, metavar="INDEX", help="stop after this entry (default: last)")
    p.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(a: argparse.Namespace) -> int:
    if a.to is not None and a.to < 0:
        raise CliError(2, f"--to: {a.to} is not a log index; the first entry is 1")
    try:
        with reader_of(a.data) as reader:
            last = reader.hard_state().last_index
            if a.to is not None and a.to > last:
                raise CliError(2, f"--to: {a.to} is beyond the log, which ends at {last}")
            machine = machine_at_base(reader, node_folder(a.data))
            state = state_of(replay(reader.records(1), machine, a.to))
    except (DataFolderRefused, UnknownVersion) as error:
        raise environment_error(str(error)) from error
    except (CorruptRecord, CorruptRow, MalformedBatch, Diverged) as error:
        raise CliError(EXIT_CHECK_FAILED, f"{a.data}: {error}") from error
    if a.json:
        sys.stdout.buffer.write(msgspec.json.encode(state) + b"\n")
    else:
        _print(state)
    return 0


def _print(state: MachineState) -> None:
    print(f"index       {state.index}")
    print(f"chain hash  {state.chain_hash}")
    print(f"digest      {state.digest}")
    for name, digest in state.sections.items():
        print(f"  {name:<16} {digest}")
