"""Engine and twin side by side: every batch goes to both, and everything they say is compared.

Why it exists: the state machine, the volume test and the tests of edges all drive a pair. It must
not know which commands are worth sending.
"""

from collections.abc import Iterable

import msgspec

from core.commands import batch_of
from core.event_text import text
from core.events import AnyEvent, EngineCheckpoint, Reply
from sim.lives import Lives
from sim.twin.machine import TwinMachine
from tests.core.collars import Collars
from tests.core.invariants import Invariants
from tests.core.subjects import ALL_LEVELS, Engine

START_NS = 1_700_000_000_000_000_000


class Pair:
    def __init__(self) -> None:
        self.engine = Engine()
        self.twin = TwinMachine()
        self.invariants = Invariants()
        self.lives = Lives()
        self.collars = Collars()
        self.index = 0
        self.now_ns = START_NS
        self.log: list[tuple[int, int, bytes]] = []

    def apply(self, *records: bytes) -> tuple[list[AnyEvent], list[Reply]]:
        """One log entry, on both."""
        self.index += 1
        payload = batch_of(list(records))
        self.log.append((self.index, self.now_ns, payload))
        events, replies = self.engine.apply(*self.log[-1])
        twin_events, twin_replies = self.twin.apply(*self.log[-1])
        assert len(replies) == len(records)
        _compare("events", map(_comparable, events), map(_comparable, twin_events))
        _compare("replies", replies, twin_replies)
        self.invariants.fold(events)
        self.lives.fold(events)
        self.collars.fold(events)
        return events, replies

    def check(self) -> None:
        """Invariants, every query of both compared, and the digest made incrementally."""
        self.invariants.check(self.engine)
        self._check_digest()
        engine, twin = self.engine, self.twin
        assert engine.all_balances() == twin.all_balances()
        assert engine.balances_digest() == twin.balances_digest()
        for symbol in self.invariants.specs:
            assert engine.book(symbol, ALL_LEVELS) == twin.book(symbol, ALL_LEVELS)
            assert engine.book(symbol, 1) == twin.book(symbol, 1)
        for account in range(self.invariants.accounts + 2):
            for symbol in (0, *self.invariants.specs):
                assert engine.open_orders(account, symbol) == twin.open_orders(account, symbol)

    def _check_digest(self) -> None:
        """A restored machine hashes everything anew: a change not marked for hashing shows."""
        afresh = self.engine.restored().machine
        assert afresh.digest_sections() == self.engine.machine.digest_sections()
        assert afresh.balances_digest() == self.engine.machine.balances_digest()

    def restart(self) -> None:
        """Go on with a machine restored from a snapshot; nobody may notice."""
        before = self.engine.machine
        self.engine = self.engine.restored()
        after = self.engine.machine
        assert (after.index, after.chain) == (before.index, before.chain)
        assert after.digest() == before.digest()
        assert after.digest_sections() == before.digest_sections()
        assert after.snapshot() == before.snapshot()


def _compare(
    what: str, engine: Iterable[AnyEvent | Reply], twin: Iterable[AnyEvent | Reply]
) -> None:
    """Equal, or the first line that differs and the few before it."""
    ours, theirs = [text(row) for row in engine], [text(row) for row in twin]
    if ours == theirs:
        return
    same = 0
    while ours[same : same + 1] == theirs[same : same + 1]:
        same += 1
    before = "\n".join(ours[max(0, same - 3) : same])
    raise AssertionError(
        f"{what} differ at {same}, after\n{before}\n"
        f"engine: {ours[same : same + 3]}\ntwin:   {theirs[same : same + 3]}"
    )


def _comparable(event: AnyEvent) -> AnyEvent:
    """The digest of the whole state depends on the layout, which the twin does not have."""
    if isinstance(event, EngineCheckpoint):
        return msgspec.structs.replace(event, digest=bytes(32))
    return event
