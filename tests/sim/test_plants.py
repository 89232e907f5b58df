"""Bugs that are put in are caught, and changes that are none are let pass."""

import pytest

from adapters.cli.sim_pool import Worker
from sim.order import Order
from sim.planting import Edit, Plant, PlantMoved, planted_source
from sim.plants import PLANTS, UnknownPlant, plant_named

QUICK = (
    "ack-before-durable", "vote-before-durable", "wall-clock-in-apply", "no-idempotency",
    "sink-takes-any-token", "wiped-keeps-its-identity", "outbox-stops-at-outage",
    "window-without-bounds", "applies-before-decided", "reply-not-stored",
)  # fmt: skip
SEEDS = 12


def first_caught(name: str, seeds: int) -> str:
    plant = plant_named(name)
    worker = Worker(name, interpreted=plant.needs_sources)
    try:
        for seed in range(seeds):
            outcome = worker.run(Order(seed=seed, profile=plant.profile))
            if outcome.checker:
                return outcome.checker
        return ""
    finally:
        worker.close()


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_a_plant_still_fits_the_code(name: str) -> None:
    plant = PLANTS[name]
    for module in {edit.module for edit in plant.edits}:
        assert planted_source(plant, module)


@pytest.mark.parametrize("name", ["canary", *QUICK])
def test_a_planted_bug_is_caught(name: str) -> None:
    assert first_caught(name, SEEDS) in PLANTS[name].expected


@pytest.mark.parametrize("name", [n for n, plant in PLANTS.items() if plant.kind == "harmless"])
def test_a_harmless_change_passes(name: str) -> None:
    assert first_caught(name, SEEDS) == ""


def test_the_list_has_what_it_must() -> None:
    kinds = [plant.kind for plant in PLANTS.values()]
    assert kinds.count("canary") == 1
    assert kinds.count("harmless") >= 5
    assert kinds.count("bug") >= 45


def test_a_plant_whose_text_is_gone_is_our_bug() -> None:
    plant = Plant(name="x", what="", edits=(Edit("replication.quorum", "no such text", ""),))
    with pytest.raises(PlantMoved, match=r"in replication\.quorum the text stands 0 times"):
        planted_source(plant, "replication.quorum")


def test_an_unknown_plant_is_the_callers_fault() -> None:
    with pytest.raises(UnknownPlant, match="plant: 'nope' is none of "):
        plant_named("nope")
