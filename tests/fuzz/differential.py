"""Machine and naive twin side by side, by seeds: the first answer that differs is a finding.

    python -m tests.fuzz.differential --seeds 60 --commands 50000 --jobs 2

Why it exists: `tests/core/test_differential.py` holds a few seeds in every run of the tests; this
goes on for as many as one likes. Four kinds take turns: plain orders, orders with every term,
the edges of 64 bits, and recorded logs with spoiled words, which no workload would think of.
"""

import argparse
import sys
from typing import Final

from tests.fuzz.build import choose

choose()

from core import commands as c  # noqa: E402 - which build is decided above
from core.versions import VERSION_KNOWN  # noqa: E402
from tests.core.edge_workload import EdgeWorkload, edge_setup_records  # noqa: E402
from tests.core.pair import Pair  # noqa: E402
from tests.core.terms_workload import TermsWorkload  # noqa: E402
from tests.core.workload import Workload, setup_records  # noqa: E402
from tests.fuzz import campaign  # noqa: E402
from tests.fuzz.logs import records_of  # noqa: E402
from tests.fuzz.mutation import Pass, Recording  # noqa: E402

MODULE: Final = "tests.fuzz.differential"
COMMANDS: Final = 20_000
CHECK_EVERY_BATCHES: Final = 20
RESTART_EVERY_BATCHES: Final = 37


class Driven:
    """A pair, checked and restarted every few batches."""

    def __init__(self, *setup: bytes) -> None:
        self.pair = Pair()
        self.sent = 0
        self._batches = 0
        self.pair.apply(*setup)
        self.pair.check()

    def drive(self, workload: Workload, commands: int) -> None:
        pair = self.pair
        while self.sent < commands:
            if isinstance(workload, TermsWorkload):
                workload.now_ns = pair.now_ns
            records = workload.batch()
            events, _ = pair.apply(*records)
            workload.learn(events)
            pair.now_ns += workload.time_step_ns()
            self.sent += len(records)
            self.end_of_batch()
        pair.check()

    def end_of_batch(self) -> None:
        self._batches += 1
        if self._batches % CHECK_EVERY_BATCHES == 0:
            self.pair.check()
        if self._batches % RESTART_EVERY_BATCHES == 0:
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


def spoiled(seed: int, commands: int) -> int:
    """Passes of a recording, as in `tests.fuzz.bulk`."""
    # The recordings take turns by their seeds, too.
    recording, sent, number = Recording(seed // len(KINDS)), 0, 0
    recording.record()
    while sent < commands:
        one = Pass(recording, seed, number)
        driven = Driven(*recording.setup)
        for place, recorded in enumerate(one.order()):
            _, ts_ns, payload = one.entry(place, recorded, driven.pair.engine.machine)
            driven.pair.now_ns = ts_ns
            driven.pair.apply(*records_of(payload))
            driven.sent += recorded.count
            driven.end_of_batch()
        driven.pair.check()
        sent += driven.sent
        number += 1
    return sent


KINDS: Final = (terms, spoiled, edges, spoiled, plain)


def run_seed(seed: int, a: argparse.Namespace) -> tuple[int, str]:
    kind = KINDS[seed % len(KINDS)]
    try:
        return kind(seed, a.commands), kind.__name__
    except AssertionError:
        raise
    except Exception as error:  # a machine or a twin that raises differs from one that answers
        raise AssertionError(f"{kind.__name__}: {type(error).__name__}: {error}") from error


def main() -> int:
    p = campaign.parser("machine against twin", seeds=4)
    p.add_argument("--commands", type=int, default=COMMANDS, help="of each seed (%(default)s)")
    a = p.parse_args()
    return campaign.run(MODULE, a, run_seed, ["--commands", str(a.commands)])


if __name__ == "__main__":
    sys.exit(main())
