"""At the leader's door: no machine version is logged that a member's program does not know."""

from core import commands as c
from core.codes import OK, VALIDATION
from replication.batching import Submission
from replication.checkpoints import version_wanted
from replication.ports import Submitted, Unknown
from tests.replication.cluster import Cluster

LISTING = c.list_symbol(
    "X", 1, 2, tick_units=1, lot_units=1, min_price=1, max_price=1, max_qty=1, min_notional=0,
    max_notional=1, maker_ppm=0, taker_ppm=0,
)  # fmt: skip


def ask(cluster: Cluster, version: int) -> Submitted:
    """What member 1 answers to an operator who wants this version."""
    answers: list[Submitted | Unknown] = []
    cluster[1].submit(Submission(c.set_version(version), 1, b"", answers.append))
    cluster.settle(1)
    cluster.deliver()
    cluster.run(0.2)
    (answer,) = answers
    assert isinstance(answer, Submitted)
    return answer


def test_the_version_is_refused_until_every_program_knows_it() -> None:
    cluster = Cluster(3)
    cluster.elect(1)
    first = ask(cluster, 2)
    assert (first.code, first.reason) == (
        VALIDATION, "version: 2 is not known to the programs of members [1, 2, 3]",
    )  # fmt: skip
    before = cluster[1].replica.last_index
    for member in (1, 2):
        cluster[member].replica.version = 2
    cluster.run(0.2)
    assert ask(cluster, 2).reason.endswith("members [3]")
    assert cluster[1].replica.last_index == before, "nothing of what was refused is in the log"
    cluster[3].replica.version = 2
    cluster.run(0.2)
    assert ask(cluster, 2).code == OK
    assert ask(cluster, 3).reason.endswith("members [1, 2, 3]")


def test_who_has_said_nothing_in_this_term_knows_nothing() -> None:
    cluster = Cluster(3)
    for member in (1, 2, 3):
        cluster[member].replica.version = 2
    cluster.isolate(3)
    cluster.elect(1)
    assert ask(cluster, 2).reason.endswith("members [3]")
    cluster.heal()
    cluster.run(1.0)
    assert ask(cluster, 2).code == OK


def test_a_version_is_found_wherever_it_stands_in_a_batch() -> None:
    plain, wanted = c.cancel(2, 1, 13), c.set_version(7)
    for records, version in (
        ([plain, plain], 0), ([plain, wanted], 7), ([wanted, c.set_version(9), plain], 9),
        ([LISTING, wanted], 7), ([c.checkpoint(), plain, wanted], 7), ([LISTING, plain], 0),
        ([c.set_version(-1)], 0),
    ):  # fmt: skip
        assert version_wanted(b"".join(records), len(records)) == version
