"""A scenario file: comments, blocks of commands, and below `----` what they must answer.

Why it exists: it splits a file into blocks, runs them on a machine and writes the file anew with
the answers that this machine gave. A test compares; `--golden-rewrite` stores. README.md beside
this file describes the form. It must not know which machine it drives.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.commands import batch_of
from core.events import AnyEvent, Reply
from core.limits import BATCH_COMMANDS_MAX
from tests.core.subjects import ALL_LEVELS, Subject
from tests.golden.render import Renderer, wrapped
from tests.golden.script import Compiler, Line, Registry, ScriptError, duration_ns, number

SCENARIOS = Path(__file__).parent / "scenarios"
START_NS = 1_000_000_000
STEP_NS = 1_000_000
SEPARATOR = "----"
QUERIES = ("book", "balances", "orders")


@dataclass
class Block:
    """Lines up to a blank one: comments, commands, and whether output was asked for."""

    comments: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    shown: bool = False


def parse(text: str) -> list[Block]:
    blocks = [Block()]
    for line in text.splitlines():
        block = blocks[-1]
        if not line.strip():
            if block.comments or block.commands:
                blocks.append(Block())
        elif block.shown:
            continue  # expected output: it is written anew and compared as a whole
        elif line == SEPARATOR:
            block.shown = True
        elif line.startswith("#"):
            block.comments.append(line)
        else:
            block.commands.append(line)
    return [block for block in blocks if block.comments or block.commands]


class Runner:
    """Runs blocks on one machine: one log entry a block, in set-up one a command."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._registry = Registry()
        self._compiler = Compiler(self._registry)
        self._registry.start_ns = START_NS
        self._renderer = Renderer(self._registry)
        self._index = 0
        self._now_ns = START_NS

    def rewrite(self, text: str) -> str:
        """The scenario with the answers of this machine."""
        written = []
        for block in parse(text):
            lines = block.comments + block.commands
            output = self._run(block)
            if block.shown:
                lines += [SEPARATOR, *wrapped(output)]
            written.append("\n".join(lines) + "\n")
        return "\n".join(written)

    def _run(self, block: Block) -> list[str]:
        output: list[str] = []
        records: list[tuple[Line, str]] = []
        summary = False
        for text in block.commands:
            verb, _, rest = text.partition(" ")
            if verb == "include":
                self.rewrite((SCENARIOS.parent / f"{rest}.txt").read_text())
            elif verb == "advance":
                self._now_ns += duration_ns(rest)
            elif verb == "entry":
                output += self._apply([], summary, block.shown)
            elif verb == "summary":
                summary = True
            elif verb in QUERIES:
                output += self._query(verb, rest.split())
            else:
                records += [(Line.parse(one), one) for one in _repeated(text)]
        size = BATCH_COMMANDS_MAX if block.shown else 1  # set-up may use the names it makes
        for at in range(0, len(records), size):
            part = records[at : at + size]
            output += self._apply(part, summary, block.shown)
        return output

    # --- one log entry ------------------------------------------------------------------------

    def _apply(self, part: list[tuple[Line, str]], summary: bool, shown: bool) -> list[str]:
        self._index += 1
        self._now_ns += STEP_NS
        aliases = [line.alias for line, _ in part]
        payload = batch_of([self._compiler.compile(line) for line, _ in part])
        events, replies = self._subject.apply(self._index, self._now_ns, payload)
        for event in events:
            self._registry.learn(event, aliases[event.cause] if part else None)
        assert len(replies) == len(part)
        if not shown:
            for reply, (_, text) in zip(replies, part, strict=True):
                if reply.code:
                    raise ScriptError(f"set-up was refused: {text}: {self._reply(reply)}")
            return []
        if summary:
            return self._summary(events, replies)
        return list(self._each(part, events, replies))

    def _each(
        self, part: list[tuple[Line, str]], events: list[AnyEvent], replies: list[Reply]
    ) -> Iterator[str]:
        assert [event.cause for event in events] == sorted(event.cause for event in events)
        if not part:
            yield from map(self._renderer.event, events)
        for ordinal, ((_, text), reply) in enumerate(zip(part, replies, strict=True)):
            if len(part) > 1:
                yield f"> {text}"
            for event in events:
                if event.cause == ordinal:
                    yield self._renderer.event(event)
            yield self._reply(reply)

    def _reply(self, reply: Reply) -> str:
        return self._renderer.reply(reply, self._now_ns, START_NS)

    def _summary(self, events: list[AnyEvent], replies: list[Reply]) -> list[str]:
        """Counts by kind, and the last reply, when the events are too many to read."""
        kinds = Counter(type(event).__name__ for event in events)
        counts = [f"{count} {kind}" for kind, count in sorted(kinds.items())]
        return [", ".join(counts) or "no events", f"{len(replies)} replies, the last:",
                self._reply(replies[-1])]  # fmt: skip

    # --- questions ----------------------------------------------------------------------------

    def _query(self, verb: str, words: list[str]) -> list[str]:
        registry, renderer = self._registry, self._renderer
        if verb == "book":
            symbol = registry.find(registry.symbols, words[0])
            depth = number(words[1]) if len(words) > 1 else ALL_LEVELS
            return renderer.book(self._subject.book(symbol, depth))
        if verb == "balances":
            rows = self._subject.all_balances()
            if words:
                rows = self._subject.balances(registry.find(registry.accounts, words[0]))
            return [renderer.balance(*row) for row in rows] or ["nothing"]
        symbol = registry.find(registry.symbols, words[1]) if len(words) > 1 else 0
        account = registry.find(registry.accounts, words[0])
        orders = self._subject.open_orders(account, symbol)
        for order in orders:
            assert self._subject.order(order.order_id) == order
        return [renderer.order_row(order) for order in orders] or ["no open orders"]


def _repeated(text: str) -> Iterator[str]:
    """`each A..B [times N] COMMAND`: the command for each number, in place of `$`."""
    words = text.split()
    if words[0] != "each":
        yield text
        return
    first, last = words[1].split("..")
    times, command = 1, words[2:]
    if command[0] == "times":
        times, command = number(command[1]), command[2:]
    for _ in range(times):
        for n in range(number(first), number(last) + 1):
            yield " ".join(command).replace("$", str(n))
