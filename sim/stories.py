"""Short stories: faults that are several failures in a row, because some bugs need just these.

Why it exists: two independent faults meet within a few milliseconds once in hundreds of runs. Each
story here is one that happens in the world: a network that blinks, a machine room that freezes as
a whole, a damaged replica whose only sound peer goes down while it restarts. They are made of the
injector's own faults and keep its budget; they must not judge.
"""

import random
from typing import TYPE_CHECKING

import msgspec

from sim import network as nets
from sim.network import Network
from sim.plan import Fault, Plan
from sim.process import Host, State

if TYPE_CHECKING:
    from sim.faults import Injector


class Cut:
    """A partition that is mended once, by whoever comes first."""

    def __init__(self, network: Network, pairs: list[tuple[int, int]]) -> None:
        self._network = network
        self._pairs = pairs
        network.cut(pairs)

    def mend(self) -> None:
        self._network.mend(self._pairs)
        self._pairs = []


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
        """The leader is out of reach until somebody stands, who then cannot say so to anybody.

        What is left is a leader that goes on, and one member that has gone to a higher term.
        """
        leader = self._injector.leader()
        if leader is None:
            return False
        cut = Cut(self._network, nets.isolating(leader.number, sorted(self._hosts)))
        self._injector.after(fault, cut.mend)

        def stands(host: Host, fault: Fault, _rng: random.Random) -> None:
            cut.mend()
            mute = Cut(self._network, nets.muting(host.number, sorted(self._hosts)))
            self._injector.after(fault, mute.mend)

        self._injector.ambushes.lay_first(fault, rng, "candidate", stands, 0)
        return True

    def figure_8(self, fault: Fault, rng: random.Random) -> bool:
        """Of Raft's paper: three leaders in a row fall before others have what they have.

        A leads alone, and falls; B leads and is cut off at once; A leads again, and falls as soon
        as it has decided anything, when B is back.
        """
        first = self._injector.leader()
        if first is None or self._plan.nodes < 3:
            return False
        cuts = [Cut(self._network, nets.isolating(first.number, sorted(self._hosts)))]

        def falls() -> None:
            first.crash()
            cuts[0].mend()
            self._injector.ambushes.lay_first(fault, rng, "leader", second_leads, 0)

        def second_leads(host: Host, fault: Fault, rng: random.Random) -> None:
            if host is not first:
                cuts.append(Cut(self._network, nets.isolating(host.number, sorted(self._hosts))))
            self._injector.start(first)
            self._injector.ambushes.lay_first(fault, rng, "decides", decides, 0)
            self._injector.after(fault, give_up)

        def decides(host: Host, fault: Fault, rng: random.Random) -> None:
            for cut in cuts:
                cut.mend()
            if host is first:
                cuts.append(Cut(self._network, nets.isolating(host.number, sorted(self._hosts))))
                self._injector.crash_now(host, fault, rng)  # and what it had sent is lost

        def give_up() -> None:
            for cut in cuts:
                cut.mend()
            self._injector.start(first)

        alone = msgspec.structs.replace(fault, duration_ms=fault.duration_ms // 20 + 1)
        self._injector.after(alone, falls)
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

    def lonely_leader(self, fault: Fault, rng: random.Random) -> bool:
        """The leader's machine freezes, and when it thaws nobody has told it what happened since.

        Clients still reach it; the other nodes do not, for a while.
        """
        leader = self._injector.leader()
        if leader is None:
            return False
        cut = Cut(self._network, nets.isolating(leader.number, sorted(self._hosts)))
        leader.pause()

        def thaws() -> None:
            leader.resume()
            self._injector.after(fault, cut.mend)

        self._injector.after(fault, thaws)
        return True

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
