"""The little language of the golden scenarios: one line, one command.

Why it exists: a scenario is read far more often than it is written, so it speaks of alice,
BTC-KRW and o1, not of numbers. Here words become the bytes of commands; names are resolved by the
registry, which learns them from the events. README.md beside this file describes the language.
"""

import re
from dataclasses import dataclass, field

from core import codes
from core import commands as c
from core import transfer_commands as tc
from core.events import (
    AccountOpened,
    AnyEvent,
    AssetListed,
    OrderAccepted,
    OrderListChanged,
    SymbolListed,
)

_UNITS_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


class ScriptError(Exception):
    """A line that the language does not have: the scenario's author is at fault."""


def number(word: str) -> int:
    """`12_000`, `-3`, `2^62`, `2^62+1`, `2^53-1`."""
    match = re.fullmatch(r"(-?)2\^(\d+)([+-]\d+)?", word)
    if match:
        value = 1 << int(match[2])
        return (-value if match[1] else value) + int(match[3] or 0)
    try:
        return int(word)
    except ValueError:
        raise ScriptError(f"{word!r} is not a number") from None


def duration_ns(word: str) -> int:
    match = re.fullmatch(r"(\d+)(ns|us|ms|s|m|h)", word)
    if match:
        return int(match[1]) * _UNITS_NS[match[2]]
    return number(word)


def _code(word: str, names: tuple[str, ...]) -> int:
    """A code by its name, in any case, or as a bare number to try one that has no name."""
    upper = word.upper()
    return names.index(upper) if upper in names else number(word)


@dataclass
class Registry:
    """Which name stands for which id."""

    accounts: dict[str, int] = field(default_factory=lambda: {"house": 1, "everyone": 0})
    assets: dict[str, int] = field(default_factory=dict)
    symbols: dict[str, int] = field(default_factory=lambda: {"any": 0})
    specs: dict[int, SymbolListed] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    keys: dict[c.Key, str] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    start_ns: int = 0
    """When the scenario's clock began: `until=5s` counts from there."""

    def key(self, word: str | None) -> c.Key:
        """The 128 bits of a name; `none` or no word at all is (0, 0)."""
        if word is None or word == "none":
            return c.NO_KEY
        key = c.key128(word)
        self.keys[key] = word
        return key

    def learn(self, event: AnyEvent, alias: str | None) -> None:
        if isinstance(event, AccountOpened):
            self.accounts[self.keys[event.ref_hi, event.ref_lo]] = event.account
        elif isinstance(event, AssetListed):
            self.assets[event.name] = event.asset
        elif isinstance(event, SymbolListed):
            self.symbols[event.name] = event.symbol
            self.specs[event.symbol] = event
        elif isinstance(event, OrderAccepted):
            self.accepted += 1
            self.orders[alias or f"o{self.accepted}"] = event.order_id
        elif isinstance(event, OrderListChanged) and event.list_state == codes.LIST_EXECUTING:
            self.lists[f"list{len(self.lists) + 1}"] = event.list_id

    @staticmethod
    def find(table: dict[str, int], word: str) -> int:
        return table[word] if word in table else number(word)

    @staticmethod
    def name(table: dict[str, int], id_: int) -> str:
        return next((name for name, known in table.items() if known == id_), str(id_))


@dataclass
class Line:
    """One command's words; options `name=value` apart."""

    words: list[str]
    options: dict[str, str]
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Line":
        words, options = [], {}
        for word in text.split():
            name, equals, value = word.partition("=")
            if equals:
                options[name] = value
            else:
                words.append(word)
        return cls(words, options, options.pop("as", None))

    def take(self) -> str:
        if not self.words:
            raise ScriptError("a word is missing")
        return self.words.pop(0)

    def option(self, name: str, default: str | None = None) -> str:
        value = self.options.pop(name, default)
        if value is None:
            raise ScriptError(f"{name}=… is missing")
        return value

    def end(self) -> None:
        if self.words or self.options:
            raise ScriptError(f"too much: {self.words} {self.options}")


class Compiler:
    """Lines to records. Deposits without `ref=` get a reference of their own."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._references = 0

    def compile(self, line: Line) -> bytes:
        verb = line.take().replace("-", "_")
        method = getattr(self, f"_do_{verb}", None)
        if method is None:
            raise ScriptError(f"no such command: {verb}")
        record: bytes = method(line)
        line.end()
        return record

    def _account(self, line: Line) -> int:
        return self.registry.find(self.registry.accounts, line.take())

    def _asset(self, word: str) -> int:
        return self.registry.find(self.registry.assets, word)

    def _symbol(self, line: Line) -> int:
        return self.registry.find(self.registry.symbols, line.take())

    def _order(self, line: Line) -> int:
        return self.registry.find(self.registry.orders, line.take())

    def _key(self, line: Line) -> c.Key:
        return self.registry.key(line.options.pop("key", None))

    def _reference(self, line: Line) -> c.Key:
        self._references += 1
        return self.registry.key(line.option("ref", f"auto-{self._references}"))

    def _do_place(self, line: Line) -> bytes:
        account, symbol = self._account(line), self._symbol(line)
        side = _code(line.take(), codes.SIDE_NAMES)
        order_type = _code(line.take(), codes.ORDER_TYPE_NAMES)
        time_in_force = _code(line.take(), codes.TIME_IN_FORCE_NAMES)
        price, qty, by_quote = _measure(line)
        client = self.registry.key(line.options.pop("client", None))
        flags = number(line.option("flags", "0"))
        record = c.place(
            account, symbol, side, order_type, time_in_force, price, qty, self._key(line), client,
            by_quote=by_quote,
        )  # fmt: skip
        head = int.from_bytes(record[:8], "little") | flags << 44
        return head.to_bytes(8, "little") + record[8:]

    def _do_place_terms(self, line: Line) -> bytes:
        """`place` with options that PLACE does not have; see the README."""
        account, symbol = self._account(line), self._symbol(line)
        side = _code(line.take(), codes.SIDE_NAMES)
        order_type = _code(line.take(), codes.ORDER_TYPE_NAMES)
        time_in_force = _code(line.take(), codes.TIME_IN_FORCE_NAMES)
        price, qty, by_quote = _measure(line)
        stp = self._words(line, "stp")
        line.options.pop("stp", None)
        return c.place_terms(
            account, symbol, side, order_type, time_in_force, price=price, qty=qty,
            key=self._key(line), client=self.registry.key(line.options.pop("client", None)),
            by_group="group" in stp, stp=_code(stp[0], codes.STP_NAMES),
            min_qty=number(line.option("min", "0")), peg_offset=number(line.option("peg", "0")),
            **self._terms(line, by_quote),
        )  # fmt: skip

    @staticmethod
    def _words(line: Line, name: str) -> list[str]:
        return line.options.get(name, "none").split("/")

    def _terms(self, line: Line, by_quote: bool) -> dict[str, int]:
        """What an order and a leg of a list have in common."""
        trail = line.option("trail", "0")
        flags = number(line.option("flags", "0")) | (c.FLAG_BY_QUOTE if by_quote else 0)
        flags |= c.FLAG_TRAIL_BPS if trail.endswith("bps") else 0
        for word, flag in (("slide", c.FLAG_SLIDE), ("other", c.FLAG_PEG_OTHER)):
            if word in line.words:
                line.words.remove(word)
                flags |= flag
        expire = line.option("until", "0")
        return {
            "flags": flags,
            "trail": number(trail.removesuffix("bps")),
            "trigger": number(line.option("at", "0")),
            "display": number(line.option("show", "0")),
            "expire_ns": self.registry.start_ns + duration_ns(expire) if expire != "0" else 0,
        }

    def _do_list(self, line: Line) -> bytes:
        """`list ACCOUNT SYMBOL oco|oto|otoco LEG / LEG [/ LEG]`."""
        account, symbol = self._account(line), self._symbol(line)
        kind = _code(line.take(), codes.LIST_KIND_NAMES)
        client = self.registry.key(line.options.pop("client", None))
        key, stp = self._key(line), self._words(line, "stp")
        line.options.pop("stp", None)
        legs = []
        for text in " ".join(line.words).split(" / "):
            leg = Line.parse(text.replace("~", "="))
            side = _code(leg.take(), codes.SIDE_NAMES)
            order_type = _code(leg.take(), codes.ORDER_TYPE_NAMES)
            time_in_force = _code(leg.take(), codes.TIME_IN_FORCE_NAMES)
            price, qty, by_quote = _measure(leg)
            legs.append(c.leg(
                side, order_type, time_in_force, price=price, qty=qty,
                client=self.registry.key(leg.options.pop("client", None)),
                **self._terms(leg, by_quote),
            ))  # fmt: skip
            leg.end()
        line.words = []
        return c.place_list(
            account, symbol, kind, legs, key=key, client=client, by_group="group" in stp,
            stp=_code(stp[0], codes.STP_NAMES),
        )  # fmt: skip

    def _do_cancel_after(self, line: Line) -> bytes:
        account, symbol = self._account(line), self._symbol(line)
        return c.cancel_after(account, symbol, duration_ns(line.take()), self._key(line))

    def _do_rules(self, line: Line) -> bytes:
        """`rules SYMBOL [NAME=N ...]`, by the names of `core.commands.RULE_NAMES`."""
        return c.set_rules(self._symbol(line), **self._rules(line, c.RULE_NAMES))

    @staticmethod
    def _rules(line: Line, names: tuple[str, ...]) -> dict[str, int]:
        found = {name: line.options.pop(name) for name in names if name in line.options}
        rules = {name: duration_ns(text) for name, text in found.items() if name != "action"}
        if "action" in found:
            rules["action"] = _code(found["action"], codes.MODE_NAMES)
        return rules

    def _do_desk(self, line: Line) -> bytes:
        """`desk ACCOUNT SYMBOL [kill] [NAME=N ...]`."""
        account, symbol = self._account(line), self._symbol(line)
        killed = "kill" in line.words
        line.words = []
        return c.set_desk(account, symbol, killed, **self._rules(line, c.RULE_NAMES[-6:]))

    def _do_restrict(self, line: Line) -> bytes:
        """`restrict ACCOUNT STATE [no-withdrawals]`."""
        account = self._account(line)
        state = _code(line.take(), codes.ACCOUNT_STATE_NAMES)
        halted = line.words == ["no-withdrawals"]
        line.words = []
        return c.set_account(account, state, halted)

    def _do_reference(self, line: Line) -> bytes:
        return c.set_reference(self._symbol(line), number(line.take()))

    def _do_fees(self, line: Line) -> bytes:
        """`fees ACCOUNT|everyone SYMBOL|any [VOLUME:MAKER:TAKER ...]`."""
        account, symbol = self._account(line), self._symbol(line)
        tiers = [tuple(number(part) for part in word.split(":")) for word in line.words]
        line.words = []
        return c.set_fees(account, symbol, [(tier[0], tier[1], tier[2]) for tier in tiers])

    def _do_group(self, line: Line) -> bytes:
        return c.set_group(self._account(line), number(line.take()))

    def _do_cancel(self, line: Line) -> bytes:
        account, symbol, order = self._account(line), self._symbol(line), self._order(line)
        return c.cancel(account, symbol, order, self._key(line))

    def _do_amend(self, line: Line) -> bytes:
        account, symbol, order = self._account(line), self._symbol(line), self._order(line)
        price = number(line.take())
        if line.take() != "x":
            raise ScriptError("amend ACCOUNT SYMBOL ORDER PRICE x TOTAL_LOTS")
        qty = number(line.take())
        trigger = number(line.option("at", "0"))
        return c.amend(account, symbol, order, price, qty, self._key(line), trigger)

    def _do_cancel_all(self, line: Line) -> bytes:
        account, symbol = self._account(line), self._symbol(line)
        filters = {"buys": 1, "sells": 2, "resting": 4, "parked": 8}
        what = sum(filters[word] for word in line.words if word in filters)
        what |= number(line.option("what", "0"))
        line.words = [word for word in line.words if word not in filters]
        low, high = line.option("price", "0..0").split("..")
        return c.cancel_all(
            account, symbol, self._key(line), what, number(low or "0"), number(high or "0")
        )

    def _do_mode(self, line: Line) -> bytes:
        symbol, mode = self._symbol(line), _code(line.take(), codes.MODE_NAMES)
        until = line.option("until", "0")
        until_ns = self.registry.start_ns + duration_ns(until) if until != "0" else 0
        return c.set_mode(symbol, mode, self._key(line), until_ns)

    def _do_deposit(self, line: Line) -> bytes:
        account, asset = self._account(line), self._asset(line.take())
        return c.deposit(account, asset, number(line.take()), self._reference(line))

    def _do_withdraw(self, line: Line) -> bytes:
        account, asset = self._account(line), self._asset(line.take())
        return c.withdraw(account, asset, number(line.take()), self._reference(line))

    def _transfer(self, line: Line) -> c.Key:
        return self.registry.key(line.option("id"))

    def _do_transfer_out(self, line: Line) -> bytes:
        """`transfer-out ACCOUNT ASSET UNITS id=T to=PARTITION/ACCOUNT by=5s`."""
        account, asset, amount = self._account(line), self._asset(line.take()), number(line.take())
        return tc.transfer_out(
            account, asset, amount, self._transfer(line), *self._there(line, "to"), self._by(line)
        )

    @staticmethod
    def _there(line: Line, option: str) -> tuple[int, int]:
        partition, _, account = line.option(option).partition("/")
        return number(partition), number(account)

    def _do_transfer_in(self, line: Line) -> bytes:
        """`transfer-in ACCOUNT ASSET UNITS id=T from=PARTITION/ACCOUNT by=5s`."""
        account, asset, amount = self._account(line), self._asset(line.take()), number(line.take())
        return tc.transfer_in(
            account, asset, amount, self._transfer(line), *self._there(line, "from"),
            self._by(line),
        )  # fmt: skip

    def _by(self, line: Line) -> int:
        return self.registry.start_ns + duration_ns(line.option("by"))

    def _do_transfer_void(self, line: Line) -> bytes:
        return tc.transfer_void(self._transfer(line), number(line.option("from")))

    def _do_transfer_end(self, line: Line) -> bytes:
        """`transfer-end confirm|refund id=T proof=SEQ`."""
        outcome = _code(line.take(), ("NONE", "CONFIRM", "REFUND"))
        proof = number(line.option("proof"))
        return tc.transfer_end(self._transfer(line), outcome, proof)

    def _do_open(self, line: Line) -> bytes:
        return c.open_account(self.registry.key(line.take()))

    def _do_asset(self, line: Line) -> bytes:
        name, scale = line.take(), number(line.take())
        return _named(c.list_asset("?", scale), name)

    def _do_symbol(self, line: Line) -> bytes:
        name = line.take()
        min_price, max_price = line.option("price", "1..1000").split("..")
        min_notional, max_notional = line.option("notional", "0..1_000_000").split("..")
        maker, taker = line.option("fees", "0/0").split("/")
        record = c.list_symbol(
            "?", self._asset(line.option("base", "BTC")), self._asset(line.option("quote", "KRW")),
            tick_units=number(line.option("tick", "1000")),
            lot_units=number(line.option("lot", "10")), min_price=number(min_price),
            max_price=number(max_price), max_qty=number(line.option("qty", "1000")),
            min_notional=number(min_notional), max_notional=number(max_notional),
            maker_ppm=number(maker), taker_ppm=number(taker),
        )  # fmt: skip
        return _named(record, name)

    def _do_checkpoint(self, line: Line) -> bytes:
        return c.checkpoint(number(line.option("claims", "0")))

    def _do_version(self, line: Line) -> bytes:
        return c.set_version(number(line.take()))

    def _do_limits(self, line: Line) -> bytes:
        return c.set_limits(
            number(line.option("orders", "10_000")), duration_ns(line.option("window", "24h")),
            number(line.option("rows", str(1 << 22))),
        )  # fmt: skip


def _measure(line: Line) -> tuple[int, int, bool]:
    """`[PRICE] x LOTS` or `[PRICE] quote UNITS`: price, size, and whether it is by quote."""
    price = 0 if line.words[:1] in (["x"], ["quote"]) else number(line.take())
    measure = line.take()
    if measure not in ("x", "quote"):
        raise ScriptError(f"{measure!r} is neither x LOTS nor quote UNITS")
    return price, number(line.take()), measure == "quote"


def _named(record: bytes, name: str) -> bytes:
    r"""Write a name into words 4 and 5 as it stands; `\xNN` writes any byte."""
    raw = name.encode("latin-1").decode("unicode_escape").encode("latin-1")
    if len(raw) > 16:
        raise ScriptError(f"{name!r} is longer than two words")
    return record[:32] + raw.ljust(16, b"\0") + record[48:]
