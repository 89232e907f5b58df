"""Both sides of the transfers between two partitions, from their events: has each end its pair?

Why it exists: each partition can prove its own money; that none was made or lost between them is
only seen by reading both logs. What is confirmed must be credited for the same amount, what is
refunded must be voided, and each end names the number of the event that it goes by. It must not
know how events come.
"""

import msgspec

from core.codes import (
    TRANSFER_CONFIRMED, TRANSFER_CREDITED, TRANSFER_OVERDUE, TRANSFER_REFUNDED, TRANSFER_RESERVED,
    TRANSFER_STATE_NAMES, TRANSFER_VOIDED,
)  # fmt: skip
from core.events import TransferChanged

_PAIR = {TRANSFER_CONFIRMED: TRANSFER_CREDITED, TRANSFER_REFUNDED: TRANSFER_VOIDED}
_OPEN = (TRANSFER_RESERVED, TRANSFER_OVERDUE)

Id = tuple[int, int]


class Report(msgspec.Struct, frozen=True):
    """`wrong`: what cannot be, a line each. `in_flight`: transfers that have not ended, of which
    `credited` are at the target already; they stand in both partitions until they are confirmed."""

    confirmed: int
    refunded: int
    in_flight: int
    credited: int
    wrong: list[str]


class TransferPairs:
    """Of the transfers from partition `source` to partition `target`. Assets go by name."""

    def __init__(self, source: int, target: int) -> None:
        self._source = source
        self._target = target
        self._out: dict[Id, tuple[TransferChanged, str]] = {}
        self._in: dict[Id, tuple[TransferChanged, str]] = {}

    def at_source(self, event: TransferChanged, asset: str) -> None:
        """In the order of the source's log; events of other partners and roles are passed over."""
        if event.partner == self._target and event.transfer_state <= TRANSFER_REFUNDED:
            self._out[event.transfer_hi, event.transfer_lo] = (event, asset)

    def at_target(self, event: TransferChanged, asset: str) -> None:
        if event.partner == self._source and event.transfer_state > TRANSFER_REFUNDED:
            self._in[event.transfer_hi, event.transfer_lo] = (event, asset)

    def report(self) -> Report:
        """The target's log must have been read no earlier than the source's: else an end would
        seem to lack its pair."""
        counts = dict.fromkeys((*_PAIR, *_OPEN), 0)
        credited = 0
        wrong = []
        for key, (out, asset) in self._out.items():
            state = out.transfer_state
            counts[state] += 1
            into = self._in.get(key)
            if state in _OPEN:
                credited += into is not None and into[0].transfer_state == TRANSFER_CREDITED
            else:
                wrong += self._unlike(out, asset, into)
        wrong += [
            f"{_name(into)}: CREDITED for {into.amount}, and the source knows nothing of it"
            for key, (into, _) in self._in.items()
            if key not in self._out and into.transfer_state == TRANSFER_CREDITED
        ]
        return Report(
            counts[TRANSFER_CONFIRMED], counts[TRANSFER_REFUNDED],
            sum(counts[state] for state in _OPEN), credited, wrong,
        )  # fmt: skip

    def _unlike(
        self, out: TransferChanged, asset: str, pair: tuple[TransferChanged, str] | None
    ) -> list[str]:
        said = f"{_name(out)}: {TRANSFER_STATE_NAMES[out.transfer_state]}"
        if pair is None:
            return [f"{said}, and the target knows nothing of it"]
        into, their_asset = pair
        state = TRANSFER_STATE_NAMES[into.transfer_state]
        if into.transfer_state != _PAIR[out.transfer_state]:
            return [f"{said}, and the target says {state}"]
        if into.seq != out.proof:
            return [f"{said} by the target's event {out.proof}, which is {into.seq}"]
        if into.transfer_state == TRANSFER_VOIDED:
            return []
        ours = (asset, out.amount, out.account, out.their_account, out.deadline_ns)
        theirs = (their_asset, into.amount, into.their_account, into.account, into.deadline_ns)
        return [] if ours == theirs else [f"{said} for {ours}, and the target has {theirs}"]


def _name(event: TransferChanged) -> str:
    raw = event.transfer_hi.to_bytes(8, "little", signed=True)
    return (raw + event.transfer_lo.to_bytes(8, "little", signed=True)).hex()
