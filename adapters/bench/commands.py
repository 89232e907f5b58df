"""A load of commands for the whole machine: made once by playing it, then replayed as bytes.

Why it exists: cancels must name ids that the machine gives out, so the load is recorded while a
machine answers; the timed runs then apply the very same log entries to fresh machines. Every
command carries its own idempotency key, as orders from a gateway do. It must not know what is
timed.
"""

import random
from typing import Final

from core import commands as c
from core.codes import BUY, EV_ORDER_ACCEPTED, GTC, IOC, LIMIT
from core.events import event_rows
from core.machine import Machine
from core.versions import VERSION_FIRST

ENTRY_STEP_NS: Final = 1_000_000
"""Log time between entries: a millisecond, as group commit makes it."""
CHECKPOINT_COMMANDS: Final = 50_000
CHECKPOINT_ENTRIES: Final = 10_000
"""Whichever comes first makes a checkpoint, as in a node (`replication.settings`)."""
START_NS: Final = 1_750_000_000_000_000_000
FUNDS: Final = 1 << 50
MID_TICKS: Final = 50_000
SPREAD_TICKS: Final = 40
FIRST_USER: Final = 2

Entry = tuple[int, bytes]
"""Time stamp and payload."""


def set_up(symbols: int, accounts: int, dedup_rows: int, window_ns: int) -> list[bytes]:
    """Listings, accounts and deposits, as batches."""
    records = [c.list_asset("USD", 2)]
    for n in range(symbols):
        records.append(c.list_asset(f"C{n}", 8))
        records.append(
            c.list_symbol(
                f"C{n}-USD", n + 2, 1, tick_units=1, lot_units=100_000_000, min_price=1,
                max_price=1_000_000, max_qty=1_000_000, min_notional=1, max_notional=1 << 60,
                maker_ppm=1000, taker_ppm=2000,
            )
        )  # fmt: skip
    records.append(c.set_limits(10_000, window_ns, dedup_rows))
    for n in range(accounts):
        records.append(c.open_account(c.key128(f"user {n}")))
        for asset in range(1, symbols + 2):
            reference = c.key128(f"funds {n} {asset}")
            records.append(c.deposit(FIRST_USER + n, asset, FUNDS // accounts, reference))
    step = 4096
    return [c.batch_of(records[i : i + step]) for i in range(0, len(records), step)]


class Load:
    """Plays random trading against a machine and keeps the entries."""

    def __init__(
        self, *, symbols: int, accounts: int, seed: int, window_ns: int,
        version: int = VERSION_FIRST,
    ) -> None:  # fmt: skip
        self.rng = random.Random(seed)
        self.symbols = symbols
        self.accounts = accounts
        self.machine = Machine()
        self.entries: list[Entry] = []
        self.open: list[tuple[int, int, int]] = []
        for payload in set_up(symbols, accounts, 1 << 22, window_ns):
            self._apply(payload)
        if version > VERSION_FIRST:
            self._apply(c.batch(c.set_version(version), 1))
        self.prelude = len(self.entries)

    def _apply(self, payload: bytes) -> None:
        index = len(self.entries) + 1
        entry = (START_NS + index * ENTRY_STEP_NS, payload)
        self.machine.apply(index, *entry)
        self.entries.append(entry)

    def _key(self) -> c.Key:
        return self.rng.getrandbits(63) | 1, self.rng.getrandbits(63)

    def _command(self) -> bytes:
        """45 % cancels; of the orders 15 % IOC; prices close enough that a fifth trade."""
        rng = self.rng
        if self.open and rng.random() < 0.45:
            pick = rng.randrange(len(self.open))
            account, symbol, order_id = self.open[pick]
            self.open[pick] = self.open[-1]
            self.open.pop()
            return c.cancel(account, symbol, order_id, self._key())
        side = rng.randrange(2)
        away = rng.randint(-4, SPREAD_TICKS)
        price = MID_TICKS - away if side == BUY else MID_TICKS + away
        tif = IOC if rng.random() < 0.15 else GTC
        account = FIRST_USER + rng.randrange(self.accounts)
        symbol = 1 + rng.randrange(self.symbols)
        qty = rng.randint(1, 100)
        return c.place(account, symbol, side, LIMIT, tif, price, qty, self._key())

    def play(self, commands: int, batch: int) -> None:
        """Add entries of `batch` commands, and a checkpoint every so many entries."""
        every = min(CHECKPOINT_ENTRIES, max(1, CHECKPOINT_COMMANDS // batch))
        for _ in range(commands // batch):
            records = [self._command() for _ in range(batch)]
            if len(self.entries) % every == 0:
                index, digest = self.machine.last_checkpoint()
                records[-1] = c.checkpoint(index, digest)
            self._apply(c.batch_of(records))
            for row in event_rows(self.machine.events):
                if row[0] & 0xFF == EV_ORDER_ACCEPTED:
                    self.open.append((row[3], row[0] >> 16 & 0xFFFF, row[2]))
