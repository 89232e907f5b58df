"""Events as typed structs, one for each kind; their layout in words is in `core.events`.

Why it exists: whoever consumes events one by one reads fields by name. It knows no layout.
"""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What every event has: the symbol id, its sequence number, the command that caused it."""

    symbol: int
    seq: int
    cause: int


class OrderAccepted(Event, frozen=True, kw_only=True, tag=True):
    side: int
    order_type: int
    time_in_force: int
    order_id: int
    account: int
    price: int
    qty: int
    quote_qty: int
    hold: int
    client_hi: int
    client_lo: int


class OrderRejected(Event, frozen=True, kw_only=True, tag=True):
    """`order_id` is 0 for a new order, or names the order whose amend was refused."""

    code: int
    account: int
    bound: int
    order_id: int
    client_hi: int
    client_lo: int


class OrderCanceled(Event, frozen=True, kw_only=True, tag=True):
    side: int
    reason: int
    order_id: int
    account: int
    qty: int
    released: int
    price: int


class CancelRejected(Event, frozen=True, kw_only=True, tag=True):
    code: int
    order_id: int
    account: int


class OrderAmended(Event, frozen=True, kw_only=True, tag=True):
    side: int
    order_id: int
    account: int
    price: int
    qty: int
    remaining: int
    hold_delta: int
    kept_priority: int


class TradeExecuted(Event, frozen=True, kw_only=True, tag=True):
    """`side` is the taker's. `trade_id` is gapless per symbol."""

    side: int
    trade_id: int
    price: int
    qty: int
    maker_order: int
    taker_order: int
    maker_account: int
    taker_account: int
    quote_units: int
    maker_fee: int
    taker_fee: int
    maker_remaining: int
    taker_remaining: int
    taker_release: int


class BookDelta(Event, frozen=True, kw_only=True, tag=True):
    """A price level as it stands after the command: absolute lots and orders, 0 = gone."""

    side: int
    price: int
    total: int
    orders: int


class SymbolModeChanged(Event, frozen=True, kw_only=True, tag=True):
    mode: int
    old_mode: int


class BalanceChanged(Event, frozen=True, kw_only=True, tag=True):
    reason: int
    account: int
    asset: int
    delta: int
    available: int
    hold: int
    ref_hi: int
    ref_lo: int


class EngineCheckpoint(Event, frozen=True, kw_only=True, tag=True):
    """Digests of the state before this command, at log index `index`."""

    index: int
    digest: bytes
    balances_digest: bytes


class AccountOpened(Event, frozen=True, kw_only=True, tag=True):
    account: int
    ref_hi: int
    ref_lo: int


class AssetListed(Event, frozen=True, kw_only=True, tag=True):
    asset: int
    name: str
    scale: int


class SymbolListed(Event, frozen=True, kw_only=True, tag=True):
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


class LimitsChanged(Event, frozen=True, kw_only=True, tag=True):
    open_orders: int
    dedup_window_ns: int
    dedup_rows: int


class VersionChanged(Event, frozen=True, kw_only=True, tag=True):
    version: int
    old_version: int


class OrderTermsAccepted(Event, frozen=True, kw_only=True, tag=True):
    """Stands behind the `OrderAccepted` of an order that has further terms; moves no money.

    `expire_ns` 0: never. `list_id` 0: of no list.
    """

    order_id: int
    account: int
    trigger: int
    trail: int
    display: int
    min_qty: int
    expire_ns: int
    peg_offset: int
    stp: int
    by_group: int
    flags: int
    list_id: int


class OrderTriggered(Event, frozen=True, kw_only=True, tag=True):
    """A parked order becomes active: its trigger was passed, or its list came to it.

    `price` is the last trade's, `qty` the lots that it is for now (0 if that is still open),
    `area` 0 if it enters the market, else where it waits for its trigger now. With a `code` it
    cannot become active, and its `OrderCanceled` follows.
    """

    side: int
    code: int
    order_id: int
    account: int
    price: int
    hold_delta: int
    qty: int
    area: int


class OrderListChanged(Event, frozen=True, kw_only=True, tag=True):
    list_kind: int
    list_state: int
    list_id: int
    account: int
    first: int
    second: int
    third: int
    client_hi: int
    client_lo: int


class CancelAfterSet(Event, frozen=True, kw_only=True, tag=True):
    """`deadline_ns` 0: called off, or over."""

    account: int
    deadline_ns: int


class GroupChanged(Event, frozen=True, kw_only=True, tag=True):
    account: int
    group: int
    old_group: int


class AuctionCalled(Event, frozen=True, kw_only=True, tag=True):
    """The call begins; it ends by itself at `until_ns`, 0 = when somebody ends it."""

    until_ns: int


class AuctionIndicated(Event, frozen=True, kw_only=True, tag=True):
    """What would trade if the call ended now. `surplus`: lots more to buy; negative: to sell."""

    price: int
    volume: int
    surplus: int


class AuctionEnded(Event, frozen=True, kw_only=True, tag=True):
    """The trades before it made up the auction; zeros if there were none."""

    price: int
    volume: int


class RulesChanged(Event, frozen=True, kw_only=True, tag=True):
    """All rules of a market, as `core.rules` explains them; 0 is none."""

    buy_up_bps: int
    buy_down_bps: int
    sell_up_bps: int
    sell_down_bps: int
    static_bps: int
    dynamic_bps: int
    stopped_orders: int
    move_bps: int
    window_ns: int
    action: int
    call_ns: int
    tick_step: int
    lot_step: int
    min_qty: int
    max_position: int
    open_orders: int
    parked_orders: int
    rate: int
    burst: int
    daily_notional: int


class DeskChanged(Event, frozen=True, kw_only=True, tag=True):
    """An account's own limits in a market: 0 is the market's, -1 is none."""

    account: int
    max_position: int
    open_orders: int
    parked_orders: int
    rate: int
    burst: int
    daily_notional: int
    killed: int


class AccountRestricted(Event, frozen=True, kw_only=True, tag=True):
    """Account 0: whether anybody may withdraw."""

    account: int
    state: int
    withdrawals_halted: int


class ReferenceSet(Event, frozen=True, kw_only=True, tag=True):
    price: int


class MarketProtected(Event, frozen=True, kw_only=True, tag=True):
    """The breaker tripped: the market goes into the mode `action`. `begin`: the window's price."""

    tripped_by: int
    action: int
    price: int
    begin: int


class FeesChanged(Event, frozen=True, kw_only=True, tag=True):
    """The `version`-th change of schedules. `tiers`: volume, maker's and taker's ppm of each."""

    account: int
    version: int
    tiers: tuple[tuple[int, int, int], ...]


class FeesApplied(Event, frozen=True, kw_only=True, tag=True):
    """By which schedules the trade before it was charged; version 0 is the symbol's listing."""

    trade_id: int
    maker_version: int
    maker_ppm: int
    taker_version: int
    taker_ppm: int


class TransferChanged(Event, frozen=True, kw_only=True, tag=True):
    """A step of a transfer between partitions; `transfer_state` says which, and what it moves.

    RESERVED moves `amount` from available to hold, REFUNDED back; CONFIRMED takes it out of the
    hold and of this partition, CREDITED brings it into available; OVERDUE and VOIDED move
    nothing. `available` and `hold` stand after it. `their_account` is the one in the partition
    `partner`. `proof`: of an end, the number of the target's event that it goes by.
    """

    transfer_state: int
    transfer_hi: int
    transfer_lo: int
    account: int
    asset: int
    amount: int
    available: int
    hold: int
    partner: int
    their_account: int
    deadline_ns: int
    proof: int


AnyEvent = (
    OrderAccepted | OrderRejected | OrderCanceled | CancelRejected | OrderAmended | TradeExecuted
    | BookDelta | SymbolModeChanged | BalanceChanged | EngineCheckpoint | AccountOpened
    | AssetListed | SymbolListed | LimitsChanged | VersionChanged | OrderTermsAccepted
    | OrderTriggered | OrderListChanged | CancelAfterSet | GroupChanged
    | AuctionCalled | AuctionIndicated | AuctionEnded | RulesChanged | DeskChanged
    | AccountRestricted | ReferenceSet | MarketProtected | FeesChanged | FeesApplied
    | TransferChanged
)  # fmt: skip
