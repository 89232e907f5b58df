"""Every bound of the machine in one place, each with its reason.

Why it exists: compiled 64-bit arithmetic wraps where a Python integer grows, so a value is
bounded before it is used, never after; and a limit stands on everything that can grow. This
module holds numbers only: who enforces one says so where it does.
"""

from typing import Final

WORD_BYTES: Final = 8
"""All records are rows of little-endian signed 64-bit words."""

AMOUNT_MAX: Final = 1 << 62
"""Most units of one asset in existence. Sums of two amounts then still fit 63 bits."""

ASSETS_MAX: Final = 1024
SYMBOLS_MAX: Final = 4096
"""Fits the 16 bits that a record's first word gives to the symbol, with room to spare."""

ASSET_SCALE_MAX: Final = 12
"""Decimal places of an asset's minimal unit; 10**12 keeps whole coins within 62 bits."""

PRICE_TICKS_MAX: Final = 1 << 40
QTY_LOTS_MAX: Final = 1 << 50
FEE_SCHEDULES_MAX: Final = 1 << 16
FEE_PPM_MAX: Final = 100_000
"""Fees are at most 10 %: above that a rate is a typing error."""

SLOT_BITS: Final = 24
"""An order id is `generation << 24 | slot`: at most 16.7 M open orders in a partition."""
ORDER_ID_MAX: Final = (1 << 53) - 1
"""Order ids stay exact in a JSON number (2**53), as browsers and Binance clients expect."""

ACCOUNTS_MAX: Final = 1 << 31
BATCH_COMMANDS_MAX: Final = 8192
"""TigerBeetle's batches hold 8,190; a command's ordinal has 16 bits in an event's header."""
BATCH_BYTES_MAX: Final = 4 << 20
CANCELS_PER_COMMAND_MAX: Final = 10_000
"""A mass cancel answers how many orders are left; the caller repeats it."""

OPEN_ORDERS_PER_ACCOUNT_DEFAULT: Final = 10_000
DEDUP_WINDOW_NS_DEFAULT: Final = 24 * 3600 * 1_000_000_000
"""A day, as the drafts and venues that we know keep an idempotency key."""
DEDUP_ROWS_DEFAULT: Final = 1 << 22
DEDUP_ROWS_MAX: Final = 1 << 26
"""Keys remembered at once; a keyed command beyond that is OVERLOADED, never forgotten early."""
KEYS_SWEPT_PER_ENTRY: Final = 64
"""Expired keys that one log entry sweeps out, or twice its commands if that is more: no more than
that can have come with it, so the table does not grow by them. All at once were a pause (0.9 s for
4 million after a night without commands); so many are less than the entry costs by itself."""

ICEBERG_TIPS_MAX: Final = 100
"""An iceberg shows at least a hundredth of its quantity, so that one order makes at most a
hundred fills against a taker. Binance's ICEBERG_PARTS is 10 to 100."""
TRAIL_BPS_MAX: Final = 9_999
"""A trailing distance in hundredths of a per cent stays below the price itself."""
TRAILING_PER_SYMBOL_MAX: Final = 1_000
"""Each new high or low looks at all of a symbol's trailing stops: some 20 us at this many."""
PEGGED_PER_SYMBOL_MAX: Final = 200
"""Each command on a symbol looks at all of its pegged orders."""
CASCADE_PER_COMMAND_MAX: Final = 1_000
"""Orders triggered or activated after one command; what is left goes on before the next."""
UNCROSS_TRADES_MAX: Final = 10_000
"""Trades of one part of an auction's uncrossing; the next part comes before the next command."""
EXPIRIES_PER_ENTRY_MAX: Final = 1_000
"""Orders that end by time before one log entry's commands; what is left ends before the next."""
CANCEL_AFTER_NS_MAX: Final = 24 * 3600 * 1_000_000_000
DAY_NS: Final = 24 * 3600 * 1_000_000_000
"""A DAY order ends at the next midnight of log time, which is UTC."""

TRANSFERS_OPEN_MAX: Final = 1 << 16
"""Transfers that are not ended yet; each is somebody's money that is nowhere to be used."""
TRANSFER_NS_MAX: Final = 7 * 24 * 3600 * 1_000_000_000
"""A week: a deadline further away is a typing error."""
PARTITIONS_MAX: Final = 32_767
"""The ledger keeps a partition's number in 16 bits."""

TIME_NS_MAX: Final = 1 << 62
"""The year 2116: beyond it no new deadline is reckoned, so that none leaves 64 bits."""
