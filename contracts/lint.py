"""Runs buf over the protobuf: its STANDARD lint rules, and no breaking change against baseline.

Why it exists: the interface is read by programs that we cannot change; a renumbered field would
break them silently. The baseline is the descriptor image of the last release, committed as
`baseline.binpb`, so that the check needs no git history. It knows nothing of what the messages
mean.

    python contracts/lint.py            exit 0 = clean, 1 = findings, 3 = there is no buf
    python contracts/lint.py --fetch    fetches buf by npm into a temporary folder if missing

buf is looked for in the environment variable BUF, then on PATH.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
BUF_PACKAGE: Final = "@bufbuild/buf@1.75.0"
FETCH_TIMEOUT_S: Final = 180
RUN_TIMEOUT_S: Final = 60

CHECKS: Final = (
    ("lint",),
    ("breaking", "--against", "baseline.binpb"),
)


def find_buf() -> str | None:
    return os.environ.get("BUF") or shutil.which("buf")


def fetch_buf(folder: Path) -> str | None:
    """The path of a buf that npm puts into `folder`; None without npm or its registry."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    command = [npm, "install", "--no-save", "--no-package-lock", "--prefix", str(folder)]
    try:
        subprocess.run(  # noqa: S603  our own words, no shell
            [*command, BUF_PACKAGE], check=True, timeout=FETCH_TIMEOUT_S, stdout=sys.stderr
        )
    except (subprocess.SubprocessError, OSError):
        return None
    return str(folder / "node_modules" / ".bin" / "buf")


def run(buf: str, module: Path = HERE) -> int:
    """0 if every check is clean. Findings go to standard output as buf writes them."""
    results = [
        subprocess.run(  # noqa: S603  our own words, no shell
            [buf, *check], cwd=module, check=False, timeout=RUN_TIMEOUT_S
        ).returncode
        for check in CHECKS
    ]
    return 1 if any(results) else 0


def main(argv: list[str] | None = None) -> int:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fetch", action="store_true", help="fetch buf by npm if it is missing")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        buf = find_buf()
        if buf is None and arguments.fetch:
            buf = fetch_buf(Path(folder))
        if buf is None:
            sys.stderr.write("contracts: buf is not here; set BUF, or run with --fetch\n")
            return 3
        return run(buf)


if __name__ == "__main__":
    sys.exit(main())
