"""Random commands whose keys repeat, expire and fill their table; the limits change all the time.

Why it exists: `workload` knows keys, but its tables are seldom full, and seldom do more of them
expire at once than one entry sweeps out. Equal seeds give equal commands.
"""

from core import commands as c
from tests.core.workload import Workload

KEYS = 400
WINDOWS_NS = (1, 10**6, 10**9, 10**11, 10**14)
ROWS = (1, 3, 70, 130, 200, 1 << 20)


class KeysWorkload(Workload):
    """Few keys for everything. The machine's version must be the newest."""

    def batch(self) -> list[bytes]:
        size = self._random.choice((1, 1, 1, 5, 40, 300))
        return [self.command() for _ in range(size)]

    def command(self) -> bytes:
        if self._rarely(0.02):
            return c.set_limits(
                100, self._random.choice(WINDOWS_NS), self._random.choice(ROWS)
            )  # fmt: skip
        if self._rarely(0.3):
            return super().command()
        make = self._random.choice(
            (self._take_back, self._take_back_all, self._switch, self._change, self._mode)
        )
        return make(self._few_accounts(), (9, self._random.randint(0, KEYS)))

    def _few_accounts(self) -> int:
        return self._random.choice((2, 2, 2, 3))

    def _take_back(self, account: int, key: tuple[int, int]) -> bytes:
        _, symbol, order_id = self._order()
        return c.cancel(account, symbol, order_id, key)

    def _take_back_all(self, account: int, key: tuple[int, int]) -> bytes:
        return c.cancel_all(account, 1, key)

    def _switch(self, account: int, key: tuple[int, int]) -> bytes:
        return c.cancel_after(account, 1, self._random.choice((0, 10**6)), key)

    def _change(self, account: int, key: tuple[int, int]) -> bytes:
        _, symbol, order_id = self._order()
        return c.amend(account, symbol, order_id, self._price(), 5, key)

    def _mode(self, _account: int, key: tuple[int, int]) -> bytes:
        return c.set_mode(1, 0, key)
