"""A node's clocks: one that only goes forward but not at the right speed, and one that also jumps.

Why it exists: leases and timeouts stand on clocks that drift apart, and log time on clocks that
somebody sets back; a simulated node must live with both. It must not know nodes or protocols: it
is a function of virtual time and of what the faults did to it.
"""

from typing import Final

from sim.world import NS_PER_S, World

WALL_START_NS: Final = 1_700_000_000 * NS_PER_S
"""An ordinary day; what the log's time stamps begin with."""

PPM: Final = 1_000_000
DRIFT_PPM_MAX: Final = 50_000
"""A twentieth. Two clocks then differ by about a tenth, which is what leases are made for."""

MONOTONIC_START_NS: Final = 1_000 * NS_PER_S


class SimClock:
    """`replication.ports.Clock`. Exact integers inside, so that every platform agrees."""

    __slots__ = ("_local_ns", "_rate_ppm", "_since_ns", "_wall_offset_ns", "_world")

    def __init__(self, world: World, drift_ppm: int = 0, wall_offset_ns: int = 0) -> None:
        self._world = world
        self._since_ns = world.now_ns
        self._local_ns = MONOTONIC_START_NS
        self._wall_offset_ns = wall_offset_ns
        self._rate_ppm = _rate(drift_ppm)

    def monotonic_s(self) -> float:
        return self._monotonic_ns() / NS_PER_S

    def wall_ns(self) -> int:
        return WALL_START_NS + self._monotonic_ns() - MONOTONIC_START_NS + self._wall_offset_ns

    def world_ns_of(self, monotonic_s: float) -> int:
        """When this clock will show that, or a little later; at the present rate."""
        wanted_ns = int(monotonic_s * NS_PER_S) + 2 - self._local_ns
        return self._since_ns + (wanted_ns * PPM + self._rate_ppm - 1) // self._rate_ppm

    def set_drift(self, drift_ppm: int) -> None:
        """From now on the clock runs at another speed; what it shows does not jump."""
        self._local_ns = self._monotonic_ns()
        self._since_ns = self._world.now_ns
        self._rate_ppm = _rate(drift_ppm)

    def jump_wall(self, by_ns: int) -> None:
        """Somebody sets the wall clock. The monotonic one does not notice."""
        self._wall_offset_ns += by_ns

    def _monotonic_ns(self) -> int:
        return self._local_ns + (self._world.now_ns - self._since_ns) * self._rate_ppm // PPM


def _rate(drift_ppm: int) -> int:
    assert -DRIFT_PPM_MAX <= drift_ppm <= DRIFT_PPM_MAX, f"drift_ppm: {drift_ppm}"
    return PPM + drift_ppm
