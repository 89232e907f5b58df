"""The outbox and the fence: who publishes what, in which order, and when it counts."""

import math

import pytest

from replication.outbox import (
    Acknowledged,
    Failed,
    Fence,
    Fenced,
    Open,
    Opened,
    Outbox,
    Phase,
    Publish,
)
from replication.ports import Committed


def entry(index: int, term: int = 1, size: int = 10) -> Committed:
    return Committed(
        index=index, term=term, ts_ns=index, events=bytes(size), metadata=b"", chain=bytes(32)
    )


def opened(outbox: Outbox, epoch: int = 1, last_index: int = 0) -> int:
    """Lead, and let the sink answer; the attempt's number."""
    outbox.lead(epoch, 0.0)
    (request,) = outbox.take_requests()
    assert isinstance(request, Open)
    assert request.epoch == epoch
    outbox.answer(Opened(request.attempt, last_index), 0.0)
    return request.attempt


def test_nothing_leaves_before_the_lead_and_the_sinks_answer() -> None:
    outbox = Outbox(7)
    assert outbox.wants == 0
    assert outbox.take_requests() == []
    outbox.lead(3, 0.0)
    assert outbox.wants == 0
    (request,) = outbox.take_requests()
    assert request == Open(3, 7, 1)
    outbox.answer(Opened(1, 41), 0.0)
    assert outbox.wants == 42
    assert outbox.published_index == 41


def test_entries_go_out_in_order_with_the_epoch_and_the_cursor_follows_the_sink() -> None:
    outbox = Outbox(7)
    attempt = opened(outbox, 2)
    outbox.offer([entry(1), entry(2, 2)], 0.0)
    (request,) = outbox.take_requests()
    assert isinstance(request, Publish)
    assert (request.epoch, request.holder, request.first_index) == (2, 7, 1)
    assert outbox.published_index == 0
    assert outbox.wants == 3
    outbox.answer(Acknowledged(attempt, 1), 0.0)
    assert outbox.published_index == 1
    assert outbox.in_flight == 1
    with pytest.raises(AssertionError, match="after 2"):
        outbox.offer([entry(4)], 0.0)
    with pytest.raises(AssertionError, match="later term"):
        outbox.offer([entry(3, 3)], 0.0)


def test_the_window_is_bounded_in_entries_and_bytes() -> None:
    outbox = Outbox(7, window_entries=3, window_bytes=1000)
    attempt = opened(outbox)
    outbox.offer([entry(index) for index in range(1, 9)], 0.0)
    assert outbox.in_flight == 3
    assert outbox.wants == 0
    outbox.answer(Acknowledged(attempt, 3), 0.0)
    assert outbox.wants == 4
    outbox.offer([entry(4, size=2000), entry(5)], 0.0)
    assert outbox.in_flight == 1
    assert outbox.wants == 0


def test_a_deposed_leader_is_silent_and_ignores_late_answers() -> None:
    outbox = Outbox(7)
    attempt = opened(outbox)
    outbox.offer([entry(1)], 0.0)
    outbox.depose()
    assert outbox.take_requests() == []
    outbox.answer(Acknowledged(attempt, 1), 0.0)
    assert outbox.phase is Phase.IDLE
    assert outbox.deadline_s == math.inf
    outbox.lead(5, 1.0)
    (request,) = outbox.take_requests()
    assert request == Open(5, 7, attempt + 1)


def phase_of(outbox: Outbox) -> Phase:
    """Asked anew: a checker of types believes that what was compared stays so."""
    return outbox.phase


def test_silence_and_failure_open_again_and_the_sink_says_where() -> None:
    outbox = Outbox(7, retry_s=0.5, answer_s=2.0)
    attempt = opened(outbox)
    outbox.offer([entry(1), entry(2)], 1.0)
    assert outbox.deadline_s == 3.0
    outbox.tick(2.9)
    assert phase_of(outbox) is Phase.PUBLISHING
    outbox.tick(3.0)
    assert phase_of(outbox) is Phase.WAITING
    outbox.answer(Acknowledged(attempt, 2), 3.1)
    assert phase_of(outbox) is Phase.WAITING
    outbox.tick(3.5)
    (request,) = outbox.take_requests()[-1:]
    assert isinstance(request, Open)
    outbox.answer(Opened(request.attempt, 2), 3.6)
    assert outbox.wants == 3
    outbox.answer(Failed(request.attempt, "no"), 3.7)
    assert outbox.phase is Phase.WAITING


def test_a_fenced_one_waits_for_a_later_term() -> None:
    outbox = Outbox(7)
    attempt = opened(outbox, 4)
    outbox.answer(Fenced(attempt, 5, 8), 0.0)
    assert outbox.phase is Phase.FENCED
    outbox.lead(4, 1.0)
    assert outbox.take_requests() == []
    outbox.lead(6, 1.0)
    assert outbox.take_requests() == [Open(6, 7, attempt + 1)]


def test_the_fence_refuses_smaller_epochs_and_second_holders() -> None:
    fence = Fence()
    assert fence.open(Open(3, 1, 1)) == Opened(1, 0)
    assert fence.open(Open(2, 2, 1)) == Fenced(1, 3, 1)
    assert fence.open(Open(3, 2, 1)) == Fenced(1, 3, 1)
    assert fence.open(Open(3, 1, 2)) == Opened(2, 0)
    answer, new = fence.publish(Publish(2, 2, 1, 1, (entry(1),)))
    assert isinstance(answer, Fenced)
    assert not new
    answer, new = fence.publish(Publish(9, 2, 1, 1, (entry(1),)))
    assert isinstance(answer, Fenced), "an epoch that was not opened publishes nothing"


def test_the_fence_takes_what_is_new_and_refuses_gaps() -> None:
    fence = Fence()
    fence.open(Open(1, 1, 1))
    answer, new = fence.publish(Publish(1, 1, 1, 1, (entry(1), entry(2))))
    assert answer == Acknowledged(1, 2)
    assert [e.index for e in new] == [1, 2]
    answer, new = fence.publish(Publish(1, 1, 1, 2, (entry(2), entry(3))))
    assert answer == Acknowledged(1, 3)
    assert [e.index for e in new] == [3]
    answer, new = fence.publish(Publish(1, 1, 1, 1, (entry(1),)))
    assert (answer, list(new)) == (Acknowledged(1, 3), [])
    answer, new = fence.publish(Publish(1, 1, 1, 5, (entry(5),)))
    assert isinstance(answer, Failed)
    assert not new
