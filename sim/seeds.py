"""Randomness of a run: one seed, and a stream of its own for each concern.

Why it exists: when a failing run is shrunk, a fault is left out, and everything else should stay
as it was. With one shared stream the first draw that is missing would change all that follow. It
must not know what anybody draws.
"""

import random
from typing import Final

FRACTION: Final = 1 << 53


class Streams:
    """Streams by name, each made when it is first asked for; the order of asking is no matter."""

    def __init__(self, seed: int, salt: str = "") -> None:
        self._prefix = f"{seed}/{salt}/"
        self._streams: dict[str, random.Random] = {}

    def of(self, name: str) -> random.Random:
        stream = self._streams.get(name)
        if stream is None:
            # A string seeds by its SHA-512, never by hash().
            stream = self._streams[name] = random.Random(self._prefix + name)  # noqa: S311
        return stream


class SeededEntropy:
    """`replication.ports.Entropy` of one node."""

    def __init__(self, stream: random.Random) -> None:
        self._stream = stream

    def random_bytes(self, count: int) -> bytes:
        return self._stream.randbytes(count)
