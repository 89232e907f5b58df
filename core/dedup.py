"""Exactly once: the replies to commands already applied, and references that are used up.

Why it exists: a client that lost an answer asks again, through another gateway or another leader,
and must get the first answer. So the memory is part of the state: replicated, in snapshots, in
the digest. It stores and compares; which commands it is asked about is the machine's business.

- `Replies` remembers (key, account, symbol) → payload and reply, until log time passes the
  window. Rows come from a free list and hang in a queue by age. From `VERSION_STRICT` on a
  forgotten row may stay in the table for a while: it is swept out by later entries, a few each.
- `References` remembers deposits, withdrawals and account names for ever.
"""

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from core.events import REPLY_WORDS
from core.index import Index
from core.limits import DEDUP_ROWS_DEFAULT, DEDUP_WINDOW_NS_DEFAULT, KEYS_SWEPT_PER_ENTRY
from core.table import NIL, Table

# Words of a remembered reply. The key (0, 0), which nobody remembers: not in the index.
D_KEY_HI: Final = 0
D_KEY_LO: Final = 1
D_SCOPE: Final = 2  # account << 16 | symbol
D_NEXT: Final = 3  # the next younger; in the free list when the row is free
D_PAYLOAD: Final = 4  # words 0, 4, 5, 6, 7 of the command
D_REPLY: Final = 9
D_REPLY_TS: Final = 12
DEDUP_WORDS: Final = 17

# Words of a reference.
R_HI: Final = 0
R_LO: Final = 1
R_KIND: Final = 2  # the command's kind
R_ACCOUNT: Final = 3
R_ASSET: Final = 4
R_AMOUNT: Final = 5
R_SEQ: Final = 6
R_TS: Final = 7
R_DETAIL: Final = 8
REFERENCE_WORDS: Final = 9


class Replies:
    """Replies by idempotency key."""

    def __init__(self, secret: bytes) -> None:
        self.table = Table("replies", DEDUP_WORDS)
        self._secret = secret
        self.window_ns: i64 = DEDUP_WINDOW_NS_DEFAULT
        self.rows_max: i64 = DEDUP_ROWS_DEFAULT
        self.live: i64 = 0
        """Rows in the queue, forgotten or not; `rows_max` bounds them."""
        self.forgotten_ns: i64 = NIL
        """What was remembered at this time or before is forgotten, whatever the window is now."""
        self.is_strict: bool = False
        """The machine version in force is `VERSION_STRICT` or a later one."""
        self.oldest: i64 = NIL
        self.youngest: i64 = NIL
        self.free: i64 = NIL
        self.seen: i64 = 0
        self.index = Index(self.table, 3, secret)

    def find(self, key_hi: i64, key_lo: i64, scope: i64) -> i64:
        """The row of a key that is remembered, else NIL. A forgotten key leaves the index."""
        row = self.index.find(key_hi, key_lo, scope)
        if row == NIL:
            return NIL
        rows = self.table.rows
        at = row * DEDUP_WORDS
        if rows[at + D_REPLY_TS] > self.forgotten_ns:
            return row
        # The row cannot leave the middle of its queue; its key may be remembered anew meanwhile.
        self.index.remove(row)
        rows[at + D_KEY_HI] = 0
        rows[at + D_KEY_LO] = 0
        self.table.touch(row)
        return NIL

    def make_room(self) -> None:
        """For one more key: if there is none, the oldest row goes, if it is forgotten."""
        if self.live >= self.rows_max:
            self._sweep(1)

    def has_room(self) -> bool:
        return self.live < self.rows_max

    def is_same(self, row: i64, head: i64, w4: i64, w5: i64, w6: i64, w7: i64) -> bool:
        rows = self.table.rows
        at = row * DEDUP_WORDS + D_PAYLOAD
        return (
            rows[at] == head
            and rows[at + 1] == w4
            and rows[at + 2] == w5
            and rows[at + 3] == w6
            and rows[at + 4] == w7
        )

    def remember(
        self, key_hi: i64, key_lo: i64, scope: i64, head: i64, w4: i64, w5: i64, w6: i64, w7: i64,
        replies: vec[i64], reply_at: i64,
    ) -> None:  # fmt: skip
        """Store a reply, the eight words of `replies` from `reply_at`.

        The last `find` must have been for this key, and there must be room.
        """
        row = self.free
        if row == NIL:
            row = self.table.add_row()
        else:
            self.free = self.table.rows[row * DEDUP_WORDS + D_NEXT]
        rows = self.table.rows
        at = row * DEDUP_WORDS
        rows[at + D_KEY_HI] = key_hi
        rows[at + D_KEY_LO] = key_lo
        rows[at + D_SCOPE] = scope
        rows[at + D_NEXT] = NIL
        rows[at + D_PAYLOAD] = head
        rows[at + D_PAYLOAD + 1] = w4
        rows[at + D_PAYLOAD + 2] = w5
        rows[at + D_PAYLOAD + 3] = w6
        rows[at + D_PAYLOAD + 4] = w7
        i: i64 = 0
        while i < REPLY_WORDS:
            rows[at + D_REPLY + i] = replies[reply_at + i]
            i += 1
        if self.youngest == NIL:
            self.oldest = row
        else:
            rows[self.youngest * DEDUP_WORDS + D_NEXT] = row
            self.table.touch(self.youngest)
        self.youngest = row
        self.table.touch(row)
        self.live += 1
        self.index.put_sought(row)

    def begin_entry(self, now_ns: i64, commands: i64) -> None:
        """Forget what is older than the window, and sweep out what an entry may."""
        self._forget(now_ns)
        most = self.live
        if self.is_strict:
            most = 2 * commands
            if most < KEYS_SWEPT_PER_ENTRY:
                most = KEYS_SWEPT_PER_ENTRY
        self._sweep(most)

    def set_limits(self, now_ns: i64, window_ns: i64, rows_max: i64) -> None:
        """A window that shrinks forgets at once; one that grows brings nothing back."""
        self.window_ns = window_ns
        self.rows_max = rows_max
        self._forget(now_ns)
        if not self.is_strict:
            self._sweep(self.live)

    def _forget(self, now_ns: i64) -> None:
        until_ns = now_ns - self.window_ns
        if until_ns > self.forgotten_ns:
            self.forgotten_ns = until_ns

    def _sweep(self, most: i64) -> None:
        """Free forgotten rows, the oldest first."""
        self._read_ahead(most)
        rows = self.table.rows
        while self.oldest != NIL and most > 0:
            row = self.oldest
            at = row * DEDUP_WORDS
            if rows[at + D_REPLY_TS] > self.forgotten_ns:
                return
            if rows[at + D_KEY_HI] != 0 or rows[at + D_KEY_LO] != 0:
                self.index.remove(row)
            self.oldest = rows[at + D_NEXT]
            if self.oldest == NIL:
                self.youngest = NIL
            rows[at + D_NEXT] = self.free
            self.free = row
            self.table.touch(row)
            self.live -= 1
            most -= 1

    def _read_ahead(self, most: i64) -> None:
        """Touch the index where the keys stand that are swept; why, says `core.read_ahead`."""
        rows = self.table.rows
        row = self.oldest
        while row != NIL and most > 0:
            at = row * DEDUP_WORDS
            if rows[at + D_REPLY_TS] > self.forgotten_ns:
                return
            self.seen ^= self.index.peek(
                rows[at + D_KEY_HI], rows[at + D_KEY_LO], rows[at + D_SCOPE]
            )
            row = rows[at + D_NEXT]
            most -= 1

    def rebuild(self) -> None:
        """The index, from the queue."""
        self.index = Index(self.table, 3, self._secret)
        self.index.reserve(self.live)
        row = self.oldest
        rows = self.table.rows
        while row != NIL:
            at = row * DEDUP_WORDS
            if rows[at + D_KEY_HI] != 0 or rows[at + D_KEY_LO] != 0:
                self.index.put(row)
            row = rows[at + D_NEXT]


class References:
    """Unique references, for ever."""

    def __init__(self) -> None:
        self.table = Table("references", REFERENCE_WORDS)
        self._index = Index(self.table, 3)

    def find(self, hi: i64, lo: i64, kind: i64) -> i64:
        return self._index.find(hi, lo, kind)

    def add(
        self, hi: i64, lo: i64, kind: i64, account: i64, asset: i64, amount: i64, seq: i64,
        ts_ns: i64, detail: i64,
    ) -> None:  # fmt: skip
        row = self.table.add_row()
        rows = self.table.rows
        at = row * REFERENCE_WORDS
        rows[at + R_HI] = hi
        rows[at + R_LO] = lo
        rows[at + R_KIND] = kind
        rows[at + R_ACCOUNT] = account
        rows[at + R_ASSET] = asset
        rows[at + R_AMOUNT] = amount
        rows[at + R_SEQ] = seq
        rows[at + R_TS] = ts_ns
        rows[at + R_DETAIL] = detail
        self._index.put(row)

    def rebuild(self) -> None:
        self._index = Index(self.table, 3)
        self._index.reserve(self.table.count)
        row: i64 = 0
        while row < self.table.count:
            self._index.put(row)
            row += 1
