"""Rules of markets and accounts between the public messages and the machine's numbers.

Why it exists: the same rules are set by an operator's call and told by an event, and a name that
stands for one number in one direction must stand for it in the other. It must not know calls.
"""

from collections.abc import Iterable
from typing import Any, Final, cast

from contracts.gen.exchange.v1 import admin_pb2 as admin
from contracts.gen.exchange.v1 import types_pb2 as types
from core.commands import RULE_NAMES, Tier

_PUBLIC: Final = {
    "tick_step": "tick_step_ticks", "lot_step": "lot_step_lots", "min_qty": "min_qty_lots",
    "max_position": "max_position_lots", "rate": "rate_per_s",
    "daily_notional": "daily_notional_units",
}  # fmt: skip
"""Where the public name also says the unit."""
OWN: Final = RULE_NAMES[-6:]


def public(rule: str) -> str:
    return _PUBLIC.get(rule, rule)


def rules_of(rules: admin.MarketRules) -> dict[str, int]:
    """The machine's rules, by name."""
    found = {name: int(getattr(rules, public(name))) for name in RULE_NAMES[:-6]}
    found["action"] = max(0, found["action"] - 1)
    return found | limits_of(rules.of_each_account)


def limits_of(limits: admin.AccountLimits) -> dict[str, int]:
    return {name: int(getattr(limits, public(name))) for name in OWN}


def rules_message(rules: Any) -> admin.MarketRules:
    """`rules` has them as attributes."""
    message = admin.MarketRules(of_each_account=limits_message(rules))
    for name in RULE_NAMES[:-6]:
        value = getattr(rules, name)
        if name == "action":
            value = value + 1 if value else 0
        setattr(message, public(name), value)
    return message


def limits_message(limits: Any) -> admin.AccountLimits:
    return admin.AccountLimits(**{public(name): getattr(limits, name) for name in OWN})


def mode_message(mode: int) -> types.SymbolMode:
    return cast("types.SymbolMode", mode + 1)


def tiers_of(messages: Iterable[admin.FeeTier]) -> list[Tier]:
    return [(tier.volume_units, tier.maker_ppm, tier.taker_ppm) for tier in messages]


def tier_messages(tiers: Iterable[Tier]) -> list[admin.FeeTier]:
    return [
        admin.FeeTier(volume_units=volume, maker_ppm=maker, taker_ppm=taker)
        for volume, maker, taker in tiers
    ]
