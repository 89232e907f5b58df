from contracts.gen.exchange.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlaceOrder(_message.Message):
    __slots__ = ("side", "type", "time_in_force", "price_ticks", "qty_lots", "quote_units", "client_order_id", "terms")
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_UNITS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    side: _types_pb2.Side
    type: _types_pb2.OrderType
    time_in_force: _types_pb2.TimeInForce
    price_ticks: int
    qty_lots: int
    quote_units: int
    client_order_id: str
    terms: OrderTerms
    def __init__(self, side: _Optional[_Union[_types_pb2.Side, str]] = ..., type: _Optional[_Union[_types_pb2.OrderType, str]] = ..., time_in_force: _Optional[_Union[_types_pb2.TimeInForce, str]] = ..., price_ticks: _Optional[int] = ..., qty_lots: _Optional[int] = ..., quote_units: _Optional[int] = ..., client_order_id: _Optional[str] = ..., terms: _Optional[_Union[OrderTerms, _Mapping]] = ...) -> None: ...

class OrderTerms(_message.Message):
    __slots__ = ("trigger_ticks", "trail", "trail_is_bps", "display_lots", "min_lots", "expire_ns", "peg_offset_ticks", "peg_to_other_side", "slide", "self_trade", "self_trade_by_group")
    TRIGGER_TICKS_FIELD_NUMBER: _ClassVar[int]
    TRAIL_FIELD_NUMBER: _ClassVar[int]
    TRAIL_IS_BPS_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_LOTS_FIELD_NUMBER: _ClassVar[int]
    MIN_LOTS_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_NS_FIELD_NUMBER: _ClassVar[int]
    PEG_OFFSET_TICKS_FIELD_NUMBER: _ClassVar[int]
    PEG_TO_OTHER_SIDE_FIELD_NUMBER: _ClassVar[int]
    SLIDE_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_BY_GROUP_FIELD_NUMBER: _ClassVar[int]
    trigger_ticks: int
    trail: int
    trail_is_bps: bool
    display_lots: int
    min_lots: int
    expire_ns: int
    peg_offset_ticks: int
    peg_to_other_side: bool
    slide: bool
    self_trade: _types_pb2.SelfTrade
    self_trade_by_group: bool
    def __init__(self, trigger_ticks: _Optional[int] = ..., trail: _Optional[int] = ..., trail_is_bps: _Optional[bool] = ..., display_lots: _Optional[int] = ..., min_lots: _Optional[int] = ..., expire_ns: _Optional[int] = ..., peg_offset_ticks: _Optional[int] = ..., peg_to_other_side: _Optional[bool] = ..., slide: _Optional[bool] = ..., self_trade: _Optional[_Union[_types_pb2.SelfTrade, str]] = ..., self_trade_by_group: _Optional[bool] = ...) -> None: ...

class CancelOrder(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    def __init__(self, order_id: _Optional[int] = ...) -> None: ...

class AmendOrder(_message.Message):
    __slots__ = ("order_id", "price_ticks", "qty_lots", "trigger_ticks")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TICKS_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    price_ticks: int
    qty_lots: int
    trigger_ticks: int
    def __init__(self, order_id: _Optional[int] = ..., price_ticks: _Optional[int] = ..., qty_lots: _Optional[int] = ..., trigger_ticks: _Optional[int] = ...) -> None: ...

class CancelAll(_message.Message):
    __slots__ = ("buys", "sells", "resting", "parked", "low_ticks", "high_ticks")
    BUYS_FIELD_NUMBER: _ClassVar[int]
    SELLS_FIELD_NUMBER: _ClassVar[int]
    RESTING_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    LOW_TICKS_FIELD_NUMBER: _ClassVar[int]
    HIGH_TICKS_FIELD_NUMBER: _ClassVar[int]
    buys: bool
    sells: bool
    resting: bool
    parked: bool
    low_ticks: int
    high_ticks: int
    def __init__(self, buys: _Optional[bool] = ..., sells: _Optional[bool] = ..., resting: _Optional[bool] = ..., parked: _Optional[bool] = ..., low_ticks: _Optional[int] = ..., high_ticks: _Optional[int] = ...) -> None: ...

class PlaceOrderList(_message.Message):
    __slots__ = ("kind", "legs", "client_list_id")
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    kind: _types_pb2.ListKind
    legs: _containers.RepeatedCompositeFieldContainer[PlaceOrder]
    client_list_id: str
    def __init__(self, kind: _Optional[_Union[_types_pb2.ListKind, str]] = ..., legs: _Optional[_Iterable[_Union[PlaceOrder, _Mapping]]] = ..., client_list_id: _Optional[str] = ...) -> None: ...

class CancelAfter(_message.Message):
    __slots__ = ("after_ns",)
    AFTER_NS_FIELD_NUMBER: _ClassVar[int]
    after_ns: int
    def __init__(self, after_ns: _Optional[int] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("metadata", "place_order", "cancel_order", "amend_order", "cancel_all", "place_list", "cancel_after")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PLACE_ORDER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ORDER_FIELD_NUMBER: _ClassVar[int]
    AMEND_ORDER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ALL_FIELD_NUMBER: _ClassVar[int]
    PLACE_LIST_FIELD_NUMBER: _ClassVar[int]
    CANCEL_AFTER_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    place_order: PlaceOrder
    cancel_order: CancelOrder
    amend_order: AmendOrder
    cancel_all: CancelAll
    place_list: PlaceOrderList
    cancel_after: CancelAfter
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., place_order: _Optional[_Union[PlaceOrder, _Mapping]] = ..., cancel_order: _Optional[_Union[CancelOrder, _Mapping]] = ..., amend_order: _Optional[_Union[AmendOrder, _Mapping]] = ..., cancel_all: _Optional[_Union[CancelAll, _Mapping]] = ..., place_list: _Optional[_Union[PlaceOrderList, _Mapping]] = ..., cancel_after: _Optional[_Union[CancelAfter, _Mapping]] = ...) -> None: ...

class PlaceOrderRequest(_message.Message):
    __slots__ = ("metadata", "order")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    order: PlaceOrder
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., order: _Optional[_Union[PlaceOrder, _Mapping]] = ...) -> None: ...

class PlaceOrderResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("metadata", "cancel")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    cancel: CancelOrder
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., cancel: _Optional[_Union[CancelOrder, _Mapping]] = ...) -> None: ...

class CancelOrderResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class AmendOrderRequest(_message.Message):
    __slots__ = ("metadata", "amend")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AMEND_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    amend: AmendOrder
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., amend: _Optional[_Union[AmendOrder, _Mapping]] = ...) -> None: ...

class AmendOrderResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class CancelAllRequest(_message.Message):
    __slots__ = ("metadata", "audit", "which")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    WHICH_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    which: CancelAll
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., which: _Optional[_Union[CancelAll, _Mapping]] = ...) -> None: ...

class CancelAllResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class PlaceOrderListRequest(_message.Message):
    __slots__ = ("metadata", "list")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    list: PlaceOrderList
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., list: _Optional[_Union[PlaceOrderList, _Mapping]] = ...) -> None: ...

class PlaceOrderListResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class CancelAfterRequest(_message.Message):
    __slots__ = ("metadata", "cancel_after")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CANCEL_AFTER_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    cancel_after: CancelAfter
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., cancel_after: _Optional[_Union[CancelAfter, _Mapping]] = ...) -> None: ...

class CancelAfterResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class SetSymbolModeRequest(_message.Message):
    __slots__ = ("metadata", "mode", "audit", "until_ns")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    mode: _types_pb2.SymbolMode
    audit: _types_pb2.AuditNote
    until_ns: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., mode: _Optional[_Union[_types_pb2.SymbolMode, str]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., until_ns: _Optional[int] = ...) -> None: ...

class SetSymbolModeResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class SubmitRequest(_message.Message):
    __slots__ = ("batch_id", "packed", "commands", "metadata")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    PACKED_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    batch_id: int
    packed: bytes
    commands: _containers.RepeatedCompositeFieldContainer[Command]
    metadata: bytes
    def __init__(self, batch_id: _Optional[int] = ..., packed: _Optional[bytes] = ..., commands: _Optional[_Iterable[_Union[Command, _Mapping]]] = ..., metadata: _Optional[bytes] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("batch_id", "index", "term", "ts_ns", "packed_replies", "replies", "code", "error", "leader_hint", "outcome_unknown")
    BATCH_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    PACKED_REPLIES_FIELD_NUMBER: _ClassVar[int]
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    batch_id: int
    index: int
    term: int
    ts_ns: int
    packed_replies: bytes
    replies: _containers.RepeatedCompositeFieldContainer[_types_pb2.Reply]
    code: _types_pb2.RejectCode
    error: str
    leader_hint: str
    outcome_unknown: bool
    def __init__(self, batch_id: _Optional[int] = ..., index: _Optional[int] = ..., term: _Optional[int] = ..., ts_ns: _Optional[int] = ..., packed_replies: _Optional[bytes] = ..., replies: _Optional[_Iterable[_Union[_types_pb2.Reply, _Mapping]]] = ..., code: _Optional[_Union[_types_pb2.RejectCode, str]] = ..., error: _Optional[str] = ..., leader_hint: _Optional[str] = ..., outcome_unknown: _Optional[bool] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("order_id", "user_id", "symbol", "side", "time_in_force", "price_ticks", "remaining_lots", "filled_lots", "client_order_hash", "symbol_id", "type", "resting", "trigger_ticks", "hidden_lots", "expire_ns", "list_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_LOTS_FIELD_NUMBER: _ClassVar[int]
    FILLED_LOTS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_HASH_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    RESTING_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TICKS_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_LOTS_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_NS_FIELD_NUMBER: _ClassVar[int]
    LIST_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    user_id: str
    symbol: str
    side: _types_pb2.Side
    time_in_force: _types_pb2.TimeInForce
    price_ticks: int
    remaining_lots: int
    filled_lots: int
    client_order_hash: bytes
    symbol_id: int
    type: _types_pb2.OrderType
    resting: bool
    trigger_ticks: int
    hidden_lots: int
    expire_ns: int
    list_id: int
    def __init__(self, order_id: _Optional[int] = ..., user_id: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., time_in_force: _Optional[_Union[_types_pb2.TimeInForce, str]] = ..., price_ticks: _Optional[int] = ..., remaining_lots: _Optional[int] = ..., filled_lots: _Optional[int] = ..., client_order_hash: _Optional[bytes] = ..., symbol_id: _Optional[int] = ..., type: _Optional[_Union[_types_pb2.OrderType, str]] = ..., resting: _Optional[bool] = ..., trigger_ticks: _Optional[int] = ..., hidden_lots: _Optional[int] = ..., expire_ns: _Optional[int] = ..., list_id: _Optional[int] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("order_id",)
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    def __init__(self, order_id: _Optional[int] = ...) -> None: ...

class GetOrderResponse(_message.Message):
    __slots__ = ("order", "index")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    order: Order
    index: int
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ..., index: _Optional[int] = ...) -> None: ...

class ListOpenOrdersRequest(_message.Message):
    __slots__ = ("user_id", "symbol")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    symbol: str
    def __init__(self, user_id: _Optional[str] = ..., symbol: _Optional[str] = ...) -> None: ...

class ListOpenOrdersResponse(_message.Message):
    __slots__ = ("orders", "index")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    index: int
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., index: _Optional[int] = ...) -> None: ...

class Balance(_message.Message):
    __slots__ = ("user_id", "asset", "available_units", "hold_units", "asset_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_UNITS_FIELD_NUMBER: _ClassVar[int]
    HOLD_UNITS_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    asset: str
    available_units: int
    hold_units: int
    asset_id: int
    def __init__(self, user_id: _Optional[str] = ..., asset: _Optional[str] = ..., available_units: _Optional[int] = ..., hold_units: _Optional[int] = ..., asset_id: _Optional[int] = ...) -> None: ...

class GetBalancesRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class GetBalancesResponse(_message.Message):
    __slots__ = ("balances", "index")
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    balances: _containers.RepeatedCompositeFieldContainer[Balance]
    index: int
    def __init__(self, balances: _Optional[_Iterable[_Union[Balance, _Mapping]]] = ..., index: _Optional[int] = ...) -> None: ...

class GetBookRequest(_message.Message):
    __slots__ = ("symbol", "depth")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    depth: int
    def __init__(self, symbol: _Optional[str] = ..., depth: _Optional[int] = ...) -> None: ...

class PriceLevel(_message.Message):
    __slots__ = ("price_ticks", "total_lots", "orders")
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_LOTS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    price_ticks: int
    total_lots: int
    orders: int
    def __init__(self, price_ticks: _Optional[int] = ..., total_lots: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class GetBookResponse(_message.Message):
    __slots__ = ("symbol", "seq", "bids", "asks", "index")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    seq: int
    bids: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    asks: _containers.RepeatedCompositeFieldContainer[PriceLevel]
    index: int
    def __init__(self, symbol: _Optional[str] = ..., seq: _Optional[int] = ..., bids: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[PriceLevel, _Mapping]]] = ..., index: _Optional[int] = ...) -> None: ...
