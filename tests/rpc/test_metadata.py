"""The metadata section: what the door lets in, and how sections of joined batches move."""

import pytest

from adapters import rpc_metadata
from adapters.rpc_metadata import AUDIT, MalformedMetadata

NAMES = (b"cmd", b"corr", b"trace")
NOTE = (b"kim", b"why", b"OPS-1")


def test_a_batch_without_any_has_an_empty_section() -> None:
    assert rpc_metadata.encode({}) == b""
    assert rpc_metadata.decode(b"") == {}
    assert rpc_metadata.joined([(3, b""), (1, b"")]) == b""


def test_names_and_notes_move_with_their_command() -> None:
    first = rpc_metadata.encode({0: NAMES})
    second = rpc_metadata.encode({1: NAMES, AUDIT + 1: NOTE})
    joined = rpc_metadata.joined([(2, first), (4, b""), (2, second)])
    assert rpc_metadata.decode(joined) == {0: NAMES, 7: NAMES, AUDIT + 7: NOTE}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (b"\xff", "metadata"),
        (rpc_metadata.encode({2: NAMES}), "key 2"),
        (rpc_metadata.encode({-1: NAMES}), "key -1"),
        (rpc_metadata.encode({AUDIT: NOTE}), f"key {AUDIT}"),
        (rpc_metadata.encode({1: (b"", b"x" * 129, b"")}), "command 1 has 129 bytes"),
    ],
)
def test_the_door_refuses_what_no_sender_of_batches_may_say(section: bytes, words: str) -> None:
    with pytest.raises(MalformedMetadata, match=words):
        rpc_metadata.check_names(section, 2)
