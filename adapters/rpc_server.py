"""The node's gRPC server: trading, events and administration over the `NodeApi` port.

Why it exists: it is the door of the machine. Bytes and fields are checked here and refused with
the caller's mistake named; batches are handed on, in the order in which they came; and nothing
here can grow: messages, streams, batches in flight. It runs in one asyncio loop. It must not
know how a batch becomes durable, nor what a command does.

What a caller sees: INVALID_ARGUMENT = your request, nothing was submitted. A code in the answer =
a business reject, nothing was accepted. UNAVAILABLE = the node is stopping: outcome unknown.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, NoReturn

import grpc
import grpc.aio

from adapters.rpc_admin import AdminServicer
from adapters.rpc_codec import FieldError, batch_of, reply_messages, symbol_names
from adapters.rpc_directory import Directory
from adapters.rpc_envelopes import envelopes
from adapters.rpc_metadata import MalformedMetadata, check_names, encode
from adapters.rpc_trading import UnaryTrading
from contracts.gen.exchange.v1 import admin_pb2_grpc, events_pb2_grpc, trading_pb2_grpc
from contracts.gen.exchange.v1 import events_pb2 as events
from contracts.gen.exchange.v1 import trading_pb2 as trading
from contracts.gen.exchange.v1 import types_pb2 as types
from core.codes import NOT_LEADER, FENCING_TOKEN, OK
from core.commands import TRADING_KINDS, MalformedBatch, check_commands, command_name
from core.limits import BATCH_COMMANDS_MAX
from core.machine import Machine
from replication.ports import NodeApi, Submitted, TailGone
