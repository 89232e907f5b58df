"""What the twin remembers, and how it writes an event.

Why it exists: trading and operators' commands share one state; here it stands in full, so that a
reader sees in one place everything that a command can change. It must not know any rule of a
command: those are in `trading` and `operators`.
"""

import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from core.codes import BUY, MODE_AUCTION, MODE_NORMAL, STATUS_NONE, STATUS_REJECTED
from core.commands import Tier
from core.events import AnyEvent, Reply
from core.limits import (
    DEDUP_ROWS_DEFAULT,
    DEDUP_WINDOW_NS_DEFAULT,
    KEYS_SWEPT_PER_ENTRY,
    OPEN_ORDERS_PER_ACCOUNT_DEFAULT,
    SLOT_BITS,
)
from core.versions import VERSION_STRICT
from sim.twin.accounts import Accounts
from sim.twin.book import Book, Order

SLOTS = 1 << SLOT_BITS
GENERATION_LAST = (1 << 29) - 1


class Reject(Exception):
    """A business reject on its way to becoming a reply; nothing has changed when it is raised.

    `stream` is set when the event belongs to another symbol than the command's.
    """

    def __init__(self, code: int, bound: int = 0, stream: int | None = None) -> None:
        super().__init__(code, bound)
        self.code = code
        self.bound = bound
        self.stream = stream


class Command(NamedTuple):
    """One record, unpacked. `words` has all of them, so `words[4]` is what the layout calls 4."""

    kind: int
    symbol: int
    side: int
    order_type: int
    time_in_force: int
    flags: int
    account: int
    key: tuple[int, int]
    words: tuple[int, ...]

    @property
    def payload(self) -> tuple[int, ...]:
        """What must be equal for a repeated key to be a repetition."""
        return (self.words[0], *self.words[4:])


def unpack_commands(data: bytes) -> list[Command]:
    words = struct.unpack(f"<{len(data) // 8}q", data)
    commands = []
    at = 0
    while at < len(words):
        head = words[at]
        row = words[at : at + (head >> 8 & 0xFF)]
        at += len(row)
        commands.append(Command(
            kind=head & 0xFF, symbol=head >> 16 & 0xFFFF, side=head >> 32 & 0xF,
            order_type=head >> 36 & 0xF, time_in_force=head >> 40 & 0xF, flags=head >> 44 & 0xF,
            account=row[1], key=(row[2], row[3]), words=row,
        ))  # fmt: skip
    return commands


class Asset(NamedTuple):
    id: int
    name: str
    scale: int


@dataclass
class Symbol:
    id: int
    name: str
    base: int
    quote: int
    tick_units: int
    lot_units: int
    tick_value: int
    min_price: int
    max_price: int
    max_qty: int
    min_notional: int
    max_notional: int
    maker_ppm: int
    taker_ppm: int
    mode: int = MODE_NORMAL
    seq: int = 0
    trades: int = 0
    book: Book = field(default_factory=Book)
    triggers: Book = field(default_factory=Book)
    trails: Book = field(default_factory=Book)
    waits: Book = field(default_factory=Book)
    pegs: list[Order] = field(default_factory=list)
    last: int = 0
    high: int = 0
    low: int = 0
    backlog: bool = False
    in_call: list[Order] = field(default_factory=list)
    """Orders for the auction only, in the book."""
    call_end: int = 0
    target: int | None = None
    """The mode to go into when the uncrossing is over."""
    uncross: int = 0
    traded: int = 0
    indicated: tuple[int, int, int] = (0, 0, 0)
    auction_price: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    reference: int = 0
    tripped: int = 0
    window_start: int = 0
    window_price: int = 0
    window_count: int = 0

    def area(self, area: int) -> Book:
        return (self.book, self.triggers, self.trails, self.waits)[area]

    def is_watched(self) -> bool:
        """Anything beside the book looks at this market."""
        waiting = (self.triggers, self.trails, self.waits)
        parked = any(book.levels[side] for book in waiting for side in (0, 1))
        return self.mode == MODE_AUCTION or bool(self.pegs) or parked

    def cost(self, price: int, lots: int) -> int:
        return price * lots * self.tick_value

    def hold_asset(self, side: int) -> int:
        return self.quote if side == BUY else self.base

    def hold_of(self, side: int, price: int, lots: int) -> int:
        """What a limit order of `lots` can still cost."""
        return self.cost(price, lots) if side == BUY else lots * self.lot_units


@dataclass
class Limits:
    open_orders: int = OPEN_ORDERS_PER_ACCOUNT_DEFAULT
    dedup_window_ns: int = DEDUP_WINDOW_NS_DEFAULT
    dedup_rows: int = DEDUP_ROWS_DEFAULT


class State:
    """Everything that a command can change."""

    def __init__(self) -> None:
        self.index = 0
        self.now = 0
        self.limits = Limits()
        self.accounts = Accounts()
        self.assets: dict[int, Asset] = {}
        self.symbols: dict[int, Symbol] = {}
        self.orders: dict[int, Order] = {}
        self.open_orders: dict[int, list[Order]] = {}  # by account, in the order of resting
        self.account_refs: dict[tuple[int, int], int] = {}
        self.moves: dict[tuple[int, int, int], tuple[tuple[int, int, int], Reply]] = {}
        self.remembered: dict[tuple[int, ...], tuple[tuple[int, ...], Reply]] = {}
        self.table: list[int] = []
        """When each row of the table of keys was written, the oldest first; some are forgotten."""
        self.forgotten_ns = -1  # keys up to this time
        self.generations: list[int] = []  # by slot: how often it was given out
        self.free_slots: list[int] = []
        self.list_generations: list[int] = []
        self.free_lists: list[int] = []
        self.groups: dict[int, int] = {}
        self.desks: dict[tuple[int, int], object] = {}  # by account and symbol; see `risk`
        self.restrictions: dict[int, tuple[int, int]] = {}  # state, and withdrawals halted
        self.schedules: dict[tuple[int, int], tuple[int, tuple[Tier, ...]]] = {}
        """By account and symbol: version and tiers; see `fees`."""
        self.fee_version = 0
        self.transfers_out: dict[tuple[int, int], object] = {}  # by id; see `transfers`
        self.transfers_in: dict[tuple[int, int], object] = {}
        self.volumes: dict[tuple[int, int], Counter[int]] = {}  # by account and asset: by day
        self.switches: dict[tuple[int, int], int] = {}  # deadlines by account and symbol
        self.touched: list[int] = []
        self.seq0 = 0
        self.version = 1
        self.last_checkpoint: tuple[int, bytes] = (0, bytes(32))
        self.events: list[AnyEvent] = []
        self.cause = 0

    @property
    def is_strict(self) -> bool:
        """docs/machine.md, "Strictness"."""
        return self.version >= VERSION_STRICT

    # --- events and replies -------------------------------------------------------------------

    def emit(self, event_type: Any, symbol: int, **fields: Any) -> int:
        """Append an event to the stream of `symbol`; its sequence number."""
        if symbol == 0:
            self.seq0 += 1
            seq = self.seq0
        else:
            self.symbols[symbol].seq += 1
            seq = self.symbols[symbol].seq
        self.events.append(event_type(symbol=symbol, seq=seq, cause=self.cause, **fields))
        return seq

    def reply(self, command: Command, **fields: Any) -> Reply:
        """Status NONE and zeros, unless `fields` say otherwise."""
        nothing = Reply(
            code=0, status=STATUS_NONE, duplicate=False, command=command.kind, id=0, seq=0,
            ts_ns=self.now, filled=0, filled_quote=0, remaining=0, detail=0,
        )  # fmt: skip
        return msgspec.structs.replace(nothing, **fields)

    def refuse(
        self, command: Command, code: int, bound: int, order_id: int = 0, seq: int = 0
    ) -> Reply:
        return self.reply(
            command, code=code, status=STATUS_REJECTED, id=order_id, seq=seq, detail=bound
        )

    # --- order ids: generation << 24 | slot ---------------------------------------------------

    def slot_is_left(self) -> bool:
        return bool(self.free_slots) or len(self.generations) < SLOTS

    def take_order_id(self) -> int:
        if self.free_slots:
            slot = self.free_slots.pop()
        else:
            slot = len(self.generations)
            self.generations.append(0)
        self.generations[slot] += 1
        return self.generations[slot] << SLOT_BITS | slot

    def give_back(self, order_id: int) -> None:
        slot = order_id & (SLOTS - 1)
        if self.generations[slot] < GENERATION_LAST:
            self.free_slots.append(slot)

    def take_list_id(self) -> int:
        if self.free_lists:
            row = self.free_lists.pop()
        else:
            row = len(self.list_generations)
            self.list_generations.append(0)
        self.list_generations[row] += 1
        return self.list_generations[row] << SLOT_BITS | row

    # --- which symbols a command has used -----------------------------------------------------

    def use(self, symbol: int) -> Symbol:
        found = self.symbols[symbol]
        if found.is_watched():
            self.note(symbol)
        return found

    def note(self, symbol: int) -> None:
        if symbol not in self.touched:
            self.touched.append(symbol)

    # --- idempotency keys ---------------------------------------------------------------------

    def forget_expired(self) -> None:
        self.forgotten_ns = max(self.forgotten_ns, self.now - self.limits.dedup_window_ns)
        self.remembered = {
            key: row for key, row in self.remembered.items() if row[1].ts_ns > self.forgotten_ns
        }
        if not self.is_strict:
            self.sweep(len(self.table))

    def sweep_for_entry(self, commands: int) -> None:
        self.forget_expired()
        self.sweep(max(KEYS_SWEPT_PER_ENTRY, 2 * commands))

    def sweep(self, rows: int) -> None:
        while rows and self.table and self.table[0] <= self.forgotten_ns:
            self.table.pop(0)
            rows -= 1

    def table_is_full(self) -> bool:
        """A forgotten row makes room for the one that is to come."""
        if len(self.table) >= self.limits.dedup_rows:
            self.sweep(1)
        return len(self.table) >= self.limits.dedup_rows
