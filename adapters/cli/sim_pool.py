"""Worker processes for simulations, and outcomes as they come.

Why it exists: it owns processes and pipes, so that what a campaign wants can be said without
them. A worker that does not answer in time is ended, by its id, and that is an outcome too.
"""

import os
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from sim.order import Order
from sim.simulation import Outcome

RUN_S_MAX: Final = 120.0
"""A run takes a tenth of a second, the longest profile a few; this one hangs."""


class Worker:
    """One process; `run` one order after another."""

    def __init__(self, plant: str = "", hash_seed: int = 0, *, interpreted: bool = False) -> None:
        self._command = [sys.executable, "-m", "adapters.cli.sim_worker", plant]
        self._environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
        if interpreted:
            self._environment["LOCKSTEP_PURE"] = "1"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, order: Order, html: str = "") -> Outcome:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        line = msgspec.json.encode(order) + b"\t" + html.encode() + b"\n"
        try:
            process.stdin.write(line)
            process.stdin.flush()
            if select.select([process.stdout], [], [], RUN_S_MAX)[0]:
                answer = process.stdout.readline()
                if answer:
                    return msgspec.json.decode(answer, type=Outcome)
        except BrokenPipeError:
            pass
        ended = process.poll()
        self.close()
        what = f"no answer within {RUN_S_MAX:.0f} s" if ended is None else "the process ended"
        return Outcome(seed=order.seed, profile=order.profile, checker="BOUND", what=what)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env=self._environment,
            )  # fmt: skip
        return self._process

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.kill()
            process.wait()


def run_all(orders: Iterable[Order], workers: list[Worker]) -> Iterator[tuple[Order, Outcome]]:
    """Each order once, on whichever worker is free; outcomes in the order in which they come."""
    source = iter(orders)
    lock = threading.Lock()
    results: queue.Queue[tuple[Order, Outcome] | BaseException | None] = queue.Queue(1024)
    stopped = threading.Event()

    def work(worker: Worker) -> None:
        try:
            while not stopped.is_set():
                with lock:
                    order = next(source, None)
                if order is None:
                    break
                results.put((order, worker.run(order)))
        except BaseException as error:  # noqa: BLE001 - told to who waits
            results.put(error)
        results.put(None)

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    running = len(threads)
    try:
        while running:
            result = results.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        stopped.set()
