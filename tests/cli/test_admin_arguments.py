"""What an operator types wrong is told by its option before anybody is asked."""

import argparse
from typing import Final

import pytest

from adapters.cli import main
from adapters.cli.admin_refusals import RULES, credit_refusal, rule_of
from adapters.cli.numbers import INT64_MAX, decimal, whole
from core import codes
from core.commands import C_ACCOUNT

AUDITED: Final = ("--reason", "r", "--ticket", "t", "--url", "grpc://127.0.0.1:1")


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("-5", -5), ("007", 7), (str(INT64_MAX), INT64_MAX)]
)
def test_a_whole_number_is_ascii_digits(text: str, value: int) -> None:
    assert whole()(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "1_0", "\uff12", "\u0661\u0660\u0660", "1.0", "+1", " 1", "1 ", "0x1", "1e3", "--1",
     "9" * 5_000, str(INT64_MAX + 1), str(-INT64_MAX - 2)],
)  # fmt: skip
def test_what_is_no_whole_number_is_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="must be") as refused:
        whole()(text)
    assert len(str(refused.value)) < 200


def test_a_decimal_has_its_bounds() -> None:
    assert decimal(0.1, 10)("1.5") == 1.5
    for text in ("0", "11", "1_0", "\u0661", "nan", "inf", "-1", "1e1", "", ".", "9" * 50):
        with pytest.raises(argparse.ArgumentTypeError, match=r"must be a number from 0\.1 to 10"):
            decimal(0.1, 10)(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mode", "X", "AUCTION", "--for-s", "0"), "--for-s: 0 must be from 1 to 1000000000"),
        (("mode", "X", "AUCTION", "--for-s", "-5"), "--for-s: -5 must be from 1"),
        (("reference", "X", "\u0661\u0660\u0660"), "TICKS: '\u0661\u0660\u0660' must be a whole"),
        (("reference", "X", "9" * 30), f"TICKS: {'9' * 30} must be from -9223372036854775808"),
        (("fees", "X", "--tier", "0:1_0:\uff12"), "--tier: '1_0' must be a whole number"),
        (("fees", "X", "--tier", f"{10**20}:1:1"), f"--tier: {10**20} must be from"),
        (("fees", "X", "--tier", "0:1"), "--tier: 0:1: must be VOLUME:MAKER:TAKER"),
        (("rules", "X", "--rate", "1_0"), "--rate: '1_0' must be a whole number"),
        (("limits", "X", "--account", "2", "--burst", "9" * 20), "--burst: 99999999999999999999"),
        (("group", "--account", "2", "--group", "\uff12"), "--group: '\uff12' must be"),
        (("version", "--to", "1_0"), "--to: '1_0' must be"),
        (("list-asset", "X", "--scale", "\uff12"), "--scale: '\uff12' must be"),
        (("cluster", "add", "1_0", "--address", "a:1"), "NODE: '1_0' must be"),
        (
            ("transfer", "settle", "--to", "grpc://127.0.0.1:1", "--every", "1_0"),
            "--every: '1_0' must be a number from 0.1 to 3600",
        ),
    ],
)
def test_a_wrong_number_is_told_by_its_option(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main.main(["admin", *words, *AUDITED])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "code", "detail", "said"),
    [
        (codes.CMD_SET_RULES, codes.UNKNOWN_SYMBOL, 0, "symbol: must be a listed symbol"),
        (codes.CMD_CANCEL_ALL, codes.UNKNOWN_SYMBOL, 65_535, "symbol: must be a listed symbol"),
        (codes.CMD_SET_FEES, codes.UNKNOWN_SYMBOL, 0, "or --account must be given"),
        (codes.CMD_WITHDRAW, codes.MARKET_HALTED, 2, "account: must not be FROZEN"),
        (codes.CMD_WITHDRAW, codes.MARKET_HALTED, 0, "account: withdrawals are halted"),
        (codes.CMD_TRANSFER_OUT, codes.MARKET_HALTED, 0, "account: withdrawals are halted"),
        (codes.CMD_CANCEL_ALL, codes.MARKET_HALTED, 4, "symbol: must not be in HARD_HALT"),
        (codes.CMD_CANCEL_ALL, codes.MARKET_HALTED, 2, "make it CANCEL_ONLY first"),
        (codes.CMD_WITHDRAW, codes.INSUFFICIENT_FUNDS, 5, "amount: at most what is available"),
        (codes.CMD_DEPOSIT, codes.MAX_NOTIONAL, 5, "amount: at most what fits"),
        (codes.CMD_LIST_ASSET, codes.OVERLOADED, 1024, "as many as it may have: 1024"),
        (codes.CMD_LIST_ASSET, codes.NOT_LEADER, 0, ""),
        (codes.CMD_WITHDRAW, codes.IDEMPOTENCY_MISMATCH, 0, "reference: was used before"),
    ],
)
def test_a_refusal_names_the_option_and_the_rule(
    command: int, code: int, detail: int, said: str
) -> None:
    rule = rule_of(command, code, detail)
    assert said in rule
    assert bool(said) == bool(rule)


def test_money_that_came_back_says_why() -> None:
    assert credit_refusal(codes.OK, 0) == ""
    said = credit_refusal(codes.VALIDATION, C_ACCOUNT)
    assert said == f"the target refused it: {RULES[codes.CMD_TRANSFER_IN][C_ACCOUNT]}"
    assert "17 smallest units" in credit_refusal(codes.MAX_NOTIONAL, 17)
    assert "MARKET_HALTED 4" in credit_refusal(codes.MARKET_HALTED, 4)
