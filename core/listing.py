"""Assets and symbols: what may be traded, in which units and within which bounds.

Why it exists: every later multiplication is safe because a listing was refused when it would not
be. Given the bounds checked here, price x quantity x tick value fits 62 bits for every order that
passes its own checks. It must not know orders or balances.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.commands import (
    ASSET_NAME_HI, ASSET_SCALE, SYM_BASE, SYM_LOT_UNITS, SYM_MAKER_PPM, SYM_MAX_NOTIONAL,
    SYM_MAX_PRICE, SYM_MAX_QTY, SYM_MIN_NOTIONAL, SYM_MIN_PRICE, SYM_NAME_HI, SYM_NAME_LO,
    SYM_QUOTE, SYM_TAKER_PPM, SYM_TICK_UNITS,
)  # fmt: skip
from core.index import Index
from core.limits import AMOUNT_MAX, ASSET_SCALE_MAX, FEE_PPM_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from core.table import NIL, Table

# Words of an asset's row. Row 0 stands for "no asset".
A_NAME_HI: Final = 0
A_NAME_LO: Final = 1
A_SCALE: Final = 2
A_SUPPLY: Final = 3  # units: deposits less withdrawals
ASSET_WORDS: Final = 4

# Words of a symbol's row. Row 0 is the stream of events that belong to no symbol.
S_NAME_HI: Final = 0
S_NAME_LO: Final = 1
S_BASE: Final = 2
S_QUOTE: Final = 3
S_TICK_UNITS: Final = 4
S_LOT_UNITS: Final = 5
S_TICK_VALUE: Final = 6  # quote units per tick and lot
S_MIN_PRICE: Final = 7
S_MAX_PRICE: Final = 8
S_MAX_QTY: Final = 9
S_MIN_NOTIONAL: Final = 10
S_MAX_NOTIONAL: Final = 11
S_MAKER_PPM: Final = 12
S_TAKER_PPM: Final = 13
S_MODE: Final = 14
S_SEQ: Final = 15  # last sequence number used
S_TRADES: Final = 16  # last trade id used
SYMBOL_WORDS: Final = 17
SPEC_WORDS: Final = 14

_FIRST_GRAPHIC: Final = 0x21
_LAST_GRAPHIC: Final = 0x7E


def name_is_valid(hi: i64, lo: i64) -> bool:
    """1 to 16 graphic ASCII characters, then only zeros."""
    ended = False
    i: i64 = 0
    while i < 16:
        word = hi if i < 8 else lo
        byte = (word >> ((i & 7) * 8)) & 0xFF
        if byte == 0:
            ended = True
            if i == 0:
                return False
        elif ended or byte < _FIRST_GRAPHIC or byte > _LAST_GRAPHIC:
            return False
        i += 1
    return True


class Listing:
    """The tables of assets and symbols, with an index over their names."""

    def __init__(self) -> None:
        self.assets = Table("assets", ASSET_WORDS)
        self.symbols = Table("symbols", SYMBOL_WORDS)
        self.assets.add_row()
        self.symbols.add_row()
        self._asset_names = Index(self.assets, 2)
        self._symbol_names = Index(self.symbols, 2)

    def has_asset(self, asset: i64) -> bool:
        return 0 < asset < self.assets.count

    def has_symbol(self, symbol: i64) -> bool:
        return 0 < symbol < self.symbols.count

    def find_asset(self, hi: i64, lo: i64) -> i64:
        return self._asset_names.find(hi, lo, 0)

    def find_symbol(self, hi: i64, lo: i64) -> i64:
        return self._symbol_names.find(hi, lo, 0)

    def check_asset(self, hi: i64, lo: i64, scale: i64) -> i64:
        """0, or the number of the command word that is out of its bounds."""
        if not name_is_valid(hi, lo):
            return ASSET_NAME_HI
        if scale < 0 or scale > ASSET_SCALE_MAX:
            return ASSET_SCALE
        known = self.find_asset(hi, lo)
        if known != NIL and self.assets.rows[known * ASSET_WORDS + A_SCALE] != scale:
            return ASSET_NAME_HI
        return 0

    def add_asset(self, hi: i64, lo: i64, scale: i64) -> i64:
        asset = self.assets.add_row()
        rows = self.assets.rows
        at = asset * ASSET_WORDS
        rows[at + A_NAME_HI] = hi
        rows[at + A_NAME_LO] = lo
        rows[at + A_SCALE] = scale
        self._asset_names.put(asset)
        return asset

    def spec_of(self, words: vec[i64]) -> vec[i64]:
        """The symbol row that a listing's words describe; `tick_value` 0 if not whole."""
        spec = vec[i64]()
        i: i64 = SYM_NAME_HI
        while i <= SYM_LOT_UNITS:
            spec = append(spec, words[i])
            i += 1
        spec = append(spec, self._tick_value(words))
        while i <= SYM_TAKER_PPM:
            spec = append(spec, words[i])
            i += 1
        return spec

    def _tick_value(self, words: vec[i64]) -> i64:
        base = words[SYM_BASE]
        tick_units = words[SYM_TICK_UNITS]
        lot_units = words[SYM_LOT_UNITS]
        if not self.has_asset(base) or tick_units < 1 or lot_units < 1:
            return 0
        if tick_units > AMOUNT_MAX // lot_units:
            return 0
        unit: i64 = 1
        scale = self.assets.rows[base * ASSET_WORDS + A_SCALE]
        while scale > 0:
            unit *= 10
            scale -= 1
        product = tick_units * lot_units
        return product // unit if product % unit == 0 else 0

    def check_symbol(self, words: vec[i64], spec: vec[i64]) -> i64:
        """0, or the number of the first command word that is out of its bounds."""
        if not name_is_valid(words[SYM_NAME_HI], words[SYM_NAME_LO]):
            return SYM_NAME_HI
        known = self.find_symbol(words[SYM_NAME_HI], words[SYM_NAME_LO])
        if known != NIL:
            return 0 if self._is_same(known, spec) else SYM_NAME_HI
        if not self.has_asset(spec[S_BASE]):
            return SYM_BASE
        if not self.has_asset(spec[S_QUOTE]) or spec[S_QUOTE] == spec[S_BASE]:
            return SYM_QUOTE
        if spec[S_LOT_UNITS] < 1:
            return SYM_LOT_UNITS
        tick_value = spec[S_TICK_VALUE]
        if tick_value < 1:
            return SYM_TICK_UNITS
        return self._check_bounds(spec, tick_value)

    def _check_bounds(self, spec: vec[i64], tick_value: i64) -> i64:
        max_price = spec[S_MAX_PRICE]
        max_qty = spec[S_MAX_QTY]
        if spec[S_MIN_PRICE] < 1:
            return SYM_MIN_PRICE
        if max_price < spec[S_MIN_PRICE] or max_price > PRICE_TICKS_MAX:
            return SYM_MAX_PRICE
        if max_qty < 1 or max_qty > QTY_LOTS_MAX or max_qty > AMOUNT_MAX // spec[S_LOT_UNITS]:
            return SYM_MAX_QTY
        if max_price > AMOUNT_MAX // max_qty // tick_value:
            return SYM_MAX_QTY
        if spec[S_MIN_NOTIONAL] < 0:
            return SYM_MIN_NOTIONAL
        most = spec[S_MAX_NOTIONAL]
        if most < 1 or most < spec[S_MIN_NOTIONAL] or most > AMOUNT_MAX:
            return SYM_MAX_NOTIONAL
        if spec[S_MAKER_PPM] < 0 or spec[S_MAKER_PPM] > FEE_PPM_MAX:
            return SYM_MAKER_PPM
        if spec[S_TAKER_PPM] < 0 or spec[S_TAKER_PPM] > FEE_PPM_MAX:
            return SYM_TAKER_PPM
        return 0

    def _is_same(self, symbol: i64, spec: vec[i64]) -> bool:
        i: i64 = 0
        while i < SPEC_WORDS:
            if self.symbols.rows[symbol * SYMBOL_WORDS + i] != spec[i]:
                return False
            i += 1
        return True

    def add_symbol(self, spec: vec[i64]) -> i64:
        symbol = self.symbols.add_row()
        rows = self.symbols.rows
        i: i64 = 0
        while i < SPEC_WORDS:
            rows[symbol * SYMBOL_WORDS + i] = spec[i]
            i += 1
        self._symbol_names.put(symbol)
        return symbol

    def rebuild(self) -> None:
        """The name indexes, from the tables."""
        self._asset_names = Index(self.assets, 2)
        self._symbol_names = Index(self.symbols, 2)
        asset: i64 = 1
        while asset < self.assets.count:
            self._asset_names.put(asset)
            asset += 1
        symbol: i64 = 1
        while symbol < self.symbols.count:
            self._symbol_names.put(symbol)
            symbol += 1
