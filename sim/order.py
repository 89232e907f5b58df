"""What a campaign asks a worker to run, and how a run is named in one line.

Why it exists: a run is a seed, a profile and what was left out of its plan; the campaign, the
worker, the shrinker and the line that a person copies all speak of it in these terms.
"""

import msgspec

from sim.plan import Plan, draw_plan, shortened


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `keep` None: every fault of the plan."""

    seed: int
    profile: str = "default"
    keep: tuple[int, ...] | None = None
    commands: int | None = None
    run_ms: int | None = None

    def plan(self) -> Plan:
        """Raises `sim.plan.UnknownProfile`."""
        plan = draw_plan(self.seed, self.profile)
        return shortened(plan, keep=self.keep, commands=self.commands, run_ms=self.run_ms)

    def line(self, plant: str = "") -> str:
        """The one line that replays it."""
        parts = [f"lockstep sim --seed {self.seed}"]
        if self.profile != "default":
            parts.append(f"--profile {self.profile}")
        if plant:
            parts.append(f"--plant {plant}")
        if self.keep is not None:
            parts.append(f"--keep {','.join(map(str, self.keep)) or 'none'}")
        if self.commands is not None:
            parts.append(f"--commands {self.commands}")
        if self.run_ms is not None:
            parts.append(f"--run-ms {self.run_ms}")
        return " ".join(parts)
