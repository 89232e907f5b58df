"""Crowds: more orders at once than one command, or one entry, may deal with.

Why it exists: what is left for the next command (triggers, expiries, an auction's trades, a mass
cancel) begins at a thousand or ten thousand orders, and no other workload comes near. Between the
crowds the random commands of `TermsWorkload` go on. Equal seeds give equal commands.
"""

from typing import Final

from core import codes
from core import commands as c
from core.limits import (
    CANCELS_PER_COMMAND_MAX,
    CASCADE_PER_COMMAND_MAX,
    EXPIRIES_PER_ENTRY_MAX,
    PEGGED_PER_SYMBOL_MAX,
    TRAILING_PER_SYMBOL_MAX,
    UNCROSS_TRADES_MAX,
)
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import setup_records

BUY, SELL = codes.BUY, codes.SELL
MILLION: Final = 10**6
RICH: Final = 1 << 44
BATCH: Final = 500
AFTER_BATCHES: Final = 6
CROWD_COMMANDS: Final = 25_000
"""Of one recording: enough for an auction that is too large."""
ACCOUNTS: Final = (2, 3, 4, 5)


def crowd_setup_records() -> list[bytes]:
    """The usual markets; accounts that can pay for everything, and room for all."""
    deposits = [
        c.deposit(account, asset, RICH, (8, account << 8 | asset))
        for account in ACCOUNTS
        for asset in (1, 2, 3)
    ]
    return [*setup_records(), *deposits, _room()]


def _room() -> bytes:
    return c.set_limits(1 << 20, 10**9, 1 << 16)


class CrowdWorkload(TermsWorkload):
    """Batches come from a queue; when it is empty another crowd gathers."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._queue: list[list[bytes]] = []

    def batch(self) -> list[bytes]:
        if not self._queue:
            crowds = (self._stops, self._stops, self._expiring, self._trails, self._pegs)
            rare = (self._auction, self._interrupted, self._mass)
            self._gather(self._random.choice(rare if self._rarely(0.15) else crowds)())
        return self._queue.pop(0)

    def time_step_ns(self) -> int:
        """Little while a crowd gathers; then beyond what it waits for."""
        if len(self._queue) == AFTER_BATCHES - 1:
            return 60 * MILLION
        return self._random.choice((0, 1, MILLION))

    def _gather(self, crowd: list[bytes]) -> None:
        """Calm first, then the crowd in batches, then random commands that go on with it."""
        calm = [c.set_mode(1, codes.MODE_NORMAL), c.set_rules(1), c.set_fees(0, 1, []), _room()]
        calm += [c.set_account(account, 0, 0) for account in (0, *ACCOUNTS)]
        calm += [c.set_desk(account, 1) for account in ACCOUNTS]
        self._queue.append(calm)
        at = 0
        while at < len(crowd):
            self._queue.append(crowd[at : at + BATCH])
            at += BATCH
        self._queue += [super(CrowdWorkload, self).batch() for _ in range(AFTER_BATCHES)]

    def _many(self, bound: int) -> int:
        return bound + self._random.choice((1, 7, bound // 10))

    def _one(self, side: int, price: int, qty: int = 1) -> bytes:
        account = self._random.choice(ACCOUNTS)
        return c.place(account, 1, side, codes.LIMIT, codes.GTC, price, qty)

    def _sweep(self, low: int, high: int) -> list[bytes]:
        """Trades at each price from `low` to `high`."""
        prices = range(low, high + 1)
        swept = [self._one(side, price) for price in prices for side in (SELL, BUY)]
        return [c.cancel_all(0, 1, what=c.FILTER_RESTING), *swept]

    def _stops(self) -> list[bytes]:
        """A thousand wait above the market, as limit and market orders; then it rises."""
        choose = self._random.choice
        waiting = [
            c.place_terms(
                choose(ACCOUNTS), 1, BUY, choose((codes.STOP, codes.STOP_LIMIT)),
                codes.IOC, price=choose((130, 140)), qty=1, trigger=120 + choose((0, 0, 1)),
            )
            for _ in range(self._many(CASCADE_PER_COMMAND_MAX))
        ]  # fmt: skip
        return [*self._sweep(99, 101), *waiting, *self._sweep(119, 121)]

    def _expiring(self) -> list[bytes]:
        at = self.now_ns + 40 * MILLION
        return [
            c.place_terms(
                self._random.choice(ACCOUNTS), 1, BUY, codes.LIMIT, codes.GTD,
                price=self._random.randint(50, 60), qty=1, expire_ns=at,
            )
            for _ in range(self._many(EXPIRIES_PER_ENTRY_MAX))
        ] + [c.cancel_after(account, 1, 30 * MILLION) for account in ACCOUNTS[:2]]  # fmt: skip

    def _trails(self) -> list[bytes]:
        trailing = [
            c.place_terms(
                self._random.choice(ACCOUNTS), 1, SELL, codes.TRAILING_STOP, codes.IOC, qty=1,
                trail=self._random.randint(5, 20),
            )
            for _ in range(self._many(TRAILING_PER_SYMBOL_MAX))
        ]  # fmt: skip
        falls = [self._one(side, price) for price in (110, 98, 85) for side in (BUY, SELL)]
        return [*self._sweep(100, 110), *trailing, *falls]

    def _pegs(self) -> list[bytes]:
        pegged = [
            c.place_terms(
                self._random.choice(ACCOUNTS), 1, BUY, codes.PEGGED, codes.GTC, qty=1,
                peg_offset=-self._random.randint(0, 3),
            )
            for _ in range(self._many(PEGGED_PER_SYMBOL_MAX))
        ]  # fmt: skip
        moves = [self._one(BUY, price) for price in (92, 94, 93)]
        return [*self._sweep(100, 101), self._one(BUY, 90), *pegged, *moves]

    def _auction(self) -> list[bytes]:
        """More trades than one part of an uncrossing may have, and orders for it alone.

        The many gather before the call: the twin looks at all orders of one after each command.
        """
        many = self._many(UNCROSS_TRADES_MAX)
        resting = [self._one(BUY, 98) for _ in range(many)]
        only = [
            c.place_terms(account, 1, BUY, codes.LIMIT, codes.AUCTION, price=80, qty=1)
            for account in ACCOUNTS
        ]
        crossing = [self._one(SELL, 97, 1_000) for _ in range(many // 1_000 + 1)]
        begins, ends = c.set_mode(1, codes.MODE_AUCTION), c.set_mode(1, codes.MODE_NORMAL)
        return [c.cancel_all(0, 1), *resting, begins, *only, *crossing, ends]

    def _interrupted(self) -> list[bytes]:
        """An uncrossing of three parts or more, tip by tip, and other modes in the middle of it."""
        choose = self._random.choice
        pairs = choose((210, 320))
        tips = [
            c.place_terms(
                choose(ACCOUNTS), 1, BUY, codes.LIMIT, codes.GTC, price=choose((98, 100, 101)),
                qty=100, display=1,
            )
            for _ in range(pairs)
        ]  # fmt: skip
        crossing = [self._one(SELL, choose((96, 97)), 1_000) for _ in range(pairs // 10 + 1)]
        modes = [
            c.set_mode(1, mode)
            for mode in (
                codes.MODE_AUCTION, codes.MODE_NORMAL, choose(range(6)), choose(range(6)),
                codes.MODE_NORMAL,
            )
        ]  # fmt: skip
        some = choose((c.cancel_all(0, 1), c.cancel_all(choose(ACCOUNTS), 0), modes[1]))
        stop = c.place_terms(2, 1, BUY, codes.STOP, codes.IOC, qty=1, trigger=choose((97, 101)))
        calls = [c.cancel_all(0, 1), modes[0], *tips, *crossing, stop]
        return [*calls, modes[1], some, *modes[2:]]

    def _mass(self) -> list[bytes]:
        """One account's, so that its dead man's switch has too much to do as well."""
        resting = [
            c.place(2, 1, BUY, codes.LIMIT, codes.GTC, self._random.randint(20, 60), 1)
            for _ in range(self._many(CANCELS_PER_COMMAND_MAX))
        ]
        if self._rarely(0.5):
            return [*resting, c.cancel_after(2, 1, 30 * MILLION)]
        if self._rarely(0.5):
            halt = c.set_mode(1, self._random.choice((codes.MODE_NORMAL, codes.MODE_HARD_HALT)))
            kills = [c.set_desk(2, 1, killed) for killed in (1, self._random.choice((0, 1)))]
            return [*resting, halt, *kills[: self._random.choice((1, 1, 2))]]
        return [*resting, c.cancel_all(0, 1), c.cancel_all(2, 0)]
