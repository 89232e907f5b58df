"""What fits into one entry, who gets which reply, and what is turned away at the door."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.codes import OVERLOADED, VALIDATION
from core.commands import cancel, checkpoint, list_symbol, split_batch
from core.events import REPLY_BYTES
from replication.batching import (
    METADATA_BYTES_MAX,
    Intake,
    Limits,
    Submission,
    answers,
    batch_metadata,
)
from replication.ports import Submitted, Unknown

ROOM = 1 << 40


def ignore(answer: Submitted | Unknown) -> None:
    raise AssertionError("nobody answers here")


def submission(count: int, metadata: bytes = b"", first: int = 1) -> Submission:
    commands = b"".join(cancel(2, 1, first + n) for n in range(count))
    return Submission(commands, count, metadata, ignore)


def ids_of(ordinals: dict[int, str]) -> bytes:
    return msgspec.msgpack.encode({n: (name.encode(), b"", b"") for n, name in ordinals.items()})


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(9, 20))
def test_nothing_is_lost_doubled_or_reordered(counts: list[int], most: int) -> None:
    intake = Intake(Limits(batch_commands_max=most))
    sent = []
    for number, count in enumerate(counts):
        one = submission(count, first=100 * number)
        assert intake.admit(one, ROOM) is None
        sent.append(one)
    taken: list[Submission] = []
    while intake:
        cut = intake.cut()
        commands, count, _ = split_batch(cut.payload)
        assert 0 < count == cut.commands <= most
        assert commands == b"".join(one.commands for one in cut.submissions)
        taken += cut.submissions
    assert taken == sent
    assert intake.open_commands == sum(counts)
    for one in taken:
        intake.answered(one)
    assert (intake.open_commands, intake.open_bytes) == (0, 0)


def test_metadata_is_counted_from_the_entrys_first_command() -> None:
    intake = Intake(Limits())
    for one in (
        submission(2, ids_of({0: "a", 1: "b"})),
        submission(3),
        submission(1, ids_of({0: "c"})),
    ):
        assert intake.admit(one, ROOM) is None
    joined = msgspec.msgpack.decode(
        batch_metadata(intake.cut().payload), type=dict[int, tuple[bytes, bytes, bytes]]
    )
    assert {n: ids[0] for n, ids in joined.items()} == {0: b"a", 1: b"b", 5: b"c"}


def test_metadata_of_a_lone_submission_is_passed_on_as_it_came() -> None:
    intake = Intake(Limits())
    metadata = ids_of({1: "x"})
    assert intake.admit(submission(2, metadata), ROOM) is None
    assert batch_metadata(intake.cut().payload) == metadata


def test_every_submission_gets_its_own_replies() -> None:
    first, second = submission(2), submission(1)
    replies = b"".join(bytes([n]) * REPLY_BYTES for n in range(3))
    (a, for_a), (b, for_b) = answers((first, second), replies, 9, 4, 77)
    assert (a, b) == (first, second)
    assert for_a == Submitted(index=9, term=4, ts_ns=77, replies=replies[: 2 * REPLY_BYTES])
    assert for_b.replies == replies[2 * REPLY_BYTES :]


def test_a_machine_that_answers_too_little_is_our_bug() -> None:
    with pytest.raises(AssertionError, match="bytes of replies"):
        answers((submission(1),), bytes(2 * REPLY_BYTES), 1, 1, 1)


@pytest.mark.parametrize(
    ("limits", "room", "reason"),
    [
        (Limits(waiting_commands_max=4), ROOM, "too many commands are waiting"),
        (Limits(waiting_bytes_max=300), ROOM, "too many bytes are waiting"),
        (Limits(), 300, "the log is nearly full"),
    ],
)
def test_the_door_closes_and_opens_again(limits: Limits, room: int, reason: str) -> None:
    intake = Intake(limits)
    first = submission(3)
    assert intake.admit(first, room) is None
    assert intake.admit(submission(2), room) == Submitted(code=OVERLOADED, reason=reason)
    assert intake.cut().submissions == (first,)
    assert intake.admit(submission(2), room) is not None, "applied counts, not written"
    intake.answered(first)
    assert intake.admit(submission(2), room) is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Submission(b"", 0, b"", ignore), "count: 0 is not the 0 commands"),
        (Submission(cancel(2, 1, 1), 2, b"", ignore), "count: 2 is not the 1 commands"),
        (Submission(b"12345678", 1, b"", ignore), "command 0 has unknown kind"),
        (Submission(b"123", 1, b"", ignore), "whole words"),
        (submission(9000), "count: 9000 commands; one submission has at most 8192"),
        (Submission(checkpoint(7), 1, b"", ignore), "the leader's own command"),
        (Submission(cancel(2, 1, 1) + checkpoint(7), 2, b"", ignore), "the leader's own command"),
        (submission(1, b"\xc1"), "metadata: "),
        (submission(1, ids_of({1: "x"})), "an ordinal is outside 0..0"),
        (submission(1, bytes(METADATA_BYTES_MAX + 1)), "metadata: 2097153 bytes"),
    ],
)
def test_what_is_malformed_is_named_and_nothing_is_kept(bad: Submission, reason: str) -> None:
    intake = Intake(Limits(waiting_commands_max=10_000))
    refusal = intake.admit(bad, ROOM)
    assert refusal is not None
    assert refusal.code == VALIDATION
    assert reason in refusal.reason
    assert not intake
    assert intake.open_commands == 0


def test_an_operators_checkpoint_claims_nothing_and_passes() -> None:
    assert Intake(Limits()).admit(Submission(checkpoint(), 1, b"", ignore), ROOM) is None


def test_a_longer_command_is_not_taken_for_a_checkpoint() -> None:
    listing = list_symbol(
        "A-B", 1, 2, tick_units=1, lot_units=1, min_price=1, max_price=2, max_qty=1,
        min_notional=0, max_notional=1, maker_ppm=0, taker_ppm=0,
    )  # fmt: skip
    intake = Intake(Limits())
    assert intake.admit(Submission(listing, 1, b"", ignore), ROOM) is None
