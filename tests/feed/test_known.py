"""What is called known is true, whatever happens unseen: against markets recorded in full."""

import pytest

from adapters.feed import lobster
from adapters.feed.lobster import Comparison, Known
from tests.feed.recording import PlainExchange, record

MESSAGES = 300


@pytest.mark.parametrize("seed", range(40))
def test_every_known_level_is_the_recorded_one_and_every_execution_meets_its_maker(
    seed: int,
) -> None:
    messages, rows = record(seed, MESSAGES)
    levels = lobster.opening_levels(messages[0], rows[0])
    opening = lobster.opening_book(messages, levels)
    known, comparison, exchange = Known(levels), Comparison(), PlainExchange()
    for order in opening.orders:
        assert exchange.act(order) == []
    for number, step in enumerate(lobster.steps(messages, opening, known), 1):
        for cancel in step.gone:
            assert exchange.act(cancel) == []
        makers = exchange.act(step.action) if step.action is not None else []
        assert makers == ([] if step.maker is None else [step.maker])
        row = rows[number - 1]
        for side in lobster.SIDES:
            assert known.levels(side) == list(row.side(side)[: len(known.levels(side))])
        book = {side: exchange.market.levels(side) for side in lobster.SIDES}
        comparison.row(number, known, row, book)
    assert comparison.first_difference == ""
    assert comparison.compared == comparison.equal > 0
    assert comparison.unknowable > 0
