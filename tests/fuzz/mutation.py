"""Commands changed in place: a recorded log, and what becomes of it when words go wrong.

Why it exists: making a random command costs more than applying one, so a log is recorded once,
with ids that were really given out, and each pass over it spoils some words of a copy. What it
makes decodes always: whether the machine survives it is for others to see. Equal seeds give equal
bytes, in any process.
"""

import struct
from collections.abc import Callable
from random import Random
from typing import Final

from core import codes
from core import commands as c
from core.codes import CMD_CHECKPOINT, CMD_PLACE, CMD_PLACE_TERMS, CMD_SET_VERSION
from core.commands import batch
from core.limits import (
    AMOUNT_MAX,
    CANCEL_AFTER_NS_MAX,
    DAY_NS,
    ORDER_ID_MAX,
    PRICE_TICKS_MAX,
    QTY_LOTS_MAX,
    TIME_NS_MAX,
)
from core.machine import Machine
from core.versions import VERSION_FIRST, VERSION_KNOWN
from tests.core.edge_workload import EdgeWorkload, edge_setup_records
from tests.core.pair import START_NS
from tests.core.replay import Entry
from tests.core.subjects import Engine
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import EDGES, I64_MAX, I64_MIN, Workload, near, setup_records
from tests.fuzz.crowd import CROWD_COMMANDS, CrowdWorkload, crowd_setup_records

RECORDED_COMMANDS: Final = 4_000
WORD_MASK: Final = (1 << 64) - 1

BOUNDS: Final = (
    AMOUNT_MAX, CANCEL_AFTER_NS_MAX, DAY_NS, ORDER_ID_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX,
    TIME_NS_MAX, 1 << 41, 1 << 31, 1 << 32, 1 << 63, 9_999, 10_000, 100_000, 65_535,
)  # fmt: skip
WORDS: Final = tuple(
    sorted(
        {value for bound in (*BOUNDS, *EDGES, I64_MAX, I64_MIN) for value in near(bound)}
        | {-value for bound in BOUNDS for value in near(bound)}
        | set(range(-3, 20))
    )
)
"""Where mistakes live; brought into 64 bits when one is used."""


def _is_short(kind: int) -> bool:
    try:
        return c.check_commands(struct.pack("<8q", kind | c.COMMAND_WORDS << 8, *(0,) * 7)) == 1
    except c.MalformedBatch:
        return False


SHORT_KINDS: Final = tuple(
    kind for kind in range(len(codes.COMMAND_NAMES)) if _is_short(kind) and kind != CMD_SET_VERSION
)
"""Kinds of eight words: one may stand where another did."""

JUMPS_NS: Final = (1, 10**9, 3600 * 10**9, DAY_NS, 31 * DAY_NS, 400 * DAY_NS)
ORDERS_KEPT: Final = 32


def signed(word: int) -> int:
    """The low 64 bits as a signed word."""
    word &= WORD_MASK
    return word - (1 << 64) if word >> 63 else word


class Batch:
    """One entry's commands, and where in them is what."""

    def __init__(self, step_ns: int, records: list[bytes]) -> None:
        self.step_ns = step_ns
        self.commands = b"".join(records)
        self.count = len(records)
        self.spoilable: list[tuple[int, bool]] = []
        """Words that may be changed, and whether each is its command's first."""
        self.order_words: list[int] = []
        """Those that name an order of CANCEL and AMEND."""
        self.starts: list[int] = []
        """The first word of each command."""
        at = 0
        for record in records:
            words, kind = len(record) // 8, record[0]
            self.starts.append(at)
            # A false claim about a checkpoint stops the machine, as it should, and so does a
            # version that this program does not know.
            if kind not in (CMD_CHECKPOINT, CMD_SET_VERSION):
                self.spoilable += [(at + word, word == 0) for word in range(words)]
            if kind in (codes.CMD_CANCEL, codes.CMD_AMEND):
                self.order_words.append(at + c.CANCEL_ORDER)
            at += words


def _mend() -> Batch:
    """Markets trade again, accounts may act, and there is room: else a pass ends in rejects."""
    records = [c.set_mode(symbol, codes.MODE_NORMAL) for symbol in range(1, 5)]
    records += [c.set_rules(symbol) for symbol in range(1, 5)]
    records += [c.set_account(account, 0, 0) for account in range(7)]
    return Batch(1, [*records, c.set_limits(1_000, 10**9, 1 << 16)])


def _late() -> Batch:
    """Everything that reckons a time from now, for a pass at the end of time."""
    records = [c.set_rules(1, rate=1, burst=2, window_ns=DAY_NS, stopped_orders=1, static_bps=1,
                           action=codes.MODE_AUCTION, call_ns=DAY_NS)]  # fmt: skip
    for account in range(2, 6):
        records += [
            c.set_desk(account, 2, rate=1, burst=1_000_000),
            c.cancel_after(account, 1, CANCEL_AFTER_NS_MAX),
            c.place_terms(account, 2, codes.BUY, codes.LIMIT, codes.DAY, price=98, qty=3),
            c.place_terms(account, 2, codes.BUY, codes.LIMIT, codes.GTD, price=97, qty=3,
                          expire_ns=I64_MAX),
            *[c.place(account, 2, codes.SELL, codes.LIMIT, codes.GTC, 103, 3)] * 2,
        ]  # fmt: skip
    return Batch(1, [*records, c.set_mode(3, codes.MODE_AUCTION, until_ns=I64_MAX)])


LATE: Final = _late()

WORKLOADS: Final[tuple[tuple[type[Workload], Callable[[], list[bytes]]], ...]] = (
    (Workload, setup_records),
    (TermsWorkload, setup_records),
    (EdgeWorkload, edge_setup_records),
    (TermsWorkload, setup_records),
    (CrowdWorkload, crowd_setup_records),
)
"""Recordings take turns, by their seeds."""

MEND: Final = _mend()


class Recording:
    """A random log that a machine has applied, cut into batches."""

    def __init__(self, seed: int) -> None:
        random = Random(f"recording {seed}")
        self.version = VERSION_KNOWN
        if random.random() < 0.25:
            self.version = random.randint(VERSION_FIRST, VERSION_KNOWN)
        workload, setup = WORKLOADS[seed % len(WORKLOADS)]
        self.workload = workload(seed)
        self.setup = setup()
        if self.version > VERSION_FIRST:
            self.setup.append(c.set_version(self.version))
        self.batches: list[Batch] = []
        self.log: list[Entry] = []

    def record(self) -> None:
        """Raises what the machine raises; `log` then ends with the entry that it raised at."""
        engine, workload = Engine(), self.workload
        now_ns = START_NS
        self.log.append((1, now_ns, c.batch_of(self.setup)))
        events, _ = engine.apply(*self.log[-1])
        workload.learn(events)
        sent = 0
        is_crowd = isinstance(workload, CrowdWorkload)
        while sent < (CROWD_COMMANDS if is_crowd else RECORDED_COMMANDS):
            step_ns = workload.time_step_ns()
            now_ns += step_ns
            if isinstance(workload, TermsWorkload):
                workload.now_ns = now_ns
            records = [r for r in workload.batch() if r[0] != CMD_SET_VERSION]
            self.log.append((len(self.log) + 1, now_ns, c.batch_of(records)))
            events, _ = engine.apply(*self.log[-1])
            workload.learn(events)
            self.batches.append(Batch(step_ns, records))
            sent += len(records)


class Pass:
    """One way through a recording: the entries that come out, made while a machine applies them.

    It is told what the machine answered, since the ids that are given out are answers.
    """

    def __init__(self, recording: Recording, seed: int, number: int) -> None:
        self._recording = recording
        self._random = random = Random(f"pass {seed} {number}")
        self._rate = random.choice((0.0005, 0.002, 0.002, 0.01, 0.01, 0.05, 0.3))
        self._renamed = random.choice((0.05, 0.5))
        is_late = random.random() < 0.15
        self._far_from = random.randrange(len(recording.batches)) if is_late else -1
        self._orders: list[tuple[int, int]] = [(1 << 24, 2)]
        """Orders that came to rest lately, and whose they are."""
        self._last = (b"", Batch(0, []))
        self.now_ns = START_NS
        self.index = 1

    def first(self) -> Entry:
        return (1, self.now_ns, c.batch_of(self._recording.setup))

    def order(self) -> list[Batch]:
        """Mostly as recorded; sometimes some are left out, doubled or swapped."""
        batches, random = self._recording.batches, self._random
        if random.random() < 0.5:
            batches = batches.copy()
            for _ in range(len(batches) // 20):
                batches.insert(random.randrange(len(batches)), MEND)
        if self._far_from >= 0:
            late = [LATE] * random.choice((1, 2, 5))
            batches = [*batches[: self._far_from + 1], *late, *batches[self._far_from + 1 :]]
        if random.random() < 0.5:
            return batches
        chosen = [one for one in batches for _ in range(random.choice((0, 1, 1, 1, 1, 1, 2)))]
        for _ in range(random.choice((0, 3, 30))):
            one, other = random.randrange(len(chosen)), random.randrange(len(chosen))
            chosen[one], chosen[other] = chosen[other], chosen[one]
        return chosen

    def entry(self, place: int, one: Batch, machine: Machine) -> Entry:
        """The next entry. `machine` has applied the one before."""
        random = self._random
        self._learn(machine.replies)
        self._step(place, one)
        commands = bytearray(one.commands)
        words = memoryview(commands).cast("q")
        for at in one.order_words:
            if random.random() < self._renamed:
                words[at], words[at - c.CANCEL_ORDER + c.C_ACCOUNT] = random.choice(self._orders)
        spoilable = one.spoilable
        wanted = self._rate * len(spoilable)
        times = int(wanted) + (random.random() < wanted - int(wanted))
        for _ in range(times if spoilable else 0):
            at, is_head = spoilable[int(random.random() * len(spoilable))]
            if not is_head:
                words[at] = self._word(words, at)
            else:
                words[at] = self._head(words[at])
        words.release()
        self.index += 1
        self._last = bytes(commands), one
        return (self.index, self.now_ns, batch(self._last[0], one.count))

    def _learn(self, replies: bytes) -> None:
        commands, one = self._last
        if not replies or not commands:  # a restored machine remembers no replies
            return
        words, answers = memoryview(commands).cast("q"), memoryview(replies).cast("q")
        rows = zip(one.starts, answers[1::8].tolist(), answers[6::8].tolist(), strict=True)
        given = [(id_, words[at + c.C_ACCOUNT]) for at, id_, left in rows if left > 0]
        if given:
            self._orders = [*self._orders, *given][-ORDERS_KEPT:]

    def _step(self, place: int, one: Batch) -> None:
        self.now_ns += one.step_ns
        random = self._random
        if place == self._far_from:
            far = random.choice((TIME_NS_MAX, I64_MAX, I64_MAX, I64_MAX))
            self.now_ns = max(self.now_ns, far - random.choice(JUMPS_NS))
        elif random.random() < self._rate:
            self.now_ns += random.choice(JUMPS_NS)
        self.now_ns = min(self.now_ns, I64_MAX)

    def _word(self, words: "memoryview[int]", at: int) -> int:
        random = self._random
        what = random.random()
        if what < 0.4:
            return signed(random.choice(WORDS))
        if what < 0.55:
            return signed(words[at] ^ 1 << random.randrange(64))
        if what < 0.7:
            return signed(words[at] + random.choice((-2, -1, 1, 2, 10, -10)))
        if what < 0.8:
            return words[random.randrange(len(words))]
        if what < 0.9:
            return random.choice(self._orders)[0]
        if what < 0.95:
            return signed(self.now_ns + random.choice((-1, 0, 1, *JUMPS_NS)))
        return signed(random.getrandbits(64))

    def _head(self, head: int) -> int:
        """Another symbol, other terms, or another kind of the same length."""
        random, kind = self._random, head & 0xFF
        what = random.random()
        if what < 0.4:
            symbol = random.choice((0, 1, 2, 3, 4, random.getrandbits(16)))
            return head & ~(0xFFFF << 16) | symbol << 16
        if kind in (CMD_PLACE, CMD_PLACE_TERMS) and what < 0.9:
            if random.random() < 0.3:
                return head & 0xFFFFFFFF | random.getrandbits(16) << 32
            return head ^ 1 << random.randrange(32, 48)
        if kind in SHORT_KINDS:
            kind = random.choice(SHORT_KINDS)
            terms = head >> 32 if kind == CMD_PLACE else 0
            return head & 0xFFFFFF00 | kind | terms << 32
        return head
