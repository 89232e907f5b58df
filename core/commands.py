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
from collections.abc import Sequence
from typing import Final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from core.codes import (
    CMD_AMEND, CMD_CANCEL, CMD_CANCEL_AFTER, CMD_CANCEL_ALL, CMD_CHECKPOINT, CMD_DEPOSIT,
    CMD_LIST_ASSET, CMD_LIST_SYMBOL, CMD_OPEN_ACCOUNT, CMD_PLACE, CMD_PLACE_LIST, CMD_PLACE_TERMS,
    CMD_SET_ACCOUNT, CMD_SET_DESK, CMD_SET_FEES, CMD_SET_GROUP, CMD_SET_LIMITS, CMD_SET_MODE,
    CMD_SET_REFERENCE, CMD_SET_RULES, CMD_SET_VERSION, CMD_TRANSFER_END, CMD_WITHDRAW,
    COMMAND_NAMES,
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

# The further words of PLACE_TERMS; 4 to 7 are those of PLACE.
TERMS_STP: Final = 8  # self-trade prevention bits 0-7 | by group bit 8
TERMS_TRIGGER: Final = 9  # ticks
TERMS_TRAIL: Final = 10  # ticks, or hundredths of a per cent with FLAG_TRAIL_BPS
TERMS_DISPLAY: Final = 11  # lots that an iceberg shows
TERMS_MIN_QTY: Final = 12  # lots to fill at once, or nothing
TERMS_EXPIRE: Final = 13  # log time in nanoseconds
TERMS_PEG: Final = 14  # offset in ticks, signed
TERMS_ZERO: Final = 15  # 0

# PLACE_LIST: legs of nine words each from 8 on.
LIST_KIND: Final = 4
LIST_STP: Final = 5  # as TERMS_STP, for every leg
LIST_CLIENT_HI: Final = 6
LIST_CLIENT_LO: Final = 7
LIST_LEGS: Final = 8
LEG_WORDS: Final = 9
LEG_TERMS: Final = 0  # side bits 0-3 | type 4-7 | time in force 8-11 | flags 12-15
LEG_PRICE: Final = 1
LEG_QTY: Final = 2
LEG_CLIENT_HI: Final = 3
LEG_CLIENT_LO: Final = 4
LEG_TRIGGER: Final = 5
LEG_TRAIL: Final = 6
LEG_DISPLAY: Final = 7
LEG_EXPIRE: Final = 8

CANCEL_ORDER: Final = 4

AMEND_ORDER: Final = 4
AMEND_PRICE: Final = 5  # ticks
AMEND_QTY: Final = 6  # new total quantity in lots, what is already filled included
AMEND_TRIGGER: Final = 7  # ticks; 0 = as it is; from version 3 on

FILTER_WHAT: Final = 4  # CANCEL_ALL, from version 3 on: FILTER_ bits, 0 = everything
FILTER_LOW: Final = 5  # limit prices from this one; ticks, 0 = any
FILTER_HIGH: Final = 6  # up to this one; 0 = any

AFTER_NS: Final = 4  # CANCEL_AFTER: log nanoseconds from now, 0 = never

GROUP_NEW: Final = 4  # SET_GROUP: 0 = of no group

RULES_FIRST: Final = 4  # SET_RULES: twenty rules, as in `core.rules`
DESK_RULES: Final = 4  # SET_DESK: six of them, 0 = the market's, -1 = none
DESK_KILLED: Final = 10  # 1: the account may only cancel here, and all that it has is canceled
ACCOUNT_STATE: Final = 4  # SET_ACCOUNT: 0 active, 1 cancel-only, 2 frozen
ACCOUNT_HALTED: Final = 5  # 1: no withdrawals; with account 0 nobody's
REFERENCE_PRICE: Final = 4  # SET_REFERENCE: ticks, 0 = none
FEES_COUNT: Final = 4  # SET_FEES: tiers, 0 = none any more
FEES_TIERS: Final = 5  # six of: volume from which on, the maker's rate, the taker's

MODE_NEW: Final = 4
MODE_UNTIL: Final = 5  # AUCTION: log time at which the call ends by itself, 0 = never; version 4

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
FLAG_SLIDE: Final = 2  # a POST_ONLY order that would trade is priced one tick away instead
FLAG_TRAIL_BPS: Final = 4  # the trailing distance is in hundredths of a per cent of the price
FLAG_PEG_OTHER: Final = 8  # pegged to the other side's best price, not to its own side's
FLAGS_ALL: Final = 15

FILTER_BUYS: Final = 1
FILTER_SELLS: Final = 2
FILTER_RESTING: Final = 4
FILTER_PARKED: Final = 8
FILTER_ALL: Final = 15

COMMAND_WORDS: Final = 8
"""Words of every kind but the two below. A command of another length is not well formed."""
LIST_SYMBOL_WORDS: Final = 18
CHECKPOINT_WORDS: Final = 10
PLACE_TERMS_WORDS: Final = 16
PLACE_LIST_WORDS: Final = 35
SET_RULES_WORDS: Final = 24
SET_DESK_WORDS: Final = 12
SET_FEES_WORDS: Final = 23

BATCH_MAGIC: Final = 0x3142534C  # "LSB1"
BATCH_HEADER: Final = struct.Struct("<IIII")
BATCH_HEADER_BYTES: Final = 16

_EIGHT: Final = struct.Struct("<8q")
_TEN: Final = struct.Struct("<10q")
_TWELVE: Final = struct.Struct("<12q")
_TWENTY_THREE: Final = struct.Struct("<23q")
_TWENTY_FOUR: Final = struct.Struct("<24q")
_SIXTEEN: Final = struct.Struct("<16q")
_EIGHTEEN: Final = struct.Struct("<18q")
_THIRTY_FIVE: Final = struct.Struct("<35q")
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


def head_word(kind: int, symbol: int, words: int = COMMAND_WORDS, detail: int = 0) -> int:
    """Word 0; `detail` is what stands from bit 32 on."""
    return kind | words << 8 | symbol << 16 | detail << 32


def place(
    account: int, symbol: int, side: int, order_type: int, time_in_force: int,
    price: int, qty: int, key: Key = NO_KEY, client: Key = NO_KEY, by_quote: bool = False,
) -> bytes:  # fmt: skip
    """A new order. `price` in ticks, `qty` in lots (quote units when `by_quote`)."""
    detail = side | order_type << 4 | time_in_force << 8 | (FLAG_BY_QUOTE if by_quote else 0) << 12
    head = head_word(CMD_PLACE, symbol, COMMAND_WORDS, detail)
    return _EIGHT.pack(head, account, key[0], key[1], price, qty, client[0], client[1])


def place_terms(
    account: int, symbol: int, side: int, order_type: int, time_in_force: int, *,
    price: int = 0, qty: int = 0, key: Key = NO_KEY, client: Key = NO_KEY, flags: int = 0,
    stp: int = 0, by_group: bool = False, trigger: int = 0, trail: int = 0, display: int = 0,
    min_qty: int = 0, expire_ns: int = 0, peg_offset: int = 0,
) -> bytes:  # fmt: skip
    """A new order with further terms; from version 3 on.

    Prices, triggers and offsets in ticks, quantities in lots (quote units with FLAG_BY_QUOTE),
    `expire_ns` in log time. What each type of order may have says `docs/orders`.
    """
    detail = side | order_type << 4 | time_in_force << 8 | flags << 12
    return _SIXTEEN.pack(
        head_word(CMD_PLACE_TERMS, symbol, PLACE_TERMS_WORDS, detail), account, *key, price, qty,
        *client, stp | by_group << 8, trigger, trail, display, min_qty, expire_ns, peg_offset, 0,
    )  # fmt: skip


def leg(
    side: int, order_type: int, time_in_force: int, *, price: int = 0, qty: int = 0,
    client: Key = NO_KEY, flags: int = 0, trigger: int = 0, trail: int = 0, display: int = 0,
    expire_ns: int = 0,
) -> tuple[int, ...]:  # fmt: skip
    """One order of a list, in the terms of `place_terms`."""
    terms = side | order_type << 4 | time_in_force << 8 | flags << 12
    return (terms, price, qty, *client, trigger, trail, display, expire_ns)


NO_LEG: Final = (0,) * LEG_WORDS


def place_list(
    account: int, symbol: int, kind: int, legs: list[tuple[int, ...]], *, key: Key = NO_KEY,
    client: Key = NO_KEY, stp: int = 0, by_group: bool = False,
) -> bytes:  # fmt: skip
    """An order list of two or three legs (`leg`); from version 3 on."""
    words = [word for row in (*legs, *(NO_LEG,) * (3 - len(legs))) for word in row]
    return _THIRTY_FIVE.pack(
        head_word(CMD_PLACE_LIST, symbol, PLACE_LIST_WORDS), account, *key, kind,
        stp | by_group << 8, *client, *words,
    )  # fmt: skip


def cancel(account: int, symbol: int, order_id: int, key: Key = NO_KEY) -> bytes:
    return _EIGHT.pack(head_word(CMD_CANCEL, symbol), account, *key, order_id, 0, 0, 0)


def amend(
    account: int, symbol: int, order_id: int, price: int, qty: int, key: Key = NO_KEY,
    trigger: int = 0,
) -> bytes:  # fmt: skip
    """`price` in ticks; `qty` the new total in lots, what is already filled included.

    `trigger`: the new trigger price of a stop that waits, 0 to leave it; from version 3 on.
    """
    return _EIGHT.pack(head_word(CMD_AMEND, symbol), account, *key, order_id, price, qty, trigger)


def cancel_all(
    account: int, symbol: int, key: Key = NO_KEY, what: int = 0, low: int = 0, high: int = 0
) -> bytes:
    """All open orders of `account` (0: of everybody) on `symbol` (0: on all); not both 0.

    From version 3 on `what` (FILTER_ bits), `low` and `high` (limit prices in ticks) choose
    among them; 0 chooses nothing out.
    """
    return _EIGHT.pack(head_word(CMD_CANCEL_ALL, symbol), account, *key, what, low, high, 0)


def cancel_after(account: int, symbol: int, after_ns: int, key: Key = NO_KEY) -> bytes:
    """Cancel the account's orders on `symbol` (0: on all) unless this is repeated in time.

    `after_ns`: nanoseconds of log time, up to a day; 0 calls it off.
    """
    return _EIGHT.pack(head_word(CMD_CANCEL_AFTER, symbol), account, *key, after_ns, 0, 0, 0)


def set_group(account: int, group: int) -> bytes:
    """The group within which the account does not trade with itself; 0 = none."""
    return _EIGHT.pack(head_word(CMD_SET_GROUP, 0), account, 0, 0, group, 0, 0, 0)


def set_mode(symbol: int, mode: int, key: Key = NO_KEY, until_ns: int = 0) -> bytes:
    """The key counts from machine version 2 on, `until_ns` (of AUCTION) from version 4 on."""
    return _EIGHT.pack(head_word(CMD_SET_MODE, symbol), 0, *key, mode, until_ns, 0, 0)


def deposit(account: int, asset: int, amount: int, reference: Key) -> bytes:
    """`amount` in the asset's units. The reference is remembered for ever."""
    return _EIGHT.pack(head_word(CMD_DEPOSIT, 0), account, *reference, asset, amount, 0, 0)


def withdraw(account: int, asset: int, amount: int, reference: Key) -> bytes:
    return _EIGHT.pack(head_word(CMD_WITHDRAW, 0), account, *reference, asset, amount, 0, 0)


def open_account(reference: Key) -> bytes:
    return _EIGHT.pack(head_word(CMD_OPEN_ACCOUNT, 0), 0, 0, 0, *reference, 0, 0)


def list_asset(name: str, scale: int) -> bytes:
    return _EIGHT.pack(head_word(CMD_LIST_ASSET, 0), 0, 0, 0, *name_words(name), scale, 0)


def list_symbol(
    name: str, base: int, quote: int, *, tick_units: int, lot_units: int, min_price: int,
    max_price: int, max_qty: int, min_notional: int, max_notional: int, maker_ppm: int,
    taker_ppm: int,
) -> bytes:  # fmt: skip
    """Prices in ticks, quantity in lots, notionals in quote units, fees in millionths."""
    return _EIGHTEEN.pack(
        head_word(CMD_LIST_SYMBOL, 0, LIST_SYMBOL_WORDS), 0, 0, 0, *name_words(name), base, quote,
        tick_units, lot_units, min_price, max_price, max_qty, min_notional, max_notional,
        maker_ppm, taker_ppm, 0,
    )  # fmt: skip


def checkpoint(previous_index: int = 0, previous_digest: bytes = bytes(32)) -> bytes:
    """Ask every replica for its digest; carry the leader's digest of the checkpoint before."""
    words = struct.unpack("<4q", previous_digest)
    return _TEN.pack(
        head_word(CMD_CHECKPOINT, 0, CHECKPOINT_WORDS), 0, 0, 0, previous_index, *words, 0
    )


def set_limits(open_orders: int, dedup_window_ns: int, dedup_rows: int) -> bytes:
    return _EIGHT.pack(
        head_word(CMD_SET_LIMITS, 0), 0, 0, 0, open_orders, dedup_window_ns, dedup_rows, 0
    )


RULE_NAMES: Final = (
    "buy_up_bps", "buy_down_bps", "sell_up_bps", "sell_down_bps", "static_bps", "dynamic_bps",
    "stopped_orders", "move_bps", "window_ns", "action", "call_ns", "tick_step", "lot_step",
    "min_qty", "max_position", "open_orders", "parked_orders", "rate", "burst", "daily_notional",
)  # fmt: skip
"""The rules of a market, in their order; the last six also of an account in it."""


def set_rules(symbol: int, **rules: int) -> bytes:
    """All rules of a market at once, by `RULE_NAMES`; those not named are none. Version 5."""
    unknown = [name for name in rules if name not in RULE_NAMES]
    assert not unknown, f"rules: {unknown}"
    values = [rules.get(name, 0) for name in RULE_NAMES]
    return _TWENTY_FOUR.pack(head_word(CMD_SET_RULES, symbol, SET_RULES_WORDS), 0, 0, 0, *values)


def set_desk(account: int, symbol: int, killed: int = 0, **rules: int) -> bytes:
    """An account's own limits in a market; those not named are the market's, -1 is none."""
    unknown = [name for name in rules if name not in RULE_NAMES[-6:]]
    assert not unknown, f"rules: {unknown}"
    values = [rules.get(name, 0) for name in RULE_NAMES[-6:]]
    return _TWELVE.pack(
        head_word(CMD_SET_DESK, symbol, SET_DESK_WORDS), account, 0, 0, *values, killed, 0
    )


def set_account(account: int, state: int, withdrawals_halted: int) -> bytes:
    """What an account may do; account 0: whether anybody may withdraw."""
    return _EIGHT.pack(
        head_word(CMD_SET_ACCOUNT, 0), account, 0, 0, state, withdrawals_halted, 0, 0
    )


def set_reference(symbol: int, price: int) -> bytes:
    """The price that bands and collars are reckoned from before there is a better one; ticks."""
    return _EIGHT.pack(head_word(CMD_SET_REFERENCE, symbol), 0, 0, 0, price, 0, 0, 0)


Tier = tuple[int, int, int]
"""From so many quote units of 30 days on, the maker's rate and the taker's; parts per million."""


def set_fees(account: int, symbol: int, tiers: Sequence[Tier]) -> bytes:
    """The schedule of an account (0: of all) in a symbol (0: in all); to 6 tiers. Version 7."""
    words = [word for tier in tiers for word in tier]
    words += [0] * (SET_FEES_WORDS - FEES_TIERS - len(words))
    head = head_word(CMD_SET_FEES, symbol, SET_FEES_WORDS)
    return _TWENTY_THREE.pack(head, account, 0, 0, len(tiers), *words)


def set_version(version: int) -> bytes:
    """Put the rules of this machine version in force, from this command on."""
    return _EIGHT.pack(head_word(CMD_SET_VERSION, 0), 0, 0, 0, version, 0, 0, 0)


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
        if kind < 1 or kind > CMD_TRANSFER_END:
            raise MalformedBatch(f"commands: command {count} has unknown kind {kind}")
        if length != _words_of(kind) or at + length > words:
            raise MalformedBatch(f"commands: command {count} has {length} words")
        terms_may_stand = kind == CMD_PLACE or kind == CMD_PLACE_TERMS
        if head >> 48 != 0 or (not terms_may_stand and head >> 32 != 0):
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
    if kind == CMD_PLACE_TERMS:
        return PLACE_TERMS_WORDS
    if kind == CMD_PLACE_LIST:
        return PLACE_LIST_WORDS
    if kind == CMD_SET_RULES:
        return SET_RULES_WORDS
    if kind == CMD_SET_DESK:
        return SET_DESK_WORDS
    if kind == CMD_SET_FEES:
        return SET_FEES_WORDS
    return COMMAND_WORDS


def command_name(kind: int) -> str:
    return COMMAND_NAMES[kind] if 0 <= kind < len(COMMAND_NAMES) else f"kind {kind}"


TRADING_KINDS: Final = (
    CMD_PLACE, CMD_CANCEL, CMD_AMEND, CMD_CANCEL_ALL, CMD_PLACE_TERMS, CMD_PLACE_LIST,
    CMD_CANCEL_AFTER,
)  # fmt: skip
"""What a client may send; every other kind is an operator's, or the machine's own."""


def words_of(commands: bytes, at: i64, count: i64) -> vec[i64]:
    """The words of one command, which begins at byte `at`."""
    words = vec[i64]()
    i: i64 = 0
    while i < count:
        words = append(words, read_i64_le(commands, at + i * 8))
        i += 1
    return words
