"""An operator's calls over gRPC, each under the same audit note, each accepted or an exception.

Why it exists: demonstrations, recorded flows, benchmarks and tests all begin with the same steps:
assets, a symbol, accounts, money. Every step may be repeated, for the machine finds listings
again by name, accounts and deposits by their reference. It must not know which market is made.
"""

from typing import Any, Final

from adapters.cluster_client import CoreClients
from contracts.gen.exchange.v1 import admin_pb2, types_pb2
from core.codes import OK, REJECT_NAMES

DEADLINE_S: Final = 10.0


class CommandRefused(Exception):
    """The core said no to an operator's command; the text has the step, the code, the detail."""


class Operator:
    """Who does it, why, and under which ticket: 1 to 128 bytes each, the reason up to 256."""

    def __init__(self, core: CoreClients, name: str, reason: str, ticket: str) -> None:
        self.audit = types_pb2.AuditNote(operator=name, reason=reason, ticket=ticket)
        self._core = core

    async def set_version(self, version: int) -> None:
        """Puts a machine version in force, unless it is already."""
        request = admin_pb2.SetMachineVersionRequest(audit=self.audit, version=version)
        answer = await self._core.admin.SetMachineVersion(request, timeout=DEADLINE_S)
        accepted(answer, f"machine version {version}")

    async def list_asset(self, name: str, scale: int) -> int:
        """The asset's id. `scale`: decimal places of its minimal unit."""
        request = admin_pb2.ListAssetRequest(audit=self.audit, name=name, scale=scale)
        answer = await self._core.admin.ListAsset(request, timeout=DEADLINE_S)
        return int(accepted(answer, f"listing of {name}").id)

    async def list_symbol(self, **terms: Any) -> int:
        """The symbol's id. `terms` are the fields of `ListSymbolRequest`."""
        request = admin_pb2.ListSymbolRequest(audit=self.audit, **terms)
        answer = await self._core.admin.ListSymbol(request, timeout=DEADLINE_S)
        return int(accepted(answer, f"listing of {request.name}").id)

    async def open_account(self, reference: str) -> int:
        """The account's id: the same reference opens one account, ever."""
        request = admin_pb2.OpenAccountRequest(
            audit=self.audit, metadata=types_pb2.CommandMetadata(idempotency_key=reference)
        )
        answer = await self._core.admin.OpenAccount(request, timeout=DEADLINE_S)
        return int(accepted(answer, f"opening of {reference}").id)

    async def deposit(self, account: int, asset: str, amount_units: int, reference: str) -> None:
        """Made once for a reference, however often it is asked for."""
        metadata = types_pb2.CommandMetadata(user_id=str(account), idempotency_key=reference)
        request = admin_pb2.DepositRequest(
            audit=self.audit, metadata=metadata, asset=asset, amount_units=amount_units
        )
        answer = await self._core.admin.Deposit(request, timeout=DEADLINE_S)
        accepted(answer, f"deposit of {asset} to account {account}")


def accepted(response: Any, what: str) -> types_pb2.Reply:
    """The reply that every command's response carries. Raises `CommandRefused`."""
    reply: types_pb2.Reply = response.reply
    if reply.code != OK:
        raise CommandRefused(f"{what}: {REJECT_NAMES[reply.code]} (detail {reply.detail})")
    return reply
