"""Decimal strings at the edge, whole ticks and lots behind it. The only place that knows both.

Why it exists: money as a binary float is wrong, and a parser that is generous is wrong in ways
that nobody tests: `float`, `Decimal` and `int` accept signs, exponents, underscores, spaces and
full-width digits. So the grammar is written down (`_NUMBER`), digits are counted before they
become an integer, and a value that does not divide exactly is refused, never rounded.
"""

import re
from typing import Final

from core.codes import LOT_SIZE, TICK_SIZE, VALIDATION
from core.limits import AMOUNT_MAX
from gateway.problems import Refused, invalid

INTEGER_DIGITS_MAX: Final = 20
FRACTION_DIGITS_MAX: Final = 20
"""Binance's own bound for a number in a request; 2**62 has 19 digits."""

_NUMBER: Final = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)
_POWERS: Final = tuple(10**n for n in range(FRACTION_DIGITS_MAX + 1))

GRAMMAR_RULE: Final = (
    'a decimal string such as "12.5": ASCII digits with at most one point, no sign, exponent, '
    "space or leading zero"
)
SIZE_RULE: Final = (
    f"at most {INTEGER_DIGITS_MAX} digits before the point and {FRACTION_DIGITS_MAX} after it"
)
POSITIVE_RULE: Final = "greater than zero"
OVERFLOW_RULE: Final = "small enough that its minimal units fit 62 bits"


def parse_units(text: str, scale: int, step: int, field: str, off_step_code: int) -> int:
    """How many `step`s of minimal units `text` is; `scale` is the asset's decimal places.

    Raises `Refused`: `off_step_code` when the value is a good number between two steps,
    VALIDATION for everything else.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise Refused(invalid(field, f"must be {GRAMMAR_RULE}"))
    whole, fraction = match.groups(default="")
    if len(whole) > INTEGER_DIGITS_MAX or len(fraction) > FRACTION_DIGITS_MAX:
        raise Refused(invalid(field, f"must have {SIZE_RULE}"))
    digits = len(fraction)
    value: int = int(whole + fraction)  # units of 10**-digits; the digits were counted above
    if value == 0:
        raise Refused(invalid(field, f"must be {POSITIVE_RULE}"))
    if digits <= scale:
        units, odd = value * _POWERS[scale - digits], 0
    else:
        units, odd = divmod(value, _POWERS[digits - scale])
    if units > AMOUNT_MAX:
        raise Refused(invalid(field, f"must be {OVERFLOW_RULE}"))
    steps: int = units // step
    if odd or units % step:
        rule = f"must be a multiple of {format_units(step, scale)}"
        raise Refused(invalid(field, rule, code=off_step_code))
    return steps


def parse_price(text: str, quote_scale: int, tick_units: int, field: str = "price") -> int:
    return parse_units(text, quote_scale, tick_units, field, TICK_SIZE)


def parse_qty(text: str, base_scale: int, lot_units: int, field: str = "qty") -> int:
    return parse_units(text, base_scale, lot_units, field, LOT_SIZE)


def parse_amount(text: str, scale: int, field: str) -> int:
    """An amount of money in minimal units; over-precise is VALIDATION, there is no step."""
    return parse_units(text, scale, 1, field, VALIDATION)


def format_units(units: int, scale: int) -> str:
    """The shortest decimal string of `units * 10**-scale`; negative amounts keep their sign."""
    if units < 0:
        return "-" + format_units(-units, scale)
    if scale == 0:
        return str(units)
    whole, fraction = divmod(units, _POWERS[scale])
    if fraction == 0:
        return str(whole)
    return f"{whole}.{str(fraction).rjust(scale, '0').rstrip('0')}"


def shortest(text: str) -> str:
    """A decimal string without zeros behind its last digit: one amount, one text."""
    return text.rstrip("0").rstrip(".") if "." in text else text
