"""The record proves itself: what was sealed comes back, and any damage is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replication.record import (
    HEADER_BYTES,
    ZERO_HASH,
    BrokenChain,
    CorruptRecord,
    ForeignRecord,
    HeaderCorrupt,
    MisdirectedRecord,
    PayloadCorrupt,
    Record,
    TornRecord,
    check_follows,
    decode,
    seal,
)

CLUSTER = bytes(range(16))
payloads = st.binary(max_size=300)


def sealed(index: int = 7, payload: bytes = b"seven") -> Record:
    return seal(CLUSTER, index, 3, 1_000, b"p" * 32, payload)


@given(
    index=st.integers(1, 2**62),
    term=st.integers(1, 2**62),
    ts_ns=st.integers(0, 2**62),
    prev_hash=st.binary(min_size=32, max_size=32),
    payload=payloads,
)
def test_what_is_sealed_comes_back(
    index: int, term: int, ts_ns: int, prev_hash: bytes, payload: bytes
) -> None:
    record = seal(CLUSTER, index, term, ts_ns, prev_hash, payload)
    assert decode(record.encoded(), CLUSTER, index) == record


@given(payload=payloads, data=st.data())
def test_any_flipped_bit_is_found(payload: bytes, data: st.DataObject) -> None:
    value = bytearray(sealed(payload=payload).encoded())
    bit = data.draw(st.integers(0, 8 * len(value) - 1))
    value[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptRecord) as caught:
        decode(bytes(value), CLUSTER, 7)
    assert caught.value.index == 7


@given(payload=payloads, data=st.data())
def test_any_other_length_is_found(payload: bytes, data: st.DataObject) -> None:
    value = sealed(payload=payload).encoded()
    cut = data.draw(st.integers(0, len(value) - 1))
    with pytest.raises(TornRecord):
        decode(value[:cut], CLUSTER, 7)
    with pytest.raises(TornRecord):
        decode(value + b"\0", CLUSTER, 7)


def test_each_damage_has_its_own_name() -> None:
    value = sealed().encoded()
    flipped_header = bytes([value[0] ^ 1]) + value[1:]
    flipped_payload = value[:-1] + bytes([value[-1] ^ 1])
    with pytest.raises(HeaderCorrupt, match="record 7: the header"):
        decode(flipped_header, CLUSTER, 7)
    with pytest.raises(PayloadCorrupt, match="record 7: the payload"):
        decode(flipped_payload, CLUSTER, 7)
    with pytest.raises(MisdirectedRecord, match="record 8: record 7 stands in its place"):
        decode(value, CLUSTER, 8)
    with pytest.raises(ForeignRecord, match="belongs to cluster"):
        decode(value, bytes(16), 7)
    with pytest.raises(TornRecord, match="shorter than a header"):
        decode(value[: HEADER_BYTES - 1], CLUSTER, 7)


def test_the_chain_holds_only_in_order() -> None:
    first = seal(CLUSTER, 1, 1, 10, ZERO_HASH, b"one")
    second = seal(CLUSTER, 2, 1, 10, first.hash, b"two")
    check_follows(first, 0, ZERO_HASH)
    check_follows(second, 1, first.hash, 1, 10)
    with pytest.raises(BrokenChain, match="there is a gap"):
        check_follows(second, 0, ZERO_HASH)
    with pytest.raises(BrokenChain, match="another hash than that of record 1"):
        check_follows(second, 1, ZERO_HASH)
    with pytest.raises(BrokenChain, match="term 1 is below 2"):
        check_follows(second, 1, first.hash, 2, 10)
    with pytest.raises(BrokenChain, match="log time 10 is before 11"):
        check_follows(second, 1, first.hash, 1, 11)


def test_the_layout_is_fixed() -> None:
    """These bytes are on disks: a change of layout is a new version, not an edit."""
    record = seal(CLUSTER, 1, 2, 3, ZERO_HASH, b"payload")
    header = record.header.hex()
    assert header.startswith("4c53523101000000" + CLUSTER.hex())
    assert header[48:96] == "010000000000000002000000000000000300000000000000"
    assert record.hash.hex() == header[-64:]
    assert len(record.header) == HEADER_BYTES == 152
