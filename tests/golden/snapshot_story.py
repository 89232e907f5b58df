"""How the golden snapshots were made: a log after which a machine holds something of everything.

Why it exists: a snapshot that must load for ever proves most when nothing in it is empty. Random
commands wear the tables in (ended orders, free rows, generations, remembered replies), then an
act in fresh markets lays down one of each thing that the machine version knows, and every one of
its commands must be accepted. What was written once is read from its file, never made again: the
random commands of tomorrow may be others.
"""

from typing import Any

from core import codes
from core import commands as c
from core import transfer_commands as tc
from core.commands import batch_of
from core.events import (
    AccountOpened,
    AnyEvent,
    AssetListed,
    MarketProtected,
    OrderTriggered,
    Reply,
    SymbolListed,
)
from core.machine import Machine
from core.versions import (
    VERSION_AUCTIONS,
    VERSION_EXTENSIONS,
    VERSION_FEES,
    VERSION_FIRST,
    VERSION_KEYED_MODES,
    VERSION_ORDER_TERMS,
    VERSION_RISK,
    VERSION_STRICT,
    VERSION_TRANSFERS,
)
from tests.core.pair import START_NS
from tests.core.replay import Entry
from tests.core.subjects import Engine
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import Workload, setup_records
from tests.golden.snapshot_file import holdings

WORN_COMMANDS = 500
AFTER_COMMANDS = 150
SEEDS = 50

BUY, SELL = codes.BUY, codes.SELL
GTC, IOC = codes.GTC, codes.IOC
HOUR_NS = 3600 * 10**9


class Unfit(Exception):
    """With this seed something of the last act is refused, and another seed is tried."""


class Story:
    """`log`, the machine after it, and `after`: entries that go on from there."""

    def __init__(
        self, version: int, seed: int, worn_commands: int = WORN_COMMANDS,
        after_commands: int = AFTER_COMMANDS,
    ) -> None:  # fmt: skip
        self.version = version
        self.now_ns = START_NS
        self.engine = Engine(Machine(version))
        self.log: list[Entry] = []
        self.after: list[Entry] = []
        newest = version >= VERSION_ORDER_TERMS
        self._workload = TermsWorkload(seed) if newest else Workload(seed)
        self._entries = self.log
        self._ids: dict[type[AnyEvent], list[int]] = {}
        self._must(*setup_records())
        if version > VERSION_FIRST:
            self._must(c.set_version(version))
        self._at_random(worn_commands)
        self._last_act()
        self.snapshot = self.engine.machine.snapshot()
        self._entries = self.after
        self._at_random(after_commands)

    # --- applying -----------------------------------------------------------------------------

    def _apply(self, *records: bytes) -> tuple[list[AnyEvent], list[Reply]]:
        entry = (self.engine.machine.index + 1, self.now_ns, batch_of(list(records)))
        self._entries.append(entry)
        events, replies = self.engine.apply(*entry)
        self._workload.learn(events)
        return events, replies

    def _must(self, *records: bytes) -> list[AnyEvent]:
        """One log entry of which nothing may be refused."""
        events, replies = self._apply(*records)
        for reply in replies:
            if reply.code != codes.OK or reply.duplicate:
                raise Unfit(f"{c.command_name(reply.command)}: {codes.REJECT_NAMES[reply.code]}")
        self.now_ns += 10**6
        return events

    def _at_random(self, commands: int) -> None:
        """Entries of the random workload; the version stays what it is."""
        sent = 0
        while sent < commands:
            if isinstance(self._workload, TermsWorkload):
                self._workload.now_ns = self.now_ns
            records = [r for r in self._workload.batch() if r[0] != codes.CMD_SET_VERSION]
            self._apply(*records)
            sent += len(records)
            self.now_ns += self._workload.time_step_ns()

    # --- the last act -------------------------------------------------------------------------

    def _last_act(self) -> None:
        self._open()
        if self.version >= VERSION_RISK:
            self._rules()
        if self.version >= VERSION_FEES:
            self._fees()
        self._trade()
        if self.version >= VERSION_ORDER_TERMS:
            self._terms()
            self._lists()
        if self.version >= VERSION_AUCTIONS:
            self._call()
        if self.version >= VERSION_TRANSFERS:
            self._transfers()
        self._free_rows()
        if self.version >= VERSION_STRICT:
            self._left_in_the_middle()
        self._modes()
        events = self._must(c.checkpoint())
        assert events, "a checkpoint is an event"
        if self.version >= VERSION_RISK:
            self._must(
                c.set_account(self.cleo, 1, 0), c.set_account(0, 0, 1),
                c.set_desk(self.cleo, self.calm, 1, open_orders=50),
                c.set_reference(self.calm, 101),
            )  # fmt: skip

    def _open(self) -> None:
        """Two assets, three markets and three accounts that the random commands did not spoil."""
        assets = [
            event.asset
            for event in self._must(c.list_asset("GOLD", 3), c.list_asset("COIN", 2))
            if isinstance(event, AssetListed)
        ]
        gold, coin = assets
        self.coin = coin
        listings = [
            c.list_symbol(
                name, gold, coin, tick_units=1000, lot_units=10, min_price=1, max_price=1000,
                max_qty=1000, min_notional=1, max_notional=10**7, maker_ppm=1_500, taker_ppm=2_500,
            )
            for name in ("CALM", "CALL", "STOPPED")
        ]  # fmt: skip
        self.calm, self.call, self.stopped = (
            event.symbol for event in self._must(*listings) if isinstance(event, SymbolListed)
        )
        if self.version >= VERSION_RISK:
            self._must(c.set_account(0, 0, 0))
        opens = [c.open_account(c.key128(name)) for name in ("golden-a", "golden-b", "golden-c")]
        self.ann, self.bob, self.cleo = (
            event.account for event in self._must(*opens) if isinstance(event, AccountOpened)
        )
        self._must(
            *(c.deposit(account, asset, 10**9, c.key128(f"golden-{account}-{asset}"))
              for account in (self.ann, self.bob, self.cleo) for asset in assets),
            c.withdraw(self.ann, coin, 12_345, c.key128("golden-out")),
            c.set_limits(200, HOUR_NS * 1000, 1 << 16),
        )  # fmt: skip

    def _rules(self) -> None:
        self._must(
            c.set_rules(
                self.calm, buy_up_bps=5_000, sell_down_bps=5_000, static_bps=9_000,
                dynamic_bps=9_000, stopped_orders=50, move_bps=9_000, window_ns=HOUR_NS,
                action=codes.MODE_AUCTION, call_ns=HOUR_NS, tick_step=1, max_position=10**9,
                open_orders=100, parked_orders=100, rate=1_000, burst=500, daily_notional=10**9,
            ),
            c.set_reference(self.calm, 100),
            c.set_desk(self.ann, self.calm, rate=2_000, open_orders=90, max_position=-1),
        )  # fmt: skip

    def _fees(self) -> None:
        self._must(
            c.set_fees(0, self.calm, [(0, 1_000, 2_000), (50, -500, 1_500)]),
            c.set_fees(self.bob, self.calm, [(0, 10, 20)]),
            c.set_fees(self.cleo, 0, [(0, 0, 700)]),
        )

    def _transfers(self) -> None:
        """One of each state: overdue by the next entry, waiting, ended both ways, in, voided."""
        ids = [(88, n) for n in range(1, 7)]
        soon, late = self.now_ns + 1, self.now_ns + HOUR_NS
        self._must(
            *(
                tc.transfer_out(self.ann, self.coin, 1_000 + n, ids[n], 9, 5, (soon, late)[n > 0])
                for n in range(4)
            ),
            tc.transfer_end(ids[2], tc.OUTCOME_CONFIRM, 41),
            tc.transfer_end(ids[3], tc.OUTCOME_REFUND, 42),
            tc.transfer_in(self.bob, self.coin, 500, ids[4], 9, 6, late),
            tc.transfer_void(ids[5], 9),
        )  # fmt: skip

    def _trade(self) -> None:
        """Levels on both sides with several orders, client ids, keys, a maker half filled."""

        def order(account: int, side: int, price: int, n: int, tif: int = GTC) -> bytes:
            key = (77, self.calm << 20 | side << 16 | n)
            return c.place(account, self.calm, side, codes.LIMIT, tif, price, 10 + n, key, (78, n))

        self._must(
            *(order(self.ann, SELL, 101 + n // 3, n) for n in range(9)),
            *(order(self.bob, BUY, 99 - n // 3, 20 + n) for n in range(9)),
            order(self.ann, BUY, 90, 40, codes.POST_ONLY),
        )  # fmt: skip
        self._must(c.place(self.cleo, self.calm, BUY, codes.LIMIT, IOC, 102, 25, (77, 1)))
        self._must(c.place(self.ann, self.calm, SELL, codes.MARKET, IOC, 0, 15, (77, 2)))
        self._must(
            c.place(self.bob, self.stopped, BUY, codes.LIMIT, GTC, 50, 5),
            c.place(self.cleo, self.stopped, SELL, codes.LIMIT, GTC, 60, 5),
            c.cancel_all(self.ann, self.stopped, (77, 3)),
        )

    def _place(self, account: int, side: int, order_type: int, tif: int, **terms: Any) -> bytes:
        return c.place_terms(account, self.calm, side, order_type, tif, **terms)

    def _terms(self) -> None:
        later = self.now_ns + HOUR_NS
        ann, bob, place = self.ann, self.bob, self._place
        rises, falls = 120, 80
        self._must(
            place(ann, SELL, codes.LIMIT, GTC, price=103, qty=100, display=7, stp=1),
            place(ann, SELL, codes.LIMIT, codes.GTD, price=104, qty=3, expire_ns=later),
            place(bob, BUY, codes.LIMIT, codes.DAY, price=95, qty=3, stp=4, by_group=True),
            place(bob, BUY, codes.LIMIT, codes.POST_ONLY, price=94, qty=3, expire_ns=later),
            place(bob, BUY, codes.PEGGED, GTC, qty=4, peg_offset=-2),
            place(ann, SELL, codes.PEGGED, GTC, qty=4, peg_offset=2, flags=c.FLAG_PEG_OTHER),
            place(ann, SELL, codes.STOP, IOC, qty=5, trigger=falls),
            place(bob, BUY, codes.STOP, IOC, qty=500, trigger=rises, flags=c.FLAG_BY_QUOTE),
            place(bob, BUY, codes.STOP_LIMIT, GTC, price=122, qty=5, trigger=rises + 1),
            place(ann, SELL, codes.TAKE_PROFIT, IOC, qty=5, trigger=rises + 2, price=100),
            place(bob, BUY, codes.TAKE_PROFIT_LIMIT, codes.GTD, price=81, qty=5, trigger=falls,
                  expire_ns=later),
            place(ann, SELL, codes.TRAILING_STOP, IOC, qty=5, trail=15),
            place(bob, BUY, codes.TRAILING_STOP, IOC, qty=5, trail=2_000,
                  flags=c.FLAG_TRAIL_BPS, expire_ns=later, price=140),
            place(bob, BUY, codes.TRAILING_STOP_LIMIT, GTC, price=119, qty=5, trail=15),
            c.cancel_after(ann, 0, HOUR_NS), c.cancel_after(bob, self.calm, HOUR_NS),
            c.set_group(ann, 7), c.set_group(bob, 7),
        )  # fmt: skip

    def _lists(self) -> None:
        """One of each kind whose legs wait."""

        def stop(side: int, trigger: int) -> tuple[int, ...]:
            return c.leg(side, codes.STOP, IOC, qty=6, trigger=trigger)

        above = c.leg(SELL, codes.LIMIT, GTC, price=115, qty=6)
        below = c.leg(BUY, codes.LIMIT, GTC, price=92, qty=6, client=(79, 1))
        place = c.place_list
        self._must(
            place(self.ann, self.calm, codes.LIST_OCO, [above, stop(SELL, 70)], key=(77, 4)),
            place(self.bob, self.calm, codes.LIST_OTO, [below, stop(SELL, 71)]),
            place(self.bob, self.calm, codes.LIST_OTOCO, [(*below[:3], 0, 0, *below[5:]),
                                                          above, stop(SELL, 72)], stp=2),
        )  # fmt: skip

    def _call(self) -> None:
        """A call that goes on, with a crossing book, and an order that waits for one.

        From version 9 on it has been extended.
        """
        until = self.now_ns + HOUR_NS
        if self.version >= VERSION_EXTENSIONS:
            self._must(
                c.set_rules(
                    self.call, move_bps=100, window_ns=HOUR_NS, action=codes.MODE_AUCTION,
                    call_ns=HOUR_NS,
                ),
                c.set_reference(self.call, 200),
            )  # fmt: skip
            until = self.now_ns + 10**7
        limit, tif = codes.LIMIT, codes.AUCTION
        self._must(c.set_mode(self.call, codes.MODE_AUCTION, (77, 5), until))
        self._must(
            c.place(self.ann, self.call, BUY, limit, GTC, 105, 8),
            c.place(self.bob, self.call, SELL, limit, GTC, 95, 6),
            c.place_terms(self.ann, self.call, BUY, limit, tif, price=104, qty=5),
            c.place_terms(self.bob, self.call, SELL, limit, tif, price=96, qty=4),
            c.place_terms(self.ann, self.calm, BUY, limit, tif, price=97, qty=2),
        )
        if self.version >= VERSION_EXTENSIONS:
            self.now_ns = max(self.now_ns, until)
            extended = self._must(c.set_reference(self.calm, 100))
            assert any(isinstance(event, MarketProtected) for event in extended)

    def _free_rows(self) -> None:
        """Orders, levels, terms and lists that have ended are rows in their free lists."""
        where = self.ann, self.stopped
        ended = [c.place(*where, BUY, codes.LIMIT, GTC, 30 + n, 2) for n in range(5)]
        if self.version >= VERSION_ORDER_TERMS:
            iceberg = c.place_terms(*where, BUY, codes.LIMIT, GTC, price=40, qty=50, display=5)
            ended += [iceberg] * 3
            legs = [
                c.leg(SELL, codes.LIMIT, GTC, price=90, qty=6),
                c.leg(SELL, codes.STOP, IOC, qty=6, trigger=10),
            ]
            ended += [c.place_list(*where, codes.LIST_OCO, legs) for _ in range(2)]
        self._must(*ended)
        self._must(c.cancel_all(*where, (77, 7)))

    def _left_in_the_middle(self) -> None:
        """A trailing stop that was reached when the breaker closed its market; keys that are
        forgotten and still in their table."""
        ann, bob, cleo = ((who, self.stopped) for who in (self.ann, self.bob, self.cleo))
        limit = codes.LIMIT
        action = codes.MODE_CANCEL_ONLY
        self._must(c.set_rules(self.stopped, move_bps=500, window_ns=HOUR_NS, action=action))
        self._must(
            c.place(*ann, SELL, limit, GTC, 50, 1), c.place(*bob, BUY, limit, GTC, 50, 2),
            c.place(*bob, BUY, limit, GTC, 45, 1),
            c.place_terms(*cleo, SELL, codes.TRAILING_STOP, IOC, qty=3, trail=3),
        )  # fmt: skip
        closed = self._must(c.place(*ann, SELL, limit, IOC, 45, 20))
        assert any(isinstance(event, MarketProtected) for event in closed)
        assert not any(isinstance(event, OrderTriggered) for event in closed)
        self._must(c.set_limits(10_000, (self.now_ns - START_NS) // 2, 1 << 22))

    def _modes(self) -> None:
        key = (77, 6) if self.version >= VERSION_KEYED_MODES else c.NO_KEY
        self._must(c.set_mode(self.stopped, codes.MODE_HARD_HALT, key))


def story_of(version: int) -> Story:
    """The story of the first seed that fits; the same each time until a workload changes."""
    reasons = []
    for seed in range(SEEDS):
        try:
            story = Story(version, seed)
        except Unfit as unfit:
            reasons.append(f"{seed}: {unfit}")
            continue
        if holdings(Machine.restore(story.snapshot))["free.replies"] > 0:
            return story
        reasons.append(f"{seed}: no remembered reply has expired")
    raise AssertionError(f"version {version}: no seed fits; {reasons}")
