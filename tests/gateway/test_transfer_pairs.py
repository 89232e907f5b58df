"""Pairs of transfers: what the logs of honest partitions say, and what a wrong one would say."""

import msgspec
import pytest

from core.codes import (
    TRANSFER_CONFIRMED, TRANSFER_CREDITED, TRANSFER_OVERDUE, TRANSFER_REFUNDED, TRANSFER_RESERVED,
    TRANSFER_VOIDED,
)  # fmt: skip
from core.events import TransferChanged
from gateway.transfer_pairs import Report, TransferPairs

OUT = TransferChanged(
    symbol=0, seq=5, cause=0, transfer_state=TRANSFER_RESERVED, transfer_hi=1, transfer_lo=2,
    account=7, asset=1, amount=500, available=0, hold=500, partner=2, their_account=9,
    deadline_ns=10**18, proof=0,
)  # fmt: skip
INTO = msgspec.structs.replace(
    OUT, seq=41, transfer_state=TRANSFER_CREDITED, account=9, asset=3, partner=1, their_account=7
)
VOIDED = msgspec.structs.replace(
    INTO, transfer_state=TRANSFER_VOIDED, account=0, asset=0, amount=0, their_account=0,
    deadline_ns=0,
)  # fmt: skip


def ended(state: int, proof: int = 41) -> TransferChanged:
    return msgspec.structs.replace(OUT, transfer_state=state, proof=proof)


def report(*out: TransferChanged, into: TransferChanged | None, asset: str = "KRW") -> Report:
    pairs = TransferPairs(1, 2)
    for event in out:
        pairs.at_source(event, "KRW")
    if into is not None:
        pairs.at_target(into, asset if into.asset else "")
    return pairs.report()


def test_honest_pairs() -> None:
    assert report(OUT, ended(TRANSFER_CONFIRMED), into=INTO) == Report(1, 0, 0, 0, [])
    assert report(OUT, ended(TRANSFER_REFUNDED), into=VOIDED) == Report(0, 1, 0, 0, [])
    assert report(OUT, into=None) == Report(0, 0, 1, 0, [])
    assert report(OUT, into=INTO) == Report(0, 0, 1, 1, [])
    assert report(OUT, ended(TRANSFER_OVERDUE, 0), into=VOIDED) == Report(0, 0, 1, 0, [])


@pytest.mark.parametrize(
    ("end", "into", "why"),
    [
        (TRANSFER_CONFIRMED, None, "CONFIRMED, and the target knows nothing of it"),
        (TRANSFER_REFUNDED, None, "REFUNDED, and the target knows nothing of it"),
        (TRANSFER_REFUNDED, INTO, "REFUNDED, and the target says CREDITED"),
        (TRANSFER_CONFIRMED, VOIDED, "CONFIRMED, and the target says VOIDED"),
        (
            TRANSFER_CONFIRMED,
            msgspec.structs.replace(INTO, seq=40),
            "by the target's event 41, which is 40",
        ),
        (TRANSFER_CONFIRMED, msgspec.structs.replace(INTO, amount=501), "the target has"),
        (TRANSFER_CONFIRMED, msgspec.structs.replace(INTO, account=8), "the target has"),
    ],
)
def test_what_cannot_be_is_named(end: int, into: TransferChanged | None, why: str) -> None:
    [line] = report(OUT, ended(end), into=into).wrong
    assert why in line
    assert line.startswith("01000000000000000200000000000000: ")


def test_another_asset_under_the_same_id_is_wrong() -> None:
    assert len(report(OUT, ended(TRANSFER_CONFIRMED), into=INTO, asset="BTC").wrong) == 1


def test_money_from_nowhere_is_wrong_and_a_void_of_nothing_is_not() -> None:
    assert "the source knows nothing of it" in report(into=INTO).wrong[0]
    assert report(into=VOIDED).wrong == []


def test_what_other_partitions_send_is_not_looked_at() -> None:
    pairs = TransferPairs(1, 2)
    pairs.at_source(msgspec.structs.replace(ended(TRANSFER_CONFIRMED), partner=3), "KRW")
    pairs.at_target(msgspec.structs.replace(INTO, partner=3), "KRW")
    pairs.at_source(INTO, "KRW")  # what comes in at the source is another pair of partitions
    assert pairs.report() == Report(0, 0, 0, 0, [])
