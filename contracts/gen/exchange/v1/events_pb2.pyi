from contracts.gen.exchange.v1 import admin_pb2 as _admin_pb2
from contracts.gen.exchange.v1 import trading_pb2 as _trading_pb2
from contracts.gen.exchange.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TailRequest(_message.Message):
    __slots__ = ("from_index", "packed")
    FROM_INDEX_FIELD_NUMBER: _ClassVar[int]
    PACKED_FIELD_NUMBER: _ClassVar[int]
    from_index: int
    packed: bool
    def __init__(self, from_index: _Optional[int] = ..., packed: _Optional[bool] = ...) -> None: ...

class TailResponse(_message.Message):
    __slots__ = ("partition", "index", "epoch", "ts_ns", "packed_events", "metadata", "chain", "events")
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    PACKED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    partition: int
    index: int
    epoch: int
    ts_ns: int
    packed_events: bytes
    metadata: bytes
    chain: bytes
    events: _containers.RepeatedCompositeFieldContainer[EventEnvelope]
    def __init__(self, partition: _Optional[int] = ..., index: _Optional[int] = ..., epoch: _Optional[int] = ..., ts_ns: _Optional[int] = ..., packed_events: _Optional[bytes] = ..., metadata: _Optional[bytes] = ..., chain: _Optional[bytes] = ..., events: _Optional[_Iterable[_Union[EventEnvelope, _Mapping]]] = ...) -> None: ...

class EventEnvelope(_message.Message):
    __slots__ = ("event_id", "event_version", "symbol", "seq", "occurred_at", "correlation_id", "causation_id", "partition", "index", "epoch", "trace_id", "order_accepted", "order_rejected", "order_canceled", "order_amended", "cancel_rejected", "trade_executed", "book_delta", "symbol_mode_changed", "balance_changed", "engine_checkpoint", "account_opened", "asset_listed", "symbol_listed", "limits_changed", "candle_updated", "ticker_updated", "ledger_entry_appended", "version_changed", "order_terms_accepted", "order_triggered", "order_list_changed", "cancel_after_set", "group_changed", "auction_called", "auction_indicated", "auction_ended", "rules_changed", "desk_changed", "account_restricted", "reference_set", "market_protected", "fees_changed", "fees_applied", "transfer_changed")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSATION_ID_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ORDER_REJECTED_FIELD_NUMBER: _ClassVar[int]
    ORDER_CANCELED_FIELD_NUMBER: _ClassVar[int]
    ORDER_AMENDED_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REJECTED_FIELD_NUMBER: _ClassVar[int]
    TRADE_EXECUTED_FIELD_NUMBER: _ClassVar[int]
    BOOK_DELTA_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_MODE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    BALANCE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ENGINE_CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_OPENED_FIELD_NUMBER: _ClassVar[int]
    ASSET_LISTED_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_LISTED_FIELD_NUMBER: _ClassVar[int]
    LIMITS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    CANDLE_UPDATED_FIELD_NUMBER: _ClassVar[int]
    TICKER_UPDATED_FIELD_NUMBER: _ClassVar[int]
    LEDGER_ENTRY_APPENDED_FIELD_NUMBER: _ClassVar[int]
    VERSION_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ORDER_TERMS_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ORDER_TRIGGERED_FIELD_NUMBER: _ClassVar[int]
    ORDER_LIST_CHANGED_FIELD_NUMBER: _ClassVar[int]
    CANCEL_AFTER_SET_FIELD_NUMBER: _ClassVar[int]
    GROUP_CHANGED_FIELD_NUMBER: _ClassVar[int]
    AUCTION_CALLED_FIELD_NUMBER: _ClassVar[int]
    AUCTION_INDICATED_FIELD_NUMBER: _ClassVar[int]
    AUCTION_ENDED_FIELD_NUMBER: _ClassVar[int]
    RULES_CHANGED_FIELD_NUMBER: _ClassVar[int]
    DESK_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_RESTRICTED_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_SET_FIELD_NUMBER: _ClassVar[int]
    MARKET_PROTECTED_FIELD_NUMBER: _ClassVar[int]
    FEES_CHANGED_FIELD_NUMBER: _ClassVar[int]
    FEES_APPLIED_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_CHANGED_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    event_version: int
    symbol: str
    seq: int
    occurred_at: int
    correlation_id: str
    causation_id: str
    partition: int
    index: int
    epoch: int
    trace_id: str
    order_accepted: OrderAccepted
    order_rejected: OrderRejected
    order_canceled: OrderCanceled
    order_amended: OrderAmended
    cancel_rejected: CancelRejected
    trade_executed: TradeExecuted
    book_delta: BookDelta
    symbol_mode_changed: SymbolModeChanged
    balance_changed: BalanceChanged
    engine_checkpoint: EngineCheckpoint
    account_opened: AccountOpened
    asset_listed: AssetListed
    symbol_listed: SymbolListed
    limits_changed: LimitsChanged
    candle_updated: CandleUpdated
    ticker_updated: TickerUpdated
    ledger_entry_appended: LedgerEntryAppended
    version_changed: VersionChanged
    order_terms_accepted: OrderTermsAccepted
    order_triggered: OrderTriggered
    order_list_changed: OrderListChanged
    cancel_after_set: CancelAfterSet
    group_changed: GroupChanged
    auction_called: AuctionCalled
    auction_indicated: AuctionIndicated
    auction_ended: AuctionEnded
    rules_changed: RulesChanged
    desk_changed: DeskChanged
    account_restricted: AccountRestricted
    reference_set: ReferenceSet
    market_protected: MarketProtected
    fees_changed: FeesChanged
    fees_applied: FeesApplied
    transfer_changed: TransferChanged
    def __init__(self, event_id: _Optional[str] = ..., event_version: _Optional[int] = ..., symbol: _Optional[str] = ..., seq: _Optional[int] = ..., occurred_at: _Optional[int] = ..., correlation_id: _Optional[str] = ..., causation_id: _Optional[str] = ..., partition: _Optional[int] = ..., index: _Optional[int] = ..., epoch: _Optional[int] = ..., trace_id: _Optional[str] = ..., order_accepted: _Optional[_Union[OrderAccepted, _Mapping]] = ..., order_rejected: _Optional[_Union[OrderRejected, _Mapping]] = ..., order_canceled: _Optional[_Union[OrderCanceled, _Mapping]] = ..., order_amended: _Optional[_Union[OrderAmended, _Mapping]] = ..., cancel_rejected: _Optional[_Union[CancelRejected, _Mapping]] = ..., trade_executed: _Optional[_Union[TradeExecuted, _Mapping]] = ..., book_delta: _Optional[_Union[BookDelta, _Mapping]] = ..., symbol_mode_changed: _Optional[_Union[SymbolModeChanged, _Mapping]] = ..., balance_changed: _Optional[_Union[BalanceChanged, _Mapping]] = ..., engine_checkpoint: _Optional[_Union[EngineCheckpoint, _Mapping]] = ..., account_opened: _Optional[_Union[AccountOpened, _Mapping]] = ..., asset_listed: _Optional[_Union[AssetListed, _Mapping]] = ..., symbol_listed: _Optional[_Union[SymbolListed, _Mapping]] = ..., limits_changed: _Optional[_Union[LimitsChanged, _Mapping]] = ..., candle_updated: _Optional[_Union[CandleUpdated, _Mapping]] = ..., ticker_updated: _Optional[_Union[TickerUpdated, _Mapping]] = ..., ledger_entry_appended: _Optional[_Union[LedgerEntryAppended, _Mapping]] = ..., version_changed: _Optional[_Union[VersionChanged, _Mapping]] = ..., order_terms_accepted: _Optional[_Union[OrderTermsAccepted, _Mapping]] = ..., order_triggered: _Optional[_Union[OrderTriggered, _Mapping]] = ..., order_list_changed: _Optional[_Union[OrderListChanged, _Mapping]] = ..., cancel_after_set: _Optional[_Union[CancelAfterSet, _Mapping]] = ..., group_changed: _Optional[_Union[GroupChanged, _Mapping]] = ..., auction_called: _Optional[_Union[AuctionCalled, _Mapping]] = ..., auction_indicated: _Optional[_Union[AuctionIndicated, _Mapping]] = ..., auction_ended: _Optional[_Union[AuctionEnded, _Mapping]] = ..., rules_changed: _Optional[_Union[RulesChanged, _Mapping]] = ..., desk_changed: _Optional[_Union[DeskChanged, _Mapping]] = ..., account_restricted: _Optional[_Union[AccountRestricted, _Mapping]] = ..., reference_set: _Optional[_Union[ReferenceSet, _Mapping]] = ..., market_protected: _Optional[_Union[MarketProtected, _Mapping]] = ..., fees_changed: _Optional[_Union[FeesChanged, _Mapping]] = ..., fees_applied: _Optional[_Union[FeesApplied, _Mapping]] = ..., transfer_changed: _Optional[_Union[TransferChanged, _Mapping]] = ...) -> None: ...

class OrderAccepted(_message.Message):
    __slots__ = ("order_id", "user_id", "side", "type", "time_in_force", "price_ticks", "qty_lots", "quote_units", "hold_units", "client_order_hash")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_UNITS_FIELD_NUMBER: _ClassVar[int]
    HOLD_UNITS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_HASH_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    user_id: str
    side: _types_pb2.Side
    type: _types_pb2.OrderType
    time_in_force: _types_pb2.TimeInForce
    price_ticks: int
    qty_lots: int
    quote_units: int
    hold_units: int
    client_order_hash: bytes
    def __init__(self, order_id: _Optional[int] = ..., user_id: _Optional[str] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., type: _Optional[_Union[_types_pb2.OrderType, str]] = ..., time_in_force: _Optional[_Union[_types_pb2.TimeInForce, str]] = ..., price_ticks: _Optional[int] = ..., qty_lots: _Optional[int] = ..., quote_units: _Optional[int] = ..., hold_units: _Optional[int] = ..., client_order_hash: _Optional[bytes] = ...) -> None: ...

class OrderRejected(_message.Message):
    __slots__ = ("code", "user_id", "bound", "order_id", "client_order_hash")
    CODE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    BOUND_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_HASH_FIELD_NUMBER: _ClassVar[int]
    code: _types_pb2.RejectCode
    user_id: str
    bound: int
    order_id: int
    client_order_hash: bytes
    def __init__(self, code: _Optional[_Union[_types_pb2.RejectCode, str]] = ..., user_id: _Optional[str] = ..., bound: _Optional[int] = ..., order_id: _Optional[int] = ..., client_order_hash: _Optional[bytes] = ...) -> None: ...

class OrderCanceled(_message.Message):
    __slots__ = ("order_id", "user_id", "side", "reason", "price_ticks", "qty_lots", "released_units")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    RELEASED_UNITS_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    user_id: str
    side: _types_pb2.Side
    reason: _types_pb2.CancelReason
    price_ticks: int
    qty_lots: int
    released_units: int
    def __init__(self, order_id: _Optional[int] = ..., user_id: _Optional[str] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., reason: _Optional[_Union[_types_pb2.CancelReason, str]] = ..., price_ticks: _Optional[int] = ..., qty_lots: _Optional[int] = ..., released_units: _Optional[int] = ...) -> None: ...

class OrderAmended(_message.Message):
    __slots__ = ("order_id", "user_id", "side", "price_ticks", "qty_lots", "remaining_lots", "hold_delta_units", "kept_priority")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_LOTS_FIELD_NUMBER: _ClassVar[int]
    HOLD_DELTA_UNITS_FIELD_NUMBER: _ClassVar[int]
    KEPT_PRIORITY_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    user_id: str
    side: _types_pb2.Side
    price_ticks: int
    qty_lots: int
    remaining_lots: int
    hold_delta_units: int
    kept_priority: bool
    def __init__(self, order_id: _Optional[int] = ..., user_id: _Optional[str] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., price_ticks: _Optional[int] = ..., qty_lots: _Optional[int] = ..., remaining_lots: _Optional[int] = ..., hold_delta_units: _Optional[int] = ..., kept_priority: _Optional[bool] = ...) -> None: ...

class CancelRejected(_message.Message):
    __slots__ = ("code", "order_id", "user_id")
    CODE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    code: _types_pb2.RejectCode
    order_id: int
    user_id: str
    def __init__(self, code: _Optional[_Union[_types_pb2.RejectCode, str]] = ..., order_id: _Optional[int] = ..., user_id: _Optional[str] = ...) -> None: ...

class TradeExecuted(_message.Message):
    __slots__ = ("trade_id", "side", "price_ticks", "qty_lots", "maker_order_id", "taker_order_id", "maker_user_id", "taker_user_id", "quote_units", "maker_fee_units", "taker_fee_units", "maker_remaining_lots", "taker_remaining_lots", "taker_release_units")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    MAKER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TAKER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    MAKER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    TAKER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    QUOTE_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_UNITS_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAKER_REMAINING_LOTS_FIELD_NUMBER: _ClassVar[int]
    TAKER_REMAINING_LOTS_FIELD_NUMBER: _ClassVar[int]
    TAKER_RELEASE_UNITS_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    side: _types_pb2.Side
    price_ticks: int
    qty_lots: int
    maker_order_id: int
    taker_order_id: int
    maker_user_id: str
    taker_user_id: str
    quote_units: int
    maker_fee_units: int
    taker_fee_units: int
    maker_remaining_lots: int
    taker_remaining_lots: int
    taker_release_units: int
    def __init__(self, trade_id: _Optional[int] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., price_ticks: _Optional[int] = ..., qty_lots: _Optional[int] = ..., maker_order_id: _Optional[int] = ..., taker_order_id: _Optional[int] = ..., maker_user_id: _Optional[str] = ..., taker_user_id: _Optional[str] = ..., quote_units: _Optional[int] = ..., maker_fee_units: _Optional[int] = ..., taker_fee_units: _Optional[int] = ..., maker_remaining_lots: _Optional[int] = ..., taker_remaining_lots: _Optional[int] = ..., taker_release_units: _Optional[int] = ...) -> None: ...

class BookDelta(_message.Message):
    __slots__ = ("side", "price_ticks", "total_lots", "orders")
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LOTS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    side: _types_pb2.Side
    price_ticks: int
    total_lots: int
    orders: int
    def __init__(self, side: _Optional[_Union[_types_pb2.Side, str]] = ..., price_ticks: _Optional[int] = ..., total_lots: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class SymbolModeChanged(_message.Message):
    __slots__ = ("mode", "old_mode")
    MODE_FIELD_NUMBER: _ClassVar[int]
    OLD_MODE_FIELD_NUMBER: _ClassVar[int]
    mode: _types_pb2.SymbolMode
    old_mode: _types_pb2.SymbolMode
    def __init__(self, mode: _Optional[_Union[_types_pb2.SymbolMode, str]] = ..., old_mode: _Optional[_Union[_types_pb2.SymbolMode, str]] = ...) -> None: ...

class BalanceChanged(_message.Message):
    __slots__ = ("reason", "user_id", "asset_id", "delta_units", "available_units", "hold_units", "reference_hash")
    REASON_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DELTA_UNITS_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_UNITS_FIELD_NUMBER: _ClassVar[int]
    HOLD_UNITS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_HASH_FIELD_NUMBER: _ClassVar[int]
    reason: _types_pb2.BalanceReason
    user_id: str
    asset_id: int
    delta_units: int
    available_units: int
    hold_units: int
    reference_hash: bytes
    def __init__(self, reason: _Optional[_Union[_types_pb2.BalanceReason, str]] = ..., user_id: _Optional[str] = ..., asset_id: _Optional[int] = ..., delta_units: _Optional[int] = ..., available_units: _Optional[int] = ..., hold_units: _Optional[int] = ..., reference_hash: _Optional[bytes] = ...) -> None: ...

class EngineCheckpoint(_message.Message):
    __slots__ = ("index", "digest", "balances_digest")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BALANCES_DIGEST_FIELD_NUMBER: _ClassVar[int]
    index: int
    digest: bytes
    balances_digest: bytes
    def __init__(self, index: _Optional[int] = ..., digest: _Optional[bytes] = ..., balances_digest: _Optional[bytes] = ...) -> None: ...

class AccountOpened(_message.Message):
    __slots__ = ("user_id", "reference_hash")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_HASH_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    reference_hash: bytes
    def __init__(self, user_id: _Optional[str] = ..., reference_hash: _Optional[bytes] = ...) -> None: ...

class AssetListed(_message.Message):
    __slots__ = ("asset_id", "name", "scale")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    asset_id: int
    name: str
    scale: int
    def __init__(self, asset_id: _Optional[int] = ..., name: _Optional[str] = ..., scale: _Optional[int] = ...) -> None: ...

class SymbolListed(_message.Message):
    __slots__ = ("symbol_id", "name", "base_asset_id", "quote_asset_id", "tick_units", "lot_units", "tick_value", "min_price_ticks", "max_price_ticks", "max_qty_lots", "min_notional_units", "max_notional_units", "maker_ppm", "taker_ppm")
    SYMBOL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    QUOTE_ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    TICK_UNITS_FIELD_NUMBER: _ClassVar[int]
    LOT_UNITS_FIELD_NUMBER: _ClassVar[int]
    TICK_VALUE_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    MAX_QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    MIN_NOTIONAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAX_NOTIONAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAKER_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_PPM_FIELD_NUMBER: _ClassVar[int]
    symbol_id: int
    name: str
    base_asset_id: int
    quote_asset_id: int
    tick_units: int
    lot_units: int
    tick_value: int
    min_price_ticks: int
    max_price_ticks: int
    max_qty_lots: int
    min_notional_units: int
    max_notional_units: int
    maker_ppm: int
    taker_ppm: int
    def __init__(self, symbol_id: _Optional[int] = ..., name: _Optional[str] = ..., base_asset_id: _Optional[int] = ..., quote_asset_id: _Optional[int] = ..., tick_units: _Optional[int] = ..., lot_units: _Optional[int] = ..., tick_value: _Optional[int] = ..., min_price_ticks: _Optional[int] = ..., max_price_ticks: _Optional[int] = ..., max_qty_lots: _Optional[int] = ..., min_notional_units: _Optional[int] = ..., max_notional_units: _Optional[int] = ..., maker_ppm: _Optional[int] = ..., taker_ppm: _Optional[int] = ...) -> None: ...

class LimitsChanged(_message.Message):
    __slots__ = ("open_orders", "dedup_window_ns", "dedup_rows")
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    DEDUP_WINDOW_NS_FIELD_NUMBER: _ClassVar[int]
    DEDUP_ROWS_FIELD_NUMBER: _ClassVar[int]
    open_orders: int
    dedup_window_ns: int
    dedup_rows: int
    def __init__(self, open_orders: _Optional[int] = ..., dedup_window_ns: _Optional[int] = ..., dedup_rows: _Optional[int] = ...) -> None: ...

class OrderTermsAccepted(_message.Message):
    __slots__ = ("order_id", "user_id", "terms", "list_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    LIST_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    user_id: str
    terms: _trading_pb2.OrderTerms
    list_id: int
    def __init__(self, order_id: _Optional[int] = ..., user_id: _Optional[str] = ..., terms: _Optional[_Union[_trading_pb2.OrderTerms, _Mapping]] = ..., list_id: _Optional[int] = ...) -> None: ...

class OrderTriggered(_message.Message):
    __slots__ = ("order_id", "user_id", "side", "code", "last_price_ticks", "hold_delta_units", "qty_lots", "waits")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    LAST_PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    HOLD_DELTA_UNITS_FIELD_NUMBER: _ClassVar[int]
    QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    WAITS_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    user_id: str
    side: _types_pb2.Side
    code: _types_pb2.RejectCode
    last_price_ticks: int
    hold_delta_units: int
    qty_lots: int
    waits: bool
    def __init__(self, order_id: _Optional[int] = ..., user_id: _Optional[str] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., code: _Optional[_Union[_types_pb2.RejectCode, str]] = ..., last_price_ticks: _Optional[int] = ..., hold_delta_units: _Optional[int] = ..., qty_lots: _Optional[int] = ..., waits: _Optional[bool] = ...) -> None: ...

class OrderListChanged(_message.Message):
    __slots__ = ("list_id", "user_id", "kind", "state", "order_ids", "client_list_hash")
    LIST_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_LIST_HASH_FIELD_NUMBER: _ClassVar[int]
    list_id: int
    user_id: str
    kind: _types_pb2.ListKind
    state: _types_pb2.ListState
    order_ids: _containers.RepeatedScalarFieldContainer[int]
    client_list_hash: bytes
    def __init__(self, list_id: _Optional[int] = ..., user_id: _Optional[str] = ..., kind: _Optional[_Union[_types_pb2.ListKind, str]] = ..., state: _Optional[_Union[_types_pb2.ListState, str]] = ..., order_ids: _Optional[_Iterable[int]] = ..., client_list_hash: _Optional[bytes] = ...) -> None: ...

class CancelAfterSet(_message.Message):
    __slots__ = ("user_id", "deadline_ns")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_NS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    deadline_ns: int
    def __init__(self, user_id: _Optional[str] = ..., deadline_ns: _Optional[int] = ...) -> None: ...

class GroupChanged(_message.Message):
    __slots__ = ("user_id", "group", "old_group")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    OLD_GROUP_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    group: int
    old_group: int
    def __init__(self, user_id: _Optional[str] = ..., group: _Optional[int] = ..., old_group: _Optional[int] = ...) -> None: ...

class AuctionCalled(_message.Message):
    __slots__ = ("until_ns",)
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    until_ns: int
    def __init__(self, until_ns: _Optional[int] = ...) -> None: ...

class AuctionIndicated(_message.Message):
    __slots__ = ("price_ticks", "volume_lots", "surplus_lots")
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    SURPLUS_LOTS_FIELD_NUMBER: _ClassVar[int]
    price_ticks: int
    volume_lots: int
    surplus_lots: int
    def __init__(self, price_ticks: _Optional[int] = ..., volume_lots: _Optional[int] = ..., surplus_lots: _Optional[int] = ...) -> None: ...

class AuctionEnded(_message.Message):
    __slots__ = ("price_ticks", "volume_lots")
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    price_ticks: int
    volume_lots: int
    def __init__(self, price_ticks: _Optional[int] = ..., volume_lots: _Optional[int] = ...) -> None: ...

class RulesChanged(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _admin_pb2.MarketRules
    def __init__(self, rules: _Optional[_Union[_admin_pb2.MarketRules, _Mapping]] = ...) -> None: ...

class DeskChanged(_message.Message):
    __slots__ = ("user_id", "limits", "killed")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    KILLED_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    limits: _admin_pb2.AccountLimits
    killed: bool
    def __init__(self, user_id: _Optional[str] = ..., limits: _Optional[_Union[_admin_pb2.AccountLimits, _Mapping]] = ..., killed: _Optional[bool] = ...) -> None: ...

class AccountRestricted(_message.Message):
    __slots__ = ("user_id", "state", "withdrawals_halted")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWALS_HALTED_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    state: _admin_pb2.AccountState
    withdrawals_halted: bool
    def __init__(self, user_id: _Optional[str] = ..., state: _Optional[_Union[_admin_pb2.AccountState, str]] = ..., withdrawals_halted: _Optional[bool] = ...) -> None: ...

class ReferenceSet(_message.Message):
    __slots__ = ("price_ticks",)
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    price_ticks: int
    def __init__(self, price_ticks: _Optional[int] = ...) -> None: ...

class MarketProtected(_message.Message):
    __slots__ = ("tripped_by", "action", "price_ticks", "begin_ticks")
    TRIPPED_BY_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    BEGIN_TICKS_FIELD_NUMBER: _ClassVar[int]
    tripped_by: int
    action: _types_pb2.SymbolMode
    price_ticks: int
    begin_ticks: int
    def __init__(self, tripped_by: _Optional[int] = ..., action: _Optional[_Union[_types_pb2.SymbolMode, str]] = ..., price_ticks: _Optional[int] = ..., begin_ticks: _Optional[int] = ...) -> None: ...

class VersionChanged(_message.Message):
    __slots__ = ("version", "old_version")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    version: int
    old_version: int
    def __init__(self, version: _Optional[int] = ..., old_version: _Optional[int] = ...) -> None: ...

class CandleUpdated(_message.Message):
    __slots__ = ("interval_s", "open_time_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots", "quote_volume_units", "trades", "final")
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_NS_FIELD_NUMBER: _ClassVar[int]
    OPEN_TICKS_FIELD_NUMBER: _ClassVar[int]
    HIGH_TICKS_FIELD_NUMBER: _ClassVar[int]
    LOW_TICKS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TICKS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_VOLUME_UNITS_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    interval_s: int
    open_time_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    quote_volume_units: int
    trades: int
    final: bool
    def __init__(self, interval_s: _Optional[int] = ..., open_time_ns: _Optional[int] = ..., open_ticks: _Optional[int] = ..., high_ticks: _Optional[int] = ..., low_ticks: _Optional[int] = ..., close_ticks: _Optional[int] = ..., volume_lots: _Optional[int] = ..., quote_volume_units: _Optional[int] = ..., trades: _Optional[int] = ..., final: _Optional[bool] = ...) -> None: ...

class TickerUpdated(_message.Message):
    __slots__ = ("open_ticks", "high_ticks", "low_ticks", "last_ticks", "volume_lots", "quote_volume_units", "best_bid_ticks", "best_ask_ticks")
    OPEN_TICKS_FIELD_NUMBER: _ClassVar[int]
    HIGH_TICKS_FIELD_NUMBER: _ClassVar[int]
    LOW_TICKS_FIELD_NUMBER: _ClassVar[int]
    LAST_TICKS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_VOLUME_UNITS_FIELD_NUMBER: _ClassVar[int]
    BEST_BID_TICKS_FIELD_NUMBER: _ClassVar[int]
    BEST_ASK_TICKS_FIELD_NUMBER: _ClassVar[int]
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    volume_lots: int
    quote_volume_units: int
    best_bid_ticks: int
    best_ask_ticks: int
    def __init__(self, open_ticks: _Optional[int] = ..., high_ticks: _Optional[int] = ..., low_ticks: _Optional[int] = ..., last_ticks: _Optional[int] = ..., volume_lots: _Optional[int] = ..., quote_volume_units: _Optional[int] = ..., best_bid_ticks: _Optional[int] = ..., best_ask_ticks: _Optional[int] = ...) -> None: ...

class LedgerEntryAppended(_message.Message):
    __slots__ = ("entry_id", "source_event_id", "postings")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    POSTINGS_FIELD_NUMBER: _ClassVar[int]
    entry_id: int
    source_event_id: str
    postings: _containers.RepeatedCompositeFieldContainer[Posting]
    def __init__(self, entry_id: _Optional[int] = ..., source_event_id: _Optional[str] = ..., postings: _Optional[_Iterable[_Union[Posting, _Mapping]]] = ...) -> None: ...

class Posting(_message.Message):
    __slots__ = ("ledger_account", "asset_id", "amount_units")
    LEDGER_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_UNITS_FIELD_NUMBER: _ClassVar[int]
    ledger_account: str
    asset_id: int
    amount_units: int
    def __init__(self, ledger_account: _Optional[str] = ..., asset_id: _Optional[int] = ..., amount_units: _Optional[int] = ...) -> None: ...

class FeesChanged(_message.Message):
    __slots__ = ("user_id", "version", "tiers")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    version: int
    tiers: _containers.RepeatedCompositeFieldContainer[_admin_pb2.FeeTier]
    def __init__(self, user_id: _Optional[str] = ..., version: _Optional[int] = ..., tiers: _Optional[_Iterable[_Union[_admin_pb2.FeeTier, _Mapping]]] = ...) -> None: ...

class FeesApplied(_message.Message):
    __slots__ = ("trade_id", "maker_version", "maker_ppm", "taker_version", "taker_ppm")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    MAKER_VERSION_FIELD_NUMBER: _ClassVar[int]
    MAKER_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_VERSION_FIELD_NUMBER: _ClassVar[int]
    TAKER_PPM_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    maker_version: int
    maker_ppm: int
    taker_version: int
    taker_ppm: int
    def __init__(self, trade_id: _Optional[int] = ..., maker_version: _Optional[int] = ..., maker_ppm: _Optional[int] = ..., taker_version: _Optional[int] = ..., taker_ppm: _Optional[int] = ...) -> None: ...

class TransferChanged(_message.Message):
    __slots__ = ("transfer_id", "state", "user_id", "asset_id", "amount_units", "available_units", "hold_units", "partner", "partner_user_id", "deadline_ns", "proof")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_UNITS_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_UNITS_FIELD_NUMBER: _ClassVar[int]
    HOLD_UNITS_FIELD_NUMBER: _ClassVar[int]
    PARTNER_FIELD_NUMBER: _ClassVar[int]
    PARTNER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_NS_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    transfer_id: bytes
    state: _types_pb2.TransferState
    user_id: str
    asset_id: int
    amount_units: int
    available_units: int
    hold_units: int
    partner: int
    partner_user_id: str
    deadline_ns: int
    proof: int
    def __init__(self, transfer_id: _Optional[bytes] = ..., state: _Optional[_Union[_types_pb2.TransferState, str]] = ..., user_id: _Optional[str] = ..., asset_id: _Optional[int] = ..., amount_units: _Optional[int] = ..., available_units: _Optional[int] = ..., hold_units: _Optional[int] = ..., partner: _Optional[int] = ..., partner_user_id: _Optional[str] = ..., deadline_ns: _Optional[int] = ..., proof: _Optional[int] = ...) -> None: ...
