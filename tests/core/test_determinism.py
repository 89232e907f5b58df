"""Equal logs give equal results: whatever build, hash seed, restart or cut into entries.

The log holds random commands of every kind and others at the edges of 64 bits. Each leg applies
it in a process of its own and must print the same chains, events, replies, digests and snapshot.
With LOCKSTEP_REQUIRE_COMPILED=1 a missing compiled core is a failure.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from adapters import core_build
from core import commands as c
from core.codes import CMD_CHECKPOINT
from core.commands import batch, batch_of, split_batch
from core.events import AnyEvent, OrderAccepted, decode_events
from core.machine import Machine
from tests.core import replay
from tests.core.edge_workload import EdgeWorkload, edge_setup_records
from tests.core.pair import START_NS
from tests.core.replay import Entry
from tests.core.subjects import Engine
from tests.core.workload import Workload, setup_records

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = 1_500


def _record(setup: list[bytes], workload: Workload) -> list[Entry]:
    engine = Engine()
    now_ns = START_NS
    entries: list[Entry] = []
    sent = 0
    records = setup
    while sent < COMMANDS:
        entries.append((len(entries) + 1, now_ns, batch_of(records)))
        events, _ = engine.apply(*entries[-1])
        workload.learn(events)
        sent += len(records)
        now_ns += workload.time_step_ns()
        records = workload.batch()
    return entries


LOGS: dict[str, Callable[[], list[Entry]]] = {
    "usual": lambda: _record(setup_records(), Workload(2026)),
    "edges": lambda: _record(edge_setup_records(), EdgeWorkload(2026)),
}


@pytest.fixture(scope="module", params=LOGS)
def log(request: pytest.FixtureRequest) -> list[Entry]:
    return LOGS[request.param]()


@pytest.fixture(scope="module")
def log_file(log: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "entries"
    replay.write_log(path, log)
    return path


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the core's sources and nothing compiled beside them."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "core").mkdir()
    for path in (ROOT / "core").glob("*.py"):
        shutil.copy(path, folder / "core")
    return folder


def _in_process_of_its_own(folder: Path, log_file: Path, hash_seed: int) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != "LOCKSTEP_PURE"}
    environment |= {"PYTHONPATH": str(folder), "PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, "-P", str(ROOT / "tests" / "core" / "replay.py"), str(log_file)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert Path(result["core"]).is_relative_to(folder), result["core"]
    return result


def test_interpreted_under_two_hash_seeds(log: list[Entry], log_file: Path, sources: Path) -> None:
    here = replay.outcome(log)
    assert len(set(here["chains"])) == len(log)
    for hash_seed in (0, 4242):
        result = _in_process_of_its_own(sources, log_file, hash_seed)
        assert result["core"].endswith(".py")
        assert result["outcome"] == here


def test_compiled_and_interpreted(log_file: Path, sources: Path) -> None:
    if core_build.state({}) != "compiled":
        message = f"the core in the tree is {core_build.state({})}, not compiled: run `just build`"
        if os.environ.get("LOCKSTEP_REQUIRE_COMPILED", "") not in ("", "0"):
            pytest.fail(message)
        pytest.skip(message)
    compiled = _in_process_of_its_own(ROOT, log_file, 1)
    assert compiled["core"].endswith(".so")
    interpreted = _in_process_of_its_own(sources, log_file, 1)
    assert interpreted["core"].endswith(".py")
    assert compiled["outcome"] == interpreted["outcome"]


def test_no_result_depends_on_the_secret(log: list[Entry]) -> None:
    """Of the indexes, which scatters keys: each replica has another."""
    assert replay.outcome(log, b"one") == replay.outcome(log, b"another") == replay.outcome(log)


def test_snapshot_and_tail_is_the_whole_log(log: list[Entry]) -> None:
    whole = Machine()
    snapshots = {0: whole.snapshot()}
    outputs = {}
    cuts = {1, 2, len(log) // 3, len(log) // 2, len(log) - 1, len(log)}
    for entry in log:
        whole.apply(*entry)
        outputs[whole.index] = (whole.events, whole.replies, whole.chain)
        if whole.index in cuts:
            snapshots[whole.index] = whole.snapshot()
    for index, snapshot in snapshots.items():
        machine = Machine.restore(snapshot)
        assert machine.index == index
        for entry in log[index:]:
            machine.apply(*entry)
            assert (machine.events, machine.replies, machine.chain) == outputs[machine.index]
        assert machine.digest() == whole.digest()
        assert machine.digest_sections() == whole.digest_sections()
        assert machine.snapshot() == whole.snapshot()


def test_metadata_is_not_part_of_the_result(log: list[Entry]) -> None:
    plain, traced = Machine(), Machine()
    for index, ts_ns, payload in log:
        commands, count, _ = split_batch(payload)
        plain.apply(index, ts_ns, payload)
        traced.apply(index, ts_ns, batch(commands, count, b"trace" * index))
        assert (traced.events, traced.replies) == (plain.events, plain.replies)
        assert traced.chain == plain.chain
    assert traced.digest() == plain.digest()


def test_where_a_batch_is_cut_has_no_meaning() -> None:
    """One entry of many commands, or many entries at the same time: the same state and answers."""
    workload = Workload(7)
    records = setup_records()
    for _ in range(40):
        records += [one for one in workload.batch() if one[0] != CMD_CHECKPOINT]
        workload.learn(_events_of(records))
    whole, single = Machine(), Machine()
    whole.apply(1, START_NS, batch_of(records))
    whole_events = decode_events(whole.events)
    single_events = []
    replies = b""
    for index, record in enumerate(records):
        single.apply(1 + index, START_NS, batch_of([record]))
        single_events += [
            msgspec.structs.replace(event, cause=index) for event in decode_events(single.events)
        ]
        replies += single.replies
    assert single_events == whole_events
    assert replies == whole.replies
    assert single.digest() == whole.digest()


def _events_of(records: list[bytes]) -> list[AnyEvent]:
    machine = Machine()
    machine.apply(1, START_NS, batch_of(records))
    return decode_events(machine.events)


def test_the_chain_covers_every_byte_that_matters() -> None:
    """Another index's commands, another time, another command: another chain."""
    one = batch_of(setup_records())
    other = batch_of(setup_records()[:-1])
    chains = set()
    for ts_ns, payload in ((1, one), (2, one), (1, other), (1, b"")):
        machine = Machine()
        machine.apply(1, ts_ns, payload)
        chains.add(machine.chain)
        machine.apply(2, ts_ns, batch_of([]))
        chains.add(machine.chain)
    assert len(chains) == 8


def _many_pages() -> list[bytes]:
    """More than a hundred accounts, a thousand orders at hundreds of prices: many pages each."""
    records = [
        c.list_asset("BASE", 0),
        c.list_asset("QUOTE", 0),
        c.list_symbol(
            "BIG", 1, 2, tick_units=1, lot_units=1, min_price=1, max_price=10_000,
            max_qty=1_000, min_notional=0, max_notional=10**9, maker_ppm=100, taker_ppm=100,
        ),
    ]  # fmt: skip
    for account in range(2, 152):
        records.append(c.open_account((1, account)))
        records += [c.deposit(account, asset, 10**9, (account, asset)) for asset in (1, 2)]
    for number in range(1_000):
        side = number % 2
        price = 5_000 + (number % 400 + 1) * (1 if side else -1)
        account = 2 + number * 7 % 150
        records.append(c.place(account, 1, side, 0, 0, price, 2, key=(2, number + 1)))
    return records


def test_every_change_is_hashed_however_many_pages_there_are() -> None:
    """The digest is kept page by page: a page that changed unmarked would keep its old hash.

    One command at a time touches rows far apart; a restored machine hashes everything anew.
    """
    random = Random(5)
    machine = Machine()
    machine.apply(1, START_NS, batch_of(_many_pages()))
    machine.digest()
    ids = [event.order_id for event in decode_events(machine.events)
           if isinstance(event, OrderAccepted)]  # fmt: skip
    for index in range(2, 142):
        account, order_id = random.randint(2, 151), random.choice(ids)
        view = machine.order(order_id)
        side, price = random.randint(0, 1), random.randint(4_980, 5_020)
        choices = [c.place(account, 1, side, 0, 0, price, random.randint(1, 9), key=(3, index))]
        if view is not None:
            choices += [
                c.cancel(view.account, 1, order_id, key=(3, index)),
                c.amend(view.account, 1, order_id, view.price, 1),
                c.amend(view.account, 1, order_id, random.randint(4_600, 5_400), 3),
            ]
        now_ns = START_NS + (25 * 3600 * 10**9 if index > 125 else index)
        machine.apply(index, now_ns, batch_of([random.choice(choices)]))
        afresh = Machine.restore(machine.snapshot())
        assert afresh.digest_sections() == machine.digest_sections()
        assert afresh.balances_digest() == machine.balances_digest()


def test_digest_tells_every_change_of_state() -> None:
    """No two states on the way have one digest, unless nothing happened in between."""
    machine = Machine()
    seen = [machine.digest()]
    for index, record in enumerate(setup_records(), 1):
        machine.apply(index, START_NS, batch_of([record]))
        seen.append(machine.digest())
    assert all(before != after for before, after in pairwise(seen))
    assert len(set(seen)) == len(seen)
