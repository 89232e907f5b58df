"""Order flow of the public matching-engine benchmark, from a generator of our own.

Why it exists: the full-size flows of that benchmark are not published as files, only their
recipe. This follows the recipe and writes the same record layout as the recorded flows, so that
the book runs generated and recorded flows alike. It must not know how a book works.

The recipe: a mid price by geometric Brownian motion, one step per new order, stretched so that
it travels the scenario's excursion; each order on its own side of the mid at a power-law distance
(exponent 2.23) with a hump eight ticks out; quantities uniform from 1 to 100; 15 % immediate or
cancel; of the rest 20 % get one modify (80 % of these move one tick, all grow) and 95 % are
canceled within an exponential life; 2 % duplicate cancels and stale modifies; arrivals shuffled.
Where the recipe is silent (start price, the hump's width and weight, how close together an
order's messages come) the numbers below were read off the recorded flows.
"""

import math
import random
import struct
from typing import Final

SCENARIOS: Final[dict[str, float]] = {
    "static": 0.0, "normal": 0.02, "swing-25": 0.25, "swing-40": 0.40, "flash-crash": 0.60,
}  # fmt: skip
"""How far the mid travels, as a part of its start."""

START_PRICE: Final = 33_504
TAIL_EXPONENT: Final = 2.23
HUMP_WEIGHT: Final = 0.9
HUMP_TICKS: Final = 8.9
HUMP_WIDTH: Final = 1.05
QTY_MAX: Final = 100
IOC_PART: Final = 0.15
MODIFY_PART: Final = 0.20
REPRICE_PART: Final = 0.80
CANCEL_PART: Final = 0.95
STALE_PART: Final = 0.02

MAGIC: Final = 0x574F4C464B434F4C  # "LOCKFLOW"
VERSION: Final = 1

_HEADER: Final = struct.Struct("<QII")
_RECORD: Final = struct.Struct("<BBBBIQQqq")
_NEW, _CANCEL, _MODIFY = 0, 1, 2

Message = tuple[int, int, int, int, int, int]
"""Type, side, ioc, quantity, order id, price."""


def mid_path(rng: random.Random, orders: int, excursion: float) -> list[float]:
    """One mid price per new order; the lowest is the highest less the excursion."""
    if excursion == 0.0:
        return [float(START_PRICE)] * orders
    steps = [0.0]
    for _ in range(orders - 1):
        steps.append(steps[-1] + rng.gauss(0.0, 1.0))
    span = max(steps) - min(steps)
    scale = -math.log(1.0 - excursion) / span if span else 0.0
    top = max(steps)
    return [START_PRICE * math.exp((step - top) * scale) for step in steps]


def distance(rng: random.Random) -> int:
    """Ticks from the mid, at least 1."""
    if rng.random() < HUMP_WEIGHT:
        return max(1, round(rng.gauss(HUMP_TICKS, HUMP_WIDTH)))
    return min(int((1.0 - rng.random()) ** (-1.0 / (TAIL_EXPONENT - 1.0))), START_PRICE // 4)


def one_order(rng: random.Random, order_id: int, mid: float) -> list[Message]:
    """A new order and what becomes of it, in the order of sending."""
    side = rng.randrange(2)
    away = distance(rng)
    price = max(1, math.floor(mid) - away if side == 0 else math.ceil(mid) + away)
    qty = rng.randint(1, QTY_MAX)
    ioc = int(rng.random() < IOC_PART)
    messages: list[Message] = [(_NEW, side, ioc, qty, order_id, price)]
    if ioc:
        return messages
    if rng.random() < MODIFY_PART:
        step = rng.choice((-1, 1)) if rng.random() < REPRICE_PART else 0
        grown = qty + rng.randint(1, QTY_MAX)
        messages.append((_MODIFY, side, 0, grown, order_id, max(1, price + step)))
    if rng.random() < CANCEL_PART:
        messages.append((_CANCEL, side, 0, qty, order_id, price))
        if rng.random() < STALE_PART:
            kind = _CANCEL if rng.random() < 0.5 else _MODIFY
            messages.append((kind, side, 0, qty + 1, order_id, price))
    return messages


def generate(scenario: str, orders: int, seed: int) -> bytes:
    """A flow of `orders` new orders, with its header. Raises `KeyError` for another scenario."""
    excursion = SCENARIOS[scenario]
    rng = random.Random(seed)
    mids = mid_path(rng, orders, excursion)
    arrivals = list(range(orders))
    rng.shuffle(arrivals)
    out = bytearray()
    seq = 0
    for order_id in arrivals:
        for kind, side, ioc, qty, of_order, price in one_order(rng, order_id, mids[order_id]):
            out += _RECORD.pack(kind, side, ioc, 0, qty, seq, of_order, price, 0)
            seq += 1
    return _HEADER.pack(MAGIC, VERSION, seq) + bytes(out)
