"""Clients: they trade, ask, wait, repeat and give up; what they saw becomes the run's history.

Why it exists: what the exchange promises, it promises to clients, so the run is judged by what
they were told and when. A client has one request open at a time and repeats it with the same
idempotency keys until it is answered or its patience ends; then the outcome is unknown, never
"failed". Here stands also the first and cheapest judgement of answers: real time. Whoever asks
after an answer was given must be told of a state that holds it (LIN).
"""

import random
from collections.abc import Callable
from typing import Final

import msgspec

from core.codes import BUY, GTC, HOUSE, IOC, LIMIT, MARKET, MODE_NORMAL, OK, POST_ONLY, SELL
from core.commands import (
    amend,
    cancel,
    cancel_all,
    deposit,
    key128,
    list_asset,
    list_symbol,
    open_account,
    place,
    set_mode,
    set_version,
    withdraw,
)
from core.events import REPLY_BYTES, REPLY_DUPLICATE_BIT
from core.limits import WORD_BYTES
from core.machine import Machine
from core.versions import VERSION_KNOWN
from replication.ports import Submitted
from sim.clocks import WALL_START_NS
from sim.gateway import Answer, Gateway, Request, Told
from sim.network import Network
from sim.plan import Plan
from sim.questions import Answer as Asked
from sim.questions import ask
from sim.tally import Tally
from sim.wishes import Wishes
from sim.world import NS_PER_MS, World

CLIENTS: Final = 101
"""Their address on the network."""

ACCOUNTS_PER_CLIENT: Final = 2
FIRST_ACCOUNT: Final = HOUSE + 1
BASE, QUOTE = 1, 2
SYMBOL: Final = 1
PRICE: Final = 100
PATIENCE: Final = 4
"""How often a client repeats a request before it gives up."""
ORDERS_REMEMBERED: Final = 32
TERMS_SHARE: Final = 0.4
"""Of the commands, once further terms are known."""
AGAIN_MS: Final = 50
SETTER_UP: Final = -1
READER: Final = -2
OPERATOR: Final = -3


class Operation(msgspec.Struct):
    """One request as its client saw it. `returned_ns` 0: it gave up, the outcome is unknown."""

    client: int
    number: int
    commands: bytes
    count: int
    invoked_ns: int
    is_query: bool
    returned_ns: int = 0
    index: int = 0
    term: int = 0
    replies: bytes = b""
    result: Asked | None = None
    refused: int = 0
    """Not 0: told, once and without a doubt, that nothing of it was taken."""


class Client:
    """One user's program."""

    __slots__ = ("accounts", "orders", "rng", "sent")

    def __init__(self, number: int, rng: random.Random) -> None:
        first = FIRST_ACCOUNT + number * ACCOUNTS_PER_CLIENT
        self.accounts = range(first, first + ACCOUNTS_PER_CLIENT)
        self.orders: list[tuple[int, int]] = []
        """Own orders that may be open: account and id."""
        self.sent = 0
        self.rng = rng


class Clients:
    """All of a run's clients, and what they saw."""

    def __init__(
        self, plan: Plan, world: World, network: Network, gateways: list[Gateway], tally: Tally,
        rng: Callable[[str], random.Random],
    ) -> None:  # fmt: skip
        self._plan = plan
        self._world = world
        self._network = network
        self._gateways = gateways
        self._tally = tally
        self._clients = [Client(n, rng(f"client/{n}")) for n in range(plan.clients)]
        self._requests: dict[int, tuple[int, Request]] = {}
        self._setup = setup_commands(plan.clients)
        self._numbers = 0
        self._sent = 0
        self._highest = 0
        """The highest index that any client was told of."""
        self._floors: dict[int, int] = {}
        self._in_doubt: set[int] = set()
        """Requests of which something may have been taken: a refusal does not end them."""
        self.refused = 0
        self.is_over = False
        self.loss = 0.0
        self.knows_terms = False
        """The machine version that has every kind of order is in force, as far as was told."""
        self._wishes = Wishes(SYMBOL, PRICE)
        self.history: list[Operation] = []
        self.acknowledged: dict[int, int] = {}
        """Log index -> term, of every answered submission."""
        self.unknown = 0
        self._readers = rng("readers")

    def begin(self) -> None:
        """The exchange is set up by an operator, and then trading begins."""
        self._set_up()
        if self._plan.query_share:
            self._read_around()

    def _set_up(self) -> None:
        """The next commands of the set-up, as many as a request may have."""
        commands = self._setup[: self._plan.batch_commands_max]
        del self._setup[: len(commands)]
        self._ask(SETTER_UP, b"".join(commands), len(commands), None)

    def raise_version(self) -> None:
        """An operator asks for the newest machine version, and may be refused."""
        if not self.is_over:
            self._ask(OPERATOR, set_version(VERSION_KNOWN), 1, None)

    def end(self) -> None:
        """No new requests. What is open is repeated, now and until it is answered.

        Only an operator, who may be refused for ever, lets it be.
        """
        self.is_over = True
        self.set_loss(0.0)
        for number in sorted(self._requests):
            request = self._requests[number][1]
            if request.client == OPERATOR:
                self._give_up(request)
            else:
                self._hand_in(request)

    def set_loss(self, loss: float) -> None:
        """On the ways between clients, gateways and nodes."""
        self.loss = loss
        for gateway in self._gateways:
            gateway.loss = loss

    def _gateway_of(self, request: Request) -> Gateway:
        """Each client has its own, so that two may believe in different leaders."""
        return self._gateways[request.client % len(self._gateways)]

    def _hand_in(self, request: Request) -> None:
        gateway = self._gateway_of(request)
        self._network.post(CLIENTS, gateway.address, self.loss, gateway.request, request)

    @property
    def waiting(self) -> int:
        """Requests that are not answered."""
        return len(self._requests)

    # --- readers ----------------------------------------------------------------------------

    def _read_around(self) -> None:
        """Somebody asks any node, and may ask one that led a moment ago."""
        if self.is_over:
            return
        gateway = self._gateways[self._readers.randrange(len(self._gateways))]
        client = self._readers.randrange(len(self._clients))
        floor, asked_ns = self._highest, self._world.now_ns
        node = self._readers.randint(1, self._plan.nodes)
        gateway.ask_directly(
            node, self._question(client), lambda value: self._read(value, floor, asked_ns)
        )
        gap_ns = self._plan.election_timeout_ms * NS_PER_MS // 5
        self._world.after(gap_ns, self._read_around)

    def _read(self, value: object, floor: int, asked_ns: int) -> None:
        if not isinstance(value, tuple):
            return  # refused: it does not lead
        index, result = value
        operation = Operation(READER, 0, b"", 0, asked_ns, is_query=True)
        operation.returned_ns, operation.index, operation.result = self._world.now_ns, index, result
        self.history.append(operation)
        self._tally.check(
            "LIN", index >= floor,
            lambda: f"a reader was answered at index {index}, and {floor} had been acknowledged "
            "before it asked",
        )  # fmt: skip

    # --- asking -----------------------------------------------------------------------------

    def _next(self, client: int) -> None:
        if self.is_over or self._sent >= self._plan.commands:
            return
        rng = self._clients[client].rng
        if rng.random() < self._plan.query_share:
            self._ask(client, b"", 0, self._question(client))
            return
        count = self._plan.commands_per_request
        self._clients[client].sent += 1
        commands = [self._command(client, rng, at) for at in range(count)]
        self._ask(client, b"".join(commands), count, None)

    def _ask(
        self, client: int, commands: bytes, count: int,
        question: Callable[[Machine], Asked] | None,
    ) -> None:  # fmt: skip
        self._numbers += 1
        self._sent += max(1, count) if client >= 0 else 0
        number = self._numbers
        now_ns = self._world.now_ns
        request = Request(client, number, commands, count, question, now_ns)
        operation = Operation(client, number, commands, count, now_ns, question is not None)
        self.history.append(operation)
        self._requests[number] = (len(self.history) - 1, request)
        self._floors[number] = self._highest
        self._send(number, 1)

    def _send(self, number: int, tries: int) -> None:
        known = self._requests.get(number)
        if known is None:
            return
        request = known[1]
        patience = 1 << 30 if request.client == SETTER_UP else PATIENCE
        if tries > patience and not self.is_over:
            self._give_up(request)
            return
        if tries > 1:
            self._in_doubt.add(number)
        self._hand_in(request)
        self._world.after(self.again_ns, self._send, number, tries + 1)

    @property
    def again_ns(self) -> int:
        """When a request is repeated that was not answered: later than the gateway's own patience
        ends, so that what it says then is heard."""
        return self._plan.request_timeout_ms * 3 // 2 * NS_PER_MS

    def _give_up(self, request: Request) -> None:
        self.unknown += 1
        self._forget(request)
        self._pause(request.client)

    def _forget(self, request: Request) -> None:
        del self._requests[request.number]
        self._floors.pop(request.number, None)
        self._in_doubt.discard(request.number)
        self._gateway_of(request).forget(request)

    def _pause(self, client: int) -> None:
        if client < 0:
            return
        rng = self._clients[client].rng
        pause_ms = rng.expovariate(1 / self._plan.client_gap_ms)
        self._world.after(int(pause_ms * NS_PER_MS), self._next, client)

    # --- being told -------------------------------------------------------------------------

    def answered(self, request: Request, answer: Answer) -> None:
        """From the gateway, over the lossy way back."""
        sender = self._gateway_of(request).address
        self._network.post(sender, CLIENTS, self.loss, self._told, request, answer)

    def _told(self, request: Request, answer: Answer) -> None:
        if isinstance(answer, Told):
            self._told_nothing(request, answer)
            return
        known = self._requests.pop(request.number, None)
        if known is None:
            return
        floor = self._floors.pop(request.number)
        self._in_doubt.discard(request.number)
        operation = self.history[known[0]]
        operation.returned_ns = self._world.now_ns
        if isinstance(answer, Submitted):
            self._take_replies(request, operation, answer, floor)
        else:
            operation.index, operation.result = answer[0], answer[1]
            self._tally.check(
                "LIN", operation.index >= floor,
                lambda: f"a question of client {request.client} was answered at index "
                f"{operation.index}, and {floor} had been acknowledged before it was asked",
            )  # fmt: skip
        self._highest = max(self._highest, operation.index)
        if request.client != SETTER_UP:
            self._pause(request.client)
        elif self._setup:
            self._set_up()
        else:
            if self._plan.old_programs == 0:
                self.raise_version()
            for client in range(len(self._clients)):
                self._pause(client)

    def _told_nothing(self, request: Request, answer: Told) -> None:
        """The gateway gave up. A refusal is final only if nothing of the request is in doubt."""
        known = self._requests.get(request.number)
        if known is None:
            return
        if answer.unknown:
            self._in_doubt.add(request.number)
        if request.number in self._in_doubt:
            self._world.after(AGAIN_MS * NS_PER_MS, self._again, request)
            return
        self.refused += 1
        self.history[known[0]].refused = answer.code
        if request.client != SETTER_UP and not self.is_over:
            self._forget(request)
            self._pause(request.client)

    def _again(self, request: Request) -> None:
        """The gateway gave up in doubt, so it is asked again, before the patience ends."""
        if request.number in self._requests:
            self._hand_in(request)

    def _take_replies(
        self, request: Request, operation: Operation, answer: Submitted, floor: int
    ) -> None:  # fmt: skip
        operation.index, operation.term = answer.index, answer.term
        operation.replies = answer.replies
        known = self.acknowledged.setdefault(answer.index, answer.term)
        self._tally.check(
            "LIN", known == answer.term, lambda: f"index {answer.index} was answered in two terms"
        )
        self._tally.check(
            "LIN", answer.index > floor,
            lambda: f"a command of client {request.client} was answered at index {answer.index}, "
            f"and {floor} had been acknowledged before it was sent",
        )  # fmt: skip
        self._tally.check(
            "LIN", len(answer.replies) == request.count * REPLY_BYTES,
            lambda: f"{len(answer.replies)} bytes of replies for {request.count} commands",
        )  # fmt: skip
        if request.client >= 0:
            self._learn_orders(self._clients[request.client], request, answer)
        elif request.client == OPERATOR and answer.replies[0] == OK:
            self.knows_terms = True

    def _learn_orders(self, client: Client, request: Request, answer: Submitted) -> None:
        start = 0
        for at in range(request.count):
            word = answer.replies[at * REPLY_BYTES : at * REPLY_BYTES + 16]
            head = int.from_bytes(word[:8], "little")
            left = int.from_bytes(
                answer.replies[at * REPLY_BYTES + 48 : at * REPLY_BYTES + 56], "little"
            )
            if head & 0xFF == OK and left > 0:
                account = int.from_bytes(request.commands[start + 8 : start + 16], "little")
                client.orders.append((account, int.from_bytes(word[8:], "little")))
            start += request.commands[start + 1] * WORD_BYTES
        del client.orders[:-ORDERS_REMEMBERED]

    # --- what they want ---------------------------------------------------------------------

    def _question(self, client: int) -> Callable[[Machine], Asked]:
        rng = self._clients[client].rng
        account = rng.choice(self._clients[client].accounts)
        if rng.random() < 0.5:
            return lambda machine: ask("balances", account, machine)
        return lambda machine: ask("book", SYMBOL, machine)

    def _command(self, client: int, rng: random.Random, at: int) -> bytes:
        me = self._clients[client]
        account = rng.choice(me.accounts)
        # Of one client each key is new; different clients use the same ones, as they may.
        key = key128(f"{me.sent}/{at}")
        reference = key128(f"{client}/{me.sent}/{at}")
        if self.knows_terms and rng.random() < TERMS_SHARE:
            return self._wishes.draw(rng, account, key, WALL_START_NS + self._world.now_ns)
        draw = rng.random()
        if draw < 0.12 and me.orders:
            owner, order = rng.choice(me.orders)
            return cancel(owner, SYMBOL, order, key)
        if draw < 0.2 and me.orders:
            owner, order = rng.choice(me.orders)
            return amend(owner, SYMBOL, order, PRICE + rng.randint(-6, 6), rng.randint(1, 30), key)
        if draw < 0.22:
            return cancel_all(account, SYMBOL, key)
        if draw < 0.25:
            return withdraw(account, rng.choice((BASE, QUOTE)), rng.randint(1, 50), reference)
        if draw < 0.28:
            return deposit(account, rng.choice((BASE, QUOTE)), rng.randint(1, 50), reference)
        if draw < 0.30:
            mode = MODE_NORMAL if rng.random() < 0.85 else rng.choice((1, 2, 3, 4))
            return set_mode(SYMBOL, mode, key)
        side = rng.choice((BUY, SELL))
        if draw < 0.34:
            return place(account, SYMBOL, side, MARKET, IOC, 0, rng.randint(1, 20), key)
        tif = rng.choice((GTC, GTC, GTC, GTC, IOC, POST_ONLY))
        price = PRICE + rng.randint(-8, 8)
        return place(account, SYMBOL, side, LIMIT, tif, price, rng.randint(1, 20), key)


def setup_commands(clients: int) -> list[bytes]:
    """Two assets, a market, accounts with money. Said twice, it has one effect."""
    commands = [
        list_asset("BASE", 0), list_asset("QUOTE", 0),
        list_symbol(
            "BASE-QUOTE", BASE, QUOTE, tick_units=1, lot_units=1, min_price=1, max_price=10_000,
            max_qty=1_000_000, min_notional=1, max_notional=1_000_000_000, maker_ppm=1000,
            taker_ppm=2000,
        ),
    ]  # fmt: skip
    for account in range(clients * ACCOUNTS_PER_CLIENT):
        commands.append(open_account(key128(f"account {account}")))
        for asset in (BASE, QUOTE):
            amount = 100_000 if asset == QUOTE else 1_000
            reference = key128(f"deposit {account} {asset}")
            commands.append(deposit(FIRST_ACCOUNT + account, asset, amount, reference))
    return commands


def is_duplicate(replies: bytes, at: int) -> bool:
    """Whether the reply says that its command had been applied before."""
    return bool(replies[at * REPLY_BYTES + REPLY_DUPLICATE_BIT // 8] & 1)
