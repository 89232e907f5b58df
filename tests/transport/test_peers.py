"""Two nodes over real sockets: messages arrive, strangers are refused, TLS names the node."""

import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from adapters.addresses import free_ports
from adapters.peer_certificates import PeerTls, files_of, make_certificates
from adapters.peer_transport import PeerTransport
from replication.messages import Append, TimeoutNow

pytestmark = pytest.mark.trio
CLUSTER = bytes(range(16))
WITHIN_S = 20.0


class Pair:
    """Transports 1 and 2; what they warn of is kept."""

    def __init__(
        self, clusters: tuple[bytes, bytes] = (CLUSTER, CLUSTER),
        tls: tuple[PeerTls | None, PeerTls | None] = (None, None),
    ) -> None:  # fmt: skip
        ports = free_ports(2)
        self.peers = {n: f"127.0.0.1:{ports[n - 1]}" for n in (1, 2)}
        self.warnings: list[str] = []
        self.sides = {n: self.make(n, clusters[n - 1], tls[n - 1]) for n in (1, 2)}

    def make(self, node: int, cluster: bytes, tls: PeerTls | None) -> PeerTransport:
        return PeerTransport(node, cluster, self.peers[node], self.peers, self.warnings.append, tls)


async def until(ask: Callable[[], bool], step: Callable[[], None] = lambda: None) -> None:
    with trio.fail_after(WITHIN_S):
        while not ask():
            step()
            await trio.lowlevel.checkpoint()


async def running(pair: Pair, body: Callable[[], Awaitable[None]]) -> None:
    async with trio.open_nursery() as nursery:
        for side in pair.sides.values():
            await nursery.start(side.run)
        await body()
        nursery.cancel_scope.cancel()


def connected(pair: Pair) -> bool:
    return pair.sides[1].connected == {2} and pair.sides[2].connected == {1}


async def test_messages_arrive_in_their_order() -> None:
    pair = Pair()

    async def body() -> None:
        await until(lambda: connected(pair))
        for term in range(1, 50):
            pair.sides[1].send(TimeoutNow(sender=1, to=2, term=term))
        with trio.fail_after(WITHIN_S):
            got = [await pair.sides[2].receive() for _ in range(49)]
        assert [message.term for message in got] == list(range(1, 50))

    await running(pair, body)


async def test_a_peer_that_comes_back_is_dialled_again() -> None:
    pair = Pair()
    async with trio.open_nursery() as nursery:
        await nursery.start(pair.sides[1].run)
        async with trio.open_nursery() as second:
            await second.start(pair.sides[2].run)
            await until(lambda: connected(pair))
            second.cancel_scope.cancel()
        await until(lambda: pair.sides[1].connected == frozenset())
        pair.sides[2] = pair.make(2, CLUSTER, None)
        await nursery.start(pair.sides[2].run)
        await until(lambda: connected(pair))
        nursery.cancel_scope.cancel()


async def test_without_a_connection_nothing_waits() -> None:
    pair = Pair()
    async with trio.open_nursery() as nursery:
        await nursery.start(pair.sides[1].run)
        for term in range(100):
            pair.sides[1].send(TimeoutNow(sender=1, to=2, term=term))
        assert [peer.dropped for peer in pair.sides[1].statistics()] == [100]
        nursery.cancel_scope.cancel()


async def test_a_slow_peer_costs_a_bounded_queue_and_nobody_else() -> None:
    pair = Pair()

    async def body() -> None:
        await until(lambda: connected(pair))
        record = bytes(1 << 20)
        for index in range(200):  # nobody reads at the other side beyond its inbox
            pair.sides[1].send(
                Append(
                    sender=1, to=2, term=1, prev_index=index, prev_term=1, prev_hash=b"",
                    commit=0, round=1, records=(record,),
                )
            )  # fmt: skip
        (peer,) = pair.sides[1].statistics()
        assert peer.dropped > 0, "200 MiB do not wait in memory"

    await running(pair, body)


async def test_another_cluster_is_refused_and_named() -> None:
    pair = Pair(clusters=(CLUSTER, bytes(16)))

    async def body() -> None:
        await until(lambda: any("cluster" in text for text in pair.warnings))

    await running(pair, body)


async def test_tls_between_nodes_that_one_authority_named(tmp_path: Path) -> None:
    make_certificates(tmp_path, (1, 2), dt.datetime.now(dt.UTC))
    pair = Pair(tls=(files_of(tmp_path, 1), files_of(tmp_path, 2)))

    async def body() -> None:
        await until(lambda: connected(pair))
        pair.sides[2].send(TimeoutNow(sender=2, to=1, term=7))
        with trio.fail_after(WITHIN_S):
            assert (await pair.sides[1].receive()).term == 7

    await running(pair, body)


@pytest.mark.parametrize("how", ["another authority", "another node's", "no TLS"])
async def test_tls_refuses(how: str, tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        make_certificates(tmp_path / name, (1, 2, 3), now)
    second: PeerTls | None = {
        "another authority": files_of(tmp_path / "theirs", 2),
        "another node's": files_of(tmp_path / "ours", 3), "no TLS": None,
    }[how]  # fmt: skip
    pair = Pair(tls=(files_of(tmp_path / "ours", 1), second))

    async def body() -> None:
        await until(lambda: bool(pair.warnings))
        pair.sides[2].send(TimeoutNow(sender=2, to=1, term=7))
        with trio.move_on_after(0.3) as scope:
            await pair.sides[1].receive()
        assert scope.cancelled_caught, "a stranger's message came through"

    await running(pair, body)


async def test_a_node_that_only_the_log_names_is_dialled_and_let_go() -> None:
    pair = Pair()
    third = PeerTransport(
        3, CLUSTER, f"127.0.0.1:{free_ports(1)[0]}", pair.peers, pair.warnings.append
    )

    async def body() -> None:
        await until(lambda: third.connected == {1, 2})
        pair.sides[1].send(TimeoutNow(sender=1, to=3, term=1))
        assert pair.warnings == ["peers: node 3: no address is known for it"]
        pair.sides[1].know({3: third.address, 2: "127.0.0.1:1"})
        await until(lambda: pair.sides[1].connected == {2, 3})
        assert pair.sides[1].addresses[2] == pair.peers[2], "the settings say where node 2 is"
        pair.sides[1].send(TimeoutNow(sender=1, to=3, term=7))
        with trio.fail_after(WITHIN_S):
            assert (await third.receive()).term == 7
        pair.sides[1].know({})
        await until(lambda: pair.sides[1].connected == {2})

    async with trio.open_nursery() as nursery:
        for side in (*pair.sides.values(), third):
            await nursery.start(side.run)
        await body()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "address", ["no-port", "a..b:7531", "x" * 64 + ".example:7531", "h:http", "ä\x00b:1"]
)
async def test_an_address_that_nobody_can_have_ends_nothing(address: str) -> None:
    """It may stand in a log of before addresses were looked at: each start reads it again."""
    pair = Pair()

    async def body() -> None:
        await until(lambda: connected(pair))
        pair.sides[1].know({4: address})
        await until(lambda: bool(pair.warnings))
        assert pair.warnings[0].startswith(f"peers: node 4: cannot be dialled at {address!r}: ")
        pair.sides[1].send(TimeoutNow(sender=1, to=2, term=7))
        with trio.fail_after(WITHIN_S):
            assert (await pair.sides[2].receive()).term == 7

    await running(pair, body)


class BrokenStream:
    """Breaks when it is written to, before a reader has noticed anything."""

    async def send_all(self, _data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        raise trio.BrokenResourceError

    async def receive_some(self, _count: int) -> bytes:
        await trio.sleep_forever()
        raise AssertionError


async def test_a_connection_that_breaks_in_a_write_is_a_loss_and_no_error() -> None:
    side = Pair().sides[1]
    peer = side._peers[2]
    peer.connected = True
    side.send(TimeoutNow(sender=1, to=2, term=1))
    with trio.fail_after(WITHIN_S):
        await side._write(peer, BrokenStream())  # type: ignore[arg-type]
