"""The same spoiled commands in both builds of the core: what they come to must be one hash.

    python -m tests.fuzz.builds --seeds 40

Why it exists: compiled arithmetic wraps where a Python integer grows, and a wrapped number raises
nothing. The campaign of `tests.fuzz.bulk` runs twice, and each seed's outcome is compared.
"""

import argparse
import os
import re
import subprocess
import sys
from typing import Final

from adapters import core_build

PASSES: Final = 10
PLANT: Final = "LOCKSTEP_FUZZ_PLANT"
"""A planted bug means the sources, so it is in one of the two."""
_OUTCOME: Final = re.compile(r"^seed (\d+): .*outcome (\w+)$", re.MULTILINE)


def outcomes(arguments: list[str], environment: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Exit code of a campaign in a process of its own, and its outcomes by seed."""
    command = [sys.executable, "-m", "tests.fuzz.bulk", *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout)
    return done.returncode, dict(_OUTCOME.findall(done.stdout))


def main() -> int:
    p = argparse.ArgumentParser(description="compiled against interpreted")
    p.add_argument("--seeds", type=int, default=4, help="how many (%(default)s)")
    p.add_argument("--start", type=int, default=0, help="the first one (%(default)s)")
    p.add_argument("--passes", type=int, default=PASSES, help="of each seed (%(default)s)")
    p.add_argument("--jobs", type=int, default=1, help="processes (%(default)s)")
    a = p.parse_args()
    if core_build.state({}) != "compiled":
        print("the core in the tree is not compiled: run `just build`", file=sys.stderr)
        return 3
    arguments = [f"--{name}={value}" for name, value in vars(a).items()]
    compiled_code, compiled = outcomes(arguments, {"LOCKSTEP_PURE": "", PLANT: ""})
    interpreted_code, interpreted = outcomes(arguments, {"LOCKSTEP_PURE": "1"})
    if compiled_code or interpreted_code or len(compiled) != a.seeds:
        return 1
    different = [seed for seed, outcome in compiled.items() if interpreted.get(seed) != outcome]
    for seed in different:
        print(f"seed {seed} FAILED: compiled {compiled[seed]}, interpreted {interpreted[seed]}")
        print(f"again: python -m tests.fuzz.builds --seeds 1 --start {seed} --passes {a.passes}")
    print(f"{a.seeds} seeds in both builds, {len(different)} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
