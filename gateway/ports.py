"""What the gateway needs from outside, as contracts: who calls, what is promised, what fails how.

Why it exists: the handlers are written against these, so that tests and the simulator can stand
in for a network, a clock and a disk. An adapter that breaks a promise below breaks the gateway's
own promises to its clients, so each says which.
"""

from typing import NamedTuple, Protocol

import msgspec

READ = 1
TRADE = 2
PERMISSION_NAMES = {"READ": READ, "TRADE": TRADE}


class CoreUnavailable(Exception):
    """The peer's fault: the core was not reached, or took nothing. Nothing was changed.

    `code` is the reject code to report (OVERLOADED, NOT_LEADER, FENCING_TOKEN).
    """

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class OutcomeUnknown(Exception):
    """The connection broke after the command was sent: it may or may not be in the log."""


class LedgerUnavailable(Exception):
    """The ledger was not reached, or is not configured."""


class CommandIds(NamedTuple):
    """What travels beside a command in its batch's metadata, for tracing; never applied.

    `correlation_id` is the client's own order id as text, so that every later reader of the log
    can show it: the machine itself keeps only its 128-bit hash.
    """

    command_id: bytes
    correlation_id: bytes
    trace_id: bytes


class Answer(NamedTuple):
    """One command's reply: 64 bytes in the layout of `core.events`, and the entry it stands in."""

    log_index: int
    reply: bytes


class CoreBalance(msgspec.Struct, frozen=True):
    asset: int
    available: int
    hold: int


class CoreStatus(msgspec.Struct, frozen=True):
    """`index` is the last entry applied by the node that answered."""

    index: int
    role: str


class CorePort(Protocol):
    async def submit(self, command: bytes, ids: CommandIds) -> Answer:
        """One packed command into the log; returns once it is committed and applied.

        Every command carries an idempotency key, so the adapter may send it again after a break
        and does so until its deadline. Raises `CoreUnavailable` only when the command is
        certainly not in the log, `OutcomeUnknown` in every other failure: swapping the two would
        make a client repeat an order that was taken.
        """
        ...

    async def balances(self, account: int) -> tuple[int, list[CoreBalance]]:
        """Committed balances and the log index they stand at. Raises `CoreUnavailable`."""
        ...

    async def status(self) -> CoreStatus:
        """Raises `CoreUnavailable`."""
        ...


class Key(msgspec.Struct, frozen=True):
    """An API key as the store knows it. `ips` empty: any address."""

    key_id: str
    account: int
    secret: bytes
    permissions: int
    ips: tuple[str, ...] = ()


class KeyStore(Protocol):
    def find(self, key_id: str) -> Key | None:
        """From memory, without I/O: it is called for every request, before authentication.

        A key that is missing here is refused, so a new key must appear without a restart.
        """
        ...


class Clock(Protocol):
    def now_ms(self) -> int:
        """Wall time, for timestamps that clients sign. A clock that is off by seconds refuses
        good requests; it is never used to order anything."""
        ...

    def monotonic_s(self) -> float:
        """For rates and deadlines; never goes back."""
        ...


class Progress(Protocol):
    @property
    def live(self) -> bool:
        """Whether the folds have come to where the log stood when this process began.

        Before that a symbol or an order that is not there may only not be there yet, so True
        too early turns "not now" into "no".
        """
        ...

    async def reached(self, index: int, timeout_s: float) -> bool:
        """True once the folds contain log entry `index`; False when the time is up.

        A read that follows an acknowledged write waits here, so a false True breaks
        read-your-writes.
        """
        ...


class LedgerBalance(msgspec.Struct, frozen=True):
    """Amounts as the books say them: decimal strings of whole coins."""

    asset: str
    available: str
    hold: str
    total: str


class LedgerBalances(msgspec.Struct, frozen=True):
    """`last_index`: booked up to and with this log entry. An account that is not booked yet has
    no balances, and stands at 0."""

    last_index: int
    balances: tuple[LedgerBalance, ...]


class LedgerQueries(Protocol):
    async def balances(self, account: int) -> LedgerBalances:
        """What the books of the ledger say. Raises `LedgerUnavailable`; never guesses."""
        ...

    async def ready(self) -> bool: ...


class Entropy(Protocol):
    def bytes16(self) -> bytes:
        """16 bytes that no two requests share: trace and command ids."""
        ...
