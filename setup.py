"""Compiles `core` with mypyc when a C compiler is there; everything else is in pyproject.toml.

With no compiler, or with LOCKSTEP_PURE=1, the core is installed as plain Python and a notice says
so: the same sources give the same bytes, only slower.

LOCKSTEP_PROFILE=record:DIR builds a core that notes in DIR how it is used, LOCKSTEP_PROFILE=use:DIR
one that is laid out by such notes; `just build-tuned` does both. For gcc.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).resolve().parent))  # a build backend does not add it

from adapters import core_build

COMPILING = {"bdist_wheel", "build", "build_ext", "develop", "editable_wheel", "install"}
"""Commands that need the C sources. Others, such as those that ask for metadata, skip mypyc."""


INLINING = ["-fno-semantic-interposition", "-fvisibility=hidden"]
"""Without these a shared library's own calls may be replaced from outside, so no compiler inlines
them. Measured on the whole machine: an eighth more commands a second. gcc and clang know both."""


def notice(text: str) -> None:
    print(f"lockstep: {text}", file=sys.stderr)


def c_compiler() -> str | None:
    """The C compiler that setuptools would call, if there is one."""
    wanted = os.environ.get("CC", "").split()
    return next((c for c in (*wanted[:1], "cc", "gcc", "clang") if shutil.which(c)), None)


def profile_flags() -> list[str]:
    """gcc's, for LOCKSTEP_PROFILE. What was not exercised is compiled as without a profile."""
    what, _, folder = os.environ.get("LOCKSTEP_PROFILE", "").partition(":")
    if not what:
        return []
    if what == "record" and folder:
        return [f"-fprofile-generate={folder}"]
    if what == "use" and folder:
        return [
            f"-fprofile-use={folder}", "-fprofile-correction", "-fprofile-partial-training",
            "-Wno-missing-profile",
        ]  # fmt: skip
    sys.exit(f"LOCKSTEP_PROFILE: {what!r} must be record:DIR or use:DIR")


def extensions() -> list[Any]:
    """The core's modules as one mypyc group: calls between them are direct C calls."""
    if core_build.pure_wanted():
        notice("LOCKSTEP_PURE is set: the core stays interpreted")
        return []
    if c_compiler() is None:
        notice("no C compiler found: the core stays interpreted, about 15 times slower")
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - only a build that compiles needs it

    compiled = mypycify(
        [f"core/{name}.py" for name in core_build.compiled_modules()],
        group_name="core",
        opt_level="3",
        debug_level="1" if os.environ.get("LOCKSTEP_DEBUG_BUILD") else "0",
    )
    flags = profile_flags()
    for extension in compiled:
        # mypyc gives all of them one list: a new one each, or each would add to all.
        extension.extra_compile_args = [*extension.extra_compile_args, *INLINING, *flags]
        extension.extra_link_args = [*extension.extra_link_args, *flags]
    return compiled


class StampedBuildExt(build_ext):  # type: ignore[misc]
    """After files were put beside the sources, note which sources they were built from."""

    def run(self) -> None:
        super().run()
        if self.inplace or getattr(self, "editable_mode", False):
            core_build.write_stamp()


setup(
    ext_modules=extensions() if COMPILING & set(sys.argv) else [],
    cmdclass={"build_ext": StampedBuildExt},
)
