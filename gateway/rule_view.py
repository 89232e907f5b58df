"""What operators have laid down for markets and accounts, folded from the log.

Why it exists: a refusal carries a code and a number, and which of several rules it was can only be
told by who knows the rules; and clients want to read them before they break them. It must not know
orders, HTTP or decimal strings: prices are ticks, quantities lots. What it says is as of the fold:
the machine alone decides.

Bounded by the machine's own tables: a row for each symbol, and one for each account, and account in
a symbol, that an operator has named and that differs from the default.
"""

from typing import Final, NamedTuple

from core.commands import RULE_NAMES, Tier
from core.limits import OPEN_ORDERS_PER_ACCOUNT_DEFAULT
from core.rules import OWN_RULES, RULES, U_POSITION

_NOTHING: Final = (0,) * RULES
_NO_DESK: Final = (0,) * (OWN_RULES + 1)
_PLACES: Final = {name: at for at, name in enumerate(RULE_NAMES)}


class MarketLaw(NamedTuple):
    """All rules of one market, by `RULE_NAMES`; `reference`: the price that was set, 0 = none."""

    rules: tuple[int, ...]
    reference: int

    def get(self, name: str) -> int:
        return self.rules[_PLACES[name]]


class RuleView:
    """The fold and its questions. The handlers are called by `gateway.fold` in log order."""

    def __init__(self) -> None:
        self.open_orders_max = OPEN_ORDERS_PER_ACCOUNT_DEFAULT
        """Of one account in all markets."""
        self._rules: dict[int, tuple[int, ...]] = {}
        self._references: dict[int, int] = {}
        self._desks: dict[tuple[int, int], tuple[int, ...]] = {}
        self._states: dict[int, int] = {}
        self._fees: dict[int, tuple[Tier, ...]] = {}

    def market(self, symbol: int) -> MarketLaw:
        return MarketLaw(self._rules.get(symbol, _NOTHING), self._references.get(symbol, 0))

    def limit(self, account: int, symbol: int, name: str) -> int:
        """What holds for the account in the market, of the last six rules; 0: nothing."""
        place = _PLACES[name]
        own = self._desk(account, symbol)[place - U_POSITION]
        if own != 0:
            return max(own, 0)
        return self._rules.get(symbol, _NOTHING)[place]

    def is_killed(self, account: int, symbol: int) -> bool:
        """Whether it may only cancel in this market."""
        return self._desk(account, symbol)[OWN_RULES] != 0

    def state(self, account: int) -> int:
        """The place of its state in `ACCOUNT_STATE_NAMES`."""
        return self._states.get(account, 0)

    def fees(self, symbol: int) -> tuple[Tier, ...]:
        """Everybody's schedule in the market; empty: the listing's rates hold."""
        return self._fees.get(symbol, ())

    def _desk(self, account: int, symbol: int) -> tuple[int, ...]:
        return self._desks.get((account, symbol), _NO_DESK)

    # --- from the log --------------------------------------------------------------------------

    def limits_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        self.open_orders_max = row[2]

    def rules_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        self._rules[row[0] >> 16 & 0xFFFF] = row[2 : 2 + RULES]

    def reference_set(self, row: tuple[int, ...], _ts_ns: int) -> None:
        self._references[row[0] >> 16 & 0xFFFF] = row[2]

    def desk_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        where = (row[2], row[0] >> 16 & 0xFFFF)
        if any(row[3:10]):
            self._desks[where] = row[3:10]
        else:
            self._desks.pop(where, None)

    def account_restricted(self, row: tuple[int, ...], _ts_ns: int) -> None:
        if row[3]:
            self._states[row[2]] = row[3]
        else:
            self._states.pop(row[2], None)

    def fees_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        """Of everybody in one market; an account's own schedule is not public."""
        symbol = row[0] >> 16 & 0xFFFF
        if row[2] == 0:
            tiers = range(5, 5 + 3 * row[4], 3)
            self._fees[symbol] = tuple((row[at], row[at + 1], row[at + 2]) for at in tiers)
