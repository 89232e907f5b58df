"""A courier between two real machines, on a network that loses, repeats and reorders, with clocks
that disagree: money is where it was or where it should be, and never in both.

Everything that may go wrong is drawn: a courier dies, two carry the same transfer, a step arrives
long after its courier has given up, the target's time is past the deadline or far before it.
"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import commands as c
from core import transfer_commands as tc
from core.codes import (
    IDEMPOTENCY_MISMATCH, INSUFFICIENT_FUNDS, MAX_NOTIONAL, OK, TRANSFER_CONFIRMED,
    TRANSFER_CREDITED, TRANSFER_OVERDUE, TRANSFER_REFUNDED, TRANSFER_RESERVED, TRANSFER_VOIDED,
    VALIDATION,
)  # fmt: skip
from core.events import Reply, decode_reply
from core.machine import Machine
from core.transfer_commands import OUTCOME_CONFIRM, OUTCOME_REFUND
from core.versions import VERSION_KNOWN
from core.views import TransferView
from gateway.courier import Courier, Credit, End, Ended, Step, Stuck, Void

SECOND = 10**9
START_MONEY = 1_000
ALICE, BOB, NOBODY = 2, 3, 40
SOURCE, TARGET = 1, 2


class Partition:
    """A machine with its own clock."""

    def __init__(self, number: int, now_ns: int) -> None:
        self.number = number
        self.now_ns = now_ns
        self.machine = Machine()
        self.do(c.list_asset("KRW", 0))
        for name in ("alice", "bob"):
            self.do(c.open_account(c.key128(name)))
        self.do(c.set_version(VERSION_KNOWN))

    def do(self, record: bytes) -> Reply:
        self.machine.apply(self.machine.index + 1, self.now_ns, c.batch_of([record]))
        return decode_reply(self.machine.replies)

    def supply(self) -> int:
        return self.machine.assets()[0].supply


class Carrier:
    """One courier, alive until it has ended, is stuck or dies."""

    def __init__(self, transfer: TransferView) -> None:
        self.transfer = transfer
        self.courier = Courier()
        self.asked: Step | None = None
        """What it waits for; an answer to something older is nothing to it."""

    def record(self) -> tuple[int, bytes]:
        """The step that is due: to which partition, and what."""
        t = self.transfer
        key = (t.transfer_hi, t.transfer_lo)
        self.asked = self.courier.next
        match self.courier.next:
            case Credit():
                return TARGET, tc.transfer_in(
                    t.their_account, t.asset, t.amount, key, SOURCE, t.account, t.deadline_ns
                )
            case Void():
                return TARGET, tc.transfer_void(key, SOURCE)
            case End(outcome, proof):
                return SOURCE, tc.transfer_end(key, outcome, proof)
            case _:
                raise AssertionError("nothing is due")

    def answered(self, step: Step | None, reply: Reply) -> None:
        if step is None or step is not self.asked or step is not self.courier.next:
            return
        match step:
            case Credit():
                self.courier.credited(reply.code, reply.detail, reply.seq)
            case Void():
                self.courier.voided(reply.code, reply.detail, reply.seq)
            case End():
                self.courier.ended(reply.code, reply.detail)


class World:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        skew = rng.choice((-5, 0, 0, 5)) * SECOND
        self.partitions = {
            SOURCE: Partition(SOURCE, 100 * SECOND), TARGET: Partition(TARGET, 100 * SECOND + skew),
        }  # fmt: skip
        self.source, self.target = self.partitions[SOURCE], self.partitions[TARGET]
        self.source.do(c.deposit(ALICE, 1, START_MONEY, c.key128("wire")))
        self.ids: list[c.Key] = []
        self.couriers: list[Carrier] = []
        self.wire: list[tuple[Carrier, Step | None, int, bytes]] = []

    def step(self) -> None:
        what = self.rng.choice((
            "begin", "hire", "hire", "send", "send", "send", "deliver", "deliver", "deliver",
            "deliver", "die", "wait",
        ))  # fmt: skip
        getattr(self, f"_{what}")()
        self.check()

    def _begin(self) -> None:
        key = (7, len(self.ids) + 1)
        account = self.rng.choice((BOB, BOB, BOB, NOBODY))
        deadline_ns = self.source.now_ns + self.rng.choice((1, 3, 30)) * SECOND
        amount = self.rng.randint(1, 300)
        record = tc.transfer_out(ALICE, 1, amount, key, TARGET, account, deadline_ns)
        if self.source.do(record).code == OK:
            self.ids.append(key)

    def _hire(self) -> None:
        waiting = self.source.machine.open_transfers(10)
        if waiting and len(self.couriers) < 6:
            self.couriers.append(Carrier(self.rng.choice(waiting)))

    def _send(self) -> None:
        if self.couriers:
            carrier = self.rng.choice(self.couriers)
            to, record = carrier.record()
            self.wire.append((carrier, carrier.asked, to, record))

    def _deliver(self) -> None:
        """Once, or again later; its answer may be lost."""
        if not self.wire:
            return
        at = self.rng.randrange(len(self.wire))
        carrier, step, to, record = self.wire[at]
        if self.rng.random() < 0.7:
            del self.wire[at]
        reply = self.partitions[to].do(record)
        if carrier in self.couriers and self.rng.random() < 0.8:
            carrier.answered(step, reply)
            if isinstance(carrier.courier.next, Ended | Stuck):
                assert isinstance(carrier.courier.next, Ended), carrier.courier.next
                self.couriers.remove(carrier)

    def _die(self) -> None:
        if self.couriers:
            self.couriers.remove(self.rng.choice(self.couriers))

    def _wait(self) -> None:
        for partition in self.partitions.values():
            partition.now_ns += self.rng.randint(0, 3 * SECOND)

    def sides(self, key: c.Key) -> tuple[TransferView, TransferView | None]:
        [out] = self.source.machine.transfers(*key)
        return out, next(iter(self.target.machine.transfers(*key)), None)

    def check(self) -> None:
        twice = 0
        for key in self.ids:
            out, into = self.sides(key)
            state = into.state if into is not None else 0
            if out.state == TRANSFER_CONFIRMED:
                assert state == TRANSFER_CREDITED, "money was lost"
            elif out.state == TRANSFER_REFUNDED:
                assert state == TRANSFER_VOIDED, "money was made"
            elif state == TRANSFER_CREDITED:
                twice += out.amount
        assert self.source.supply() + self.target.supply() - twice == START_MONEY

    def end(self) -> None:
        """Everybody behaves again: each transfer ends, by the first courier that carries it."""
        for record in self.source.machine.open_transfers(1_000):
            carrier = Carrier(record)
            while not isinstance(carrier.courier.next, Ended):
                assert not isinstance(carrier.courier.next, Stuck), carrier.courier.next
                to, command = carrier.record()
                carrier.answered(carrier.asked, self.partitions[to].do(command))
        while self.wire:  # what comes too late changes nothing any more
            _, _, to, command = self.wire.pop()
            self.partitions[to].do(command)
        self.check()
        assert self.source.machine.open_transfers(1) == []
        assert self.source.supply() + self.target.supply() == START_MONEY
        assert all(row.hold == 0 for row in self.source.machine.all_balances())


@given(st.integers(0, 2**32), st.integers(20, 120))
def test_money_is_neither_lost_nor_made(seed: int, steps: int) -> None:
    world = World(random.Random(seed))
    for _ in range(steps):
        world.step()
    world.end()


def test_the_world_reaches_every_end() -> None:
    """The test above is not vacuous: among few seeds each pair of ends comes about."""
    found = set()
    for seed in range(60):
        world = World(random.Random(seed))
        for _ in range(100):
            world.step()
            found |= {world.sides(key)[0].state for key in world.ids}
        world.end()
        found |= {side.state for key in world.ids for side in world.sides(key) if side}
    assert found == {
        TRANSFER_RESERVED, TRANSFER_OVERDUE, TRANSFER_CONFIRMED, TRANSFER_REFUNDED,
        TRANSFER_CREDITED, TRANSFER_VOIDED,
    }  # fmt: skip


def test_what_is_open_comes_in_pages() -> None:
    source = Partition(SOURCE, 100 * SECOND)
    source.do(c.deposit(ALICE, 1, START_MONEY, c.key128("wire")))
    for n in range(1, 6):
        deadline_ns = source.now_ns + SECOND
        assert source.do(tc.transfer_out(ALICE, 1, n, (7, n), TARGET, BOB, deadline_ns)).code == OK
    source.do(tc.transfer_end((7, 2), OUTCOME_REFUND, 1))
    first = source.machine.open_transfers(2)
    rest = source.machine.open_transfers(2, first[-1].seq)
    assert [view.amount for view in (*first, *rest)] == [1, 3, 4, 5]
    assert source.machine.open_transfers(2, rest[-1].seq) == []


# --- the steps, one by one ------------------------------------------------------------------------


def test_a_credit_is_confirmed_by_its_number() -> None:
    courier = Courier()
    steps = [courier.next]
    courier.credited(OK, 500, 41)
    steps.append(courier.next)
    courier.ended(OK, 0)
    steps.append(courier.next)
    assert steps == [Credit(), End(OUTCOME_CONFIRM, 41), Ended(OUTCOME_CONFIRM)]


@pytest.mark.parametrize("code", [VALIDATION, MAX_NOTIONAL])
def test_what_is_refused_for_good_is_voided_before_it_is_refunded(code: int) -> None:
    courier = Courier()
    courier.credited(code, 7, 0)
    steps = [courier.next]
    courier.voided(OK, TRANSFER_VOIDED, 12)
    assert [*steps, courier.next] == [Void(), End(OUTCOME_REFUND, 12)]


def test_a_void_that_finds_it_credited_asks_again_for_what() -> None:
    courier = Courier()
    courier.credited(VALIDATION, 7, 0)
    courier.voided(OK, TRANSFER_CREDITED, 12)
    assert courier.next == Credit()


@pytest.mark.parametrize("code", [IDEMPOTENCY_MISMATCH, INSUFFICIENT_FUNDS])
def test_what_nobody_expects_leaves_the_money_in_its_hold(code: int) -> None:
    courier = Courier()
    courier.credited(code, 0, 0)
    assert isinstance(courier.next, Stuck)
    other = Courier()
    other.credited(VALIDATION, 7, 0)
    other.voided(code, 0, 0)
    assert isinstance(other.next, Stuck)
    last = Courier()
    last.credited(OK, 0, 3)
    last.ended(code, 0)
    assert isinstance(last.next, Stuck)
