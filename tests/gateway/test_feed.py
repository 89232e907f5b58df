"""The WebSocket feed without a socket: snapshots, deltas, conflation, slow and rude clients."""

import json
from typing import Any

import pytest

from gateway import sessions
from gateway.feed_hub import HubFull
from gateway.sessions import Session
from tests.gateway.exchange import SYMBOL, Exchange


class Feed:
    """An exchange and what its sessions receive."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.hub = self.exchange.hub

    def connect(self, ip: str = "10.0.0.1") -> Session:
        return self.hub.connect(ip, 0.0)

    def say(self, session: Session, now_s: float = 0.0, **message: Any) -> list[dict[str, Any]]:
        self.hub.receive(session, json.dumps(message).encode(), now_s)
        return taken(session)

    def subscribe(self, session: Session, channel: str) -> dict[str, Any]:
        answers = self.say(session, op="subscribe", ch=channel, symbol=SYMBOL)
        assert answers[0]["type"] == "subscribed"
        return answers[1]

    def place(self, who: str = "alice", **fields: Any) -> None:
        assert self.exchange.place(who, **fields).status == 201
        self.hub.publish()


def taken(session: Session) -> list[dict[str, Any]]:
    found = []
    while (message := session.take()) is not None:
        found.append(json.loads(message))
    return found


def apply(book: dict[str, dict[str, str]], data: dict[str, list[list[str]]]) -> None:
    for side, levels in data.items():
        for price, qty in levels:
            if qty == "0":
                book[side].pop(price, None)
            else:
                book[side][price] = qty


def test_a_book_is_a_snapshot_and_then_deltas_that_join_without_a_gap() -> None:
    feed = Feed()
    feed.place(price="49000000")
    session = feed.connect()
    snapshot = feed.subscribe(session, "book")
    assert (snapshot["type"], snapshot["prevSeq"]) == ("snapshot", 0)
    book: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}
    apply(book, snapshot["data"])
    assert book["bids"] == {"49000000": "0.001"}
    seq = snapshot["seq"]
    for price in (48_000_000, 47_000_000, 49_000_000):
        feed.place(price=str(price), qty="0.002")
        feed.place("bob", side="SELL", price=str(price + 5_000_000))
        feed.hub.flush_books()
        (delta,) = taken(session)
        assert (delta["type"], delta["prevSeq"]) == ("delta", seq)
        assert delta["seq"] > seq
        seq = delta["seq"]
        apply(book, delta["data"])
    want = json.loads(feed.exchange.send("GET", f"/v1/markets/{SYMBOL}/orderbook").body)
    assert book == {side: dict(want[side]) for side in ("bids", "asks")}
    assert want["seq"] == seq


def test_changes_within_one_interval_are_one_message_of_absolute_levels() -> None:
    feed = Feed()
    session = feed.connect()
    feed.subscribe(session, "book")
    for _ in range(5):
        feed.place()
    assert taken(session) == [], "books wait for the interval"
    feed.hub.flush_books()
    (delta,) = taken(session)
    assert delta["data"] == {"bids": [["50000000", "0.005"]], "asks": []}
    feed.hub.flush_books()
    assert taken(session) == [], "nothing changed"


def test_a_late_subscriber_joins_the_stream_that_others_are_in() -> None:
    feed = Feed()
    early, late = feed.connect(), feed.connect()
    feed.subscribe(early, "book")
    feed.place()
    snapshot = feed.subscribe(late, "book")
    feed.hub.flush_books()
    assert len(taken(early)) == 1
    assert taken(late) == [], "its snapshot held the change already"
    feed.place()
    feed.hub.flush_books()
    (to_early,), (to_late,) = taken(early), taken(late)
    assert to_late["prevSeq"] == snapshot["seq"]
    assert to_early["data"] == to_late["data"]


def test_trades_come_at_once_and_count_on() -> None:
    feed = Feed()
    feed.place("bob", side="SELL", qty="0.009")
    feed.place(qty="0.001")
    session = feed.connect()
    snapshot = feed.subscribe(session, "trades")
    assert [t["qty"] for t in snapshot["data"]] == ["0.001"]
    feed.place(qty="0.002")
    feed.place(qty="0.003")
    first, second = taken(session)
    assert (first["prevSeq"], second["prevSeq"]) == (snapshot["seq"], first["seq"])
    assert [t["qty"] for t in first["data"] + second["data"]] == ["0.002", "0.003"]
    assert first["data"][0]["side"] == "BUY"


def test_each_connection_counts_its_own_messages() -> None:
    feed = Feed()
    session = feed.connect()
    answers = feed.say(session, op="subscribe", ch="trades", symbol=SYMBOL)
    answers += feed.say(session, op="ping", id="7")
    assert [m["n"] for m in answers] == [1, 2, 3]
    assert answers[-1] == {"n": 3, "type": "pong", "id": "7"}


def test_an_unsubscribed_session_hears_nothing_more() -> None:
    feed = Feed()
    session = feed.connect()
    for channel in ("book", "trades"):
        feed.subscribe(session, channel)
        answer = feed.say(session, op="unsubscribe", ch=channel, symbol=SYMBOL)
        assert answer[0]["type"] == "unsubscribed"
    feed.place("bob", side="SELL")
    feed.place()
    feed.hub.flush_books()
    assert taken(session) == []
    assert session.subscriptions == 0


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (b"", "message"),
        (b"{", "message"),
        (b"[]", "message"),
        (b"\xff", "message"),
        (b'{"op":"subscribe","ch":"book","symbol":"BTC-KRW","depth":5}', "message"),
        (b'{"op":"subscribe","ch":7}', "message"),
        (b'{"op":"subscribe","ch":"book","symbol":"DOGE-KRW"}', "symbol"),
        (b'{"op":"subscribe","ch":"orders","symbol":"BTC-KRW"}', "ch"),
        (b'{"op":"destroy","ch":"book","symbol":"BTC-KRW"}', "op"),
        (b'{"op":"ping","id":"' + b"x" * 5_000 + b'"}', "message"),
    ],
)
def test_a_wrong_message_is_answered_and_the_session_lives(message: bytes, field: str) -> None:
    feed = Feed()
    session = feed.connect()
    feed.hub.receive(session, message, 0.0)
    (answer,) = taken(session)
    assert (answer["type"], answer["errors"][0]["field"]) == ("error", field)
    assert session.closing is None
    assert feed.subscribe(session, "book")["type"] == "snapshot"


def test_too_many_messages_close_the_session_and_time_gives_them_back() -> None:
    feed = Feed()
    session = feed.connect()
    for _ in range(sessions.MESSAGES_BURST):
        assert feed.say(session, op="ping")
    assert feed.say(session, op="ping", now_s=0.25), "five a second come back"
    feed.say(session, op="ping", now_s=0.25)
    assert session.closing == (sessions.CLOSE_POLICY, "TOO_MANY_REQUESTS")


def test_a_client_that_does_not_read_its_trades_is_closed_as_a_slow_consumer() -> None:
    feed = Feed()
    slow, good = feed.connect(), feed.connect()
    for session in (slow, good):
        feed.subscribe(session, "trades")
    tail = b'"prevSeq":0,' + b"x" * 100_000 + b"}"
    while slow.closing is None:
        assert slow.outbox_bytes <= sessions.OUTBOX_BYTES_MAX
        slow.push(tail)
    assert slow.closing == (sessions.CLOSE_POLICY, "SLOW_CONSUMER")
    assert slow.outbox_bytes == 0, "what it will not take is not kept"
    feed.place("bob", side="SELL")
    feed.place()
    assert len(taken(good)) == 1, "others go on"


def test_a_busy_client_gets_its_book_merged_and_without_a_gap() -> None:
    feed = Feed()
    session = feed.connect()
    snapshot = feed.subscribe(session, "book")
    session.push(b'"filler":"' + b"x" * (sessions.OUTBOX_BYTES_BUSY + 1) + b'"}')
    for price in (48_000_000, 47_000_000, 48_000_000):
        feed.place(price=str(price))
        feed.hub.flush_books()
    assert len(taken(session)) == 1, "only the filler"
    feed.hub.flush_books()
    (delta,) = taken(session)
    assert delta["prevSeq"] == snapshot["seq"]
    assert delta["data"]["bids"] == [["48000000", "0.002"], ["47000000", "0.001"]]


def test_connections_are_bounded_in_all_and_per_address() -> None:
    feed = Feed()
    mine = [feed.connect("10.0.0.1") for _ in range(5)]
    with pytest.raises(HubFull):
        feed.connect("10.0.0.1")
    others = [feed.connect("10.0.0.2") for _ in range(5)]
    with pytest.raises(HubFull):
        feed.connect("10.0.0.3")
    for session in mine + others:
        feed.hub.disconnect(session)
    assert len(feed.hub) == 0
    assert feed.connect("10.0.0.1").closing is None


def test_subscriptions_are_bounded() -> None:
    feed = Feed()
    session = feed.connect()
    session.trades.update(dict.fromkeys(range(1000, 1000 + sessions.SUBSCRIPTIONS_MAX), 0))
    answer = feed.say(session, op="subscribe", ch="book", symbol=SYMBOL)
    assert answer[0]["errors"][0]["field"] == "ch"


def test_a_stopping_process_tells_its_clients_to_come_back() -> None:
    feed = Feed()
    session = feed.connect()
    feed.hub.close_all()
    assert session.closing == (sessions.CLOSE_TRY_AGAIN, "GOING_AWAY")
    assert session in feed.hub.woken
