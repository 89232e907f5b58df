"""The fold, event by event: which ledger accounts move, by how much, and what is refused."""

import struct

import pytest

from core.codes import (
    BUY,
    EV_BALANCE_CHANGED,
    EV_BOOK_DELTA,
    EV_ORDER_ACCEPTED,
    EV_ORDER_AMENDED,
    EV_ORDER_CANCELED,
    EV_TRADE_EXECUTED,
    EV_TRANSFER_CHANGED,
    HOUSE,
    SELL,
    TRANSFER_CONFIRMED,
    TRANSFER_CREDITED,
    TRANSFER_OVERDUE,
    TRANSFER_REFUNDED,
    TRANSFER_RESERVED,
    TRANSFER_VOIDED,
)
from ledger.fold import Fold, Journal
from ledger.ports import (
    AVAILABLE,
    DEPOSIT,
    HOLD,
    ORDER_AMEND,
    ORDER_HOLD,
    ORDER_RELEASE,
    OUTSIDE,
    TRADE,
    TRANSFER_HOLD,
    TRANSFER_IN,
    TRANSFER_OUT,
    TRANSFER_RELEASE,
    WITHDRAWAL,
    Entry,
    FeedFault,
    LogEvents,
    Stream,
    Symbol,
)

BTC, KRW = 1, 2
SYMBOL = Symbol(7, "BTC-KRW", BTC, KRW, 10, 3)
TS_NS = 1_700_000_000_000_000_000


def row(
    kind: int, *words: int, symbol: int = 7, seq: int = 1, side: int = 0, detail: int = 0
) -> bytes:
    count = len(words) + 2
    head = kind | count << 8 | symbol << 16 | side << 48 | detail << 52
    return struct.pack(f"<{count}q", head, seq, *words)


def trade(side: int, seq: int = 1, trade_id: int = 1, release: int = 0, taker: int = 5) -> bytes:
    """4 lots for 1000: the maker is account 4; maker's fee 3, taker's fee 2."""
    words = (trade_id, 250, 4, 90, 91, 4, taker, 1000, 3, 2, 0, 0, release)
    return row(EV_TRADE_EXECUTED, *words, seq=seq, side=side)


def fold(events: bytes, streams: tuple[Stream, ...] = ()) -> Journal:
    (journal,) = Fold([SYMBOL], streams).fold(LogEvents(0, 9, 1, TS_NS, events))
    return journal


def legs(journal: Journal) -> list[tuple[int, int, int, int]]:
    return [(p.account, p.asset, p.bucket, p.amount) for p in journal.segment.postings]


def test_a_deposit_comes_from_outside() -> None:
    journal = fold(row(EV_BALANCE_CHANGED, 4, KRW, 500, 500, 0, 1, 1, symbol=0, detail=1))
    assert journal.segment.entries == [Entry(9, 0, DEPOSIT, 0, 0, 0, TS_NS)]
    assert legs(journal) == [(OUTSIDE, KRW, AVAILABLE, -500), (4, KRW, AVAILABLE, 500)]


def test_a_withdrawal_goes_outside() -> None:
    journal = fold(row(EV_BALANCE_CHANGED, 4, KRW, -500, 0, 0, 1, 1, symbol=0, detail=2))
    assert journal.segment.entries[0].kind == WITHDRAWAL
    assert legs(journal) == [(OUTSIDE, KRW, AVAILABLE, 500), (4, KRW, AVAILABLE, -500)]


@pytest.mark.parametrize(
    ("state", "kind", "wanted"),
    [
        (TRANSFER_RESERVED, TRANSFER_HOLD, [(4, KRW, AVAILABLE, -500), (4, KRW, HOLD, 500)]),
        (TRANSFER_REFUNDED, TRANSFER_RELEASE, [(4, KRW, AVAILABLE, 500), (4, KRW, HOLD, -500)]),
        (TRANSFER_CONFIRMED, TRANSFER_OUT, [(4, KRW, HOLD, -500), (OUTSIDE, KRW, AVAILABLE, 500)]),
        (
            TRANSFER_CREDITED,
            TRANSFER_IN,
            [(OUTSIDE, KRW, AVAILABLE, -500), (4, KRW, AVAILABLE, 500)],
        ),
    ],
)
def test_each_step_of_a_transfer_moves_its_amount(
    state: int, kind: int, wanted: list[tuple[int, int, int, int]]
) -> None:
    journal = fold(row(EV_TRANSFER_CHANGED, *transfer_words(500), symbol=0, detail=state))
    assert journal.segment.entries == [Entry(9, 0, kind, 0, 0, 0, TS_NS)]
    assert legs(journal) == wanted


@pytest.mark.parametrize("state", [TRANSFER_OVERDUE, TRANSFER_VOIDED])
def test_a_transfer_that_waits_or_never_comes_moves_nothing(state: int) -> None:
    journal = fold(row(EV_TRANSFER_CHANGED, *transfer_words(500), symbol=0, detail=state))
    assert journal.segment.entries == []
    assert journal.events == 1


def transfer_words(amount: int) -> tuple[int, ...]:
    return (1, 2, 4, KRW, amount, 0, 0, 7, 9, TS_NS, 0)


@pytest.mark.parametrize(("side", "asset"), [(BUY, KRW), (SELL, BTC)])
def test_an_order_holds_what_it_gives(side: int, asset: int) -> None:
    journal = fold(row(EV_ORDER_ACCEPTED, 33, 4, 250, 4, 0, 1000, 0, 0, side=side))
    assert journal.segment.entries == [Entry(9, 0, ORDER_HOLD, 7, 0, 33, TS_NS)]
    assert legs(journal) == [(4, asset, AVAILABLE, -1000), (4, asset, HOLD, 1000)]


@pytest.mark.parametrize(("side", "asset"), [(BUY, KRW), (SELL, BTC)])
def test_a_cancel_gives_back(side: int, asset: int) -> None:
    journal = fold(row(EV_ORDER_CANCELED, 33, 4, 4, 600, 250, side=side, detail=1))
    assert journal.segment.entries == [Entry(9, 0, ORDER_RELEASE, 7, 0, 33, TS_NS)]
    assert legs(journal) == [(4, asset, AVAILABLE, 600), (4, asset, HOLD, -600)]


@pytest.mark.parametrize("delta", [70, -70])
def test_an_amend_moves_the_difference(delta: int) -> None:
    journal = fold(row(EV_ORDER_AMENDED, 33, 4, 250, 4, 4, delta, 0, side=BUY))
    assert journal.segment.entries == [Entry(9, 0, ORDER_AMEND, 7, 0, 33, TS_NS)]
    assert legs(journal) == [(4, KRW, AVAILABLE, -delta), (4, KRW, HOLD, delta)]


def test_a_buying_taker_pays_from_hold_and_gets_the_better_price_back() -> None:
    journal = fold(trade(BUY, release=50))
    assert journal.segment.entries == [Entry(9, 0, TRADE, 7, 1, 91, TS_NS)]
    assert legs(journal) == [
        (5, KRW, HOLD, -1000), (4, KRW, AVAILABLE, 997), (HOUSE, KRW, AVAILABLE, 3),
        (4, BTC, HOLD, -40), (5, BTC, AVAILABLE, 38), (HOUSE, BTC, AVAILABLE, 2),
        (5, KRW, AVAILABLE, 50), (5, KRW, HOLD, -50),
    ]  # fmt: skip


def test_a_selling_taker_pays_the_fee_in_quote() -> None:
    assert legs(fold(trade(SELL))) == [
        (4, KRW, HOLD, -1000), (5, KRW, AVAILABLE, 998), (HOUSE, KRW, AVAILABLE, 2),
        (5, BTC, HOLD, -40), (4, BTC, AVAILABLE, 37), (HOUSE, BTC, AVAILABLE, 3),
    ]  # fmt: skip


def test_a_rebate_comes_from_the_house() -> None:
    rebate = row(EV_TRADE_EXECUTED, 1, 250, 4, 90, 91, 4, 5, 1000, -3, 2, 0, 0, 0, side=SELL)
    assert legs(fold(rebate)) == [
        (4, KRW, HOLD, -1000), (5, KRW, AVAILABLE, 998), (HOUSE, KRW, AVAILABLE, 2),
        (5, BTC, HOLD, -40), (4, BTC, AVAILABLE, 43), (HOUSE, BTC, AVAILABLE, -3),
    ]  # fmt: skip


def test_a_trade_with_oneself_leaves_only_the_fees() -> None:
    journal = fold(trade(BUY, taker=4))
    totals = {change[:2]: change.available + change.hold for change in journal.changes()}
    assert totals == {(4, KRW): -3, (4, BTC): -2, (HOUSE, KRW): 3, (HOUSE, BTC): 2}


def test_what_moves_nothing_makes_no_entry() -> None:
    events = row(EV_BOOK_DELTA, 250, 4, 1) + row(
        EV_ORDER_CANCELED, 33, 4, 4, 0, 250, seq=2, detail=3
    )
    journal = fold(events)
    assert journal.events == 2
    assert journal.segment.entries == []
    assert journal.streams == {7: Stream(7, 2, 0)}


def test_changes_sum_what_one_balance_goes_through() -> None:
    events = row(EV_ORDER_ACCEPTED, 33, 5, 250, 4, 0, 1050, 0, 0) + trade(BUY, seq=2, release=50)
    changes = {change[:2]: change[2:] for change in fold(events).changes()}
    assert changes[5, KRW] == (-1000, 0, 9, 5)
    assert changes[5, BTC] == (38, 0, 9, 1)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (row(EV_BOOK_DELTA, 1, 1, 1, seq=2), "symbol 7 has seq 2 where 1 comes next"),
        (row(EV_BOOK_DELTA, 1, 1, 1, seq=0), "seq 0 where 1 comes next"),
        (trade(BUY, trade_id=2), "trade 2 of BTC-KRW where 1 comes next"),
        (row(EV_ORDER_ACCEPTED, 3, 4, 1, 1, 0, 9, 0, 0, symbol=8), "symbol 8 was never listed"),
        (row(99, 1, 1), "kind 99 with 4 words at word 0 of 4"),
        (row(0, 1, 1), "kind 0 with 4 words at word 0 of 4"),
        (row(EV_ORDER_ACCEPTED, 3), "kind 1 with 3 words at word 0 of 3"),
        (row(EV_BALANCE_CHANGED, 4, KRW, -5, 0, 0, 1, 1, detail=1), "moved by -5 for reason 1"),
        (row(EV_BALANCE_CHANGED, 4, KRW, 5, 0, 0, 1, 1, detail=2), "moved by 5 for reason 2"),
        (row(EV_BALANCE_CHANGED, 4, KRW, 5, 0, 0, 1, 1, detail=3), "moved by 5 for reason 3"),
        (row(EV_BOOK_DELTA, 1, 1, 1)[:-8], "kind 7 with 5 words at word 0 of 4"),
    ],
)
def test_what_cannot_follow_is_the_feeds_fault(events: bytes, said: str) -> None:
    with pytest.raises(FeedFault, match="log index 9, event 0") as caught:
        fold(events)
    assert said in str(caught.value)


def test_numbers_go_on_from_the_stored_streams() -> None:
    journal = fold(trade(SELL, seq=41, trade_id=13), (Stream(7, 40, 12),))
    assert journal.streams == {7: Stream(7, 41, 13)}
