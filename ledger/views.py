"""What the ledger shows of an account: decimal strings in whole coins, at one log index.

Why it exists: amounts are integers everywhere inside; this is the one place of the ledger that
turns them into text, for whatever surface asks. It knows no surface.
"""

from collections.abc import Sequence

import msgspec


class AssetBalance(msgspec.Struct, frozen=True):
    asset: str
    available: str
    hold: str
    total: str


class AccountBalances(msgspec.Struct, frozen=True, rename="camel"):
    """`last_index`: the books are booked up to and with this log index, and no further."""

    account: int
    last_index: int
    balances: Sequence[AssetBalance]


def asset_balance(name: str, scale: int, available: int, hold: int) -> AssetBalance:
    return AssetBalance(
        name,
        decimal_text(available, scale),
        decimal_text(hold, scale),
        decimal_text(available + hold, scale),
    )


def decimal_text(units: int, scale: int) -> str:
    """`units` of 10**-scale, exact, without trailing zeros: the text that REST has for it too, so
    that who compares the ledger with the core may compare texts."""
    if scale == 0:
        return str(units)
    digits = str(abs(units)).rjust(scale + 1, "0")
    places = digits[-scale:].rstrip("0")
    whole = f"{'-' if units < 0 else ''}{digits[:-scale]}"
    return f"{whole}.{places}" if places else whole
