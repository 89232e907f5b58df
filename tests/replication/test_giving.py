"""A leader gives its snapshot to a follower whose records are gone; neither waits for it."""

import msgspec
import pytest

from replication.messages import Message, SnapshotChunk
from replication.ports import SnapshotData, SnapshotMeta
from replication.snapshot_chunks import outgoing
from sim.storage import SimSnapshots
from tests.replication.cluster import SMALL, Cluster, Host


def behind() -> Cluster:
    """Node 1 leads; node 3 lacks records that are gone."""
    cluster = Cluster(3, SMALL)
    cluster.elect(1)
    cluster.isolate(3)
    for first in range(1, 31):
        cluster.send(1, first=first)
        cluster.run(0.1)
    assert cluster.hosts[1].log.first.index > 1, "nothing was cut: this test shows nothing"
    return cluster


def index_of(cluster: Cluster, member: int) -> int:
    return cluster[member].machine.index


def test_a_leader_goes_on_while_its_snapshot_is_read() -> None:
    cluster = behind()
    cluster.hosts[1].reads_held = True
    cluster.heal()
    cluster.run(1.0)
    assert cluster.hosts[1].to_read > 0
    assert index_of(cluster, 3) < 2
    before = index_of(cluster, 1)
    answers = cluster.send(1, first=31)
    cluster.run(1.0)
    assert len(answers) == 1
    assert index_of(cluster, 1) == before + 1
    cluster.hosts[1].reads_held = False
    cluster.settle(1)
    cluster.run(1.0)
    cluster.assert_equal()
    assert cluster.hosts[3].snapshots.saved, "it came by records: this test shows nothing"


def test_who_lost_the_lead_while_reading_offers_nothing() -> None:
    cluster = behind()
    cluster.hosts[1].reads_held = True
    cluster.heal()
    cluster.run(1.0)
    cluster.isolate(1)
    cluster.elect(2)
    cluster.heal()
    cluster.run(1.0)
    cluster.hosts[1].reads_held = False
    cluster.settle(1)
    cluster.run(1.0)
    assert cluster.leaders == [2]
    cluster.assert_equal()


def test_when_no_snapshot_is_whole_the_next_of_its_own_is_given() -> None:
    cluster = behind()
    kept = cluster.hosts[1].snapshots.saved
    last = max(meta.index for meta, _ in kept)
    kept.clear()
    cluster.heal()
    cluster.run(2.0)
    cluster.assert_equal()
    assert [meta.index for meta, _ in kept] == [31]
    assert last < 31


def test_a_follower_hears_its_leader_while_it_restores() -> None:
    cluster = behind()
    cluster.hosts[3].reads_held = True
    cluster.heal()
    cluster.run(1.0)
    assert cluster.hosts[3].arrived is not None
    term = cluster[1].replica.term
    cluster.send(1, first=31)
    cluster.run(30.0)
    assert cluster.leaders == [1]
    assert cluster[1].replica.term == term, "a follower that restores has stood for election"
    assert index_of(cluster, 3) < 2
    cluster.hosts[3].reads_held = False
    cluster.settle(3)
    cluster.run(1.0)
    cluster.assert_equal()


def test_a_snapshot_that_is_none_is_refused() -> None:
    cluster = behind()
    kept = cluster.hosts[1].snapshots.saved
    meta, data = max(kept, key=lambda pair: pair[0].index)
    kept.append((meta, b"none"))
    kept.remove((meta, data))
    cluster.heal()
    cluster.run(1.0)
    assert any("a leader sent one that is none" in warning for warning in cluster.warnings)
    assert index_of(cluster, 3) < 2
    assert not cluster[3].replica.is_installing
    assert cluster.hosts[3].snapshots.saved == []


class Killed(Exception):
    """The process ends when the snapshot is on the disk, and the log does not follow it yet."""


class Pruned(SimSnapshots):
    """Keeps what production keeps; and may be the last thing that the process does."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self.kills = False

    def save_now(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        self.keep(meta, b"".join(data), self._host.log.result_index())
        if self.kills:
            raise Killed


def test_kills_between_a_leaders_snapshot_and_the_logs_reset_leave_a_disk_that_starts() -> None:
    cluster = Cluster(3, SMALL)
    host = cluster.hosts[3]
    kept = Pruned(host)
    host.snapshots = kept  # type: ignore[assignment]
    cluster.elect(1)
    for first in range(1, 25):
        cluster.send(1, first=first)
        cluster.run(0.05)
    assert host.log.first.index > 0, "the log was not cut: this test shows nothing"
    for life in (1, 2, 3):
        cluster.isolate(3)
        leader = 1 + life % 2
        cluster.crash(3 - leader)
        cluster.start(3 - leader)
        cluster.elect(leader)  # another one gives another snapshot
        for first in range(100 * life, 100 * life + 25):
            cluster.send(leader, first=first)
            cluster.run(0.05)
        cluster.heal()
        kept.kills = True
        with pytest.raises(Killed):
            cluster.run(10.0)
        kept.kills = False
        cluster.crash(3)
        cluster.start(3)
        assert index_of(cluster, 3) < 30
    assert len(kept.saved) > 3, "the same one came each time: this test shows nothing"
    cluster.run(5.0)
    cluster.assert_equal()


def test_a_base_that_waits_for_a_busy_disk_does_not_come_after_a_reset() -> None:
    """One's own snapshot is saved, then a leader's, while one write of the log takes long."""
    cluster = Cluster(3, SMALL)
    cluster.elect(1)
    for first in range(1, 18):
        cluster.send(1, first=first)
        cluster.run(0.05)
    host, node = cluster.hosts[3], cluster[3]
    cluster.run(0.5)
    cluster.hold_disk(3)
    node.snapshot_soon()
    cluster.settle(3)
    cluster.send(1, first=99)
    cluster.deliver()  # a write that stays under way
    cluster.isolate(3)
    for first in range(100, 145):
        cluster.send(1, first=first)
        cluster.run(0.02)
    save_held(cluster, 3)
    assert host.write is not None
    assert node.snapshots._base is not None, "no base waits: this test shows nothing"
    cluster.heal()
    while host.snapshot is None:
        cluster.run(0.02)
    save_held(cluster, 3)
    cluster.release_disk(3)
    [reset] = [write.reset for write in host.log.writes if write.reset is not None]
    assert host.log.first == reset
    cluster.run(2.0)
    cluster.crash(3)
    cluster.start(3)
    cluster.run(2.0)
    cluster.assert_equal()


def save_held(cluster: Cluster, member: int) -> None:
    """The snapshot that is under way is durable; the log's disk goes on being busy."""
    host = cluster.hosts[member]
    assert host.snapshot is not None, "nothing is being saved: this test shows nothing"
    meta, data = host.snapshot
    host.snapshot = None
    host.snapshots.save_now(meta, data)
    host.up.snapshot_saved(meta)
    cluster.settle(member)


def installed() -> Cluster:
    """Node 3 got its log's base from a leader's snapshot, has an older one of its own, and leads.
    Node 2 has lost its disk."""
    cluster = Cluster(3, SMALL)
    cluster.elect(1)
    for first in range(1, 15):
        cluster.send(1, first=first)
        cluster.run(0.05)
    cluster.isolate(3)
    for first in range(15, 60):
        cluster.send(1, first=first)
        cluster.run(0.05)
    cluster.heal()
    cluster.run(2.0)
    base = cluster[3].replica.base.index
    kept = cluster.hosts[3].snapshots.saved
    assert min(meta.index for meta, _ in kept) < base == max(meta.index for meta, _ in kept)
    cluster.crash(2)
    del cluster.hosts[2]
    cluster[1].transfer(3)
    cluster.settle(1)
    cluster.deliver()
    assert cluster.leaders == [3]
    return cluster


def test_a_snapshot_below_the_leaders_own_log_is_not_given() -> None:
    """Its newest has rotted: who installed an older one would lack records that are gone."""
    cluster = installed()
    kept = cluster.hosts[3].snapshots.saved
    base = cluster[3].replica.base.index
    kept[:] = [pair for pair in kept if pair[0].index < base]
    given: list[int] = []

    def note(message: Message) -> bool:
        if isinstance(message, SnapshotChunk):
            given.append(msgspec.msgpack.decode(message.meta, type=SnapshotMeta).index)
        return False

    cluster.drop = note
    late = 9 << 16 | 2
    cluster.join(late)
    cluster.run(20.0)
    assert given, "it came by records: this test shows nothing"
    assert min(given) >= base, "a snapshot that the leader's log does not reach"
    assert index_of(cluster, late) == index_of(cluster, 3)


def test_a_log_that_is_cut_while_its_snapshot_is_read_gives_a_newer_one() -> None:
    cluster = behind()
    host = cluster.hosts[1]
    host.reads_held = True
    cluster.heal()
    cluster.run(1.0)
    kept = sorted(host.snapshots.saved, key=lambda pair: pair[0].index)
    read = outgoing(*kept[-1])
    index, host.to_read = host.to_read, 0
    assert read.index == index
    for first in range(31, 60):
        cluster.send(1, first=first)
        cluster.run(0.1)
    assert cluster[1].replica.base.index > index, "nothing was cut: this test shows nothing"
    cluster[1].snapshot_read(index, read)
    host.reads_held = False
    cluster.settle(1)
    cluster.run(2.0)
    assert min(meta.index for meta, _ in cluster.hosts[3].snapshots.saved) > index
    cluster.assert_equal()


def test_a_follower_that_waits_for_a_snapshot_gets_one_when_there_is_room_again() -> None:
    """Tried sooner than on one's own account, and yet not with every message."""
    settings = msgspec.structs.replace(SMALL, snapshot_entries=48)
    cluster = Cluster(3, settings)
    cluster.elect(1)
    cluster.isolate(3)
    cluster.hosts[1].reads_held = True
    for first in range(1, 160):
        cluster.send(1, first=first)
        cluster.run(0.1)
    assert cluster.hosts[1].log.first.index > 1, "nothing was cut: this test shows nothing"
    cluster.hosts[1].snapshots.saved.clear()
    cluster.hosts[1].is_full = True
    cluster.hosts[1].reads_held = False
    cluster.heal()
    cluster.run(2.0)
    assert cluster.hosts[1].failed_saves == 1
    for first in range(160, 163):
        cluster.send(1, first=first)
        cluster.run(0.1)
    assert cluster.hosts[1].failed_saves == 2
    cluster.hosts[1].is_full = False
    assert index_of(cluster, 3) < 2
    for first in range(163, 166):
        cluster.send(1, first=first)
        cluster.run(0.1)
    cluster.assert_equal()
