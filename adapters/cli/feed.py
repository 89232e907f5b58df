"""`lockstep feed`: recorded order flow through the public interface, judged by what comes back.

Why it exists: it is the whole way once with real orders, and the proof that the exchange's book
is the recorded one wherever the recording determines it. It joins the readers of the formats
with a way in (gRPC or signed REST); what can be known of a recording stands in
`adapters/feed/lobster.py`. It must not know a format.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import grpc.aio

from adapters.cli.errors import (
    EXIT_CHECK_FAILED,
    EXIT_OK,
    environment_error,
    usage_error,
)
from adapters.cluster_client import CoreClients, connect
from adapters.feed import lobster, market, orderflow
from adapters.feed.actions import ASK, BID, Action
from adapters.feed.fold import BookFold, SymbolEvents
from adapters.feed.grpc_door import GrpcDoor, Refused
from adapters.feed.rest_door import RestDoor, read_accounts
from adapters.feed.sender import Sender, Sent, percentile_ms
from adapters.rpc_client import CoreUnavailable, OutcomeUnknown
from adapters.rpc_operator import CommandRefused

HELP = (
    "Pushes a recorded order flow through the public interface, in order and with many orders in "
    "flight, and compares the book with the recorded one at every level that the recording "
    "determines. Lists and funds what it needs."
)
EXAMPLE = (
    "lockstep feed lobster_aapl_messages.csv --format lobster\n"
    "  lockstep feed orderflow_normal.bin.gz --format orderflow --json"
)

DEFAULT_URL: Final = "grpc://127.0.0.1:7401"
CONNECT_S: Final = 10.0
SUBMIT_DEADLINE_S: Final = 30.0
SETTLE_S: Final = 60.0
SHOWN_LEVELS: Final = 5


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("file", type=Path, metavar="FILE", help="the recorded messages")
    p.add_argument("--format", required=True, choices=("lobster", "orderflow"))
    p.add_argument(
        "--url", default=DEFAULT_URL,
        help=f"where the orders go: grpc://HOST:PORT ({DEFAULT_URL}) or http://HOST:PORT",
    )  # fmt: skip
    p.add_argument(
        "--core", default=DEFAULT_URL, metavar="URL",
        help=f"with http: where listings, funds and events are ({DEFAULT_URL})",
    )  # fmt: skip
    p.add_argument(
        "--key-file", type=Path, metavar="FILE",
        help="with http: the API keys of two accounts, such as DATA/demo-accounts.json",
    )  # fmt: skip
    p.add_argument("--symbol", help="BASE-QUOTE (AAPL-USD for lobster, FLOW-USD for orderflow)")
    p.add_argument(
        "--book", type=Path, metavar="FILE",
        help="lobster: the recorded book (the messages' name with book10 for messages)",
    )  # fmt: skip
    p.add_argument("--json", action="store_true", help="print one JSON object")


def run(a: argparse.Namespace) -> int:
    over_http = a.url.startswith("http://")
    if over_http and a.key_file is None:
        raise usage_error(
            "--key-file: required with an http --url; `up --demo` writes DATA/demo-accounts.json"
        )
    address = _grpc_address("--core", a.core) if over_http else _grpc_address("--url", a.url)
    try:
        result = asyncio.run(_run(a, address))
    except lobster.FlowError as error:
        raise usage_error(f"{a.file}: {error}") from error
    except (CoreUnavailable, market.MarketError, CommandRefused, Refused, OutcomeUnknown) as error:
        raise environment_error(str(error)) from error
    except grpc.aio.AioRpcError as error:
        raise environment_error(f"{address}: {error.code().name}: {error.details()}") from error
    except TimeoutError as error:
        raise environment_error(f"the events did not arrive within {SETTLE_S:.0f} s") from error
    _print(result, as_json=a.json)
    good = (
        result["levels_equal"] == result["levels_compared"]
        and result["trades_equal"] == result["trades_compared"]
        and result["rejected"] == result["rejects_expected"]
        and not result["maker_mismatches"]
    )
    return EXIT_OK if good else EXIT_CHECK_FAILED


def _grpc_address(option: str, url: str) -> str:
    scheme, _, address = url.partition("://")
    if scheme != "grpc" or not address:
        raise usage_error(f"{option}: {url!r} must be grpc://HOST:PORT")
    return address


async def _run(a: argparse.Namespace, address: str) -> dict[str, Any]:
    plan = _lobster_plan(a.file, a.book) if a.format == "lobster" else OrderflowPlan(a.file)
    spec = plan.spec
    if a.symbol:
        spec = market.Spec(a.symbol, spec.tick_units, spec.price_ticks_max)
    async with connect(address, SUBMIT_DEADLINE_S) as core:
        await core.ready(CONNECT_S)
        _progress(f"preparing {spec.symbol}")
        preparation = market.Preparation(core, f"feed of {a.file.name}")
        keys = read_accounts(a.key_file) if a.url.startswith("http://") else None
        owners = {side: int(key.user_id) for side, key in keys.items()} if keys else None
        place = await preparation.prepare(spec, owners)
        start = (await core.status()).index
        door = RestDoor(a.url, spec, keys, core, start) if keys else GrpcDoor(core, place)
        sender = Sender(door)
        opening = await sender.send(plan.opening.orders)
        _progress("sending")
        sent = await sender.send(plan.actions)
        await door.close()
        _progress("reading back")
        status = await core.status(with_digest=True)
        events = await _events(core, place.symbol_id, start + 1, status.index)
        fold = BookFold(events.rows)
        fold.advance(opening.last_seq)
        judged = plan.judge(sender, sent, fold)
    return _report(spec, sent, fold, judged) | {
        "digest": status.digest.hex(), "index": status.index, "chain_hash": status.chain.hex(),
    }  # fmt: skip


# --- the recordings ---------------------------------------------------------------------------


class LobsterPlan:
    """A LOBSTER recording: what to send, and how to judge what came of it."""

    spec = market.LOBSTER

    def __init__(self, messages: list[lobster.Message], rows: list[lobster.Row]) -> None:
        self._messages = messages
        self._rows = rows
        self._levels = lobster.opening_levels(messages[0], rows[0])
        self.opening = lobster.opening_book(messages, self._levels)
        self.actions: list[Action] = []
        for step in self._steps(lobster.Known(self._levels)):
            self.actions += step.gone
            if step.action is not None:
                self.actions.append(step.action)

    def judge(self, sender: Sender, sent: Sent, fold: BookFold) -> dict[str, Any]:
        """Walks message by message through the exchange's events, beside the recording."""
        known = lobster.Known(self._levels)
        comparison = lobster.Comparison()
        answers = iter(sent.answers)
        skipped = mismatches = 0
        for number, step in enumerate(self._steps(known), 1):
            trades = []
            for _ in range(len(step.gone) + (step.action is not None)):
                answer = next(answers)
                trades += fold.advance(answer.seq) if answer is not None else []
            expected = [] if step.maker is None else [sender.order_id(step.maker)]
            mismatches += [trade.maker for trade in trades] != expected
            skipped += step.action is None
            book = {side: fold.levels(side, lobster.LEVELS) for side in lobster.SIDES}
            comparison.row(number, known, self._rows[number - 1], book)
        return {
            "messages": len(self._messages),
            "messages_without_order": skipped,
            "maker_mismatches": mismatches,
            "levels_compared": comparison.compared,
            "levels_equal": comparison.equal,
            "levels_unknowable": comparison.unknowable,
            "first_difference": comparison.first_difference,
        }

    def _steps(self, known: lobster.Known) -> Iterator[lobster.Step]:
        return lobster.steps(self._messages, self.opening, known)


def _lobster_plan(file: Path, book: Path | None) -> LobsterPlan:
    if book is None:
        book = file.with_name(file.name.replace("messages", "book10"))
        if book == file:
            raise usage_error("--book: required, the file's name does not contain 'messages'")
    messages, rows = lobster.read_messages(file), lobster.read_rows(book)
    if not messages or len(messages) != len(rows):
        raise usage_error(f"{len(messages)} messages and {len(rows)} book rows: not one each")
    return LobsterPlan(messages, rows)


class OrderflowPlan:
    """The benchmark's flow: the whole exchange must trade as the bare book does."""

    spec = market.ORDERFLOW
    opening = lobster.Opening([], frozenset())

    def __init__(self, file: Path) -> None:
        flow = orderflow.read_flow(file)
        self.actions = list(orderflow.actions(flow))
        self._trades, self._rejects = orderflow.expected(flow)

    def judge(self, sender: Sender, sent: Sent, fold: BookFold) -> dict[str, Any]:
        trades = fold.advance(sent.last_seq)
        expected = [
            trade._replace(maker=sender.order_id(trade.maker), taker=sender.order_id(trade.taker))
            for trade in self._trades
        ]
        equal = sum(a == b for a, b in zip(trades, expected, strict=False))
        return {
            "trades_compared": max(len(trades), len(expected)),
            "trades_equal": equal,
            "rejects_expected": self._rejects,
        }


# --- what came back ---------------------------------------------------------------------------


async def _events(core: CoreClients, symbol_id: int, first: int, last: int) -> SymbolEvents:
    """The symbol's events of the entries `first` to `last`."""
    events = SymbolEvents(symbol_id)
    if last < first:
        return events
    async with asyncio.timeout(SETTLE_S):
        async for batch in core.tail(first):
            events.add(batch.packed_events)
            if batch.index >= last:
                break
    return events


def _report(
    spec: market.Spec, sent: Sent, fold: BookFold, judged: dict[str, Any]
) -> dict[str, Any]:
    unjudged = {
        "levels_compared": 0, "levels_equal": 0, "levels_unknowable": 0, "maker_mismatches": 0,
        "trades_compared": 0, "trades_equal": 0, "rejects_expected": 0,
    }  # fmt: skip
    return {
        "symbol": spec.symbol,
        "orders": sent.orders,
        "accepted": sent.accepted,
        "rejected": sent.orders - sent.accepted,
        "trades": fold.trades,
        "seconds": round(sent.seconds, 3),
        "orders_per_s": round(sent.orders / sent.seconds) if sent.seconds else 0,
        "ack_ms": {
            "p50": percentile_ms(sent.latencies_s, 50),
            "p99": percentile_ms(sent.latencies_s, 99),
        },
        **unjudged,
        **judged,
        "book": {
            name: [[price, lots] for price, lots in fold.levels(side, SHOWN_LEVELS)]
            for name, side in (("bids", BID), ("asks", ASK))
        },
    }


def _progress(text: str) -> None:
    print(f"feed: {text}", file=sys.stderr)


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    ack, book = result["ack_ms"], result["book"]
    print(f"{result['symbol']}: {result['orders']} orders, {result['accepted']} accepted, "
          f"{result['rejected']} rejected, {result['trades']} trades")  # fmt: skip
    print(f"{result['orders_per_s']} orders/s; acknowledged in {ack['p50']} ms (median), "
          f"{ack['p99']} ms (p99)")  # fmt: skip
    if result["levels_compared"] or result["levels_unknowable"]:
        print(f"levels: {result['levels_compared']} compared, {result['levels_equal']} equal, "
              f"{result['levels_unknowable']} unknowable; "
              f"{result['maker_mismatches']} executions hit another order")  # fmt: skip
        if result["first_difference"]:
            print(f"first difference: {result['first_difference']}")
    if result["trades_compared"]:
        print(
            f"trades: {result['trades_compared']} compared with the bare book's, "
            f"{result['trades_equal']} equal; {result['rejects_expected']} rejects due"
        )
    for name in ("asks", "bids"):
        levels = "  ".join(f"{lots} @ {price}" for price, lots in book[name])
        print(f"{name} (lots @ ticks, best first): {levels or 'none'}")
    print(f"log index {result['index']}, chain {result['chain_hash']}")
    print(f"digest {result['digest']}")
