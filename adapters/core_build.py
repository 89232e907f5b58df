"""Which build of `core` is this: compiled or interpreted, and is the compiled one current?

Why it exists: compiled modules lie beside their sources and win over them on import, so an edited
source can be shadowed in silence by what was built before. A stamp with the hash of the sources
is written by every build; whoever starts the core compares it first. LOCKSTEP_PURE=1 means the
same at build time (compile nothing) and at run time (import the sources, whatever lies there).

Only the standard library is used, because setup.py imports this in a bare build environment; it
must not import `core`, which would decide too early which build is loaded.
"""

import hashlib
import importlib.machinery
import importlib.util
import json
import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final, Literal

ROOT: Final = Path(__file__).resolve().parent.parent
CORE: Final = ROOT / "core"
STAMP: Final = CORE / "_build_stamp.json"

INTERPRETED: Final = frozenset({"__init__", "snapshot", "views"})
"""Modules that stay plain Python: nothing hot, and structs whose annotations are read back."""

BuildState = Literal["compiled", "interpreted", "stale"]

STALE_MESSAGE: Final = "compiled core is older than its sources: run `just build`"


def pure_wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether LOCKSTEP_PURE asks for the interpreted core."""
    return environ.get("LOCKSTEP_PURE", "") not in ("", "0")


def compiled_modules() -> list[str]:
    """Names of the modules of `core` that mypyc compiles, in a fixed order."""
    return sorted(p.stem for p in CORE.glob("*.py") if p.stem not in INTERPRETED)


def sources_hash() -> str:
    """Over every source: constants are inlined, so that each may change any compiled module."""
    digest = hashlib.sha256()
    for path in sorted(CORE.glob("*.py")):
        data = path.read_bytes()
        digest.update(f"{path.name} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def _suffix() -> str:
    return str(sysconfig.get_config_var("EXT_SUFFIX"))


def extension_files() -> list[Path]:
    """Compiled files, of any Python version, that lie in the tree."""
    return sorted([*CORE.glob("*.so"), *ROOT.glob("core__mypyc*.so")])


def write_stamp() -> None:
    """Called by the build after the compiled files are in place."""
    stamp = {"sources_sha256": sources_hash(), "suffix": _suffix(), "modules": compiled_modules()}
    STAMP.write_text(json.dumps(stamp, indent=2) + "\n")


def remove_build() -> list[Path]:
    """Back to the interpreted core: deletes compiled files and the stamp, and says which."""
    gone = [p for p in (*extension_files(), STAMP) if p.exists()]
    for path in gone:
        path.unlink()
    return gone


def state(environ: Mapping[str, str] = os.environ) -> BuildState:
    """What an import of `core` in a new process of this Python would load."""
    if pure_wanted(environ):
        return "interpreted"
    present = {p.name.removesuffix(_suffix()) for p in CORE.glob("*" + _suffix())}
    if not present:
        return "interpreted"
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return "stale"
    current = (
        isinstance(stamp, dict)
        and stamp.get("suffix") == _suffix()
        and stamp.get("sources_sha256") == sources_hash()
        and present == set(compiled_modules())
    )
    return "compiled" if current else "stale"


class _SourceOnly:
    """An import hook that finds modules of `core` as sources only."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del target
        if path is None or not name.startswith("core."):
            return None
        source = CORE / (name.removeprefix("core.") + ".py")
        if not source.is_file():
            return None
        loader = importlib.machinery.SourceFileLoader(name, str(source))
        return importlib.util.spec_from_file_location(name, source, loader=loader)


def use_sources_if_asked(environ: Mapping[str, str] = os.environ) -> None:
    """With LOCKSTEP_PURE=1, make this process import the sources. Call before importing core."""
    if not pure_wanted(environ) or any(isinstance(f, _SourceOnly) for f in sys.meta_path):
        return
    loaded = [n for n, m in sys.modules.items() if n.startswith("core.") and _is_compiled(m)]
    assert not loaded, f"compiled modules were imported before the sources were asked for: {loaded}"
    sys.meta_path.insert(0, _SourceOnly())


def _is_compiled(module: ModuleType) -> bool:
    return str(getattr(module, "__file__", "")).endswith(".so")


def running_compiled() -> bool:
    """Whether this process has the compiled core loaded: asked of the module itself."""
    import core.limits  # noqa: PLC0415 - on purpose late, see the module's first paragraph

    return _is_compiled(core.limits)


if __name__ == "__main__":  # for the justfile: `current` fails unless compiled and fresh
    match sys.argv[1:]:
        case ["current"]:
            sys.exit(0 if pure_wanted() or state() == "compiled" else 1)
        case ["remove"]:
            print(*remove_build(), sep="\n")
        case _:
            sys.exit("usage: python -m adapters.core_build current|remove")
