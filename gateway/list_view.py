"""Every order list's last known state, folded from the log: its legs, and whether it is over.

Why it exists: a client is told a list's id and asks for its orders; the machine forgets a list
when its last leg ends. Open lists are all here, of those that are over the last `closed_max`. It
must not know orders, HTTP or decimal strings: legs are order ids.
"""

from collections import OrderedDict
from typing import Final

from core import codes

CLOSED_MAX_DEFAULT: Final = 50_000
"""About 400 bytes each: 20 MB at the most."""


class OrderList:
    """One list. Times in log nanoseconds; `legs`: order ids, two or three."""

    __slots__ = (
        "account", "client_text", "created_ns", "is_done", "kind", "legs", "list_id", "symbol",
        "updated_ns",
    )  # fmt: skip

    def __init__(self, row: tuple[int, ...], ts_ns: int) -> None:
        self.kind = row[0] >> 52 & 0xF
        self.symbol = row[0] >> 16 & 0xFFFF
        self.list_id, self.account = row[2], row[3]
        self.legs = tuple(leg for leg in row[4:7] if leg != 0)
        self.client_text = ""
        self.is_done = False
        self.created_ns = self.updated_ns = ts_ns


class ListView:
    """The fold and its two questions: `find` and `open_lists`."""

    def __init__(self, closed_max: int = CLOSED_MAX_DEFAULT) -> None:
        self._closed_max = closed_max
        self._open: dict[int, OrderList] = {}
        self._open_of: dict[int, dict[int, OrderList]] = {}
        self._closed: OrderedDict[int, OrderList] = OrderedDict()

    def find(self, list_id: int) -> OrderList | None:
        return self._open.get(list_id) or self._closed.get(list_id)

    def open_lists(self, account: int, symbol: int = 0) -> list[OrderList]:
        """The account's lists that are not over, oldest first; `symbol` 0 = on all symbols."""
        lists = self._open_of.get(account, {}).values()
        return [found for found in lists if symbol in (0, found.symbol)]

    def name_client(self, list_id: int, text: str) -> None:
        """The client's own id as text; the events carry only its hash."""
        found = self._open.get(list_id)
        if found is not None:
            found.client_text = text

    def changed(self, row: tuple[int, ...], ts_ns: int) -> None:
        """It is placed, or over."""
        list_id = row[2]
        if row[0] >> 56 & 0xF == codes.LIST_EXECUTING:
            placed = OrderList(row, ts_ns)
            self._open[list_id] = placed
            self._open_of.setdefault(placed.account, {})[list_id] = placed
            return
        over = self._open.pop(list_id)
        own = self._open_of[over.account]
        del own[list_id]
        if not own:
            del self._open_of[over.account]
        over.is_done = True
        over.updated_ns = ts_ns
        self._closed[list_id] = over
        if len(self._closed) > self._closed_max:
            self._closed.popitem(last=False)
