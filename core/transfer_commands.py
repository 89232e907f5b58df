"""The commands of transfers between partitions: their words, and builders for those who send them.

Why it exists: as `core.commands`, of which it is a part by itself. Word 1 is the account, words 2
and 3 are the transfer's id, the same in every step; there is no idempotency key beside it.
"""

import struct
from typing import Final

from core.codes import CMD_TRANSFER_END, CMD_TRANSFER_IN, CMD_TRANSFER_OUT, CMD_TRANSFER_VOID
from core.commands import Key, head_word

TRANSFER_PARTNER: Final = 6  # TRANSFER_OUT and _IN: as a move; partition bits 0-15 | account there
TRANSFER_DEADLINE: Final = 7  # log nanoseconds
THEIR_ACCOUNT_SHIFT: Final = 16
VOID_PARTNER: Final = 4  # TRANSFER_VOID
END_OUTCOME: Final = 4  # TRANSFER_END: one of the two below
END_PROOF: Final = 5  # the sequence number of the target's TransferChanged
OUTCOME_CONFIRM: Final = 1
OUTCOME_REFUND: Final = 2

_EIGHT: Final = struct.Struct("<8q")


def transfer_out(
    account: int, asset: int, amount: int, transfer: Key, partner: int, their_account: int,
    deadline_ns: int,
) -> bytes:  # fmt: skip
    """Reserve `amount` units for `their_account` in partition `partner`; from version 8 on.

    `transfer` is its id, the same in every step; `deadline_ns` log time, at most a week away.
    """
    there = partner | their_account << THEIR_ACCOUNT_SHIFT
    head = head_word(CMD_TRANSFER_OUT, 0)
    return _EIGHT.pack(head, account, *transfer, asset, amount, there, deadline_ns)


def transfer_in(
    account: int, asset: int, amount: int, transfer: Key, partner: int, their_account: int,
    deadline_ns: int,
) -> bytes:  # fmt: skip
    """Credit, at the target, what `their_account` has reserved in partition `partner`.

    Account and asset by the target's numbers, the rest as in `transfer_out`.
    """
    there = partner | their_account << THEIR_ACCOUNT_SHIFT
    head = head_word(CMD_TRANSFER_IN, 0)
    return _EIGHT.pack(head, account, *transfer, asset, amount, there, deadline_ns)


def transfer_void(transfer: Key, partner: int) -> bytes:
    """Never credit, at the target, what partition `partner` has reserved."""
    return _EIGHT.pack(head_word(CMD_TRANSFER_VOID, 0), 0, *transfer, partner, 0, 0, 0)


def transfer_end(transfer: Key, outcome: int, proof: int) -> bytes:
    """Confirm or refund (`OUTCOME_`) at the source, by the target's event number `proof`."""
    return _EIGHT.pack(head_word(CMD_TRANSFER_END, 0), 0, *transfer, outcome, proof, 0, 0)
