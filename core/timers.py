"""What ends by log time: orders with an expiry, dead man's switches, calls of auctions, transfers.

Why it exists: at each log entry the machine must find what is due without looking at what is not.
A binary heap orders deadlines; it is derived from the tables, so how it lies matters to nobody:
what comes out, by (deadline, what), is the same for every layout. It must not know what becomes of
a thing whose time has come.

A thing that ends otherwise leaves its deadline behind; when more than half of the heap is such
remains, each new deadline takes a few of them away.
"""

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.codes import TRANSFER_RESERVED
from core.columns import Room, filled
from core.index import Index
from core.markets import M_CALL_END, Markets
from core.order_store import OrderStore
from core.table import NIL, Table
from core.terms import T_EXPIRE, T_ORDER, TERMS_SHIFT
from core.transfers import T_DEADLINE, T_STATE, Transfers

# Words of a switch's row.
W_ACCOUNT: Final = 0
W_SYMBOL: Final = 1  # 0 = all
W_DEADLINE: Final = 2  # log nanoseconds, 0 = off
SWITCH_WORDS: Final = 3

NOTHING_DUE: Final = -(1 << 62)

SWITCHES: Final = -(1 << 40)
"""Switches stand before orders that are due at the same time, in the order of their rows."""
CALLS: Final = -(1 << 41)
"""And calls of auctions before those, by symbol."""
TRANSFERS: Final = -(1 << 42)
"""And transfers that become overdue before those, by row."""

_SPARE: Final = 64
_LOOKS: Final = 8


class Timers:
    """Deadlines of orders, by order id, of switches, by `SWITCHES + row`, of auctions' calls, by
    `CALLS + symbol`, and of transfers, by `TRANSFERS + row`."""

    def __init__(self, store: OrderStore, markets: Markets) -> None:
        self.switches = Table("switches", SWITCH_WORDS)
        self.transfers = Transfers()
        self.live: i64 = 0
        """Deadlines that stand; the heap may have more."""
        self._store = store
        self._markets = markets
        self._by_account = Index(self.switches, 2)
        self._times: vec[i64] = filled(_SPARE, 0)
        self._whats: vec[i64] = filled(_SPARE, 0)
        self._room = Room()
        self._other_room = Room()
        self._count: i64 = 0
        self._swept: i64 = 0

    def set_switch(self, account: i64, symbol: i64, deadline_ns: i64) -> i64:
        """Arm it, move it or, with 0, call it off. The deadline that it had, 0 if none."""
        row = self._by_account.find(account, symbol, 0)
        if row == NIL:
            if deadline_ns == 0:
                return 0
            row = self.switches.add_row()
            at = row * SWITCH_WORDS
            self.switches.rows[at + W_ACCOUNT] = account
            self.switches.rows[at + W_SYMBOL] = symbol
            self._by_account.put(row)
        at = row * SWITCH_WORDS
        before = self.switches.rows[at + W_DEADLINE]
        self.switches.rows[at + W_DEADLINE] = deadline_ns
        self.switches.touch(row)
        if before != 0:
            self.live -= 1
        if deadline_ns != 0:
            self.add(deadline_ns, SWITCHES + row)
        return before

    def add(self, time_ns: i64, what: i64) -> None:
        """One deadline more."""
        self.live += 1
        self._push(time_ns, what)
        if self._count > 2 * self.live + _SPARE:
            self._sweep()

    def _sweep(self) -> None:
        """Looks at a few of the heap, at all of it by turns, and takes out what does not stand."""
        looks: i64 = 0
        while looks < _LOOKS and self._count > 0:
            if self._swept >= self._count:
                self._swept = 0
            if self._stands(self._times[self._swept], self._whats[self._swept]):
                self._swept += 1
            else:
                self._remove(self._swept)
            looks += 1

    def due(self, now_ns: i64) -> i64:
        """Take out what is due next, or `NOTHING_DUE`."""
        while self._count > 0 and self._times[0] <= now_ns:
            time_ns, what = self._times[0], self._whats[0]
            self._pop()
            if self._stands(time_ns, what):
                return what
        return NOTHING_DUE

    def next_ns(self) -> i64:
        """When something is due next, 0 if nothing ever is."""
        while self._count > 0 and not self._stands(self._times[0], self._whats[0]):
            self._pop()
        return self._times[0] if self._count > 0 else 0

    def _stands(self, time_ns: i64, what: i64) -> bool:
        if what < CALLS:
            row = what - TRANSFERS
            is_open = self.transfers.get(row, T_STATE) == TRANSFER_RESERVED
            return is_open and self.transfers.get(row, T_DEADLINE) == time_ns
        if what < SWITCHES:
            return self._markets.get(what - CALLS, M_CALL_END) == time_ns
        if what < 0:
            return self.switches.rows[(what - SWITCHES) * SWITCH_WORDS + W_DEADLINE] == time_ns
        slot = self._store.find(what)
        if slot == NIL:
            return False
        row = self._store.terms_of(slot)
        return self._store.terms.table.rows[(row << TERMS_SHIFT) + T_EXPIRE] == time_ns

    def rebuild(self) -> None:
        """The heap and the index, from the tables."""
        self._count = 0
        self.live = 0
        terms = self._store.terms.table
        rows = terms.rows
        row: i64 = 0
        while row < terms.count:
            at = row << TERMS_SHIFT
            if rows[at + T_ORDER] != 0 and rows[at + T_EXPIRE] != 0:
                self.live += 1
                self._push(rows[at + T_EXPIRE], rows[at + T_ORDER])
            row += 1
        symbol: i64 = 1
        while symbol < self._markets.table.count:
            if self._markets.get(symbol, M_CALL_END) != 0:
                self.live += 1
                self._push(self._markets.get(symbol, M_CALL_END), CALLS + symbol)
            symbol += 1
        row = 0
        while row < self.transfers.table.count:
            if self.transfers.get(row, T_STATE) == TRANSFER_RESERVED:
                self.live += 1
                self._push(self.transfers.get(row, T_DEADLINE), TRANSFERS + row)
            row += 1
        self._by_account = Index(self.switches, 2)
        row = 0
        while row < self.switches.count:
            self._by_account.put(row)
            deadline = self.switches.rows[row * SWITCH_WORDS + W_DEADLINE]
            if deadline != 0:
                self.live += 1
                self._push(deadline, SWITCHES + row)
            row += 1

    # --- the heap -----------------------------------------------------------------------------

    def _is_before(self, one: i64, other: i64) -> bool:
        if self._times[one] != self._times[other]:
            return self._times[one] < self._times[other]
        return self._whats[one] < self._whats[other]

    def _swap(self, one: i64, other: i64) -> None:
        time_ns, what = self._times[one], self._whats[one]
        self._times[one] = self._times[other]
        self._whats[one] = self._whats[other]
        self._times[other] = time_ns
        self._whats[other] = what

    def _push(self, time_ns: i64, what: i64) -> None:
        at = self._count
        if at == i64(len(self._times)):
            if at >= self._room.words:
                self._times = self._room.more(self._times, at + 1)
                self._whats = self._other_room.more(self._whats, at + 1)
            self._times = append(self._times, 0)
            self._whats = append(self._whats, 0)
        self._times[at] = time_ns
        self._whats[at] = what
        self._count = at + 1
        self._up(at)

    def _pop(self) -> None:
        """Take the first one out."""
        self._remove(0)

    def _remove(self, place: i64) -> None:
        """Take that one out: the last one has its place, and goes up or down from there."""
        last = self._count - 1
        self._swap(place, last)
        self._count = last
        if place < last:
            self._up(place)
            self._down(place)

    def _up(self, at: i64) -> None:
        while at > 0 and self._is_before(at, (at - 1) >> 1):
            self._swap(at, (at - 1) >> 1)
            at = (at - 1) >> 1

    def _down(self, at: i64) -> None:
        while True:
            child = 2 * at + 1
            if child >= self._count:
                return
            if child + 1 < self._count and self._is_before(child + 1, child):
                child += 1
            if not self._is_before(child, at):
                return
            self._swap(at, child)
            at = child
