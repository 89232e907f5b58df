"""The supervisor with real, short-lived processes: order, failure, deadlines, nothing left."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.parent_death import PARENT_VARIABLE
from adapters.supervisor import BoundedLog, Part, PartFailed, StopAsked, Supervisor

WAIT_FOR_TERM = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("up", flush=True)
signal.sigwait([signal.SIGTERM])
open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
"""
DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
signal.pause()
"""


def said(log: Path, word: str) -> Callable[[], str | None]:
    """Ready when the part's log holds the word."""

    def ready() -> str | None:
        return None if log.exists() and word in log.read_text() else f"no {word!r} yet"

    return ready


def part(name: str, folder: Path, code: str, word: str = "up", **more: float) -> Part:
    return Part(
        name=name,
        argv=[sys.executable, "-c", code, str(folder / "order"), name],
        ready=said(folder / f"{name}.log", word),
        ready_timeout_s=more.get("ready_timeout_s", 60.0),
        stop_timeout_s=more.get("stop_timeout_s", 60.0),
    )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_stops_in_the_reverse_order(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        for name in ("first", "second", "third"):
            supervisor.start(part(name, tmp_path, WAIT_FOR_TERM))
    assert (tmp_path / "order").read_text().split() == ["third", "second", "first"]


def test_parts_started_together_are_all_waited_for(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(*(part(name, tmp_path, WAIT_FOR_TERM) for name in ("first", "second")))
        assert all("up" in (tmp_path / f"{n}.log").read_text() for n in ("first", "second"))
    assert (tmp_path / "order").read_text().split() == ["second", "first"]


def test_a_part_that_dies_ends_the_watch_with_its_last_words(tmp_path: Path) -> None:
    dies = "print('up'); raise SystemExit(7)"
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part("steady", tmp_path, WAIT_FOR_TERM))
        with pytest.raises(PartFailed, match="frail ended with exit 7") as failure:
            supervisor.start(part("frail", tmp_path, dies, word="never said"))
    assert "up" in failure.value.tail
    assert (tmp_path / "order").read_text().split() == ["steady"]


def test_a_killed_part_is_named_with_its_signal(tmp_path: Path) -> None:
    code = "import os; os.kill(os.getpid(), 9)"
    with (
        Supervisor(tmp_path) as supervisor,
        pytest.raises(PartFailed, match="killed was ended by SIGKILL"),
    ):
        supervisor.start(part("killed", tmp_path, code, word="never said"))


def test_not_ready_in_time_says_what_is_missing(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        slow = part("slow", tmp_path, WAIT_FOR_TERM, word="never said", ready_timeout_s=0.0)
        with pytest.raises(PartFailed, match="slow was not ready after 0 s: no 'never said' yet"):
            supervisor.start(slow)


def test_a_part_deaf_to_term_is_killed(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part("deaf", tmp_path, DEAF, word="deaf", stop_timeout_s=0.05))
        pid = supervisor._running[0].process.pid
    assert not alive(pid)


def test_asking_to_stop_while_starting(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.ask_stop()
        with pytest.raises(StopAsked):
            supervisor.start(part("late", tmp_path, WAIT_FOR_TERM, word="never said"))


def test_watch_returns_when_asked(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part("steady", tmp_path, WAIT_FOR_TERM))
        asker = threading.Thread(target=supervisor.ask_stop)
        asker.start()
        supervisor.watch()
        asker.join()


def test_a_signal_asks_to_stop_and_handlers_come_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Supervisor(tmp_path) as supervisor, supervisor.signals():
        os.kill(os.getpid(), signal.SIGTERM)
        supervisor.watch()
    assert signal.getsignal(signal.SIGTERM) is before


def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    """The grandchild asks the kernel; killing its parent closes the pipe that it holds."""
    child = (
        "import signal, sys; from adapters.parent_death import end_with_parent; "
        "end_with_parent(); print('ready', flush=True); signal.pause()"
    )
    parent = (
        "import os, subprocess, sys; "
        f"os.environ[{PARENT_VARIABLE!r}] = str(os.getpid()); "
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}]); p.wait()"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, cwd=".")
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    assert process.stdout.read() == b""  # end of file: the grandchild is gone as well
    process.wait()


def test_a_log_stays_within_its_bound(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "x.log", bytes_max=100)
    for number in range(50):
        log.write(f"line {number}\n".encode())
    log.close()
    assert (tmp_path / "x.log").stat().st_size <= 100
    assert (tmp_path / "x.log.1").stat().st_size <= 100
    assert log.tail[-1] == "line 49"


def test_an_adopted_process_is_watched_and_left_to_its_owner(tmp_path: Path) -> None:
    owned = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1)
    assert owned.stdin is not None
    with Supervisor(tmp_path) as supervisor, supervisor.signals():
        supervisor.adopt("database", owned.pid)
        owned.stdin.close()
        with pytest.raises(PartFailed, match="database ended by itself"):
            supervisor.watch()
    assert owned.wait() == 0
