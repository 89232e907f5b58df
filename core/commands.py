"""Commands: their layout in words, builders for those who send them, and the check at the door.

Why it exists: a command is written once, by whoever sends it, into the bytes that the log keeps
and the machine reads in place. Nothing here applies a command or knows what it will do.

A command is a row of signed 64-bit little-endian words. Word 0 is packed:

    bits  0-7   kind            bits 32-35  side            bits 44-47  flags
    bits  8-15  words in all    bits 36-39  order type
    bits 16-31  symbol id       bits 40-43  time in force

Words 1 to 3 are the same in every command: the account, and the 128-bit idempotency key (or the
unique reference of a deposit); 0, 0 means none. The rest is named below, kind by kind. A reject
with `VALIDATION` names the word that is out of its bounds by the same numbers.

A batch is what one log entry carries: a header of 16 bytes (magic, commands, bytes of commands,
bytes of metadata, each an unsigned 32-bit number), the commands, then metadata that the machine
never reads (trace and correlation ids).
"""

import hashlib
import struct
from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from core.codes import (
    CMD_AMEND, CMD_CANCEL, CMD_CANCEL_ALL, CMD_CHECKPOINT, CMD_DEPOSIT, CMD_LIST_ASSET,
    CMD_LIST_SYMBOL, CMD_OPEN_ACCOUNT, CMD_PLACE, CMD_SET_LIMITS, CMD_SET_MODE,
    CMD_SET_VERSION, CMD_WITHDRAW, COMMAND_NAMES,
)  # fmt: skip
from core.limits import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX

C_HEAD: Final = 0
C_ACCOUNT: Final = 1
C_KEY_HI: Final = 2
C_KEY_LO: Final = 3

PLACE_PRICE: Final = 4  # ticks; 0 for MARKET
PLACE_QTY: Final = 5  # lots; quote units when FLAG_BY_QUOTE is set
PLACE_CLIENT_HI: Final = 6  # the client's own order id, 128 bits; 0, 0 = none
PLACE_CLIENT_LO: Final = 7

CANCEL_ORDER: Final = 4

AMEND_ORDER: Final = 4
AMEND_PRICE: Final = 5  # ticks
AMEND_QTY: Final = 6  # new total quantity in lots, what is already filled included

MODE_NEW: Final = 4

MOVE_ASSET: Final = 4  # deposit and withdrawal
MOVE_AMOUNT: Final = 5  # units

OPEN_REF_HI: Final = 4  # the user's name outside, as 128 bits; the same name opens once
OPEN_REF_LO: Final = 5

ASSET_NAME_HI: Final = 4  # 16 bytes of ASCII, padded with zeros, little-endian words
ASSET_NAME_LO: Final = 5
ASSET_SCALE: Final = 6  # decimal places of the minimal unit

SYM_NAME_HI: Final = 4
SYM_NAME_LO: Final = 5
SYM_BASE: Final = 6  # asset ids
SYM_QUOTE: Final = 7
SYM_TICK_UNITS: Final = 8  # quote units per tick, for one whole base coin
SYM_LOT_UNITS: Final = 9  # base units per lot
SYM_MIN_PRICE: Final = 10  # ticks
SYM_MAX_PRICE: Final = 11
SYM_MAX_QTY: Final = 12  # lots
SYM_MIN_NOTIONAL: Final = 13  # quote units
SYM_MAX_NOTIONAL: Final = 14
SYM_MAKER_PPM: Final = 15  # fees, millionths of what is received
SYM_TAKER_PPM: Final = 16

CHECK_INDEX: Final = 4  # the previous checkpoint's log index, 0 = no claim
CHECK_DIGEST: Final = 5  # four words: the digest that the leader had there

LIMIT_OPEN_ORDERS: Final = 4  # per account
LIMIT_DEDUP_WINDOW: Final = 5  # nanoseconds of log time
LIMIT_DEDUP_ROWS: Final = 6

VERSION_NEW: Final = 4

FLAG_BY_QUOTE: Final = 1

COMMAND_WORDS: Final = 8
"""Words of every kind but the two below. A command of another length is not well formed."""
LIST_SYMBOL_WORDS: Final = 18
CHECKPOINT_WORDS: Final = 10

BATCH_MAGIC: Final = 0x3142534C  # "LSB1"
BATCH_HEADER: Final = struct.Struct("<IIII")
BATCH_HEADER_BYTES: Final = 16

_EIGHT: Final = struct.Struct("<8q")
_TEN: Final = struct.Struct("<10q")
_EIGHTEEN: Final = struct.Struct("<18q")
_TWO: Final = struct.Struct("<qq")

Key = tuple[int, int]
NO_KEY: Final[Key] = (0, 0)


class MalformedBatch(ValueError):
    """The sender's fault: bytes that are not a batch of commands. Nothing was changed."""


def key128(text: str) -> Key:
    """The 128-bit identity of an idempotency key, reference or client order id.

    BLAKE2b-128 of the UTF-8 text; never (0, 0), which means "none".
    """
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    hi, lo = _TWO.unpack(digest)
    return (hi, lo) if hi or lo else (0, 1)


def name_words(name: str) -> Key:
    """An asset's or symbol's name as two words: 1 to 16 ASCII characters, no NUL."""
    raw = name.encode("ascii")
    if not 1 <= len(raw) <= 16 or 0 in raw:
        raise ValueError(f"name: {name!r} must be 1 to 16 ASCII characters")
    hi, lo = _TWO.unpack(raw.ljust(16, b"\0"))
    return hi, lo


def name_text(hi: int, lo: int) -> str:
    return _TWO.pack(hi, lo).rstrip(b"\0").decode("ascii")


def _head(kind: int, symbol: int, words: int = COMMAND_WORDS, detail: int = 0) -> int:
    return kind | words << 8 | symbol << 16 | detail << 32


def place(
    account: int, symbol: int, side: int, order_type: int, time_in_force: int,
    price: int, qty: int, key: Key = NO_KEY, client: Key = NO_KEY, by_quote: bool = False,
) -> bytes:  # fmt: skip
    """A new order. `price` in ticks, `qty` in lots (quote units when `by_quote`)."""
    detail = side | order_type << 4 | time_in_force << 8 | (FLAG_BY_QUOTE if by_quote else 0) << 12
    head = _head(CMD_PLACE, symbol, COMMAND_WORDS, detail)
    return _EIGHT.pack(head, account, key[0], key[1], price, qty, client[0], client[1])


def cancel(account: int, symbol: int, order_id: int, key: Key = NO_KEY) -> bytes:
    return _EIGHT.pack(_head(CMD_CANCEL, symbol), account, *key, order_id, 0, 0, 0)


def amend(
    account: int, symbol: int, order_id: int, price: int, qty: int, key: Key = NO_KEY
) -> bytes:
    """`price` in ticks; `qty` the new total in lots, what is already filled included."""
    return _EIGHT.pack(_head(CMD_AMEND, symbol), account, *key, order_id, price, qty, 0)


def cancel_all(account: int, symbol: int, key: Key = NO_KEY) -> bytes:
    """All open orders of `account` (0: of everybody) on `symbol` (0: on all); not both 0."""
    return _EIGHT.pack(_head(CMD_CANCEL_ALL, symbol), account, *key, 0, 0, 0, 0)


def set_mode(symbol: int, mode: int, key: Key = NO_KEY) -> bytes:
    """The key counts from machine version 2 on."""
    return _EIGHT.pack(_head(CMD_SET_MODE, symbol), 0, *key, mode, 0, 0, 0)


def deposit(account: int, asset: int, amount: int, reference: Key) -> bytes:
    """`amount` in the asset's units. The reference is remembered for ever."""
    return _EIGHT.pack(_head(CMD_DEPOSIT, 0), account, *reference, asset, amount, 0, 0)


def withdraw(account: int, asset: int, amount: int, reference: Key) -> bytes:
    return _EIGHT.pack(_head(CMD_WITHDRAW, 0), account, *reference, asset, amount, 0, 0)


def open_account(reference: Key) -> bytes:
    return _EIGHT.pack(_head(CMD_OPEN_ACCOUNT, 0), 0, 0, 0, *reference, 0, 0)


def list_asset(name: str, scale: int) -> bytes:
    return _EIGHT.pack(_head(CMD_LIST_ASSET, 0), 0, 0, 0, *name_words(name), scale, 0)


def list_symbol(
    name: str, base: int, quote: int, *, tick_units: int, lot_units: int, min_price: int,
    max_price: int, max_qty: int, min_notional: int, max_notional: int, maker_ppm: int,
    taker_ppm: int,
) -> bytes:  # fmt: skip
    """Prices in ticks, quantity in lots, notionals in quote units, fees in millionths."""
    return _EIGHTEEN.pack(
        _head(CMD_LIST_SYMBOL, 0, LIST_SYMBOL_WORDS), 0, 0, 0, *name_words(name), base, quote,
        tick_units, lot_units, min_price, max_price, max_qty, min_notional, max_notional,
        maker_ppm, taker_ppm, 0,
    )  # fmt: skip


def checkpoint(previous_index: int = 0, previous_digest: bytes = bytes(32)) -> bytes:
    """Ask every replica for its digest; carry the leader's digest of the checkpoint before."""
    words = struct.unpack("<4q", previous_digest)
    return _TEN.pack(_head(CMD_CHECKPOINT, 0, CHECKPOINT_WORDS), 0, 0, 0, previous_index, *words, 0)


def set_limits(open_orders: int, dedup_window_ns: int, dedup_rows: int) -> bytes:
    return _EIGHT.pack(
        _head(CMD_SET_LIMITS, 0), 0, 0, 0, open_orders, dedup_window_ns, dedup_rows, 0
    )


def set_version(version: int) -> bytes:
    """Put the rules of this machine version in force, from this command on."""
    return _EIGHT.pack(_head(CMD_SET_VERSION, 0), 0, 0, 0, version, 0, 0, 0)


def batch(commands: bytes, count: int, metadata: bytes = b"") -> bytes:
    """The payload of one log entry. `commands` are whole records, `count` of them."""
    head = BATCH_HEADER.pack(BATCH_MAGIC, count, len(commands), len(metadata))
    return head + commands + metadata


def batch_of(records: list[bytes], metadata: bytes = b"") -> bytes:
    return batch(b"".join(records), len(records), metadata)


def split_batch(payload: bytes) -> tuple[bytes, int, bytes]:
    """Commands, their count, metadata. Raises `MalformedBatch` unless the frame is exact."""
    if len(payload) < BATCH_HEADER_BYTES:
        raise MalformedBatch(f"batch: {len(payload)} bytes are shorter than its header")
    magic, count, size, meta_size = BATCH_HEADER.unpack_from(payload)
    if magic != BATCH_MAGIC:
        raise MalformedBatch(f"batch: magic {magic:#x} is not {BATCH_MAGIC:#x}")
    if len(payload) != BATCH_HEADER_BYTES + size + meta_size:
        raise MalformedBatch("batch: the header's sizes do not add up to the payload")
    commands = payload[BATCH_HEADER_BYTES : BATCH_HEADER_BYTES + size]
    if check_commands(commands) != count:
        raise MalformedBatch("batch: the header's count is not the number of commands")
    return commands, count, payload[BATCH_HEADER_BYTES + size :]


def check_commands(commands: bytes) -> int:
    """How many well-formed commands these bytes are. Raises `MalformedBatch`.

    Well formed means: a known kind of the right length, and no stray bits in word 0. Values
    are the machine's to judge; it rejects, and never raises, for anything that passes here.
    """
    size: i64 = len(commands)
    if size > BATCH_BYTES_MAX or size % 8 != 0:
        raise MalformedBatch(f"commands: {size} bytes; whole words up to {BATCH_BYTES_MAX}")
    words: i64 = size // 8
    at: i64 = 0
    count: i64 = 0
    while at < words:
        head: i64 = read_i64_le(commands, at * 8)
        kind: i64 = head & 0xFF
        length: i64 = (head >> 8) & 0xFF
        if kind < 1 or kind > CMD_SET_VERSION:
            raise MalformedBatch(f"commands: command {count} has unknown kind {kind}")
        if length != _words_of(kind) or at + length > words:
            raise MalformedBatch(f"commands: command {count} has {length} words")
        if head >> 48 != 0 or (kind != CMD_PLACE and head >> 32 != 0):
            raise MalformedBatch(f"commands: command {count} has stray bits in word 0")
        at += length
        count += 1
    if count > BATCH_COMMANDS_MAX:
        raise MalformedBatch(f"commands: {count} are more than {BATCH_COMMANDS_MAX}")
    return count


def _words_of(kind: i64) -> i64:
    if kind == CMD_LIST_SYMBOL:
        return LIST_SYMBOL_WORDS
    if kind == CMD_CHECKPOINT:
        return CHECKPOINT_WORDS
    return COMMAND_WORDS


def command_name(kind: int) -> str:
    return COMMAND_NAMES[kind] if 0 <= kind < len(COMMAND_NAMES) else f"kind {kind}"


TRADING_KINDS: Final = (CMD_PLACE, CMD_CANCEL, CMD_AMEND, CMD_CANCEL_ALL)
"""What a client may send; every other kind is an operator's, or the machine's own."""
