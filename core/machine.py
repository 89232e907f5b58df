"""The machine: a pure function from a log entry to events and replies.

Why it exists: every replica applies the same log through this one door and must come out the
same, bit by bit. It must not know clocks, disks, networks, threads or that other replicas exist;
"now" is the log entry's stamp.

The rules (what each command does is in `docs/machine.md`):

1. Commands are applied in the order of the log, each completely before the next.
2. A command that decodes is applied or rejected; it never raises, but for a version that this
   program does not know. A batch that does not decode changes nothing.
3. A command checks everything before it changes anything.
4. Every change is told by an event; every command gets one reply.
5. The same key with the same payload has one effect and one answer, as long as it is remembered.
6. After a command: books neither crossed nor locked, level totals equal the sum of their orders,
   every hold equals what its orders can still cost, nothing negative, and the sum over all
   accounts of an asset is what was deposited less what was withdrawn.
7. Equal logs give equal chains and digests: interpreted or compiled, whole or from a snapshot.

The caller's duties:

1. Apply each log index once, in order, with time stamps that never go back.
2. Take `events` and `replies` before the next `apply`.
3. On `Diverged`, stop: keep the evidence and serve nothing more from this state. On
   `UnknownVersion`, stop too, and let a newer program go on.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

from librt.strings import read_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from core.codes import (
    CMD_AMEND, CMD_CANCEL, CMD_CANCEL_AFTER, CMD_CANCEL_ALL, CMD_CHECKPOINT, CMD_DEPOSIT,
    CMD_LIST_ASSET, CMD_LIST_SYMBOL, CMD_OPEN_ACCOUNT, CMD_PLACE, CMD_PLACE_LIST, CMD_PLACE_TERMS,
    CMD_SET_ACCOUNT, CMD_SET_DESK, CMD_SET_FEES, CMD_SET_GROUP, CMD_SET_LIMITS, CMD_SET_MODE,
    CMD_SET_REFERENCE, CMD_SET_RULES, CMD_SET_VERSION, CMD_TRANSFER_OUT, CMD_WITHDRAW,
    IDEMPOTENCY_MISMATCH, OK, OVERLOADED, UNKNOWN_SYMBOL, VALIDATION,
)  # fmt: skip
from core.columns import column_bytes, filled
from core.commands import C_ACCOUNT, C_HEAD, COMMAND_WORDS, split_batch, words_of
from core.dedup import D_REPLY, DEDUP_WORDS
from core.events import REPLY_DUPLICATE_BIT, REPLY_WORDS
from core.read_ahead import ReadAhead
from core.reading import Reading
from core.snapshot_format import Snapshot, decode
from core.state import State, digest_words
from core.table import NIL, Table
from core.versions import (
    VERSION_AUCTIONS, VERSION_KEYED_MODES, VERSION_KNOWN, VERSION_TREE, UnknownVersion,
    version_of_kind,
)  # fmt: skip
from core.views import AssetView, BalanceView, BookView, OrderView, SymbolView, TransferView

_CHAIN_HEAD: Final = struct.Struct("<3q")


class Diverged(Exception):
    """Our bug: this state is not the one that the leader had at the same index."""


class Machine:
    """One partition's state, and the last batch's output.

    `known_version`: the newest machine version to run, 1 to `VERSION_KNOWN`; less than that is a
    program of an earlier release. `secret`: see `core.index`; no result depends on it.
    """

    def __init__(self, known_version: int = VERSION_KNOWN, secret: bytes = b"") -> None:
        assert 1 <= known_version <= VERSION_KNOWN, f"machine: version {known_version}"
        self.known_version: int = known_version
        self.index: int = 0
        self.ts_ns: int = 0
        self.chain: bytes = bytes(32)
        self.events: bytes = b""
        self.replies: bytes = b""
        self.checkpoint_sections: dict[str, bytes] = {}
        self._state = State(secret)
        self._out: vec[i64] = filled(REPLY_WORDS, 0)
        self._replied: i64 = 0
        self._ahead = ReadAhead(self._state)
        state = self._state
        self._reading = Reading(state.listing, state.accounts, state.trading)

    def apply(self, index: int, ts_ns: int, payload: bytes) -> None:
        """Apply the log entry at `index`, stamped `ts_ns`. An empty payload is an empty batch.

        Raises `MalformedBatch` (the sender's fault, nothing changed), `Diverged` or
        `UnknownVersion`.
        """
        commands, count, _ = split_batch(payload) if payload else (b"", 0, b"")
        assert index == self.index + 1, f"machine: index {index} after {self.index}"
        assert ts_ns >= self.ts_ns, f"machine: time {ts_ns} before {self.ts_ns}"
        self.index = index
        self.ts_ns = ts_ns
        while len(self._out) < count * REPLY_WORDS:
            self._out = append(self._out, 0)
        self._replied = 0
        state = self._state
        state.events.start_batch()
        state.replies.begin_entry(ts_ns, count)
        state.answer.begin(ts_ns)
        state.cascade.begin_entry(ts_ns)
        self._ahead.read(commands)
        at: i64 = 0
        end: i64 = len(commands)
        while at < end:
            head = read_i64_le(commands, at)
            self._command(commands, at, head)
            state.events.cause += 1
            at += ((head >> 8) & 0xFF) << 3
        self.events = state.events.taken()
        self.replies = column_bytes(self._out, self._replied)
        link = hashlib.sha256(self.chain)
        link.update(_CHAIN_HEAD.pack(index, ts_ns, len(commands)))
        link.update(commands)
        link.update(self.events)
        self.chain = link.digest()
        state.keep_up(count, ts_ns)

    def _command(self, commands: bytes, at: i64, head: i64) -> None:
        state = self._state
        answer = state.answer
        if state.markets.backlogs > 0 or state.rules.killing > 0:
            state.cascade.go_on()
        answer.begin(self.ts_ns)
        kind = head & 0xFF
        if kind <= CMD_CANCEL_ALL or CMD_PLACE_TERMS <= kind <= CMD_CANCEL_AFTER:
            self._trading(commands, at, head, kind)
            if state.markets.touched_count > 0:
                state.cascade.settle()
            return
        w4 = read_i64_le(commands, at + 32)
        w5 = read_i64_le(commands, at + 40)
        w6 = read_i64_le(commands, at + 48)
        operators = state.operators
        if kind == CMD_SET_MODE:
            self._set_mode(commands, at, head, w4)
            state.cascade.settle()
            return
        if kind == CMD_SET_VERSION:
            self._set_version(w4)
        elif kind == CMD_DEPOSIT or kind == CMD_WITHDRAW:
            account = read_i64_le(commands, at + 8)
            hi = read_i64_le(commands, at + 16)
            operators.move(kind, account, hi, read_i64_le(commands, at + 24), w4, w5)
        elif kind == CMD_OPEN_ACCOUNT:
            operators.open_account(w4, w5)
        elif kind == CMD_LIST_ASSET:
            operators.list_asset(w4, w5, w6)
        elif kind == CMD_LIST_SYMBOL:
            operators.list_symbol(words_of(commands, at, (head >> 8) & 0xFF))
        elif kind == CMD_CHECKPOINT:
            self._checkpoint(w4, commands[at + 40 : at + 72])
        elif kind == CMD_SET_LIMITS:
            operators.set_limits(w4, w5, w6)
        elif state.version < version_of_kind(kind):
            answer.reject(VALIDATION, C_HEAD)
        elif kind == CMD_SET_GROUP:
            operators.set_group(read_i64_le(commands, at + 8), w4)
        elif kind >= CMD_TRANSFER_OUT:
            state.transfer_orders.apply(commands, at, kind)
        else:
            self._lay_down(commands, at, head, kind)
        self._reply(kind)
        if state.markets.touched_count > 0:
            state.cascade.settle()

    def _lay_down(self, commands: bytes, at: i64, head: i64, kind: i64) -> None:
        """Rules of markets and accounts."""
        orders = self._state.risk_orders
        symbol = (head >> 16) & 0xFFFF
        account = read_i64_le(commands, at + 8)
        w4 = read_i64_le(commands, at + 32)
        if kind == CMD_SET_RULES:
            orders.set_rules(symbol, words_of(commands, at, (head >> 8) & 0xFF))
        elif kind == CMD_SET_DESK:
            orders.set_desk(symbol, account, words_of(commands, at, (head >> 8) & 0xFF))
        elif kind == CMD_SET_FEES:
            self._state.fee_orders.set(symbol, account, words_of(commands, at, (head >> 8) & 0xFF))
        elif kind == CMD_SET_ACCOUNT:
            orders.set_account(account, w4, read_i64_le(commands, at + 40))
        else:
            assert kind == CMD_SET_REFERENCE, "machine: a kind that the decoder let through"
            orders.set_reference(symbol, w4)

    def _set_mode(self, commands: bytes, at: i64, head: i64, mode: i64) -> None:
        """With a key once, as trading is, from `VERSION_KEYED_MODES` on."""
        state = self._state
        symbol = (head >> 16) & 0xFFFF
        key_hi = read_i64_le(commands, at + 16)
        key_lo = read_i64_le(commands, at + 24)
        keyed = (
            state.version >= VERSION_KEYED_MODES
            and (key_hi != 0 or key_lo != 0)
            and state.listing.has_symbol(symbol)
        )
        w5 = read_i64_le(commands, at + 40)
        w6 = read_i64_le(commands, at + 48)
        w7 = read_i64_le(commands, at + 56)
        if keyed and self._is_answered(key_hi, key_lo, symbol, head, mode, w5, w6, w7):
            return
        state.operators.set_mode(symbol, mode, w5, state.version >= VERSION_AUCTIONS)
        reply_at = self._replied
        self._reply(CMD_SET_MODE)
        if keyed and state.replies.has_room():
            state.replies.remember(
                key_hi, key_lo, symbol, head, mode, w5, w6, w7, self._out, reply_at
            )

    def _set_version(self, version: i64) -> None:
        """Raises `UnknownVersion` for one that other programs would put in force."""
        state = self._state
        if state.operators.set_version(version, state.version):
            if version > self.known_version:
                raise UnknownVersion(version, self.known_version, self.index)
            state.set_version(version)

    def _trading(self, commands: bytes, at: i64, head: i64, kind: i64) -> None:
        """What clients send: the checks that they share, then their own."""
        state = self._state
        answer = state.answer
        symbol = (head >> 16) & 0xFFFF
        account = read_i64_le(commands, at + 8)
        key_hi = read_i64_le(commands, at + 16)
        key_lo = read_i64_le(commands, at + 24)
        w4 = read_i64_le(commands, at + 32)
        w5 = read_i64_le(commands, at + 40)
        w6 = read_i64_le(commands, at + 48)
        w7 = read_i64_le(commands, at + 56)
        client_hi, client_lo = w6, w7
        state.trading.execution.symbol = symbol
        if kind == CMD_CANCEL or kind == CMD_AMEND:
            answer.id = w4
        if not self._admit(kind, symbol, account):
            self._finish(kind, account, client_hi, client_lo)
            return
        keyed = key_hi != 0 or key_lo != 0
        scope = account << 16 | symbol
        words = (head >> 8) & 0xFF
        if keyed and words > COMMAND_WORDS:
            # The payload has no room in a remembered reply; its hash stands for it.
            payload = hashlib.sha256(commands[at + 32 : at + (words << 3)]).digest()
            w4 = read_i64_le(payload, 0)
            w5 = read_i64_le(payload, 8)
            w6 = read_i64_le(payload, 16)
            w7 = read_i64_le(payload, 24)
        if keyed and self._is_answered(key_hi, key_lo, scope, head, w4, w5, w6, w7):
            return
        state.decisions.decide(commands, at, head, kind, symbol, account, state.version)
        reply_at = self._replied
        self._finish(kind, account, client_hi, client_lo)
        if keyed and state.replies.has_room():
            state.replies.remember(key_hi, key_lo, scope, head, w4, w5, w6, w7, self._out, reply_at)

    def _admit(self, kind: i64, symbol: i64, account: i64) -> bool:
        """The symbol is listed and the account open, as far as the kind needs them."""
        state = self._state
        must_name = kind == CMD_PLACE or kind == CMD_PLACE_TERMS or kind == CMD_PLACE_LIST
        if not state.listing.has_symbol(symbol) and (symbol != 0 or must_name):
            state.trading.execution.symbol = 0
            return state.answer.reject(UNKNOWN_SYMBOL, symbol)
        if not state.accounts.is_open(account):
            if kind != CMD_CANCEL_ALL or account != 0:
                return state.answer.reject(VALIDATION, C_ACCOUNT)
            if symbol == 0:
                return state.answer.reject(VALIDATION, C_HEAD)
        return True

    def _is_answered(
        self, key_hi: i64, key_lo: i64, scope: i64, head: i64, w4: i64, w5: i64, w6: i64, w7: i64
    ) -> bool:
        """The key is known, and has its answer; or no key more can be remembered, and it says so.

        False leaves the key as what was sought last: `Replies.remember` may follow, if there is
        room. Without room only cancels and modes are decided, which may well be done twice: who
        fills the table must neither keep others in the market nor keep it open.
        """
        replies = self._state.replies
        kind = head & 0xFF
        known = replies.find(key_hi, key_lo, scope)
        if known != NIL:
            self._answer_again(known, kind, head, w4, w5, w6, w7)
            return True
        replies.make_room()
        if replies.has_room():
            return False
        cancels = kind == CMD_CANCEL or kind == CMD_CANCEL_ALL or kind == CMD_CANCEL_AFTER
        if (cancels or kind == CMD_SET_MODE) and replies.is_strict:
            return False
        self._state.answer.reject(OVERLOADED, replies.rows_max)
        self._reply(kind)
        return True

    def _answer_again(
        self, known: i64, kind: i64, head: i64, w4: i64, w5: i64, w6: i64, w7: i64
    ) -> None:
        """The stored reply, marked as a duplicate; or a mismatch."""
        replies = self._state.replies
        if not replies.is_same(known, head, w4, w5, w6, w7):
            self._state.answer.id = 0
            self._state.answer.reject(IDEMPOTENCY_MISMATCH, 0)
            self._reply(kind)
            return
        rows = replies.table.rows
        from_ = known * DEDUP_WORDS + D_REPLY
        at = self._replied
        i: i64 = 0
        while i < REPLY_WORDS:
            self._out[at + i] = rows[from_ + i]
            i += 1
        self._out[at] |= 1 << REPLY_DUPLICATE_BIT
        self._replied = at + REPLY_WORDS

    def _finish(self, kind: i64, account: i64, client_hi: i64, client_lo: i64) -> None:
        """A reject's event, the sequence number, the reply."""
        state = self._state
        answer = state.answer
        symbol = state.trading.execution.symbol
        events = state.events
        if answer.code != OK:
            if kind == CMD_PLACE or kind == CMD_PLACE_TERMS or kind == CMD_PLACE_LIST:
                events.order_rejected(
                    symbol, answer.code, account, answer.detail, 0, client_hi, client_lo
                )
            elif kind == CMD_AMEND:
                events.order_rejected(symbol, answer.code, account, answer.detail, answer.id, 0, 0)
            elif kind == CMD_CANCEL:
                events.cancel_rejected(symbol, answer.code, answer.id, account)
        if kind != CMD_CANCEL_ALL and (kind != CMD_CANCEL_AFTER or answer.code == OK):
            answer.seq = events.last_seq(symbol)
        self._reply(kind)

    def _reply(self, kind: i64) -> None:
        answer = self._state.answer
        out = self._out
        at = self._replied
        duplicate: i64 = 1 if answer.duplicate else 0
        out[at] = answer.code | answer.status << 8 | duplicate << REPLY_DUPLICATE_BIT | kind << 24
        out[at + 1] = answer.id
        out[at + 2] = answer.seq
        out[at + 3] = answer.ts_ns
        out[at + 4] = answer.filled
        out[at + 5] = answer.filled_quote
        out[at + 6] = answer.remaining
        out[at + 7] = answer.detail
        self._replied = at + REPLY_WORDS

    def _checkpoint(self, claimed_index: i64, claimed_digest: bytes) -> None:
        state = self._state
        if claimed_index != 0 and claimed_index == state.checkpoint_index:
            if claimed_digest != state.checkpoint_digest:
                raise Diverged(
                    f"machine: digest {state.checkpoint_digest.hex()} at index {claimed_index},"
                    f" the leader had {claimed_digest.hex()}"
                )
        self.checkpoint_sections = state.digest_sections()
        digest = state.root_digest(self.checkpoint_sections)
        words = digest_words(digest, state.accounts.digest())
        state.events.engine_checkpoint(self.index, words)
        state.answer.seq = state.events.last_seq(0)
        state.checkpoint_index = self.index
        state.checkpoint_digest = digest
        state.begin_interval(self.ts_ns)

    # --- digest, snapshot, reading ------------------------------------------------------------

    def digest(self) -> bytes:
        """32 bytes over the whole state; equal logs give equal digests."""
        return self._state.digest()

    def digest_sections(self) -> dict[str, bytes]:
        return self._state.digest_sections()

    def tables(self) -> list[Table]:
        """All tables of the state, to be read, with their trees up to date.

        Raises `ValueError` under a version whose digests are no trees.
        """
        state = self._state
        if state.version < VERSION_TREE:
            raise ValueError(f"machine: version {state.version} has no tree, {VERSION_TREE} has")
        state.digest_sections()
        return state.tables(state.version)

    def scalars(self) -> list[int]:
        """The numbers of the state that lie in no table."""
        return self._state.scalars()

    def balances_digest(self) -> bytes:
        """The logical digest of `core.balances`, which the ledger computes too."""
        return self._state.accounts.digest()

    def snapshot(self) -> bytes:
        """The state after `index`, for `restore`, in format 1: all of it at once."""
        return self._state.snapshot(self.index, self.ts_ns, self.chain)

    def begin_snapshot(self, step_bytes: int) -> None:
        """A snapshot is to be taken in steps of about so many bytes, one after each entry.

        One that was begun before is forgotten.
        """
        self._state.begin_image(step_bytes)

    def copy_snapshot(self) -> bool:
        """One step. True: what is left is no more than a step, so `take_snapshot` is no pause."""
        return self._state.copy_image()

    def take_snapshot(self) -> Snapshot:
        """The state after `index`: what is left of it is copied. Nothing changes it any more."""
        return self._state.take_image(self.index, self.ts_ns, self.chain)

    def drop_snapshot(self) -> None:
        """The one that was begun, if any, is not wanted any more."""
        self._state.drop_image()

    @staticmethod
    def restore(data: bytes, known_version: int = VERSION_KNOWN, secret: bytes = b"") -> "Machine":
        """The machine that a snapshot was taken from.

        Raises `ValueError` if it is none, `UnknownVersion` if a newer program took it.
        """
        snapshot = decode(data)
        machine = Machine(known_version, secret)
        machine._state.load(snapshot)
        head = snapshot.head
        if machine.version > known_version:
            raise UnknownVersion(machine.version, known_version, head.index)
        machine.index = head.index
        machine.ts_ns = head.ts_ns
        machine.chain = head.chain
        return machine

    @property
    def version(self) -> int:
        """The machine version that is in force, from 1."""
        return self._state.version

    @property
    def next_due_ns(self) -> int:
        """The log time at which something ends, or goes on, with whatever entry; 0: never."""
        if self._state.markets.backlogs > 0 or self._state.rules.killing > 0:
            return self.ts_ns
        return self._state.trading.timers.next_ns()

    @property
    def keys(self) -> tuple[int, int]:
        """Rows of the table of idempotency keys: used, some for what is forgotten; allowed."""
        return self._state.replies.live, self._state.replies.rows_max

    @property
    def account_count(self) -> int:
        """Accounts that are open, the house included."""
        return self._state.accounts.accounts.count - 1

    def last_checkpoint(self) -> tuple[int, bytes]:
        """Index and digest of the last checkpoint; 0 and zeros if there was none."""
        return self._state.checkpoint_index, self._state.checkpoint_digest

    def order(self, order_id: int) -> OrderView | None:
        """An order that rests now; None for any other id."""
        return self._reading.order(order_id)

    def open_orders(self, account: int, symbol: int) -> list[OrderView]:
        """The account's open orders, oldest first; symbol 0 = of all symbols."""
        return self._reading.open_orders(account, symbol)

    def balances(self, account: int) -> list[BalanceView]:
        return self._reading.balances(account)

    def all_balances(self) -> Iterator[BalanceView]:
        return self._reading.all_balances()

    def transfers(self, hi: int, lo: int) -> list[TransferView]:
        """What is known here under a transfer's id: its source's side, its target's, or both."""
        return self._reading.transfers(hi, lo)

    def open_transfers(self, most: int, after_seq: int = 0) -> list[TransferView]:
        """Those out of this partition that are not ended, the oldest first, after that event."""
        return self._reading.open_transfers(most, after_seq)

    def book(self, symbol: int, depth: int) -> BookView:
        """Up to `depth` levels a side. Raises `KeyError` for a symbol that is not listed."""
        return self._reading.book(symbol, depth)

    def symbols(self) -> list[SymbolView]:
        return self._reading.symbols()

    def assets(self) -> list[AssetView]:
        return self._reading.assets()
