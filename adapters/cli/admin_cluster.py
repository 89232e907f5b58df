"""`lockstep admin cluster`: who belongs to the cluster, who leads it, and changing both.

Why it exists: members are changed by people, with a reason and a ticket, which the change's own
record carries in the log. Any node answers `status`; the rest goes to the leader, which is found.
It must not know how a change of members works.
"""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any, Final

from adapters.addresses import dialled
from adapters.cli.admin_calls import DEADLINE_S, Context, snapshot
from adapters.cli.admin_group import add_group
from adapters.cli.numbers import whole
from contracts.gen.exchange.v1 import admin_pb2 as admin
from replication.messages import NODE_MAX

READS: Final = ("status",)
HELP: Final = "members of the cluster: status, add, remove, transfer, snapshot"


def add_arguments(
    commands: Any, common: argparse.ArgumentParser, audited: argparse.ArgumentParser
) -> None:
    action = add_group(commands, "cluster", HELP, READS, common, audited)
    action("status", "leader, term, and each member's role, lag and damage")
    add = action("add", "invites a new node: start it with an empty folder and it joins")
    add.add_argument("node", type=whole(), metavar="NODE", help=f"its number, 1 to {NODE_MAX}")
    add.add_argument("--address", required=True, metavar="HOST:PORT", help="where peers reach it")
    for name, text in (
        ("remove", "takes a node's members out"),
        ("transfer", "hands the lead to a node"),
    ):
        action(name, text).add_argument("node", type=whole(), metavar="NODE", help="its number")
    action("snapshot", "writes a snapshot of the leader")


def _node(ctx: Context) -> int:
    node: int = ctx.a.node
    if not 1 <= node <= NODE_MAX:
        raise ValueError(f"NODE: {node} is outside 1..{NODE_MAX}")
    return node


async def status(ctx: Context) -> dict[str, Any]:
    found = await ctx.core.admin.GetCluster(admin.GetClusterRequest(), timeout=DEADLINE_S)
    members = [
        {
            "node": member.node, "role": member.role, "member": member.member_id,
            "match_index": member.match_index, "lag": member.lag_entries,
            "connected": member.connected, "damaged": member.damaged,
            "version_known": member.version_known, "address": member.address,
        }
        for member in found.members
    ]  # fmt: skip
    return {
        "node": found.node, "leader": found.leader, "term": found.term,
        "commit_index": found.commit_index, "applied_index": found.applied_index,
        "base_index": found.base_index, "changing": found.is_joint, "damaged": found.damaged,
        "members": members,
    }  # fmt: skip


async def add(ctx: Context) -> dict[str, Any]:
    dialled(ctx.a.address, "--address")
    request = admin.AddMemberRequest(audit=ctx.audit, node=_node(ctx), address=ctx.a.address)
    answer = await ctx.core.admin.AddMember(request, timeout=DEADLINE_S)
    return {"index": answer.index, "node": ctx.a.node}


async def remove(ctx: Context) -> dict[str, Any]:
    request = admin.RemoveMemberRequest(audit=ctx.audit, node=_node(ctx))
    answer = await ctx.core.admin.RemoveMember(request, timeout=DEADLINE_S)
    return {"index": answer.index, "node": ctx.a.node}


async def transfer(ctx: Context) -> dict[str, Any]:
    request = admin.TransferLeadershipRequest(audit=ctx.audit, node=_node(ctx))
    await ctx.core.admin.TransferLeadership(request, timeout=DEADLINE_S)
    return {"leader": ctx.a.node}


CALLS: Final[dict[str, Callable[[Context], Awaitable[dict[str, Any]]]]] = {
    "status": status, "add": add, "remove": remove, "transfer": transfer, "snapshot": snapshot,
}  # fmt: skip
