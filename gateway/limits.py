"""How often one account or one address may ask: token buckets over an injected clock.

Why it exists: an exchange that one client can fill serves nobody. Every table here is bounded,
because a limiter that grows with its attackers is itself the way in: when it is full, the bucket
that was used longest ago goes, and a bucket that is full again is no loss.
"""

import math
from collections import OrderedDict
from typing import Final, NamedTuple

import msgspec

BUCKETS_MAX: Final = 100_000


class Rate(msgspec.Struct, frozen=True):
    """`per_s` tokens come back each second, up to `burst`."""

    name: str
    per_s: float
    burst: int


class Verdict(NamedTuple):
    """`retry_after_s` is 0 when allowed; `remaining` is what the bucket still holds."""

    allowed: bool
    remaining: int
    retry_after_s: float


class RateLimiter:
    """One rate, one bucket per subject. A bucket is `(tokens, when)`; absent means full."""

    def __init__(self, rate: Rate, buckets_max: int = BUCKETS_MAX) -> None:
        if rate.per_s <= 0 or rate.burst < 1:
            raise ValueError(f"rate {rate.name}: per_s and burst must be positive")
        self.rate = rate
        self._buckets_max = buckets_max
        self._name = rate.name.encode()
        window_s = max(1, round(rate.burst / rate.per_s))
        self._policy = b'"%b";q=%d;w=%d' % (self._name, rate.burst, window_s)
        self._buckets: OrderedDict[int | str, tuple[float, float]] = OrderedDict()

    def take(self, subject: int | str, now_s: float, tokens: int = 1) -> Verdict:
        rate = self.rate
        have, since = self._buckets.get(subject, (float(rate.burst), now_s))
        have = min(float(rate.burst), have + (now_s - since) * rate.per_s)
        allowed = have >= tokens
        if allowed:
            have -= tokens
        self._buckets[subject] = (have, now_s)
        self._buckets.move_to_end(subject)
        if len(self._buckets) > self._buckets_max:
            self._buckets.popitem(last=False)
        wait_s = 0.0 if allowed else (tokens - have) / rate.per_s
        return Verdict(allowed, int(have), wait_s)

    def __len__(self) -> int:
        return len(self._buckets)

    def headers(self, verdict: Verdict) -> tuple[tuple[bytes, bytes], ...]:
        """`RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers."""
        wait_s = max(1, math.ceil(verdict.retry_after_s))
        state = b'"%b";r=%d;t=%d' % (self._name, verdict.remaining, wait_s)
        return ((b"ratelimit-policy", self._policy), (b"ratelimit", state))
