from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class OrderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_TYPE_UNSPECIFIED: _ClassVar[OrderType]
    ORDER_TYPE_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_MARKET: _ClassVar[OrderType]
    ORDER_TYPE_STOP: _ClassVar[OrderType]
    ORDER_TYPE_STOP_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_TAKE_PROFIT: _ClassVar[OrderType]
    ORDER_TYPE_TAKE_PROFIT_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_TRAILING_STOP: _ClassVar[OrderType]
    ORDER_TYPE_TRAILING_STOP_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_PEGGED: _ClassVar[OrderType]

class TimeInForce(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_IN_FORCE_UNSPECIFIED: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_IOC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_FOK: _ClassVar[TimeInForce]
    TIME_IN_FORCE_POST_ONLY: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTD: _ClassVar[TimeInForce]
    TIME_IN_FORCE_DAY: _ClassVar[TimeInForce]
    TIME_IN_FORCE_AUCTION: _ClassVar[TimeInForce]

class SelfTrade(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELF_TRADE_UNSPECIFIED: _ClassVar[SelfTrade]
    SELF_TRADE_NONE: _ClassVar[SelfTrade]
    SELF_TRADE_EXPIRE_TAKER: _ClassVar[SelfTrade]
    SELF_TRADE_EXPIRE_MAKER: _ClassVar[SelfTrade]
    SELF_TRADE_EXPIRE_BOTH: _ClassVar[SelfTrade]
    SELF_TRADE_DECREMENT: _ClassVar[SelfTrade]

class ListKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIST_KIND_UNSPECIFIED: _ClassVar[ListKind]
    LIST_KIND_OCO: _ClassVar[ListKind]
    LIST_KIND_OTO: _ClassVar[ListKind]
    LIST_KIND_OTOCO: _ClassVar[ListKind]

class ListState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIST_STATE_UNSPECIFIED: _ClassVar[ListState]
    LIST_STATE_EXECUTING: _ClassVar[ListState]
    LIST_STATE_DONE: _ClassVar[ListState]

class SymbolMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SYMBOL_MODE_UNSPECIFIED: _ClassVar[SymbolMode]
    SYMBOL_MODE_NORMAL: _ClassVar[SymbolMode]
    SYMBOL_MODE_CANCEL_ONLY: _ClassVar[SymbolMode]
    SYMBOL_MODE_POST_ONLY: _ClassVar[SymbolMode]
    SYMBOL_MODE_SOFT_HALT: _ClassVar[SymbolMode]
    SYMBOL_MODE_HARD_HALT: _ClassVar[SymbolMode]
    SYMBOL_MODE_AUCTION: _ClassVar[SymbolMode]

class OrderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATUS_UNSPECIFIED: _ClassVar[OrderStatus]
    ORDER_STATUS_NEW: _ClassVar[OrderStatus]
    ORDER_STATUS_PARTIALLY_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_CANCELED: _ClassVar[OrderStatus]
    ORDER_STATUS_EXPIRED: _ClassVar[OrderStatus]
    ORDER_STATUS_REJECTED: _ClassVar[OrderStatus]

class CancelReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_REASON_UNSPECIFIED: _ClassVar[CancelReason]
    CANCEL_REASON_USER: _ClassVar[CancelReason]
    CANCEL_REASON_IOC_REMAINDER: _ClassVar[CancelReason]
    CANCEL_REASON_MARKET_REMAINDER: _ClassVar[CancelReason]
    CANCEL_REASON_MASS: _ClassVar[CancelReason]
    CANCEL_REASON_EXPIRED: _ClassVar[CancelReason]
    CANCEL_REASON_SELF_TRADE: _ClassVar[CancelReason]
    CANCEL_REASON_LIST: _ClassVar[CancelReason]
    CANCEL_REASON_TRIGGER_REJECTED: _ClassVar[CancelReason]
    CANCEL_REASON_CANCEL_AFTER: _ClassVar[CancelReason]
    CANCEL_REASON_UNFUNDED: _ClassVar[CancelReason]
    CANCEL_REASON_AUCTION_OVER: _ClassVar[CancelReason]
    CANCEL_REASON_COLLAR: _ClassVar[CancelReason]
    CANCEL_REASON_KILLED: _ClassVar[CancelReason]

class BalanceReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BALANCE_REASON_UNSPECIFIED: _ClassVar[BalanceReason]
    BALANCE_REASON_DEPOSIT: _ClassVar[BalanceReason]
    BALANCE_REASON_WITHDRAWAL: _ClassVar[BalanceReason]

class TransferState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSFER_STATE_UNSPECIFIED: _ClassVar[TransferState]
    TRANSFER_STATE_RESERVED: _ClassVar[TransferState]
    TRANSFER_STATE_OVERDUE: _ClassVar[TransferState]
    TRANSFER_STATE_CONFIRMED: _ClassVar[TransferState]
    TRANSFER_STATE_REFUNDED: _ClassVar[TransferState]
    TRANSFER_STATE_CREDITED: _ClassVar[TransferState]
    TRANSFER_STATE_VOIDED: _ClassVar[TransferState]

class CommandKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMMAND_KIND_UNSPECIFIED: _ClassVar[CommandKind]
    COMMAND_KIND_PLACE: _ClassVar[CommandKind]
    COMMAND_KIND_CANCEL: _ClassVar[CommandKind]
    COMMAND_KIND_AMEND: _ClassVar[CommandKind]
    COMMAND_KIND_CANCEL_ALL: _ClassVar[CommandKind]
    COMMAND_KIND_SET_MODE: _ClassVar[CommandKind]
    COMMAND_KIND_DEPOSIT: _ClassVar[CommandKind]
    COMMAND_KIND_WITHDRAW: _ClassVar[CommandKind]
    COMMAND_KIND_OPEN_ACCOUNT: _ClassVar[CommandKind]
    COMMAND_KIND_LIST_ASSET: _ClassVar[CommandKind]
    COMMAND_KIND_LIST_SYMBOL: _ClassVar[CommandKind]
    COMMAND_KIND_CHECKPOINT: _ClassVar[CommandKind]
    COMMAND_KIND_SET_LIMITS: _ClassVar[CommandKind]
    COMMAND_KIND_SET_VERSION: _ClassVar[CommandKind]
    COMMAND_KIND_PLACE_TERMS: _ClassVar[CommandKind]
    COMMAND_KIND_PLACE_LIST: _ClassVar[CommandKind]
    COMMAND_KIND_CANCEL_AFTER: _ClassVar[CommandKind]
    COMMAND_KIND_SET_GROUP: _ClassVar[CommandKind]
    COMMAND_KIND_SET_RULES: _ClassVar[CommandKind]
    COMMAND_KIND_SET_DESK: _ClassVar[CommandKind]
    COMMAND_KIND_SET_ACCOUNT: _ClassVar[CommandKind]
    COMMAND_KIND_SET_REFERENCE: _ClassVar[CommandKind]
    COMMAND_KIND_SET_FEES: _ClassVar[CommandKind]
    COMMAND_KIND_TRANSFER_OUT: _ClassVar[CommandKind]
    COMMAND_KIND_TRANSFER_IN: _ClassVar[CommandKind]
    COMMAND_KIND_TRANSFER_VOID: _ClassVar[CommandKind]
    COMMAND_KIND_TRANSFER_END: _ClassVar[CommandKind]

class RejectCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REJECT_CODE_UNSPECIFIED: _ClassVar[RejectCode]
    REJECT_CODE_VALIDATION: _ClassVar[RejectCode]
    REJECT_CODE_UNKNOWN_SYMBOL: _ClassVar[RejectCode]
    REJECT_CODE_UNKNOWN_ORDER: _ClassVar[RejectCode]
    REJECT_CODE_NOT_OWNER: _ClassVar[RejectCode]
    REJECT_CODE_PRICE_BAND: _ClassVar[RejectCode]
    REJECT_CODE_TICK_SIZE: _ClassVar[RejectCode]
    REJECT_CODE_LOT_SIZE: _ClassVar[RejectCode]
    REJECT_CODE_MIN_NOTIONAL: _ClassVar[RejectCode]
    REJECT_CODE_MAX_NOTIONAL: _ClassVar[RejectCode]
    REJECT_CODE_INSUFFICIENT_FUNDS: _ClassVar[RejectCode]
    REJECT_CODE_MARKET_HALTED: _ClassVar[RejectCode]
    REJECT_CODE_CANCEL_ONLY: _ClassVar[RejectCode]
    REJECT_CODE_TOO_MANY_REQUESTS: _ClassVar[RejectCode]
    REJECT_CODE_TOO_MANY_OPEN_ORDERS: _ClassVar[RejectCode]
    REJECT_CODE_NO_LIQUIDITY: _ClassVar[RejectCode]
    REJECT_CODE_POST_ONLY_WOULD_TRADE: _ClassVar[RejectCode]
    REJECT_CODE_FOK_UNFILLABLE: _ClassVar[RejectCode]
    REJECT_CODE_SELF_TRADE: _ClassVar[RejectCode]
    REJECT_CODE_DUPLICATE_ORDER_ID: _ClassVar[RejectCode]
    REJECT_CODE_IDEMPOTENCY_MISMATCH: _ClassVar[RejectCode]
    REJECT_CODE_FENCING_TOKEN: _ClassVar[RejectCode]
    REJECT_CODE_NOT_LEADER: _ClassVar[RejectCode]
    REJECT_CODE_OVERLOADED: _ClassVar[RejectCode]
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
ORDER_TYPE_UNSPECIFIED: OrderType
ORDER_TYPE_LIMIT: OrderType
ORDER_TYPE_MARKET: OrderType
ORDER_TYPE_STOP: OrderType
ORDER_TYPE_STOP_LIMIT: OrderType
ORDER_TYPE_TAKE_PROFIT: OrderType
ORDER_TYPE_TAKE_PROFIT_LIMIT: OrderType
ORDER_TYPE_TRAILING_STOP: OrderType
ORDER_TYPE_TRAILING_STOP_LIMIT: OrderType
ORDER_TYPE_PEGGED: OrderType
TIME_IN_FORCE_UNSPECIFIED: TimeInForce
TIME_IN_FORCE_GTC: TimeInForce
TIME_IN_FORCE_IOC: TimeInForce
TIME_IN_FORCE_FOK: TimeInForce
TIME_IN_FORCE_POST_ONLY: TimeInForce
TIME_IN_FORCE_GTD: TimeInForce
TIME_IN_FORCE_DAY: TimeInForce
TIME_IN_FORCE_AUCTION: TimeInForce
SELF_TRADE_UNSPECIFIED: SelfTrade
SELF_TRADE_NONE: SelfTrade
SELF_TRADE_EXPIRE_TAKER: SelfTrade
SELF_TRADE_EXPIRE_MAKER: SelfTrade
SELF_TRADE_EXPIRE_BOTH: SelfTrade
SELF_TRADE_DECREMENT: SelfTrade
LIST_KIND_UNSPECIFIED: ListKind
LIST_KIND_OCO: ListKind
LIST_KIND_OTO: ListKind
LIST_KIND_OTOCO: ListKind
LIST_STATE_UNSPECIFIED: ListState
LIST_STATE_EXECUTING: ListState
LIST_STATE_DONE: ListState
SYMBOL_MODE_UNSPECIFIED: SymbolMode
SYMBOL_MODE_NORMAL: SymbolMode
SYMBOL_MODE_CANCEL_ONLY: SymbolMode
SYMBOL_MODE_POST_ONLY: SymbolMode
SYMBOL_MODE_SOFT_HALT: SymbolMode
SYMBOL_MODE_HARD_HALT: SymbolMode
SYMBOL_MODE_AUCTION: SymbolMode
ORDER_STATUS_UNSPECIFIED: OrderStatus
ORDER_STATUS_NEW: OrderStatus
ORDER_STATUS_PARTIALLY_FILLED: OrderStatus
ORDER_STATUS_FILLED: OrderStatus
ORDER_STATUS_CANCELED: OrderStatus
ORDER_STATUS_EXPIRED: OrderStatus
ORDER_STATUS_REJECTED: OrderStatus
CANCEL_REASON_UNSPECIFIED: CancelReason
CANCEL_REASON_USER: CancelReason
CANCEL_REASON_IOC_REMAINDER: CancelReason
CANCEL_REASON_MARKET_REMAINDER: CancelReason
CANCEL_REASON_MASS: CancelReason
CANCEL_REASON_EXPIRED: CancelReason
CANCEL_REASON_SELF_TRADE: CancelReason
CANCEL_REASON_LIST: CancelReason
CANCEL_REASON_TRIGGER_REJECTED: CancelReason
CANCEL_REASON_CANCEL_AFTER: CancelReason
CANCEL_REASON_UNFUNDED: CancelReason
CANCEL_REASON_AUCTION_OVER: CancelReason
CANCEL_REASON_COLLAR: CancelReason
CANCEL_REASON_KILLED: CancelReason
BALANCE_REASON_UNSPECIFIED: BalanceReason
BALANCE_REASON_DEPOSIT: BalanceReason
BALANCE_REASON_WITHDRAWAL: BalanceReason
TRANSFER_STATE_UNSPECIFIED: TransferState
TRANSFER_STATE_RESERVED: TransferState
TRANSFER_STATE_OVERDUE: TransferState
TRANSFER_STATE_CONFIRMED: TransferState
TRANSFER_STATE_REFUNDED: TransferState
TRANSFER_STATE_CREDITED: TransferState
TRANSFER_STATE_VOIDED: TransferState
COMMAND_KIND_UNSPECIFIED: CommandKind
COMMAND_KIND_PLACE: CommandKind
COMMAND_KIND_CANCEL: CommandKind
COMMAND_KIND_AMEND: CommandKind
COMMAND_KIND_CANCEL_ALL: CommandKind
COMMAND_KIND_SET_MODE: CommandKind
COMMAND_KIND_DEPOSIT: CommandKind
COMMAND_KIND_WITHDRAW: CommandKind
COMMAND_KIND_OPEN_ACCOUNT: CommandKind
COMMAND_KIND_LIST_ASSET: CommandKind
COMMAND_KIND_LIST_SYMBOL: CommandKind
COMMAND_KIND_CHECKPOINT: CommandKind
COMMAND_KIND_SET_LIMITS: CommandKind
COMMAND_KIND_SET_VERSION: CommandKind
COMMAND_KIND_PLACE_TERMS: CommandKind
COMMAND_KIND_PLACE_LIST: CommandKind
COMMAND_KIND_CANCEL_AFTER: CommandKind
COMMAND_KIND_SET_GROUP: CommandKind
COMMAND_KIND_SET_RULES: CommandKind
COMMAND_KIND_SET_DESK: CommandKind
COMMAND_KIND_SET_ACCOUNT: CommandKind
COMMAND_KIND_SET_REFERENCE: CommandKind
COMMAND_KIND_SET_FEES: CommandKind
COMMAND_KIND_TRANSFER_OUT: CommandKind
COMMAND_KIND_TRANSFER_IN: CommandKind
COMMAND_KIND_TRANSFER_VOID: CommandKind
COMMAND_KIND_TRANSFER_END: CommandKind
REJECT_CODE_UNSPECIFIED: RejectCode
REJECT_CODE_VALIDATION: RejectCode
REJECT_CODE_UNKNOWN_SYMBOL: RejectCode
REJECT_CODE_UNKNOWN_ORDER: RejectCode
REJECT_CODE_NOT_OWNER: RejectCode
REJECT_CODE_PRICE_BAND: RejectCode
REJECT_CODE_TICK_SIZE: RejectCode
REJECT_CODE_LOT_SIZE: RejectCode
REJECT_CODE_MIN_NOTIONAL: RejectCode
REJECT_CODE_MAX_NOTIONAL: RejectCode
REJECT_CODE_INSUFFICIENT_FUNDS: RejectCode
REJECT_CODE_MARKET_HALTED: RejectCode
REJECT_CODE_CANCEL_ONLY: RejectCode
REJECT_CODE_TOO_MANY_REQUESTS: RejectCode
REJECT_CODE_TOO_MANY_OPEN_ORDERS: RejectCode
REJECT_CODE_NO_LIQUIDITY: RejectCode
REJECT_CODE_POST_ONLY_WOULD_TRADE: RejectCode
REJECT_CODE_FOK_UNFILLABLE: RejectCode
REJECT_CODE_SELF_TRADE: RejectCode
REJECT_CODE_DUPLICATE_ORDER_ID: RejectCode
REJECT_CODE_IDEMPOTENCY_MISMATCH: RejectCode
REJECT_CODE_FENCING_TOKEN: RejectCode
REJECT_CODE_NOT_LEADER: RejectCode
REJECT_CODE_OVERLOADED: RejectCode

class CommandMetadata(_message.Message):
    __slots__ = ("command_id", "idempotency_key", "user_id", "symbol", "ts_server", "trace_id", "correlation_id")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TS_SERVER_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    command_id: str
    idempotency_key: str
    user_id: str
    symbol: str
    ts_server: int
    trace_id: str
    correlation_id: str
    def __init__(self, command_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., user_id: _Optional[str] = ..., symbol: _Optional[str] = ..., ts_server: _Optional[int] = ..., trace_id: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class AuditNote(_message.Message):
    __slots__ = ("operator", "reason", "ticket")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    operator: str
    reason: str
    ticket: str
    def __init__(self, operator: _Optional[str] = ..., reason: _Optional[str] = ..., ticket: _Optional[str] = ...) -> None: ...

class LogPosition(_message.Message):
    __slots__ = ("index", "term", "ts_ns")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    index: int
    term: int
    ts_ns: int
    def __init__(self, index: _Optional[int] = ..., term: _Optional[int] = ..., ts_ns: _Optional[int] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("code", "status", "duplicate", "command", "id", "seq", "ts_ns", "filled_lots", "filled_quote_units", "remaining_lots", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    FILLED_LOTS_FIELD_NUMBER: _ClassVar[int]
    FILLED_QUOTE_UNITS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_LOTS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: RejectCode
    status: OrderStatus
    duplicate: bool
    command: CommandKind
    id: int
    seq: int
    ts_ns: int
    filled_lots: int
    filled_quote_units: int
    remaining_lots: int
    detail: int
    def __init__(self, code: _Optional[_Union[RejectCode, str]] = ..., status: _Optional[_Union[OrderStatus, str]] = ..., duplicate: _Optional[bool] = ..., command: _Optional[_Union[CommandKind, str]] = ..., id: _Optional[int] = ..., seq: _Optional[int] = ..., ts_ns: _Optional[int] = ..., filled_lots: _Optional[int] = ..., filled_quote_units: _Optional[int] = ..., remaining_lots: _Optional[int] = ..., detail: _Optional[int] = ...) -> None: ...
