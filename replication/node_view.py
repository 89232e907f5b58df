"""The cluster as a node sees it, for operators and metrics.

Why it exists: what `admin cluster status` shows is put together from what the replica knows and
what the transport sees; neither should know the other's words. It changes nothing.
"""

from typing import Final, Protocol, TypeVar

from replication.messages import node_number
from replication.node import Node
from replication.ports import ClusterView, MemberView, NodeStatus, StateMachine
from replication.replica import Replica
from replication.replica_state import Role


M = TypeVar("M", bound=StateMachine)

_ROLE_NAMES: Final = {
    Role.FOLLOWER: "FOLLOWER",
    Role.PRE_CANDIDATE: "CANDIDATE",
    Role.CANDIDATE: "CANDIDATE",
    Role.LEADER: "LEADER",
}


class Peers(Protocol):
    """What a transport knows of the other nodes."""

    @property
    def connected(self) -> frozenset[int]:
        """Numbers of the nodes to which there is a connection."""
        ...

    @property
    def addresses(self) -> dict[int, str]: ...


def node_status(node: Node[M]) -> NodeStatus:
    """What the node says of itself, read without waiting."""
    replica, machine = node.replica, node.machine
    return NodeStatus(
        role="STOPPING" if node.is_stopping else _ROLE_NAMES[replica.role],
        node_id=node_number(replica.member), cluster_id=replica.cluster.hex(),
        partition=node.partition, term=replica.term, index=machine.index,
        durable_index=replica.durable_index, ts_ns=node.ts_ns, chain=machine.chain.hex(),
        leader=node_number(replica.leader), accepting=node.accepting,
        machine_version=str(machine.version),
    )  # fmt: skip


def cluster_view(node: Node[M], peers: Peers | None) -> ClusterView:
    """What `node` knows now; what the leader alone knows is 0 elsewhere."""
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
        commit_index=replica.commit_index, applied_index=node.machine.index,
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
