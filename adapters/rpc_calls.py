"""What every gRPC service of the node shares: submitting one command, and refusing a call.

Why it exists: the meaning of a failure must be the same in every call. It must not know which
services there are.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import grpc
import grpc.aio
import msgspec

from adapters.rpc_codec import FieldError, metadata_of, reply_message
from adapters.rpc_metadata import Metadata, encode
from contracts.gen.exchange.v1 import types_pb2 as types
from core.codes import FENCING_TOKEN, NOT_LEADER, OK, STATUS_REJECTED
from core.events import Reply, decode_reply
from replication.ports import NodeApi, NotLeading, Submitted

if TYPE_CHECKING:
    from core.machine import Machine

Context = grpc.aio.ServicerContext[Any, Any]
T = TypeVar("T")
R = TypeVar("R")

LEADER_KEY: Final = "lockstep-leader"
"""Trailing metadata of a refused call: the number of the node that leads."""

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


async def refuse_follower(context: Context, why: str, leader: int) -> NoReturn:
    """Only the leader may answer; whom to ask instead travels beside the error."""
    hint = ((LEADER_KEY, str(leader)),) if leader else ()
    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, why, hint)
    raise AssertionError("abort raises")


class NodeCalls:
    """The node as the services use it."""

    def __init__(self, node: "NodeApi[Machine]") -> None:
        self.node = node

    async def operate(
        self, request: Any, record: Callable[[], bytes], kind: int, context: Context,
        response: Callable[..., R],
    ) -> R:  # fmt: skip
        """An operator's one command. Refuses what has no note or a wrong field."""
        try:
            metadata = metadata_of(request.metadata, request.audit)
            command = record()
        except FieldError as error:
            await refuse(context, error)
        a = await self.submit_one(context, command, metadata, kind)
        return response(reply=a.reply, position=a.position, leader_hint=a.leader_hint)

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
        """On a state that holds all that was acknowledged: only the leader answers."""
        try:
            return await self.node.query(fn)
        except NotLeading as error:
            await refuse_follower(context, str(error), error.leader)
        except Exception as error:  # noqa: BLE001 - raised again, or the call ends with it
            await self._failed(context, error)
        raise AssertionError("both raise")

    async def peek(self, context: Context, fn: "Callable[[Machine], T]") -> T:
        """On this node's own state, whoever leads."""
        try:
            return await self.node.peek(fn)
        except Exception as error:  # noqa: BLE001 - raised again, or the call ends with it
            await self._failed(context, error)
        raise AssertionError("it raises")

    async def _failed(self, context: Context, error: Exception) -> NoReturn:
        if isinstance(error, LookupError | TypeError | ValueError | AssertionError):
            raise error  # ours: gRPC answers UNKNOWN and logs the traceback
        await context.abort(grpc.StatusCode.UNAVAILABLE, f"the node is stopping ({error})")
        raise AssertionError("abort raises")

    def leader_hint(self, submitted: Submitted) -> str:
        """Whom to ask instead, when that is what the code says and the node knows it."""
        if submitted.code not in (NOT_LEADER, FENCING_TOKEN):
            return ""
        leader = submitted.leader or self.node.status().leader
        return str(leader) if leader else ""
