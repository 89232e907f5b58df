"""The folds against the machine: what the events say must be what the machine holds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import codes, commands
from core.events import decode_reply
from core.machine import Machine
from gateway.fold import OutOfOrder, ReadModel
from gateway.market_data import CANDLES_KEPT, DAY_MS, MINUTE_MS, MarketData, Trade
from gateway.order_view import OrderView, unpack
from tests.gateway.exchange import ALICE, BOB, NOW_MS, SYMBOL, Exchange, listing, told

accounts = st.sampled_from((ALICE, BOB))
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("place"), accounts, st.integers(0, 1), st.integers(0, 3),
            st.integers(49_995, 50_005), st.integers(1, 9),
        ),
        st.tuples(st.just("market"), accounts, st.integers(0, 1), st.integers(1, 9)),
        st.tuples(st.just("cancel"), accounts, st.integers(0, 30)),
        st.tuples(st.just("amend"), accounts, st.integers(0, 30), st.integers(49_995, 50_005),
                  st.integers(1, 9)),
        st.tuples(st.just("cancel_all"), accounts),
    ),
    max_size=60,
)  # fmt: skip


def record(step: tuple[Any, ...], ids: list[int]) -> bytes:
    kind, account = step[0], step[1]
    if kind == "place":
        _, _, side, time_in_force, price, qty = step
        return commands.place(account, 1, side, codes.LIMIT, time_in_force, price, qty)
    if kind == "market":
        return commands.place(account, 1, step[2], codes.MARKET, codes.IOC, 0, step[3])
    if kind == "cancel_all":
        return commands.cancel_all(account, 0)
    order_id = ids[step[2] % len(ids)] if ids else 1
    if kind == "cancel":
        return commands.cancel(account, 0, order_id)
    return commands.amend(account, 1, order_id, step[3], step[4])


@settings(max_examples=60)
@given(steps, st.integers(1, 4))
def test_the_folds_hold_what_the_machine_holds(flow: list[tuple[Any, ...]], batch: int) -> None:
    machine, model, ids = Machine(), ReadModel(), list[int]()
    records = listing()
    for at in range(0, len(flow) + 1, batch):
        machine.apply(machine.index + 1, (NOW_MS + at) * 10**6, commands.batch_of(records))
        model.apply(machine.index, (NOW_MS + at) * 10**6, machine.events)
        ids += [
            reply.id
            for n in range(len(records))
            if (reply := decode_reply(machine.replies, n)).command == codes.CMD_PLACE and reply.id
        ]
        records = [record(step, ids) for step in flow[at : at + batch]] or [
            commands.cancel_all(ALICE, 0)
        ]
    compare(machine, model)


def compare(machine: Machine, model: ReadModel) -> None:
    book = machine.book(1, 1_000)
    bids, asks = model.market_data.markets[1].depth(1_000)
    assert bids == [(price, total) for price, total, _ in book.bids]
    assert asks == [(price, total) for price, total, _ in book.asks]
    assert model.seq(1) == book.seq
    for account in (ALICE, BOB):
        have = {o.order_id: o for o in model.orders.open_orders(account)}
        want = machine.open_orders(account, 0)
        assert have.keys() == {o.order_id for o in want}
        for order in want:
            found = have[order.order_id]
            assert (found.price, found.remaining, found.filled, found.side) == (
                order.price, order.remaining, order.filled, order.side,
            )  # fmt: skip
            assert found.qty == order.remaining + order.filled
            assert (found.status == codes.STATUS_NEW) is (order.filled == 0)


def test_an_entry_or_event_out_of_order_is_refused() -> None:
    exchange = Exchange()
    machine = exchange.core.machine
    with pytest.raises(OutOfOrder, match="entry 1 came after entry 1"):
        exchange.model.apply(1, 0, b"")
    with pytest.raises(OutOfOrder, match="entry 3 came after entry 1"):
        exchange.model.apply(3, 0, b"")
    with pytest.raises(OutOfOrder, match="symbol 0: event 1 came after"):
        exchange.model.apply(2, 0, machine.events)


def test_closed_orders_are_kept_up_to_the_bound_and_come_back_whole() -> None:
    exchange = Exchange()
    first = told(exchange.place("alice", timeInForce="IOC", clientOrderId="one"))["orderId"]
    seen = told(exchange.signed("alice", "GET", f"/v1/orders/{first}"))
    assert (seen["status"], seen["clientOrderId"], seen["timeInForce"]) == ("EXPIRED", "one", "IOC")
    assert (seen["price"], seen["qty"]) == ("50000000", "0.001")
    for _ in range(100):
        exchange.place("alice", timeInForce="IOC")
    view = exchange.model.orders
    assert view.closed_count == 100
    assert exchange.signed("alice", "GET", f"/v1/orders/{first}").status == 404


def test_a_packed_order_unpacks_to_the_same() -> None:
    exchange = Exchange()
    exchange.place("alice", qty="0.005", clientOrderId="a:b")
    order = exchange.model.orders.open_orders(ALICE)[0]
    again = unpack(order.pack())
    assert all(getattr(order, name) == getattr(again, name) for name in order.__slots__)


def test_an_unknown_order_in_an_event_is_a_bug_and_stops() -> None:
    with pytest.raises(KeyError):
        OrderView().order_canceled((0, 1, 5, 2, 1, 1, 1), 0)


def trade(seq: int, ms: int, price: int, qty: int) -> Trade:
    return Trade(seq, seq, ms * 1_000_000, codes.BUY, price, qty, price * qty)


def market(trades: list[Trade]) -> Any:
    data = MarketData()
    data.symbol_listed((1 << 16,), 0)
    for one in trades:
        data.markets[1].add_trade(one)
    return data.markets[1]


def test_candles_are_cut_at_whole_minutes_of_log_time() -> None:
    start = NOW_MS - NOW_MS % DAY_MS
    found = market([
        trade(1, start, 10, 1), trade(2, start + 30_000, 14, 2),
        trade(3, start + 59_999, 8, 3), trade(4, start + 60_000, 9, 4),
    ])  # fmt: skip
    first, second = found.candles["1m"]
    assert (first.open, first.high, first.low, first.close) == (10, 14, 8, 8)
    assert (first.volume, first.quote_units, first.count) == (6, 62, 3)
    assert (second.open_ms, second.open, second.volume) == (start + 60_000, 9, 4)
    assert [c.open_ms for c in found.candles["1d"]] == [start]


def test_candles_are_bounded() -> None:
    found = market([trade(n, n * MINUTE_MS, 1, 1) for n in range(1, CANDLES_KEPT + 50)])
    assert len(found.candles["1m"]) == CANDLES_KEPT


def test_the_ticker_forgets_what_is_older_than_a_day() -> None:
    found = market([trade(1, 0, 99, 7), trade(2, DAY_MS, 10, 1), trade(3, DAY_MS + 5, 12, 2)])
    ticker = found.ticker((DAY_MS + 10_000) * 1_000_000)
    assert (ticker.open, ticker.high, ticker.low, ticker.last) == (10, 12, 10, 12)
    assert (ticker.volume, ticker.quote_units, ticker.trades) == (3, 34, 2)
    quiet = found.ticker(3 * DAY_MS * 1_000_000)
    assert (quiet.last, quiet.volume, quiet.trades) == (12, 0, 0)


def test_a_market_without_a_trade_has_no_price() -> None:
    ticker = told(Exchange().send("GET", f"/v1/markets/{SYMBOL}/ticker"))
    prices = [ticker[name] for name in ("open", "high", "low", "last", "bestBid", "bestAsk")]
    assert prices == [None] * 6
    assert (ticker["volume"], ticker["trades"]) == ("0", 0)


def test_the_public_answers_are_those_of_the_folds() -> None:
    exchange = Exchange()
    exchange.place("bob", side="SELL", qty="0.003")
    exchange.place("alice", qty="0.001")
    book = told(exchange.send("GET", f"/v1/markets/{SYMBOL}/orderbook"))
    assert (book["bids"], book["asks"]) == ([], [["50000000", "0.002"]])
    assert book["seq"] == exchange.model.seq(1)
    trades = told(exchange.send("GET", f"/v1/markets/{SYMBOL}/trades"))["trades"]
    assert [(t["price"], t["qty"], t["side"]) for t in trades] == [("50000000", "0.001", "BUY")]
    ticker = told(exchange.send("GET", f"/v1/markets/{SYMBOL}/ticker"))
    assert (ticker["last"], ticker["volume"], ticker["bestAsk"]) == (
        "50000000",
        "0.001",
        "50000000",
    )
    candles = told(exchange.send("GET", f"/v1/markets/{SYMBOL}/candles?interval=1h"))["candles"]
    assert [c["close"] for c in candles] == ["50000000"]
    markets = told(exchange.send("GET", "/v1/markets"))["markets"]
    assert [(m["symbol"], m["tickSize"], m["lotSize"]) for m in markets] == [
        (SYMBOL, "1000", "0.001")
    ]
