"""Random commands at the edges of 64 bits: markets whose largest order is all there is.

Why it exists: compiled arithmetic wraps where a Python integer grows. Two accounts own the whole
2**62 units of each asset, prices and lots are the largest, the smallest and their neighbours, and
fees are the highest; every product that the machine forms comes near its bound.
"""

from core import codes
from core import commands as c
from core.limits import AMOUNT_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX
from tests.core.workload import Workload, near

_COARSE_LOT = 10**6


def _listing(name: str, lot_units: int, max_price: int, max_qty: int, fees: int) -> bytes:
    return c.list_symbol(
        name, 1, 2, tick_units=1, lot_units=lot_units, min_price=1, max_price=max_price,
        max_qty=max_qty, min_notional=0, max_notional=AMOUNT_MAX, maker_ppm=fees,
        taker_ppm=100_000,
    )  # fmt: skip


def edge_setup_records() -> list[bytes]:
    return [
        # Scale 6: a lot of 10**6 units has a tick value of 1, and lots' base units overflow
        # before their cost does. The other lots are multiples of it, their tick values large.
        c.list_asset("BASE", 6),
        c.list_asset("QUOTE", 0),
        _listing("COARSE", _COARSE_LOT, 2, AMOUNT_MAX // _COARSE_LOT // 2, 99_999),
        _listing("DEAR", _COARSE_LOT, PRICE_TICKS_MAX, 1 << 22, 100_000),
        _listing("HEAVY", _COARSE_LOT << 20, 3, AMOUNT_MAX // (_COARSE_LOT << 20), 1),
        c.list_symbol(
            "TINY", 2, 1, tick_units=1, lot_units=1, min_price=1, max_price=1 << 12,
            max_qty=QTY_LOTS_MAX, min_notional=0, max_notional=AMOUNT_MAX, maker_ppm=1,
            taker_ppm=99_999,
        ),
        c.open_account((9, 1)),
        c.open_account((9, 2)),
        *(c.deposit(account, asset, AMOUNT_MAX // 2, (account, asset))
          for account in (2, 3) for asset in (1, 2)),
    ]  # fmt: skip


MAX_PRICES = {1: 2, 2: PRICE_TICKS_MAX, 3: 3, 4: 1 << 12}
MAX_LOTS = {
    1: AMOUNT_MAX // _COARSE_LOT // 2,
    2: 1 << 22,
    3: AMOUNT_MAX // (_COARSE_LOT << 20),
    4: QTY_LOTS_MAX,
}


class EdgeWorkload(Workload):
    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._accounts = 3
        self._symbols = 4

    def command(self) -> bytes:
        make, weight = zip(
            (self._edge_place, 60), (self._edge_amend, 20), (self._cancel, 8),
            (self._cancel_all, 3), (self._edge_move, 8), (self._checkpoint, 1),
            strict=True,
        )  # fmt: skip
        record: bytes = self._random.choices(make, weight)[0]()
        return record

    def _edge_terms(self, symbol: int) -> tuple[int, int]:
        choose = self._random.choice
        max_price, max_lots = MAX_PRICES[symbol], MAX_LOTS[symbol]
        price = choose((1, 2, *near(max_price), max_price // 2))
        lots = choose((1, 2, 3, *near(max_lots), max_lots // 2, max_lots // 3, max_lots // 10))
        return price, lots

    def _edge_place(self) -> bytes:
        choose = self._random.choice
        account, symbol = choose((2, 3)), choose((1, 2, 3, 4))
        side = choose((codes.BUY, codes.SELL))
        price, lots = self._edge_terms(symbol)
        kind = self._random.randint(0, 5)
        if kind == 0:
            quote = choose((*near(AMOUNT_MAX), AMOUNT_MAX // 2, AMOUNT_MAX // 3, 1 << 44))
            return c.place(account, symbol, side, codes.MARKET, codes.IOC, 0, quote, by_quote=True)
        if kind == 1:
            time_in_force = choose((codes.IOC, codes.FOK))
            return c.place(account, symbol, side, codes.MARKET, time_in_force, 0, lots)
        time_in_force = choose((codes.GTC, codes.GTC, codes.IOC, codes.FOK))
        return c.place(account, symbol, side, codes.LIMIT, time_in_force, price, lots)

    def _edge_amend(self) -> bytes:
        account, symbol, order_id = self._order()
        price, lots = self._edge_terms(symbol if symbol in MAX_PRICES else 1)
        return c.amend(account, symbol, order_id, price, lots)

    def _edge_move(self) -> bytes:
        self._moves += 1
        amount = self._random.choice((*near(AMOUNT_MAX), AMOUNT_MAX // 2, AMOUNT_MAX // 7, 1))
        make = self._random.choice((c.deposit, c.withdraw))
        account, asset = self._random.choice((2, 3)), self._random.choice((1, 2))
        return make(account, asset, amount, (7, self._moves))
