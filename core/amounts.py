"""Arithmetic of amounts that stays within 64 bits.

Why it exists: compiled sums and products wrap in silence, and a part or a sum of amounts is
reckoned in several rooms. It must not know what an amount is for.
"""

from typing import Final

from mypy_extensions import i64

from core.limits import AMOUNT_MAX

PPM: Final = 1_000_000


def fee_of(amount: i64, ppm: i64) -> i64:
    """`floor(amount * ppm / 10**6)` without the product leaving 64 bits."""
    return amount // PPM * ppm + amount % PPM * ppm // PPM


def sum_of(a: i64, b: i64) -> i64:
    """Of amounts from 0 on, at most `AMOUNT_MAX`: beyond it no limit is, and no tier begins."""
    return AMOUNT_MAX if a > AMOUNT_MAX - b else a + b


def product_of(a: i64, b: i64) -> i64:
    """Of a from 0 and b from 1 on, at most `AMOUNT_MAX`."""
    return AMOUNT_MAX if a > AMOUNT_MAX // b else a * b
