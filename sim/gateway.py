"""A gateway process: takes clients' requests, finds the leader, retries with the same key.

Why it exists: most of what goes wrong between a client's button and the log goes wrong here, in
retries; so the run has a gateway between its clients and its nodes, with a lossy network on both
sides, that may restart and forget everything. What to do after each attempt is decided by
production's `gateway.retry`; this is its shell in virtual time. It must not decide what a request
means.
"""

import random
from collections.abc import Callable
from typing import Final

import msgspec

from core.codes import NOT_LEADER, OK
from core.machine import Machine
from gateway.retry import GiveUp, Retry, Try, Wait
from replication.batching import Submission
from replication.ports import Refused, Submitted, Unknown
from sim.network import Network
from sim.process import Host, State
from sim.questions import Answer as Asked
from sim.world import NS_PER_MS, NS_PER_S, World

GATEWAYS: Final = (100, 102)
"""Their addresses on the network, beside the nodes' numbers."""

OPEN_MAX: Final = 4096

Question = Callable[[Machine], Asked]

QueryResult = tuple[int, Asked]
"""Log index at which the answer was true, and the answer."""


class Request:
    """What a client wants, and how often it was asked for. Either commands or a question."""

    __slots__ = ("client", "commands", "count", "invoked_ns", "number", "question")

    def __init__(
        self, client: int, number: int, commands: bytes, count: int,
        question: Question | None, invoked_ns: int,
    ) -> None:  # fmt: skip
        self.client = client
        self.number = number
        self.commands = commands
        self.count = count
        self.question = question
        self.invoked_ns = invoked_ns


class Told(msgspec.Struct, frozen=True):
    """No answer: what the gateway says when its own time is over. `unknown`: taken, or not."""

    unknown: bool
    code: int


Answer = Submitted | QueryResult | Told


class Open:
    """A request that the gateway works at."""

    __slots__ = ("attempt", "request", "retry")

    def __init__(self, request: Request, retry: Retry) -> None:
        self.request = request
        self.retry = retry
        self.attempt = 0
        """Number of the attempt that is under way; 0 between attempts."""


class Gateway:
    """One process; `restart` makes it forget what it was doing."""

    def __init__(
        self, address: int, world: World, network: Network, hosts: dict[int, Host],
        rng: random.Random, attempt_ms: int, patience_ms: int,
        answer: Callable[[Request, Answer], None],
    ) -> None:  # fmt: skip
        self.address = address
        self._world = world
        self._network = network
        self._hosts = hosts
        self._rng = rng
        self._attempt_ms = attempt_ms
        self._patience_ms = patience_ms
        self._answer = answer
        self._leader = 0
        """Where the next request goes first: the node that answered last, or the one after those
        that did not. As `adapters/cluster_client.py`."""
        self._open: dict[int, Open] = {}
        self._attempts = GATEWAYS.index(address)
        self.loss = 0.0
        self.retries = 0
        self.restarts = 0
        self.refused: set[int] = set()
        """Attempts of which a node said that nothing was taken."""

    def request(self, request: Request) -> None:
        """From a client. Asked again while it is open: nothing new begins."""
        if request.number in self._open or len(self._open) >= OPEN_MAX:
            return
        now_s = self._world.now_ns / NS_PER_S
        retry = Retry(
            sorted(self._hosts), self._leader, now_s, now_s + self._patience_ms / 1000,
            self._rng.random,
        )  # fmt: skip
        opened = self._open[request.number] = Open(request, retry)
        self._go_on(opened)

    def forget(self, request: Request) -> None:
        """The client has its answer, or has given up."""
        self._open.pop(request.number, None)

    def restart(self) -> None:
        self.restarts += 1
        self._open.clear()
        self._leader = 0

    # --- attempts ---------------------------------------------------------------------------

    def _go_on(self, opened: Open) -> None:
        """Does what production's retry says."""
        request = opened.request
        if self._open.get(request.number) is not opened:
            return
        match opened.retry.next(self._world.now_ns / NS_PER_S):
            case Try(node=node):
                self._attempts += len(GATEWAYS)
                self.retries += opened.retry.attempts > 1
                attempt = opened.attempt = self._attempts
                self._network.post(
                    self.address, node, self.loss, self._serve, node, request, attempt
                )
                self._world.after(self._attempt_ms * NS_PER_MS, self._overdue, opened, attempt)
            case Wait(until_s=until_s):
                self._world.at(int(until_s * NS_PER_S) + 1, self._go_on, opened)
            case GiveUp(unknown=unknown, code=code):
                self._leader = opened.retry.node
                self._end(opened, Told(unknown, code))

    def _overdue(self, opened: Open, attempt: int) -> None:
        if opened.attempt == attempt and self._open.get(opened.request.number) is opened:
            opened.attempt = 0
            opened.retry.unknown("no answer came in time", self._world.now_ns / NS_PER_S)
            self._go_on(opened)

    def _end(self, opened: Open, answer: Answer) -> None:
        del self._open[opened.request.number]
        self._answer(opened.request, answer)

    # --- at the node ------------------------------------------------------------------------

    def _serve(self, target: int, request: Request, attempt: int) -> None:
        host = self._hosts[target]
        if host.state is State.DOWN or host.node is None:
            self._reply(target, request, attempt, NOBODY)
            return
        host.later(self._serve_now, host, request, attempt)

    def _serve_now(self, host: Host, request: Request, attempt: int) -> None:
        node = host.node
        if node is None:
            return

        def done(answer: object) -> None:
            self._reply(host.number, request, attempt, answer)

        if request.question is not None:
            question = request.question
            host.call(node.query, lambda machine: (machine.index, question(machine)), done)
        else:
            metadata = msgspec.msgpack.encode({0: (b"%d" % attempt, b"", b"")})
            host.submit(Submission(request.commands, request.count, metadata, done))

    def ask_directly(
        self, node: int, question: Question, answered: Callable[[object], None]
    ) -> None:
        """One question to one node, as of somebody who believes that it leads; no second try."""
        host = self._hosts[node]

        def ask() -> None:
            if host.node is not None:
                host.call(host.node.query, lambda m: (m.index, question(m)), answer)

        def answer(value: object) -> None:
            self._network.post(node, self.address, self.loss, answered, value)

        self._network.post(self.address, node, self.loss, host.later, ask)

    def _reply(self, node: int, request: Request, attempt: int, answer: object) -> None:
        self._network.post(
            node, self.address, self.loss, self._answered, node, request, attempt, answer
        )

    # --- back at the gateway ----------------------------------------------------------------

    def _answered(self, node: int, request: Request, attempt: int, answer: object) -> None:
        if isinstance(answer, Submitted) and answer.code != OK:
            self.refused.add(attempt)
        opened = self._open.get(request.number)
        if opened is None or opened.request is not request:
            return
        now_s = self._world.now_ns / NS_PER_S
        is_present = opened.attempt == attempt
        match answer:
            case Submitted(code=code) if code == OK:
                # Also of an earlier attempt: with one key, every attempt's answer is the answer.
                self._leader = node
                self._end(opened, answer)
            case tuple():
                self._leader = node
                self._end(opened, answer)
            case Submitted(code=code, leader=leader) | Refused(code=code, leader=leader):
                if is_present:
                    opened.attempt = 0
                    if leader < 0:
                        opened.retry.not_sent("connection refused", now_s)
                    else:
                        opened.retry.refused(code, leader, "", now_s)
                    self._go_on(opened)
            case Unknown():
                if is_present:
                    opened.attempt = 0
                    opened.retry.unknown("the node said so", now_s)
                    self._go_on(opened)
            case _:
                assert isinstance(answer, Exception), answer
                raise answer


NOBODY: Final = Refused(code=NOT_LEADER, leader=-1, reason="connection refused")
"""Nothing listens there."""
