"""The network between nodes: it delays, loses, doubles, reorders, flips bits, and is cut.

Why it exists: the protocol may count on nothing but that a message that arrives is one that was
sent. Every other misfortune is here, for each ordered pair of nodes by itself. It must not know
what a message means; it encodes messages only to damage them and to give the trace their sum.

The transport of production checksums its frames, so a flipped bit means a dropped message. Now
and then the flipped bytes are decoded all the same: the decoder must refuse them or make a message
that is not the one that was sent, and must not fail in any other way.
"""

import random
import zlib
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from replication.messages import MalformedMessage, Message, decode, encode, node_number
from sim.world import NS_PER_US, World

IN_FLIGHT_MAX: Final = 4096
"""Of one link: what a bounded queue of a transport does not hold is dropped."""

_DECODE_FLIPPED: Final = 0.25


class NetworkRates(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to messages all the time, each an independent chance."""

    delay_min_us: int = 50
    delay_mean_us: int = 500
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    bitflip: float = 0.0


class Link:
    """One direction between two nodes."""

    __slots__ = ("blocks", "clogged_until_ns", "in_flight", "last_ns", "lossy")

    def __init__(self) -> None:
        self.blocks = 0
        """How many partitions cut it now."""
        self.clogged_until_ns = 0
        self.in_flight = 0
        self.last_ns = 0
        self.lossy = 0.0


class Network:
    """Carries messages between node numbers; `deliver` gets what arrives."""

    def __init__(
        self, world: World, rng: random.Random, rates: NetworkRates,
        deliver: Callable[[int, Message], None],
    ) -> None:  # fmt: skip
        self._world = world
        self._rng = rng
        self.rates = rates
        self._deliver = deliver
        self._links: dict[tuple[int, int], Link] = {}
        self.fired: dict[str, int] = {}
        self.sent = 0
        self.in_flight_peak = 0

    def link(self, sender: int, to: int) -> Link:
        link = self._links.get((sender, to))
        if link is None:
            link = self._links[(sender, to)] = Link()
        return link

    def send(self, message: Message) -> None:
        """Takes a message from a node; what becomes of it is drawn here."""
        sender, to = node_number(message.sender), node_number(message.to)
        link = self.link(sender, to)
        rates, rng = self.rates, self._rng
        self.sent += 1
        if link.blocks:
            self._count("partitioned")
            return
        draw = rng.random()
        loss = rates.loss + link.lossy
        if draw < loss:
            self._count("loss")
            return
        if rates.bitflip and draw < loss + rates.bitflip:
            self._flip(message)
            return
        self._carry(link, message, sender, to)
        if rates.duplicate and rng.random() < rates.duplicate:
            self._count("duplicate")
            self._carry(link, message, sender, to)

    def post(
        self, sender: int, to: int, loss: float, callback: Callable[..., None],
        *arguments: object,
    ) -> None:  # fmt: skip
        """Carries what is no message between replicas: a client's request, a broker's answer."""
        link = self.link(sender, to)
        if link.blocks:
            self._count("partitioned")
            return
        if loss and self._rng.random() < loss:
            self._count("client_loss")
            return
        rates = self.rates
        draw = self._rng.random()
        draw *= draw
        delay_ns = (rates.delay_min_us + int(5 * rates.delay_mean_us * draw * draw)) * NS_PER_US
        wait_ns = max(0, link.clogged_until_ns - self._world.now_ns)
        self._world.after(delay_ns + wait_ns, callback, *arguments)

    def cut(self, pairs: Iterable[tuple[int, int]]) -> None:
        """One partition begins; each pair is a direction."""
        for sender, to in pairs:
            self.link(sender, to).blocks += 1

    def mend(self, pairs: Iterable[tuple[int, int]]) -> None:
        for sender, to in pairs:
            link = self.link(sender, to)
            link.blocks = max(0, link.blocks - 1)

    def clog(self, sender: int, to: int, until_ns: int) -> None:
        """Nothing of this direction arrives before `until_ns`; then all of it does."""
        link = self.link(sender, to)
        link.clogged_until_ns = max(link.clogged_until_ns, until_ns)

    def heal(self) -> None:
        """No partition, no clog, no loss from now on."""
        for key in sorted(self._links):
            link = self._links[key]
            link.blocks = 0
            link.clogged_until_ns = 0
            link.last_ns = 0  # what is stuck in a clog holds up nothing that comes after it
            link.lossy = 0.0
        self.rates = NetworkRates(
            delay_min_us=self.rates.delay_min_us, delay_mean_us=min(self.rates.delay_mean_us, 2000)
        )

    def _carry(self, link: Link, message: Message, sender: int, to: int) -> None:
        if link.in_flight >= IN_FLIGHT_MAX:
            self._count("overflow")
            return
        link.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, link.in_flight)
        rates, rng, world = self.rates, self._rng, self._world
        # Long tails without a logarithm: a square of a square of a uniform draw, of mean 1/5.
        draw = rng.random()
        draw *= draw
        delay_us = rates.delay_min_us + int(5 * rates.delay_mean_us * draw * draw)
        arrives_ns = world.now_ns + delay_us * NS_PER_US
        if link.clogged_until_ns > world.now_ns:
            arrives_ns += link.clogged_until_ns - world.now_ns
            self._count("clogged")
        if rates.reorder and rng.random() < rates.reorder:
            if arrives_ns < link.last_ns:
                self._count("reorder")
        else:
            arrives_ns = max(arrives_ns, link.last_ns)
            link.last_ns = arrives_ns
        world.at(arrives_ns, self._arrive, link, message, sender, to)

    def _arrive(self, link: Link, message: Message, sender: int, to: int) -> None:
        link.in_flight -= 1
        if link.blocks:  # a cut loses what is under way, as a broken connection does
            self._count("partitioned")
            return
        self._world.trace.note(
            self._world.now_ns, message_kind(message), to, sender, message.term, 0, digest(message)
        )
        self._deliver(to, message)

    def _flip(self, message: Message) -> None:
        self._count("bitflip")
        if self._rng.random() >= _DECODE_FLIPPED:
            return
        data = bytearray(encode(message))
        at = self._rng.randrange(8 * len(data))
        data[at // 8] ^= 1 << (at % 8)
        try:
            decoded = decode(bytes(data))
        except MalformedMessage:
            return
        assert decoded != message, "flipped bits decode to the same message"

    def _count(self, kind: str) -> None:
        self.fired[kind] = self.fired.get(kind, 0) + 1


def message_kind(message: Message) -> str:
    return type(message).__name__


def digest(message: Message) -> str:
    """A short sum of all bytes of a message, the same in every process."""
    return f"{zlib.crc32(encode(message)):08x}"


def isolating(node: int, nodes: Iterable[int]) -> list[tuple[int, int]]:
    """Nobody hears `node`, and it hears nobody."""
    others = [other for other in nodes if other != node]
    return [(node, other) for other in others] + [(other, node) for other in others]


def deafening(node: int, nodes: Iterable[int]) -> list[tuple[int, int]]:
    """`node` is heard and hears nobody."""
    return [(other, node) for other in nodes if other != node]


def muting(node: int, nodes: Iterable[int]) -> list[tuple[int, int]]:
    """`node` hears everybody and is heard by nobody."""
    return [(node, other) for other in nodes if other != node]


def halving(left: Iterable[int], nodes: Iterable[int]) -> list[tuple[int, int]]:
    """Two groups that do not hear each other."""
    inside = sorted(left)
    outside = [node for node in nodes if node not in inside]
    return [(a, b) for a in inside for b in outside] + [(b, a) for a in inside for b in outside]


def bridging(bridge: int, nodes: Iterable[int]) -> list[tuple[int, int]]:
    """Two halves that hear each other only through one node that both hear."""
    rest = [node for node in nodes if node != bridge]
    half = len(rest) // 2
    return halving(rest[:half], rest)


def ringing(nodes: Iterable[int]) -> list[tuple[int, int]]:
    """Each node is heard by its neighbours in a ring and by nobody else; in three nodes, one
    direction of each pair is cut, so that everybody hears one and is heard by another."""
    ring = list(nodes)
    count = len(ring)
    cut: list[tuple[int, int]] = []
    for at, sender in enumerate(ring):
        for step in range(1, count):
            to = ring[(at + step) % count]
            neighbours = step in (1, count - 1) if count > 3 else step == 1
            if not neighbours:
                cut.append((sender, to))
    return cut
