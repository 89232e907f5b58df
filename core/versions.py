"""The machine's versions: which rules are in force from which log entry on.

Why it exists: replicas run different programs while an upgrade goes through, and a rule that one
of them has and another has not would part them. So a new rule sleeps in the program until a
logged command puts its version in force, at one index everywhere, and the old rule stays for the
log before it. This module holds numbers and one error; the rules stand where they are kept.

A version is never taken back: what was decided under it stands in the log.
"""

from typing import Final

from core.codes import CMD_PLACE_TERMS, CMD_SET_FEES, CMD_SET_RULES, CMD_TRANSFER_OUT

VERSION_FIRST: Final = 1
"""In force when a log begins. A state of this version hashes as before there were versions."""

VERSION_KEYED_MODES: Final = 2
"""From here on SET_MODE with an idempotency key happens once: a repetition that comes late does
not undo what another operator decided meanwhile."""

VERSION_ORDER_TERMS: Final = 3
"""From here on orders have further terms: triggers, icebergs, pegs, lists, expiry, self-trade
prevention; CANCEL_ALL filters; CANCEL_AFTER and SET_GROUP are known."""

VERSION_AUCTIONS: Final = 4
"""From here on a symbol may be in the mode AUCTION, and orders may be for auctions only."""

VERSION_RISK: Final = 5
"""From here on there are rules of markets and accounts: bands, collars, breakers, states."""

VERSION_TREE: Final = 6
"""From here on the digest of a table is the root of a tree over its pages (`core.page_tree`)."""

VERSION_FEES: Final = 7
"""From here on volumes are counted, and fees go by schedules where there are any."""

VERSION_TRANSFERS: Final = 8
"""From here on money moves between partitions, in two steps."""

VERSION_EXTENSIONS: Final = 9
"""From here on a call whose price lies too far away is extended instead of ending by itself."""

VERSION_STRICT: Final = 10
"""From here on rules hold where orders slipped past them before: docs/machine.md, "Strictness"."""

VERSION_KNOWN: Final = 10
"""The newest one that this program can run."""

VERSION_MAX: Final = 65_535
"""What is above is a typing error, and rejected by every program alike."""


def version_of_kind(kind: int) -> int:
    """The machine version from which on a command of this kind is known."""
    if kind >= CMD_TRANSFER_OUT:
        return VERSION_TRANSFERS
    if kind >= CMD_SET_FEES:
        return VERSION_FEES
    if kind >= CMD_SET_RULES:
        return VERSION_RISK
    return VERSION_ORDER_TERMS if kind >= CMD_PLACE_TERMS else VERSION_FIRST


class UnknownVersion(Exception):
    """The environment's fault: the log is ahead of this program, and a newer one must run it.

    Nothing is lost: what is durable stays, and the newer program goes on from there.
    """

    def __init__(self, wanted: int, known: int, index: int) -> None:
        super().__init__(
            f"version: {wanted} is in force from log index {index} on, and this program knows"
            f" versions up to {known}; install a newer one"
        )
        self.wanted = wanted
        self.known = known
        self.index = index
