"""What clients ask, and the answers as plain values: of the machine and of the twin alike.

Why it exists: an answer must stay what it was when it was given, and be comparable with the twin's,
whose rows have other types. It knows both faces and nothing else.
"""

from typing import Final, Protocol

from core.machine import Machine
from sim.twin.machine import TwinMachine

BOOK_DEPTH: Final = 5

Answer = tuple[str, int, object]
"""What was asked about, whose, and the answer."""


class _Balance(Protocol):
    @property
    def asset(self) -> int: ...

    @property
    def available(self) -> int: ...

    @property
    def hold(self) -> int: ...


def ask(kind: str, subject: int, machine: Machine | TwinMachine) -> Answer:
    return kind, subject, answer_of(kind, subject, machine)


def answer_of(kind: str, subject: int, machine: Machine | TwinMachine) -> object:
    """`kind`: "balances" of an account, or "book" of a symbol that may not be listed yet."""
    if kind == "balances":
        rows: list[_Balance] = list(machine.balances(subject))
        return [(row.asset, row.available, row.hold) for row in rows]
    assert kind == "book", kind
    if subject not in {listed.id for listed in machine.symbols()}:
        return "not listed"
    book = machine.book(subject, BOOK_DEPTH)
    return [tuple(level) for level in book.bids], [tuple(level) for level in book.asks]
