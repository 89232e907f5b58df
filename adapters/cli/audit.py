"""`lockstep audit`: verifies a node's folder by itself, or finds where two of them part.

Why it exists: a log, its results and its snapshots each prove something about the others; this
command checks all of it, on the folder of a stopped or a running node, and changes nothing.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.cli.errors import EXIT_CHECK_FAILED, EXIT_OK, environment_error, usage_error
from adapters.evidence import STATE_FILE
from adapters.lmdb_folder import DataFolderRefused
from adapters.lmdb_rows import CorruptRow
from adapters.log_audit import (
    Audit, Difference, Problem, audit, difference_from_state, first_difference,
    states_at_common_end,
)  # fmt: skip
from adapters.log_tools import node_folder, reader_of
from core.versions import UnknownVersion
from replication.record import CorruptRecord

HELP = (
    "Verifies a node's records, results and snapshots; with two folders, finds where they part,"
    " down to the word of a row."
)
EXAMPLE = (
    "lockstep audit lockstep-data/node-1\n  lockstep audit node-1 node-2 --json\n"
    "  lockstep audit node-1 node-2/evidence/5000-1764129600000000000"
)

_UNREADABLE: Final = "log"


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("folder", type=Path, metavar="DIR", help="data folder of `up`, or of one node")
    p.add_argument(
        "other",
        type=Path,
        metavar="DIR2",
        nargs="?",
        help="another replica's, or a bundle that one left in `evidence`",
    )
    p.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(a: argparse.Namespace) -> int:
    difference: Difference | None = None
    try:
        evidence = _evidence(a.other)
        others = [] if evidence is not None else [a.other]
        folders = [node_folder(each) for each in (a.folder, *others) if each is not None]
        if len(folders) == 2 and folders[0].samefile(folders[1]):
            raise usage_error(f"DIR2: {a.other} is the same folder as DIR")
        audits = {folder: _audited(folder) for folder in folders}
        if all(_is_readable(each) for each in audits.values()):
            if evidence is not None and audits[folders[0]].ok:
                with reader_of(folders[0]) as reader:
                    difference = difference_from_state(reader, folders[0], evidence)
            elif len(folders) == 2:
                difference = _difference(audits)
    except (DataFolderRefused, UnknownVersion) as error:
        raise environment_error(str(error)) from error
    ok = difference is None and all(each.ok for each in audits.values())
    if a.json:
        sys.stdout.buffer.write(msgspec.json.encode(_as_json(ok, audits, difference)) + b"\n")
    else:
        _print(audits, difference, evidence is not None)
    return EXIT_OK if ok else EXIT_CHECK_FAILED


def _evidence(other: Path | None) -> Path | None:
    """The state in a forensic bundle (`adapters.evidence`), if the folder is one."""
    if other is None or not (other / STATE_FILE).is_file():
        return None
    return other / STATE_FILE


def _audited(folder: Path) -> Audit:
    """What is so damaged that no record can be read is a finding too, not an error."""
    try:
        with reader_of(folder) as reader:
            return audit(reader, folder)
    except CorruptRow as error:
        problem = Problem(index=0, section=_UNREADABLE, what=str(error))
        return Audit(
            ok=False, index=0, records=0, results=0, snapshots=[], digest="", problems=[problem]
        )


def _is_readable(found: Audit) -> bool:
    return all(problem.section != _UNREADABLE for problem in found.problems)


def _difference(audits: dict[Path, Audit]) -> Difference | None:
    (a, of_a), (b, of_b) = audits.items()
    try:
        with reader_of(a) as one, reader_of(b) as other:
            found = first_difference(one, other)
            if found is not None or not (of_a.ok and of_b.ok):
                return found
            if (of_a.records, of_a.digest) == (of_b.records, of_b.digest):
                return None
            return states_at_common_end(one, a, other, b)
    except CorruptRecord as error:
        said = [_said_at(error.index, of_a), _said_at(error.index, of_b)]
        return Difference(
            index=error.index, section="record", key="", field="", a=said[0], b=said[1]
        )


def _said_at(index: int, found: Audit) -> str:
    whats = [problem.what for problem in found.problems if problem.index == index]
    return whats[0] if whats else "holds"


def _as_json(ok: bool, audits: dict[Path, Audit], difference: Difference | None) -> dict[str, Any]:
    return {
        "ok": ok,
        "index": min(each.index for each in audits.values()),
        "first_difference": difference,
        "folders": {str(folder): each for folder, each in audits.items()},
    }


def _print(audits: dict[Path, Audit], difference: Difference | None, compared: bool) -> None:
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
    elif len(audits) > 1 or compared:
        print("no difference as far as both reach")
