"""A log that a machine fails on: cut down to what the failure needs, shown, and applied again.

    python -m tests.fuzz.logs .fuzz/crashes/bulk-3-17.log

Why it exists: four thousand commands tell a person nothing. Entries are left out as long as the
failure stays, then commands, then words are made plain. Bounded by a number of tries.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.fuzz.build import choose

choose()

from core.commands import batch_of, command_name, split_batch  # noqa: E402
from core.machine import Machine  # noqa: E402
from tests.core.replay import Entry, read_log  # noqa: E402
from tests.fuzz.judges import Folded, check_money, check_replies, check_restored  # noqa: E402

TRIES_MAX: Final = 4_000

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
    def __init__(self, commands: Commands, fails: Callable[[list[Entry]], str]) -> None:
        self.best = commands
        self._fails = fails
        self._wanted = fails(_entries(commands))
        self._tries = 0

    def run(self) -> list[Entry]:
        if self._wanted:
            self._thin(self._entries_without)
            self._flatten()
            self._thin(self._entries_without)
        return _entries(self.best)

    def _try(self, commands: Commands) -> bool:
        self._tries += 1
        if self._tries > TRIES_MAX or self._fails(_entries(commands)) != self._wanted:
            return False
        self.best = commands
        return True

    def _thin(self, without: Callable[[int, int], Commands]) -> None:
        """Leave out halves, then quarters, down to single ones."""
        size = max(1, len(self.best) // 2)
        while self._tries <= TRIES_MAX:
            at = 0
            while at < len(self.best):
                if not self._try(without(at, size)):
                    at += size
            if size == 1:
                return
            size //= 2

    def _entries_without(self, at: int, size: int) -> Commands:
        return self.best[:at] + self.best[at + size :]

    def _flatten(self) -> None:
        """One command an entry, which can then be left out by itself."""
        flat = [(ts_ns, [record]) for ts_ns, records in self.best for record in records]
        self._try(flat)


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


def main() -> int:
    log = list(read_log(Path(sys.argv[1])))
    print(*listing(log), sep="\n")
    judge(log)
    print("nothing is wrong with it, in this build of the core")
    return 0


if __name__ == "__main__":
    sys.exit(main())
