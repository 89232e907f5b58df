"""The part of AdminService that is about the cluster itself: who belongs, who leads, how far.

Why it exists: members are not the machine's affair, so these calls go to the replica and not into
a batch; their audit notes travel in the record that names the members. It must not know the rules
of a change.
"""

from collections.abc import Awaitable
from typing import Any, NoReturn, TypeVar

import grpc
import msgspec

from adapters.addresses import dialled
from adapters.rpc_calls import Context, NodeCalls, refuse, refuse_follower
from adapters.rpc_codec import FieldError, audit_of
from contracts.gen.exchange.v1 import admin_pb2 as pb
from replication.ports import ClusterApi, ClusterRefused, ClusterView, MemberView

T = TypeVar("T")


class ClusterServicer:
    """Base of `AdminServicer`; `cluster` is None where a node alone is served."""

    def __init__(self, calls: NodeCalls, cluster: ClusterApi | None) -> None:
        self._calls = calls
        self._cluster = cluster

    async def GetCluster(  # noqa: N802  the name is the protocol's
        self, _request: pb.GetClusterRequest, context: Context
    ) -> pb.GetClusterResponse:
        return _message((await self._api(context)).cluster())

    async def AddMember(  # noqa: N802
        self, request: pb.AddMemberRequest, context: Context
    ) -> pb.AddMemberResponse:
        api, note = await self._api(context), await _note(request, context)
        await _check_address(request.address, context)
        change = api.add_member(request.node, request.address, note)
        return pb.AddMemberResponse(index=await self._done(context, change))

    async def RemoveMember(  # noqa: N802
        self, request: pb.RemoveMemberRequest, context: Context
    ) -> pb.RemoveMemberResponse:
        api, note = await self._api(context), await _note(request, context)
        change = api.remove_member(request.node, note)
        return pb.RemoveMemberResponse(index=await self._done(context, change))

    async def TransferLeadership(  # noqa: N802
        self, request: pb.TransferLeadershipRequest, context: Context
    ) -> pb.TransferLeadershipResponse:
        api = await self._api(context)
        await _note(request, context)
        await self._done(context, api.transfer(request.node))
        return pb.TransferLeadershipResponse()

    async def _api(self, context: Context) -> ClusterApi:
        if self._cluster is None:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "this server has no cluster")
            raise AssertionError("abort raises")
        return self._cluster

    async def _done(self, context: Context, work: Awaitable[T]) -> T:
        try:
            return await work
        except ClusterRefused as error:
            await self._refuse(context, error)

    async def _refuse(self, context: Context, error: ClusterRefused) -> NoReturn:
        status = self._calls.node.status()
        leader = 0 if status.leader == status.node_id else status.leader
        await refuse_follower(context, str(error), leader)


async def _note(request: Any, context: Context) -> bytes:
    """Who, why and under which ticket, as the members' record carries it."""
    try:
        note = audit_of(request.audit)
    except FieldError as error:
        await refuse(context, error)
    return msgspec.msgpack.encode(note)


async def _check_address(address: str, context: Context) -> None:
    """What is in the log once, every node dials, and nobody can take it back."""
    try:
        if address:
            dialled(address, "address")
    except ValueError as error:
        await refuse(context, FieldError(str(error)))


def _message(view: ClusterView) -> pb.GetClusterResponse:
    return pb.GetClusterResponse(
        node=view.node, leader=view.leader, term=view.term, commit_index=view.commit_index,
        applied_index=view.applied_index, base_index=view.base_index, is_joint=view.is_joint,
        damaged=view.damaged, members=[_member(member) for member in view.members],
    )  # fmt: skip


def _member(view: MemberView) -> pb.Member:
    return pb.Member(
        member_id=view.member, node=view.node, role=view.role, match_index=view.match_index,
        lag_entries=view.lag_entries, connected=view.connected, damaged=view.damaged,
        version_known=view.version, address=view.address,
    )  # fmt: skip
