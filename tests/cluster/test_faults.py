"""A cluster of three on loopback under load through the gateway: leaders are killed and frozen.

No acknowledged order is lost, none is executed twice, each term has one leader, the states are
equal, and the ledger that followed all the time has the same balances.
"""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from core.codes import HOUSE
from tests.cluster.trio_of_nodes import ThreeNodes
from tests.e2e.harness import until
from tests.node.books import Books
from tests.node.process import lockstep

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
CYCLES = int(os.environ.get("LOCKSTEP_CLUSTER_CYCLES", "2"))


async def kill_and_start_again(cluster: ThreeNodes) -> float:
    """When the fault began, as each of these."""
    leader = await cluster.leader()
    began_s = time.monotonic()
    cluster.nodes[leader].kill()
    cluster.nodes[leader].wait()
    await cluster.acknowledged(100)
    cluster.start(leader)
    await cluster.acknowledged(100)
    return began_s


async def freeze_and_thaw(cluster: ThreeNodes) -> float:
    leader = await cluster.leader()
    began_s = time.monotonic()
    cluster.nodes[leader].send_signal(signal.SIGSTOP)
    await cluster.acknowledged(100)
    cluster.nodes[leader].send_signal(signal.SIGCONT)
    await cluster.acknowledged(100)
    return began_s


async def stop_and_start_again(cluster: ThreeNodes) -> float:
    """SIGTERM: the leader hands over and ends."""
    leader = await cluster.leader()
    began_s = time.monotonic()
    cluster.nodes[leader].terminate()

    async def ended() -> bool:
        return cluster.nodes[leader].poll() is not None

    await until(ended, "the leader ends", 30)
    assert cluster.nodes[leader].returncode == 0, cluster.said(leader)
    cluster.start(leader)
    await cluster.acknowledged(100)
    return began_s


async def test_leaders_are_killed_frozen_and_stopped(
    tmp_path: Path, record_property: pytest.FixtureRequest
) -> None:
    gaps: dict[str, list[float]] = {}
    leaderless: dict[str, list[float]] = {}
    settings = {"checkpoint_entries": "25", "snapshot_entries": "200"}
    async with (
        ThreeNodes(tmp_path, settings=settings) as cluster,
        Books(tmp_path / "books", cluster.core) as books,
    ):
        cluster.trade()
        await cluster.acknowledged(200)
        for fault in (kill_and_start_again, freeze_and_thaw, stop_and_start_again) * CYCLES:
            began_s = await fault(cluster)
            leaderless.setdefault(fault.__name__, []).append(
                round(cluster.leaderless_s(began_s), 3)
            )
            gaps.setdefault(fault.__name__, []).append(round(cluster.longest_gap_s(began_s), 3))
        await cluster.end()
        async with cluster.client() as core:
            status = await core.status()
            await books.caught_up(status.index)
            await books.equal_to(core, [HOUSE, *(a.account for a in cluster.accounts)])
        assert await books.stop() == 0
        await books.sound()
        assert len(cluster.leaders) >= 3 * CYCLES, "each fault made a new leader"
    print(f"orders {len(cluster.acks)}, seconds without an acknowledgement {json.dumps(gaps)}")
    print(f"seconds without a leader {json.dumps(leaderless)}")
    folders = [str(tmp_path / f"node-{node}") for node in (1, 2)]
    code, out, err = await lockstep("audit", *folders, "--json")
    assert code == 0, out + err
