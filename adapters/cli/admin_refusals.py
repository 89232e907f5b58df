"""What the machine's refusal of an operator's command means to the one who typed it.

Why it exists: the machine names a word of the command by its number; a person typed a flag. It must
not know how commands are sent.
"""

from typing import Final

from core.codes import (
    ACCOUNT_STATE_NAMES, CMD_CANCEL_ALL, CMD_DEPOSIT, CMD_LIST_ASSET, CMD_LIST_SYMBOL,
    CMD_SET_ACCOUNT, CMD_SET_DESK, CMD_SET_FEES, CMD_SET_GROUP, CMD_SET_LIMITS, CMD_SET_MODE,
    CMD_SET_REFERENCE, CMD_SET_RULES, CMD_SET_VERSION, CMD_TRANSFER_IN, CMD_TRANSFER_OUT,
    CMD_WITHDRAW, IDEMPOTENCY_MISMATCH, INSUFFICIENT_FUNDS, MARKET_HALTED, MAX_NOTIONAL,
    MODE_NAMES, OK, OVERLOADED, REJECT_NAMES, UNKNOWN_SYMBOL, VALIDATION,
)  # fmt: skip
from core.commands import (
    ACCOUNT_STATE, ASSET_NAME_HI, ASSET_SCALE, C_ACCOUNT, C_HEAD, DESK_RULES, FEES_COUNT,
    FEES_TIERS, GROUP_NEW, LIMIT_DEDUP_ROWS, LIMIT_DEDUP_WINDOW, LIMIT_OPEN_ORDERS, MODE_UNTIL,
    MOVE_AMOUNT, MOVE_ASSET, REFERENCE_PRICE, RULE_NAMES, RULES_FIRST, SYM_BASE, SYM_LOT_UNITS,
    SYM_MAKER_PPM, SYM_MAX_NOTIONAL, SYM_MAX_PRICE, SYM_MAX_QTY, SYM_MIN_NOTIONAL, SYM_MIN_PRICE,
    SYM_NAME_HI, SYM_QUOTE, SYM_TAKER_PPM, SYM_TICK_UNITS, VERSION_NEW,
)  # fmt: skip
from core.fees import TIER_WORDS, TIERS_MAX
from core.risk_orders import RULE_MOST
from core.rules import OWN_RULES
from core.transfer_commands import TRANSFER_DEADLINE, TRANSFER_PARTNER

_MOVE_RULES: Final = {
    C_ACCOUNT: "account: must be open",
    MOVE_ASSET: "asset: a listed asset",
    MOVE_AMOUNT: "amount: at least one smallest unit, at most 2^62",
}

_LISTING_RULES: Final = {
    SYM_NAME_HI: "name: 1 to 16 characters from ! to ~, and not listed otherwise",
    SYM_BASE: "base: a listed asset",
    SYM_QUOTE: "quote: a listed asset, another than base",
    SYM_TICK_UNITS: (
        "tick x lot must be a whole number of the quote's smallest units: a coarser tick or lot"
    ),
    SYM_LOT_UNITS: "lot: at least one smallest unit of the base asset",
    SYM_MIN_PRICE: "min-price: at least one tick",
    SYM_MAX_PRICE: "max-price: not below min-price, at most 2^40 ticks",
    SYM_MAX_QTY: "max-qty: at most 2^50 lots, and max-price x max-qty at most 2^62 quote units",
    SYM_MIN_NOTIONAL: "min-notional: not below 0",
    SYM_MAX_NOTIONAL: "max-notional: above 0, not below min-notional, at most 2^62 quote units",
    SYM_MAKER_PPM: "maker-ppm: 0 to 100000",
    SYM_TAKER_PPM: "taker-ppm: 0 to 100000",
}

_NEEDS_5: Final = "needs machine version 5: lockstep admin version --to 5"


_TIER_RULES: Final = (
    "tier volume: 0 of the first, then above the one before, at most 2^62",
    "tier maker: -100000 to 100000, and a rebate at most what the taker pays",
    "tier taker: 0 to 100000",
)


def _rule(at: int, least: int) -> str:
    """`at`: its place in `RULE_NAMES`."""
    return f"{RULE_NAMES[at].replace('_', '-')}: {least} to {RULE_MOST[at]}"


RULES: Final[dict[int, dict[int, str]]] = {
    CMD_LIST_SYMBOL: _LISTING_RULES,
    CMD_LIST_ASSET: {
        ASSET_NAME_HI: "name: 1 to 16 characters from ! to ~, and not listed with another scale",
        ASSET_SCALE: "scale: 0 to 12",
    },
    CMD_DEPOSIT: _MOVE_RULES,
    CMD_WITHDRAW: _MOVE_RULES,
    CMD_CANCEL_ALL: {C_ACCOUNT: "account: must be open"},
    CMD_SET_LIMITS: {
        LIMIT_OPEN_ORDERS: "open-orders: 1 to 2^24",
        LIMIT_DEDUP_WINDOW: "dedup-window-s: above 0, at most 2^62 ns",
        LIMIT_DEDUP_ROWS: "dedup-rows: 1 to 2^26",
    },
    CMD_SET_MODE: {MODE_UNTIL: "for-s: above 0, and only of AUCTION (machine version 4)"},
    CMD_SET_GROUP: {
        C_HEAD: "needs machine version 3: lockstep admin version --to 3",
        C_ACCOUNT: "account: must be open",
        GROUP_NEW: "group: not below 0",
    },
    CMD_SET_RULES: {C_HEAD: _NEEDS_5}
    | {RULES_FIRST + at: _rule(at, 0) for at in range(len(RULE_NAMES))}
    | {
        RULES_FIRST + RULE_NAMES.index("window_ns"): (
            "window-ns: at most a day, and not 0 with stopped-orders or move-bps"
        ),
        RULES_FIRST + RULE_NAMES.index("action"): (
            "action: CANCEL_ONLY or AUCTION, and one of them with stopped-orders or move-bps"
        ),
    },
    CMD_SET_DESK: {C_HEAD: _NEEDS_5, C_ACCOUNT: "account: must be open"}
    | {DESK_RULES + at: _rule(at + len(RULE_NAMES) - OWN_RULES, -1) for at in range(OWN_RULES)},
    CMD_SET_ACCOUNT: {
        C_HEAD: _NEEDS_5,
        C_ACCOUNT: "account: open, or 0 for everybody",
        ACCOUNT_STATE: "state: only ACTIVE for everybody",
    },
    CMD_SET_FEES: {
        C_HEAD: "needs machine version 7: lockstep admin version --to 7",
        C_ACCOUNT: "account: must be open",
        FEES_COUNT: "tier: at most 6 in a market, one in all of them",
    }
    | {
        FEES_TIERS + TIER_WORDS * tier + word: text
        for tier in range(TIERS_MAX)
        for word, text in enumerate(_TIER_RULES)
    },
    CMD_SET_REFERENCE: {C_HEAD: _NEEDS_5, REFERENCE_PRICE: "price: 0 to 2^40 ticks"},
    CMD_TRANSFER_OUT: _MOVE_RULES
    | {
        C_HEAD: "needs machine version 8: lockstep admin version --to 8",
        TRANSFER_PARTNER: "to-account: an account of the partition --to",
        TRANSFER_DEADLINE: "within: more than nothing, at most a week",
    },
    CMD_TRANSFER_IN: {
        C_HEAD: "the target needs machine version 8: lockstep admin version --to 8",
        C_ACCOUNT: "to-account: must be open at the target",
        MOVE_ASSET: "asset: must be listed at the target",
        TRANSFER_DEADLINE: "within: the time was over before the target was asked",
    },
    CMD_SET_VERSION: {
        C_HEAD: "to: a member's program does not know it (cluster status: version_known)",
        VERSION_NEW: "to: not below the version in force, at most 65535",
    },
}
"""What the machine's VALIDATION detail of a command means to the one who typed it."""

_FROZEN: Final = ACCOUNT_STATE_NAMES.index("FROZEN")


def rule_of(command: int, code: int, detail: int) -> str:
    """The option and what it must be, of a refusal; empty where the code says it all."""
    if code == VALIDATION:
        return RULES.get(command, {}).get(detail, "")
    if code == IDEMPOTENCY_MISMATCH:
        return "reference: was used before, for something else"
    if code == UNKNOWN_SYMBOL:
        if command == CMD_SET_FEES and detail == 0:
            return "symbol: must be a listed symbol, or --account must be given"
        return "symbol: must be a listed symbol (lockstep admin markets)"
    if code == MARKET_HALTED:
        return _halted(command, detail)
    if code == INSUFFICIENT_FUNDS:
        return "amount: at most what is available"
    if code == MAX_NOTIONAL:
        return "amount: at most what fits, as all of an asset stays below 2^62 smallest units"
    is_full = code == OVERLOADED and detail != 0
    return f"the exchange has as many as it may have: {detail}" if is_full else ""


def _halted(command: int, detail: int) -> str:
    """A frozen account's number is that of a mode, in which no operator's command is refused."""
    if detail == _FROZEN:
        if command == CMD_CANCEL_ALL:
            return "account: must not be FROZEN; make it CANCEL_ONLY first (restrict)"
        return "account: must not be FROZEN (restrict)"
    if command in (CMD_WITHDRAW, CMD_TRANSFER_OUT):
        return "account: withdrawals are halted, of it or of account 0 (restrict)"
    return f"symbol: must not be in {MODE_NAMES[detail]}, in which nothing is canceled (mode)"


def credit_refusal(code: int, detail: int) -> str:
    """Why the target of a transfer did not take the money; empty if it did not say."""
    if code == OK:
        return ""
    rule = RULES[CMD_TRANSFER_IN].get(detail, "") if code == VALIDATION else ""
    if code == MAX_NOTIONAL:
        rule = f"amount: at most the {detail} smallest units that still fit at the target"
    return f"the target refused it: {rule or f'{REJECT_NAMES[code]} {detail}'}"
