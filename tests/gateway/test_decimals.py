"""Decimal strings: exact both ways, and strict about what is a number at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import LOT_SIZE, TICK_SIZE, VALIDATION
from core.limits import AMOUNT_MAX
from gateway.decimals import format_units, parse_amount, parse_price, parse_qty
from gateway.problems import Problem, Refused

scales = st.integers(0, 12)


@given(st.integers(1, AMOUNT_MAX), scales)
def test_what_is_formatted_parses_to_the_same_units(units: int, scale: int) -> None:
    text = format_units(units, scale)
    assert parse_amount(text, scale, "qty") == units
    assert Decimal(text).scaleb(scale) == units


@given(st.integers(1, 10**12), scales, st.integers(1, 10**6))
def test_a_multiple_of_the_step_parses_and_its_neighbour_does_not(
    steps: int, scale: int, step: int
) -> None:
    assert parse_qty(format_units(steps * step, scale), scale, step) == steps
    if step > 1:
        with pytest.raises(Refused) as refused:
            parse_qty(format_units(steps * step + 1, scale), scale, step)
        assert refused.value.problem.code == LOT_SIZE
        assert refused.value.problem.errors[0].field == "qty"


@given(st.text(max_size=40))
def test_any_text_is_a_number_of_the_grammar_or_refused(text: str) -> None:
    units, problem = parsed(text)
    if problem is None:
        assert set(text) <= set("0123456789.")
        assert Decimal(text).scaleb(8) == units
    else:
        assert problem.code == VALIDATION
        assert problem.errors[0].field == "price"
        assert problem.errors[0].rule


def parsed(text: str) -> tuple[int, Problem | None]:
    try:
        return parse_amount(text, 8, "price"), None
    except Refused as refused:
        return 0, refused.problem


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 ", " 1", "\n1", "1\n", "+1", "-1", "-0", "1e3", "1E3", "0x10", "1_000", "1,5",
        "1.", ".5", ".", "1.2.3", "00", "01", "007.5", "NaN", "nan", "Infinity", "-Infinity",
        "inf", "\uff11\uff12", "1\u0662", "\u00bd", "1\x00", "--1", "1-", "0", "0.0", "0.000",
        "9" * 21, "0." + "0" * 20 + "1", "9" * 100_000, "99999999999999999999", "4611686018428",
    ],
)  # fmt: skip
def test_what_no_number_looks_like_is_a_validation_error(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_amount(text, 8 if text == "4611686018428" else 0, "qty")
    assert refused.value.problem.code == VALIDATION
    assert refused.value.problem.status == 400


def test_the_largest_amount_parses_and_one_more_does_not() -> None:
    assert parse_amount(str(AMOUNT_MAX), 0, "qty") == AMOUNT_MAX
    with pytest.raises(Refused):
        parse_amount(str(AMOUNT_MAX + 1), 0, "qty")


@pytest.mark.parametrize("text", ["1000.5", "1000.0000000001", "999", "1001"])
def test_a_price_between_two_ticks_is_tick_size(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_price(text, 0, 1_000)
    assert refused.value.problem.code == TICK_SIZE
    assert refused.value.problem.errors[0].rule == "must be a multiple of 1000"


def test_zeros_behind_the_last_place_do_not_make_a_number_imprecise() -> None:
    assert parse_price("1000.0000", 0, 1_000) == 1
    assert parse_qty("0.00100000000000000000", 8, 10_000) == 10
