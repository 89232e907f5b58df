"""A naive order book: for each side a dictionary from price to the orders there, oldest first.

Why it exists: so obvious that a reader can check it at a glance, and so a fit judge of the packed
book. It must not know accounts, money or events; it knows orders, their prices and their queue.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from core.codes import BUY, PEGGED, SELL

RESTING, TRIGGERS, TRAILS, WAITS = range(4)
"""Where an order stands: in the book, or waiting for a trigger, a trailing one, its list."""


@dataclass(eq=False)
class Order:
    """One order from its acceptance to the end of its life. `limit` 0: a market order.

    `place` is the side and price of the queue where it stands. `tip` is what an iceberg shows at
    a time, 0 for an order that shows all; `shown` how much of it shows now.
    """

    order_id: int
    account: int
    symbol: int
    side: int
    limit: int
    qty: int
    time_in_force: int
    client: tuple[int, int] = (0, 0)
    filled: int = 0
    place: tuple[int, int] = (0, 0)
    area: int = RESTING
    terms: "Terms | None" = None
    shown: int = 0

    @property
    def remaining(self) -> int:
        return self.qty - self.filled

    @property
    def visible(self) -> int:
        """What shows of it in the book."""
        return self.shown if self.terms is not None and self.terms.display else self.remaining

    @property
    def hidden(self) -> int:
        return self.remaining - self.visible if self.area == RESTING else 0


@dataclass(eq=False)
class Terms:
    """The further terms of an order; `price` is the limit, collar or cap that it was given."""

    order_type: int
    flags: int = 0
    price: int = 0
    qty: int = 0  # as it was given: lots or quote units
    stp: int = 0
    by_group: int = 0
    trigger: int = 0
    trail: int = 0
    display: int = 0
    min_qty: int = 0
    expire_ns: int = 0
    peg: int = 0
    held: int = 0
    list: "OrderList | None" = None
    leg: int = 0


@dataclass(eq=False)
class OrderList:
    list_id: int
    kind: int
    account: int
    symbol: int
    client: tuple[int, int]
    legs: list[Order | None]
    done: bool = False


def other(side: int) -> int:
    return SELL if side == BUY else BUY


class Book:
    """The resting orders of one symbol; or orders that wait, by the price that they wait for."""

    def __init__(self) -> None:
        self.levels: dict[int, dict[int, list[Order]]] = {BUY: {}, SELL: {}}

    def prices(self, side: int) -> list[int]:
        """Best first: the highest bid, the lowest ask."""
        return sorted(self.levels[side], reverse=side == BUY)

    def best(self, side: int) -> int | None:
        prices = self.prices(side)
        return prices[0] if prices else None

    def queue(self, side: int, price: int) -> list[Order]:
        return self.levels[side].get(price, [])

    def total(self, side: int, price: int) -> int:
        """Lots that show."""
        return sum(order.visible for order in self.queue(side, price))

    def orders(self, side: int) -> Iterator[Order]:
        """In the order in which they would trade."""
        for price in self.prices(side):
            yield from self.queue(side, price)

    def join(self, order: Order, side: int | None = None, price: int | None = None) -> None:
        """At the tail of its price level."""
        place = (order.side if side is None else side, order.limit if price is None else price)
        order.place = place
        self.levels[place[0]].setdefault(place[1], []).append(order)

    def leave(self, order: Order) -> None:
        side, price = order.place
        queue = self.levels[side][price]
        queue.remove(order)
        if not queue:
            del self.levels[side][price]

    def first(self, side: int, limit: int) -> Order | None:
        """Whom an order of the other side with `limit` (0: any) would meet first."""
        prices = self.within(side, limit)
        return self.queue(side, prices[0])[0] if prices else None

    def within(self, side: int, limit: int) -> list[int]:
        """Prices of `side`, best first, that an order of the other side with `limit` reaches.

        `limit` 0 reaches all of them.
        """
        prices = self.prices(side)
        if limit == 0:
            return prices
        if side == SELL:
            return [price for price in prices if price <= limit]
        return [price for price in prices if price >= limit]

    def liquidity(self, side: int, limit: int) -> int:
        return sum(
            order.remaining for price in self.within(side, limit)
            for order in self.queue(side, price)
        )  # fmt: skip

    def best_unpegged(self, side: int) -> int:
        for price in self.prices(side):
            for order in self.queue(side, price):
                if order.terms is None or order.terms.order_type != PEGGED:
                    return price
        return 0
