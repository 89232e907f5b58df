"""The numbers that commands, events and replies carry, and the names that people read.

Why it exists: a code is written into the log and hashed, so its number may never change; the
names are the interface that clients and scripts rely on. Both stand here, once. This module
knows no layout and no rule: what a code means to the machine is said where the rule is kept.
"""

from typing import Final

HOUSE: Final = 1
"""The account that receives every fee. It exists from the start; others are opened from 2."""

# --- sides, order types, times in force -------------------------------------------------------

BUY: Final = 0
SELL: Final = 1
SIDE_NAMES: Final = ("BUY", "SELL")

LIMIT: Final = 0
MARKET: Final = 1
STOP: Final = 2
STOP_LIMIT: Final = 3
TAKE_PROFIT: Final = 4
TAKE_PROFIT_LIMIT: Final = 5
TRAILING_STOP: Final = 6
TRAILING_STOP_LIMIT: Final = 7
PEGGED: Final = 8
ORDER_TYPE_NAMES: Final = (
    "LIMIT", "MARKET", "STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "TRAILING_STOP",
    "TRAILING_STOP_LIMIT", "PEGGED",
)  # fmt: skip

GTC: Final = 0
IOC: Final = 1
FOK: Final = 2
POST_ONLY: Final = 3
GTD: Final = 4
DAY: Final = 5
AUCTION: Final = 6
"""For the next call auction, or the one that goes on; until that is over."""
TIME_IN_FORCE_NAMES: Final = ("GTC", "IOC", "FOK", "POST_ONLY", "GTD", "DAY", "AUCTION")

# --- why a market was protected, what an account may do ---------------------------------------

TRIPPED_BY_COUNT: Final = 1
TRIPPED_BY_MOVE: Final = 2
TRIPPED_BY_AUCTION: Final = 3
TRIP_NAMES: Final = ("NONE", "STOPPED_ORDERS", "MOVE", "AUCTION")

ACCOUNT_STATE_NAMES: Final = ("ACTIVE", "CANCEL_ONLY", "FROZEN")

# --- self-trade prevention, order lists -------------------------------------------------------

STP_NONE: Final = 0
STP_EXPIRE_TAKER: Final = 1
STP_EXPIRE_MAKER: Final = 2
STP_EXPIRE_BOTH: Final = 3
STP_DECREMENT: Final = 4
STP_NAMES: Final = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")

LIST_OCO: Final = 1
LIST_OTO: Final = 2
LIST_OTOCO: Final = 3
LIST_KIND_NAMES: Final = ("NONE", "OCO", "OTO", "OTOCO")

LIST_EXECUTING: Final = 1
LIST_DONE: Final = 2
LIST_STATE_NAMES: Final = ("NONE", "EXECUTING", "DONE")

# --- symbol modes -----------------------------------------------------------------------------

MODE_NORMAL: Final = 0
MODE_CANCEL_ONLY: Final = 1
MODE_POST_ONLY: Final = 2
MODE_SOFT_HALT: Final = 3
MODE_HARD_HALT: Final = 4
MODE_AUCTION: Final = 5
MODE_NAMES: Final = ("NORMAL", "CANCEL_ONLY", "POST_ONLY", "SOFT_HALT", "HARD_HALT", "AUCTION")

# --- command kinds ----------------------------------------------------------------------------

CMD_PLACE: Final = 1
CMD_CANCEL: Final = 2
CMD_AMEND: Final = 3
CMD_CANCEL_ALL: Final = 4
CMD_SET_MODE: Final = 5
CMD_DEPOSIT: Final = 6
CMD_WITHDRAW: Final = 7
CMD_OPEN_ACCOUNT: Final = 8
CMD_LIST_ASSET: Final = 9
CMD_LIST_SYMBOL: Final = 10
CMD_CHECKPOINT: Final = 11
CMD_SET_LIMITS: Final = 12
CMD_SET_VERSION: Final = 13
CMD_PLACE_TERMS: Final = 14
CMD_PLACE_LIST: Final = 15
CMD_CANCEL_AFTER: Final = 16
CMD_SET_GROUP: Final = 17
CMD_SET_RULES: Final = 18
CMD_SET_DESK: Final = 19
CMD_SET_ACCOUNT: Final = 20
CMD_SET_REFERENCE: Final = 21
CMD_SET_FEES: Final = 22
CMD_TRANSFER_OUT: Final = 23
CMD_TRANSFER_IN: Final = 24
CMD_TRANSFER_VOID: Final = 25
CMD_TRANSFER_END: Final = 26
COMMAND_NAMES: Final = (
    "NONE", "PLACE", "CANCEL", "AMEND", "CANCEL_ALL", "SET_MODE", "DEPOSIT", "WITHDRAW",
    "OPEN_ACCOUNT", "LIST_ASSET", "LIST_SYMBOL", "CHECKPOINT", "SET_LIMITS",
    "SET_VERSION", "PLACE_TERMS", "PLACE_LIST", "CANCEL_AFTER", "SET_GROUP",
    "SET_RULES", "SET_DESK", "SET_ACCOUNT", "SET_REFERENCE", "SET_FEES",
    "TRANSFER_OUT", "TRANSFER_IN", "TRANSFER_VOID", "TRANSFER_END",
)  # fmt: skip

# --- event kinds ------------------------------------------------------------------------------

EV_ORDER_ACCEPTED: Final = 1
EV_ORDER_REJECTED: Final = 2
EV_ORDER_CANCELED: Final = 3
EV_CANCEL_REJECTED: Final = 4
EV_ORDER_AMENDED: Final = 5
EV_TRADE_EXECUTED: Final = 6
EV_BOOK_DELTA: Final = 7
EV_SYMBOL_MODE_CHANGED: Final = 8
EV_BALANCE_CHANGED: Final = 9
EV_ENGINE_CHECKPOINT: Final = 10
EV_ACCOUNT_OPENED: Final = 11
EV_ASSET_LISTED: Final = 12
EV_SYMBOL_LISTED: Final = 13
EV_LIMITS_CHANGED: Final = 14
EV_VERSION_CHANGED: Final = 15
EV_ORDER_TERMS: Final = 16
EV_ORDER_TRIGGERED: Final = 17
EV_ORDER_LIST_CHANGED: Final = 18
EV_CANCEL_AFTER_SET: Final = 19
EV_GROUP_CHANGED: Final = 20
EV_AUCTION_CALLED: Final = 21
EV_AUCTION_INDICATED: Final = 22
EV_AUCTION_ENDED: Final = 23
EV_RULES_CHANGED: Final = 24
EV_DESK_CHANGED: Final = 25
EV_ACCOUNT_RESTRICTED: Final = 26
EV_REFERENCE_SET: Final = 27
EV_MARKET_PROTECTED: Final = 28
EV_FEES_CHANGED: Final = 29
EV_FEES_APPLIED: Final = 30
EV_TRANSFER_CHANGED: Final = 31
EVENT_NAMES: Final = (
    "None", "OrderAccepted", "OrderRejected", "OrderCanceled", "CancelRejected", "OrderAmended",
    "TradeExecuted", "BookDelta", "SymbolModeChanged", "BalanceChanged", "EngineCheckpoint",
    "AccountOpened", "AssetListed", "SymbolListed", "LimitsChanged", "VersionChanged",
    "OrderTermsAccepted", "OrderTriggered", "OrderListChanged", "CancelAfterSet", "GroupChanged",
    "AuctionCalled", "AuctionIndicated", "AuctionEnded",
    "RulesChanged", "DeskChanged", "AccountRestricted", "ReferenceSet", "MarketProtected",
    "FeesChanged", "FeesApplied", "TransferChanged",
)  # fmt: skip

# --- order statuses, as a reply reports them --------------------------------------------------

STATUS_NONE: Final = 0
STATUS_NEW: Final = 1
STATUS_PARTIALLY_FILLED: Final = 2
STATUS_FILLED: Final = 3
STATUS_CANCELED: Final = 4
STATUS_EXPIRED: Final = 5
STATUS_REJECTED: Final = 6
STATUS_NAMES: Final = (
    "NONE", "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "REJECTED",
)  # fmt: skip

# --- why an order left the book, and why a balance moved --------------------------------------

CANCELED_BY_USER: Final = 1
CANCELED_IOC_REMAINDER: Final = 2
CANCELED_MARKET_REMAINDER: Final = 3
CANCELED_MASS: Final = 4
CANCELED_EXPIRED: Final = 5
CANCELED_SELF_TRADE: Final = 6
CANCELED_LIST: Final = 7
CANCELED_TRIGGER_REJECTED: Final = 8
CANCELED_CANCEL_AFTER: Final = 9
CANCELED_UNFUNDED: Final = 10
CANCELED_AUCTION_OVER: Final = 11
CANCELED_COLLAR: Final = 12
CANCELED_KILLED: Final = 13
CANCEL_REASON_NAMES: Final = (
    "NONE", "USER", "IOC_REMAINDER", "MARKET_REMAINDER", "MASS", "EXPIRED", "SELF_TRADE", "LIST",
    "TRIGGER_REJECTED", "CANCEL_AFTER", "UNFUNDED", "AUCTION_OVER",
    "COLLAR", "KILLED",
)  # fmt: skip

MOVED_BY_DEPOSIT: Final = 1
MOVED_BY_WITHDRAWAL: Final = 2
BALANCE_REASON_NAMES: Final = ("NONE", "DEPOSIT", "WITHDRAWAL")

# --- how far a transfer between partitions has come --------------------------------------------

TRANSFER_RESERVED: Final = 1
TRANSFER_OVERDUE: Final = 2
TRANSFER_CONFIRMED: Final = 3
TRANSFER_REFUNDED: Final = 4
TRANSFER_CREDITED: Final = 5
TRANSFER_VOIDED: Final = 6
TRANSFER_STATE_NAMES: Final = (
    "NONE", "RESERVED", "OVERDUE", "CONFIRMED", "REFUNDED", "CREDITED", "VOIDED",
)  # fmt: skip
"""The first four at the source, the last two at the target."""

# --- reject codes: the public names, in the order of the design's section 5 -------------------

OK: Final = 0
VALIDATION: Final = 1
UNKNOWN_SYMBOL: Final = 2
UNKNOWN_ORDER: Final = 3
NOT_OWNER: Final = 4
PRICE_BAND: Final = 5
TICK_SIZE: Final = 6
LOT_SIZE: Final = 7
MIN_NOTIONAL: Final = 8
MAX_NOTIONAL: Final = 9
INSUFFICIENT_FUNDS: Final = 10
MARKET_HALTED: Final = 11
CANCEL_ONLY: Final = 12
TOO_MANY_REQUESTS: Final = 13
TOO_MANY_OPEN_ORDERS: Final = 14
NO_LIQUIDITY: Final = 15
POST_ONLY_WOULD_TRADE: Final = 16
FOK_UNFILLABLE: Final = 17
SELF_TRADE: Final = 18
DUPLICATE_ORDER_ID: Final = 19
IDEMPOTENCY_MISMATCH: Final = 20
FENCING_TOKEN: Final = 21
NOT_LEADER: Final = 22
OVERLOADED: Final = 23
REJECT_NAMES: Final = (
    "OK", "VALIDATION", "UNKNOWN_SYMBOL", "UNKNOWN_ORDER", "NOT_OWNER", "PRICE_BAND",
    "TICK_SIZE", "LOT_SIZE", "MIN_NOTIONAL", "MAX_NOTIONAL", "INSUFFICIENT_FUNDS",
    "MARKET_HALTED", "CANCEL_ONLY", "TOO_MANY_REQUESTS", "TOO_MANY_OPEN_ORDERS", "NO_LIQUIDITY",
    "POST_ONLY_WOULD_TRADE", "FOK_UNFILLABLE", "SELF_TRADE", "DUPLICATE_ORDER_ID",
    "IDEMPOTENCY_MISMATCH", "FENCING_TOKEN", "NOT_LEADER", "OVERLOADED",
)  # fmt: skip
