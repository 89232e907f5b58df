"""A leader gives its snapshot to a follower whose records are gone; neither waits for it."""

from tests.replication.cluster import SMALL, Cluster


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
