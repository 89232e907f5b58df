"""Rules of markets and accounts between the public messages and the machine's numbers.

Why it exists: the call and the event share names, and one that is read into another rule than it is
told from would pass every other test.
"""

from types import SimpleNamespace

import pytest

from adapters.rpc_rules import (
    OWN, limits_message, limits_of, public, rules_message, rules_of, tier_messages, tiers_of,
)  # fmt: skip
from contracts.gen.exchange.v1 import admin_pb2 as admin
from core.codes import MODE_AUCTION, MODE_CANCEL_ONLY
from core.commands import RULE_NAMES


@pytest.mark.parametrize("action", [0, MODE_CANCEL_ONLY, MODE_AUCTION])
def test_every_rule_comes_back_as_itself(action: int) -> None:
    rules = {name: 100 + at for at, name in enumerate(RULE_NAMES)} | {"action": action}
    message = rules_message(SimpleNamespace(**rules))
    assert rules_of(message) == rules
    assert rules_of(admin.MarketRules.FromString(message.SerializeToString())) == rules


def test_an_accounts_limits_may_be_none_at_all() -> None:
    limits = {name: at - 1 for at, name in enumerate(OWN)}
    message = limits_message(SimpleNamespace(**limits))
    assert message.max_position_lots == -1
    assert limits_of(message) == limits


def test_every_public_field_is_a_rule() -> None:
    fields = {field.name for field in admin.MarketRules.DESCRIPTOR.fields} - {"of_each_account"}
    assert fields == {public(name) for name in RULE_NAMES if name not in OWN}
    assert {f.name for f in admin.AccountLimits.DESCRIPTOR.fields} == {public(n) for n in OWN}


def test_tiers_come_back_as_themselves() -> None:
    tiers = [(0, 1_000, 2_000), (5_000, -300, 400)]
    assert tiers_of(tier_messages(tiers)) == tiers
    assert tier_messages(tiers)[1] == admin.FeeTier(
        volume_units=5_000, maker_ppm=-300, taker_ppm=400
    )
