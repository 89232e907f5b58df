"""What a recorded flow asks of an exchange, whichever format it was recorded in.

Why it exists: the readers of the formats and the senders (gRPC, REST) meet here. An order is
named by a `tag`, the flow's own number for it; the exchange's id is the sender's affair. It must
not know files, prices in units, or the wire.
"""

import msgspec

BID = 1
ASK = -1
"""A side as LOBSTER writes it; the sign also orders prices: `side * price` is bigger = better."""


class Place(msgspec.Struct, frozen=True):
    tag: int
    side: int
    price: int  # ticks
    lots: int
    ioc: bool = False


class Cancel(msgspec.Struct, frozen=True):
    tag: int


class Amend(msgspec.Struct, frozen=True):
    """A new price, and how many lots shall be open from now on."""

    tag: int
    price: int
    lots: int


Action = Place | Cancel | Amend
