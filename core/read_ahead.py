"""Reading a batch's memory before its commands need it.

Why it exists: a command touches about ten rows that lie far apart, and each is a cache miss that
the next step waits for. Asked for here, one command after the other, the misses of a whole batch
overlap. It changes nothing, decides nothing, and must stay correct for any bytes that decode: a
row is read only after its number was checked.

Only what a command names itself is read: a second pass, over the rows that those rows name, was
measured and cost what it saved.
"""

from typing import Final

from librt.strings import read_i64_le
from mypy_extensions import i64

from core.account_rows import AC_OPEN_ORDERS, ACCOUNT_WORDS
from core.codes import CMD_AMEND, CMD_CANCEL, CMD_CANCEL_ALL
from core.open_orders import LINK_SHIFT
from core.order_store import ORDER_SHIFT, SLOT_MASK
from core.state import State

WORTH_BYTES: Final = 16 * 64
"""Smaller batches have too little to overlap."""


class ReadAhead:
    """Sums what it reads into `seen`, so that no compiler may leave a read out."""

    def __init__(self, state: State) -> None:
        self.seen: i64 = 0
        self._state = state

    def read(self, commands: bytes) -> None:
        """Touch what these commands, which have been checked, will touch."""
        size: i64 = len(commands)
        if size < WORTH_BYTES:
            return
        state = self._state
        replies = state.replies.index
        accounts = state.accounts.accounts.rows
        account_count = state.accounts.accounts.count
        orders = state.trading.store.orders.rows
        links = state.trading.open_orders.links.rows
        link_count = state.trading.open_orders.links.count
        seen: i64 = 0
        at: i64 = 0
        while at < size:
            head = read_i64_le(commands, at)
            kind = head & 0xFF
            account = read_i64_le(commands, at + 8)
            if kind <= CMD_CANCEL_ALL and 0 < account < account_count:
                seen ^= replies.peek(
                    read_i64_le(commands, at + 16), read_i64_le(commands, at + 24),
                    account << 16 | (head >> 16) & 0xFFFF,
                )  # fmt: skip
                seen ^= accounts[account * ACCOUNT_WORDS + AC_OPEN_ORDERS]
                if kind == CMD_CANCEL or kind == CMD_AMEND:
                    slot = read_i64_le(commands, at + 32) & SLOT_MASK
                    if slot < link_count:
                        seen ^= orders[slot << ORDER_SHIFT] ^ links[slot << LINK_SHIFT]
            at += ((head >> 8) & 0xFF) << 3
        self.seen ^= seen
