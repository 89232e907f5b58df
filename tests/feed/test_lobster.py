"""What a LOBSTER recording asks for and what it determines, on books small enough to see."""

from pathlib import Path

import pytest

from adapters.feed import lobster
from adapters.feed.actions import ASK, BID, Amend, Cancel, Place
from adapters.feed.lobster import (
    DELETE,
    EXECUTE,
    EXECUTE_HIDDEN,
    HALT,
    REDUCE,
    SUBMIT,
    Comparison,
    FlowError,
    Known,
    Message,
    Opening,
    Row,
    Translation,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EMPTY = Opening([], frozenset())


def ladder(side: int, best: int, levels: int) -> dict[int, int]:
    """`levels` prices from `best` away from the market, 10 lots each."""
    return {best - side * at: 10 for at in range(levels)}


def known(bids: int = 10, asks: int = 10) -> Known:
    return Known({BID: ladder(BID, 100, bids), ASK: ladder(ASK, 101, asks)})


# --- what is known ----------------------------------------------------------------------------


def test_the_opening_book_is_known_to_its_tenth_level() -> None:
    model = known()
    assert model.levels(BID) == [(100 - at, 10) for at in range(10)]
    assert model.levels(ASK) == [(101 + at, 10) for at in range(10)]


def test_a_level_that_goes_leaves_one_less_known_because_the_next_was_never_seen() -> None:
    model = known()
    model.apply(Message(DELETE, 1, 10, 100, BID))
    assert model.levels(BID) == [(99 - at, 10) for at in range(9)]


def test_what_leaves_the_ten_levels_is_not_known_when_it_comes_back() -> None:
    model = Known({BID: ladder(BID, 99, 10), ASK: {110: 10}})
    model.apply(Message(SUBMIT, 1, 5, 100, BID))  # an eleventh: 90 leaves the view
    assert len(model.levels(BID)) == 10
    model.apply(Message(DELETE, 1, 5, 100, BID))
    assert model.levels(BID) == [(99 - at, 10) for at in range(9)]


def test_an_order_behind_the_known_prices_tells_nothing_of_its_level() -> None:
    model = known(bids=3)
    model.apply(Message(SUBMIT, 1, 5, 90, BID))
    assert model.levels(BID) == [(100, 10), (99, 10), (98, 10)]


def test_no_bid_can_stand_at_or_above_an_ask() -> None:
    model = known(bids=1, asks=1)
    model.apply(Message(DELETE, 1, 10, 100, BID))
    assert model.levels(BID) == []
    model.apply(Message(SUBMIT, 2, 7, 95, ASK))  # so there is no bid at 95 or above
    model.apply(Message(DELETE, 2, 7, 95, ASK))
    model.apply(Message(SUBMIT, 3, 4, 96, BID))
    assert model.levels(BID) == [(96, 4)]
    model.apply(Message(SUBMIT, 4, 4, 94, BID))
    assert model.levels(BID) == [(96, 4)]


def test_an_execution_says_that_nothing_better_is_left() -> None:
    model = known(bids=1)
    model.apply(Message(EXECUTE, 1, 10, 100, BID))
    model.apply(Message(EXECUTE, 77, 3, 96, BID))  # of an order that was outside
    model.apply(Message(SUBMIT, 2, 4, 97, BID))
    assert model.levels(BID) == [(97, 4)]


def test_hidden_executions_and_halts_change_nothing() -> None:
    model = known()
    before = model.levels(BID), model.levels(ASK)
    for kind in (EXECUTE_HIDDEN, HALT):
        model.apply(Message(kind, 0, 10, 100, BID))
    assert (model.levels(BID), model.levels(ASK)) == before


# --- the opening book -------------------------------------------------------------------------


def row(bids: dict[int, int], asks: dict[int, int]) -> Row:
    return Row(tuple(bids.items()), tuple(asks.items()))


@pytest.mark.parametrize(
    ("first", "bids"),
    [
        (Message(SUBMIT, 1, 10, 100, BID), {99: 10}),
        (Message(SUBMIT, 1, 4, 100, BID), {100: 6, 99: 10}),
        (Message(DELETE, 1, 4, 100, BID), {100: 14, 99: 10}),
        (Message(EXECUTE, 1, 4, 101, BID), {100: 10, 99: 10, 101: 4}),
        (Message(EXECUTE_HIDDEN, 0, 4, 101, BID), {100: 10, 99: 10}),
    ],
)
def test_the_first_messages_effect_is_taken_back(first: Message, bids: dict[int, int]) -> None:
    after = row({100: 10, 99: 10}, {101: 10})
    assert lobster.opening_levels(first, after) == {BID: bids, ASK: {101: 10}}


def test_an_id_that_was_never_submitted_is_an_order_of_the_opening_book() -> None:
    messages = [
        Message(EXECUTE, 7, 3, 100, BID),
        Message(SUBMIT, 50, 9, 100, BID),
        Message(DELETE, 7, 1, 100, BID),
        Message(DELETE, 5, 2, 100, BID),
        Message(DELETE, 8, 99, 100, BID),  # more than the level had: it was behind the tenth
    ]
    opening = lobster.opening_book(messages, {BID: {100: 10}, ASK: {101: 5}})
    assert opening.orders == [
        Place(5, BID, 100, 2), Place(7, BID, 100, 4), Place(-1, BID, 100, 4),
        Place(-2, ASK, 101, 5),
    ]  # fmt: skip
    assert opening.outside == {8}


# --- the messages -----------------------------------------------------------------------------


def translate(translation: Translation, message: Message, known: bool = True) -> lobster.Step:
    return translation.step(message, 1, level_known=known)


def test_messages_become_actions() -> None:
    translation = Translation(EMPTY)
    step = translate(translation, Message(SUBMIT, 1, 10, 100, BID))
    assert step.action == Place(1, BID, 100, 10)
    assert translate(translation, Message(REDUCE, 1, 3, 100, BID)).action == Amend(1, 100, 7)
    step = translate(translation, Message(EXECUTE, 1, 2, 100, BID))
    assert isinstance(step.action, Place)
    assert (step.action.side, step.action.lots, step.action.ioc) == (ASK, 2, True)
    assert step.maker == 1
    assert translate(translation, Message(DELETE, 1, 5, 100, BID)).action == Cancel(1)


def test_a_reduction_to_nothing_is_a_cancel() -> None:
    translation = Translation(EMPTY)
    translate(translation, Message(SUBMIT, 1, 10, 100, BID))
    assert translate(translation, Message(REDUCE, 1, 10, 100, BID)).action == Cancel(1)


def test_what_no_order_stands_for_is_passed_over_with_a_note() -> None:
    translation = Translation(Opening([], frozenset({9})))
    for message in (
        Message(EXECUTE_HIDDEN, 0, 1, 100, BID),
        Message(HALT, 0, 0, -1, BID),
        Message(EXECUTE, 9, 1, 100, BID),
    ):
        step = translate(translation, message)
        assert step.action is None
        assert step.note


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (Message(DELETE, 1, 9, 100, BID), "had 10, not 9"),
        (Message(EXECUTE, 1, 11, 100, BID), "had 10, not 11"),
        (Message(DELETE, 2, 1, 100, BID), "order 2"),
    ],
)
def test_a_message_that_contradicts_the_others_is_the_files_fault(
    message: Message, words: str
) -> None:
    translation = Translation(EMPTY)
    translate(translation, Message(SUBMIT, 1, 10, 100, BID))
    with pytest.raises(FlowError, match=words):
        translate(translation, message)


def test_what_must_be_gone_is_cancelled_first() -> None:
    translation = Translation(EMPTY)
    for tag, price in ((1, 100), (2, 99), (3, 99), (4, 98)):
        translate(translation, Message(SUBMIT, tag, 10, price, BID))
    step = translate(translation, Message(EXECUTE, 3, 10, 99, BID), known=False)
    assert step.gone == (Cancel(1), Cancel(2))  # better, and older at the same price
    step = translate(translation, Message(SUBMIT, 5, 10, 98, ASK))
    assert step.gone == (Cancel(4),)  # an ask at 98 would have traded with it


def test_where_the_level_is_known_a_message_out_of_turn_is_not_explained_away() -> None:
    translation = Translation(EMPTY)
    for tag in (1, 2):
        translate(translation, Message(SUBMIT, tag, 10, 100, BID))
    step = translate(translation, Message(EXECUTE, 2, 10, 100, BID))
    assert (step.gone, step.maker) == ((), 2)


# --- the comparison ---------------------------------------------------------------------------


def test_only_known_levels_are_compared_and_the_first_difference_is_named() -> None:
    comparison = Comparison()
    recorded = Row(((100, 10), (99, 10), (50, 1)), ((101, 10),))
    book = {BID: [(100, 10), (99, 11), (60, 4)], ASK: [(101, 10)]}
    comparison.row(3, known(bids=2, asks=1), recorded, book)
    assert (comparison.compared, comparison.equal, comparison.unknowable) == (3, 2, 1)
    assert "message 3, bid level 2: (99, 11), recorded (99, 10)" in comparison.first_difference


def test_a_level_that_the_exchange_lacks_is_a_difference() -> None:
    comparison = Comparison()
    recorded = Row(((100, 10),), ((101, 10),))
    comparison.row(1, known(bids=1, asks=1), recorded, {BID: [], ASK: [(101, 10)]})
    assert (comparison.compared, comparison.equal) == (2, 1)


# --- the files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("34200.0,1,5,10,100", "5 fields"),
        ("34200.0,1,5,ten,100,1", "line 1"),
        ("34200.0,9,5,10,100,1", "type 9"),
        ("34200.0,1,5,10,100,2", "direction 2"),
        ("34200.0,1,5,0,100,1", "above 0"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "messages.csv"
    path.write_text(text + "\n", encoding="ascii")
    with pytest.raises(FlowError, match=words):
        lobster.read_messages(path)


def test_an_empty_level_is_no_level(tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    filler = ["9999999999", "0", "-9999999999", "0"] * 9
    path.write_text(",".join(["101", "5", "100", "6", *filler]) + "\n", encoding="ascii")
    assert lobster.read_rows(path) == [Row(((100, 6),), ((101, 5),))]


def _follow(book: dict[int, dict[int, int]], message: Message) -> None:
    side = book[message.side]
    change = message.size if message.kind == SUBMIT else -message.size
    side[message.price] = side.get(message.price, 0) + change
    if side[message.price] == 0:
        del side[message.price]


def _sorted(levels: dict[int, int], side: int) -> list[tuple[int, int]]:
    return sorted(levels.items(), key=lambda level: -side * level[0])


def test_the_sample_equals_a_plain_book_at_every_known_level() -> None:
    """The model against the recording, with a dictionary for an exchange."""
    if not DATA.is_dir():
        pytest.skip("the recorded data is not here: no ../shared/data beside the project")
    messages = lobster.read_messages(DATA / "lobster_aapl_messages.csv")
    rows = lobster.read_rows(DATA / "lobster_aapl_book10.csv")
    levels = lobster.opening_levels(messages[0], rows[0])
    opening = lobster.opening_book(messages, levels)
    model, comparison = Known(levels), Comparison()
    book = {side: dict(levels[side]) for side in lobster.SIDES}
    for number, step in enumerate(lobster.steps(messages, opening, model), 1):
        assert step.gone == ()
        if step.action is not None:
            _follow(book, messages[number - 1])
        best = {side: _sorted(book[side], side) for side in lobster.SIDES}
        comparison.row(number, model, rows[number - 1], best)
    assert comparison.first_difference == ""
    assert comparison.compared == comparison.equal == 8062
    assert comparison.compared + comparison.unknowable == len(rows) * 2 * lobster.LEVELS
