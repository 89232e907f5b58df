"""What every gRPC service of the node shares: submitting one command, and refusing a call.

Why it exists: the meaning of a failure must be the same in every call. It must not know which
services there are.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import grpc
import grpc.aio
import msgspec

from adapters.rpc_codec import reply_message
from adapters.rpc_metadata import Metadata, encode
from contracts.gen.exchange.v1 import types_pb2 as types
from core.codes import FENCING_TOKEN, NOT_LEADER, OK, STATUS_REJECTED
from core.events import Reply, decode_reply
from replication.ports import NodeApi, Submitted

if TYPE_CHECKING:
    from core.machine import Machine

Context = grpc.aio.ServicerContext[Any, Any]
T = TypeVar("T")

STOPPING: Final = "the node is stopping; whether the command took effect is unknown"


class Answer(msgspec.Struct, frozen=True):
    """One command's answer, ready for any response message."""

    reply: types.Reply
    position: types.LogPosition | None
    leader_hint: str


async def refuse(context: Context, error: Exception) -> NoReturn:
    """The caller's mistake: the call ends, nothing was submitted."""
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    raise AssertionError("abort raises")


class NodeCalls:
    """The node as the services use it."""

    def __init__(self, node: "NodeApi[Machine]") -> None:
        self.node = node

    async def submit_one(
        self, context: Context, command: bytes, metadata: Metadata, kind: int
    ) -> Answer:
        """Submits one command and makes its answer, be it a reject of the whole batch."""
        try:
            submitted = await self.node.submit(command, 1, encode(metadata))
        except Exception as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"{STOPPING} ({error})")
            raise AssertionError("abort raises") from error
        if submitted.code != OK:
            rejected = Reply(
                code=submitted.code, status=STATUS_REJECTED, duplicate=False, command=kind, id=0,
                seq=0, ts_ns=0, filled=0, filled_quote=0, remaining=0, detail=0,
            )  # fmt: skip
            return Answer(reply_message(rejected), None, self.leader_hint(submitted))
        position = types.LogPosition(
            index=submitted.index, term=submitted.term, ts_ns=submitted.ts_ns
        )
        return Answer(reply_message(decode_reply(submitted.replies)), position, "")

    async def query(self, context: Context, fn: "Callable[[Machine], T]") -> T:
        try:
            return await self.node.query(fn)
        except (LookupError, TypeError, ValueError, AssertionError):
            raise  # ours: gRPC answers UNKNOWN and logs the traceback
        except Exception as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"the node is stopping ({error})")
            raise AssertionError("abort raises") from error

    def leader_hint(self, submitted: Submitted) -> str:
        """Whom to ask instead, when that is what the code says and the node knows it."""
        if submitted.code not in (NOT_LEADER, FENCING_TOKEN):
            return ""
        leader = self.node.status().leader
        return str(leader) if leader else ""
