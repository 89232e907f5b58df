"""The part of AdminService that lays down rules: of markets, of accounts in them, of accounts.

Why it exists: see `rpc_admin`; these calls are many fields each. It must not know what a rule does.
"""

from typing import Any

from adapters.rpc_calls import Context
from adapters.rpc_cluster import ClusterServicer
from adapters.rpc_codec import FieldError, account_of, enum_of
from adapters.rpc_directory import Directory
from adapters.rpc_rules import limits_of, rules_of, tiers_of
from contracts.gen.exchange.v1 import admin_pb2 as pb
from core import commands
from core.codes import CMD_SET_ACCOUNT, CMD_SET_DESK, CMD_SET_FEES, CMD_SET_REFERENCE, CMD_SET_RULES
from core.fees import TIERS_MAX

UNLISTED: int = 0
"""Ids start at 1: the machine itself answers for a name that is not listed."""


class RiskServicer(ClusterServicer):
    """Has the directory of names, and the way that every operator's command goes."""

    _directory: Directory

    async def _symbol(self, request: Any) -> int:
        name = request.metadata.symbol
        ids = await self._directory.symbol_ids({name}) if name else {}
        return ids.get(name, UNLISTED)

    async def SetMarketRules(  # noqa: N802  the name is the protocol's
        self, request: pb.SetMarketRulesRequest, context: Context
    ) -> pb.SetMarketRulesResponse:
        symbol = await self._symbol(request)

        def record() -> bytes:
            return commands.set_rules(symbol, **rules_of(request.rules))

        return await self._calls.operate(
            request, record, CMD_SET_RULES, context, pb.SetMarketRulesResponse
        )

    async def SetAccountLimits(  # noqa: N802
        self, request: pb.SetAccountLimitsRequest, context: Context
    ) -> pb.SetAccountLimitsResponse:
        symbol = await self._symbol(request)

        def record() -> bytes:
            account = account_of(request.metadata.user_id, "metadata.user_id")
            return commands.set_desk(
                account, symbol, int(request.killed), **limits_of(request.limits)
            )

        return await self._calls.operate(
            request, record, CMD_SET_DESK, context, pb.SetAccountLimitsResponse
        )

    async def RestrictAccount(  # noqa: N802
        self, request: pb.RestrictAccountRequest, context: Context
    ) -> pb.RestrictAccountResponse:
        def record() -> bytes:
            account = account_of(request.metadata.user_id, "metadata.user_id", 0)
            state = enum_of(request.state, pb.ACCOUNT_STATE_FROZEN, "state")
            return commands.set_account(account, state, int(request.withdrawals_halted))

        return await self._calls.operate(
            request, record, CMD_SET_ACCOUNT, context, pb.RestrictAccountResponse
        )

    async def SetReferencePrice(  # noqa: N802
        self, request: pb.SetReferencePriceRequest, context: Context
    ) -> pb.SetReferencePriceResponse:
        symbol = await self._symbol(request)

        def record() -> bytes:
            return commands.set_reference(symbol, request.price_ticks)

        return await self._calls.operate(
            request, record, CMD_SET_REFERENCE, context, pb.SetReferencePriceResponse
        )

    async def SetFees(  # noqa: N802
        self, request: pb.SetFeesRequest, context: Context
    ) -> pb.SetFeesResponse:
        symbol = await self._symbol(request)

        def record() -> bytes:
            if request.metadata.symbol and symbol == UNLISTED:
                raise FieldError("metadata.symbol: must be a listed symbol")
            if len(request.tiers) > TIERS_MAX:
                raise FieldError(f"tiers: must be at most {TIERS_MAX}")
            user = request.metadata.user_id
            account = account_of(user, "metadata.user_id") if user else 0
            return commands.set_fees(account, symbol, tiers_of(request.tiers))

        return await self._calls.operate(request, record, CMD_SET_FEES, context, pb.SetFeesResponse)
