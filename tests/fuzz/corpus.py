"""Inputs run again, without the fuzzer: a finding by itself, or whole corpora on the compiled core.

    python -m tests.fuzz.corpus                        every corpus that there is
    python -m tests.fuzz.corpus commands .fuzz/crashes/commands-crash-1234

Why it exists: the guided fuzzer needs the interpreted core; what it found out must hold for the
compiled one too, which runs a corpus in seconds. A finding shows itself by its own traceback.
"""

import sys
from pathlib import Path

from tests.fuzz.build import choose

choose()

from tests.fuzz.guided import HOME, corpus_of  # noqa: E402 - which build is decided above
from tests.fuzz.targets import TARGETS  # noqa: E402


def run_files(target: str, paths: list[Path]) -> int:
    """How many inputs were good; one that is not raises, with a note that names it."""
    for path in paths:
        try:
            TARGETS[target].run(path.read_bytes())
        except BaseException as error:
            error.add_note(f"input of {target}: {path}")
            raise
    return len(paths)


def main(arguments: list[str]) -> int:
    if arguments:
        target, *names = arguments
        print(f"{target}: {run_files(target, [Path(name) for name in names])} inputs are good")
        return 0
    for target in TARGETS:
        folder = corpus_of(target)
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        print(f"{target}: {run_files(target, paths)} inputs are good", flush=True)
    if not HOME.is_dir():
        print("there is no corpus: `python -m tests.fuzz.guided` makes one")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
