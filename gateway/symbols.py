"""Symbols and assets as clients know them: names and decimal scales, folded from the log.

Why it exists: every number on the wire is scaled by the symbol's assets, ticks and lots, and the
machine says those once, in `AssetListed` and `SymbolListed`. It must not know orders or books.
"""

import msgspec

from core import codes
from core.events import AssetListed, SymbolListed, decode_event
from gateway.decimals import format_units, parse_amount, parse_price, parse_qty
from gateway.problems import Refused, rejected


class Asset(msgspec.Struct, frozen=True):
    id: int
    name: str
    scale: int


class Symbol(msgspec.Struct):
    """One market. `mode` moves with the log; the rest is fixed when the symbol is listed."""

    id: int
    name: str
    base: Asset
    quote: Asset
    tick_units: int
    lot_units: int
    tick_value: int
    min_price: int
    max_price: int
    max_qty: int
    min_notional: int
    max_notional: int
    maker_ppm: int
    taker_ppm: int
    mode: int = codes.MODE_NORMAL

    def price_text(self, ticks: int) -> str:
        return format_units(ticks * self.tick_units, self.quote.scale)

    def qty_text(self, lots: int) -> str:
        return format_units(lots * self.lot_units, self.base.scale)

    def quote_text(self, units: int) -> str:
        return format_units(units, self.quote.scale)

    def ticks(self, text: str, field: str = "price") -> int:
        return parse_price(text, self.quote.scale, self.tick_units, field)

    def lots(self, text: str, field: str = "qty") -> int:
        return parse_qty(text, self.base.scale, self.lot_units, field)

    def quote_units(self, text: str) -> int:
        return parse_amount(text, self.quote.scale, "quoteQty")


class Symbols:
    """The fold. `by_name` and `by_id` are read directly by the handlers."""

    def __init__(self) -> None:
        self.by_name: dict[str, Symbol] = {}
        self.by_id: dict[int, Symbol] = {}
        self.assets: dict[int, Asset] = {}

    def asset_listed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        event = decode_event(row)
        assert isinstance(event, AssetListed)
        self.assets[event.asset] = Asset(event.asset, event.name, event.scale)

    def symbol_listed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        event = decode_event(row)
        assert isinstance(event, SymbolListed)
        symbol = Symbol(
            event.symbol, event.name, self.assets[event.base], self.assets[event.quote],
            event.tick_units, event.lot_units, event.tick_value, event.min_price,
            event.max_price, event.max_qty, event.min_notional, event.max_notional,
            event.maker_ppm, event.taker_ppm,
        )  # fmt: skip
        self.by_name[symbol.name] = symbol
        self.by_id[symbol.id] = symbol

    def mode_changed(self, row: tuple[int, ...], _ts_ns: int) -> None:
        self.by_id[row[0] >> 16 & 0xFFFF].mode = row[0] >> 52 & 0xFF

    def named(self, name: str) -> Symbol:
        """Raises `Refused` with UNKNOWN_SYMBOL."""
        symbol = self.by_name.get(name)
        if symbol is None:
            shown = name if len(name) <= 32 else name[:32] + "..."
            problem = rejected(
                codes.UNKNOWN_SYMBOL, f"no symbol is called {shown!r}", "symbol",
                "must be the name of a listed symbol",
            )  # fmt: skip
            raise Refused(problem)
        return symbol
