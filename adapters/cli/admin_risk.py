"""`lockstep admin rules|limits|restrict|reference|fees|group`: what holds for markets and accounts.

Why it exists: limits are set by people, with a reason and a ticket, and each flag has the name that
docs/risk.md explains. Numbers are the machine's: ticks, lots and units of the quote asset. It must
not know what a rule does.
"""

import argparse
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from adapters.cli.admin_calls import DEADLINE_S, Context, result
from adapters.cli.numbers import whole
from adapters.rpc_rules import OWN, public, tier_messages
from contracts.gen.exchange.v1 import admin_pb2 as admin
from contracts.gen.exchange.v1 import types_pb2 as types
from core.codes import ACCOUNT_STATE_NAMES, MODE_NAMES
from core.commands import RULE_NAMES, Tier
from core.fees import TIER_WORDS

Adder = Callable[[str, str], Any]

WITHDRAWALS: Final = ("open", "halted")
ACTIONS: Final = ("CANCEL_ONLY", "AUCTION")
EVERYBODY: Final = "0"


def add_arguments(command: Adder) -> None:
    rules = command("rules", "sets all rules of a market; what is not named is no rule")
    rules.add_argument("symbol")
    for name in RULE_NAMES:
        flag = "--" + name.replace("_", "-")
        if name == "action":
            rules.add_argument(flag, choices=ACTIONS, help="what the breaker does")
        else:
            rules.add_argument(flag, type=whole(), default=0, metavar="N")
    limits = command("limits", "sets an account's own limits in a market: 0 as the market, -1 none")
    limits.add_argument("symbol")
    limits.add_argument("--account", required=True, metavar="ID")
    limits.add_argument("--kill", action="store_true", help="it may only cancel, all is canceled")
    for name in OWN:
        limits.add_argument("--" + name.replace("_", "-"), type=whole(), default=0, metavar="N")
    restrict = command("restrict", "says what an account may do; account 0 is everybody")
    restrict.add_argument("--account", required=True, metavar="ID")
    restrict.add_argument("--state", choices=ACCOUNT_STATE_NAMES, help="(required, not with 0)")
    restrict.add_argument("--withdrawals", choices=WITHDRAWALS, help="(required)")
    restrict.add_argument(
        "--no-withdrawals", action="store_const", dest="withdrawals", const="halted",
        help="--withdrawals halted",
    )  # fmt: skip
    reference = command("reference", "sets a market's reference price, in ticks; 0 is none")
    reference.add_argument("symbol")
    reference.add_argument("price", type=whole(), metavar="TICKS")
    fees = command("fees", "sets a schedule of fees: of a market, an account, or one in the other")
    fees.add_argument("symbol", nargs="?", default="", help="(every market; one tier at most)")
    fees.add_argument("--account", metavar="ID", default="", help="(everybody)")
    fees.add_argument(
        "--tier",
        action="append",
        default=[],
        type=_tier,
        metavar="VOLUME:MAKER:TAKER",
        help="from so many quote units of 30 days on, ppm; at most 6; without any it is taken away",
    )
    group = command("group", "puts an account into a group that does not trade with itself")
    group.add_argument("--account", required=True, metavar="ID")
    group.add_argument("--group", type=whole(), required=True, metavar="N", help="0 is none")


def _tier(text: str) -> Tier:
    """`VOLUME:MAKER:TAKER` as three numbers. Raises `ArgumentTypeError`."""
    parts = text.split(":")
    if len(parts) != TIER_WORDS:
        raise argparse.ArgumentTypeError(f"{text}: must be VOLUME:MAKER:TAKER")
    read = whole()
    volume, maker, taker = (read(part) for part in parts)
    return volume, maker, taker


def check(a: argparse.Namespace) -> None:
    """What the parser cannot say. Raises `ValueError`.

    The command sets state and withdrawals at once: what a person leaves out would change, too, and
    a halt of withdrawals would let a frozen account go.
    """
    if a.what != "restrict":
        return
    missing = [] if a.withdrawals else ["--withdrawals open|halted"]
    if a.account == EVERYBODY:
        if a.state is not None:
            raise ValueError(f"--state: account {EVERYBODY} is everybody, who has no state")
    elif a.state is None:
        missing.insert(0, "--state " + "|".join(ACCOUNT_STATE_NAMES))
    if missing:
        raise ValueError(f"restrict sets all at once; say {' and '.join(missing)}, too")


def _of(c: Context) -> types.CommandMetadata:
    return types.CommandMetadata(
        user_id=getattr(c.a, "account", ""), symbol=getattr(c.a, "symbol", "")
    )


def _limits(c: Context) -> admin.AccountLimits:
    return admin.AccountLimits(**{public(name): getattr(c.a, name) for name in OWN})


async def rules(c: Context) -> dict[str, Any]:
    message = admin.MarketRules(of_each_account=_limits(c))
    for name in RULE_NAMES[:-6]:
        value = getattr(c.a, name)
        if name == "action":
            value = MODE_NAMES.index(value) + 1 if value else 0
        setattr(message, public(name), value)
    request = admin.SetMarketRulesRequest(metadata=_of(c), audit=c.audit, rules=message)
    return result(await c.core.admin.SetMarketRules(request, timeout=DEADLINE_S))


async def limits(c: Context) -> dict[str, Any]:
    request = admin.SetAccountLimitsRequest(
        metadata=_of(c), audit=c.audit, limits=_limits(c), killed=c.a.kill
    )
    return result(await c.core.admin.SetAccountLimits(request, timeout=DEADLINE_S))


async def restrict(c: Context) -> dict[str, Any]:
    request = admin.RestrictAccountRequest(
        metadata=_of(c), audit=c.audit, withdrawals_halted=c.a.withdrawals == "halted",
        state=cast("admin.AccountState", ACCOUNT_STATE_NAMES.index(c.a.state or "ACTIVE") + 1),
    )  # fmt: skip
    return result(await c.core.admin.RestrictAccount(request, timeout=DEADLINE_S))


async def reference(c: Context) -> dict[str, Any]:
    request = admin.SetReferencePriceRequest(metadata=_of(c), audit=c.audit, price_ticks=c.a.price)
    return result(await c.core.admin.SetReferencePrice(request, timeout=DEADLINE_S))


async def fees(c: Context) -> dict[str, Any]:
    request = admin.SetFeesRequest(metadata=_of(c), audit=c.audit, tiers=tier_messages(c.a.tier))
    return result(await c.core.admin.SetFees(request, timeout=DEADLINE_S))


async def group(c: Context) -> dict[str, Any]:
    request = admin.SetSelfTradeGroupRequest(metadata=_of(c), audit=c.audit, group=c.a.group)
    return result(await c.core.admin.SetSelfTradeGroup(request, timeout=DEADLINE_S))


CALLS: Final[dict[str, Callable[[Context], Awaitable[dict[str, Any]]]]] = {
    "rules": rules, "limits": limits, "restrict": restrict, "reference": reference, "fees": fees,
    "group": group,
}  # fmt: skip
