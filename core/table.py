"""Tables of 64-bit words: what all state of the machine lies in.

Why it exists: a `vec[i64]` is one flat buffer, so a table of rows allocates nothing per row,
gives the garbage collector nothing to walk, is copied into a snapshot as it lies, and is hashed
page by page. A row number is the only pointer there is. This module must not know what a row
means.

A page is 64 rows. Whoever writes into a row calls `touch(row)` in the same command; what that is
for, says `core.pages`.
"""

import hashlib
from typing import Final

from librt.vecs import append, extend, vec
from mypy_extensions import i64

from core.columns import Room
from core.page_image import PageImage
from core.page_tree import PageTree
from core.pages import MARKED, STALE, Pages

NIL: Final = -1
"""No row. Row numbers start at 0."""

PAGE_SHIFT: Final = 6
PAGE_ROWS: Final = 64

_LEFT_PAGES: Final = 32
_LEFT_BYTES: Final = 128 << 10


class Table(Pages):
    """Rows of `stride` words. `count` rows exist; a row is never taken away.

    Digests and snapshots have rows of `words` words. A table that packs its rows says so, and
    what they are unpacked, in `content`, `take_in` and `word`.
    """

    def __init__(self, name: str, stride: i64, words: i64 = 0) -> None:
        self.words: i64 = words if words != 0 else stride
        super().__init__(_pages_left_at_most(self.words))
        self.name = name
        self.stride: i64 = stride
        self.count: i64 = 0
        self.rows: vec[i64] = vec[i64]()
        self.tree = PageTree()
        self._room = Room()
        self._image: PageImage | None = None
        self._view: memoryview | None = None
        """Of the rows, while pages are hashed: made once for all of them."""

    def add_row(self) -> i64:
        """A new row of zeros at the end; its number. Any `rows` held by a caller is stale."""
        row = self.count
        rows = self.rows
        words = (row + 1) * self.stride
        if words > self._room.words:
            rows = self._room.more(rows, words)
        i: i64 = 0
        while i < self.stride:
            rows = append(rows, 0)
            i += 1
        self.rows = rows
        self.count = row + 1
        if row >> PAGE_SHIFT == i64(len(self.marks)):
            self.add_mark()
            self.tree.add_page()
        self.touch(row)
        return row

    def touch(self, row: i64) -> None:
        """The row's page has changed."""
        if self.marks[row >> PAGE_SHIFT] != MARKED:
            self.mark(row >> PAGE_SHIFT)

    def mark(self, page: i64) -> None:
        image = self._image
        if self.marks[page] & STALE == 0 and image is not None and page < image.swept:
            image.stale.push(page)
        super().mark(page)

    def digest(self, as_tree: bool) -> bytes:
        """SHA-256 over the name, the row count, and the root of the tree of pages.

        Not `as_tree`: over the hash of each page, in order, as it was first.
        """
        if not as_tree:
            self.tree.leave()
        self.hash_all()
        root = hashlib.sha256(f"{self.name}:{self.words}:{self.count}".encode())
        root.update(self.tree.root() if as_tree else self.tree.levels[0])
        return root.digest()

    def hash_all(self) -> None:
        self._view = memoryview(self.rows)
        super().hash_all()
        self._view = None

    def hash_some(self, looks: i64) -> None:
        """And what stands above the pages."""
        self._view = memoryview(self.rows)
        super().hash_some(looks)
        self._view = None
        self.tree.raise_down_to(self._to_hash.count)

    def hash_page(self, page: i64) -> None:
        self.tree.put(page, hashlib.sha256(self.content(page, 1)).digest())

    # --- rows as digests and snapshots have them ----------------------------------------------

    def content(self, page: i64, pages: i64) -> memoryview:
        """The words of so many pages; the last may have fewer rows. Good until the next call."""
        page_words = PAGE_ROWS * self.stride
        view = self._view if self._view is not None else memoryview(self.rows)
        return view[page * page_words : (page + pages) * page_words]

    def take_in(self, rows: vec[i64], chunk: memoryview) -> vec[i64]:
        """The rows, and those of the chunk behind them."""
        return extend(rows, chunk.cast("q"))

    def word(self, row: i64, number: i64) -> i64:
        """One word of a row."""
        return self.rows[row * self.stride + number]

    # --- an image, made in steps --------------------------------------------------------------

    def begin_image(self) -> None:
        """An image is to be made, from nothing."""
        self._image = PageImage(PAGE_ROWS * self.words * 8)

    def copy_first(self, most: i64) -> i64:
        """Copies pages that no image has yet, `most` bytes or one page; bytes copied."""
        image = self._image
        assert image is not None, f"table {self.name}: no image was begun"
        pages = i64(len(self.marks)) - image.swept
        if pages == 0:
            return 0
        if pages * image.page_bytes > most:
            pages = most // image.page_bytes if most > image.page_bytes else 1
        image.put(image.swept, pages, self.content(image.swept, pages))
        end = image.swept + pages
        while image.swept < end:
            self.marks[image.swept] &= ~STALE
            image.swept += 1
        return pages * image.page_bytes

    def copy_again(self, most: i64) -> i64:
        """Copies pages that have changed since they were copied, the same way."""
        image = self._image
        assert image is not None, f"table {self.name}: no image was begun"
        copied: i64 = 0
        while image.stale.count > 0 and (copied == 0 or copied + image.page_bytes <= most):
            page = image.stale.pop()
            image.put(page, 1, self.content(page, 1))
            self.marks[page] &= ~STALE
            copied += image.page_bytes
        return copied

    @property
    def uncopied(self) -> int:
        """Bytes of which the image has no true copy."""
        image = self._image
        assert image is not None, f"table {self.name}: no image was begun"
        return (i64(len(self.marks)) - image.swept + image.stale.count) * image.page_bytes

    def take_image(self) -> list[bytearray]:
        """The rows as they are now, in chunks; what is missing is copied."""
        image = self._image
        assert image is not None, f"table {self.name}: no image was begun"
        self.copy_first(self.uncopied)
        self.copy_again(self.uncopied)
        self._image = None
        return image.taken(self.count * self.words * 8)

    def drop_image(self) -> None:
        """Nobody wants it any more."""
        self._image = None

    def dump(self) -> bytes:
        return bytes(self.content(0, len(self.marks)))

    def load(self, chunks: list[memoryview]) -> None:
        """Replace all rows. Raises `ValueError` unless each chunk is whole rows."""
        words: i64 = 0
        for chunk in chunks:
            size: i64 = len(chunk)
            if size % (8 * self.words) != 0:
                raise ValueError(
                    f"table {self.name}: {size} bytes are not rows of {self.words} words"
                )
            words += size // 8
        room = Room()
        rows = room.more(vec[i64](), words // self.words * self.stride)
        for chunk in chunks:
            rows = self.take_in(rows, chunk)
        self.rows = rows
        self._room = room
        self.count = words // self.words
        self._image = None
        self.tree = PageTree()
        self.forget_pages()
        pages = (self.count + PAGE_ROWS - 1) >> PAGE_SHIFT
        page: i64 = 0
        while page < pages:
            self.add_mark()
            self.tree.add_page()
            self.mark(page)
            page += 1


def _pages_left_at_most(stride: i64) -> i64:
    """Pages of a table that may wait for a checkpoint, so that all tables' take half a ms."""
    fitting = _LEFT_BYTES // (PAGE_ROWS * 8 * stride)
    return fitting if fitting < _LEFT_PAGES else _LEFT_PAGES
