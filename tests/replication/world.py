"""One node in memory under trio's mock clock, for the driver's tests."""

import msgspec
import trio

from core.commands import cancel
from replication.batching import Submission
from replication.driver import Driver, DriverConfig
from replication.ports import Submitted
from replication.recovery import recover
from replication.replica import Replica
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


class World:
    """The parts of a node; `restart` makes a new one from what the disk holds."""

    def __init__(
        self,
        config: DriverConfig | None = None,
        log: MemoryLog | None = None,
        snapshots: MemorySnapshots | None = None,
    ) -> None:
        self.config = config or DriverConfig()
        self.log = log or MemoryLog(CLUSTER)
        self.snapshots = snapshots or MemorySnapshots()
        self.clock = TestClock()
        self.warnings: list[str] = []
        self.recovered = recover(self.log, self.snapshots, Tally, self.warnings.append)
        self.replica = Replica(1, CLUSTER, frozenset({1}))
        self.machine = self.recovered.machine
        self.driver: Driver[Tally] = Driver(
            self.config, self.replica, self.recovered, self.log, self.snapshots, self.clock,
            self.warnings.append, Deaf(),
        )  # fmt: skip

    def restart(self) -> "World":
        return World(self.config, self.log.copy(), self.snapshots)

    def send(self, count: int = 1, first: int = 1) -> "Answer":
        """Submits `count` commands that can be told apart by their order id."""
        answer = Answer()
        commands = b"".join(cancel(2, 1, first + n) for n in range(count))
        self.driver.submit(Submission(commands, count, b"", answer.put))
        return answer


class Answer(msgspec.Struct):
    """Where the answer to one submission arrives; a second one is a failure."""

    value: Submitted | None = None
    event: trio.Event = msgspec.field(default_factory=trio.Event)

    def put(self, value: Submitted) -> None:
        assert self.value is None, "answered twice"
        self.value = value
        self.event.set()

    async def get(self) -> Submitted:
        await self.event.wait()
        assert self.value is not None
        return self.value
