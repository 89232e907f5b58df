"""The packed balances and the naive ones under one test class, and in random steps side by side.

Why it exists: money moves in a handful of named steps. `AccountsContract` says what each does and
what it refuses; two adapters give both implementations the same verbs.
"""

from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.accounts import Accounts
from sim.twin.accounts import HOUSE
from sim.twin.accounts import Accounts as NaiveAccounts

Row = tuple[int, int, int, int]
"""Account, asset, available, hold."""

WON, COIN = 1, 2


class AnyAccounts(Protocol):
    def open(self) -> int: ...
    def is_open(self, account: int) -> bool: ...
    def deposit(self, account: int, asset: int, amount: int) -> None: ...
    def withdraw(self, account: int, asset: int, amount: int) -> None: ...
    def reserve(self, account: int, asset: int, amount: int) -> None: ...
    def pay(self, payer: int, receiver: int, asset: int, amount: int, fee: int) -> None: ...
    def all_rows(self) -> list[Row]: ...
    def digest(self) -> bytes: ...


class Naive(NaiveAccounts):
    def all_rows(self) -> list[Row]:
        return [(row.account, row.asset, row.available, row.hold) for row in self.rows()]


class Packed:
    """`core.accounts.Accounts` with its rows looked up."""

    def __init__(self) -> None:
        self._accounts = Accounts()

    def open(self) -> int:
        return self._accounts.open()

    def is_open(self, account: int) -> bool:
        return self._accounts.is_open(account)

    def deposit(self, account: int, asset: int, amount: int) -> None:
        self._accounts.add_available(self._accounts.ensure(account, asset), amount)

    def withdraw(self, account: int, asset: int, amount: int) -> None:
        self._accounts.add_available(self._accounts.ensure(account, asset), -amount)

    def reserve(self, account: int, asset: int, amount: int) -> None:
        self._accounts.reserve(self._accounts.ensure(account, asset), amount)

    def pay(self, payer: int, receiver: int, asset: int, amount: int, fee: int) -> None:
        accounts = self._accounts
        accounts.spend_hold(accounts.ensure(payer, asset), amount, 0)
        accounts.add_available(accounts.ensure(receiver, asset), amount - fee)
        accounts.add_available(accounts.ensure(HOUSE, asset), fee)

    def all_rows(self) -> list[Row]:
        return list(self._accounts.all_rows())

    def digest(self) -> bytes:
        return self._accounts.digest()


class AccountsContract:
    """What balances must do, however they lie in memory."""

    @pytest.fixture
    def accounts(self) -> AnyAccounts:
        raise NotImplementedError

    def test_the_house_is_there_from_the_start(self, accounts: AnyAccounts) -> None:
        assert [accounts.is_open(account) for account in (-1, 0, HOUSE, 2)] == [
            False, False, True, False,
        ]  # fmt: skip
        assert [accounts.open(), accounts.open()] == [2, 3]
        assert accounts.is_open(3)
        assert accounts.all_rows() == []

    def test_money_comes_and_goes(self, accounts: AnyAccounts) -> None:
        account = accounts.open()
        accounts.deposit(account, COIN, 7)
        accounts.deposit(account, WON, 100)
        accounts.withdraw(account, WON, 40)
        assert accounts.all_rows() == [(account, WON, 60, 0), (account, COIN, 7, 0)]
        accounts.withdraw(account, COIN, 7)
        assert accounts.all_rows() == [(account, WON, 60, 0)]

    def test_a_hold_is_not_available(self, accounts: AnyAccounts) -> None:
        account = accounts.open()
        accounts.deposit(account, WON, 100)
        accounts.reserve(account, WON, 70)
        assert accounts.all_rows() == [(account, WON, 30, 70)]
        with pytest.raises(AssertionError):
            accounts.reserve(account, WON, 31)

    def test_a_hold_goes_back(self, accounts: AnyAccounts) -> None:
        account = accounts.open()
        accounts.deposit(account, WON, 100)
        accounts.reserve(account, WON, 70)
        accounts.reserve(account, WON, -70)
        assert accounts.all_rows() == [(account, WON, 100, 0)]
        with pytest.raises(AssertionError):
            accounts.reserve(account, WON, -1)

    def test_what_is_paid_leaves_the_hold(self, accounts: AnyAccounts) -> None:
        payer, receiver = accounts.open(), accounts.open()
        accounts.deposit(payer, WON, 100)
        accounts.reserve(payer, WON, 60)
        accounts.pay(payer, receiver, WON, 50, 2)
        assert accounts.all_rows() == [
            (HOUSE, WON, 2, 0), (payer, WON, 40, 10), (receiver, WON, 48, 0),
        ]  # fmt: skip
        with pytest.raises(AssertionError):
            accounts.pay(payer, receiver, WON, 11, 0)

    def test_nothing_is_spent_twice(self, accounts: AnyAccounts) -> None:
        account = accounts.open()
        accounts.deposit(account, WON, 10)
        with pytest.raises(AssertionError):
            accounts.withdraw(account, WON, 11)

    def test_the_digest_is_that_of_the_rows(self, accounts: AnyAccounts) -> None:
        """Equal balances, equal digest, however they came about; and over many pages."""
        empty = accounts.digest()
        people = [accounts.open() for _ in range(200)]
        assert accounts.digest() == empty
        for account in people[::3]:
            accounts.deposit(account, WON, account)
        before = accounts.digest()
        assert before != empty
        accounts.reserve(people[0], WON, 1)
        assert accounts.digest() != before
        accounts.reserve(people[0], WON, -1)
        assert accounts.digest() == before
        for account in people[::3]:
            accounts.withdraw(account, WON, account)
        assert accounts.digest() == empty


class TestNaiveAccounts(AccountsContract):
    @pytest.fixture
    def accounts(self) -> AnyAccounts:
        return Naive()


class TestPackedAccounts(AccountsContract):
    @pytest.fixture
    def accounts(self) -> AnyAccounts:
        return Packed()


PEOPLE = 70  # more than one page of the digest
steps = st.tuples(
    st.sampled_from(("deposit", "deposit", "reserve", "reserve", "release", "pay", "withdraw")),
    st.sampled_from((1, 2, 3, 63, 64, 65)),
    st.sampled_from((1, 2, 64, 66)),
    st.sampled_from((WON, COIN)),
    st.one_of(st.integers(1, 50), st.just(1 << 60)),
)


@given(st.lists(steps, max_size=60))
def test_both_agree(script: list[tuple[str, int, int, int, int]]) -> None:
    packed, naive = Packed(), Naive()
    for _ in range(PEOPLE):
        assert packed.open() == naive.open()
    for what, one, two, asset, amount in script:
        available, hold = naive.available[one, asset], naive.hold[one, asset]
        for accounts in (packed, naive):
            if what == "deposit" and naive.supply[asset] < 1 << 61:
                accounts.deposit(one, asset, amount)
            elif what == "withdraw":
                accounts.withdraw(one, asset, min(amount, available))
            elif what == "reserve":
                accounts.reserve(one, asset, min(amount, available))
            elif what == "release":
                accounts.reserve(one, asset, -min(amount, hold))
            elif what == "pay":
                paid = min(amount, hold)
                accounts.pay(one, two, asset, paid, paid // 10)
        assert packed.all_rows() == naive.all_rows()
        assert packed.digest() == naive.digest()
