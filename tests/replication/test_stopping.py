"""A leader that stops hands over to somebody who is there, whatever it did a moment ago."""

from tests.replication.cluster import Cluster


def test_who_has_just_counted_its_followers_still_hands_over() -> None:
    """The count begins anew then, so nobody has been heard of since."""
    cluster = Cluster(3)
    cluster.elect(1)
    cluster.send(1)
    cluster.run(5.0)
    replica = cluster[1].replica
    cluster.run(replica._quorum_due_s - cluster.time.now_s - 0.001)
    cluster.time.now_s += 0.001
    cluster[1].tick()
    cluster.settle(1)
    assert not any(progress.active for progress in replica.progress.values())
    node = cluster[1]
    node.stop()
    cluster.settle(1)
    is_drained = node.is_drained
    assert not is_drained, "it would end as the leader"
    cluster.deliver()
    assert cluster[1].is_drained
    assert cluster.leaders in ([2], [3])


def test_who_was_not_heard_of_for_an_election_timeout_is_no_successor() -> None:
    cluster = Cluster(5)
    cluster.elect(1)
    cluster.send(1)
    cluster.run(1.0)
    cluster.crash(2)  # of those that have all, the first in the order
    cluster.run(1.0)
    assert cluster.leaders == [1]
    assert cluster[1].replica.successor == 3


def test_a_new_leader_takes_nobody_for_its_successor_whom_it_never_heard() -> None:
    cluster = Cluster(3)
    cluster.elect(1)
    cluster.run(1.0)
    replica = cluster[1].replica
    assert replica.successor == 2
    cluster.crash(2)
    cluster.isolate(1)
    cluster.run(3.0)
    cluster.heal()
    cluster.elect(1)
    assert replica.successor == 3
