from contracts.gen.exchange.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TransferOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSFER_OUTCOME_UNSPECIFIED: _ClassVar[TransferOutcome]
    TRANSFER_OUTCOME_CONFIRM: _ClassVar[TransferOutcome]
    TRANSFER_OUTCOME_REFUND: _ClassVar[TransferOutcome]
TRANSFER_OUTCOME_UNSPECIFIED: TransferOutcome
TRANSFER_OUTCOME_CONFIRM: TransferOutcome
TRANSFER_OUTCOME_REFUND: TransferOutcome

class ReserveTransferRequest(_message.Message):
    __slots__ = ("metadata", "audit", "transfer_id", "asset", "amount_units", "partner", "partner_user_id", "deadline_ns")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_UNITS_FIELD_NUMBER: _ClassVar[int]
    PARTNER_FIELD_NUMBER: _ClassVar[int]
    PARTNER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_NS_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    transfer_id: bytes
    asset: str
    amount_units: int
    partner: int
    partner_user_id: str
    deadline_ns: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., transfer_id: _Optional[bytes] = ..., asset: _Optional[str] = ..., amount_units: _Optional[int] = ..., partner: _Optional[int] = ..., partner_user_id: _Optional[str] = ..., deadline_ns: _Optional[int] = ...) -> None: ...

class ReserveTransferResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class CreditTransferRequest(_message.Message):
    __slots__ = ("metadata", "audit", "transfer_id", "asset", "amount_units", "partner", "partner_user_id", "deadline_ns")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_UNITS_FIELD_NUMBER: _ClassVar[int]
    PARTNER_FIELD_NUMBER: _ClassVar[int]
    PARTNER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_NS_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    transfer_id: bytes
    asset: str
    amount_units: int
    partner: int
    partner_user_id: str
    deadline_ns: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., transfer_id: _Optional[bytes] = ..., asset: _Optional[str] = ..., amount_units: _Optional[int] = ..., partner: _Optional[int] = ..., partner_user_id: _Optional[str] = ..., deadline_ns: _Optional[int] = ...) -> None: ...

class CreditTransferResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class VoidTransferRequest(_message.Message):
    __slots__ = ("metadata", "audit", "transfer_id", "partner")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    PARTNER_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    transfer_id: bytes
    partner: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., transfer_id: _Optional[bytes] = ..., partner: _Optional[int] = ...) -> None: ...

class VoidTransferResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class EndTransferRequest(_message.Message):
    __slots__ = ("metadata", "audit", "transfer_id", "outcome", "proof")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    metadata: _types_pb2.CommandMetadata
    audit: _types_pb2.AuditNote
    transfer_id: bytes
    outcome: TransferOutcome
    proof: int
    def __init__(self, metadata: _Optional[_Union[_types_pb2.CommandMetadata, _Mapping]] = ..., audit: _Optional[_Union[_types_pb2.AuditNote, _Mapping]] = ..., transfer_id: _Optional[bytes] = ..., outcome: _Optional[_Union[TransferOutcome, str]] = ..., proof: _Optional[int] = ...) -> None: ...

class EndTransferResponse(_message.Message):
    __slots__ = ("reply", "position", "leader_hint")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LEADER_HINT_FIELD_NUMBER: _ClassVar[int]
    reply: _types_pb2.Reply
    position: _types_pb2.LogPosition
    leader_hint: str
    def __init__(self, reply: _Optional[_Union[_types_pb2.Reply, _Mapping]] = ..., position: _Optional[_Union[_types_pb2.LogPosition, _Mapping]] = ..., leader_hint: _Optional[str] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("transfer_id", "state", "user_id", "asset", "amount_units", "partner", "partner_user_id", "deadline_ns", "seq", "proof")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_UNITS_FIELD_NUMBER: _ClassVar[int]
    PARTNER_FIELD_NUMBER: _ClassVar[int]
    PARTNER_USER_ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    transfer_id: bytes
    state: _types_pb2.TransferState
    user_id: str
    asset: str
    amount_units: int
    partner: int
    partner_user_id: str
    deadline_ns: int
    seq: int
    proof: int
    def __init__(self, transfer_id: _Optional[bytes] = ..., state: _Optional[_Union[_types_pb2.TransferState, str]] = ..., user_id: _Optional[str] = ..., asset: _Optional[str] = ..., amount_units: _Optional[int] = ..., partner: _Optional[int] = ..., partner_user_id: _Optional[str] = ..., deadline_ns: _Optional[int] = ..., seq: _Optional[int] = ..., proof: _Optional[int] = ...) -> None: ...

class GetTransferRequest(_message.Message):
    __slots__ = ("transfer_id",)
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    transfer_id: bytes
    def __init__(self, transfer_id: _Optional[bytes] = ...) -> None: ...

class GetTransferResponse(_message.Message):
    __slots__ = ("transfers", "index")
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    transfers: _containers.RepeatedCompositeFieldContainer[Transfer]
    index: int
    def __init__(self, transfers: _Optional[_Iterable[_Union[Transfer, _Mapping]]] = ..., index: _Optional[int] = ...) -> None: ...

class ListOpenTransfersRequest(_message.Message):
    __slots__ = ("limit", "after_seq")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    limit: int
    after_seq: int
    def __init__(self, limit: _Optional[int] = ..., after_seq: _Optional[int] = ...) -> None: ...

class ListOpenTransfersResponse(_message.Message):
    __slots__ = ("transfers", "index")
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    transfers: _containers.RepeatedCompositeFieldContainer[Transfer]
    index: int
    def __init__(self, transfers: _Optional[_Iterable[_Union[Transfer, _Mapping]]] = ..., index: _Optional[int] = ...) -> None: ...
