"""The simulator's own parts, apart: shrinking, judging answers, time, the picture, the command."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from adapters.cli.main import main
from sim.clocks import SimClock
from sim.order import Order
from sim.picture import page
from sim.plan import draw_plan
from sim.shrink import RUNS_MAX, shrink
from sim.simulation import Simulation
from sim.tally import CheckFailed
from sim.world import NS_PER_S, Storm, World

# --- shrinking --------------------------------------------------------------------------------


def test_shrinking_finds_the_two_faults_that_matter() -> None:
    order = Order(seed=7)
    faults = [fault.ordinal for fault in order.plan().faults if 0 < fault.at_ms < 6_000]
    needed = set(faults[:2])

    def failed(tried: Order) -> str:
        return "AD" if needed <= {fault.ordinal for fault in tried.plan().faults} else ""

    shrunk = shrink(order, "AD", failed)
    assert {fault.ordinal for fault in shrunk.order.plan().faults} == needed
    assert shrunk.order.plan().commands == 0
    assert shrunk.order.plan().run_ms < order.plan().run_ms
    assert shrunk.runs <= RUNS_MAX


def test_shrinking_keeps_to_the_check_that_failed() -> None:
    order = Order(seed=7)
    assert shrink(order, "AD", lambda tried: "ES").order == order


def test_the_line_that_replays_says_everything() -> None:
    order = Order(seed=7, profile="disk", keep=(3, 9), commands=4, run_ms=900)
    assert order.line("canary") == (
        "lockstep sim --seed 7 --profile disk --plant canary --keep 3,9 --commands 4 --run-ms 900"
    )


# --- judging answers --------------------------------------------------------------------------


def judged(change: str) -> None:
    """A good run's history with one answer changed."""
    simulation = Simulation(draw_plan(6, "pipeline"))
    assert simulation.run().is_good
    operations = simulation.clients.history
    answered = [
        each for each in operations if each.returned_ns and not each.is_query and each.index
    ]
    victim = answered[len(answered) // 2]
    match change:
        case "reply":
            victim.replies = victim.replies[:16] + b"\xff" + victim.replies[17:]
        case "index":
            victim.index += 1
        case "refused":
            victim.refused, victim.returned_ns = 22, 0
        case "question":
            question = next(e for e in operations if e.is_query and e.result and e.index > 9)
            assert question.result is not None
            question.result = (*question.result[:2], [(1, 5, 5)])
    simulation.history.judge(operations, simulation.gateway_refusals)


@pytest.mark.parametrize("change", ["reply", "index", "refused", "question"])
def test_the_twin_notices_a_wrong_answer(change: str) -> None:
    with pytest.raises(CheckFailed, match=r"^LIN: "):
        judged(change)


def test_the_twin_accepts_right_ones() -> None:
    judged("")


# --- time -------------------------------------------------------------------------------------


def test_events_happen_in_their_order_and_those_of_one_instant_as_asked() -> None:
    world = World()
    seen: list[str] = []
    for name, at in (("c", 30), ("a", 10), ("b", 10)):
        world.at(at, seen.append, name)
    world.run(20)
    assert (seen, world.now_ns) == (["a", "b"], 20)
    world.run(40)
    assert seen == ["a", "b", "c"]


def test_time_that_stands_still_is_noticed() -> None:
    world = World()

    def again() -> None:
        world.after(0, again)

    again()
    with pytest.raises(Storm, match="more than 20000 events in the second before 0 ns"):
        world.run(1)


@pytest.mark.parametrize("drift_ppm", [-50_000, -1, 0, 1, 50_000])
def test_a_drifting_clock_comes_to_its_deadline_and_not_before(drift_ppm: int) -> None:
    world = World()
    clock = SimClock(world, drift_ppm)
    due_s = clock.monotonic_s() + 1.5
    due_ns = clock.world_ns_of(due_s)
    world.run(due_ns)
    assert clock.monotonic_s() >= due_s
    assert abs(due_ns - 1.5 * NS_PER_S * 1_000_000 / (1_000_000 + drift_ppm)) < 1_000


# --- the picture and the command --------------------------------------------------------------


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.outside += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_picture_is_one_page_with_a_line_for_each_node() -> None:
    plan = draw_plan(7)
    simulation = Simulation(plan, keeps_trace=True)
    outcome = simulation.run()
    parser = Page()
    parser.feed(page(plan, outcome, simulation.records))
    assert parser.outside == []
    assert "script" not in parser.tags
    assert parser.tags["polygon"] > 100, "messages are arrows"
    assert parser.tags["rect"] >= outcome.leader_changes, "and each leader is marked"


def test_the_command_reports_what_scripts_rely_on(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["sim", "--seeds", "4", "--start", "9", "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["seeds"], report["failed"]) == (4, [])
    assert {"events", "commands", "sim_seconds", "wall_seconds", "leader_changes"} <= set(report)
    assert report["faults"]["crash"] > 0
    assert report["checkers"]["LIN"] > 0
    picture = tmp_path / "run.html"
    assert main(["sim", "--seed", "9", "--twice", "--html", str(picture)]) == 0
    assert picture.read_text().startswith("<!doctype html>")


def test_the_command_catches_a_plant_and_shrinks(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--plant", "ack-before-durable", "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert (report["caught"], report["checker"]) == (True, "AD")
    assert report["seeds_tried"] >= 1
    assert report["shrunk"].startswith("lockstep sim --seed ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "0"], "--seeds: 0 is outside 1.."),
        (["--jobs", "0"], "--jobs: 0 is outside 1.."),
        (["--seed", "1", "--keep", "a,b"], "--keep: 'a,b' is no list of ordinals"),
        (["--html", "x"], "--html: goes with --seed"),
        (["--plant", "nope"], "--plant: plant: 'nope' is none of"),
        (["--seed", "-1"], "a seed is not negative"),
    ],
)
def test_the_command_says_what_is_wrong(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["sim", *arguments]) == 2
    assert said in capfd.readouterr().err


def test_the_list_of_plants_is_for_scripts(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--list-plants", "--json"]) == 0
    plants = json.loads(capfd.readouterr().out)["plants"]
    assert {plant["kind"] for plant in plants} == {"bug", "canary", "harmless"}
    assert all(plant["expected_checkers"] for plant in plants if plant["kind"] == "bug")
