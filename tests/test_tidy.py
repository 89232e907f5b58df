"""Style that a program can check, so that reviews need not: lengths, docstrings, words, sleeps.

Exceptions stand in `tidy_ratchet.toml`. They can only shrink: an entry that is larger than needed
fails the test, and so does one that is no longer needed.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
RATCHET: Final[dict[str, dict[str, int]]] = tomllib.loads(
    (ROOT / "tests" / "tidy_ratchet.toml").read_text()
)

LINE_MAX: Final = 100
FUNCTION_LINES_MAX: Final = 70
FILE_LINES_MAX: Final = 500
TRACKED_BYTES_MAX: Final = 1 << 20

TEXT: Final = {
    "", ".cfg", ".css", ".html", ".ini", ".js", ".json", ".md", ".proto", ".py", ".sh", ".sql",
    ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip

FORBIDDEN: Final = {
    "a package registry's address": re.compile(
        r"""(?x)
        # the keys under which lock files and configurations of package clients put one
        \b(resolved|registry|index|index[-_]url|download[-_]url|tarball|dist)
            ["']?\s*[:=]\s*\{?\s*(url\s*=\s*)?["']?(sparse\+)?https?://
        | --(extra-)?index-url | --find-links | --registry | \bGOPROXY\b
        # where registries keep what they serve
        | https?://[^\s"'<>]*/(simple|maven2?|packages|crates|debian|tarballs?)(/|["'<]|$)
        | https?://[^\s"']*\.(whl|tgz|tar\.gz|crate|jar|deb)\b
        # hosts that say by their name what they are
        | https?://(registry|packages|pypi|npm|crates|deb|repo\d?|index|static)\.
        """
    ),
    "a path of one machine": re.compile(
        r"(?<![\w.}])/(?:work|root|Users|home)/[\w.]|(?<![\w.}])/tmp/[\w.]"
    ),
    "work left for later": re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"),
}
SELF: Final = "tests/test_tidy.py"
MOCK_CLOCK: Final = {"MockClock", "autojump_clock", "mock_clock"}


@cache
def tracked() -> list[Path]:
    """Files that git would commit, generated ones left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    paths = [ROOT / name for name in sorted(set(listed.split("\0"))) if name]
    return [p for p in paths if p.is_file() and not name_of(p).startswith("contracts/gen/")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        if path.suffix in TEXT:
            yield name_of(path), path.read_text()


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(text, name) for name, text in texts() if name.endswith(".py")}


def check_ratchet(table: str, found: dict[str, int], limit: int) -> None:
    """`found` are sizes above the limit; each needs an entry of exactly its size."""
    allowed = RATCHET.get(table, {})
    over = {key: size for key, size in found.items() if size > limit}
    for key, size in over.items():
        assert key in allowed, f"{key}: {size} is more than {limit}"
        assert size <= allowed[key], f"{key}: grew to {size}, the ratchet holds {allowed[key]}"
    for key, size in allowed.items():
        assert over.get(key) == size, f"tidy_ratchet.toml [{table}]: {key} is now {found.get(key)}"


def test_lines_are_short() -> None:
    for name, text in texts():
        if not name.endswith((".html", ".json", ".md", ".txt")):
            for number, line in enumerate(text.splitlines(), 1):
                assert len(line) <= LINE_MAX, f"{name}:{number}: {len(line)} characters"


def test_text_is_clean() -> None:
    for name, text in texts():
        assert "\t" not in text or name.endswith((".sql", "Makefile")), f"{name}: tabs"
        assert "\r" not in text, f"{name}: carriage returns"
        assert not text or text.endswith("\n"), f"{name}: no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            assert line == line.rstrip(), f"{name}:{number}: trailing space"


def test_functions_are_short() -> None:
    found: dict[str, int] = {}
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                key = f"{name}:{node.name}"
                found[key] = max(found.get(key, 0), node.end_lineno - node.lineno + 1)
    check_ratchet("function_lines", found, FUNCTION_LINES_MAX)


def test_files_are_short() -> None:
    found = {name: text.count("\n") for name, text in texts() if name.endswith(".py")}
    check_ratchet("file_lines", found, FILE_LINES_MAX)


def test_every_module_says_why_it_exists() -> None:
    for name, tree in trees().items():
        if tree.body:
            first = (ast.get_docstring(tree) or "").partition("\n\n")[0]
            assert first.endswith((".", ":", "?", "!", ")")), f"{name}: no first paragraph"


@pytest.mark.parametrize("room", ["core", "replication"])
def test_public_names_say_what_they_are(room: str) -> None:
    """Public classes have a docstring; functions of more than a few lines too."""
    for name, tree in trees().items():
        if not name.startswith(f"{room}/"):
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                needs = not _is_record(node)
            elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                needs = len(node.body) > 3
            else:
                continue
            assert not needs or ast.get_docstring(node), f"{name}: {node.name} has no docstring"


def _is_record(node: ast.ClassDef) -> bool:
    """A struct or an enumeration, whose names are its explanation."""
    return all(isinstance(item, ast.AnnAssign | ast.Assign | ast.Expr) for item in node.body)


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_words_that_have_no_place_here(what: str) -> None:
    for name, text in texts():
        if name != SELF:
            for number, line in enumerate(text.splitlines(), 1):
                assert not FORBIDDEN[what].search(line), f"{name}:{number}: {what}: {line.strip()}"


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ('"resolved": "https://example.org/a/-/a-1.0.0.tgz",', True),
        ('registry = "sparse+https://example.org/index/"', True),
        ('source = { registry = "https://example.org/simple" }', True),
        ('url = "https://example.org/packages/ab/cd/a-1.0.tar.gz"', True),
        ("pip install --index-url https://example.org a", True),
        ("<url>https://example.org/maven2</url>", True),
        ("index: int = 0  # https://example.org/why", False),
        ("see https://example.org/spec/v2.0.0.html", False),
    ],
)
def test_the_ban_on_registries_catches(line: str, caught: bool) -> None:
    assert bool(FORBIDDEN["a package registry's address"].search(line)) == caught


def test_tests_never_sleep() -> None:
    """Waiting for an event, with a deadline, is what a test does instead.

    Sleeping under trio's mock clock takes no time: files that name it may.
    """
    found = {
        name: len(list(sleeps(tree)))
        for name, tree in trees().items()
        if name.startswith("tests/") and not MOCK_CLOCK & names_in(tree)
    }
    check_ratchet("sleeps", found, 0)


def names_in(tree: ast.Module) -> set[str]:
    """Everything that the code names: variables, attributes, arguments."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def sleeps(tree: ast.Module) -> Iterator[int]:
    """Lines that sleep for a time: yielding to the scheduler with 0 is not sleeping."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="time" | "asyncio" | "trio", names=names):
                if any(alias.name == "sleep" for alias in names):
                    yield node.lineno
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="time" | "asyncio" | "trio"), attr="sleep"),
                args=[ast.Constant(value=0)],
            ):
                pass
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="time" | "asyncio" | "trio"), attr="sleep")
            ):
                yield node.lineno


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("time.sleep(1)", True),
        ("time.sleep(0)", False),
        ("await trio.sleep(x)", True),
        ("await asyncio.sleep(0)", False),
        ("from time import sleep", True),
    ],
)
def test_the_ban_on_sleep_catches(code: str, caught: bool) -> None:
    tree = ast.parse(code, mode="exec", feature_version=(3, 11)) if "await" not in code else (
        ast.parse(f"async def f():\n    {code}")
    )  # fmt: skip
    assert bool(list(sleeps(tree))) == caught


FIRST_PARTY: Final = (
    "adapters", "contracts", "core", "gateway", "ledger", "replication", "sim", "tests",
)  # fmt: skip


def test_imports_are_sorted() -> None:
    """As isort would have them, but with many names filling their lines."""
    for name, tree in trees().items():
        block: list[tuple[int, bool, str]] = []
        for node in tree.body:
            match node:
                case ast.Import(names=[alias]):
                    block.append((section_of(alias.name), False, alias.name.lower()))
                case ast.ImportFrom(module=str(module), names=aliases):
                    block.append((section_of(module), True, module.lower()))
                    given = [alias.name for alias in aliases]
                    assert given == sorted(given, key=name_order), f"{name}: names of {module}"
                case ast.Expr(value=ast.Constant()):
                    pass
                case _:
                    break
        assert block == sorted(block), f"{name}: imports are not sorted"


def section_of(module: str) -> int:
    top = module.partition(".")[0]
    return 2 if top in FIRST_PARTY else 0 if top in sys.stdlib_module_names else 1


def name_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name.lower()


def test_no_large_files() -> None:
    for path in tracked():
        assert path.stat().st_size <= TRACKED_BYTES_MAX, f"{name_of(path)}: too large for git"
