"""A log that a machine fails on: cut down to what the failure needs, shown, and applied again.

    python -m tests.fuzz.logs .fuzz/crashes/bulk-3-17.log

Why it exists: four thousand commands tell a person nothing. Entries are left out as long as the
failure stays, then single commands. Bounded by how much it applies.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.fuzz.build import choose

choose()

from core.commands import batch_of, command_name, split_batch  # noqa: E402
from core.machine import Machine  # noqa: E402
from tests.core.replay import Entry, read_log, written_entries  # noqa: E402
from tests.fuzz.judges import Folded, check_money, check_replies, check_restored  # noqa: E402

APPLIED_MAX: Final = 600_000
"""Commands that a search may apply: a minute or so, interpreted or beside the twin."""

CRASHES: Final = Path(".fuzz/crashes")
SHOWN: Final = 40

Commands = list[tuple[int, list[bytes]]]
"""Entries as time stamps and records."""


def records_of(payload: bytes) -> list[bytes]:
    commands = split_batch(payload)[0]
    records, at = [], 0
    while at < len(commands):
        size = commands[at + 1] * 8
        records.append(commands[at : at + size])
        at += size
    return records


def judge(log: list[Entry]) -> None:
    """Apply it with every check that there is. Raises what the machine or a check raises."""
    machine, folded = Machine(), Folded()
    for index, ts_ns, payload in log:
        machine.apply(index, ts_ns, payload)
        check_replies(machine, len(records_of(payload)))
        folded.follow(machine)
    check_money(machine)
    folded.check(check_restored(machine))


def failure(log: list[Entry]) -> str:
    """The kind of what `judge` raises, "" for nothing."""
    try:
        judge(log)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return type(error).__name__
    return ""


def _entries(commands: Commands) -> list[Entry]:
    return [(i, ts_ns, batch_of(records)) for i, (ts_ns, records) in enumerate(commands, 1)]


class _Search:
    """Delta debugging, with halves that grow smaller (Zeller and Hildebrandt 2002)."""

    def __init__(self, commands: Commands, fails: Callable[[list[Entry]], str]) -> None:
        self.best = commands
        self._fails = fails
        self._wanted = fails(_entries(commands))
        self._applied = 0

    def run(self) -> list[Entry]:
        if self._wanted:
            self._thin()
            self._try([(ts_ns, [record]) for ts_ns, records in self.best for record in records])
            self._thin()
        return _entries(self.best)

    def _try(self, commands: Commands) -> bool:
        self._applied += sum(len(records) for _, records in commands)
        if self._applied > APPLIED_MAX or self._fails(_entries(commands)) != self._wanted:
            return False
        self.best = commands
        return True

    def _thin(self) -> None:
        """Leave out halves, then quarters, down to single entries."""
        size = max(1, len(self.best) // 2)
        while self._applied <= APPLIED_MAX:
            at = 0
            while at < len(self.best):
                if not self._try(self.best[:at] + self.best[at + size :]):
                    at += size
            if size == 1:
                return
            size //= 2


def shrunk(log: list[Entry], fails: Callable[[list[Entry]], str] = failure) -> list[Entry]:
    """A shorter log with the same kind of failure; the same one if it does not fail alone."""
    return _Search([(ts_ns, records_of(payload)) for _, ts_ns, payload in log], fails).run()


def listing(log: list[Entry]) -> list[str]:
    """A line for each command: its entry, name, symbol, terms and words."""
    lines = []
    for index, ts_ns, payload in log:
        for record in records_of(payload):
            head, *words = memoryview(record).cast("q").tolist()
            symbol, terms = head >> 16 & 0xFFFF, head >> 32
            name = command_name(head & 0xFF)
            lines.append(f"{index} at {ts_ns}: {name} symbol {symbol} terms {terms:#x} {words}")
    return lines


def kept(name: str, log: list[Entry], how: str) -> str:
    """The log in a file, its last commands to be read, and the line that applies it."""
    CRASHES.mkdir(parents=True, exist_ok=True)
    path = CRASHES / f"{name}.log"
    path.write_bytes(written_entries(log))
    shown = "\n".join(listing(log)[-SHOWN:])
    return f"{shown}\nkept in {path}; apply it: python -m {how} {path}"


def main() -> int:
    log = list(read_log(Path(sys.argv[1])))
    print(*listing(log), sep="\n")
    judge(log)
    print("nothing is wrong with it, in this build of the core")
    return 0


if __name__ == "__main__":
    sys.exit(main())
