"""The index against a dictionary, while it grows and shrinks, with keys that collide."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core import index as index_module
from core.index import HASH_BITS, Index
from core.table import NIL, Table

FEW_WORDS = st.integers(0, 3)
WORDS = st.one_of(FEW_WORDS, st.integers(-(2**63), 2**63 - 1))
KEYS = st.tuples(WORDS, WORDS, FEW_WORDS)


def table_of(words: int) -> Table:
    return Table("keys", words)


def add_key(table: Table, key: tuple[int, ...]) -> int:
    row = table.add_row()
    for at, word in enumerate(key):
        table.rows[row * len(key) + at] = word
    return row


class AgainstADictionary(RuleBasedStateMachine):
    """Three words a key. Keys of small words share homes, so runs are long and cross splits."""

    @initialize()
    def begin(self) -> None:
        self.table = table_of(3)
        self.index = Index(self.table, 3)
        self.rows: dict[tuple[int, int, int], int] = {}

    @rule(key=KEYS)
    def put(self, key: tuple[int, int, int]) -> None:
        if key not in self.rows:
            self.rows[key] = add_key(self.table, key)
            self.index.put(self.rows[key])

    @rule(first=WORDS, count=st.integers(1, 100), step=st.sampled_from((1, 1 << 20, 1 << 33)))
    def put_many(self, first: int, count: int, step: int) -> None:
        for n in range(count):
            self.put((min(first + n * step, 2**63 - 1), 7, 1))

    @rule(data=st.data(), most=st.integers(1, 60))
    def remove(self, data: st.DataObject, most: int) -> None:
        for _ in range(min(most, len(self.rows))):
            keys = list(self.rows)
            key = keys[data.draw(st.integers(0, len(keys) - 1))]
            self.index.remove(self.rows.pop(key))

    @rule(keys=st.integers(0, 500))
    def reserve(self, keys: int) -> None:
        self.index.reserve(keys)

    @rule(key=KEYS)
    def find(self, key: tuple[int, int, int]) -> None:
        row = self.index.find(*key)
        assert row == self.rows.get(key, NIL)
        if row == NIL:
            self.rows[key] = add_key(self.table, key)
            self.index.put_sought(self.rows[key])

    @invariant()
    def every_key_is_found(self) -> None:
        assert self.index.used == len(self.rows)
        for key, row in self.rows.items():
            assert self.index.find(*key) == row


TestAgainstADictionary = AgainstADictionary.TestCase
TestAgainstADictionary.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def of_one_hash(index: Index) -> list[tuple[int, int]]:
    """What somebody who knew the multipliers would send."""
    firsts = [n * index._by_a_high | (7 - n) * index._by_a_low << 32 for n in range(8)]
    seconds = [n * index._by_b_high | (7 - n) * index._by_b_low << 32 for n in range(8)]
    return [(signed(a), signed(b)) for a in firsts for b in seconds]


def signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


def test_keys_of_one_hash_are_told_apart() -> None:
    table = table_of(2)
    index = Index(table, 2)
    keys = of_one_hash(index)
    assert len({index.hash(a, b, 0) for a, b in keys}) == 1
    assert len(set(keys)) == 64
    for key in keys:
        index.put(add_key(table, key))
    assert [index.find(a, b, 0) for a, b in keys] == list(range(64))
    for row in range(0, 64, 2):
        index.remove(row)
    found = [index.find(a, b, 0) for a, b in keys]
    assert found == [NIL if row % 2 == 0 else row for row in range(64)]


def test_another_secret_scatters_them() -> None:
    keys = of_one_hash(Index(table_of(2), 2))
    other = Index(table_of(2), 2, b"another")
    assert len({other.hash(a, b, 0) for a, b in keys}) > 60


def test_keys_that_all_stand_last_have_cells_behind_the_end() -> None:
    table = table_of(2)
    index = Index(table, 2)
    last = [
        (n, 0) for n in range(200_000) if index.hash(n, 0, 0) >> (HASH_BITS - 10) == (1 << 10) - 1
    ]
    assert len(last) > 100, "too few stand last: this test shows nothing"
    for key in last:
        index.put(add_key(table, key))
    assert [index.find(a, b, 0) for a, b in last] == list(range(len(last)))


def test_small_and_striding_numbers_spread_over_the_homes() -> None:
    """As accounts and assets do. 4,096 keys thrown at random fill 3,223 of 8,192 homes."""
    for secret in (b"", b"1", b"2"):
        index = Index(table_of(2), 2, secret)
        for step in (1, 2, 64, 1000, 1 << 16, 1 << 32, (1 << 32) + 1):
            for second in (0, 1, 9):
                keys = [(n * step, second) for n in range(4096)]
                homes = [index.hash(a, b, 0) >> (HASH_BITS - 13) for a, b in keys]
                assert len(set(homes)) > 2800, (secret, step, second, len(set(homes)))


def test_no_key_pays_for_many() -> None:
    """Doubling is spread: a key adds at most so many cells, and splits at most so many homes."""
    table = table_of(2)
    index = Index(table, 2)
    cells, split, most = len(index._cells), index._split, 0
    for n in range(20_000):
        index.put(add_key(table, (n, n ^ 1)))
        most = max(most, len(index._cells) - cells)
        if index._split < split:
            most = max(most, split - index._split)
        cells, split = len(index._cells), index._split
    assert 0 < most <= index_module._STEP + 1
