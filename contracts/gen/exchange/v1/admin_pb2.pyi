from contracts.gen.exchange.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_STATE_UNSPECIFIED: _ClassVar[AccountState]
    ACCOUNT_STATE_ACTIVE: _ClassVar[AccountState]
    ACCOUNT_STATE_CANCEL_ONLY: _ClassVar[AccountState]
    ACCOUNT_STATE_FROZEN: _ClassVar[AccountState]
ACCOUNT_STATE_UNSPECIFIED: AccountState
ACCOUNT_STATE_ACTIVE: AccountState
ACCOUNT_STATE_CANCEL_ONLY: AccountState
ACCOUNT_STATE_FROZEN: AccountState

class ListAssetRequest(_message.Message):
    __slots__ = ("metadata", "audit", "name", "scale")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    name: str
    scale: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., name: _Optional[str] = ..., scale: _Optional[int] = ...) -> None: ...

class ListAssetResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class ListSymbolRequest(_message.Message):
    __slots__ = ("metadata", "audit", "name", "base", "quote", "tick_units", "lot_units", "min_price_ticks", "max_price_ticks", "max_qty_lots", "min_notional_units", "max_notional_units", "maker_ppm", "taker_ppm")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    TICK_UNITS_FIELD_NUMBER: _ClassVar[int]
    LOT_UNITS_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    MAX_QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    MIN_NOTIONAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAX_NOTIONAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAKER_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_PPM_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    name: str
    base: str
    quote: str
    tick_units: int
    lot_units: int
    min_price_ticks: int
    max_price_ticks: int
    max_qty_lots: int
    min_notional_units: int
    max_notional_units: int
    maker_ppm: int
    taker_ppm: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., name: _Optional[str] = ..., base: _Optional[str] = ..., quote: _Optional[str] = ..., tick_units: _Optional[int] = ..., lot_units: _Optional[int] = ..., min_price_ticks: _Optional[int] = ..., max_price_ticks: _Optional[int] = ..., max_qty_lots: _Optional[int] = ..., min_notional_units: _Optional[int] = ..., max_notional_units: _Optional[int] = ..., maker_ppm: _Optional[int] = ..., taker_ppm: _Optional[int] = ...) -> None: ...

class ListSymbolResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class OpenAccountRequest(_message.Message):
    __slots__ = ("metadata", "audit")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ...) -> None: ...

class OpenAccountResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class DepositRequest(_message.Message):
    __slots__ = ("metadata", "audit", "asset", "amount_units")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_UNITS_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    asset: str
    amount_units: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., asset: _Optional[str] = ..., amount_units: _Optional[int] = ...) -> None: ...

class DepositResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class WithdrawRequest(_message.Message):
    __slots__ = ("metadata", "audit", "asset", "amount_units")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_UNITS_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    asset: str
    amount_units: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., asset: _Optional[str] = ..., amount_units: _Optional[int] = ...) -> None: ...

class WithdrawResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class SetLimitsRequest(_message.Message):
    __slots__ = ("metadata", "audit", "open_orders", "dedup_window_ns", "dedup_rows")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    DEDUP_WINDOW_NS_FIELD_NUMBER: _ClassVar[int]
    DEDUP_ROWS_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    open_orders: int
    dedup_window_ns: int
    dedup_rows: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., open_orders: _Optional[int] = ..., dedup_window_ns: _Optional[int] = ..., dedup_rows: _Optional[int] = ...) -> None: ...

class SetLimitsResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class SetSelfTradeGroupRequest(_message.Message):
    __slots__ = ("metadata", "audit", "group")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    group: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., group: _Optional[int] = ...) -> None: ...

class SetSelfTradeGroupResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class MarketRules(_message.Message):
    __slots__ = ("buy_up_bps", "buy_down_bps", "sell_up_bps", "sell_down_bps", "static_bps", "dynamic_bps", "stopped_orders", "move_bps", "window_ns", "action", "call_ns", "tick_step_ticks", "lot_step_lots", "min_qty_lots", "of_each_account")
    BUY_UP_BPS_FIELD_NUMBER: _ClassVar[int]
    BUY_DOWN_BPS_FIELD_NUMBER: _ClassVar[int]
    SELL_UP_BPS_FIELD_NUMBER: _ClassVar[int]
    SELL_DOWN_BPS_FIELD_NUMBER: _ClassVar[int]
    STATIC_BPS_FIELD_NUMBER: _ClassVar[int]
    DYNAMIC_BPS_FIELD_NUMBER: _ClassVar[int]
    STOPPED_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MOVE_BPS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_NS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CALL_NS_FIELD_NUMBER: _ClassVar[int]
    TICK_STEP_TICKS_FIELD_NUMBER: _ClassVar[int]
    LOT_STEP_LOTS_FIELD_NUMBER: _ClassVar[int]
    MIN_QTY_LOTS_FIELD_NUMBER: _ClassVar[int]
    OF_EACH_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    buy_up_bps: int
    buy_down_bps: int
    sell_up_bps: int
    sell_down_bps: int
    static_bps: int
    dynamic_bps: int
    stopped_orders: int
    move_bps: int
    window_ns: int
    action: _types_pb2.SymbolMode
    call_ns: int
    tick_step_ticks: int
    lot_step_lots: int
    min_qty_lots: int
    of_each_account: AccountLimits
    def __init__(self, buy_up_bps: _Optional[int] = ..., buy_down_bps: _Optional[int] = ..., sell_up_bps: _Optional[int] = ..., sell_down_bps: _Optional[int] = ..., static_bps: _Optional[int] = ..., dynamic_bps: _Optional[int] = ..., stopped_orders: _Optional[int] = ..., move_bps: _Optional[int] = ..., window_ns: _Optional[int] = ..., action: _Optional[_Union[_types_pb2.SymbolMode, str]] = ..., call_ns: _Optional[int] = ..., tick_step_ticks: _Optional[int] = ..., lot_step_lots: _Optional[int] = ..., min_qty_lots: _Optional[int] = ..., of_each_account: _Optional[_Union[AccountLimits, _Mapping]] = ...) -> None: ...

class AccountLimits(_message.Message):
    __slots__ = ("max_position_lots", "open_orders", "parked_orders", "rate_per_s", "burst", "daily_notional_units")
    MAX_POSITION_LOTS_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    PARKED_ORDERS_FIELD_NUMBER: _ClassVar[int]
    RATE_PER_S_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    DAILY_NOTIONAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    max_position_lots: int
    open_orders: int
    parked_orders: int
    rate_per_s: int
    burst: int
    daily_notional_units: int
    def __init__(self, max_position_lots: _Optional[int] = ..., open_orders: _Optional[int] = ..., parked_orders: _Optional[int] = ..., rate_per_s: _Optional[int] = ..., burst: _Optional[int] = ..., daily_notional_units: _Optional[int] = ...) -> None: ...

class SetMarketRulesRequest(_message.Message):
    __slots__ = ("metadata", "audit", "rules")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    rules: MarketRules
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., rules: _Optional[_Union[MarketRules, _Mapping]] = ...) -> None: ...

class SetMarketRulesResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class SetAccountLimitsRequest(_message.Message):
    __slots__ = ("metadata", "audit", "limits", "killed")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    KILLED_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    limits: AccountLimits
    killed: bool
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., limits: _Optional[_Union[AccountLimits, _Mapping]] = ..., killed: _Optional[bool] = ...) -> None: ...

class SetAccountLimitsResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class RestrictAccountRequest(_message.Message):
    __slots__ = ("metadata", "audit", "state", "withdrawals_halted")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWALS_HALTED_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    state: AccountState
    withdrawals_halted: bool
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., state: _Optional[_Union[AccountState, str]] = ..., withdrawals_halted: _Optional[bool] = ...) -> None: ...

class RestrictAccountResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class SetReferencePriceRequest(_message.Message):
    __slots__ = ("metadata", "audit", "price_ticks")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    price_ticks: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., price_ticks: _Optional[int] = ...) -> None: ...

class SetReferencePriceResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class SetMachineVersionRequest(_message.Message):
    __slots__ = ("metadata", "audit", "version")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    version: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class SetMachineVersionResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class SnapshotRequest(_message.Message):
    __slots__ = ("audit",)
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    audit: _types_pb2.AuditNote
    def __init__(self, audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ...) -> None: ...

class SnapshotResponse(_message.Message):
    __slots__ = ("index",)
    INDEX_FIELD_NUMBER: _ClassVar[int]
    index: int
    def __init__(self, index: _Optional[int] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ("with_digest",)
    WITH_DIGEST_FIELD_NUMBER: _ClassVar[int]
    with_digest: bool
    def __init__(self, with_digest: _Optional[bool] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("role", "term", "index", "leader_hint", "chain", "digest", "balances_digest", "accounts", "partition", "cluster_id", "durable_index", "ts_ns", "accepting", "machine_version")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BALANCES_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    DURABLE_INDEX_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTING_FIELD_NUMBER: _ClassVar[int]
    MACHINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    role: str
    term: int
    index: int
    leader_hint: str
    chain: bytes
    digest: bytes
    balances_digest: bytes
    accounts: int
    partition: int
    cluster_id: str
    durable_index: int
    ts_ns: int
    accepting: bool
    machine_version: str
    def __init__(self, role: _Optional[str] = ..., term: _Optional[int] = ..., index: _Optional[int] = ..., leader_hint: _Optional[str] = ..., chain: _Optional[bytes] = ..., digest: _Optional[bytes] = ..., balances_digest: _Optional[bytes] = ..., accounts: _Optional[int] = ..., partition: _Optional[int] = ..., cluster_id: _Optional[str] = ..., durable_index: _Optional[int] = ..., ts_ns: _Optional[int] = ..., accepting: _Optional[bool] = ..., machine_version: _Optional[str] = ...) -> None: ...

class Asset(_message.Message):
    __slots__ = ("asset_id", "name", "scale")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    asset_id: int
    name: str
    scale: int
    def __init__(self, asset_id: _Optional[int] = ..., name: _Optional[str] = ..., scale: _Optional[int] = ...) -> None: ...

class Symbol(_message.Message):
    __slots__ = ("symbol_id", "name", "base", "quote", "tick_units", "lot_units", "tick_value", "min_price_ticks", "max_price_ticks", "max_qty_lots", "min_notional_units", "max_notional_units", "maker_ppm", "taker_ppm", "mode", "seq")
    SYMBOL_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
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
    MODE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    symbol_id: int
    name: str
    base: str
    quote: str
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
    mode: _types_pb2.SymbolMode
    seq: int
    def __init__(self, symbol_id: _Optional[int] = ..., name: _Optional[str] = ..., base: _Optional[str] = ..., quote: _Optional[str] = ..., tick_units: _Optional[int] = ..., lot_units: _Optional[int] = ..., tick_value: _Optional[int] = ..., min_price_ticks: _Optional[int] = ..., max_price_ticks: _Optional[int] = ..., max_qty_lots: _Optional[int] = ..., min_notional_units: _Optional[int] = ..., max_notional_units: _Optional[int] = ..., maker_ppm: _Optional[int] = ..., taker_ppm: _Optional[int] = ..., mode: _Optional[_Union[_types_pb2.SymbolMode, str]] = ..., seq: _Optional[int] = ...) -> None: ...

class GetMarketsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetMarketsResponse(_message.Message):
    __slots__ = ("symbols", "assets", "index")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedCompositeFieldContainer[Symbol]
    assets: _containers.RepeatedCompositeFieldContainer[Asset]
    index: int
    def __init__(self, symbols: _Optional[_Iterable[_Union[Symbol, _Mapping]]] = ..., assets: _Optional[_Iterable[_Union[Asset, _Mapping]]] = ..., index: _Optional[int] = ...) -> None: ...

class Member(_message.Message):
    __slots__ = ("member_id", "node", "role", "match_index", "lag_entries", "connected", "damaged", "version_known", "address")
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    MATCH_INDEX_FIELD_NUMBER: _ClassVar[int]
    LAG_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    VERSION_KNOWN_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    member_id: int
    node: int
    role: str
    match_index: int
    lag_entries: int
    connected: bool
    damaged: int
    version_known: int
    address: str
    def __init__(self, member_id: _Optional[int] = ..., node: _Optional[int] = ..., role: _Optional[str] = ..., match_index: _Optional[int] = ..., lag_entries: _Optional[int] = ..., connected: _Optional[bool] = ..., damaged: _Optional[int] = ..., version_known: _Optional[int] = ..., address: _Optional[str] = ...) -> None: ...

class GetClusterRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetClusterResponse(_message.Message):
    __slots__ = ("node", "leader", "term", "commit_index", "applied_index", "base_index", "is_joint", "damaged", "members")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LEADER_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    COMMIT_INDEX_FIELD_NUMBER: _ClassVar[int]
    APPLIED_INDEX_FIELD_NUMBER: _ClassVar[int]
    BASE_INDEX_FIELD_NUMBER: _ClassVar[int]
    IS_JOINT_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    node: int
    leader: int
    term: int
    commit_index: int
    applied_index: int
    base_index: int
    is_joint: bool
    damaged: int
    members: _containers.RepeatedCompositeFieldContainer[Member]
    def __init__(self, node: _Optional[int] = ..., leader: _Optional[int] = ..., term: _Optional[int] = ..., commit_index: _Optional[int] = ..., applied_index: _Optional[int] = ..., base_index: _Optional[int] = ..., is_joint: _Optional[bool] = ..., damaged: _Optional[int] = ..., members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ...) -> None: ...

class AddMemberRequest(_message.Message):
    __slots__ = ("audit", "node", "address")
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    audit: _types_pb2.AuditNote
    node: int
    address: str
    def __init__(self, audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., node: _Optional[int] = ..., address: _Optional[str] = ...) -> None: ...

class AddMemberResponse(_message.Message):
    __slots__ = ("index",)
    INDEX_FIELD_NUMBER: _ClassVar[int]
    index: int
    def __init__(self, index: _Optional[int] = ...) -> None: ...

class RemoveMemberRequest(_message.Message):
    __slots__ = ("audit", "node")
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    audit: _types_pb2.AuditNote
    node: int
    def __init__(self, audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., node: _Optional[int] = ...) -> None: ...

class RemoveMemberResponse(_message.Message):
    __slots__ = ("index",)
    INDEX_FIELD_NUMBER: _ClassVar[int]
    index: int
    def __init__(self, index: _Optional[int] = ...) -> None: ...

class TransferLeadershipRequest(_message.Message):
    __slots__ = ("audit", "node")
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    audit: _types_pb2.AuditNote
    node: int
    def __init__(self, audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., node: _Optional[int] = ...) -> None: ...

class TransferLeadershipResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FeeTier(_message.Message):
    __slots__ = ("volume_units", "maker_ppm", "taker_ppm")
    VOLUME_UNITS_FIELD_NUMBER: _ClassVar[int]
    MAKER_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_PPM_FIELD_NUMBER: _ClassVar[int]
    volume_units: int
    maker_ppm: int
    taker_ppm: int
    def __init__(self, volume_units: _Optional[int] = ..., maker_ppm: _Optional[int] = ..., taker_ppm: _Optional[int] = ...) -> None: ...

class SetFeesRequest(_message.Message):
    __slots__ = ("metadata", "audit", "tiers")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    tiers: _containers.RepeatedCompositeFieldContainer[FeeTier]
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., tiers: _Optional[_Iterable[_Union[FeeTier, _Mapping]]] = ...) -> None: ...

class SetFeesResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...
