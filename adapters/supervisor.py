"""Starts processes one after the other, watches them, and stops them in the reverse order.

Why it exists: `lockstep up` is a whole exchange for one machine, so something must start its parts
in order, keep their logs bounded, and leave nothing behind. It restarts nothing: when one part
ends, all end, with the last lines of its log on the screen. A crash that a supervisor hides is a
crash that nobody repairs; production uses the supervisor that the machine has.

One thread, one selector: signals arrive through a wake-up socket, children's output through pipes,
and every wait has a deadline on a clock that tests replace. It knows nothing of what it runs.

    SPAWNED ── ready() is None ──▶ READY ── exits ──▶ everything stops
       └────── exits, deadline ──▶ everything stops

One exception: parts that stand in for each other, the nodes of a cluster, may end while most of
them are alive. That they ended is said.
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO, Final, Self

import msgspec

from adapters.parent_death import PARENT_VARIABLE

LOG_BYTES_MAX: Final = 8 << 20
"""Of one log file; one older file is kept beside it, so a part's logs take at most twice that."""
TAIL_LINES: Final = 20
READ_BYTES: Final = 1 << 16
POLL_MS: Final = 25
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One process of the whole.

    `ready` is asked again and again until it answers None; any other answer says what is still
    missing, for the message if the deadline passes. It must return quickly.
    """

    name: str
    argv: Sequence[str]
    ready: Callable[[], str | None]
    ready_timeout_s: float = 30.0
    stop_timeout_s: float = 10.0
    environ: Mapping[str, str] = {}
    group: str = ""
    """Parts of one group stand in for each other: one that was ready may end as long as most of
    its group are alive."""


class PartFailed(Exception):
    """A part ended, or did not get ready. `tail` is the end of what it said."""

    def __init__(self, name: str, what: str, tail: Sequence[str] = ()) -> None:
        super().__init__(f"{name} {what}")
        self.tail = list(tail)


class StopAsked(Exception):
    """A signal asked for the end while parts were still being started."""


class BoundedLog:
    """A log file that never grows beyond its bound: the older half moves aside."""

    def __init__(self, path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._size = self._file.tell()
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._line = b""

    def write(self, data: bytes) -> None:
        if self._size and self._size + len(data) > self._bytes_max:
            self._file.close()
            self._path.replace(self._path.with_suffix(self._path.suffix + ".1"))
            self._file = self._path.open("ab", buffering=0)
            self._size = 0
        self._file.write(data)
        self._size += len(data)
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-READ_BYTES:]
        self.tail.extend(line.decode(errors="replace") for line in lines)

    def close(self) -> None:
        if self._line:
            self.tail.append(self._line.decode(errors="replace"))
            self._line = b""
        self._file.close()


class _Running:
    """A part that was started: its process, its pipe, its log."""

    def __init__(self, part: Part, process: "subprocess.Popen[bytes]", log: BoundedLog) -> None:
        self.part = part
        self.process = process
        self.log = log
        self.was_ready = False
        self.is_missed = False

    def pump(self) -> bool:
        """Move what the pipe holds into the log; False at its end."""
        assert self.process.stdout is not None
        while True:
            try:
                data = os.read(self.process.stdout.fileno(), READ_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.log.write(data)

    def signal_group(self, number: int) -> None:
        """To the part and whatever it started: it leads a process group of its own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class Supervisor:
    """Use as a context: leaving it stops every part, however it is left."""

    def __init__(self, logs: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._logs = logs
        self._monotonic = monotonic
        self._running: list[_Running] = []
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._stops_asked = 0
        self._catching = False
        self._adopted: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()
        if self._catching:  # signals() is left after us, and must not write to a closed socket
            signal.set_wakeup_fd(-1)
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """While inside, Ctrl-C and SIGTERM ask for a clean end; asked twice, parts are killed."""

        def on_stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            self.ask_stop()

        before = {number: signal.signal(number, on_stop) for number in STOP_SIGNALS}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        wakeup_before = signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        self._catching = True
        try:
            yield
        finally:
            self._catching = False
            signal.set_wakeup_fd(wakeup_before)
            for number, handler in before.items():
                signal.signal(number, handler)

    def ask_stop(self) -> None:
        """May be called from a signal handler or another thread."""
        self._stops_asked += 1
        with contextlib.suppress(BlockingIOError):
            self._wake_write.send(b"\0")

    def adopt(self, name: str, pid: int) -> None:
        """Watch a child process that others start and stop: its end is the end of all."""
        self._adopted[pid] = name

    def start(self, *parts: Part) -> None:
        """Start them together; returns when all are ready.

        Raises `PartFailed`, or `StopAsked` if a signal came first.
        """
        waiting = [self._spawn(part) for part in parts]
        began_s = self._monotonic()
        while waiting:
            self._check()
            first = waiting[0]
            missing = first.part.ready()
            if missing is None:
                first.was_ready = True
                waiting.pop(0)
            elif self._monotonic() > began_s + first.part.ready_timeout_s:
                what = f"was not ready after {first.part.ready_timeout_s:g} s: {missing}"
                raise PartFailed(first.part.name, what, first.log.tail)
            else:
                self._turn(POLL_MS / 1000)

    def watch(self) -> None:
        """Until a stop is asked for. Raises `PartFailed` when a part ends by itself."""
        with contextlib.suppress(StopAsked):
            while True:
                self._check()
                self._turn(None)

    def stop_all(self) -> None:
        """Last started first: SIGTERM, patience, SIGKILL. A second Ctrl-C ends the patience."""
        asked_before = self._stops_asked
        for running in reversed(self._running):
            running.signal_group(signal.SIGTERM)
            deadline = self._monotonic() + running.part.stop_timeout_s
            while running.process.poll() is None and self._monotonic() < deadline:
                if self._stops_asked > max(asked_before, 1):
                    break
                self._turn(POLL_MS / 1000)
            running.signal_group(signal.SIGKILL)
            running.process.wait()
            self._close(running)
        self._running.clear()

    def _spawn(self, part: Part) -> _Running:
        log = BoundedLog(self._logs / f"{part.name}.log")
        environ = {**os.environ, **part.environ, PARENT_VARIABLE: str(os.getpid())}
        process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            list(part.argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            process_group=0,  # a terminal's Ctrl-C reaches us alone, and we stop them in order
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        running = _Running(part, process, log)
        self._running.append(running)
        self._selector.register(process.stdout, selectors.EVENT_READ, running)
        return running

    def _turn(self, timeout_s: float | None) -> None:
        """Wait for output, a signal or the time, and move output into the logs."""
        for key, _ in self._selector.select(timeout_s):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wake_read.recv(READ_BYTES)
            elif not key.data.pump():
                self._selector.unregister(key.fileobj)

    def _check(self) -> None:
        for running in self._running:
            if running.process.poll() is not None and not running.is_missed:
                failure = self._failure(running)
                if not self._others_go_on(running):
                    raise failure
                running.is_missed = True
                sys.stderr.write(f"lockstep: {failure}; the others go on\n")
        for pid, name in self._adopted.items():
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                raise PartFailed(name, "ended by itself")
        if self._stops_asked:
            raise StopAsked

    def _others_go_on(self, running: _Running) -> bool:
        group = [r for r in self._running if r.part.group == running.part.group]
        alive = [r for r in group if r.process.poll() is None]
        return bool(running.part.group) and running.was_ready and 2 * len(alive) > len(group)

    def _failure(self, running: _Running) -> PartFailed:
        code = running.process.returncode
        if running.process.stdout is not None and not running.process.stdout.closed:
            running.pump()
        how = (
            f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit {code}"
        )
        return PartFailed(running.part.name, how, running.log.tail)

    def _close(self, running: _Running) -> None:
        stdout = running.process.stdout
        assert stdout is not None
        running.pump()
        with contextlib.suppress(KeyError):
            self._selector.unregister(stdout)
        stdout.close()
        running.log.close()
