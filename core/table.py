"""Tables of 64-bit words, and the hash index beside them: what all state of the machine lies in.

Why it exists: a `vec[i64]` is one flat buffer, so a table of rows allocates nothing per row,
gives the garbage collector nothing to walk, is copied into a snapshot as it lies, and is hashed
page by page. A row number is the only pointer there is. This module must not know what a row
means.

Two structures:

- `Table`: rows of a fixed number of words. A page is 64 rows. Whoever writes into a row calls
  `touch(row)` in the same command: the page waits from then on to be hashed. `digest` hashes all
  that wait; `keep_up`, after each log entry, sees to it that few do.
- `Index`: open addressing with linear probing from a key to the row that starts with it. It is
  derived from its table: never in a snapshot or a digest, rebuilt on restore, free to be laid out
  anyhow.
"""

import hashlib
from typing import Final

from librt.vecs import append, extend, vec
from mypy_extensions import i64

from core.page_image import PageImage
from core.page_tree import PageTree
from core.waiting import Fifo, Pace, Quota

NIL: Final = -1
"""No row. Row numbers start at 0."""

PAGE_SHIFT: Final = 6
PAGE_ROWS: Final = 64

_WAITS: Final = 1  # the page is in the queue of those to be hashed
_RECENT: Final = 2  # it has changed since it was looked at there
_STALE: Final = 4  # the image has no true copy of it, or there is no image
_MARKED: Final = _WAITS | _RECENT | _STALE
_LEFT_PAGES: Final = 32
_LEFT_BYTES: Final = 128 << 10

_GOLDEN: Final = 1327217885
"""2**31 / the golden ratio, odd: Knuth's multiplicative hash (TAOCP 3, section 6.4)."""
_LOW_31: Final = 0x7FFFFFFF
_PRIME: Final = 2147483629
"""The greatest prime below 2**31 - 1: a second multiplier that shares nothing with the first."""
_LOW_32: Final = 0xFFFFFFFF
_INDEX_ROOM: Final = 64


def filled(count: i64, value: i64) -> vec[i64]:
    """A column of `count` words, all `value`."""
    if value == 0:
        return vec[i64](memoryview(bytes(8 * count)).cast("q"))
    column = vec[i64](capacity=count)
    i: i64 = 0
    while i < count:
        column = append(column, value)
        i += 1
    return column


def column_bytes(column: vec[i64], words: i64) -> bytes:
    """The first `words` words as little-endian bytes."""
    return bytes(memoryview(column)[:words])


class Table:
    """Rows of `stride` words. `count` rows exist; a row is never taken away."""

    def __init__(self, name: str, stride: i64) -> None:
        self.name = name
        self.stride: i64 = stride
        self.count: i64 = 0
        self.rows: vec[i64] = vec[i64]()
        self.tree = PageTree()
        self._marks: vec[i64] = vec[i64]()
        """Of each page: the bits `_WAITS`, `_RECENT` and `_STALE`."""
        self._to_hash = Fifo()
        """The pages that wait."""
        self._image: PageImage | None = None
        self._quota = Quota(_pages_left_at_most(stride))

    def add_row(self) -> i64:
        """A new row of zeros at the end; its number. Any `rows` held by a caller is stale."""
        row = self.count
        rows = self.rows
        i: i64 = 0
        while i < self.stride:
            rows = append(rows, 0)
            i += 1
        self.rows = rows
        self.count = row + 1
        if row >> PAGE_SHIFT == i64(len(self._marks)):
            self._marks = append(self._marks, 0)
            self.tree.add_page()
        self.touch(row)
        return row

    def touch(self, row: i64) -> None:
        """The row's page has changed."""
        if self._marks[row >> PAGE_SHIFT] != _MARKED:
            self._mark(row >> PAGE_SHIFT)

    def _mark(self, page: i64) -> None:
        mark = self._marks[page]
        if mark & _WAITS == 0:
            self._to_hash.push(page)
        if mark & _STALE == 0 and self._image is not None and page < self._image.swept:
            self._image.stale.push(page)
        self._marks[page] = _MARKED

    def digest(self, as_tree: bool) -> bytes:
        """SHA-256 over the name, the row count, and the root of the tree of pages.

        Not `as_tree`: over the hash of each page, in order, as it was first.
        """
        if not as_tree:
            self.tree.leave()
        words = memoryview(self.rows)
        while self._to_hash.count > 0:
            self._hash(self._to_hash.pop(), words)
        root = hashlib.sha256(f"{self.name}:{self.stride}:{self.count}".encode())
        root.update(self.tree.root() if as_tree else self.tree.levels[0])
        return root.digest()

    def keep_up(self, pace: Pace) -> None:
        """Hashes pages that have waited long enough, and what stands above them.

        Not those that have changed since they were looked at last: they go to the back of the
        queue. What changes with every entry is hashed at checkpoints only.
        """
        due = self._quota.due(self._to_hash.count, pace)
        if due > 0:
            self.hash_some(due)

    def hash_some(self, looks: i64) -> None:
        """The same with so many pages looked at."""
        if looks > self._to_hash.count:
            looks = self._to_hash.count
        words = memoryview(self.rows)
        while looks > 0:
            page = self._to_hash.pop()
            if self._marks[page] & _RECENT != 0:
                self._marks[page] &= ~_RECENT
                self._to_hash.push(page)
            else:
                self._hash(page, words)
            looks -= 1
        self.tree.raise_down_to(self._to_hash.count)

    def begin_interval(self, pace: Pace) -> None:
        """There was a checkpoint: nothing waits."""
        self._quota.begin(pace)

    def restart_interval(self) -> None:
        """All was hashed because it was new, not because it had changed."""
        self._quota.restart()

    @property
    def waiting(self) -> int:
        """Pages that changed and are not hashed yet."""
        return self._to_hash.count

    def _hash(self, page: i64, words: memoryview) -> None:
        page_words = PAGE_ROWS * self.stride
        cells = words[page * page_words : (page + 1) * page_words]
        self.tree.put(page, hashlib.sha256(cells).digest())
        self._marks[page] &= _STALE
        self._quota.did(1)

    # --- an image, made in steps --------------------------------------------------------------

    def begin_image(self) -> None:
        """An image is to be made, from nothing."""
        self._image = PageImage(PAGE_ROWS * self.stride * 8)

    def copy_first(self, most: i64) -> i64:
        """Copies pages that no image has yet, `most` bytes or one page; bytes copied."""
        image = self._image
        assert image is not None, f"table {self.name}: no image was begun"
        pages = i64(len(self._marks)) - image.swept
        if pages == 0:
            return 0
        if pages * image.page_bytes > most:
            pages = most // image.page_bytes if most > image.page_bytes else 1
        image.put(image.swept, pages, memoryview(self.rows).cast("B"))
        end = image.swept + pages
        while image.swept < end:
            self._marks[image.swept] &= ~_STALE
            image.swept += 1
        return pages * image.page_bytes

    def copy_again(self, most: i64) -> i64:
        """Copies pages that have changed since they were copied, the same way."""
        image = self._image
        assert image is not None, f"table {self.name}: no image was begun"
        words = memoryview(self.rows).cast("B")
        copied: i64 = 0
        while image.stale.count > 0 and (copied == 0 or copied + image.page_bytes <= most):
            page = image.stale.pop()
            image.put(page, 1, words)
            self._marks[page] &= ~_STALE
            copied += image.page_bytes
        return copied

    @property
    def uncopied(self) -> int:
        """Bytes of which the image has no true copy."""
        image = self._image
        assert image is not None, f"table {self.name}: no image was begun"
        return (i64(len(self._marks)) - image.swept + image.stale.count) * image.page_bytes

    def take_image(self) -> list[bytearray]:
        """The rows as they are now, in chunks; what is missing is copied."""
        image = self._image
        assert image is not None, f"table {self.name}: no image was begun"
        self.copy_first(self.uncopied)
        self.copy_again(self.uncopied)
        self._image = None
        return image.taken(self.count * self.stride * 8)

    def drop_image(self) -> None:
        """Nobody wants it any more."""
        self._image = None

    def reserve(self, rows: i64) -> None:
        """Room for so many rows: growing further moves all of them, and the pause grows too."""
        if rows <= self.count:
            return
        roomy = vec[i64](capacity=rows * self.stride)
        self.rows = extend(roomy, memoryview(self.rows)[: self.count * self.stride])

    def dump(self) -> bytes:
        return column_bytes(self.rows, self.count * self.stride)

    def load(self, chunks: list[memoryview]) -> None:
        """Replace all rows. Raises `ValueError` unless each chunk is whole rows."""
        words: i64 = 0
        for chunk in chunks:
            size: i64 = len(chunk)
            if size % (8 * self.stride) != 0:
                raise ValueError(
                    f"table {self.name}: {size} bytes are not rows of {self.stride} words"
                )
            words += size // 8
        rows = vec[i64](capacity=words)
        for chunk in chunks:
            rows = extend(rows, chunk.cast("q"))
        self.rows = rows
        self.count = words // self.stride
        self._image = None
        self.tree = PageTree()
        self._marks = vec[i64]()
        self._to_hash = Fifo()
        pages = (self.count + PAGE_ROWS - 1) >> PAGE_SHIFT
        page: i64 = 0
        while page < pages:
            self._marks = append(self._marks, 0)
            self.tree.add_page()
            self._mark(page)
            page += 1


def _pages_left_at_most(stride: i64) -> i64:
    """Pages of a table that may wait for a checkpoint, so that all tables' take half a ms."""
    fitting = _LEFT_BYTES // (PAGE_ROWS * 8 * stride)
    return fitting if fitting < _LEFT_PAGES else _LEFT_PAGES


class Index:
    """From a key to the row of `table` whose first words are that key.

    The key is the row's first two or three words. A cell is one word, `hash << 32 | row + 1`, so
    that eight of them share a cache line; where the hash is equal the row itself is compared,
    word by word. At most half full, so probes stay short.
    """

    def __init__(self, table: Table, key_words: i64) -> None:
        self.used: i64 = 0
        self._table = table
        self._three: bool = key_words == 3
        self._mask: i64 = _INDEX_ROOM - 1
        self._sought: i64 = 0
        self._cells: vec[i64] = filled(_INDEX_ROOM, 0)

    def find(self, a: i64, b: i64, c: i64) -> i64:
        """The row of the key, or NIL. With keys of two words `c` is 0."""
        cells = self._cells
        mask = self._mask
        hashed = _hash(a, b, c)
        self._sought = hashed
        at = hashed & mask
        while True:
            cell = cells[at]
            if cell == 0:
                return NIL
            if cell >> 32 == hashed and self._is_key(cell & _LOW_32, a, b, c):
                return (cell & _LOW_32) - 1
            at = (at + 1) & mask

    def peek(self, a: i64, b: i64, c: i64) -> i64:
        """The first cell that `find` would read; see `core.read_ahead`."""
        return self._cells[_hash(a, b, c) & self._mask]

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
        if self.used * 2 >= self._mask:
            self._double()
        self._place(hashed << 32 | (row + 1))
        self.used += 1

    def remove(self, row: i64) -> None:
        """Take the row's key away; later cells of the probe run move back into the gap."""
        cells = self._cells
        mask = self._mask
        gap = self._hash_of(row) & mask
        while cells[gap] & _LOW_32 != row + 1:
            assert cells[gap] != 0, "index: removing a key that is not there"
            gap = (gap + 1) & mask
        at = gap
        while True:
            at = (at + 1) & mask
            cell = cells[at]
            if cell == 0:
                break
            home = (cell >> 32) & mask
            if ((at - home) & mask) >= ((at - gap) & mask):
                cells[gap] = cell
                gap = at
        cells[gap] = 0
        self.used -= 1

    def _hash_of(self, row: i64) -> i64:
        table = self._table
        at = row * table.stride
        return _hash(table.rows[at], table.rows[at + 1], table.rows[at + 2] if self._three else 0)

    def _place(self, cell: i64) -> None:
        cells = self._cells
        mask = self._mask
        at = (cell >> 32) & mask
        while cells[at] != 0:
            at = (at + 1) & mask
        cells[at] = cell

    def reserve(self, keys: i64) -> None:
        """Room for so many keys, at once; see `Table.reserve`."""
        room = self._mask + 1
        while room < keys * 2 + 2:
            room *= 2
        if room > self._mask + 1:
            self._grow(room)

    def _double(self) -> None:
        self._grow((self._mask + 1) * 2)

    def _grow(self, room: i64) -> None:
        old = self._cells
        self._cells = filled(room, 0)
        self._mask = room - 1
        i: i64 = 0
        while i < i64(len(old)):
            if old[i] != 0:
                self._place(old[i])
            i += 1


def _hash(a: i64, b: i64, c: i64) -> i64:
    """31 well mixed bits. Each product stays below 2**62, so their sum never wraps."""
    low = (a ^ (a >> 32)) & _LOW_31
    high = (b ^ (b >> 32) ^ c) & _LOW_31
    return ((low * _GOLDEN + high * _PRIME) >> 24) & _LOW_31
