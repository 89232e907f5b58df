"""A market with more than ten levels, recorded as LOBSTER records one: through ten of them.

The market is random but honest: price-time priority, never crossed. Orders come and go behind the
tenth level too, and of these the recording says nothing, as LOBSTER's does not. A test that has
the whole truth can then ask whether what is called known is right.
"""

import random

from adapters.feed.actions import ASK, BID, Amend, Cancel, Place
from adapters.feed.lobster import DELETE, EXECUTE, LEVELS, REDUCE, SUBMIT, Level, Message, Row

Order = list[int]
"""Tag and lots: a list, because lots change."""


class Market:
    """Orders by side and price, oldest first."""

    def __init__(self) -> None:
        self.queues: dict[int, dict[int, list[Order]]] = {BID: {}, ASK: {}}

    def add(self, tag: int, side: int, price: int, lots: int) -> None:
        self.queues[side].setdefault(price, []).append([tag, lots])

    def take(self, tag: int, side: int, price: int, lots: int) -> None:
        queue = self.queues[side][price]
        order = next(order for order in queue if order[0] == tag)
        order[1] -= lots
        if order[1] == 0:
            queue.remove(order)
        if not queue:
            del self.queues[side][price]

    def prices(self, side: int) -> list[int]:
        return sorted(self.queues[side], key=lambda price: -side * price)

    def levels(self, side: int, depth: int = LEVELS) -> list[Level]:
        queues = self.queues[side]
        best = self.prices(side)[:depth]
        return [(price, sum(order[1] for order in queues[price])) for price in best]

    def row(self) -> Row:
        return Row(tuple(self.levels(BID)), tuple(self.levels(ASK)))


def record(seed: int, count: int) -> tuple[list[Message], list[Row]]:
    """`count` messages and the ten best levels after each."""
    rng = random.Random(seed)
    market = Market()
    tag = 0
    for side in (BID, ASK):
        for at in range(30):
            for _ in range(rng.randint(1, 3)):
                tag += 1
                market.add(tag, side, 1000 - side * (1 + 2 * at), rng.randint(1, 20))
    messages: list[Message] = []
    rows: list[Row] = []
    while len(messages) < count:
        tag += 1
        # The market runs one way for a while, then the other: prices leave the view and come back.
        falling = BID if len(messages) // 60 % 2 else ASK
        message = _happening(rng, market, tag, falling)
        window = {side: market.prices(side)[:LEVELS] for side in (BID, ASK)}
        _apply(market, message)
        side = message.side
        seen = message.price in window[side] or message.price in market.prices(side)[:LEVELS]
        if seen:
            messages.append(message)
            rows.append(market.row())
    return messages, rows


def _happening(rng: random.Random, market: Market, tag: int, eaten: int) -> Message:
    """`eaten`: the side that is executed and cancelled more than it is filled up."""
    kind = rng.choices((SUBMIT, REDUCE, DELETE, EXECUTE), (45, 5, 30, 20))[0]
    side = rng.choice((BID, ASK))
    if rng.random() < 0.8:
        side = -eaten if kind == SUBMIT else eaten
    prices, other = market.prices(side), market.prices(-side)
    if kind == SUBMIT or len(prices) < 3:
        # From one tick inside the spread to far behind: never through the other side.
        anchor = other[0] if other else prices[0]
        return Message(SUBMIT, tag, rng.randint(1, 20), anchor - side * rng.randint(1, 50), side)
    price = prices[0] if kind == EXECUTE else rng.choice(prices)
    queue = market.queues[side][price]
    order = queue[0] if kind == EXECUTE else rng.choice(queue)
    lots = order[1] if kind != REDUCE else rng.randint(1, order[1])
    return Message(kind, order[0], lots, price, side)


def _apply(market: Market, message: Message) -> None:
    if message.kind == SUBMIT:
        market.add(message.order_id, message.side, message.price, message.size)
    else:
        market.take(message.order_id, message.side, message.price, message.size)


class PlainExchange:
    """What a feed's actions do, on lists: price-time priority, amends that only reduce."""

    def __init__(self) -> None:
        self.market = Market()
        self._where: dict[int, tuple[int, int]] = {}

    def act(self, action: Place | Cancel | Amend) -> list[int]:
        """The tags of the makers that it traded with."""
        if isinstance(action, Place):
            return self._place(action)
        side, price = self._where[action.tag]
        queue = self.market.queues[side][price]
        lots = next(lots for tag, lots in queue if tag == action.tag)
        left = action.lots if isinstance(action, Amend) else 0
        self.market.take(action.tag, side, price, lots - left)
        return []

    def _place(self, action: Place) -> list[int]:
        makers, left = [], action.lots
        while left:
            best = self.market.prices(-action.side)[:1]
            if not best or action.side * best[0] > action.side * action.price:
                break
            maker, lots = self.market.queues[-action.side][best[0]][0]
            self.market.take(maker, -action.side, best[0], min(lots, left))
            left -= min(lots, left)
            makers.append(maker)
        if left and not action.ioc:
            self.market.add(action.tag, action.side, action.price, left)
            self._where[action.tag] = (action.side, action.price)
        return makers
