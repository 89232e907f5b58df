"""Many seeds on several processes: what they came to, and the line that runs a failing one again.

Why it exists: a seed that fails is worth nothing if nobody can tell which it was, and a compiled
core may end its process without a word. So each process says which seed it begins, and who
started it reads that. It must not know what a seed does.
"""

import argparse
import faulthandler
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

HANGS_S: Final = 600
"""A seed takes seconds; one that takes this long hangs, and its process says where and ends."""

SETTINGS: Final = ("LOCKSTEP_PURE", "LOCKSTEP_FUZZ_PLANT")
"""What of the environment decides which core runs."""

_DONE: Final = re.compile(r"seed \d+: (\d+) commands")

RunSeed = Callable[[int, argparse.Namespace], tuple[int, str]]
"""Runs one seed: commands applied, and a word on them. An `AssertionError` is a finding."""


def parser(description: str, seeds: int) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--seeds", type=int, default=seeds, help="how many (%(default)s)")
    p.add_argument("--start", type=int, default=0, help="the first one (%(default)s)")
    p.add_argument("--step", type=int, default=1, help="every so manieth (%(default)s)")
    p.add_argument("--jobs", type=int, default=1, help="processes (%(default)s)")
    return p


def run(module: str, a: argparse.Namespace, run_seed: RunSeed, passed_on: list[str]) -> int:
    """0 if every seed was good, else 1. `passed_on` are the options that a process needs too."""
    started = time.monotonic()
    done = _spread(module, a, passed_on) if a.jobs > 1 else _alone(module, a, run_seed, passed_on)
    if done is None:
        return 1
    took = time.monotonic() - started
    if a.step == 1:
        print(f"{a.seeds} seeds, {done} commands in {took:.0f} s: {done / took:,.0f} a second")
    return 0


def _alone(
    module: str, a: argparse.Namespace, run_seed: RunSeed, passed_on: list[str]
) -> int | None:
    total = 0
    for seed in range(a.start, a.start + a.seeds * a.step, a.step):
        print(f"seed {seed} begins", flush=True)
        faulthandler.dump_traceback_later(HANGS_S, exit=True)
        try:
            commands, word = run_seed(seed, a)
        except AssertionError as error:
            print(f"seed {seed} FAILED: {error}", flush=True)
            print(f"again: {again(module, seed, passed_on)}", flush=True)
            return None
        finally:
            faulthandler.cancel_dump_traceback_later()
        total += commands
        print(f"seed {seed}: {commands} commands; {word}", flush=True)
    return total


def again(module: str, seed: int, passed_on: list[str]) -> str:
    settings = [f"{name}={os.environ[name]} " for name in SETTINGS if os.environ.get(name)]
    line = f"python -m {module} --seeds 1 --start {seed} {' '.join(passed_on)}"
    return "".join(settings) + line.rstrip()


class _Process:
    """One of several: every `jobs`-th seed. Its lines are shown as they come."""

    def __init__(self, module: str, a: argparse.Namespace, number: int, rest: list[str]) -> None:
        seeds = len(range(number, a.seeds, a.jobs))
        command = [
            sys.executable, "-m", module, "--seeds", str(seeds), "--start", str(a.start + number),
            "--step", str(a.jobs), "--jobs", "1", *rest,
        ]  # fmt: skip
        self._module, self._rest = module, rest
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        self._began = a.start + number
        self._told = False
        self.commands = 0

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            done = _DONE.match(line)
            if done:
                self.commands += int(done[1])
            elif line.endswith(" begins\n"):
                self._began = int(line.split()[1])
                continue
            self._told = self._told or line.startswith("again: ")
            print(line, end="", flush=True)

    def join(self) -> bool:
        """Whether all its seeds were good."""
        self._thread.join()
        code = self._process.wait()
        if code != 0 and not self._told:
            print(f"seed {self._began} FAILED: its process ended with {code}")
            print(f"again: {again(self._module, self._began, self._rest)}", flush=True)
        return code == 0


def _spread(module: str, a: argparse.Namespace, passed_on: list[str]) -> int | None:
    a.jobs = min(a.jobs, a.seeds)
    processes = [_Process(module, a, number, passed_on) for number in range(a.jobs)]
    good = [process.join() for process in processes]
    return sum(process.commands for process in processes) if all(good) else None
