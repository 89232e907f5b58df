"""The machine under commands by the million: `apply` never raises, whatever decodes.

    python -m tests.fuzz.bulk --seeds 60 --jobs 2

Why it exists: the tests beside the twin apply thousands of commands a second, this one a million.
Each seed records one log and goes over it again and again, each time with other words spoiled
(see `tests.fuzz.mutation`). Every entry is asked for its replies; every pass ends with the money
counted, some with every invariant, some with a restored machine that must hash the same. There is
no twin: `tests.fuzz.differential` has one. What fails is cut down to few commands and shown.
"""

import argparse
import hashlib
import sys
from typing import Final

from tests.fuzz.build import choose

choose()

from core.machine import Machine  # noqa: E402 - which build is decided above
from tests.core.replay import Entry  # noqa: E402
from tests.fuzz import campaign  # noqa: E402
from tests.fuzz.judges import Folded, check_money, check_replies, check_restored  # noqa: E402
from tests.fuzz.logs import kept, shrunk  # noqa: E402
from tests.fuzz.mutation import Pass, Recording  # noqa: E402

MODULE: Final = "tests.fuzz.bulk"
PASSES: Final = 50
FOLDED_EVERY: Final = 25
"""So many passes are followed event by event: it costs five times what applying does."""
RESTORED_EVERY: Final = 5


class Outcome:
    """What a seed came to, as one hash: two builds of the core must agree on it."""

    def __init__(self) -> None:
        self.commands = 0
        self._hash = hashlib.sha256()

    def add(self, machine: Machine) -> None:
        self._hash.update(machine.replies)

    def end_of_pass(self, machine: Machine) -> None:
        self._hash.update(machine.chain + machine.digest() + machine.balances_digest())

    def hex(self) -> str:
        return self._hash.hexdigest()[:16]


def run_pass(recording: Recording, seed: int, number: int, outcome: Outcome) -> None:
    """Raises whatever a machine should not; a `Found` that has the log."""
    one = Pass(recording, seed, number)
    machine, folded = Machine(), Folded() if number % FOLDED_EVERY == 0 else None
    log = [one.first()]
    try:
        machine.apply(*log[0])
        if folded:
            folded.follow(machine)
        for place, recorded in enumerate(one.order()):
            log.append(one.entry(place, recorded, machine))
            machine.apply(*log[-1])
            check_replies(machine, recorded.count)
            outcome.commands += recorded.count
            outcome.add(machine)
            if folded:
                folded.follow(machine)
        check_money(machine)
        outcome.end_of_pass(machine)
        if number % RESTORED_EVERY == 0:
            restored = check_restored(machine)
            if folded:
                folded.check(restored)
    except Exception as error:  # also UnknownVersion: no command of a pass asks for one
        raise Found(log, error) from error


class Found(AssertionError):
    """A finding: the log that leads to it, the last entry being the one that was applied last."""

    def __init__(self, log: list[Entry], error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.log = log


def run_seed(seed: int, a: argparse.Namespace) -> tuple[int, str]:
    """The recording and all its passes, or the one that was asked for."""
    recording, outcome = Recording(seed), Outcome()
    name = "recording"
    try:
        try:
            recording.record()
        except Exception as error:
            raise Found(recording.log, error) from error
        for number in range(a.passes) if a.only is None else [a.only]:
            name = f"pass-{number}"
            run_pass(recording, seed, number, outcome)
    except Found as found:
        about = kept(f"bulk-{seed}-{name}", shrunk(found.log), "tests.fuzz.logs")
        raise AssertionError(f"{name}: {found}\n{about}") from found
    return outcome.commands, f"outcome {outcome.hex()}"


def main() -> int:
    p = campaign.parser("bulk", seeds=4)
    p.add_argument("--passes", type=int, default=PASSES, help="of each seed (%(default)s)")
    p.add_argument("--only", type=int, help="this pass alone")
    a = p.parse_args()
    passed_on = ["--passes", str(a.passes)] if a.passes != PASSES else []
    return campaign.run(MODULE, a, run_seed, passed_on)


if __name__ == "__main__":
    sys.exit(main())
