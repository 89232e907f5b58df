"""The hash index beside a table: from a key to the row that starts with it.

Why it exists: balances, idempotency keys and references are found by what they are called. An
index is derived from its table: never in a snapshot or a digest, rebuilt on restore, free to be
laid out anyhow. It must not know what a key means.

How it is laid out, and how it grows
------------------------------------
Open addressing with linear probing. A key's home is given by the *high* bits of its hash, so homes
stand in the order of the hashes, and a key is never before its home. There is no way round the
end: the last cell is always empty, and one is added when it is about to be taken.

To double, first cells are added behind the last one, a few with each new key. Then the homes are
split, the last one first, as in linear hashing (Litwin, VLDB 1980): the keys of home h move to
homes 2h and 2h + 1. The homes of split and unsplit keys stand in one order all the time, so that
finding, adding and removing need not know how far it has got. Doubling all cells at once was a
pause of some 30 ms at a million keys.

Clients choose their keys. Whoever could tell which of them have their homes side by side could
make every command walk past all of them (Crosby and Wallach, USENIX Security 2003), so the hash
is drawn from a family by a secret of the process. No answer, event or digest depends on it.
"""

import hashlib
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64

from core.columns import Room, filled
from core.table import NIL, Table

HASH_BITS: Final = 31
_GOLDEN: Final = 1327217885
"""2**31 / the golden ratio, odd: Knuth's multiplicative hash (TAOCP 3, section 6.4)."""
_LOW_31: Final = 0x7FFFFFFF
_LOW_32: Final = 0xFFFFFFFF
_MULTIPLIER_BITS: Final = 29
"""Four products of 32 by 29 bits have a sum below 2**63, which never wraps."""
_HOMES_AT_FIRST: Final = 64
_SHIFT_AT_FIRST: Final = HASH_BITS - 6
_STEP: Final = 16
"""Cells added or homes split with a new key: doubling is over an eighth of the homes later."""


class Index:
    """From a key to the row of `table` whose first words are that key.

    The key is the row's first two or three words. A cell is one word, `hash << 32 | row + 1`, so
    that eight of them share a cache line; where the hash is equal the row itself is compared,
    word by word. It begins to double when it is half full, if dense five eighths, so probes stay
    short.
    """

    def __init__(
        self, table: Table, key_words: i64, secret: bytes = b"", dense: bool = False
    ) -> None:
        """`secret`: for keys that clients choose; any bytes that they do not know.

        `dense`: fewer cells, 11 to 21 bytes a key for 13 to 26, for keys that are mostly there.
        """
        self.used: i64 = 0
        self._table = table
        self._three: bool = key_words == 3
        self._sought: i64 = 0
        self._homes: i64 = _HOMES_AT_FIRST
        self._shift: i64 = _SHIFT_AT_FIRST
        self._grows_at_eighths: i64 = 5 if dense else 4
        self._split: i64 = _HOMES_AT_FIRST
        """Homes from here on are split; all, or none, while it does not grow."""
        self._grows: bool = False
        self._cells: vec[i64] = filled(_HOMES_AT_FIRST + 1, 0)
        self._room = Room()
        self._moving: vec[i64] = vec[i64]()
        drawn = hashlib.sha256(secret).digest()
        self._by_a_low: i64 = _multiplier(drawn, 0)
        self._by_a_high: i64 = _multiplier(drawn, 4)
        self._by_b_low: i64 = _multiplier(drawn, 8)
        self._by_b_high: i64 = _multiplier(drawn, 12)

    def find(self, a: i64, b: i64, c: i64) -> i64:
        """The row of the key, or NIL. With keys of two words `c` is 0."""
        cells = self._cells
        hashed = self.hash(a, b, c)
        self._sought = hashed
        at = self._home(hashed)
        while True:
            cell = cells[at]
            if cell == 0:
                return NIL
            if cell >> 32 == hashed and self._is_key(cell & _LOW_32, a, b, c):
                return (cell & _LOW_32) - 1
            at += 1

    def peek(self, a: i64, b: i64, c: i64) -> i64:
        """The first cell that `find` would read; see `core.read_ahead`."""
        return self._cells[self._home(self.hash(a, b, c))]

    def hash(self, a: i64, b: i64, c: i64) -> i64:
        """31 bits, of which the high ones are mixed best: a multilinear hash, folded twice."""
        b ^= c
        mixed = (
            (a & _LOW_32) * self._by_a_low
            + ((a >> 32) & _LOW_32) * self._by_a_high
            + (b & _LOW_32) * self._by_b_low
            + ((b >> 32) & _LOW_32) * self._by_b_high
        )
        mixed = ((mixed ^ (mixed >> HASH_BITS)) & _LOW_31) * _GOLDEN
        return (mixed ^ (mixed >> HASH_BITS)) & _LOW_31

    def _home(self, hashed: i64) -> i64:
        home = hashed >> self._shift
        return home if home < self._split else hashed >> (self._shift - 1)

    def _is_key(self, row_after: i64, a: i64, b: i64, c: i64) -> bool:
        table = self._table
        at = (row_after - 1) * table.stride
        rows = table.rows
        return rows[at] == a and rows[at + 1] == b and (not self._three or rows[at + 2] == c)

    def put(self, row: i64) -> None:
        """Add the key that stands in the row, which must not be there yet."""
        self._add(self._hash_of(row), row)

    def put_sought(self, row: i64) -> None:
        """Add the key that the last `find` did not find, and that stands in the row now."""
        self._add(self._sought, row)

    def _add(self, hashed: i64, row: i64) -> None:
        self._place(hashed << 32 | (row + 1))
        self.used += 1
        if self._grows:
            self._grow(_STEP)
        elif self.used * 8 >= self._homes * self._grows_at_eighths:
            assert self._shift > 1, "index: too many keys"
            self._grows = True

    def remove(self, row: i64) -> None:
        """Take the row's key away; later cells of the probe run move back into the gap."""
        self._take(self._hash_of(row) << 32 | (row + 1))
        self.used -= 1

    def _hash_of(self, row: i64) -> i64:
        table = self._table
        at = row * table.stride
        third = table.rows[at + 2] if self._three else 0
        return self.hash(table.rows[at], table.rows[at + 1], third)

    def _place(self, cell: i64) -> None:
        cells = self._cells
        at = self._home(cell >> 32)
        while cells[at] != 0:
            at += 1
        cells[at] = cell
        if at + 1 == i64(len(cells)):
            self._add_cell()

    def _take(self, wanted: i64) -> None:
        cells = self._cells
        gap = self._home(wanted >> 32)
        while cells[gap] != wanted:
            assert cells[gap] != 0, "index: removing a key that is not there"
            gap += 1
        at = gap + 1
        cell = cells[at]
        while cell != 0:
            if self._home(cell >> 32) <= gap:
                cells[gap] = cell
                gap = at
            at += 1
            cell = cells[at]
        cells[gap] = 0

    # --- growing ------------------------------------------------------------------------------

    def _grow(self, steps: i64) -> None:
        while steps > 0 and self._grows:
            if i64(len(self._cells)) <= 2 * self._homes:
                self._add_cell()
            else:
                self._split_home(self._split - 1)
            steps -= 1

    def _add_cell(self) -> None:
        if i64(len(self._cells)) >= self._room.words:
            self._cells = self._room.more(self._cells, len(self._cells) + 1)
        self._cells = append(self._cells, 0)

    def _split_home(self, home: i64) -> None:
        """Its keys move to their new homes. All others are where they belong, before and after."""
        moving = self._moving
        count: i64 = 0
        at = home
        cell = self._cells[at]
        while cell != 0:
            if cell >> (32 + self._shift) == home:
                if count == i64(len(moving)):
                    moving = append(moving, 0)
                moving[count] = cell
                count += 1
            at += 1
            cell = self._cells[at]
        self._moving = moving
        i: i64 = 0
        while i < count:
            self._take(moving[i])
            i += 1
        self._split = home
        while i > 0:
            i -= 1
            self._place(moving[i])
        if home == 0:
            self._homes *= 2
            self._shift -= 1
            self._split = self._homes
            self._grows = False

    def reserve(self, keys: i64) -> None:
        """Room for so many keys, at once: for a start, not for a busy engine."""
        homes = self._homes
        while homes * self._grows_at_eighths <= keys * 8:
            homes *= 2
        if homes == self._homes:
            return
        old = self._cells
        while self._homes < homes:
            self._homes *= 2
            self._shift -= 1
        assert self._shift > 0, f"index: {keys} keys are too many"
        self._split = self._homes
        self._grows = False
        self._cells = filled(homes + 1, 0)
        self._room = Room()
        i: i64 = 0
        while i < i64(len(old)):
            if old[i] != 0:
                self._place(old[i])
            i += 1


def _multiplier(drawn: bytes, at: int) -> i64:
    """An odd number of 29 bits."""
    number = int.from_bytes(drawn[at : at + 4], "little") >> (32 - _MULTIPLIER_BITS)
    return number | 1 | 1 << (_MULTIPLIER_BITS - 1)
