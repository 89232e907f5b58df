"""The whole state of a partition: its parts, its digest, its snapshot, and reading it.

Why it exists: digest and snapshot must cover everything that decides what happens next, so there
is one list of tables and one list of loose numbers, and both use it. A number that is missing
there would be caught: a restored machine would answer differently from the one it came from.

Derived structures (indexes, ladders) are in neither; `restore` builds them again.
"""

import hashlib
import struct
from typing import Final

import msgspec
from librt.vecs import append, vec
from mypy_extensions import i64

from core.accounts import Accounts
from core.amending import Amending
from core.answer import Answer
from core.auction import Auction
from core.cascade import Cascade
from core.codes import AUCTION, BUY, DAY
from core.conditional import Conditional
from core.decisions import Decisions
from core.dedup import References, Replies
from core.emit import EventWriter
from core.fee_orders import FeeOrders
from core.imaging import Imaging
from core.listed import Listed
from core.listing import Listing
from core.markets import Markets
from core.mass_cancel import MassCancel
from core.modes import Modes
from core.open_orders import OpenOrders
from core.operators import Operators
from core.order_store import L_BOOK, L_PRICE, LEVEL_WORDS
from core.pegs import Pegs
from core.profiles import Profiles
from core.risk_orders import RiskOrders
from core.rules import Rules
from core.snapshot import SnapshotHead, WholeSnapshot
from core.snapshot_format import SNAPSHOT_VERSION_WHOLE, Chunk, Snapshot
from core.table import NIL, Table
from core.terms import AREA_SHIFT, SYMBOL_MASK
from core.ticket import Ticket
from core.trading import Trading
from core.transfer_orders import TransferOrders
from core.versions import (
    VERSION_AUCTIONS, VERSION_EXTENSIONS, VERSION_FEES, VERSION_FIRST, VERSION_ORDER_TERMS,
    VERSION_RISK, VERSION_STRICT, VERSION_TRANSFERS, VERSION_TREE,
)  # fmt: skip
from core.waiting import Pace

_SCALARS: Final = 15
"""Loose numbers of a state of the first version; a later version stands behind them."""
_SCALARS_OF_TERMS: Final = 18
"""Those of a state from `VERSION_ORDER_TERMS` on; from `VERSION_STRICT` on there is one more."""


class State:
    """Everything that a command can change, except the batch in hand."""

    def __init__(self, secret: bytes = b"") -> None:
        self.answer = Answer()
        self.listing = Listing()
        self.accounts = Accounts()
        self.replies = Replies(secret)
        self.references = References()
        self.events = EventWriter(self.listing.symbols)
        self.profiles = Profiles()
        self.rules = Rules()
        self.markets = Markets()
        self.ticket = Ticket()
        self.trading = Trading(
            self.listing, self.accounts, self.profiles, self.rules, self.markets, self.events,
            self.answer, OpenOrders(self.accounts.accounts, secret),
        )  # fmt: skip
        self.conditional = Conditional(self.trading)
        self.pegs = Pegs(self.trading)
        self.listed = Listed(self.trading, self.conditional)
        self.amending = Amending(self.trading, self.conditional)
        self.mass_cancel = MassCancel(self.trading)
        self.auction = Auction(self.trading)
        self.decisions = Decisions(
            self.trading, self.ticket, self.conditional, self.pegs, self.listed, self.amending,
            self.mass_cancel,
        )  # fmt: skip
        self.modes = Modes(self.trading, self.auction)
        self.risk_orders = RiskOrders(
            self.listing, self.accounts, self.profiles, self.rules, self.mass_cancel, self.events,
            self.answer,
        )  # fmt: skip
        self.fee_orders = FeeOrders(
            self.listing, self.accounts, self.trading.execution.fees, self.events, self.answer
        )
        self.operators = Operators(
            self.listing, self.accounts, self.profiles, self.trading, self.modes, self.replies,
            self.references, self.events, self.answer,
        )  # fmt: skip
        self.transfer_orders = TransferOrders(
            self.listing, self.accounts, self.operators, self.trading.timers, self.events,
            self.answer,
        )  # fmt: skip
        self.cascade = Cascade(
            self.trading, self.conditional, self.pegs, self.mass_cancel, self.modes,
            self.transfer_orders,
        )  # fmt: skip
        self.checkpoint_index: i64 = 0
        self.checkpoint_digest: bytes = bytes(32)
        self.version: i64 = VERSION_FIRST
        """The machine version that is in force."""
        self.pace = Pace()
        self._in_force: list[Table] = self.tables(VERSION_FIRST)
        self._imaging: Imaging | None = None

    def tables(self, version: i64) -> list[Table]:
        """Those that a state of that machine version has."""
        store = self.trading.store
        first = [
            self.listing.assets, self.listing.symbols, self.accounts.accounts,
            self.accounts.balances, store.orders, self.trading.open_orders.links, store.levels,
            self.replies.table, self.references.table,
        ]  # fmt: skip
        if version < VERSION_ORDER_TERMS:
            return first
        terms = [
            *first, store.terms.table, self.trading.endings.lists.table, self.markets.table,
            self.trading.timers.switches, self.profiles.table,
        ]  # fmt: skip
        if version < VERSION_RISK:
            return terms
        rules = [*terms, self.rules.table, self.rules.desks]
        fees = self.trading.execution.fees
        if version < VERSION_FEES:
            return rules
        charged = [*rules, fees.table, fees.volumes]
        if version < VERSION_TRANSFERS:
            return charged
        return [*charged, self.trading.timers.transfers.table]

    def set_version(self, version: i64) -> None:
        """The rules of that version are in force; its tables begin empty."""
        if self.version < VERSION_ORDER_TERMS <= version:
            self.markets.reset()
        if self.version < VERSION_STRICT <= version:
            self.replies.forgotten_ns = NIL  # nothing forgotten is in the table yet
        self.version = version
        self._use_version()
        if self._imaging is not None:
            self.begin_image(int(self._imaging.step_bytes))  # there are other tables now

    def keep_up(self, commands: i64, ts_ns: i64) -> None:
        """After an entry of so many commands: count what was written, hash what has waited."""
        self.trading.risk.exposure.look_again()
        pace = self.pace
        pace.entry(commands, ts_ns)
        for table in self._in_force:
            table.keep_up(pace)
        self.accounts.pages.keep_up(pace)

    def begin_interval(self, ts_ns: i64) -> None:
        """A checkpoint has been made."""
        self.pace.checkpoint(ts_ns)
        for table in self._in_force:
            table.begin_interval(self.pace)
        self.accounts.pages.begin_interval(self.pace)

    @property
    def waiting(self) -> dict[str, int]:
        """Changed pages that are not hashed yet, by table; "pages" are those of the balances."""
        found = {table.name: table.waiting for table in self._in_force}
        return {**found, "pages": self.accounts.pages.waiting}

    def _use_version(self) -> None:
        """What the parts must know of the version in force."""
        last_tif: i64 = AUCTION if self.version >= VERSION_AUCTIONS else DAY
        self.ticket.last_tif = last_tif
        self.trading.has_risk = self.version >= VERSION_RISK
        self.trading.execution.has_fees = self.version >= VERSION_FEES
        self.trading.execution.is_strict = self.version >= VERSION_STRICT
        self.replies.is_strict = self.version >= VERSION_STRICT
        self.auction.extends = self.version >= VERSION_EXTENSIONS
        self.listed.use_version(last_tif)
        self._in_force = self.tables(self.version)

    def scalars(self) -> list[int]:
        """Every number of the state that lies in no table."""
        store = self.trading.store
        later: list[int] = [] if self.version == VERSION_FIRST else [self.version]
        if self.version >= VERSION_ORDER_TERMS:
            later += [store.terms.free, self.trading.endings.lists.free]
        replies = self.replies
        if self.version >= VERSION_STRICT:
            later.append(replies.forgotten_ns)
        return [
            store.free_order, store.free_level, store.open_count, self.trading.open_orders_max,
            replies.window_ns, replies.rows_max, replies.live, replies.oldest, replies.youngest,
            replies.free, self.checkpoint_index, *struct.unpack("<4q", self.checkpoint_digest),
            *later,
        ]  # fmt: skip

    def set_scalars(self, s: list[int]) -> None:
        store = self.trading.store
        replies = self.replies
        store.free_order = s[0]
        store.free_level = s[1]
        store.open_count = s[2]
        self.trading.open_orders_max = s[3]
        replies.window_ns = s[4]
        replies.rows_max = s[5]
        replies.live = s[6]
        replies.oldest = s[7]
        replies.youngest = s[8]
        replies.free = s[9]
        self.checkpoint_index = s[10]
        self.checkpoint_digest = struct.pack("<4q", *s[11:_SCALARS])
        self.version = s[_SCALARS] if len(s) > _SCALARS else VERSION_FIRST
        if self.version >= VERSION_ORDER_TERMS:
            store.terms.free = s[_SCALARS + 1]
            self.trading.endings.lists.free = s[_SCALARS + 2]
        if self.version >= VERSION_STRICT:
            replies.forgotten_ns = s[_SCALARS_OF_TERMS]

    def digest_sections(self) -> dict[str, bytes]:
        """SHA-256 of each table and of the loose numbers, by name."""
        as_tree = self.version >= VERSION_TREE
        sections = {table.name: table.digest(as_tree) for table in self.tables(self.version)}
        scalars = self.scalars()
        sections["scalars"] = hashlib.sha256(struct.pack(f"<{len(scalars)}q", *scalars)).digest()
        return sections

    def digest(self) -> bytes:
        return self.root_digest(self.digest_sections())

    def root_digest(self, sections: dict[str, bytes]) -> bytes:
        """SHA-256 over the sections' names and digests, in their fixed order."""
        root = hashlib.sha256()
        for name, section in sections.items():
            root.update(name.encode())
            root.update(section)
        return root.digest()

    def snapshot(self, index: int, ts_ns: int, chain: bytes) -> bytes:
        """In format 1, at once."""
        tables = {table.name: table.dump() for table in self.tables(self.version)}
        seal = self._seal(index, ts_ns, chain)
        return msgspec.msgpack.encode(
            WholeSnapshot(SNAPSHOT_VERSION_WHOLE, index, ts_ns, chain, self.scalars(), tables, seal)
        )

    def begin_image(self, step_bytes: int) -> None:
        """A snapshot is to be taken, in steps of so many bytes; one before it is forgotten."""
        self.drop_image()
        self._imaging = Imaging(self.tables(self.version), step_bytes)

    def copy_image(self) -> bool:
        """A step; True once what is left may be copied at once."""
        assert self._imaging is not None, "state: no snapshot was begun"
        return self._imaging.step()

    def take_image(self, index: int, ts_ns: int, chain: bytes) -> Snapshot:
        """The snapshot; what is left is copied. To be written in format 2."""
        if self._imaging is None:
            self.begin_image(1)
        seal = self._seal(index, ts_ns, chain)
        tables = self.tables(self.version)
        taken: list[list[Chunk]] = [list(table.take_image()) for table in tables]
        self._imaging = None
        head = SnapshotHead(
            index, ts_ns, chain, self.scalars(), [table.name for table in tables],
            [int(table.count * table.words * 8) for table in tables],
            [len(of_table[0]) if of_table else 1 for of_table in taken], seal,
        )  # fmt: skip
        return Snapshot(head, taken)

    def drop_image(self) -> None:
        if self._imaging is not None:
            self._imaging.drop()
            self._imaging = None

    def _seal(self, index: int, ts_ns: int, chain: bytes) -> bytes:
        """SHA-256 over all that a snapshot says."""
        head = struct.pack("<3q", SNAPSHOT_VERSION_WHOLE, index, ts_ns)
        return hashlib.sha256(head + chain + self.digest()).digest()

    def load(self, snapshot: Snapshot) -> None:
        """Become what the snapshot says. Raises `ValueError` for one that does not fit."""
        head = snapshot.head
        version = _version_of(head.scalars)
        tables = self.tables(version)
        if head.names != [table.name for table in tables]:
            raise ValueError(f"snapshot: tables {head.names} are not those of a state")
        for table, chunks in zip(tables, snapshot.chunks, strict=True):
            table.load([memoryview(chunk) for chunk in chunks])
        self.set_scalars(head.scalars)
        if self._seal(head.index, head.ts_ns, head.chain) != head.seal:
            raise ValueError("snapshot: its content does not match its seal")
        self.listing.rebuild()
        self.accounts.rebuild()
        self.replies.rebuild()
        self.references.rebuild()
        self.trading.open_orders.rebuild()
        self.profiles.rebuild()
        self.rules.rebuild()
        self.trading.execution.fees.rebuild()
        while self.rules.table.count < self.listing.symbols.count:
            self.rules.add()  # likewise
        self._rebuild_books()
        while self.markets.table.count < self.listing.symbols.count:
            self.markets.add()  # a state of a version that has no such table
        self.markets.rebuild()
        self.trading.timers.transfers.rebuild()
        self.trading.timers.rebuild()
        self._use_version()
        self.accounts.digest()
        for table in self._in_force:
            table.restart_interval()
        self.accounts.pages.restart_interval()

    def _rebuild_books(self) -> None:
        """The ladders, from the levels that exist."""
        store = self.trading.store
        endings = self.trading.endings
        symbol: i64 = 1
        while symbol < self.listing.symbols.count:
            self.trading.add_books(symbol)
            symbol += 1
        found: list[tuple[int, int, int, int]] = []
        level: i64 = 0
        while level < store.levels.count:
            at = level * LEVEL_WORDS
            book = store.levels.rows[at + L_BOOK]
            if book != NIL:
                sign: i64 = 1 if book & 1 == BUY else -1
                found.append((book >> 1, book & 1, store.levels.rows[at + L_PRICE] * sign, level))
            level += 1
        for number, side, key, row in sorted(found):
            ladder = endings.book_at(number >> AREA_SHIFT, number & SYMBOL_MASK).side(side)
            ladder.insert(ladder.depth, key, row)


def _version_of(scalars: list[int]) -> int:
    """The machine version of a snapshot's loose numbers. Raises `ValueError` if they are none."""
    if any(not -(1 << 63) <= scalar < 1 << 63 for scalar in scalars):
        raise ValueError("snapshot: a loose number beyond 64 bits")
    version = scalars[_SCALARS] if len(scalars) > _SCALARS else VERSION_FIRST
    wanted = _SCALARS_OF_TERMS if version >= VERSION_ORDER_TERMS else _SCALARS + (version > 1)
    wanted += version >= VERSION_STRICT
    if len(scalars) != wanted:
        raise ValueError(f"snapshot: {len(scalars)} loose numbers")
    return version


def digest_words(first: bytes, second: bytes) -> vec[i64]:
    """Two digests as eight words."""
    words = vec[i64]()
    for word in struct.unpack("<8q", first + second):
        words = append(words, word)
    return words
