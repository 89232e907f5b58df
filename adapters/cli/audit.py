"""`lockstep audit`: verifies a node's folder by itself, or finds where two of them part.

Why it exists: a log, its results and its snapshots each prove something about the others; this
command checks all of it, on the folder of a stopped or a running node, and changes nothing.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from adapters.cli.errors import EXIT_CHECK_FAILED, EXIT_OK, CliError, environment_error
from adapters.lmdb_folder import DataFolderRefused
from adapters.lmdb_log import LmdbReader
from adapters.lmdb_rows import CorruptRow
from adapters.log_audit import Audit, Difference, audit, first_difference
from adapters.log_tools import reader_of
from replication.record import CorruptRecord

HELP = "Verifies a node's records, results and snapshots; with two folders, finds where they part."
EXAMPLE = "lockstep audit lockstep-data/node-1\n  lockstep audit node-1 node-2 --json"


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", type=Path, metavar="DIR", help="a node's data folder")
    p.add_argument("other", type=Path, metavar="DIR2", nargs="?", help="another replica's")
    p.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(a: argparse.Namespace) -> int:
    audits: dict[Path, Audit] = {}
    difference: Difference | None = None
    try:
        for folder in [a.folder] if a.other is None else [a.folder, a.other]:
            with reader_of(folder) as reader:
                audits[folder] = audit(reader, folder)
        if a.other is not None:
            with reader_of(a.folder) as one, reader_of(a.other) as other:
                difference = _difference(one, other)
    except DataFolderRefused as error:
        raise environment_error(str(error)) from error
    except CorruptRow as error:
        raise CliError(EXIT_CHECK_FAILED, f"{error}") from error
    ok = difference is None and all(each.ok for each in audits.values())
    if a.json:
        sys.stdout.buffer.write(msgspec.json.encode(_as_json(ok, audits, difference)) + b"\n")
    else:
        _print(audits, difference)
    return EXIT_OK if ok else EXIT_CHECK_FAILED


def _difference(one: LmdbReader, other: LmdbReader) -> Difference | None:
    try:
        return first_difference(one, other)
    except CorruptRecord as error:
        return Difference(
            index=error.index, section="record", key="", field="", a=error.what, b="see problems"
        )


def _as_json(ok: bool, audits: dict[Path, Audit], difference: Difference | None) -> dict[str, Any]:
    return {
        "ok": ok,
        "index": min(each.index for each in audits.values()),
        "first_difference": difference,
        "folders": {str(folder): each for folder, each in audits.items()},
    }


def _print(audits: dict[Path, Audit], difference: Difference | None) -> None:
    for folder, each in audits.items():
        verdict = "holds" if each.ok else "IS DAMAGED"
        print(f"{folder}: {verdict} up to index {each.index}")
        print(f"  {each.records} records, {each.results} results, snapshots {each.snapshots}")
        print(f"  digest {each.digest}")
        for problem in each.problems:
            print(f"  {problem.section} {problem.index}: {problem.what}")
    if difference is not None:
        d = difference
        print(f"first difference at index {d.index}: {d.section} {d.key} {d.field}")
        print(f"  a {d.a}\n  b {d.b}")
    elif len(audits) > 1:
        print("no difference as far as both logs reach")
