"""Disks that fill up: who takes no more, who hands over, and that all end at one record."""

from core.codes import OK, OVERLOADED
from replication.ports import FOLLOWED_BYTES, Submitted
from tests.replication.cluster import Cluster


def led() -> Cluster:
    """Node 1 leads, all are equal."""
    cluster = Cluster(3)
    cluster.elect(1)
    cluster.send(1)
    cluster.run(1.0)
    cluster.assert_equal()
    return cluster


def test_a_follower_whose_door_is_closed_keeps_up() -> None:
    cluster = led()
    cluster.hosts[3].log.room = 0
    answers = cluster.send(1, first=2)
    cluster.run(1.0)
    assert [answer.code for answer in answers if isinstance(answer, Submitted)] == [OK]
    cluster.assert_equal()


def test_nodes_that_fill_up_together_end_at_one_record() -> None:
    """A record more than the door admitted, such as a new leader's first, is taken by all."""
    cluster = led()
    for host in cluster.hosts.values():
        host.log.room = 0
    cluster.isolate(1)
    cluster.elect(2)
    cluster.heal()
    cluster.run(1.0)
    refused = cluster.send(2, first=2)
    assert [answer.code for answer in refused if isinstance(answer, Submitted)] == [OVERLOADED]
    cluster.assert_equal()


def test_a_follower_without_reserve_stays_behind_until_it_has_room() -> None:
    cluster = led()
    before = cluster[3].machine.index
    cluster.hosts[3].log.room = -FOLLOWED_BYTES
    cluster.send(1, first=2)
    cluster.run(1.0)
    assert (cluster[1].machine.index, cluster[3].machine.index) == (before + 1, before)
    cluster.hosts[3].log.room = 1 - FOLLOWED_BYTES
    cluster.run(1.0)
    cluster.assert_equal()


def test_a_leader_whose_door_is_closed_hands_over_to_who_has_room() -> None:
    cluster = led()
    cluster.hosts[1].log.room = 0
    cluster.run(1.0)
    assert cluster.leaders in ([2], [3])
    cluster.assert_equal()


def test_who_is_full_does_not_take_the_lead() -> None:
    cluster = led()
    for host in cluster.hosts.values():
        host.log.room = 0
    term = cluster[1].replica.term
    cluster.run(5.0)
    assert (cluster.leaders, cluster[1].replica.term) == ([1], term)
