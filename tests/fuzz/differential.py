"""Machine and naive twin side by side, by seeds: the first answer that differs is a finding.

    python -m tests.fuzz.differential --seeds 60 --commands 50000 --jobs 2

Why it exists: `tests/core/test_differential.py` holds a few seeds in every run of the tests; this
goes on for as many as one likes. Five kinds take turns: plain orders, orders with every term,
the edges of 64 bits, keys that fill their table, and recorded logs with spoiled words, which no
workload would think of.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.fuzz.build import choose

choose()

from core import commands as c  # noqa: E402 - which build is decided above
from core.events import AnyEvent  # noqa: E402
from core.versions import VERSION_KNOWN  # noqa: E402
from tests.core.edge_workload import EdgeWorkload, edge_setup_records  # noqa: E402
from tests.core.keys_workload import KeysWorkload  # noqa: E402
from tests.core.pair import Pair  # noqa: E402
from tests.core.replay import Entry, read_log  # noqa: E402
from tests.core.terms_workload import TermsWorkload  # noqa: E402
from tests.core.workload import Workload, setup_records  # noqa: E402
from tests.fuzz import campaign  # noqa: E402
from tests.fuzz.logs import kept, records_of, shrunk  # noqa: E402
from tests.fuzz.mutation import Pass, Recording  # noqa: E402

MODULE: Final = "tests.fuzz.differential"
COMMANDS: Final = 20_000
CHECK_EVERY_BATCHES: Final = 20
RESTART_EVERY_BATCHES: Final = 37


class Differs(AssertionError):
    """A finding, and the log that leads to it."""

    def __init__(self, log: list[Entry], error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.log = log


class Driven:
    """A pair, checked and restarted every few batches. Raises `Differs`."""

    def __init__(self, *setup: bytes) -> None:
        self.pair = Pair()
        self.sent = 0
        self._batches = 0
        self.apply(*setup)
        self.check()

    def apply(self, *records: bytes) -> list[AnyEvent]:
        with self._judged():
            return self.pair.apply(*records)[0]

    def check(self) -> None:
        with self._judged():
            self.pair.check()

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """One that raises differs from one that answers, whatever it raises."""
        try:
            yield
        except Exception as error:
            raise Differs(self.pair.log, error) from error

    def drive(self, workload: Workload, commands: int) -> None:
        pair = self.pair
        while self.sent < commands:
            if isinstance(workload, TermsWorkload):
                workload.now_ns = pair.now_ns
            records = workload.batch()
            workload.learn(self.apply(*records))
            pair.now_ns += workload.time_step_ns()
            self.sent += len(records)
            self.end_of_batch()
        self.check()

    def end_of_batch(self) -> None:
        self._batches += 1
        if self._batches % CHECK_EVERY_BATCHES == 0:
            self.check()
        if self._batches % RESTART_EVERY_BATCHES == 0:
            with self._judged():
                self.pair.restart()


def plain(seed: int, commands: int) -> int:
    """Orders as they were in the first version."""
    driven = Driven(*setup_records())
    driven.drive(Workload(seed), commands)
    return driven.sent


def terms(seed: int, commands: int) -> int:
    """Every kind of order and rule."""
    driven = Driven(*setup_records(), c.set_version(VERSION_KNOWN))
    driven.drive(TermsWorkload(seed), commands)
    return driven.sent


def edges(seed: int, commands: int) -> int:
    """Near 2**62, under the newest rules."""
    driven = Driven(*edge_setup_records(), c.set_version(VERSION_KNOWN))
    driven.drive(EdgeWorkload(seed), commands)
    return driven.sent


def keys(seed: int, commands: int) -> int:
    """Few keys, small tables, short windows."""
    driven = Driven(*setup_records(), c.set_version(VERSION_KNOWN))
    driven.drive(KeysWorkload(seed), commands)
    return driven.sent


def spoiled(seed: int, commands: int) -> int:
    """Passes of a recording, as in `tests.fuzz.bulk`."""
    # The recordings take turns by their seeds, too.
    recording, sent, number = Recording(seed // len(KINDS)), 0, 0
    try:
        recording.record()
    except Exception as error:
        raise Differs(recording.log, error) from error
    while sent < commands:
        one = Pass(recording, seed, number)
        driven = Driven(*recording.setup)
        for place, recorded in enumerate(one.order()):
            _, ts_ns, payload = one.entry(place, recorded, driven.pair.engine.machine)
            driven.pair.now_ns = ts_ns
            driven.apply(*records_of(payload))
            driven.sent += recorded.count
            driven.end_of_batch()
        driven.check()
        sent += driven.sent
        number += 1
    return sent


KINDS: Final = (terms, spoiled, edges, spoiled, plain, keys)


def failure(log: list[Entry]) -> str:
    """The kind of what comes of a log on both, "" for nothing."""
    try:
        apply_log(log)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return type(error).__name__
    return ""


def apply_log(log: list[Entry]) -> None:
    """On both, compared, and checked at the end."""
    pair = Pair()
    for _, ts_ns, payload in log:
        pair.now_ns = ts_ns
        pair.apply(*records_of(payload))
    pair.check()


def run_seed(seed: int, a: argparse.Namespace) -> tuple[int, str]:
    """One kind, by the seed."""
    kind = KINDS[seed % len(KINDS)]
    try:
        return kind(seed, a.commands), kind.__name__
    except Differs as found:
        about = kept(f"differential-{seed}", shrunk(found.log, failure), f"{MODULE} --log")
        raise AssertionError(f"{kind.__name__}: {found}\n{about}") from found


def main() -> int:
    p = campaign.parser("machine against twin", seeds=4)
    p.add_argument("--commands", type=int, default=COMMANDS, help="of each seed (%(default)s)")
    p.add_argument("--log", type=Path, help="apply this log alone, of a finding")
    a = p.parse_args()
    if a.log is not None:
        apply_log(list(read_log(a.log)))
        print("machine and twin agree on it")
        return 0
    return campaign.run(MODULE, a, run_seed, ["--commands", str(a.commands)])


if __name__ == "__main__":
    sys.exit(main())
