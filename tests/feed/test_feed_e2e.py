"""`lockstep feed` and `lockstep admin` as a user runs them, on a real node and gateway."""

import asyncio
import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.feed.lobster import EMPTY_PRICES, LEVELS, Level, Message, Row
from adapters.key_store import create_key
from tests.e2e.harness import ROOT, Exchange
from tests.feed.recording import record

pytestmark = [pytest.mark.asyncio, pytest.mark.e2e]

RUN_S = 120.0
NOTE = ("--reason", "a test", "--ticket", "T-1")


async def lockstep(*arguments: str) -> tuple[int, Any, str]:
    """Exit code, the JSON object, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adapters.cli.main", *arguments, "--json",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(RUN_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(out) if out else None, err.decode()


def write_recording(folder: Path, messages: list[Message], rows: list[Row]) -> Path:
    path = folder / "sample_messages.csv"
    lines = [f"34200.0,{m.kind},{m.order_id},{m.size},{m.price},{m.side}" for m in messages]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    book = "\n".join(",".join(_fields(row)) for row in rows)
    (folder / "sample_book10.csv").write_text(book + "\n", encoding="ascii")
    return path


def _fields(row: Row) -> list[str]:
    none: dict[int, Level] = {1: (EMPTY_PRICES[0], 0), -1: (EMPTY_PRICES[1], 0)}
    fields = []
    for at in range(LEVELS):
        for side in (-1, 1):
            levels = row.side(side)
            fields += [str(number) for number in (levels[at] if at < len(levels) else none[side])]
    return fields


def judged_well(code: int, result: Any, err: str, messages: int) -> None:
    assert code == 0, err
    assert result["messages"] == messages
    assert result["levels_compared"] == result["levels_equal"] > 0
    assert result["levels_unknowable"] > 0
    assert result["maker_mismatches"] == result["rejected"] == 0
    assert result["orders"] > messages // 2
    assert result["trades"] > 0
    assert len(bytes.fromhex(result["digest"])) == 32
    assert result["ack_ms"]["p99"] >= result["ack_ms"]["p50"] > 0


async def test_a_recording_goes_in_by_both_doors_and_comes_back_as_the_same_book(
    tmp_path: Path,
) -> None:
    messages, rows = record(7, 200)
    path = write_recording(tmp_path, messages, rows)
    async with Exchange(tmp_path) as exchange:
        core = f"grpc://{exchange.core_address}"
        lobster = (str(path), "--format", "lobster")
        for _ in range(2):  # the second run clears what the first one left
            done = await lockstep("feed", *lobster, "--url", core)
            judged_well(*done, len(messages))

        accounts = []
        for name in ("buyer", "seller"):
            opened = await lockstep("admin", "open-account", "--reference", name, *NOTE,
                                    "--url", core)  # fmt: skip
            api_key, secret = create_key(tmp_path, opened[1]["id"])
            accounts.append({"user_id": str(opened[1]["id"]), "api_key": api_key, "secret": secret})
        keys = tmp_path / "accounts.json"
        keys.write_text(json.dumps(accounts), encoding="utf-8")
        over_http = ("--url", exchange.url, "--core", core, "--key-file", str(keys))
        done = await lockstep("feed", *lobster, *over_http, "--symbol", "MSFT-USD")
        judged_well(*done, len(messages))


async def test_a_flow_trades_as_on_the_bare_book(tmp_path: Path) -> None:
    place, cancel, modify = 0, 1, 2
    records = [
        (place, 1, 0, 5, 1, 1, 100), (place, 1, 0, 5, 2, 2, 100), (place, 0, 1, 7, 3, 3, 101),
        (modify, 1, 0, 9, 4, 2, 99), (place, 0, 0, 4, 5, 4, 99), (cancel, 1, 0, 0, 6, 1, 0),
        (modify, 1, 0, 9, 7, 1, 99), (cancel, 1, 0, 0, 8, 2, 0),
    ]  # fmt: skip
    flow = struct.pack("<QII", 7, 1, len(records))
    flow += b"".join(struct.pack("<BBBxIQQqq", *record, 0) for record in records)
    path = tmp_path / "flow.bin"
    path.write_bytes(flow)
    async with Exchange(tmp_path) as exchange:
        code, result, err = await lockstep(
            "feed", str(path), "--format", "orderflow", "--url", f"grpc://{exchange.core_address}"
        )
    assert code == 0, err
    assert (result["orders"], result["rejected"], result["rejects_expected"]) == (8, 2, 2)
    assert result["trades"] == result["trades_compared"] == result["trades_equal"] == 3


async def test_a_recording_that_is_not_what_happened_is_found(tmp_path: Path) -> None:
    messages, rows = record(7, 60)
    price, lots = rows[-1].bids[0]
    rows[-1] = Row(((price, lots + 1), *rows[-1].bids[1:]), rows[-1].asks)
    path = write_recording(tmp_path, messages, rows)
    async with Exchange(tmp_path) as exchange:
        code, result, _ = await lockstep(
            "feed", str(path), "--format", "lobster", "--url", f"grpc://{exchange.core_address}"
        )
    assert code == 1
    assert result["levels_equal"] == result["levels_compared"] - 1
    assert result["first_difference"].startswith("message 60, bid level 1")


async def test_operators_commands(tmp_path: Path) -> None:
    async with Exchange(tmp_path) as exchange:
        url = ("--url", f"grpc://{exchange.core_address}")

        async def admin(*words: str) -> tuple[int, Any, str]:
            return await lockstep("admin", *words, *NOTE, *url)

        await admin("list-asset", "BTC", "--scale", "8")
        await admin("list-asset", "USD", "--scale", "6")
        code, listed, err = await admin(
            "list-symbol", "BTC-USD", "--tick", "0.01", "--lot", "0.0001", "--max-price",
            "1000000", "--max-qty", "100", "--max-notional", "1000000",
        )  # fmt: skip
        assert (code, listed["code"], listed["id"]) == (0, "OK", 1), err
        code, opened, _ = await admin("open-account", "--reference", "joe")
        account = str(opened["id"])
        move = ("--account", account, "--asset", "BTC", "--reference", "wire-1")
        code, first, _ = await admin("deposit", *move, "--amount", "0.00000003")
        assert (code, first["available"], first["duplicate"]) == (0, "0.00000003", False)
        code, again, _ = await admin("deposit", *move, "--amount", "0.00000003")
        assert (code, again["duplicate"]) == (0, True)
        code, rejected, _ = await admin("withdraw", *move, "--amount", "1")
        assert (code, rejected["code"]) == (1, "INSUFFICIENT_FUNDS")
        code, _, err = await admin("deposit", *move, "--amount", "0.000000001")
        assert code == 2
        assert "amount" in err
        code, mode, _ = await admin("mode", "BTC-USD", "CANCEL_ONLY")
        assert (code, mode["code"]) == (0, "OK")
        code, markets, _ = await lockstep("admin", "markets", *url)
        shown = markets["symbol"][0]
        assert (shown["mode"], shown["tick"], shown["lot"]) == ("CANCEL_ONLY", "0.01", "0.0001")
        code, _, err = await admin("mode", "NO-SUCH", "NORMAL")
        assert code == 2
        assert "NO-SUCH" in err
        code, balances, _ = await lockstep("admin", "balances", "--account", account, *url)
        assert balances["balance"] == [{"asset": "BTC", "available": "0.00000003", "hold": "0"}]
        code, canceled, _ = await admin("cancel-all", "--symbol", "BTC-USD")
        assert (code, canceled["canceled"]) == (0, 0)
        code, snapshot, _ = await admin("snapshot")
        code, status, _ = await lockstep("admin", "status", *url)
        assert snapshot["index"] <= status["index"]
        assert status["role"] == "LEADER"
