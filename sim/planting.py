"""Planted bugs: a module is imported from a source in which a few lines were replaced.

Why it exists: a simulator is worth what it catches, so bugs are put in on purpose, and production
code must not carry switches for them. A plant names modules and replacements; `install` makes this
process import those modules from the changed text. It is called before they are imported, in a
process of its own, and the change dies with the process. A replacement whose text is not there
exactly once is our bug: the code has moved on and the plant must follow.
"""

import ast
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parent.parent


class Edit(msgspec.Struct, frozen=True):
    """In `module` the text `old`, which stands there once, is `new`."""

    module: str
    old: str
    new: str


class Plant(msgspec.Struct, frozen=True, kw_only=True):
    """`expected`: the checkers that may catch it; empty for a harmless one."""

    name: str
    what: str
    edits: tuple[Edit, ...]
    expected: tuple[str, ...] = ()
    profile: str = "default"

    @property
    def kind(self) -> str:
        if self.name == "canary":
            return "canary"
        return "bug" if self.expected else "harmless"

    @property
    def needs_sources(self) -> bool:
        """It changes the core, so the process must run the interpreted one."""
        return any(edit.module.startswith("core.") for edit in self.edits)


class PlantMoved(Exception):
    """Our bug: the text that a plant replaces is not there exactly once."""


def planted_source(plant: Plant, module: str) -> str:
    """Raises `PlantMoved`."""
    text = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    for edit in plant.edits:
        if edit.module != module:
            continue
        found = text.count(edit.old)
        if found != 1:
            raise PlantMoved(f"{plant.name}: in {module} the text stands {found} times: {edit.old}")
        text = text.replace(edit.old, edit.new)
    ast.parse(text, module)
    return text


def install(plant: Plant) -> None:
    """From now on this process imports the planted modules. None of them is loaded yet."""
    modules = {edit.module for edit in plant.edits}
    loaded = sorted(modules & set(sys.modules))
    assert not loaded, f"{plant.name}: imported before the plant: {loaded}"
    sys.meta_path.insert(
        0, _Planted(plant, {name: planted_source(plant, name) for name in modules})
    )


class _Planted(MetaPathFinder, Loader):
    def __init__(self, plant: Plant, sources: dict[str, str]) -> None:
        self._plant = plant
        self._sources = sources

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname not in self._sources:
            return None
        origin = f"{fullname} with {self._plant.name}"
        return importlib.util.spec_from_loader(fullname, self, origin=origin)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        code = compile(self._sources[name], f"<{name} with {self._plant.name}>", "exec")
        exec(code, module.__dict__)  # noqa: S102 - our own source, see the first paragraph
