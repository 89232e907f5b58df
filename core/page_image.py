"""A copy of a table's pages that is made in steps, while the table goes on changing.

Why it exists: a snapshot is the state after one entry, and copying all of it at once stops the
machine. So pages are copied a few after each entry, those that change afterwards again, until so
little is left that it is copied at once. It knows pages as bytes, and must not know what is on
them, nor when they change: the table says so.
"""

from typing import Final

from mypy_extensions import i64

from core.waiting import Fifo

CHUNK_BYTES: Final = 256 << 10
"""About so much is allocated at a time, hashed at a time and written at a time."""


class PageImage:
    """The first `swept` pages have been copied; of these the ones in `stale` have changed since."""

    def __init__(self, page_bytes: i64) -> None:
        self.page_bytes: i64 = page_bytes
        self.swept: i64 = 0
        self.stale = Fifo()
        self.chunk_pages: i64 = CHUNK_BYTES // page_bytes if page_bytes < CHUNK_BYTES else 1
        self._chunks: list[bytearray] = []

    def put(self, page: i64, pages: i64, content: memoryview) -> None:
        """Copies so many pages from `page` on; their words may end within the last one."""
        content = content.cast("B")
        first: i64 = 0
        while pages > 0:
            chunk = page // self.chunk_pages
            while chunk >= i64(len(self._chunks)):
                self._chunks.append(bytearray(self.chunk_pages * self.page_bytes))
            at = page - chunk * self.chunk_pages
            count = self.chunk_pages - at
            if count > pages:
                count = pages
            bytes_ = content[first : first + count * self.page_bytes]
            to = at * self.page_bytes
            memoryview(self._chunks[chunk])[to : to + len(bytes_)] = bytes_
            first += count * self.page_bytes
            page += count
            pages -= count

    def taken(self, size: i64) -> list[bytearray]:
        """The copy, which is whole: so many bytes, in chunks of equal size but for the last."""
        chunk_bytes = self.chunk_pages * self.page_bytes
        chunks = self._chunks
        self._chunks = []
        count = (size + chunk_bytes - 1) // chunk_bytes
        assert i64(len(chunks)) == count, "page image: not whole"
        if count > 0:
            del chunks[count - 1][size - (count - 1) * chunk_bytes :]
        return chunks
