"""The audit of a data folder, and the search for the first difference between two.

Why it exists: "the log is fine" must be a statement that anybody can check, on a copy, without
trusting the node that wrote it. Everything that is stored is verified by itself, then against
what applying the log again gives. It changes nothing and prints nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from adapters.lmdb_folder import DataFolderRefused, snapshot_path, witness_path
from adapters.lmdb_log import LmdbReader
from adapters.lmdb_rows import CorruptRow
from adapters.lmdb_witness import read_witness
from adapters.log_tools import machine_at, machine_at_base, machine_payload
from adapters.snapshot_files import BadSnapshot, SnapshotFiles
from adapters.state_walk import state_differences
from core.commands import MalformedBatch, split_batch
from core.events import decode_event, event_rows
from core.machine import Diverged, Machine
from replication.ports import Result, SnapshotMeta
from replication.record import CorruptRecord, Record


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it must be, and the log index where it is."""

    index: int
    section: str  # record, result, anchor, witness, snapshot, machine or log
    what: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """`index` is the last one up to which everything holds."""

    ok: bool
    index: int
    records: int
    results: int
    snapshots: list[int]
    digest: str
    problems: list[Problem]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where two folders part. `section`: record, command, event, result, or a table."""

    index: int
    section: str
    key: str
    field: str
    a: str
    b: str


def audit(reader: LmdbReader, folder: Path) -> Audit:
    """Applies the whole log again and compares everything that is stored with it."""
    problems: list[Problem] = []
    snapshots = _snapshots(folder, reader.cluster, problems)
    base = reader.base().index
    machine = machine_at_base(reader, folder)
    records = base
    results = reader.result_index()
    try:
        _check_witness(reader, folder, problems)
        for record in reader.records(1):
            records += 1
            if record.index <= machine.index:
                continue  # covered by the snapshot that the log is kept from
            machine.apply(record.index, record.ts_ns, machine_payload(record))
            if record.index <= results:
                _check_result(reader.result(record.index), record, machine, problems)
            if record.index in snapshots:
                _check_snapshot(snapshots[record.index], record, machine, problems)
    except CorruptRow as error:
        problems.append(Problem(index=0, section="anchor", what=str(error)))
    except CorruptRecord as error:
        section = "result" if error.what.startswith("result") else "record"
        problems.append(Problem(index=error.index, section=section, what=error.what))
    except (MalformedBatch, Diverged, AssertionError) as error:
        problems.append(Problem(index=machine.index, section="machine", what=str(error)))
    else:
        problems.extend(
            Problem(index=index, section="snapshot", what="it is not of this log")
            for index in snapshots
            if index > records or index < base
        )
    first_bad = min((p.index for p in problems if p.section != "snapshot"), default=records + 1)
    return Audit(
        ok=not problems, index=max(0, first_bad - 1), records=records, results=results,
        snapshots=sorted(snapshots), digest=machine.digest().hex(), problems=problems,
    )  # fmt: skip


def first_difference(a: LmdbReader, b: LmdbReader) -> Difference | None:
    """The first index at which two logs or their results differ; a shorter log is no difference.

    Raises a kind of `CorruptRecord` for what cannot be read: audit each folder first.
    """
    first = max(a.base().index, b.base().index) + 1
    for left, right in zip(a.records(first), b.records(first), strict=False):
        found = next(_record_differences(left, right), None)
        if found is None:
            found = next(_result_differences(left.index, a, b), None)
        if found is not None:
            return found
    return None


def state_difference(a: Machine, b: Machine) -> Difference | None:
    """What is first not the same in two states of one index; None when their digests are equal."""
    ours, theirs = a.digest(), b.digest()
    if ours == theirs:
        return None
    try:
        d = next(state_differences(a, b))
    except ValueError:
        return Difference(
            index=a.index, section="state", key="", field="digest", a=ours.hex(), b=theirs.hex()
        )
    return Difference(index=a.index, section=d.section, key=d.key, field=d.field, a=d.a, b=d.b)


def states_at_common_end(a: LmdbReader, of_a: Path, b: LmdbReader, of_b: Path) -> Difference | None:
    """Compares what both logs give at the last entry of the shorter one.

    Logs may be equal and states not: of a log that was cut, the snapshot that it goes on from is
    all that tells of what was before.
    """
    end = min(a.hard_state().last_index, b.hard_state().last_index)
    return state_difference(machine_at(a, of_a, end), machine_at(b, of_b, end))


def difference_from_state(reader: LmdbReader, folder: Path, state: Path) -> Difference | None:
    """Compares a kept state, such as a forensic bundle has, with what the log gives at its index.

    Raises `DataFolderRefused` if it cannot be read, or the log does not reach its index.
    """
    try:
        kept = Machine.restore(state.read_bytes())
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise DataFolderRefused(f"state {state}: {error}") from error
    machine = machine_at(reader, folder, kept.index)
    if machine.index != kept.index:
        raise DataFolderRefused(
            f"state {state}: it is of index {kept.index}, the log of {folder} has"
            f" {reader.base().index + 1} to {reader.hard_state().last_index}"
        )
    return state_difference(machine, kept)


def _snapshots(folder: Path, cluster: bytes, problems: list[Problem]) -> dict[int, SnapshotMeta]:
    warnings: list[str] = []  # not used: each file is read by itself, and its fault kept
    files = SnapshotFiles(snapshot_path(folder), cluster, warnings.append)
    found: dict[int, SnapshotMeta] = {}
    for index in files.indexes():
        try:
            found[index] = files.read(index)[0]
        except (BadSnapshot, OSError) as error:
            problems.append(Problem(index=index, section="snapshot", what=str(error)))
    return found


def _check_witness(reader: LmdbReader, folder: Path, problems: list[Problem]) -> None:
    seen = read_witness(witness_path(folder), reader.cluster)
    anchor = reader.hard_state()
    if seen is not None and reader.number() < seen.number:
        what = f"the log was durable up to {seen.last_index}, it ends at {anchor.last_index}"
        problems.append(Problem(index=anchor.last_index + 1, section="witness", what=what))


def _check_result(
    stored: Result | None, record: Record, machine: Machine, problems: list[Problem]
) -> None:
    if stored is None:
        what = "missing, though later ones are stored"
    elif stored.chain != machine.chain or stored.events != machine.events:
        what = f"its chain is {stored.chain.hex()}, the log gives {machine.chain.hex()}"
    elif (stored.term, stored.ts_ns) != (record.term, record.ts_ns):
        what = "its term or time is not that of the record"
    else:
        return
    problems.append(Problem(index=record.index, section="result", what=what))


def _check_snapshot(
    meta: SnapshotMeta, record: Record, machine: Machine, problems: list[Problem]
) -> None:
    if meta.record_hash != record.hash:
        what = "it was made from another log"
    elif meta.chain != machine.chain or meta.digest != machine.digest():
        what = f"its digest is {meta.digest.hex()}, the log gives {machine.digest().hex()}"
    else:
        return
    problems.append(Problem(index=meta.index, section="snapshot", what=what))


def _record_differences(a: Record, b: Record) -> Iterator[Difference]:
    if a.hash == b.hash:
        return
    index = a.index
    for field in ("term", "ts_ns"):
        yield from _if_differs(
            index, "record", "header", field, getattr(a, field), getattr(b, field)
        )
    if a.payload != b.payload:
        left, left_count, _ = split_batch(a.payload)
        right, right_count, _ = split_batch(b.payload)
        for number, (one, other) in enumerate(zip(_commands(left), _commands(right), strict=False)):
            for word, (x, y) in enumerate(zip(one, other, strict=False)):
                yield from _if_differs(index, "command", str(number), f"word {word}", x, y)
        yield from _if_differs(index, "record", "payload", "commands", left_count, right_count)
        yield Difference(
            index=index, section="record", key="payload", field="metadata", a="", b="differs"
        )
    yield from _if_differs(
        index, "record", "header", "prev_hash", a.prev_hash.hex(), b.prev_hash.hex()
    )
    cluster = "the cluster ids differ"
    yield Difference(index=index, section="record", key="header", field="cluster", a=cluster, b="")


def _result_differences(index: int, a: LmdbReader, b: LmdbReader) -> Iterator[Difference]:
    left, right = a.result(index), b.result(index)
    if left is None or right is None:
        return
    if left.events != right.events:
        ours, theirs = event_rows(left.events), event_rows(right.events)
        for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            if one == other:
                continue
            x, y = decode_event(one), decode_event(other)
            if type(x) is not type(y):
                yield from _if_differs(
                    index, "event", str(number), "kind", type(x).__name__, type(y).__name__
                )
            for field in x.__struct_fields__:
                yield from _if_differs(
                    index, "event", str(number), field, getattr(x, field), getattr(y, field, None)
                )
        yield from _if_differs(
            index, "result", "events", "bytes", len(left.events), len(right.events)
        )
    yield from _if_differs(index, "result", "chain", "chain", left.chain.hex(), right.chain.hex())


def _commands(commands: bytes) -> Iterator[tuple[int, ...]]:
    """Commands are rows of words as events are: the length stands in the same byte."""
    words = memoryview(commands).cast("q")
    at = 0
    while at < len(words):
        length = words[at] >> 8 & 0xFF
        yield tuple(words[at : at + length])
        at += length


def _if_differs(
    index: int,
    section: str,
    key: str,
    field: str,
    a: Any,
    b: Any,
) -> Iterator[Difference]:
    if a != b:
        yield Difference(index=index, section=section, key=key, field=field, a=str(a), b=str(b))
