"""Numbers as people type them on a command line: ASCII digits, and what a message can carry.

Why it exists: `int` and `float` take underscores and the digits of every script, so that a typing
error becomes an amount; and what does not fit a message is told by the message's library, without
the option's name. argparse puts the name before what is said here. What a number may be beyond
that is the machine's to judge. It must not know which options there are.
"""

import argparse
import re
from collections.abc import Callable
from typing import Final

INT64_MAX: Final = (1 << 63) - 1
UINT32_MAX: Final = (1 << 32) - 1
_WHOLE: Final = re.compile(r"-?[0-9]+", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_DIGITS_MAX: Final = 40


def whole(least: int = -INT64_MAX - 1, most: int = INT64_MAX) -> Callable[[str], int]:
    """An argparse type: a whole number within these bounds, both included."""

    def read(text: str) -> int:
        if _WHOLE.fullmatch(text) is None:
            raise argparse.ArgumentTypeError(
                f"{text[:_DIGITS_MAX]!r} must be a whole number in the digits 0 to 9"
            )
        value = int(text) if len(text) <= _DIGITS_MAX else None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text[:_DIGITS_MAX]} must be from {least} to {most}")
        return value

    return read


def decimal(least: float, most: float) -> Callable[[str], float]:
    """An argparse type: digits with at most one point, within these bounds, both included."""

    def read(text: str) -> float:
        fits = _DECIMAL.fullmatch(text) is not None and len(text) <= _DIGITS_MAX
        if not fits or not least <= float(text) <= most:
            raise argparse.ArgumentTypeError(
                f"{text[:_DIGITS_MAX]!r} must be a number from {least:g} to {most:g}, such as 1.5"
            )
        return float(text)

    return read
