"""The node's numbers for Prometheus, and its log lines.

Why it exists: a driver reports what happens through `replication.driver.Observer`; this module
turns it into counters that can be scraped and into one line per event on standard error. It must
not decide anything.
"""

import sys
from collections.abc import Callable
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from adapters.lmdb_log import CommitTimes
from core.codes import REJECT_NAMES

_FAST_BUCKETS_S: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
)  # fmt: skip


def log_line(level: str, event: str, **fields: object) -> None:
    """One line, `key=value`, on standard error; values with spaces are quoted."""
    parts = [f"level={level}", f"event={event}"]
    for key, value in fields.items():
        shown = str(value)
        parts.append(f"{key}={shown!r}" if " " in shown or not shown else f"{key}={shown}")
    sys.stderr.write(" ".join(parts) + "\n")
    sys.stderr.flush()


class NodeMetrics:
    """An `Observer`, and the target of the log's commit times. Own registry: no globals."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.entries = Counter("lockstep_entries", "Entries written.", registry=registry)
        self.commands = Counter("lockstep_commands", "Commands applied.", registry=registry)
        self.refusals = Counter(
            "lockstep_refused_submissions", "Refused at the door.", ["code"], registry=registry
        )
        self.fsync_s = _histogram("lockstep_fsync_seconds", "LMDB commit, sync included", registry)
        self.put_s = _histogram("lockstep_put_seconds", "Copying into LMDB's pages", registry)
        self.write_s = _histogram(
            "lockstep_write_seconds", "A write, thread hops included", registry
        )
        self.apply_s = _histogram("lockstep_apply_seconds", "The machine, per entry", registry)
        self.written = Counter("lockstep_log_bytes", "Bytes given to LMDB.", registry=registry)
        self.snapshot_index = Gauge(
            "lockstep_snapshot_index", "Index of the last snapshot.", registry=registry
        )

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that is read when somebody scrapes."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def applied(self, commands: int, seconds: float) -> None:
        self.commands.inc(commands)
        self.apply_s.observe(seconds)

    def wrote(self, entries: int, seconds: float) -> None:
        self.entries.inc(entries)
        self.write_s.observe(seconds)

    def refused(self, code: int) -> None:
        self.refusals.labels(REJECT_NAMES[code]).inc()

    def snapshot_taken(self, index: int, size: int) -> None:
        self.snapshot_index.set(index)
        log_line("info", "snapshot_taken", index=index, bytes=size)

    def committed(self, times: CommitTimes) -> None:
        """Called in the log's writer thread."""
        self.fsync_s.observe(times.sync_s)
        self.put_s.observe(times.put_s)
        self.written.inc(times.bytes_written)

    def serve(self, host: str, port: int) -> WSGIServer:
        """Answers `GET /metrics` on a thread of its own. Raises `OSError`."""
        server, _ = start_http_server(port, addr=host, registry=self.registry)
        return server


def _histogram(name: str, text: str, registry: CollectorRegistry) -> Histogram:
    return Histogram(name, text, buckets=_FAST_BUCKETS_S, registry=registry)
