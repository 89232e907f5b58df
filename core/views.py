"""What a reader may ask of the committed state, in plain immutable structs.

Why it exists: nobody outside the core may know rows, slots or words. Prices are in ticks,
quantities in lots, amounts in the asset's units, as everywhere inside.
"""

import msgspec

Level = tuple[int, int, int]
"""Price, lots, orders."""


class OrderTermsView(msgspec.Struct, frozen=True):
    """`area`: 0 in the book, 1 waits for a trigger, 2 for one that trails, 3 for its list.

    `hidden` lots of `remaining` do not show; `held` units while it is not in the book.
    """

    order_type: int
    area: int
    trigger: int
    hidden: int
    expire_ns: int
    list_id: int
    held: int


class OrderView(msgspec.Struct, frozen=True):
    """`remaining` lots, what does not show included; 0 of a parked order by quote amount."""

    order_id: int
    account: int
    symbol: int
    side: int
    price: int
    remaining: int
    filled: int
    time_in_force: int
    client_hi: int
    client_lo: int
    terms: OrderTermsView


class BalanceView(msgspec.Struct, frozen=True):
    account: int
    asset: int
    available: int
    hold: int


class TransferView(msgspec.Struct, frozen=True):
    """One side of a transfer; `state` says which (`TRANSFER_STATE_NAMES`), and how far it is.

    `seq`: of the event of its first step here. `proof`: of the target's event that it ended by,
    0 while it has not. One that was voided before it was credited has no account and no amount.
    """

    transfer_hi: int
    transfer_lo: int
    state: int
    account: int
    asset: int
    amount: int
    partner: int
    their_account: int
    deadline_ns: int
    seq: int
    proof: int


class BookView(msgspec.Struct, frozen=True):
    """Best level first on both sides; `seq` is the symbol's last sequence number."""

    symbol: int
    seq: int
    bids: list[Level]
    asks: list[Level]


class AssetView(msgspec.Struct, frozen=True):
    id: int
    name: str
    scale: int
    supply: int


class SymbolView(msgspec.Struct, frozen=True):
    id: int
    name: str
    base: int
    quote: int
    tick_units: int
    lot_units: int
    tick_value: int
    min_price: int
    max_price: int
    max_qty: int
    min_notional: int
    max_notional: int
    maker_ppm: int
    taker_ppm: int
    mode: int
    seq: int
    trades: int
