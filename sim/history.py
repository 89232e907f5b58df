"""The judgement of answers: the log of a run once more through a naive exchange, and compared.

Why it exists: replicas that agree may all be wrong, and an answer may be of another command or
another moment. So every decided batch is replayed in its order through the twin, which shares no
code with the machine, and every event, every reply that a client was given and every answer to a
question is compared with it (LIN). What a client was told was refused must not be in the log.
It must not know replicas or messages: it has entries and operations.
"""

from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from core.commands import split_batch
from core.event_text import text
from core.events import AnyEvent, EngineCheckpoint, Reply, decode_events, decode_reply
from replication.checkpoints import SECTIONS_KEY
from sim.clients import Operation
from sim.questions import answer_of
from sim.tally import Tally
from sim.twin.machine import TwinMachine


class Entry(msgspec.Struct, frozen=True):
    """One decided batch and what the replica made of it. The payload is empty for no commands."""

    index: int
    ts_ns: int
    payload: bytes
    events: bytes


class History:
    """Collects while the run goes on; `judge` once, at its end."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._entries: list[Entry] = []

    def decided(self, entry: Entry) -> None:
        self._entries.append(entry)

    def judge(self, operations: Sequence[Operation], refused_attempts: Collection[int]) -> None:
        """Raises `CheckFailed`."""
        answered: dict[int, list[Operation]] = {}
        said = Counter(each.commands for each in operations)
        # What was said twice, and refused once, may stand in the log: `_attempts` tells them apart.
        refused = [
            each for each in operations
            if each.refused and not each.returned_ns and said[each.commands] == 1
            and not each.is_query
        ]  # fmt: skip
        for operation in operations:
            if operation.returned_ns:
                answered.setdefault(operation.index, []).append(operation)
        twin = TwinMachine()
        for question in answered.get(0, ()):
            self._question(question, twin)
        for entry in self._entries:
            replies: list[Reply] = []
            commands = b""
            if entry.payload:
                events, replies = twin.apply(entry.index, entry.ts_ns, entry.payload)
                commands, _, metadata = split_batch(entry.payload)
                self._attempts(entry, metadata, refused_attempts)
                self._events(entry, events)
            for operation in answered.get(entry.index, ()):
                if operation.is_query:
                    self._question(operation, twin)
                else:
                    self._replies(operation, commands, replies)
            for operation in refused:
                self._tally.check(
                    "LIN", operation.commands not in commands,
                    lambda op=operation, at=entry.index: f"a request of client {op.client} was "
                    f"refused, and stands in the log at {at}",
                )  # fmt: skip

    def _attempts(self, entry: Entry, metadata: bytes, refused: Collection[int]) -> None:
        """Each attempt stands in the metadata, so that two with one key can be told apart."""
        if not metadata:
            return
        for ordinal, names in msgspec.msgpack.decode(metadata, strict=False).items():
            if int(ordinal) < SECTIONS_KEY and names[0].isdigit():
                self._tally.check(
                    "LIN", int(names[0]) not in refused,
                    lambda names=names: f"attempt {int(names[0])} was refused by a node, and "
                    f"stands in the log at {entry.index}",
                )  # fmt: skip

    def _events(self, entry: Entry, of_twin: list[AnyEvent]) -> None:
        ours = [text(_comparable(event)) for event in decode_events(entry.events)]
        theirs = [text(_comparable(event)) for event in of_twin]
        if ours != theirs:
            at = next((n for n, pair in enumerate(zip(ours, theirs, strict=False))
                       if pair[0] != pair[1]), min(len(ours), len(theirs)))  # fmt: skip
            self._tally.check(
                "LIN", False,
                f"entry {entry.index}, event {at}: {ours[at : at + 1]} and by the twin "
                f"{theirs[at : at + 1]}",
            )  # fmt: skip
        self._tally.counts["LIN"] += 1

    def _replies(self, operation: Operation, commands: bytes, replies: list[Reply]) -> None:
        given = [decode_reply(operation.replies, n) for n in range(operation.count)]
        places = _places(commands, operation.commands)
        wanted = [replies[place : place + operation.count] for place in places]
        self._tally.check(
            "LIN", given in wanted,
            lambda: f"client {operation.client} was answered at {operation.index}: "
            f"{[text(reply) for reply in given]}; right is one of "
            f"{[[text(reply) for reply in right] for right in wanted]}",
        )  # fmt: skip

    def _question(self, operation: Operation, twin: TwinMachine) -> None:
        assert operation.result is not None, "a question without an answer"
        kind, subject, answer = operation.result
        right = answer_of(kind, subject, twin)
        self._tally.check(
            "LIN",
            answer == right,
            lambda: (
                f"a question about {kind} {subject} was answered at {operation.index}: "
                f"{answer}; right is {right}"
            ),
        )


def _comparable(event: AnyEvent) -> AnyEvent:
    """The digest of the whole state depends on the layout, which the twin does not have."""
    if isinstance(event, EngineCheckpoint):
        return msgspec.structs.replace(event, digest=bytes(32))
    return event


def _places(commands: bytes, wanted: bytes) -> list[int]:
    """The ordinals in a batch at which these packed commands begin."""
    places: list[int] = []
    at = ordinal = 0
    while at < len(commands):
        if commands.startswith(wanted, at):
            places.append(ordinal)
        at += commands[at + 1] * 8  # the second byte is a command's length in words
        ordinal += 1
    return places
