"""The rules of gateway/retry.py, and what holds whatever the nodes answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import FENCING_TOKEN, NOT_LEADER, OVERLOADED, VALIDATION
from gateway.retry import ATTEMPTS_MAX, HOPS_MAX, PAUSE_S_MAX, GiveUp, Retry, Try, Wait

NODES = (1, 2, 3)
DEADLINE_S = 10.0


def retry(leader: int = 1) -> Retry:
    return Retry(NODES, leader, 0.0, DEADLINE_S, lambda: 0.5)


def test_it_begins_with_whom_it_believes_to_lead() -> None:
    assert retry(2).next(0) == Try(2)
    assert retry(9).next(0) == Try(1), "a stranger is nobody"


def test_a_hint_is_followed_at_once_a_few_times() -> None:
    """Two nodes that each name the other must not make us spin."""
    tried = retry()
    for n in range(HOPS_MAX):
        attempt = tried.next(0)
        assert isinstance(attempt, Try)
        assert attempt.node == 1 + n % 2
        tried.refused(NOT_LEADER, 2 - n % 2, "", 0)
    attempt = tried.next(0)
    assert isinstance(attempt, Try)
    tried.refused(NOT_LEADER, 3 - attempt.node, "", 0)
    assert isinstance(tried.next(0), Wait)


def test_without_a_hint_the_next_node_is_tried_after_a_pause() -> None:
    tried = retry()
    assert tried.next(0) == Try(1)
    tried.refused(NOT_LEADER, 0, "", 0)
    waits = tried.next(0)
    assert isinstance(waits, Wait)
    assert tried.next(waits.until_s) == Try(2)


@pytest.mark.parametrize("code", [OVERLOADED, VALIDATION])
def test_a_refusal_that_is_not_about_the_lead_ends_it(code: int) -> None:
    tried = retry()
    tried.next(0)
    tried.refused(code, 0, "why", 0)
    assert tried.next(0) == GiveUp(unknown=False, code=code, reason="why")


def test_what_is_in_doubt_stays_so() -> None:
    """A later refusal speaks of the later attempt alone."""
    tried = retry()
    tried.next(0)
    tried.unknown("no answer", 0)
    now_s = 0.0
    while not isinstance(step := tried.next(now_s), GiveUp):
        if isinstance(step, Try):
            tried.refused(OVERLOADED, 0, "full", now_s)
        else:
            now_s = step.until_s
    assert step.unknown
    assert now_s == DEADLINE_S


def test_where_it_ended_is_where_the_next_one_begins() -> None:
    tried = retry()
    now_s = 0.0
    while not isinstance(step := tried.next(now_s), GiveUp):
        if isinstance(step, Try):
            last = step.node
            now_s += 6.0  # nobody answers
            tried.unknown("silence", now_s)
        else:
            now_s = step.until_s
    assert tried.node != last


ANSWERS = st.sampled_from(["unknown", "not sent", NOT_LEADER, FENCING_TOKEN, OVERLOADED])


@given(st.lists(st.tuples(ANSWERS, st.integers(0, 4), st.floats(0, 0.5)), max_size=80))
def test_it_ends_and_never_calls_refused_what_may_be_taken(
    answers: list[tuple[str | int, int, float]],
) -> None:
    tried = retry()
    now_s, doubt, attempts = 0.0, False, 0
    for answer, hint, took_s in [*answers, *[(NOT_LEADER, 0, 0.5)] * 2000]:
        step = tried.next(now_s)
        if isinstance(step, Wait):
            assert now_s < step.until_s <= min(DEADLINE_S, now_s + PAUSE_S_MAX)
            now_s = step.until_s
            step = tried.next(now_s)
        if isinstance(step, GiveUp):
            assert step.unknown == doubt
            break
        assert isinstance(step, Try)
        assert step.node in NODES
        attempts += 1
        now_s += took_s
        if answer == "unknown":
            doubt = True
            tried.unknown("", now_s)
        elif answer == "not sent":
            tried.not_sent("", now_s)
        else:
            assert isinstance(answer, int)
            tried.refused(answer, hint, "", now_s)
    else:
        pytest.fail("it did not end")
    assert attempts == tried.attempts <= ATTEMPTS_MAX
