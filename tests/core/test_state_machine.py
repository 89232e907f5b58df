"""Engine and twin under one Hypothesis state machine: events, replies and invariants, each step.

What it finds it shrinks to the fewest commands that show the difference. Commands are drawn where
mistakes live: prices that cross, keys that repeat, orders that just ended, the edges of 64 bits.
`LOCKSTEP_HYPOTHESIS_PROFILE=nightly` runs many more and longer examples.
"""

from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core import codes
from core import commands as c
from core import transfer_commands as tc
from core.events import OrderAccepted
from core.versions import VERSION_KNOWN
from tests.core.pair import Pair
from tests.core.workload import EDGES, MARKETS, setup_records

STEPS = max(60, settings().stateful_step_count)

T = TypeVar("T")


@st.composite
def mostly(
    draw: st.DrawFn, usual: st.SearchStrategy[T], odd: st.SearchStrategy[T], times: int = 15
) -> T:
    """One odd value in `times` + 1: a command has many fields, and one at fault hides the rest."""
    return draw(odd if draw(st.integers(0, times)) == times else usual)


edges = st.sampled_from(EDGES)
accounts = mostly(st.integers(1, 4), st.one_of(st.integers(5, 8), edges))
symbols = mostly(st.sampled_from((1, 1, 2, 2, 3)), st.sampled_from((0, 4, 65535)))
prices = mostly(st.integers(97, 103), st.one_of(st.integers(89, 111), edges))
lots = mostly(st.integers(1, 12), st.one_of(st.integers(13, 60), edges))
quotes = mostly(st.integers(90, 5_000), edges)
keys = mostly(st.just(c.NO_KEY), st.tuples(st.integers(0, 1), st.integers(0, 6)), times=2)
clients = mostly(st.just(c.NO_KEY), st.tuples(st.just(0), st.integers(1, 8)), times=2)
strangers = mostly(st.none(), accounts)
plain_accounts = st.integers(2, 4)
plain_symbols = st.sampled_from((1, 1, 2))
plain_sides = st.sampled_from((codes.BUY, codes.SELL))
sides = mostly(plain_sides, st.just(2))
waits_ns = st.sampled_from((0, 1, 10**6, 10**9, 10**10, 10**11))
more = mostly(st.just(False), st.just(True), times=3)
modes = mostly(st.integers(0, 4), edges, times=6)
amounts = mostly(st.integers(1, 20_000), edges, times=4)
references = st.tuples(st.just(0), st.integers(0, 12))
some_assets = mostly(st.integers(1, 3), edges)
small_or_edge = mostly(st.sampled_from((3, 6, 100, 100)), edges, times=4)


limit_tifs = st.sampled_from(
    (codes.GTC, codes.IOC, codes.FOK, codes.POST_ONLY, codes.GTD, codes.DAY)
)
stps = mostly(st.just(0), st.integers(1, 4), times=1)
lives = st.sampled_from((1, 10**6, 10**9))


def _listing(name: str, like: int, field: str | None, value: int) -> bytes:
    market = MARKETS[like] if field is None else MARKETS[like] | {field: value}
    return c.list_symbol(name, **market)


odd_operators_records = st.one_of(
    st.builds(c.set_mode, symbols, modes),
    st.builds(c.deposit, accounts, some_assets, amounts, references),
    st.builds(c.withdraw, accounts, some_assets, amounts, references),
    st.builds(c.open_account, references),
    st.builds(c.list_asset, st.sampled_from(("BTC", "KRW", "X", "Y")),
              st.one_of(st.integers(0, 12), edges)),
    st.builds(_listing, st.sampled_from(("M0", "M1", "X", "Y")), st.integers(0, 2),
              st.one_of(st.none(), st.sampled_from(sorted(MARKETS[0]))),
              st.one_of(edges, st.integers(0, 200))),
    st.builds(c.set_limits, small_or_edge,
              st.one_of(st.sampled_from((1, 10**9, 10**10, 10**11)), edges), small_or_edge),
    st.builds(c.checkpoint, st.sampled_from((0, -1, 1 << 62))),
    st.builds(c.set_version, st.sampled_from((-1, 0, 1, 2, 65_536, 1 << 62))),
    st.builds(c.set_mode, symbols, modes, references),
)  # fmt: skip
operators_records = mostly(
    st.one_of(
        st.builds(c.set_mode, st.integers(1, 3), st.just(codes.MODE_NORMAL)),
        st.builds(c.set_limits, st.just(100), st.just(10**10), st.just(100)),
        st.builds(c.deposit, st.integers(1, 4), st.integers(1, 3), amounts, references),
    ),
    odd_operators_records,
    times=1,
)

some_rules = st.fixed_dictionaries({}, optional={
    "buy_up_bps": st.just(200), "sell_down_bps": st.just(200), "static_bps": st.just(150),
    "dynamic_bps": st.sampled_from((50, 200)), "tick_step": st.just(2), "lot_step": st.just(3),
    "min_qty": st.just(3), "max_position": st.just(1_100), "open_orders": st.just(6),
    "parked_orders": st.just(1), "rate": st.sampled_from((1, 1_000)), "burst": st.just(3),
    "daily_notional": st.just(5_000),
})  # fmt: skip
breakers = st.fixed_dictionaries({
    "stopped_orders": st.integers(0, 2), "move_bps": st.sampled_from((0, 100)),
    "window_ns": st.just(10**9), "action": st.sampled_from((1, 5)),
    "call_ns": st.sampled_from((0, 10**6)),
})  # fmt: skip
own_rules = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from((-1, 1, 1_000)) for name in c.RULE_NAMES[-6:]}
)
tiers = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(-300, 300), st.integers(300, 1_000)), max_size=3
).map(lambda found: [(0, m, t) if at == 0 else (v, m, t) for at, (v, m, t) in enumerate(found)])


class EngineAndTwin(RuleBasedStateMachine):
    """`more` keeps a command back, so that the next one goes into the same log entry."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()
        self.transfer_ends: dict[int, int] = {}
        self.orders: list[tuple[int, int, int]] = []  # account, symbol, id; the latest last
        self.waiting: list[bytes] = []
        self.pair.apply(*setup_records())
        self.pair.apply(c.set_version(VERSION_KNOWN))
        for step in range(1, 4):
            for account, symbol in ((2, 1), (3, 1), (2, 2)):
                self._plain(account, symbol, codes.BUY, 100 - step, 4)
                self._plain(account, symbol, codes.SELL, 100 + step, 4)

    def _plain(self, account: int, symbol: int, side: int, price: int, qty: int) -> None:
        self._send(c.place(account, symbol, side, codes.LIMIT, codes.GTC, price, qty))

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
        """One of those that are open, or that came last and may have ended."""
        known = [row for row in self.orders[:-2] if self.pair.twin.order(row[2])]
        known += self.orders[-2:]
        if not known:
            return (stranger or 2, 1, 1 << 24)
        account, symbol, order_id = known[-1 - back % len(known)]
        return (stranger or account, 0 if any_symbol else symbol, order_id)

    # --- trading ------------------------------------------------------------------------------

    @rule(
        account=accounts, symbol=symbols, side=sides, price=prices, qty=lots, key=keys,
        client=clients, more=more,
        time_in_force=mostly(st.sampled_from((codes.GTC, codes.GTC, codes.IOC, codes.FOK,
                                              codes.POST_ONLY)), st.just(7)),
    )  # fmt: skip
    def place_limit(
        self, account: int, symbol: int, side: int, price: int, qty: int, key: c.Key,
        client: c.Key, more: bool, time_in_force: int,
    ) -> None:  # fmt: skip
        self._send(
            c.place(account, symbol, side, codes.LIMIT, time_in_force, price, qty, key, client),
            more,
        )

    @rule(account=plain_accounts, symbol=plain_symbols, side=plain_sides,
          price=st.integers(98, 102), qty=st.integers(2, 12), more=more)  # fmt: skip
    def place_plainly(
        self, account: int, symbol: int, side: int, price: int, qty: int, more: bool
    ) -> None:
        """Mostly accepted, so that there is a book to trade with."""
        self._send(c.place(account, symbol, side, codes.LIMIT, codes.GTC, price, qty), more)

    @rule(account=plain_accounts, symbol=plain_symbols, side=plain_sides, qty=st.integers(2, 30),
          time_in_force=st.sampled_from((codes.GTC, codes.IOC)))  # fmt: skip
    def sweep(self, account: int, symbol: int, side: int, qty: int, time_in_force: int) -> None:
        """Trade through several levels, at better prices than the limit."""
        price = 104 if side == codes.BUY else 96
        self._send(c.place(account, symbol, side, codes.LIMIT, time_in_force, price, qty))

    @rule(back=st.integers(0, 5), price=st.integers(97, 103), qty=st.integers(1, 14))
    def amend_plainly(self, back: int, price: int, qty: int) -> None:
        account, symbol, order_id = self._named(back, None, any_symbol=False)
        self._send(c.amend(account, symbol, order_id, price, qty))

    @rule(
        account=accounts, symbol=symbols, side=sides, qty=lots, key=keys, more=more,
        time_in_force=mostly(st.sampled_from((codes.IOC, codes.IOC, codes.FOK)),
                             st.just(codes.GTC)),
        price=mostly(st.just(0), edges),
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

    @rule(back=st.integers(0, 9), stranger=strangers,
          any_symbol=st.booleans(), key=keys, more=more)  # fmt: skip
    def cancel(
        self, back: int, stranger: int | None, any_symbol: bool, key: c.Key, more: bool
    ) -> None:
        account, symbol, order_id = self._named(back, stranger, any_symbol)
        self._send(c.cancel(account, symbol, order_id, key), more)

    @rule(account=accounts, symbol=symbols, order_id=edges, key=keys)
    def cancel_what_never_was(self, account: int, symbol: int, order_id: int, key: c.Key) -> None:
        self._send(c.cancel(account, symbol, order_id, key))

    @rule(back=st.integers(0, 9), stranger=strangers, any_symbol=st.booleans(), price=prices,
          qty=lots, key=keys, more=more)  # fmt: skip
    def amend(
        self, back: int, stranger: int | None, any_symbol: bool, price: int, qty: int,
        key: c.Key, more: bool,
    ) -> None:  # fmt: skip
        account, symbol, order_id = self._named(back, stranger, any_symbol)
        self._send(c.amend(account, symbol, order_id, price, qty, key), more)

    # --- further terms, which the machine knows from version 3 on -----------------------------

    @rule(account=plain_accounts, symbol=plain_symbols, side=plain_sides, price=prices, qty=lots,
          tif=limit_tifs, stp=stps, display=st.integers(0, 4), slide=st.booleans(),
          expire=lives, key=keys, more=more)  # fmt: skip
    def place_limit_terms(
        self, account: int, symbol: int, side: int, price: int, qty: int, tif: int, stp: int,
        display: int, slide: bool, expire: int, key: c.Key, more: bool,
    ) -> None:  # fmt: skip
        rests = tif not in (codes.IOC, codes.FOK)
        self._send(c.place_terms(
            account, symbol, side, codes.LIMIT, tif, price=price, qty=qty, key=key,
            flags=c.FLAG_SLIDE if slide and tif == codes.POST_ONLY else 0, stp=stp,
            by_group=stp == codes.STP_EXPIRE_MAKER, display=display if rests else 0,
            min_qty=0 if rests else min(display, qty),
            expire_ns=self.pair.now_ns + expire if tif == codes.GTD else 0,
        ), more)  # fmt: skip

    @rule(account=plain_accounts, symbol=plain_symbols, side=plain_sides,
          order_type=st.integers(codes.STOP, codes.TRAILING_STOP_LIMIT),
          away=st.integers(-1, 5), price=st.integers(96, 104), qty=lots, stp=stps, more=more,
          bps=st.booleans(), sized=st.sampled_from(("lots", "collar", "quote")))  # fmt: skip
    def place_conditional(
        self, account: int, symbol: int, side: int, order_type: int, away: int, price: int,
        qty: int, stp: int, more: bool, bps: bool, sized: str,
    ) -> None:  # fmt: skip
        trails = order_type >= codes.TRAILING_STOP
        is_limit = order_type in (codes.STOP_LIMIT, codes.TAKE_PROFIT_LIMIT,
                                  codes.TRAILING_STOP_LIMIT)  # fmt: skip
        takes_profit = order_type in (codes.TAKE_PROFIT, codes.TAKE_PROFIT_LIMIT)
        rises = takes_profit == (side == codes.SELL)
        by_quote = sized == "quote" and not is_limit and stp != codes.STP_DECREMENT
        flags = c.FLAG_TRAIL_BPS if trails and bps else 0
        self._send(c.place_terms(
            account, symbol, side, order_type, codes.GTC if is_limit else codes.IOC,
            price=price if is_limit or sized == "collar" else 0,
            qty=min(qty * 100, (1 << 63) - 1) if by_quote else qty,
            flags=flags | (c.FLAG_BY_QUOTE if by_quote else 0),
            stp=stp, trigger=0 if trails else 100 + (away if rises else -away),
            trail=(away * 50 if bps else away) if trails else 0,
        ), more)  # fmt: skip

    @rule(
        account=plain_accounts,
        symbol=plain_symbols,
        side=plain_sides,
        qty=st.integers(1, 9),
        offset=st.integers(-3, 3),
        cap=st.sampled_from((0, 0, 98, 102)),
        other=st.booleans(),
    )
    def place_pegged(
        self, account: int, symbol: int, side: int, qty: int, offset: int, cap: int, other: bool
    ) -> None:
        flags = c.FLAG_PEG_OTHER if other else 0
        self._send(c.place_terms(
            account, symbol, side, codes.PEGGED, codes.GTC, price=cap, qty=qty, flags=flags,
            peg_offset=offset,
        ))  # fmt: skip

    @rule(account=plain_accounts, symbol=plain_symbols, side=plain_sides, qty=st.integers(1, 9),
          kind=st.integers(1, 3), near=st.integers(0, 4), first=st.integers(97, 103),
          is_limit=st.booleans(), key=keys)  # fmt: skip
    def place_list(
        self, account: int, symbol: int, side: int, qty: int, kind: int, near: int, first: int,
        is_limit: bool, key: c.Key,
    ) -> None:  # fmt: skip
        sign = 1 if side == codes.SELL else -1
        opening = c.leg(1 - side, codes.LIMIT, codes.GTC, price=first, qty=qty)
        target = c.leg(side, codes.LIMIT, codes.GTC, price=100 + sign * near, qty=qty)
        if not is_limit:
            target = c.leg(side, codes.TAKE_PROFIT, codes.IOC, trigger=100 + sign * near, qty=qty)
        stop = c.leg(side, codes.STOP, codes.IOC, trigger=100 - sign * near, qty=qty)
        legs = {1: [target, stop], 2: [opening, target], 3: [opening, target, stop]}[kind]
        self._send(c.place_list(account, symbol, kind, legs, key=key))

    @rule(back=st.integers(0, 5), price=st.sampled_from((0, 99, 101)), qty=st.integers(1, 14),
          trigger=st.integers(96, 104))  # fmt: skip
    def amend_trigger(self, back: int, price: int, qty: int, trigger: int) -> None:
        account, symbol, order_id = self._named(back, None, any_symbol=False)
        self._send(c.amend(account, symbol, order_id, price, qty, trigger=trigger))

    @rule(account=plain_accounts, symbol=st.integers(0, 2), after=waits_ns)
    def cancel_after(self, account: int, symbol: int, after: int) -> None:
        self._send(c.cancel_after(account, symbol, after))

    @rule(account=st.sampled_from((0, 2, 3)), what=st.integers(0, 15),
          low=st.sampled_from((0, 99)), high=st.sampled_from((0, 101)))  # fmt: skip
    def cancel_some(self, account: int, what: int, low: int, high: int) -> None:
        self._send(c.cancel_all(account, 1, c.NO_KEY, what, low, high))

    @rule(account=plain_accounts, group=st.integers(0, 2))
    def set_group(self, account: int, group: int) -> None:
        self._send(c.set_group(account, group))

    @rule(account=mostly(accounts, st.just(0), times=2), symbol=symbols, key=keys)
    def cancel_all(self, account: int, symbol: int, key: c.Key) -> None:
        self._send(c.cancel_all(account, symbol, key))

    # --- what operators lay down, from version 4 on -------------------------------------------

    @rule(symbol=plain_symbols, found=some_rules, breaker=st.one_of(st.just({}), breakers))
    def set_rules(self, symbol: int, found: dict[str, int], breaker: dict[str, int]) -> None:
        self._send(c.set_rules(symbol, **found, **breaker))

    @rule(symbol=plain_symbols)
    def no_rules(self, symbol: int) -> None:
        self._send(c.set_rules(symbol))

    @rule(account=plain_accounts, symbol=plain_symbols, killed=st.sampled_from((0, 0, 1)),
          own=own_rules)  # fmt: skip
    def set_desk(self, account: int, symbol: int, killed: int, own: dict[str, int]) -> None:
        self._send(c.set_desk(account, symbol, killed, **own))

    @rule(account=st.integers(0, 4), state=st.sampled_from((0, 0, 0, 1, 2)),
          halted=st.sampled_from((0, 0, 1)))  # fmt: skip
    def set_account(self, account: int, state: int, halted: int) -> None:
        self._send(c.set_account(account, state, halted))

    @rule(symbol=plain_symbols, price=st.sampled_from((0, 99, 100, 101)))
    def set_reference(self, symbol: int, price: int) -> None:
        self._send(c.set_reference(symbol, price))

    @rule(account=st.sampled_from((0, 0, 2, 3)), symbol=st.integers(0, 2), schedule=tiers)
    def set_fees(self, account: int, symbol: int, schedule: list[c.Tier]) -> None:
        self._send(c.set_fees(account, symbol, schedule))

    @rule(symbol=plain_symbols, mode=st.sampled_from((0, 5, 5)),
          lasts=st.sampled_from((0, 10**6, 10**9)))  # fmt: skip
    def call_or_open(self, symbol: int, mode: int, lasts: int) -> None:
        """A call auction, or the end of one."""
        until_ns = self.pair.now_ns + lasts if mode == codes.MODE_AUCTION and lasts else 0
        self._send(c.set_mode(symbol, mode, c.NO_KEY, until_ns))

    @rule(account=plain_accounts, symbol=plain_symbols, side=plain_sides,
          price=st.integers(97, 103), qty=st.integers(1, 9))  # fmt: skip
    def place_for_the_auction(
        self, account: int, symbol: int, side: int, price: int, qty: int
    ) -> None:
        self._send(c.place_terms(
            account, symbol, side, codes.LIMIT, codes.AUCTION, price=price, qty=qty
        ))  # fmt: skip

    @rule(account=st.integers(2, 3), asset=st.integers(1, 2), amount=st.sampled_from((1, 300)),
          transfer=st.integers(1, 3), lasts=st.sampled_from((1, 10**9)),
          goes=st.booleans())  # fmt: skip
    def begin_transfer(
        self, account: int, asset: int, amount: int, transfer: int, lasts: int, goes: bool
    ) -> None:
        """From here to here, so that both sides are looked at; `lasts` 1 is over in the next."""
        make = tc.transfer_out if goes else tc.transfer_in
        deadline_ns = self.transfer_ends.setdefault(transfer, self.pair.now_ns + lasts)
        self._send(make(account, asset, amount, (0, transfer), 0, 2, deadline_ns))

    @rule(transfer=st.integers(1, 3), outcome=st.integers(1, 2), proof=st.integers(1, 2))
    def end_transfer(self, transfer: int, outcome: int, proof: int) -> None:
        self._send(tc.transfer_end((0, transfer), outcome, proof))

    @rule(transfer=st.integers(1, 3))
    def void_transfer(self, transfer: int) -> None:
        self._send(tc.transfer_void((0, transfer), 0))

    @rule()
    def a_day_passes(self) -> None:
        self.pair.now_ns += 24 * 3600 * 10**9

    @rule(record=operators_records, more=more)
    def operators_command(self, record: bytes, more: bool) -> None:
        self._send(record, more)

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
TestEngineAndTwin.settings = settings(stateful_step_count=STEPS)
