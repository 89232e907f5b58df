"""Who belongs to the cluster, who votes, and what counts as a majority, also between two sets.

Why it exists: every rule of consensus says "a majority", and a membership change is the one time
when it is unclear of whom. So the answer stands here alone: of the voters and, while a change is
under way, of the outgoing voters too (joint consensus, Raft section 6). Pure values; it must not
know terms, logs or messages.

A change of voters takes two records: the first makes the cluster joint (old and new voters must
both agree to everything), the second leaves the old ones behind. A change of learners alone takes
one. A configuration is in force as soon as its record stands in a member's log, committed or not,
and ceases to be if that record is cut.
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from replication.messages import NODE_MAX, node_number
from replication.quorum import durable_on_majority, majority

VOTERS_MAX: Final = 9
"""Beyond nine every decision waits for five disks, and nothing is gained that seven lack."""
LEARNERS_MAX: Final = 16


class BadConfiguration(ValueError):
    """The caller's fault: a change that no cluster may make; or, of bytes, a peer's or our bug."""


class Configuration(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Members by id, each tuple sorted. `outgoing` is empty unless the configuration is joint.

    `invited` are node numbers whose new members may join by themselves besides the numbers of
    present members; `addresses` say where a node listens for its peers, where the file of
    settings does not. `note` is who asked for the change and why; no rule reads it.
    """

    voters: tuple[int, ...]
    learners: tuple[int, ...] = ()
    outgoing: tuple[int, ...] = ()
    invited: tuple[int, ...] = ()
    addresses: tuple[tuple[int, str], ...] = ()
    note: bytes = b""

    @property
    def is_joint(self) -> bool:
        return bool(self.outgoing)

    @property
    def members(self) -> tuple[int, ...]:
        return tuple(sorted({*self.voters, *self.outgoing, *self.learners}))

    def has(self, member: int) -> bool:
        return member in self.voters or member in self.outgoing or member in self.learners

    def votes(self, member: int) -> bool:
        return member in self.voters or member in self.outgoing

    def is_majority(self, members: Collection[int]) -> bool:
        """Whether they are a majority of the voters, and of the outgoing ones while joint."""
        return _has(self.voters, members) and (not self.outgoing or _has(self.outgoing, members))

    def on_majority(self, value_of: Mapping[int, int]) -> int:
        """The highest value that a majority has reached; members without one have 0."""
        reached = durable_on_majority([value_of.get(member, 0) for member in self.voters])
        if self.outgoing:
            old = durable_on_majority([value_of.get(member, 0) for member in self.outgoing])
            reached = min(reached, old)
        return reached

    def admits(self, member: int) -> bool:
        """Whether a member of this id may ask to join: its node is known or invited."""
        node = node_number(member)
        known = any(node_number(present) == node for present in self.members)
        return (known or node in self.invited) and member not in self.members


def founding(voters: Collection[int]) -> Configuration:
    return checked(Configuration(voters=tuple(sorted(voters))))


def checked(configuration: Configuration) -> Configuration:
    """The same. Raises `BadConfiguration` if it is none."""
    voters, learners = configuration.voters, configuration.learners
    if not 1 <= len(voters) <= VOTERS_MAX:
        raise BadConfiguration(f"voters: {len(voters)}; a cluster has 1 to {VOTERS_MAX}")
    if len(learners) > LEARNERS_MAX:
        raise BadConfiguration(f"learners: {len(learners)}; at most {LEARNERS_MAX}")
    for name in ("voters", "learners", "outgoing"):
        members = getattr(configuration, name)
        if list(members) != sorted(set(members)):
            raise BadConfiguration(f"{name}: {members} are not sorted, or one stands there twice")
        if any(member < 1 or node_number(member) == 0 for member in members):
            raise BadConfiguration(f"{name}: {members}: a node's number is 1 to {NODE_MAX}")
    if set(learners) & {*voters, *configuration.outgoing}:
        raise BadConfiguration(f"learners: {learners}: a member either votes or learns")
    return configuration


def with_learner(now: Configuration, member: int, note: bytes) -> Configuration:
    """`member` learns; an earlier learner on the same node goes."""
    kept = [m for m in now.learners if node_number(m) != node_number(member)]
    return _changed(now, learners=tuple(sorted([*kept, member])), note=note)


def promoted(now: Configuration, member: int, note: bytes) -> Configuration:
    """The joint step in which a learner becomes a voter, in place of its node's earlier one."""
    if member not in now.learners:
        raise BadConfiguration(f"member {member} is no learner")
    kept = [m for m in now.voters if node_number(m) != node_number(member)]
    return _changed(
        now,
        voters=tuple(sorted([*kept, member])),
        learners=tuple(m for m in now.learners if m != member),
        invited=tuple(n for n in now.invited if n != node_number(member)),
        outgoing=now.voters,
        note=note,
    )


def without(now: Configuration, node: int, note: bytes) -> Configuration:
    """The node's members go: in one step if none votes, else in the joint one."""
    voters = tuple(m for m in now.voters if node_number(m) != node)
    learners = tuple(m for m in now.learners if node_number(m) != node)
    invited = tuple(n for n in now.invited if n != node)
    if (voters, learners, invited) == (now.voters, now.learners, now.invited):
        raise BadConfiguration(f"node {node}: is not in the cluster")
    outgoing = now.voters if voters != now.voters else ()
    addresses = tuple(pair for pair in now.addresses if pair[0] != node)
    return _changed(
        now, voters=voters, learners=learners, invited=invited, outgoing=outgoing,
        addresses=addresses, note=note,
    )  # fmt: skip


def inviting(now: Configuration, node: int, address: str, note: bytes) -> Configuration:
    """A node that is new to the cluster may join."""
    if not 1 <= node <= NODE_MAX:
        raise BadConfiguration(f"node: {node} is outside 1..{NODE_MAX}")
    if any(node_number(member) == node for member in now.members):
        raise BadConfiguration(f"node {node}: is in the cluster already")
    addresses = tuple(pair for pair in now.addresses if pair[0] != node)
    if address:
        addresses = tuple(sorted([*addresses, (node, address)]))
    invited = tuple(sorted({*now.invited, node}))
    return _changed(now, invited=invited, addresses=addresses, note=note)


def settled(joint: Configuration) -> Configuration:
    """What follows a joint configuration: the outgoing voters have gone."""
    assert joint.is_joint, joint
    return msgspec.structs.replace(joint, outgoing=())


def encode(configuration: Configuration) -> bytes:
    return msgspec.msgpack.encode(configuration)


def decode(data: bytes) -> Configuration:
    """Raises `BadConfiguration`."""
    try:
        return checked(msgspec.msgpack.decode(data, type=Configuration))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadConfiguration(f"configuration: {error}") from error


def _changed(now: Configuration, **fields: object) -> Configuration:
    if now.is_joint:
        raise BadConfiguration("a change of members is under way: one at a time")
    return checked(msgspec.structs.replace(now, **fields))


def _has(voters: tuple[int, ...], members: Collection[int]) -> bool:
    return sum(voter in members for voter in voters) >= majority(len(voters))
