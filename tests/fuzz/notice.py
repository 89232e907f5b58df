"""Branches for what C code decides, so that a fuzzer that is guided by Python's sees it.

Why it exists: a decoder in C is one step to the guided fuzzer, whatever it does. Its answer, a word
or an error's text, is turned into loops of other lengths here.
"""

import zlib


def notice(word: str) -> None:
    """Branches that stand for a word: so the fuzzer sees what a decoder in C made of an input."""
    bits = zlib.crc32(word.encode())
    for _ in range(bits & 7):
        bits += 8
    for _ in range(bits >> 8 & 7):
        bits += 1 << 11
    for _ in range(bits >> 16 & 7):
        bits += 1 << 19
    for _ in range(bits >> 24 & 7):
        bits += 1 << 27
