"""The generated flows follow their recipe, and the same seed gives the same bytes."""

import random
import struct
from collections import Counter

import pytest

from adapters.bench import flow
from core.orderflow import FlowRun, check_flow

ORDERS = 5_000


def messages(data: bytes) -> list[tuple[int, ...]]:
    return list(struct.iter_unpack("<BBBBIQQqq", data[16:]))


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert flow.generate("normal", 200, 7) == flow.generate("normal", 200, 7)
    assert flow.generate("normal", 200, 7) != flow.generate("normal", 200, 8)


@pytest.mark.parametrize("scenario", flow.SCENARIOS)
def test_the_book_runs_it(scenario: str) -> None:
    data = flow.generate(scenario, ORDERS, 7)
    count, greatest = check_flow(data)
    assert greatest == ORDERS - 1
    run = FlowRun(greatest + 1)
    run.run(data, 0, count)
    assert run.report_text().count("\n") + 1 >= count


@pytest.mark.parametrize("excursion", flow.SCENARIOS.values())
def test_the_mid_travels_the_excursion(excursion: float) -> None:
    mids = flow.mid_path(random.Random(7), ORDERS, excursion)
    assert len(mids) == ORDERS
    assert 1.0 - min(mids) / max(mids) == pytest.approx(excursion)


def test_the_parts_are_those_of_the_recipe() -> None:
    rows = messages(flow.generate("static", ORDERS, 7))
    kinds = Counter(row[0] for row in rows)
    assert kinds[0] == ORDERS
    ioc = sum(row[2] for row in rows)
    assert ioc / ORDERS == pytest.approx(flow.IOC_PART, abs=0.02)
    resting = ORDERS - ioc
    assert kinds[2] / resting == pytest.approx(flow.MODIFY_PART, abs=0.04)
    assert kinds[1] / resting == pytest.approx(flow.CANCEL_PART, abs=0.04)
    away = Counter(abs(row[7] - flow.START_PRICE) for row in rows if row[0] == 0)
    assert away.most_common(1)[0][0] in (8, 9), "the hump"
    assert min(away) == 1
