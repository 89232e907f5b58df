"""Token buckets: rate, burst, bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import Rate, RateLimiter


@given(st.lists(st.floats(0, 2), max_size=200), st.integers(1, 20), st.integers(1, 50))
def test_never_more_than_the_burst_and_the_rate_allow(
    pauses: list[float], burst: int, per_s: int
) -> None:
    limiter = RateLimiter(Rate("x", float(per_s), burst))
    now_s = allowed = 0.0
    for pause in pauses:
        now_s += pause
        allowed += limiter.take("a", now_s).allowed
    assert allowed <= burst + now_s * per_s + 1e-6


def test_what_is_refused_says_when_to_come_back() -> None:
    limiter = RateLimiter(Rate("x", 2.0, 1))
    assert limiter.take("a", 0.0).allowed
    verdict = limiter.take("a", 0.0)
    assert (verdict.allowed, verdict.retry_after_s) == (False, 0.5)
    assert limiter.take("a", 0.5).allowed


def test_the_table_is_bounded_and_forgets_the_longest_unused() -> None:
    limiter = RateLimiter(Rate("x", 1.0, 1), buckets_max=3)
    for subject in "abcd":
        assert limiter.take(subject, 0.0).allowed
    assert len(limiter) == 3
    assert limiter.take("a", 0.0).allowed, "forgotten, so full"
    assert not limiter.take("d", 0.0).allowed


def test_a_rate_that_allows_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="x"):
        RateLimiter(Rate("x", 0.0, 1))
