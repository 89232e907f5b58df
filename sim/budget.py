"""The fault budget: how much may be broken at one time, so that a run can still be survived.

Why it exists: a fault that can never be survived proves nothing. Of every group that may have to
decide only a minority may have a disk that is not what it promised, so no record is damaged on a
majority and no quorum of disks is ever lost. It must not know faults, only their victims.
"""

import random
from collections.abc import Iterable

from replication.messages import node_number
from sim.process import Host


class Budget:
    def __init__(self, hosts: dict[int, Host], founders: list[int]) -> None:
        self._hosts = hosts
        self._founders = founders

    def groups(self) -> list[tuple[int, ...]]:
        """The voters, and the outgoing ones, of every configuration that may come into force."""
        found: dict[tuple[int, ...], None] = {}
        for _, host in sorted(self._hosts.items()):
            if host.configuration is not None:
                found[host.configuration.voters] = None
                found[host.configuration.outgoing] = None
        found.pop((), None)
        return list(found) or [tuple(self._founders)]

    def may_impair(self, host: Host) -> bool:
        """Whether of all that may have to decide only a minority would be impaired."""
        for group in self.groups():
            impaired = [m for m in group if m == host.member or self._is_impaired(m)]
            if len(impaired) * 2 >= len(group):
                return False
        return True

    def _is_impaired(self, member: int) -> bool:
        """Its disk is not what it promised: damaged, lost, or another one in its place."""
        host = self._hosts[node_number(member)]
        return bool(host.member != member or host.storage.log.damaged or host.is_refused)


def sound_majority(
    hosts: Iterable[Host], groups: Iterable[tuple[int, ...]], rng: random.Random
) -> list[Host] | None:  # fmt: skip
    """A random bare majority of each group, with sound disks; None if there is none."""
    sound = {
        host.member: host for host in hosts if not host.storage.log.damaged and not host.is_refused
    }
    core: dict[int, Host] = {}
    for group in groups:
        count = len(group) // 2 + 1
        members = [member for member in group if member in sound]
        missing = count - sum(member in core for member in members)
        others = [member for member in members if member not in core]
        if len(others) < missing:
            return None
        core.update((member, sound[member]) for member in rng.sample(others, max(0, missing)))
    return list(core.values())
