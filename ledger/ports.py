"""What the ledger needs from outside: a feed of the core's events, and a store of tables.

Why it exists: the projector is written against these contracts, the adapters fulfil them, and
the tests put an in-memory store behind the same ones. Nothing here knows SQL, HTTP or gRPC.

The vocabulary. An **entry** is one movement of money, known by `(partition, index, ordinal)`:
the log entry and the place of the event in it, so that nothing is ever booked twice. Its
**postings** are signed amounts on *ledger accounts*; a ledger account is `(account, asset,
bucket)`, the bucket being AVAILABLE or HOLD. Account 0 is the outside world: what users own, it
owes. Within one entry the postings of each asset sum to zero. A **balance** is the sum of all
postings, kept beside them.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, Protocol

import msgspec

OUTSIDE: Final = 0
"""The account on the other side of deposits, withdrawals and transfers between partitions. Its
balance is minus the supply."""

AVAILABLE: Final = 0
HOLD: Final = 1

DEPOSIT: Final = 1
WITHDRAWAL: Final = 2
ORDER_HOLD: Final = 3
ORDER_RELEASE: Final = 4
ORDER_AMEND: Final = 5
TRADE: Final = 6
TRANSFER_HOLD: Final = 7
TRANSFER_RELEASE: Final = 8
TRANSFER_OUT: Final = 9
TRANSFER_IN: Final = 10


class LogEvents(msgspec.Struct, frozen=True):
    """The events of one log entry, as the core's feed delivers them.

    `epoch` is the feed's fencing token (the leader's term); `chain` is the core's result hash
    after this entry, empty when the feed does not carry it.
    """

    partition: int
    index: int
    epoch: int
    ts_ns: int
    events: bytes
    chain: bytes = b""


# --- rows: plain tuples, because there are tens of thousands a second --------------------------


class Entry(NamedTuple):
    log_index: int
    ordinal: int
    kind: int
    symbol: int
    """0 for money that moves outside any market."""
    trade_id: int
    """0 unless the entry is a trade."""
    order_id: int
    """Of the order, of a trade's taker; 0 for deposits and withdrawals."""
    ts_ns: int


class Posting(NamedTuple):
    log_index: int
    ordinal: int
    leg: int
    account: int
    asset: int
    bucket: int
    amount: int


class BalanceChange(NamedTuple):
    """What a run of postings does to one balance. `version` grows by `postings`."""

    account: int
    asset: int
    available: int
    hold: int
    last_index: int
    postings: int


class Balance(NamedTuple):
    account: int
    asset: int
    available: int
    hold: int
    last_index: int
    version: int


class Account(NamedTuple):
    account: int
    ref_hi: int
    ref_lo: int
    log_index: int
    ts_ns: int


class Asset(NamedTuple):
    asset: int
    name: str
    scale: int
    log_index: int


class Symbol(NamedTuple):
    """What booking a symbol's events takes: which assets, and base units per lot."""

    symbol: int
    name: str
    base: int
    quote: int
    lot_units: int
    log_index: int


class Stream(NamedTuple):
    """How far a symbol's numbers have come; symbol 0 is the stream of no symbol."""

    symbol: int
    last_seq: int
    last_trade: int


class Reconciliation(NamedTuple):
    """One comparison of the ledger's balances with the core's digest of its own."""

    log_index: int
    ordinal: int
    ts_ns: int
    core_digest: bytes
    ledger_digest: bytes

    @property
    def ok(self) -> bool:
        return self.core_digest == self.ledger_digest


class Cursor(NamedTuple):
    """How far the log is booked. `chain` is the core's hash there, empty when unknown."""

    log_index: int = 0
    epoch: int = 0
    ts_ns: int = 0
    chain: bytes = b""


class Books(msgspec.Struct, frozen=True):
    """What a projector needs to go on where the store's last transaction ended."""

    cursor: Cursor
    symbols: Sequence[Symbol] = ()
    streams: Sequence[Stream] = ()


class Segment(msgspec.Struct):
    """All that a stretch of the log adds to the tables, in log order."""

    accounts: list[Account] = msgspec.field(default_factory=list)
    assets: list[Asset] = msgspec.field(default_factory=list)
    symbols: list[Symbol] = msgspec.field(default_factory=list)
    entries: list[Entry] = msgspec.field(default_factory=list)
    postings: list[Posting] = msgspec.field(default_factory=list)


# --- whose fault ------------------------------------------------------------------------------


class FeedFault(Exception):
    """The peer's fault: what the feed sent cannot follow what is booked. Nothing was booked."""


class Fenced(Exception):
    """Somebody newer writes these books: a larger epoch, or another projector. Stop."""


class BooksDiverged(Exception):
    """The ledger's balances are not the core's. Nothing may be posted until a person has looked."""

    def __init__(self, reconciliation: Reconciliation) -> None:
        super().__init__(
            f"balances differ at log index {reconciliation.log_index}: core "
            f"{reconciliation.core_digest.hex()}, ledger {reconciliation.ledger_digest.hex()}"
        )
        self.reconciliation = reconciliation


# --- the store --------------------------------------------------------------------------------


class LedgerTransaction(Protocol):
    """Statements of one transaction, in the order of these methods; any may be left out."""

    async def move_cursor(self, old: Cursor, new: Cursor) -> None:
        """First, because it takes the row that keeps two projectors apart.

        Raises `Fenced` unless the stored cursor is `old` and its epoch is not above `new`'s.
        """

    async def append(self, segment: Segment) -> None:
        """Add rows. They are never changed or removed afterwards, by anyone."""

    async def change_balances(self, changes: Sequence[BalanceChange]) -> None:
        """Add each change to its balance; at most one change for each (account, asset).

        A user's balance that would become negative is refused: the core never lets one.
        """

    async def pages(self) -> Sequence[int]:
        """Numbers of the `core.balances` pages on which users have balances."""

    async def page_rows(self, pages: Sequence[int]) -> Iterable[tuple[int, int, int, int]]:
        """(account, asset, available, hold) of users' balances, sorted by account and asset.

        This transaction's own changes are seen: the comparison is of what will be durable, not
        of what was meant.
        """

    async def save_streams(self, streams: Sequence[Stream]) -> None: ...

    async def record(self, reconciliation: Reconciliation) -> None:
        """Repeating the same failed comparison changes nothing. The commit is synchronous:
        what a checkpoint proved is on the disk when the transaction ends."""


class LedgerStore(Protocol):
    """One partition's tables. All or nothing of a transaction becomes visible and durable."""

    async def load(self) -> Books: ...

    def transaction(self) -> AbstractAsyncContextManager[LedgerTransaction]:
        """Commits when the block ends, rolls back when it raises.

        The newest transactions may be lost with the machine (whole, and newest first): the log
        brings them again. Nobody may cut the log above the last successful reconciliation.
        """
