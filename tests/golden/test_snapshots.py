"""Golden snapshots: what an old program saved is loaded by this one, and goes on as it would have.

A file is written once, by `LOCKSTEP_GOLDEN_REWRITE=1` where it is missing, and never again; see
README.md in `snapshots`. What is written already is checked all the same.
"""

from pathlib import Path
from random import Random

import pytest

from core import commands as c
from core.commands import batch_of
from core.events import AnyEvent
from core.machine import Machine
from core.snapshot_format import SNAPSHOT_FORMATS, SNAPSHOT_VERSION_WHOLE
from core.versions import VERSION_FIRST, VERSION_KNOWN, UnknownVersion
from tests.core.invariants import Invariants
from tests.core.replay import Entry
from tests.core.subjects import Engine
from tests.core.terms_workload import TermsWorkload
from tests.golden.snapshot_file import FOLDER, Golden, holdings, marks, name_of, text_of
from tests.golden.snapshot_story import story_of
from tests.golden.test_scenarios import rewrite_asked

VERSIONS = range(VERSION_FIRST, VERSION_KNOWN + 1)
FILES = sorted(FOLDER.glob("*.txt"))
ON_TOP_COMMANDS = 300
FLIPS = 60
CUTS = 20

named = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("form", SNAPSHOT_FORMATS)
def test_this_program_has_a_snapshot_of_each_version(
    form: int, version: int, request: pytest.FixtureRequest
) -> None:
    path = FOLDER / name_of(form, version)
    if rewrite_asked(request.config) and not path.exists():
        path.write_text(_written(form, version), encoding="ascii")
    assert path.exists(), "a new format or version: run `just golden-rewrite`, which adds its files"


def _written(form: int, version: int) -> str:
    story = story_of(version)
    machine = Machine.restore(story.snapshot)
    snapshot = story.snapshot
    if form != SNAPSHOT_VERSION_WHOLE:
        snapshot = b"".join(Machine.restore(story.snapshot).take_snapshot())
    return text_of(form, story.log, snapshot, story.after, machine, story.engine.machine)


@pytest.mark.parametrize("form", SNAPSHOT_FORMATS)
def test_no_golden_snapshot_was_lost(form: int) -> None:
    """A format keeps the versions that it was written for; the first one has seven."""
    versions = sorted(
        golden.version for golden in map(Golden, FOLDER.glob("*.txt")) if golden.form == form
    )
    assert versions == [*range(VERSION_FIRST, max(versions) + 1)]
    assert max(versions) >= 7


# --- loading --------------------------------------------------------------------------------------


@named
def test_it_loads_and_is_what_its_head_says(path: Path) -> None:
    golden = Golden(path)
    assert path.name == name_of(golden.form, golden.version)
    for known in {golden.version, VERSION_KNOWN}:
        machine = Machine.restore(golden.snapshot, known)
        assert machine.version == golden.version
        for name, value in marks(machine).items():
            assert golden.head[name] == value, name
        assert {n: v for n, v in holdings(machine).items() if "." in n} == golden.counts()


@named
def test_it_holds_something_of_everything(path: Path) -> None:
    """Else it would prove little: no table is empty, and no kind of order is missing."""
    golden = Golden(path)
    counts = golden.counts()
    names = {name for name, count in counts.items() if count > 0}
    assert {"free.orders", "free.levels", "free.replies", "live.replies"} <= names
    assert {"orders.partly filled", "orders.with client ids", "markets.mode 4"} <= names
    assert {name for name in counts if name.startswith("rows.")} <= names
    if golden.version >= 3:
        assert {"free.terms", "free.lists", "orders.expiring", "orders.icebergs"} <= names
        assert {"orders.triggers", "orders.trailing", "orders.waiting", "orders.of lists"} <= names
        kinds = "STOP STOP_LIMIT TAKE_PROFIT TAKE_PROFIT_LIMIT TRAILING_STOP TRAILING_STOP_LIMIT"
        assert {f"orders.{kind}" for kind in (*kinds.split(), "PEGGED", "GTD", "DAY")} <= names
    if golden.version >= 4:
        assert {"orders.AUCTION", "markets.mode 5"} <= names
    if golden.version >= 7:
        assert counts["rows.fees"] > 1


@named
def test_a_program_that_is_too_old_says_so(path: Path) -> None:
    golden = Golden(path)
    if golden.version > VERSION_FIRST:
        with pytest.raises(UnknownVersion):
            Machine.restore(golden.snapshot, golden.version - 1)


# --- going on -------------------------------------------------------------------------------------


class _Whole:
    """A machine that applied the log from its beginning, and its invariants."""

    def __init__(self, log: list[Entry]) -> None:
        self.engine = Engine()
        self.invariants = Invariants()
        self.events: list[AnyEvent] = []
        self.apply(log)

    def apply(self, entries: list[Entry]) -> None:
        for entry in entries:
            events, _ = self.engine.apply(*entry)
            self.invariants.fold(events)
            self.events += events


@named
def test_it_goes_on_as_if_it_had_never_stopped(path: Path) -> None:
    golden = Golden(path)
    whole = _Whole(golden.log)
    restored = Engine(Machine.restore(golden.snapshot))
    assert marks(whole.engine.machine) == marks(restored.machine)
    whole.invariants.check(restored)
    for entry in golden.after:
        restored.machine.apply(*entry)
    whole.apply(golden.after)
    assert marks(whole.engine.machine) == marks(restored.machine)
    for name, value in marks(restored.machine).items():
        assert golden.head[f"after {name}"] == value, name
    whole.invariants.check(restored)


@named
def test_it_goes_on_under_the_newest_rules(path: Path) -> None:
    """Raised to today's version; and saved again, in today's format."""
    golden = Golden(path)
    whole = _Whole(golden.log)
    restored = Engine(Machine.restore(golden.snapshot))
    workload = TermsWorkload(golden.version)
    workload.learn(whole.events)
    now_ns, sent = restored.machine.ts_ns, 0
    records = [c.set_version(VERSION_KNOWN)]
    while sent < ON_TOP_COMMANDS:
        entry = (restored.machine.index + 1, now_ns, batch_of(records))
        events, replies = restored.apply(*entry)
        whole.apply([entry])
        assert len(replies) == len(records)
        workload.learn(events)
        sent += len(records)
        now_ns += workload.time_step_ns()
        workload.now_ns = now_ns
        records = workload.batch()
    assert restored.machine.version == VERSION_KNOWN
    assert marks(whole.engine.machine) == marks(restored.machine)
    whole.invariants.check(restored)
    assert marks(restored.restored().machine) == marks(restored.machine)


# --- damage ---------------------------------------------------------------------------------------


@named
def test_a_damaged_one_is_refused(path: Path) -> None:
    """A bit that flipped anywhere, or an end that is missing, is an error of the value."""
    snapshot = Golden(path).snapshot
    random = Random(path.name)
    places = [*range(12), *(random.randrange(len(snapshot)) for _ in range(FLIPS))]
    for at in (*places, *range(len(snapshot) - 40, len(snapshot))):
        for bit in (1 << random.randrange(8), 0x80):
            damaged = snapshot[:at] + bytes([snapshot[at] ^ bit]) + snapshot[at + 1 :]
            with pytest.raises(ValueError):  # noqa: PT011 - and nothing else, whatever it says
                Machine.restore(damaged)
    for size in (0, 1, len(snapshot) - 1, *(random.randrange(len(snapshot)) for _ in range(CUTS))):
        with pytest.raises(ValueError):  # noqa: PT011
            Machine.restore(snapshot[:size])
    with pytest.raises(ValueError):  # noqa: PT011
        Machine.restore(snapshot + b"\0")
