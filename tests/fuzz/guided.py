"""The decoders under a coverage-guided fuzzer, one target after the other.

    python -m tests.fuzz.guided                        every target, 20,000 runs each
    python -m tests.fuzz.guided commands --seconds 600 --seed 7

Why it exists: random bytes never pass a magic number, a count or a bound that must be met exactly;
Atheris (libFuzzer for Python) sees the branches and comparisons of what it runs and works towards
them. It sees Python only, so the core runs interpreted here; the corpus that it leaves behind is
then run on the compiled core (`python -m tests.fuzz.corpus`). With a number of runs, a seed and the
same corpus it does nearly the same again: libFuzzer also weighs where in memory a branch lies. What
is certain to be the same is an input: a finding is kept, and the line that runs it again printed.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

HOME: Final = Path(".fuzz")
"""Corpora and findings; not in git. An empty corpus begins with the target's seeds."""
RUNS: Final = 20_000
INPUT_S_MAX: Final = 60
"""An input that takes longer than this hangs, and that is a finding."""
MEMORY_MB_MAX: Final = 2_048


def corpus_of(target: str) -> Path:
    return HOME / "corpus" / target


def line_again(target: str, path: str) -> str:
    plant = os.environ.get("LOCKSTEP_FUZZ_PLANT", "")
    prefix = f"LOCKSTEP_FUZZ_PLANT={plant} " if plant else ""
    return f"{prefix}python -m tests.fuzz.corpus {target} {path}"


def main() -> int:
    p = argparse.ArgumentParser(description="coverage-guided fuzzing of the decoders")
    p.add_argument("targets", nargs="*", help="by name; all without one")
    p.add_argument("--runs", type=int, default=RUNS, help="of each target (%(default)s)")
    p.add_argument("--seconds", type=int, default=0, help="of each target, in place of runs")
    p.add_argument("--seed", type=int, default=1, help="of the fuzzer (%(default)s)")
    p.add_argument("--fresh", action="store_true", help="begin with the seeds alone")
    a = p.parse_args()
    os.environ["LOCKSTEP_PURE"] = "1"
    from tests.fuzz.targets import TARGETS

    unknown = sorted(set(a.targets) - set(TARGETS))
    if unknown:
        p.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    failed = [name for name in a.targets or TARGETS if _run(name, a) != 0]
    print(f"{len(a.targets or TARGETS)} targets, {len(failed)} with a finding: {failed}")
    return 1 if failed else 0


def _run(target: str, a: argparse.Namespace) -> int:
    """One target in a process of its own: libFuzzer ends its process."""
    corpus, crashes = corpus_of(target), HOME / "crashes"
    crashes.mkdir(parents=True, exist_ok=True)
    corpus.mkdir(parents=True, exist_ok=True)
    if a.fresh:
        for path in corpus.iterdir():
            path.unlink()
    _sow(target, corpus)
    prefix = crashes / f"{target}-"
    bound = f"-max_total_time={a.seconds}" if a.seconds else f"-runs={a.runs}"
    command = [
        sys.executable, "-m", "tests.fuzz.guided_worker", target, bound, f"-seed={a.seed or 1}",
        f"-artifact_prefix={prefix}", f"-timeout={INPUT_S_MAX}", f"-rss_limit_mb={MEMORY_MB_MAX}",
        "-print_final_stats=1", "-verbosity=1", str(corpus),
    ]  # fmt: skip
    before = set(crashes.glob(f"{target}-*"))
    done = subprocess.run(
        command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )  # fmt: skip
    text = done.stdout.decode(errors="replace").splitlines()
    if done.returncode == 0:
        last = next((line for line in reversed(text) if "cov: " in line), "")
        print(f"{target}: {' '.join(last.split()[:8])}", flush=True)
        return 0
    print(*text[-60:], sep="\n")
    print(f"{target} FAILED: its process ended with {done.returncode}")
    for path in sorted(set(crashes.glob(f"{target}-*")) - before):
        print(f"again: {line_again(target, str(path))}", flush=True)
    return 1


def _sow(target: str, corpus: Path) -> None:
    from tests.fuzz.targets import TARGETS

    for number, seed in enumerate(TARGETS[target].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    sys.exit(main())
