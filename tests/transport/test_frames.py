"""Frames survive any cutting of the stream, and nothing else is taken for one."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.peer_frames import HEADER_BYTES, BadFrame, FrameReader, frame
from replication.messages import MESSAGE_BYTES_MAX

PAYLOADS = st.lists(st.binary(max_size=300), max_size=8)


@given(PAYLOADS, st.lists(st.integers(0, 3000), max_size=12))
def test_any_pieces_give_the_same_payloads(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(frame, payloads))
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader = FrameReader()
    got: list[bytes] = []
    for begin, end in itertools.pairwise(places):
        got += reader.feed(stream[begin:end])
    assert got == payloads


@given(st.binary(min_size=1, max_size=200), st.integers(0, 8 * 212 - 1))
def test_a_flipped_bit_is_noticed(payload: bytes, bit: int) -> None:
    good = frame(payload)
    bit %= 8 * len(good)
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << (bit % 8)
    reader = FrameReader(1 << 16)
    try:
        got = list(reader.feed(bytes(bad) + frame(b"next")))
    except BadFrame:
        return
    assert got == [], "a longer size waits for bytes; it never gives a wrong payload"


@given(st.binary(max_size=100))
def test_noise_is_no_frame(noise: bytes) -> None:
    try:
        got = list(FrameReader().feed(noise))
    except BadFrame:
        return
    assert got == []


def test_a_size_beyond_the_limit_is_refused_before_it_is_waited_for() -> None:
    head = frame(b"")[:4] + (MESSAGE_BYTES_MAX + 1).to_bytes(4, "little") + bytes(4)
    with pytest.raises(BadFrame, match="bytes of payload; at most"):
        list(FrameReader().feed(head))
    assert HEADER_BYTES == 12
