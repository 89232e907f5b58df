"""Three nodes in network namespaces of their own: links are cut, half-cut and slow; disks are full.

The namespaces, a bridge between them and small file systems are made for the test and removed
after it. Needs root and `ip`; without them it is skipped with the reason, and fails where the
servers are required.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.lmdb_log import MAP_BYTES_MIN
from adapters.rpc_stream import OutcomeUnknown
from core.codes import GTC, LIMIT, NOT_LEADER, OK, OVERLOADED, SELL
from core.commands import place
from tests.cluster.trio_of_nodes import ThreeNodes

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
SUBNET = "10.213.77"
BATCHES_MAX = 1000
NAMES = {node: f"lockstep{os.getpid() % 10_000}n{node}" for node in (1, 2, 3)}
BRIDGE = f"lsbr{os.getpid() % 10_000}"


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def why_not() -> str:
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "`ip` is not installed"
    probe = f"lockstep{os.getpid()}p"
    made = subprocess.run(
        ["ip", "netns", "add", probe], capture_output=True, text=True, check=False
    )
    if made.returncode:
        return f"no network namespaces here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return ""


@pytest.fixture
def network() -> Iterator[None]:
    reason = why_not()
    if reason and os.environ.get("LOCKSTEP_REQUIRE_SERVERS"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    try:
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "addr", "add", f"{SUBNET}.254/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for node, name in NAMES.items():
            run("ip", "netns", "add", name)
            run("ip", "link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0",
                "netns", name)  # fmt: skip
            run("ip", "link", "set", f"{name}h", "master", BRIDGE, "up")
            for command in (
                ["addr", "add", f"{SUBNET}.{node}/24", "dev", "eth0"],
                ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"],
            ):  # fmt: skip
                run("ip", "-n", name, *command)
        yield
    finally:
        for name in NAMES.values():
            # A namespace goes in the background, and would take its pair with it some time later.
            subprocess.run(["ip", "link", "del", f"{name}h"], capture_output=True, check=False)
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", BRIDGE], capture_output=True, check=False)


def cluster_in(folder: Path) -> ThreeNodes:
    hosts = {node: f"{SUBNET}.{node}" for node in NAMES}
    prefixes = {node: ["ip", "netns", "exec", name] for node, name in NAMES.items()}
    return ThreeNodes(folder, hosts, prefixes)


@contextlib.contextmanager
def cut(node: int) -> Iterator[None]:
    """Nothing to or from this node."""
    run("ip", "link", "set", f"{NAMES[node]}h", "down")
    try:
        yield
    finally:
        run("ip", "link", "set", f"{NAMES[node]}h", "up")


@contextlib.contextmanager
def half_cut(node: int, others: list[int]) -> Iterator[None]:
    """What this node sends to the others is dropped; what they send arrives."""
    for other in others:
        run("ip", "-n", NAMES[node], "route", "add", "blackhole", f"{SUBNET}.{other}/32")
    try:
        yield
    finally:
        for other in others:
            run("ip", "-n", NAMES[node], "route", "del", "blackhole", f"{SUBNET}.{other}/32")


async def test_links_are_cut_and_half_cut(network: None, tmp_path: Path) -> None:
    async with cluster_in(tmp_path) as cluster:
        cluster.trade()
        await cluster.acknowledged(100)
        leader = await cluster.leader()
        with cut(leader):
            await cluster.acknowledged(100)
        await cluster.acknowledged(50)
        leader = await cluster.leader()
        others = [node for node in NAMES if node != leader]
        with half_cut(leader, others):
            await cluster.acknowledged(100)
        leader = await cluster.leader()
        follower = next(node for node in NAMES if node != leader)
        with half_cut(follower, [node for node in NAMES if node != follower]):
            await cluster.acknowledged(100)
        await cluster.acknowledged(50)
        await cluster.end()
        assert len(cluster.leaders) >= 3


async def test_a_follower_whose_disk_is_full_holds_nobody_up(network: None, tmp_path: Path) -> None:
    """Node 3's data lies on a file system that is filled while the others go on."""
    small = tmp_path / "node-3"
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(small))
    try:
        async with cluster_in(tmp_path) as cluster:
            cluster.trade()
            await cluster.acknowledged(100)
            filler = small / "filler"
            with contextlib.suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(bytes(1 << 16))
            await cluster.acknowledged(300)
            filler.unlink()
            if cluster.nodes[3].poll() is not None:  # it stopped rather than lie
                cluster.start(3)
            await cluster.acknowledged(100)
            await cluster.end()
    finally:
        run("umount", "-l", str(small))


async def test_a_filled_map_is_refused_and_loses_nothing(tmp_path: Path) -> None:
    """The smallest LMDB maps, filled by large batches: refused, with a reason, and nothing lost."""
    async with ThreeNodes(tmp_path, settings={"map_bytes": str(MAP_BYTES_MIN)}) as cluster:
        cluster.trade()
        await cluster.acknowledged(100)
        account = cluster.accounts[0].account
        async with cluster.client() as core:
            for batch in range(1, BATCHES_MAX):
                commands = [
                    place(account, 1, SELL, LIMIT, GTC, 60_000, 1, key=(batch, n + 1))
                    for n in range(4000)
                ]
                try:
                    answer = await core.submit(b"".join(commands), len(commands))
                except OutcomeUnknown:
                    break  # taken by a leader, and the others have no room for it
                if answer.code != OK:
                    assert answer.code in (OVERLOADED, NOT_LEADER), answer
                    break
            else:
                pytest.fail("the map is never full")
        assert all(cluster.nodes[node].poll() is None for node in cluster.nodes)
        await cluster.give_up()
