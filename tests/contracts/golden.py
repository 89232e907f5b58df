"""Builds the golden examples of the public messages from their descriptors.

Each message gets one example per member of its oneof (one if it has none), with every other
field set, so that the examples of a message cover all its fields. Values are by field name where
a name has a usual value, else by type; they are the same on every run.
"""

import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from contracts.gen.exchange.v1 import admin_pb2, events_pb2, trading_pb2, transfers_pb2, types_pb2

MODULES = (types_pb2, trading_pb2, events_pb2, admin_pb2, transfers_pb2)

VALUES: dict[str, Any] = {
    "asset": "KRW", "base": "BTC", "quote": "KRW", "symbol": "BTC-KRW", "name": "BTC-KRW",
    "user_id": "2", "maker_user_id": "2", "taker_user_id": "3", "command_id": "cmd-81",
    "correlation_id": "corr-9", "causation_id": "cmd-81", "trace_id": "4bf92f3577b34da6",
    "idempotency_key": "order-2026-11-23-0001", "client_order_id": "my-order-7",
    "operator": "kim", "reason": "first funding of the market makers", "ticket": "OPS-142",
    "leader_hint": "2", "error": "commands: command 3 has unknown kind 0", "role": "LEADER",
    "cluster_id": "6a1f0c5e8d2b49737f60b1d4c3e2a598", "machine_version": "1",
    "event_id": "0-1207-4", "source_event_id": "0-1207-4", "ledger_account": "user/2/available",
    "price_ticks": 95_000_000, "qty_lots": 250, "order_id": 16_777_217,
    "occurred_at": 1_795_478_400_000_000_000, "ts_ns": 1_795_478_400_000_000_000,
    "ts_server": 1_795_478_399_998_000_000, "index": 1207, "epoch": 3, "term": 3, "scale": 8,
    "hold_delta_units": -4_750_000, "delta_units": -4_750_000,
}  # fmt: skip

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64,
}  # fmt: skip


def descriptors() -> list[Descriptor]:
    found = [d for module in MODULES for d in module.DESCRIPTOR.message_types_by_name.values()]
    return sorted(found, key=lambda descriptor: descriptor.name)


def examples(descriptor: Descriptor) -> list[Message]:
    oneofs = descriptor.oneofs
    assert len(oneofs) <= 1, "one oneof per message: examples need no combinations"
    members = list(oneofs[0].fields) if oneofs else [None]
    return [_example(descriptor, member) for member in members]


def _example(descriptor: Descriptor, member: FieldDescriptor | None) -> Message:
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if field.containing_oneof is not None and field is not member:
            continue
        _fill(message, field)
    return message


def _fill(message: Message, field: FieldDescriptor) -> None:
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        assert field.message_type is not None
        made = examples(field.message_type)
        if field.is_repeated:
            getattr(message, field.name).extend(made)
        else:
            getattr(message, field.name).CopyFrom(made[0])
            getattr(message, field.name).SetInParent()
    elif field.is_repeated:
        getattr(message, field.name).append(_value(field))
    else:
        setattr(message, field.name, _value(field))


def _value(field: FieldDescriptor) -> Any:
    if field.name in VALUES and field.cpp_type != FieldDescriptor.CPPTYPE_ENUM:
        return VALUES[field.name]
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        assert field.enum_type is not None
        return field.enum_type.values[1].number
    if field.cpp_type in _INTEGERS:
        return 100 + field.number
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return True
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes(range(field.number, field.number + 16))
    return f"{field.name}-example"


def render(messages: list[Message]) -> str:
    """The file's text: the example as proto3 JSON, and its bytes on the wire in hexadecimal."""
    rows = [
        {
            "message": json_format.MessageToDict(message, preserving_proto_field_name=True),
            "wire": message.SerializeToString(deterministic=True).hex(),
        }
        for message in messages
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
