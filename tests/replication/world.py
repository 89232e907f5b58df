"""One node in memory under trio's mock clock, for the driver's tests."""

import random
from functools import cached_property

import msgspec
import trio

from core.commands import cancel
from replication.batching import Submission
from replication.driver import Driver
from replication.membership import founding
from replication.node import Node
from replication.ports import Submitted, Unknown
from replication.recovery import recover
from replication.replica import Replica
from replication.settings import NodeSettings
from tests.replication.memory import MemoryLog, MemorySnapshots
from tests.replication.tally import Tally

CLUSTER = bytes(range(16))
WALL_NS = 1_700_000_000_000_000_000


class TestClock:
    """trio's time, and a wall clock that a test may set to anything."""

    __test__ = False

    def __init__(self) -> None:
        self.offset_ns = WALL_NS

    def monotonic_s(self) -> float:
        return trio.current_time()

    def wall_ns(self) -> int:
        return self.offset_ns + int(trio.current_time() * 1e9)


class Deaf:
    """An observer that nobody reads."""

    def applied(self, commands: int, seconds: float) -> None: ...

    def wrote(self, entries: int, seconds: float) -> None: ...

    def refused(self, code: int) -> None: ...

    def snapshot_taken(self, index: int, size: int) -> None: ...


class Dice:
    """Randomness that is the same every time."""

    def __init__(self) -> None:
        self._random = random.Random(1)

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


class World:
    """The parts of a lone node; `restart` makes a new one from what the disk holds."""

    def __init__(
        self,
        settings: NodeSettings | None = None,
        log: MemoryLog | None = None,
        snapshots: MemorySnapshots | None = None,
    ) -> None:
        self.settings = settings or NodeSettings()
        self.log = log or MemoryLog(CLUSTER)
        self.snapshots = snapshots or MemorySnapshots()
        self.clock = TestClock()
        self.warnings: list[str] = []
        self.recovered = recover(
            self.log, self.snapshots, Tally, self.warnings.append, founding([1])
        )
        self.machine = self.recovered.machine

    @cached_property
    def driver(self) -> Driver[Tally]:
        """Made where trio's clock runs."""
        node = Node(
            self.settings, 1, CLUSTER, self.recovered, Tally, self.log, self.clock,
            Dice(), self.warnings.append, Deaf(),
        )  # fmt: skip
        return Driver(node, self.log, self.snapshots, self.clock, Deaf())

    @property
    def replica(self) -> Replica:
        return self.driver.node.replica

    def restart(self) -> "World":
        return World(self.settings, self.log.copy(), self.snapshots)

    def send(self, count: int = 1, first: int = 1) -> "Answer":
        """Submits `count` commands that can be told apart by their order id."""
        answer = Answer()
        commands = b"".join(cancel(2, 1, first + n) for n in range(count))
        self.driver.submit(Submission(commands, count, b"", answer.put))
        return answer


class Answer(msgspec.Struct):
    """Where the answer to one submission arrives; a second one is a failure."""

    value: Submitted | Unknown | None = None
    event: trio.Event = msgspec.field(default_factory=trio.Event)

    def put(self, value: Submitted | Unknown) -> None:
        assert self.value is None, "answered twice"
        self.value = value
        self.event.set()

    async def get(self) -> Submitted:
        await self.event.wait()
        assert isinstance(self.value, Submitted), self.value
        return self.value
