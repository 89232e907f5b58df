"""All plants by name: bugs that the simulator must catch, and changes that it must let pass.

Why it exists: the list of `docs/simulation.md` is made from here. Data only; `sim/planting.py`
puts them in.
"""

from typing import Final

from sim.planting import Plant
from sim.plants import disks, elections, harmless, logs, machines, members, pipeline, upgrades

PLANTS: Final[dict[str, Plant]] = {
    plant.name: plant
    for group in (
        elections.PLANTS, logs.PLANTS, disks.PLANTS, members.PLANTS, machines.PLANTS,
        pipeline.PLANTS, upgrades.PLANTS, harmless.PLANTS,
    )
    for plant in group
}  # fmt: skip


class UnknownPlant(ValueError):
    """The caller's fault: no plant of that name."""


def plant_named(name: str) -> Plant:
    """Raises `UnknownPlant`."""
    if name not in PLANTS:
        raise UnknownPlant(f"plant: {name!r} is none of {', '.join(sorted(PLANTS))}")
    return PLANTS[name]
