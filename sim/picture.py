"""A run as a space-time picture: one page of HTML that needs nothing else.

Why it exists: who has to find out why a run failed wants to see it: a line for each node, time
going down, messages as arrows, crashes and pauses as gaps, terms as colours. Only records of the
trace go in; it must not know how they came about. Bounded: of a long run only the last part.
"""

import html
from collections.abc import Sequence
from typing import Final

from sim.plan import Plan
from sim.simulation import Outcome
from sim.world import TraceRecord

RECORDS_MAX: Final = 6_000
LANE_PX: Final = 170
TOP_PX: Final = 90
PX_PER_ROW: Final = 7
"""Time is drawn by order and not to scale: idle seconds would push the story off the page."""

_COLOURS: Final = {
    "Append": "#7aa6c2", "AppendReply": "#b9c9d4", "VoteRequest": "#c98a2b",
    "VoteReply": "#e2bd7c", "SnapshotChunk": "#7b5ea7", "SnapshotReply": "#b9a8d6",
    "Repair": "#3d8f5f", "RepairReply": "#8cc4a3", "TimeoutNow": "#c2477a", "Join": "#777777",
}  # fmt: skip

_STYLE: Final = """
body{font:13px system-ui,sans-serif;margin:16px;color:#222}
pre{background:#f4f4f2;padding:8px;overflow:auto;max-height:18em}
.failed{color:#b3201f;font-weight:600} text{font:10px system-ui,sans-serif}
.note{fill:#555} .mark{font-weight:600} line.life{stroke:#999} svg{background:#fff}
"""


def page(plan: Plan, outcome: Outcome, records: Sequence[TraceRecord]) -> str:
    """Self-contained: no script, no font, no address of another site."""
    shown = records[-RECORDS_MAX:]
    lanes = sorted({r.node for r in shown if r.node} | set(range(1, plan.nodes + 1)))
    title = f"seed {plan.seed}, profile {plan.profile}"
    verdict = (
        f'<p class="failed">{_text(outcome.checker)}: {_text(outcome.what)}</p>'
        if outcome.checker
        else "<p>every check passed</p>"
    )
    left_out = len(records) - len(shown)
    figures = (
        f"trace {outcome.trace_hash}; {outcome.events} events, {outcome.entries} entries, "
        f"{outcome.leader_changes} leaders, {outcome.sim_ns / 1e9:.1f} simulated seconds"
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{_text(title)}</title><style>{_STYLE}</style>",
        f"<h1>{_text(title)}</h1>{verdict}",
        f"<p>{figures}</p>",
        f"<pre>{_text(plan.text())}</pre>",
        f"<pre>{_text(outcome.why)}</pre>" if outcome.why else "",
        f"<p>the first {left_out} records are not shown</p>" if left_out else "",
        _legend(), _drawing(shown, lanes), "</html>",
    ]  # fmt: skip
    return "\n".join(parts)


def _legend() -> str:
    items = [
        f'<span style="color:{colour}">&#9632;</span> {name}' for name, colour in _COLOURS.items()
    ]
    return f"<p>{' &nbsp; '.join(items)}</p>"


def _drawing(records: Sequence[TraceRecord], lanes: list[int]) -> str:
    x_of = {node: TOP_PX + at * LANE_PX for at, node in enumerate(lanes)}
    height = TOP_PX + PX_PER_ROW * len(records) + 40
    width = TOP_PX + LANE_PX * len(lanes) + 260
    shapes = [f'<svg width="{width}" height="{height}" role="img">']
    for node, x in x_of.items():
        shapes.append(f"<line class=life x1={x} y1=50 x2={x} y2={height - 20} />")
        shapes.append(f"<text class=mark x={x - 20} y=40>node {node}</text>")
    last_s = -1
    for row, record in enumerate(records):
        y = TOP_PX + row * PX_PER_ROW
        second = record.time_ns // 100_000_000
        if second != last_s:
            last_s = second
            shapes.append(f"<text class=note x=4 y={y}>{record.time_ns / 1e9:.3f} s</text>")
        shapes.append(_shape(record, x_of, y, TOP_PX + LANE_PX * len(lanes) - 60))
    shapes.append("</svg>")
    return "\n".join(shapes)


def _shape(record: TraceRecord, x_of: dict[int, int], y: int, right: int) -> str:
    colour = _COLOURS.get(record.kind)
    x = x_of.get(record.node, right)
    if colour is not None and record.peer in x_of:
        from_x = x_of[record.peer]
        tip = x - 4 if from_x < x else x + 4
        label = f"{record.kind} from {record.peer} to {record.node}, term {record.term}"
        return (
            f'<g stroke="{colour}" fill="{colour}"><title>{_text(label)}</title>'
            f"<line x1={from_x} y1={y - 4} x2={x} y2={y} />"
            f'<polygon points="{x},{y} {tip},{y - 3} {tip},{y + 3}" /></g>'
        )
    match record.kind:
        case "crash" | "failed_sync":
            return (
                f'<text class=mark x={x - 5} y={y + 4} fill="#b3201f">&#10005; {record.kind}</text>'
            )
        case "start" | "resume":
            return (
                f'<text class=mark x={x - 4} y={y + 4} fill="#2a7d3f">&#9679; {record.kind}</text>'
            )
        case "pause":
            return f'<text class=mark x={x - 4} y={y + 4} fill="#8a6d00">&#8214; pause</text>'
        case "leads":
            return (
                f'<rect x={x - 7} y={y - 5} width=14 height=10 fill="#1d5fa8" />'
                f'<text class=mark x={x + 10} y={y + 4} fill="#1d5fa8">leads term '
                f"{record.term}</text>"
            )
        case "failed":
            return f"<text class=failed x={right} y={y + 4}>FAILED {_text(record.text)}</text>"
        case _:
            text = " ".join(part for part in (record.kind, record.text) if part)
            return f"<text class=note x={right} y={y + 4}>{_text(text[:60])}</text>"


def _text(value: str) -> str:
    return html.escape(value, quote=True)
