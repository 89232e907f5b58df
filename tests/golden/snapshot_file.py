"""A golden snapshot as text: what it holds in a head that a person reads, then the bytes.

Why it exists: a binary file says nothing in a review. The head names format, version, index and
every digest, and counts what is inside; log, snapshot and the entries that go on from it follow,
compressed, in base64. It must not know how such a state comes about.

    golden snapshot, format 1 of machine version 7
    NAME VALUE
    …

    log: 55 entries, 71312 bytes
    base64 of zlib, in lines
"""

import base64
import re
import textwrap
import zlib
from collections import Counter
from pathlib import Path
from typing import Final

from core.codes import ORDER_TYPE_NAMES, TIME_IN_FORCE_NAMES
from core.machine import Machine
from core.table import NIL
from tests.core.replay import Entry, read_entries, written_entries

FOLDER: Final = Path(__file__).resolve().parent / "snapshots"
LINE: Final = 96
AREAS: Final = ("resting", "triggers", "trailing", "waiting")

_TITLE: Final = re.compile(r"golden snapshot, format (\d+) of machine version (\d+)")
_PART: Final = re.compile(r"(log|snapshot|after): .*")


def name_of(form: int, version: int) -> str:
    """Snapshots' format first: each new one adds files and leaves the others alone."""
    return f"format{form}-machine{version}.txt"


def holdings(machine: Machine) -> dict[str, int]:
    """What is in a machine, counted: rows of each table, free rows, orders by what they are."""
    state = machine._state
    found = {f"rows.{table.name}": int(table.count) for table in state.tables(state.version)}
    store = state.trading.store
    free = {
        "orders": store.free_order, "levels": store.free_level, "replies": state.replies.free,
        "terms": store.terms.free, "lists": state.trading.endings.lists.free,
    }  # fmt: skip
    found |= {f"free.{name}": int(row != NIL) for name, row in free.items()}
    found["live.replies"] = int(state.replies.live)
    found["checkpoint"] = machine.last_checkpoint()[0]
    kinds: Counter[str] = Counter()
    for account in range(1, machine.account_count + 1):
        for order in machine.open_orders(account, 0):
            terms = order.terms
            kinds[f"orders.{ORDER_TYPE_NAMES[terms.order_type]}"] += 1
            kinds[f"orders.{TIME_IN_FORCE_NAMES[order.time_in_force]}"] += 1
            kinds[f"orders.{AREAS[terms.area]}"] += 1
            kinds["orders.expiring"] += terms.expire_ns != 0
            kinds["orders.icebergs"] += terms.hidden != 0
            kinds["orders.of lists"] += terms.list_id != 0
            kinds["orders.partly filled"] += order.filled != 0
            kinds["orders.with client ids"] += order.client_hi != 0
    modes = Counter(f"markets.mode {symbol.mode}" for symbol in machine.symbols())
    return found | dict(sorted((kinds + modes).items()))


class Golden:
    """One file, read."""

    def __init__(self, path: Path) -> None:
        title, *blocks = path.read_text(encoding="ascii").split("\n\n")
        first, *rows = title.splitlines()
        match = _TITLE.fullmatch(first)
        assert match, f"{path.name}: {first!r}"
        self.form, self.version = int(match[1]), int(match[2])
        self.head = dict(row.rsplit(" ", 1) for row in rows)
        parts: dict[str, bytes] = {}
        for block in blocks:
            about, *lines = block.splitlines()
            part = _PART.fullmatch(about)
            assert part, f"{path.name}: {about!r}"
            parts[part[1]] = zlib.decompress(base64.b64decode("".join(lines), validate=True))
        self.log: list[Entry] = list(read_entries(parts["log"]))
        self.snapshot = parts["snapshot"]
        self.after: list[Entry] = list(read_entries(parts["after"]))

    def counts(self) -> dict[str, int]:
        """What `holdings` said when the file was written."""
        return {name: int(value) for name, value in self.head.items() if "." in name}


def marks(machine: Machine) -> dict[str, str]:
    """What two machines that are the same have in common, as the head shows it."""
    return {
        "index": str(machine.index),
        "ts_ns": str(machine.ts_ns),
        "chain": machine.chain.hex(),
        "digest": machine.digest().hex(),
        "balances": machine.balances_digest().hex(),
    }


def text_of(
    form: int, log: list[Entry], snapshot: bytes, after: list[Entry], machine: Machine,
    machine_after: Machine,
) -> str:  # fmt: skip
    """The file's text. `machine` is the one after `log`, `machine_after` the one after both."""
    lines = [f"golden snapshot, format {form} of machine version {machine.version}"]
    lines += [f"{name} {value}" for name, value in marks(machine).items()]
    lines += [f"after {name} {value}" for name, value in marks(machine_after).items()]
    lines += [f"{name} {count}" for name, count in holdings(machine).items() if "." in name]
    for name, about, data in (
        ("log", f"{len(log)} entries, ", written_entries(log)),
        ("snapshot", "", snapshot),
        ("after", f"{len(after)} entries, ", written_entries(after)),
    ):
        packed = base64.b64encode(zlib.compress(data, 9)).decode("ascii")
        lines += ["", f"{name}: {about}{len(data)} bytes", *textwrap.wrap(packed, LINE)]
    return "\n".join(lines) + "\n"
