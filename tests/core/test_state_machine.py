"""Engine and twin under one Hypothesis state machine: events, replies and invariants, each step.

What it finds it shrinks to the fewest commands that show the difference. Commands are drawn where
mistakes live: prices that cross, keys that repeat, orders that just ended, the edges of 64 bits.
`LOCKSTEP_HYPOTHESIS_PROFILE=nightly` runs many more and longer examples.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core import codes
from core import commands as c
from core.events import OrderAccepted
from tests.core.pair import Pair
from tests.core.workload import EDGES, MARKETS, setup_records

edges = st.sampled_from(EDGES)
accounts = st.one_of(st.integers(1, 6), st.integers(2, 4), edges)
symbols = st.one_of(st.integers(1, 3), st.integers(1, 2), st.sampled_from((0, 4, 65535)))
prices = st.one_of(st.integers(97, 103), st.integers(99, 101), edges)
lots = st.one_of(st.integers(1, 12), st.integers(1, 12), st.integers(13, 60), edges)
quotes = st.one_of(st.integers(90, 5_000), st.integers(90, 5_000), edges)
keys = st.one_of(st.just(c.NO_KEY), st.tuples(st.integers(0, 1), st.integers(0, 6)))
clients = st.one_of(st.just(c.NO_KEY), st.tuples(st.just(0), st.integers(1, 8)))
sides = st.sampled_from((codes.BUY, codes.SELL, codes.BUY, codes.SELL, 2))
waits_ns = st.sampled_from((0, 1, 10**6, 10**9, 10**10, 10**11))
more = st.booleans()
windows_ns = st.one_of(st.sampled_from((1, 10**9, 10**10, 10**11)), edges)
amounts = st.one_of(st.integers(1, 20_000), edges)


class EngineAndTwin(RuleBasedStateMachine):
    """`more` keeps a command back, so that the next one goes into the same log entry."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()
        self.orders: list[tuple[int, int, int]] = []  # account, symbol, id; the latest last
        self.waiting: list[bytes] = []
        self.pair.apply(*setup_records())

    def _send(self, record: bytes, wait_for_more: bool = False) -> None:
        self.waiting.append(record)
        if wait_for_more and len(self.waiting) < 8:
            return
        records, self.waiting = self.waiting, []
        events, _ = self.pair.apply(*records)
        for event in events:
            if isinstance(event, OrderAccepted):
                self.orders.append((event.account, event.symbol, event.order_id))

    def _named(self, back: int, stranger: int | None, any_symbol: bool) -> tuple[int, int, int]:
        """The order `back` steps ago, as its owner names it, or somebody else does."""
        if not self.orders:
            return (stranger or 2, 1, 1 << 24)
        account, symbol, order_id = self.orders[-1 - back % len(self.orders)]
        return (stranger or account, 0 if any_symbol else symbol, order_id)

    # --- trading ------------------------------------------------------------------------------

    @rule(
        account=accounts, symbol=symbols, side=sides, price=prices, qty=lots, key=keys,
        client=clients, more=more,
        time_in_force=st.sampled_from((codes.GTC, codes.GTC, codes.IOC, codes.FOK,
                                       codes.POST_ONLY, 7)),
    )  # fmt: skip
    def place_limit(
        self, account: int, symbol: int, side: int, price: int, qty: int, key: c.Key,
        client: c.Key, more: bool, time_in_force: int,
    ) -> None:  # fmt: skip
        self._send(
            c.place(account, symbol, side, codes.LIMIT, time_in_force, price, qty, key, client),
            more,
        )

    @rule(account=st.integers(2, 4), symbol=st.integers(1, 3), side=st.integers(0, 1),
          price=st.integers(98, 102), qty=st.integers(1, 12), more=more)  # fmt: skip
    def place_plainly(
        self, account: int, symbol: int, side: int, price: int, qty: int, more: bool
    ) -> None:
        """Mostly accepted, so that there is a book to trade with."""
        self._send(c.place(account, symbol, side, codes.LIMIT, codes.GTC, price, qty), more)

    @rule(
        account=accounts, symbol=symbols, side=sides, qty=lots, key=keys, more=more,
        time_in_force=st.sampled_from((codes.IOC, codes.IOC, codes.FOK, codes.GTC)),
        price=st.one_of(st.just(0), st.just(0), edges),
    )  # fmt: skip
    def place_market(
        self, account: int, symbol: int, side: int, qty: int, key: c.Key, more: bool,
        time_in_force: int, price: int,
    ) -> None:  # fmt: skip
        self._send(
            c.place(account, symbol, side, codes.MARKET, time_in_force, price, qty, key), more
        )

    @rule(account=accounts, symbol=symbols, side=sides, amount=quotes, key=keys, more=more)
    def place_by_quote(
        self, account: int, symbol: int, side: int, amount: int, key: c.Key, more: bool
    ) -> None:
        record = c.place(
            account, symbol, side, codes.MARKET, codes.IOC, 0, amount, key, by_quote=True
        )
        self._send(record, more)

    @rule(back=st.integers(0, 9), stranger=st.one_of(st.none(), st.none(), accounts),
          any_symbol=st.booleans(), key=keys, more=more)  # fmt: skip
    def cancel(
        self, back: int, stranger: int | None, any_symbol: bool, key: c.Key, more: bool
    ) -> None:
        account, symbol, order_id = self._named(back, stranger, any_symbol)
        self._send(c.cancel(account, symbol, order_id, key), more)

    @rule(account=accounts, symbol=symbols, order_id=edges, key=keys)
    def cancel_what_never_was(self, account: int, symbol: int, order_id: int, key: c.Key) -> None:
        self._send(c.cancel(account, symbol, order_id, key))

    @rule(back=st.integers(0, 9), stranger=st.one_of(st.none(), st.none(), st.none(), accounts),
          any_symbol=st.booleans(), price=prices, qty=lots, key=keys, more=more)  # fmt: skip
    def amend(
        self, back: int, stranger: int | None, any_symbol: bool, price: int, qty: int,
        key: c.Key, more: bool,
    ) -> None:  # fmt: skip
        account, symbol, order_id = self._named(back, stranger, any_symbol)
        self._send(c.amend(account, symbol, order_id, price, qty, key), more)

    @rule(account=st.one_of(st.just(0), accounts), symbol=symbols, key=keys)
    def cancel_all(self, account: int, symbol: int, key: c.Key) -> None:
        self._send(c.cancel_all(account, symbol, key))

    # --- operators ----------------------------------------------------------------------------

    @rule(symbol=symbols, mode=st.one_of(st.just(0), st.integers(0, 4), edges), more=more)
    def set_mode(self, symbol: int, mode: int, more: bool) -> None:
        self._send(c.set_mode(symbol, mode), more)

    @rule(account=accounts, asset=st.one_of(st.integers(1, 3), st.integers(1, 3), edges),
          amount=amounts, reference=st.integers(0, 12), take=st.booleans(), more=more)  # fmt: skip
    def move(
        self, account: int, asset: int, amount: int, reference: int, take: bool, more: bool
    ) -> None:
        make = c.withdraw if take else c.deposit
        self._send(make(account, asset, amount, (0, reference)), more)

    @rule(reference=st.integers(0, 4))
    def open_account(self, reference: int) -> None:
        self._send(c.open_account((0, reference)))

    @rule(name=st.sampled_from(("BTC", "KRW", "X", "Y")),
          scale=st.one_of(st.integers(0, 12), edges))  # fmt: skip
    def list_asset(self, name: str, scale: int) -> None:
        self._send(c.list_asset(name, scale))

    @rule(name=st.sampled_from(("M0", "M1", "X", "Y")), like=st.integers(0, 2),
          field=st.one_of(st.none(), st.sampled_from(sorted(MARKETS[0]))),
          value=st.one_of(edges, st.integers(0, 200)))  # fmt: skip
    def list_symbol(self, name: str, like: int, field: str | None, value: int) -> None:
        market = MARKETS[like] if field is None else MARKETS[like] | {field: value}
        self._send(c.list_symbol(name, **market))

    @rule(open_orders=st.one_of(st.integers(1, 6), st.just(100), edges), window=windows_ns,
          rows=st.one_of(st.integers(1, 6), st.just(100), edges), more=more)  # fmt: skip
    def set_limits(self, open_orders: int, window: int, rows: int, more: bool) -> None:
        self._send(c.set_limits(open_orders, window, rows), more)

    @rule(claims=st.sampled_from((0, -1, 1 << 62)), more=more)
    def checkpoint(self, claims: int, more: bool) -> None:
        self._send(c.checkpoint(claims), more)

    # --- the world around ---------------------------------------------------------------------

    @rule(wait_ns=waits_ns)
    def time_passes(self, wait_ns: int) -> None:
        self.pair.now_ns += wait_ns

    @rule()
    def empty_entry(self) -> None:
        self.pair.apply()

    @rule()
    def restart_from_snapshot(self) -> None:
        self.pair.restart()

    @invariant()
    def holds(self) -> None:
        self.pair.check()


TestEngineAndTwin = EngineAndTwin.TestCase
