"""Where two states part: down the trees of their tables, to the row and the word.

Why it exists: two digests that differ say that something is wrong, and an order among a million
must be named to find out what. Only nodes that differ are gone into, so the walk costs what
differs. It must not know where the machines came from, and it changes nothing in them.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Final

import msgspec

from core import account_rows, dedup, fees, listing, markets, open_orders, order_lists
from core import order_store, profiles, rules, terms, timers, transfers
from core.machine import Machine
from core.page_tree import FAN, HASH_BYTES
from core.table import PAGE_ROWS, Table

_WORDS: Final[dict[str, tuple[ModuleType, str]]] = {
    "assets": (listing, "A_"), "symbols": (listing, "S_"), "accounts": (account_rows, "AC_"),
    "balances": (account_rows, "B_"), "orders": (order_store, "O_"), "links": (open_orders, "X_"),
    "levels": (order_store, "L_"), "replies": (dedup, "D_"), "references": (dedup, "R_"),
    "terms": (terms, "T_"), "lists": (order_lists, "G_"), "markets": (markets, "M_"),
    "switches": (timers, "W_"), "profiles": (profiles, "P_"), "rules": (rules, "U_"),
    "desks": (rules, "D_"), "fees": (fees, "E_"), "volumes": (fees, "V_"),
    "transfers": (transfers, "T_"),
}  # fmt: skip
"""Where the constants of a table's words stand, and how their names begin."""

_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "balances": ("account", "asset"), "orders": ("id",), "terms": ("order",),
    "levels": ("book", "price"), "replies": ("scope", "key_hi", "key_lo"),
    "references": ("hi", "lo"), "switches": ("account", "symbol"), "desks": ("account", "symbol"),
    "fees": ("account", "symbol"), "volumes": ("account", "asset"),
    "transfers": ("hi", "lo", "role"),
}  # fmt: skip
"""The words that say what a row is about; of other tables the row's number does."""


class RowDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One word of one row. `key` names the row; a row that one state lacks is `absent` there."""

    section: str
    key: str
    field: str
    a: str
    b: str


def state_differences(a: Machine, b: Machine) -> Iterator[RowDifference]:
    """All of them, in the order of tables, rows and words; then the loose numbers.

    Raises `ValueError` unless both states have trees, of the same tables.
    """
    ours, theirs = a.tables(), b.tables()
    if [table.name for table in ours] != [table.name for table in theirs]:
        raise ValueError("states: their machine versions differ, and so do their tables")
    for one, other in zip(ours, theirs, strict=True):
        for page in differing_pages(one, other):
            yield from _in_page(one, other, page)
    for at, (x, y) in enumerate(zip(a.scalars(), b.scalars(), strict=True)):
        if x != y:
            yield RowDifference(section="scalars", key=str(at), field="value", a=str(x), b=str(y))


def differing_pages(a: Table, b: Table) -> Iterator[int]:
    """Numbers of the pages that differ or that only one table has, ascending."""
    ours, theirs = a.tree.levels, b.tree.levels
    top = min(len(ours), len(theirs)) - 1
    nodes = max(len(ours[top]), len(theirs[top])) // HASH_BYTES
    yield from _below(ours, theirs, top, range(nodes))


def _below(
    ours: list[bytearray], theirs: list[bytearray], level: int, nodes: range
) -> Iterator[int]:
    for node in nodes:
        cell = slice(node * HASH_BYTES, (node + 1) * HASH_BYTES)
        if ours[level][cell] == theirs[level][cell]:
            continue
        if level == 0:
            yield node
        else:
            yield from _below(ours, theirs, level - 1, range(node * FAN, (node + 1) * FAN))


def _in_page(a: Table, b: Table, page: int) -> Iterator[RowDifference]:
    for row in range(page * PAGE_ROWS, min((page + 1) * PAGE_ROWS, max(a.count, b.count))):
        ours, theirs = _row(a, row), _row(b, row)
        if ours == theirs:
            continue
        key = key_of(a.name, row, ours or theirs)
        if not ours or not theirs:
            yield RowDifference(
                section=a.name, key=key, field="", a="there" if ours else "absent",
                b="there" if theirs else "absent",
            )  # fmt: skip
            continue
        for at, (x, y) in enumerate(zip(ours, theirs, strict=True)):
            if x != y:
                field = word_name(a.name, at)
                yield RowDifference(section=a.name, key=key, field=field, a=str(x), b=str(y))


def _row(table: Table, row: int) -> tuple[int, ...]:
    if row >= table.count:
        return ()
    return tuple(table.word(row, number) for number in range(table.words))


def word_names(table: str) -> dict[int, str]:
    """The names of a table's words, by their number; of a run only the first has one."""
    module, prefix = _WORDS[table]
    return {
        value: name.removeprefix(prefix).lower()
        for name, value in vars(module).items()
        if name.startswith(prefix) and isinstance(value, int)
    }


def word_name(table: str, at: int) -> str:
    """What word `at` of a table's rows is: its name, or that of its run and its place in it."""
    names = word_names(table)
    first = max(number for number in names if number <= at)
    return names[first] if first == at else f"{names[first]}[{at - first}]"


def key_of(table: str, row: int, words: tuple[int, ...]) -> str:
    """What a row is about, for a person: "row 7: account 3, asset 1"."""
    places = {name: at for at, name in word_names(table).items()}
    about = ", ".join(f"{name} {words[places[name]]}" for name in _KEYS.get(table, ()))
    return f"row {row}: {about}" if about else f"row {row}"
