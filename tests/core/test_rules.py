"""Whether anything is laid down for a market is known without reading all of it."""

from hypothesis import given
from hypothesis import strategies as st

from core.rules import RULES, U_REFERENCE, Rules

SETS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, U_REFERENCE), st.integers(0, 2)))


@given(SETS)
def test_a_market_is_free_when_all_its_rules_are_zero(sets: list[tuple[int, int, int]]) -> None:
    rules = Rules()
    rules.add()
    rules.add()
    for symbol, rule, value in sets:
        rules.set(symbol, rule, value)
        free = [not any(rules.get(one, at) for at in range(RULES)) for one in range(3)]
        assert [rules.is_free(one) for one in range(3)] == free
    rules.rebuild()
    assert [rules.is_free(one) for one in range(3)] == [
        not any(rules.get(one, at) for at in range(RULES)) for one in range(3)
    ]


def test_an_account_of_its_own_rules_makes_no_market_free() -> None:
    rules = Rules()
    rules.add()
    assert rules.is_free(1)
    rules.ensure_desk(5, 1)
    assert not rules.is_free(1)
