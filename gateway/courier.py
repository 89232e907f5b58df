"""Carrying a transfer from one partition to another: which step comes next, until it has ended.

Why it exists: the two machines know one side each, and somebody must tell each what the other said.
A courier may die between any two steps, and two may carry the same transfer at once; so nothing
here is remembered that the source's machine does not know, and every step may be taken again. No
I/O and no clock, as in `gateway.retry`: the command line and the tests run the same code. It must
not know how a step travels.

    source RESERVED or OVERDUE
        │ Credit at the target ── credited ──────────────▶ End: confirm
        │        └── refused ──▶ Void there ── credited ──▶ End: confirm
        │                              └────── voided ────▶ End: refund
        ▼
    what the target's answer is not understood by: Stuck, and the money stays in its hold
"""

from typing import Final

import msgspec

from core.codes import (
    MAX_NOTIONAL, OK, REJECT_NAMES, TRANSFER_CREDITED, TRANSFER_STATE_NAMES, TRANSFER_VOIDED,
    VALIDATION,
)  # fmt: skip
from core.transfer_commands import OUTCOME_CONFIRM, OUTCOME_REFUND

_FINAL: Final = (VALIDATION, MAX_NOTIONAL)
"""A credit that is refused so is refused again: too late, no such account, no room."""


class Credit(msgspec.Struct, frozen=True):
    """Take the target's first step, then call `credited`."""


class Void(msgspec.Struct, frozen=True):
    """Ask the target never to credit it, then call `voided`."""


class End(msgspec.Struct, frozen=True):
    """Take the source's last step, then call `ended`."""

    outcome: int
    proof: int


class Ended(msgspec.Struct, frozen=True):
    """Nothing is left to do."""

    outcome: int


class Stuck(msgspec.Struct, frozen=True):
    """Neither side may go on until somebody has looked; the money stays in its hold."""

    why: str


Step = Credit | Void | End | Ended | Stuck


class Courier:
    """One transfer's way, from wherever it stands: the credit is repeated, whoever took it before.

    An answer that never came is no answer: take the same step again, now or after a restart.
    """

    def __init__(self) -> None:
        self.next: Step = Credit()
        self.refusal = (OK, 0)
        """With which code and bound the target refused the credit for good."""

    def credited(self, code: int, detail: int, seq: int) -> None:
        """The target's reply to the credit: code, bound and sequence number."""
        assert isinstance(self.next, Credit), "courier: nobody asked for a credit"
        if code == OK:
            self.next = End(OUTCOME_CONFIRM, seq)
        elif code in _FINAL:
            self.refusal = (code, detail)
            self.next = Void()
        else:
            self.next = Stuck(f"the target refuses the credit: {REJECT_NAMES[code]} {detail}")

    def voided(self, code: int, detail: int, seq: int) -> None:
        """The target's reply to the void; `detail` is how far the transfer is there."""
        assert isinstance(self.next, Void), "courier: nobody asked for a void"
        if code != OK:
            self.next = Stuck(f"the target refuses to void: {REJECT_NAMES[code]} {detail}")
        elif detail == TRANSFER_VOIDED:
            self.next = End(OUTCOME_REFUND, seq)
        elif detail == TRANSFER_CREDITED:
            # Another courier was in time; only its own credit, repeated, proves for what.
            self.next = Credit()
        else:
            self.next = Stuck(f"the target says {TRANSFER_STATE_NAMES[detail]} of it")

    def ended(self, code: int, detail: int) -> None:
        """The source's reply to the end."""
        assert isinstance(self.next, End), "courier: nobody asked for an end"
        if code == OK:
            self.next = Ended(self.next.outcome)
        else:
            self.next = Stuck(f"the source refuses the end: {REJECT_NAMES[code]} {detail}")
