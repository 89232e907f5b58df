"""What the gateway counts, and its text for Prometheus.

Why it exists: counters on the hot path must cost a dictionary update, no more, and reading them
must not need a library here. Label values come from the route table and the reject codes alone,
never from a client, so the tables cannot grow with their callers.
"""

from bisect import bisect_left
from typing import Final

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Histogram:
    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


class Metrics:
    """`gauges` are read when asked for: name -> function."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, int], int] = {}
        self._seconds: dict[str, Histogram] = {}
        self._rejects: dict[str, int] = {}

    def request(self, route: str, status: int, seconds: float) -> None:
        key = (route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        histogram = self._seconds.get(route)
        if histogram is None:
            histogram = self._seconds[route] = Histogram()
        histogram.add(seconds)

    def reject(self, code: str) -> None:
        self._rejects[code] = self._rejects.get(code, 0) + 1

    def text(self, gauges: dict[str, int]) -> str:
        """The text exposition format, version 0.0.4."""
        lines = ["# TYPE lockstep_gateway_requests_total counter"]
        for (route, status), count in sorted(self._requests.items()):
            labels = f'route="{route}",status="{status}"'
            lines.append(f"lockstep_gateway_requests_total{{{labels}}} {count}")
        lines.append("# TYPE lockstep_gateway_rejects_total counter")
        for code, count in sorted(self._rejects.items()):
            lines.append(f'lockstep_gateway_rejects_total{{code="{code}"}} {count}')
        name = "lockstep_gateway_request_seconds"
        lines.append(f"# TYPE {name} histogram")
        for route, histogram in sorted(self._seconds.items()):
            total = 0
            for bound, count in zip((*BUCKETS_S, "+Inf"), histogram.counts, strict=True):
                total += count
                lines.append(f'{name}_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'{name}_sum{{route="{route}"}} {histogram.sum_s:.6f}')
            lines.append(f'{name}_count{{route="{route}"}} {total}')
        for gauge, value in gauges.items():
            lines.append(f"# TYPE lockstep_gateway_{gauge} gauge")
            lines.append(f"lockstep_gateway_{gauge} {value}")
        return "\n".join(lines) + "\n"
