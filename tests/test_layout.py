"""The house's walls: who may import whom, and what the core may never touch.

The table is the design's: a room that needs more than its row allows gets a port, not a wider row.
Everything is read from the syntax tree, so nothing is imported and nothing can hide in a branch.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
ROOMS: Final = ("core", "replication", "sim", "gateway", "ledger", "adapters")

FOLDERS: Final = {
    "core", "replication", "sim", "adapters", "gateway", "ledger", "tests", "contracts", "infra",
    "docs", ".ci",
}  # fmt: skip
ROOT_FILES: Final = {
    ".gitattributes", ".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "CODEOWNERS",
    "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "buf.gen.yaml", "buf.yaml",
    "justfile", "pyproject.toml", "setup.py",
}  # fmt: skip

MAY_IMPORT: Final[dict[str, set[str]]] = {
    "core": {"core", "msgspec", "librt", "mypy_extensions"},
    "replication": {"replication", "core", "msgspec", "mypy_extensions", "librt", "trio"},
    "sim": {"sim", "core", "replication", "gateway", "ledger", "msgspec", "mypy_extensions",
            "librt"},
    "gateway": {"gateway", "core", "msgspec"},
    "ledger": {"ledger", "core", "msgspec"},
}  # fmt: skip
"""Besides the standard library. `adapters` may import any room and any driver."""

TRIO_ONLY_IN: Final = {"replication/driver.py"}
"""The replica itself is a function of its inputs; only the loop around it waits for anything."""

NO_OUTSIDE: Final = {
    "asyncio", "concurrent", "ctypes", "datetime", "http", "io", "logging", "mmap",
    "multiprocessing", "os", "pathlib", "random", "secrets", "select", "selectors", "shutil",
    "signal", "socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "uuid",
}  # fmt: skip
"""Modules of the standard library that the core must not know."""

NO_CALL: Final = {"breakpoint", "eval", "exec", "float", "hash", "id", "input", "open", "print"}
"""Built-ins that bring in the outside, an address, or a number that is not exact."""

COMPOSITION_ROOTS: Final = ("adapters/cli/", "adapters/bench/")


def sources(room: str) -> list[Path]:
    return sorted(p for p in (ROOT / room).rglob("*.py") if "gen" not in p.parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every module that the file imports, wherever in the file: line and dotted name."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import"
            assert node.module is not None
            yield node.lineno, node.module
            for alias in node.names:  # `from adapters import x` names a module too
                yield node.lineno, f"{node.module}.{alias.name}"


def test_top_level_is_the_designs() -> None:
    ignored = {".git", ".github", "lockstep-data", "build", "dist", "node_modules", "shared"}
    for entry in ROOT.iterdir():
        if entry.is_dir():
            visible = not entry.name.startswith(".") or entry.name == ".ci"
            if visible and entry.name not in ignored and not entry.name.endswith(".egg-info"):
                assert entry.name in FOLDERS | {"__pycache__"}, f"a new room: {entry.name}/"
        elif entry.suffix not in (".so", ".lock") and entry.name != ".git":
            assert entry.name in ROOT_FILES, f"a new file at the root: {entry.name}"


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_import_directions(room: str) -> None:
    allowed = MAY_IMPORT[room]
    for path in sources(room):
        for line, module in imports(path):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top in allowed:
                continue
            pytest.fail(f"{name_of(path)}:{line}: {room} must not import {top}")


def test_trio_waits_only_in_the_driver() -> None:
    for path in sources("replication"):
        for line, module in imports(path):
            if module.partition(".")[0] == "trio":
                assert name_of(path) in TRIO_ONLY_IN, f"{name_of(path)}:{line}: imports trio"


def test_only_composition_roots_join_rooms() -> None:
    """An adapter serves one room, and knows of others at most their ports."""
    for path in sources("adapters"):
        if name_of(path).startswith(COMPOSITION_ROOTS):
            continue
        inside = [m.split(".") for _, m in imports(path)]
        rooms = {m[0] for m in inside if "ports" not in m[1:2] and len(m) > 1}
        rooms &= {"replication", "gateway", "ledger", "sim"}
        assert len(rooms) <= 1, f"{name_of(path)}: joins {sorted(rooms)} outside adapters/cli"
        for line, module in imports(path):
            joined = module.startswith(("adapters.cli.", "adapters.bench."))
            assert not joined, f"{name_of(path)}:{line}: an adapter imports a composition root"


def test_core_knows_no_outside() -> None:
    for path in sources("core"):
        for line, module in imports(path):
            top = module.partition(".")[0]
            assert top not in NO_OUTSIDE, f"{name_of(path)}:{line}: core imports {top}"


def test_core_is_exact_and_deterministic() -> None:
    for path in sources("core"):
        for line, what in core_offences(tree_of(path)):
            pytest.fail(f"{name_of(path)}:{line}: {what}")


def core_offences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What the core's code may not say."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=float() | complex()):
                yield line, "a float literal"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield line, "true division makes a float"
            case ast.Name(id="float" | "complex"):
                yield line, "a float"
            case ast.Call(func=ast.Name(id=name)) if name in NO_CALL:
                yield line, f"a call of {name}()"
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                yield line, "asynchronous code"
            case ast.Set() | ast.SetComp():
                yield line, "a set: its order is not defined"
            case ast.Call(func=ast.Name(id="set" | "frozenset")):
                yield line, "a set: its order is not defined"
            case ast.Name(id="set" | "frozenset"):
                yield line, "a set: its order is not defined"
            case ast.Global():
                yield line, "global state"


@pytest.mark.parametrize(
    "code",
    [
        "x = 1.5",
        "x = a / b",
        "x /= 2",
        "x: float = y",
        "hash(x)",
        "id(x)",
        "print(x)",
        "open('f')",
        "async def f(): ...",
        "for x in {1, 2}: ...",
        "x = set(y)",
        "x: set[int]",
        "x = {a for a in b}",
        "def f():\n  global x\n  x = 1",
    ],
)
def test_the_bans_catch(code: str) -> None:
    assert list(core_offences(ast.parse(code)))


def test_the_bans_let_integers_pass() -> None:
    assert not list(core_offences(ast.parse("x = a // b\ny = {1: 2}\nz = [i for i in y]")))


def test_every_room_has_sources_or_is_absent() -> None:
    """No room is an empty promise: a folder that exists holds code."""
    for room in ROOMS:
        if (ROOT / room).is_dir():
            assert any(p.stat().st_size for p in sources(room)), f"{room}/ is empty"
