"""`lockstep admin restrict`: nothing about an account changes that nobody named."""

import argparse

import pytest

from adapters.cli import admin_risk, main

AUDIT = ("--reason", "r", "--ticket", "t", "--url", "grpc://127.0.0.1:1")


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="what")
    admin_risk.add_arguments(lambda name, help_: commands.add_parser(name, help=help_))
    return parser.parse_args(["restrict", *words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--account 7 --no-withdrawals", "say --state ACTIVE|CANCEL_ONLY|FROZEN, too"),
        ("--account 7 --withdrawals open", "say --state ACTIVE|CANCEL_ONLY|FROZEN, too"),
        ("--account 7 --state FROZEN", "say --withdrawals open|halted, too"),
        ("--account 7", "say --state ACTIVE|CANCEL_ONLY|FROZEN and --withdrawals open|halted, too"),
        ("--account 0", "say --withdrawals open|halted, too"),
        ("--account 0 --state FROZEN --withdrawals open", "--state: account 0 is everybody"),
        ("--account 7 --state ASLEEP --withdrawals open", "invalid choice: 'ASLEEP'"),
        ("--account 7 --state ACTIVE --withdrawals shut", "invalid choice: 'shut'"),
    ],
)
def test_what_is_left_out_is_asked_for(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main.main(["admin", "restrict", *words.split(), *AUDIT])
    except SystemExit as left:
        code = int(left.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "withdrawals"),
    [
        ("--account 7 --state FROZEN --withdrawals open", "open"),
        ("--account 7 --state ACTIVE --withdrawals halted", "halted"),
        ("--account 7 --state FROZEN --no-withdrawals", "halted"),
        ("--account 0 --withdrawals open", "open"),
        ("--account 0 --no-withdrawals", "halted"),
    ],
)
def test_what_is_complete_is_sent(words: str, withdrawals: str) -> None:
    a = parsed(*words.split())
    admin_risk.check(a)
    assert a.withdrawals == withdrawals
