"""A gateway process: takes clients' requests, finds the leader, retries with the same key.

Why it exists: most of what goes wrong between a client's button and the log goes wrong here, in
retries; so the run has a gateway between its clients and its nodes, with a lossy network on both
sides, that may restart and forget everything. It must not decide what a request means.
"""

import random
from collections.abc import Callable
from typing import Final

from core.codes import FENCING_TOKEN, NOT_LEADER, OK, OVERLOADED
from core.machine import Machine
from replication.batching import Submission
from replication.ports import Refused, Submitted, Unknown
from sim.network import Network
from sim.process import Host, State
from sim.world import NS_PER_MS, World

GATEWAY: Final = 100
"""Its address on the network, beside the nodes' numbers."""

BACKOFF_MS: Final = 20
OPEN_MAX: Final = 4096

QueryResult = tuple[int, object]
"""Log index at which the answer was true, and the answer."""


class Request:
    """What a client wants, and how often it was asked for. Either commands or a question."""

    __slots__ = ("client", "commands", "count", "invoked_ns", "number", "question")

    def __init__(
        self, client: int, number: int, commands: bytes, count: int,
        question: Callable[[Machine], object] | None, invoked_ns: int,
    ) -> None:  # fmt: skip
        self.client = client
        self.number = number
        self.commands = commands
        self.count = count
        self.question = question
        self.invoked_ns = invoked_ns


class Gateway:
    """One process; `restart` makes it forget what it was doing."""

    def __init__(
        self, world: World, network: Network, hosts: dict[int, Host], rng: random.Random,
        attempt_ms: int, answer: Callable[[Request, Submitted | QueryResult], None],
    ) -> None:  # fmt: skip
        self._world = world
        self._network = network
        self._hosts = hosts
        self._rng = rng
        self._attempt_ms = attempt_ms
        self._answer = answer
        self._target = 1
        self._open: dict[int, tuple[Request, int]] = {}
        """Request number -> the request and the number of its present attempt."""
        self._attempts = 0
        self.loss = 0.0
        self.retries = 0
        self.restarts = 0

    def request(self, request: Request) -> None:
        """From a client. Asked again while it is open: nothing new begins."""
        if request.number in self._open or len(self._open) >= OPEN_MAX:
            return
        self._open[request.number] = (request, 0)
        self._attempt(request)

    def forget(self, request: Request) -> None:
        """The client has its answer, or has given up."""
        self._open.pop(request.number, None)

    def restart(self) -> None:
        self.restarts += 1
        self._open.clear()
        self._target = 1

    # --- attempts ---------------------------------------------------------------------------

    def _attempt(self, request: Request) -> None:
        self._attempts += 1
        attempt = self._attempts
        self._open[request.number] = (request, attempt)
        target = self._target
        self._network.post(GATEWAY, target, self.loss, self._serve, target, request, attempt)
        self._world.after(self._attempt_ms * NS_PER_MS, self._overdue, request.number, attempt)

    def _again(self, number: int, attempt: int) -> None:
        opened = self._open.get(number)
        if opened is not None and opened[1] == attempt:
            self.retries += 1
            self._attempt(opened[0])

    def _overdue(self, number: int, attempt: int) -> None:
        opened = self._open.get(number)
        if opened is not None and opened[1] == attempt:
            self._next_target()
            self._again(number, attempt)

    def _next_target(self) -> None:
        self._target = self._rng.choice(sorted(self._hosts))

    # --- at the node ------------------------------------------------------------------------

    def _serve(self, target: int, request: Request, attempt: int) -> None:
        host = self._hosts[target]
        if host.state is State.DOWN or host.node is None:
            refusal = Refused(code=NOT_LEADER, leader=0, reason="connection refused")
            self._network.post(target, GATEWAY, self.loss, self._answered, request, attempt, refusal)
            return
        host.later(self._serve_now, host, request, attempt)

    def _serve_now(self, host: Host, request: Request, attempt: int) -> None:
        def done(answer: object) -> None:
            self._network.post(
                host.number, GATEWAY, self.loss, self._answered, request, attempt, answer
            )

        node = host.node
        if node is None:
            return
        if request.question is not None:
            question = request.question
            host.call(node.query, lambda machine: (machine.index, question(machine)), done)
        else:
            host.submit(Submission(request.commands, request.count, b"", done))

    # --- back at the gateway ----------------------------------------------------------------

    def _answered(self, request: Request, attempt: int, answer: object) -> None:
        opened = self._open.get(request.number)
        if opened is None:
            return
        match answer:
            case Submitted(code=code, leader=leader) if code != OK:
                self._refused(request.number, attempt, code, leader)
            case Refused(code=code, leader=leader):
                self._refused(request.number, attempt, code, leader)
            case Unknown():
                self._refused(request.number, attempt, OVERLOADED, 0)
            case Exception():
                raise answer
            case _:
                # Also of an earlier attempt: with one key, every attempt's answer is the answer.
                del self._open[request.number]
                assert isinstance(answer, Submitted | tuple)
                self._answer(request, answer)

    def _refused(self, number: int, attempt: int, code: int, leader: int) -> None:
        opened = self._open.get(number)
        if opened is None or opened[1] != attempt:
            return
        if leader in self._hosts and leader != self._target:
            self._target = leader
            self._world.after(NS_PER_MS, self._again, number, attempt)
            return
        if code in (NOT_LEADER, FENCING_TOKEN):
            self._next_target()
        pause_ms = self._rng.randint(BACKOFF_MS // 2, 3 * BACKOFF_MS)
        self._world.after(pause_ms * NS_PER_MS, self._again, number, attempt)
