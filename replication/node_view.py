"""The cluster as a node sees it, for operators and metrics.

Why it exists: what `admin cluster status` shows is put together from what the replica knows and
what the transport sees; neither should know the other's words. It changes nothing.
"""

from typing import Protocol, TypeVar

from replication.messages import node_number
from replication.node import Node
from replication.ports import ClusterView, MemberView, StateMachine
from replication.replica import Replica
from replication.replica_state import Role


M = TypeVar("M", bound=StateMachine)


class Peers(Protocol):
    """What a transport knows of the other nodes."""

    @property
    def connected(self) -> frozenset[int]:
        """Numbers of the nodes to which there is a connection."""
        ...

    @property
    def addresses(self) -> dict[int, str]: ...


def cluster_view(node: Node[M], peers: Peers | None) -> ClusterView:
    replica = node.replica
    connected = peers.connected if peers is not None else frozenset()
    addresses = peers.addresses if peers is not None else {}
    members = []
    for member in replica.configuration.members:
        number = node_number(member)
        own = member == replica.member
        progress = replica.progress.get(member)
        leads = replica.role is Role.LEADER
        match = replica.durable_index if own else progress.match if progress is not None else 0
        known = own or progress is not None
        members.append(
            MemberView(
                member=member, node=number, role=_role_of(replica, member),
                match_index=match if known else 0,
                lag_entries=replica.last_index - match if known and leads else 0,
                connected=own or number in connected,
                damaged=replica.damaged if own else progress.damaged if progress else 0,
                version=replica.version if own else progress.version if progress else 0,
                address=addresses.get(number, ""),
            )
        )  # fmt: skip
    return ClusterView(
        node=node_number(replica.member), leader=node_number(replica.leader), term=replica.term,
        commit_index=replica.commit_index, applied_index=node.status().index,
        base_index=replica.base.index, is_joint=replica.configuration.is_joint,
        damaged=replica.damaged, members=tuple(members),
    )  # fmt: skip


def _role_of(replica: Replica, member: int) -> str:
    configuration = replica.configuration
    if member == replica.leader:
        return "LEADER"
    if member in configuration.voters:
        return "VOTER"
    return "OUTGOING" if member in configuration.outgoing else "LEARNER"
