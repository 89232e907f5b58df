"""Short stories: faults that are several failures in a row, because some bugs need just these.

Why it exists: two independent faults meet within a few milliseconds once in hundreds of runs. Each
story here is one that happens in the world: a network that blinks, a machine room that freezes as
a whole, a damaged replica whose only sound peer goes down while it restarts. They are made of the
injector's own faults and keep its budget; they must not judge.
"""

import random
from typing import TYPE_CHECKING

from sim import network as nets
from sim.network import Network
from sim.plan import Fault, Plan
from sim.process import Host, State

if TYPE_CHECKING:
    from sim.faults import Injector


class Stories:
    """Each method is one kind of fault; True if it began."""

    def __init__(
        self, injector: "Injector", plan: Plan, network: Network, hosts: dict[int, Host]
    ) -> None:
        self._injector = injector
        self._plan = plan
        self._network = network
        self._hosts = hosts

    def blink(self, fault: Fault, rng: random.Random) -> bool:
        """The leader is out of reach just so long that somebody stands, and falls as it does."""
        leader = self._injector.leader()
        if leader is None:
            return False
        pairs = nets.isolating(leader.number, sorted(self._hosts))
        self._network.cut(pairs)
        self._injector.after(fault, self._network.mend, pairs)
        self._injector.ambushes.lay(fault, rng)
        return True

    def freeze_all(self, fault: Fault, rng: random.Random) -> bool:
        """Every process stands still and goes on, at about the same moment."""
        frozen = [host for _, host in sorted(self._hosts.items()) if host.state is State.UP]
        for host in frozen:
            host.pause()
        self._injector.after(fault, self._thaw, frozen)
        return bool(frozen)

    def _thaw(self, frozen: list[Host]) -> None:
        for host in frozen:
            host.resume()

    def orphan(self, fault: Fault, rng: random.Random) -> bool:
        """While others lag, a follower that does not is damaged; as it restarts, the leader dies.

        So the only ones that are left of those who had decided are damaged.
        """
        leader = self._injector.leader()
        followers = [
            host for _, host in sorted(self._hosts.items())
            if host.state is State.UP and host is not leader
        ]  # fmt: skip
        if leader is None or len(followers) < 2:
            return False
        victim, *others = rng.sample(followers, len(followers))
        lagging = others[: (self._plan.nodes - 1) // 2]
        pairs = nets.halving([host.number for host in lagging], sorted(self._hosts))
        self._network.cut(pairs)
        self._injector.after(fault, self._damage, fault, rng, victim, pairs)
        return True

    def _damage(
        self, fault: Fault, rng: random.Random, victim: Host, pairs: list[tuple[int, int]]
    ) -> None:
        damaged = self._injector.damage_one("bitrot", victim, rng)
        leader = self._injector.leader()
        if damaged and victim.state is State.UP:
            victim.crash()
            if leader is not None and leader is not victim:
                self._injector.crash_now(leader, fault, rng)
        self._network.mend(pairs)
        self._injector.start(victim)
