"""The fuzzed decoders: their seeds, thousands of spoiled ones, and what was once found.

The guided fuzzer's own test is in `test_guided.py`; here the same targets run in whatever build of
the core is loaded, with changes that are drawn without a guide.
"""

from random import Random

import pytest

from core.codes import COMMAND_NAMES, EV_FEES_CHANGED
from core.events import EVENT_WORDS, decode_event
from replication import membership, messages, snapshot_chunks
from replication.ports import SnapshotMeta
from tests.fuzz.targets import TARGETS

SPOILED = {"batch": 250, "commands": 150, "snapshot": 400}
OFTEN = 3_000
BYTES = (0, 1, 2, 0x7F, 0x80, 0x91, 0xFF)


def _spoiled(random: Random, seeds: list[bytes]) -> bytes:
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        at = random.randrange(len(data) + 1)
        what = random.random()
        if what < 0.5 and at < len(data):
            data[at] = random.choice((*BYTES, random.randrange(256)))
        elif what < 0.7:
            data[at:at] = bytes(random.choice(BYTES) for _ in range(random.choice((1, 8))))
        elif what < 0.85:
            del data[at : at + random.choice((1, 8, 64))]
        else:
            other = random.choice(seeds)
            data[at:] = other[random.randrange(len(other) + 1) :]
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_spoiled_ones(name: str) -> None:
    target, random = TARGETS[name], Random(name)
    seeds = target.seeds()
    assert seeds
    for data in seeds:
        assert len(data) <= target.bytes_max
        target.run(data)
    for number in range(SPOILED.get(name, OFTEN)):
        data = _spoiled(random, seeds)
        try:
            target.run(data)
        except BaseException as error:
            error.add_note(f"input {number} of {name}: {data.hex()}")
            raise


def test_every_kind_of_command_is_a_seed() -> None:
    kinds = {data[0] for data in TARGETS["commands"].seeds()}
    assert kinds == set(range(1, len(COMMAND_NAMES)))
    assert len(TARGETS["events"].seeds()) > 20


# --- found once -----------------------------------------------------------------------------------

DEEP = b"\x91" * 100_000 + b"\xc0"
"""MessagePack's arrays in arrays: what is passed over may be as deep as the bytes are long."""


def _one_more(data: bytes, array_of: int) -> bytes:
    """An encoded array of so many elements, and a deep one behind them."""
    assert data[0] == 0x90 + array_of
    return bytes((data[0] + 1,)) + data[1:] + DEEP


def test_a_deep_message_is_malformed() -> None:
    data = messages.encode(messages.TimeoutNow(sender=1, to=2, term=3))
    with pytest.raises(messages.MalformedMessage, match="recursion"):
        messages.decode(_one_more(data, 4))


def test_a_deep_configuration_is_a_bad_one() -> None:
    data = membership.encode(membership.Configuration(voters=(1,)))
    with pytest.raises(membership.BadConfiguration, match="recursion"):
        membership.decode(_one_more(data, 6))


def test_an_address_that_is_no_text_is_a_bad_configuration() -> None:
    one = membership.Configuration(voters=(1,), addresses=((1, "address"),))
    data = membership.encode(one)
    with pytest.raises(membership.BadConfiguration):
        membership.decode(data.replace(b"address", b"\xff" * 7))


def test_a_deep_description_of_a_snapshot_is_none() -> None:
    meta = SnapshotMeta(index=1, term=1, ts_ns=1, chain=b"", record_hash=b"", digest=b"")
    whole = snapshot_chunks.outgoing(meta, b"data")
    data, data_hash = snapshot_chunks.chunk_of(whole, 100)
    assert whole.meta[0] == 0x87
    deep = b"\x88" + whole.meta[1:] + b"\xa4more" + DEEP
    for described, sound in ((whole.meta, True), (deep, False)):
        chunk = messages.SnapshotChunk(
            sender=1, to=2, term=3, meta=described, size=4, whole_hash=whole.whole_hash, offset=0,
            data=data, data_hash=data_hash, round=1,
        )  # fmt: skip
        assert (snapshot_chunks.Incoming().take(chunk) is not None) == sound


@pytest.mark.parametrize("tiers", [-1, 7, 1 << 40])
def test_an_event_with_too_many_tiers_is_no_value(tiers: int) -> None:
    words = [EV_FEES_CHANGED, *(0,) * (EVENT_WORDS[EV_FEES_CHANGED] - 1)]
    words[4] = tiers
    with pytest.raises(ValueError, match="tiers"):
        decode_event(tuple(words))
