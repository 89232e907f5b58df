"""Transfers between partitions, as docs/machine.md has them: two dictionaries, one a role.

Why it exists: what a step may do depends on what was done before under the same id, and here that
is looked up in the plainest way. It must not know who carries the steps.
"""

from dataclasses import dataclass

from core.codes import (
    CMD_TRANSFER_OUT,
    IDEMPOTENCY_MISMATCH,
    INSUFFICIENT_FUNDS,
    MAX_NOTIONAL,
    OVERLOADED,
    TRANSFER_CONFIRMED,
    TRANSFER_CREDITED,
    TRANSFER_OVERDUE,
    TRANSFER_REFUNDED,
    TRANSFER_RESERVED,
    TRANSFER_VOIDED,
    VALIDATION,
)
from core.events import Reply, TransferChanged
from core.limits import (
    ACCOUNTS_MAX,
    AMOUNT_MAX,
    PARTITIONS_MAX,
    TIME_NS_MAX,
    TRANSFER_NS_MAX,
    TRANSFERS_OPEN_MAX,
)
from sim.twin import operators, risk
from sim.twin.state import Command, Reject, State

VERSION = 8
OPEN = (TRANSFER_RESERVED, TRANSFER_OVERDUE)


@dataclass
class Transfer:
    id: tuple[int, int]
    state: int
    partner: int
    their_account: int = 0
    account: int = 0
    asset: int = 0
    amount: int = 0
    deadline_ns: int = 0
    proof: int = 0
    first: Reply | None = None
    last: Reply | None = None


def begin(state: State, command: Command) -> Reply:
    """TRANSFER_OUT and TRANSFER_IN."""
    account, (asset, amount, there, deadline) = command.account, command.words[4:8]
    operators.check_move(state, account, command.key, asset, amount)
    their_account, partner = divmod(there, 1 << 16)
    if partner > PARTITIONS_MAX or not 1 <= their_account <= ACCOUNTS_MAX:
        raise Reject(VALIDATION, 6)
    goes = command.kind == CMD_TRANSFER_OUT
    side = state.transfers_out if goes else state.transfers_in
    known = side.get(command.key)
    if known is not None:
        assert isinstance(known, Transfer)
        if known.state == TRANSFER_VOIDED:
            raise Reject(VALIDATION, 7)
        was = (known.account, known.asset, known.amount, known.partner, known.their_account)
        if (*was, known.deadline_ns) != (account, asset, amount, partner, their_account, deadline):
            raise Reject(IDEMPOTENCY_MISMATCH)
        assert known.first is not None
        return operators.repeated(known.first)
    if not state.now < deadline <= TIME_NS_MAX:
        raise Reject(VALIDATION, 7)
    if goes:
        _check_may_go(state, account, asset, amount, deadline)
        state.accounts.reserve(account, asset, amount)
    else:
        if state.accounts.supply[asset] + amount > AMOUNT_MAX:
            raise Reject(MAX_NOTIONAL, AMOUNT_MAX - state.accounts.supply[asset])
        state.accounts.deposit(account, asset, amount)
    transfer = Transfer(
        command.key, TRANSFER_RESERVED if goes else TRANSFER_CREDITED, partner,
        their_account, account, asset, amount, deadline,
    )  # fmt: skip
    side[command.key] = transfer
    transfer.first = _told(state, command, transfer)
    return transfer.first


def _check_may_go(state: State, account: int, asset: int, amount: int, deadline: int) -> None:
    if deadline - state.now > TRANSFER_NS_MAX:
        raise Reject(VALIDATION, 7)
    risk.check_may_withdraw(state, account)
    available = state.accounts.available.get((account, asset), 0)
    if amount > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    waiting = [one for one in state.transfers_out.values() if _of(one).state in OPEN]
    if len(waiting) >= TRANSFERS_OPEN_MAX:
        raise Reject(OVERLOADED, TRANSFERS_OPEN_MAX)


def void(state: State, command: Command) -> Reply:
    partner = command.words[4]
    if command.key == (0, 0):
        raise Reject(VALIDATION, 2)
    if not 0 <= partner <= PARTITIONS_MAX:
        raise Reject(VALIDATION, 4)
    known = state.transfers_in.get(command.key)
    if known is None:
        voided = Transfer(command.key, TRANSFER_VOIDED, partner)
        state.transfers_in[command.key] = voided
        seq = _tell(state, voided)
        voided.first = state.reply(command, seq=seq, detail=TRANSFER_VOIDED)
        return voided.first
    transfer = _of(known)
    if transfer.partner != partner:
        raise Reject(IDEMPOTENCY_MISMATCH)
    assert transfer.first is not None
    first = transfer.first
    return state.reply(
        command, id=transfer.account, seq=first.seq, ts_ns=first.ts_ns, detail=transfer.state,
        duplicate=True,
    )  # fmt: skip


def end(state: State, command: Command) -> Reply:
    outcome, proof = command.words[4:6]
    known = state.transfers_out.get(command.key)
    if known is None:
        raise Reject(VALIDATION, 2)
    transfer = _of(known)
    if outcome not in (1, 2):
        raise Reject(VALIDATION, 4)
    if proof < 1:
        raise Reject(VALIDATION, 5)
    wanted = TRANSFER_CONFIRMED if outcome == 1 else TRANSFER_REFUNDED
    if transfer.state not in OPEN:
        if (transfer.state, transfer.proof) != (wanted, proof):
            raise Reject(IDEMPOTENCY_MISMATCH)
        assert transfer.last is not None
        return operators.repeated(transfer.last)
    account, asset, amount = transfer.account, transfer.asset, transfer.amount
    state.accounts.reserve(account, asset, -amount)
    if outcome == 1:
        state.accounts.withdraw(account, asset, amount)
    transfer.state, transfer.proof = wanted, proof
    transfer.last = _told(state, command, transfer)
    return transfer.last


def next_due(state: State) -> list[Transfer]:
    """What becomes overdue by now, the nearest deadline first, then the oldest."""
    waiting = [_of(one) for one in state.transfers_out.values()]
    due = [t for t in waiting if t.state == TRANSFER_RESERVED and t.deadline_ns <= state.now]
    return sorted(due, key=lambda transfer: transfer.deadline_ns)


def overdue(state: State, transfer: Transfer) -> None:
    transfer.state = TRANSFER_OVERDUE
    _tell(state, transfer)


def _of(transfer: object) -> Transfer:
    assert isinstance(transfer, Transfer)
    return transfer


def _told(state: State, command: Command, transfer: Transfer) -> Reply:
    seq = _tell(state, transfer)
    available = state.accounts.available.get((transfer.account, transfer.asset), 0)
    return state.reply(command, id=transfer.account, seq=seq, detail=available)


def _tell(state: State, transfer: Transfer) -> int:
    key = (transfer.account, transfer.asset)
    return state.emit(
        TransferChanged, 0, transfer_state=transfer.state, transfer_hi=transfer.id[0],
        transfer_lo=transfer.id[1], account=transfer.account, asset=transfer.asset,
        amount=transfer.amount, available=state.accounts.available.get(key, 0),
        hold=state.accounts.hold.get(key, 0), partner=transfer.partner,
        their_account=transfer.their_account, deadline_ns=transfer.deadline_ns,
        proof=transfer.proof,
    )  # fmt: skip
