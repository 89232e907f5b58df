"""`lockstep match`: an order flow through the bare book, its reports to a file, their hash shown.

Why it exists: the report text of a recorded flow is a fixed point that 247 public engines agree
on; anyone can check ours against it with one command.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import msgspec

from adapters.bench.matching import read_flow
from adapters.cli.errors import usage_error
from core.orderflow import FlowRun, check_flow

HELP = "Runs an orderflow file through the bare order book and writes the canonical reports."
EXAMPLE = "lockstep match orderflow_normal.bin.gz --reports reports.txt"


def add_arguments(p: argparse.ArgumentParser) -> None:
    """The flow, and where its reports go."""
    p.add_argument("file", type=Path, help="an orderflow file, .gz or not")
    p.add_argument("--reports", type=Path, help="write the report text here")
    p.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(a: argparse.Namespace) -> int:
    """Match, write, print messages, reports and SHA-256."""
    data = read_flow(a.file)
    try:
        count, greatest = check_flow(data)
    except ValueError as error:
        raise usage_error(f"{a.file}: {error}") from error
    book = FlowRun(greatest + 1)
    book.run(data, 0, count)
    text = book.report_text()
    result = {
        "messages": count,
        "reports": text.count("\n") + 1 if text else 0,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    if a.reports is not None:
        try:
            a.reports.write_text(text, newline="")
        except OSError as error:
            raise usage_error(f"--reports: {error}") from error
    if a.json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    else:
        print(f"{result['messages']} messages, {result['reports']} reports")
        print(f"SHA-256 {result['sha256']}")
    return 0
