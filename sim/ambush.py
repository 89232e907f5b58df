"""Ambushes: faults that wait for a moment instead of a time.

Why it exists: some bugs need something to break within one message's flight of a node becoming a
candidate or a leader, or of its first decision (figure 8 of Raft's paper is four such moments in
a row), and a fault at a random time hardly ever meets it. An ambush is laid when its time comes
and strikes a little after the next node has come to the moment. What is done then is the
injector's; the moments are told by the checkers, who look after every event.
"""

import random
from collections.abc import Callable
from typing import Final, NamedTuple

from sim.plan import Fault, Plan
from sim.process import Host
from sim.world import NS_PER_US, World

LAID_MAX: Final = 4
"""More would strike every leader, and nothing would ever be decided."""

FLIGHTS: Final = 4
"""It strikes within so many messages' and writes' mean time, sooner rather than later."""

MOMENTS: Final = ("candidate", "leader", "decides")
"""Somebody stands; somebody leads; who leads has decided something for the first time."""

Strike = Callable[[Host, Fault, random.Random], None]


class Laid(NamedTuple):
    fault: Fault
    rng: random.Random
    moment: str
    strike: Strike
    flights: int


class Ambushes:
    """Those that are laid, the oldest first."""

    def __init__(self, plan: Plan, world: World, strike: Strike) -> None:
        self._flight_ns = (plan.delay_mean_us + plan.disk_mean_us) * NS_PER_US
        self._world = world
        self._strike = strike
        self._laid: list[Laid] = []
        self.is_over = False

    def lay(self, fault: Fault, rng: random.Random) -> bool:
        """One of the plan's."""
        if len(self._laid) >= LAID_MAX:
            return False
        self._laid.append(Laid(fault, rng, fault.target, self._strike, FLIGHTS))
        return True

    def lay_first(
        self, fault: Fault, rng: random.Random, moment: str, strike: Strike, flights: int
    ) -> None:
        """A step of a story: before all others, and within so many flights; 0: at once."""
        self._laid.insert(0, Laid(fault, rng, moment, strike, flights))

    def reached(self, host: Host, moment: str) -> None:
        """One ambush a moment."""
        for at, laid in enumerate(self._laid):
            if laid.moment == moment:
                del self._laid[at]
                delay_ns = int(laid.flights * self._flight_ns * laid.rng.random() ** 2)
                self._world.after(delay_ns, self._spring, host, host.life, laid)
                return

    def _spring(self, host: Host, life: int, laid: Laid) -> None:
        if host.life == life and not self.is_over:
            laid.strike(host, laid.fault, laid.rng)
