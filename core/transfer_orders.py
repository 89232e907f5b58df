"""The steps of a transfer between partitions: reserve at the source, credit at the target, end.

Why it exists: each partition has its own log and its own time, and no command can be applied in
both at once. So money first waits in a hold where it comes from, is credited where it goes to, and
leaves the hold when the target has said what it did. A step may come again, late or never: whatever
happens, the money is where it was, or where it should be, and never in both.

Who carries the steps from one log to the other is the courier (`gateway/courier.py`); this module
must not know that there is one.

A hold is refunded on the target's word alone, never on the clock's: two partitions are two clocks,
and a refund by time could meet a credit that was in time. What time does: from the deadline on the
source calls the transfer OVERDUE, and the target credits it no more; so the courier voids it
there, which is final, and refunds it here.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from core.account_rows import B_AVAILABLE, B_HOLD, BALANCE_WORDS
from core.accounts import Accounts
from core.answer import Answer
from core.codes import (
    CMD_TRANSFER_END, CMD_TRANSFER_OUT, CMD_TRANSFER_VOID, IDEMPOTENCY_MISMATCH,
    INSUFFICIENT_FUNDS, MAX_NOTIONAL, OVERLOADED, TRANSFER_CONFIRMED, TRANSFER_CREDITED,
    TRANSFER_OVERDUE, TRANSFER_REFUNDED, TRANSFER_RESERVED, TRANSFER_VOIDED, VALIDATION,
)  # fmt: skip
from core.commands import C_KEY_HI
from core.emit import EventWriter
from core.limits import (
    ACCOUNTS_MAX, AMOUNT_MAX, PARTITIONS_MAX, TIME_NS_MAX, TRANSFER_NS_MAX, TRANSFERS_OPEN_MAX,
)  # fmt: skip
from core.listing import A_SUPPLY, ASSET_WORDS, Listing
from core.operators import Operators
from core.table import NIL
from core.timers import TRANSFERS, Timers
from core.transfer_commands import (
    END_OUTCOME, END_PROOF, OUTCOME_CONFIRM, OUTCOME_REFUND, THEIR_ACCOUNT_SHIFT,
    TRANSFER_DEADLINE, TRANSFER_PARTNER, VOID_PARTNER,
)  # fmt: skip
from core.transfers import (
    SOURCE, T_ACCOUNT, T_AMOUNT, T_ASSET, T_DEADLINE, T_DETAIL, T_END_DETAIL, T_END_SEQ, T_END_TS,
    T_HI, T_LO, T_PARTNER, T_PROOF, T_SEQ, T_STATE, T_TS, TARGET, Transfers,
)  # fmt: skip

PARTITION_MASK: Final = (1 << THEIR_ACCOUNT_SHIFT) - 1


class TransferOrders:
    """`apply` carries out a command, `overdue` what time does."""

    def __init__(
        self, listing: Listing, accounts: Accounts, operators: Operators, timers: Timers,
        events: EventWriter, answer: Answer,
    ) -> None:  # fmt: skip
        self.listing = listing
        self.accounts = accounts
        self.operators = operators
        self.timers = timers
        self.transfers: Transfers = timers.transfers
        self.events = events
        self.answer = answer

    def apply(self, commands: bytes, at: i64, kind: i64) -> None:
        """The command that begins at byte `at`."""
        account = read_i64_le(commands, at + 8)
        hi = read_i64_le(commands, at + 16)
        lo = read_i64_le(commands, at + 24)
        w4 = read_i64_le(commands, at + 32)
        w5 = read_i64_le(commands, at + 40)
        if kind == CMD_TRANSFER_END:
            self._end(hi, lo, w4, w5)
        elif kind == CMD_TRANSFER_VOID:
            self._void(hi, lo, w4)
        else:
            w6 = read_i64_le(commands, at + 48)
            self._begin(kind, account, hi, lo, w4, w5, w6, read_i64_le(commands, at + 56))

    def _begin(
        self, kind: i64, account: i64, hi: i64, lo: i64, asset: i64, amount: i64, partner: i64,
        deadline_ns: i64,
    ) -> None:  # fmt: skip
        """TRANSFER_OUT or TRANSFER_IN, the first step of each side."""
        if not self.operators.check_move(account, hi, lo, asset, amount):
            return
        their_account = partner >> THEIR_ACCOUNT_SHIFT
        if partner & PARTITION_MASK > PARTITIONS_MAX or not 0 < their_account <= ACCOUNTS_MAX:
            self.answer.reject(VALIDATION, TRANSFER_PARTNER)
            return
        role: i64 = SOURCE if kind == CMD_TRANSFER_OUT else TARGET
        known = self.transfers.find(hi, lo, role)
        if known != NIL:
            self._begun_again(known, account, asset, amount, partner, deadline_ns)
            return
        now_ns = self.answer.ts_ns
        if deadline_ns <= now_ns or deadline_ns > TIME_NS_MAX:
            self.answer.reject(VALIDATION, TRANSFER_DEADLINE)
        elif kind == CMD_TRANSFER_OUT:
            self._reserve(account, hi, lo, asset, amount, partner, deadline_ns)
        else:
            self._credit(account, hi, lo, asset, amount, partner, deadline_ns)

    def _begun_again(
        self, row: i64, account: i64, asset: i64, amount: i64, partner: i64, deadline_ns: i64
    ) -> None:
        """The first answer; a transfer that was voided stays so."""
        transfers = self.transfers
        if transfers.get(row, T_STATE) == TRANSFER_VOIDED:
            self.answer.reject(VALIDATION, TRANSFER_DEADLINE)
            return
        if (
            transfers.get(row, T_ACCOUNT) != account
            or transfers.get(row, T_ASSET) != asset
            or transfers.get(row, T_AMOUNT) != amount
            or transfers.get(row, T_PARTNER) != partner
            or transfers.get(row, T_DEADLINE) != deadline_ns
        ):
            self.answer.reject(IDEMPOTENCY_MISMATCH, 0)
            return
        self._repeat(row, T_SEQ, T_TS, T_DETAIL)

    def _reserve(
        self, account: i64, hi: i64, lo: i64, asset: i64, amount: i64, partner: i64,
        deadline_ns: i64,
    ) -> None:  # fmt: skip
        answer = self.answer
        if deadline_ns - answer.ts_ns > TRANSFER_NS_MAX:
            answer.reject(VALIDATION, TRANSFER_DEADLINE)
            return
        if not self.operators.may_withdraw(account):
            return
        balance = self.accounts.find(account, asset)
        if amount > self.accounts.available(balance):
            answer.reject(INSUFFICIENT_FUNDS, self.accounts.available(balance))
            return
        if len(self.transfers.open) >= TRANSFERS_OPEN_MAX:
            answer.reject(OVERLOADED, TRANSFERS_OPEN_MAX)
            return
        self.accounts.reserve(balance, amount)
        row = self.transfers.add(
            hi, lo, SOURCE, TRANSFER_RESERVED, account, asset, amount, partner, deadline_ns
        )
        self.timers.add(deadline_ns, TRANSFERS + row)
        self._begun(row)

    def _credit(
        self, account: i64, hi: i64, lo: i64, asset: i64, amount: i64, partner: i64,
        deadline_ns: i64,
    ) -> None:  # fmt: skip
        room = AMOUNT_MAX - self.listing.assets.rows[asset * ASSET_WORDS + A_SUPPLY]
        if amount > room:
            self.answer.reject(MAX_NOTIONAL, room)
            return
        self.accounts.add_available(self.accounts.ensure(account, asset), amount)
        self._change_supply(asset, amount)
        row = self.transfers.add(
            hi, lo, TARGET, TRANSFER_CREDITED, account, asset, amount, partner, deadline_ns
        )
        self._begun(row)

    def _begun(self, row: i64) -> None:
        self._tell(row)
        answer = self.answer
        answer.id = self.transfers.get(row, T_ACCOUNT)
        answer.seq = self.events.last_seq(0)
        answer.detail = self._available(row)
        self.transfers.answered(row, answer.seq, answer.ts_ns, answer.detail)

    def _void(self, hi: i64, lo: i64, partner: i64) -> None:
        """TRANSFER_VOID at the target: never credit it, or say that it is credited."""
        answer = self.answer
        if hi == 0 and lo == 0:
            answer.reject(VALIDATION, C_KEY_HI)
            return
        if partner < 0 or partner > PARTITIONS_MAX:
            answer.reject(VALIDATION, VOID_PARTNER)
            return
        transfers = self.transfers
        row = transfers.find(hi, lo, TARGET)
        if row == NIL:
            row = transfers.add(hi, lo, TARGET, TRANSFER_VOIDED, 0, 0, 0, partner, 0)
            self._tell(row)
            answer.seq = self.events.last_seq(0)
            transfers.answered(row, answer.seq, answer.ts_ns, 0)
        elif transfers.get(row, T_PARTNER) & PARTITION_MASK != partner:
            answer.reject(IDEMPOTENCY_MISMATCH, 0)
            return
        else:
            self._repeat(row, T_SEQ, T_TS, T_DETAIL)
        answer.detail = transfers.get(row, T_STATE)

    def _end(self, hi: i64, lo: i64, outcome: i64, proof: i64) -> None:
        """TRANSFER_END at the source: the money is there, or comes back."""
        answer = self.answer
        transfers = self.transfers
        row: i64 = NIL if hi == 0 and lo == 0 else transfers.find(hi, lo, SOURCE)
        if row == NIL:
            answer.reject(VALIDATION, C_KEY_HI)
            return
        if outcome != OUTCOME_CONFIRM and outcome != OUTCOME_REFUND:
            answer.reject(VALIDATION, END_OUTCOME)
            return
        if proof < 1:
            answer.reject(VALIDATION, END_PROOF)
            return
        state: i64 = TRANSFER_CONFIRMED if outcome == OUTCOME_CONFIRM else TRANSFER_REFUNDED
        before = transfers.get(row, T_STATE)
        if not transfers.is_open(row):
            if before != state or transfers.get(row, T_PROOF) != proof:
                answer.reject(IDEMPOTENCY_MISMATCH, 0)
                return
            self._repeat(row, T_END_SEQ, T_END_TS, T_END_DETAIL)
            return
        if before == TRANSFER_RESERVED:
            self.timers.live -= 1
        self._settle(row, state, proof)

    def _settle(self, row: i64, state: i64, proof: i64) -> None:
        """Takes the money out of its hold, one way or the other."""
        answer = self.answer
        transfers = self.transfers
        asset = transfers.get(row, T_ASSET)
        amount = transfers.get(row, T_AMOUNT)
        balance = self.accounts.find(transfers.get(row, T_ACCOUNT), asset)
        if state == TRANSFER_CONFIRMED:
            self.accounts.spend_hold(balance, amount, 0)
            self._change_supply(asset, -amount)
        else:
            self.accounts.reserve(balance, -amount)
        transfers.end(row, state, proof)
        self._tell(row)
        answer.id = transfers.get(row, T_ACCOUNT)
        answer.seq = self.events.last_seq(0)
        answer.detail = self._available(row)
        transfers.end_answered(row, answer.seq, answer.ts_ns, answer.detail)

    def overdue(self, row: i64) -> None:
        """The deadline has come at the source. The money stays where it is."""
        self.transfers.set(row, T_STATE, TRANSFER_OVERDUE)
        self._tell(row)

    def _repeat(self, row: i64, seq: i64, ts: i64, detail: i64) -> None:
        answer = self.answer
        answer.duplicate = True
        answer.id = self.transfers.get(row, T_ACCOUNT)
        answer.seq = self.transfers.get(row, seq)
        answer.ts_ns = self.transfers.get(row, ts)
        answer.detail = self.transfers.get(row, detail)

    def _change_supply(self, asset: i64, delta: i64) -> None:
        self.listing.assets.rows[asset * ASSET_WORDS + A_SUPPLY] += delta
        self.listing.assets.touch(asset)

    def _available(self, row: i64) -> i64:
        transfers = self.transfers
        found = self.accounts.find(transfers.get(row, T_ACCOUNT), transfers.get(row, T_ASSET))
        return self.accounts.available(found)

    def _tell(self, row: i64) -> None:
        transfers = self.transfers
        account = transfers.get(row, T_ACCOUNT)
        asset = transfers.get(row, T_ASSET)
        balance = self.accounts.find(account, asset)
        at = balance * BALANCE_WORDS
        rows = self.accounts.balances.rows
        available: i64 = 0 if balance == NIL else rows[at + B_AVAILABLE]
        hold: i64 = 0 if balance == NIL else rows[at + B_HOLD]
        self.events.transfer_changed(
            transfers.get(row, T_STATE), transfers.get(row, T_HI), transfers.get(row, T_LO),
            account, asset, transfers.get(row, T_AMOUNT), available, hold,
            transfers.get(row, T_PARTNER) & PARTITION_MASK,
            transfers.get(row, T_PARTNER) >> THEIR_ACCOUNT_SHIFT,
            transfers.get(row, T_DEADLINE), transfers.get(row, T_PROOF),
        )  # fmt: skip
