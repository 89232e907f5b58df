"""Fuzzed with bytes: log records, what replicas say to each other, and what clients send.

Why it exists: see `tests.fuzz.targets`. Each `run_` function returns, or raises what is a finding;
each `seed_` function makes the inputs to begin with, by the encoders.
"""

import hashlib
import zlib
from typing import Any, Final

import msgspec

from tests.fuzz.build import choose

choose()

from adapters import peer_frames, rpc_metadata  # noqa: E402 - which build is decided above
from core import commands as c  # noqa: E402
from core.versions import VERSION_KNOWN  # noqa: E402
from gateway import mass_orders, order_lists, orders  # noqa: E402
from gateway.order_view import Order  # noqa: E402
from gateway.problems import Refused, invalid  # noqa: E402
from gateway.symbols import Asset, Symbol  # noqa: E402
from replication import batching, membership, messages, record  # noqa: E402
from replication.ports import Submitted, Unknown  # noqa: E402
from tests.core.pair import START_NS  # noqa: E402
from tests.fuzz.notice import notice  # noqa: E402

_COMMANDS: Final = [c.place(2, 1, 0, 0, 0, 100, 1), c.cancel(2, 1, 1 << 24)]

# --- records, messages, frames --------------------------------------------------------------------

_CLUSTER: Final = bytes(range(16))
_INDEX: Final = 7


def run_record(data: bytes) -> None:
    """A record of the log. The first byte says which of its hashes are made good."""
    if not data:
        return
    value = bytearray(data[1:])
    if data[0] & 1 and len(value) >= 120:
        value[88:120] = hashlib.sha256(value[record.HEADER_BYTES :]).digest()
    if data[0] & 2 and len(value) >= record.HEADER_BYTES:
        value[120:152] = hashlib.sha256(value[:120]).digest()
    try:
        found = record.decode(bytes(value), _CLUSTER, _INDEX)
    except record.CorruptRecord:
        return
    assert found.encoded() == value
    if found.term < 1 or found.ts_ns < 0 or len(found.payload) > record.PAYLOAD_BYTES_MAX:
        return  # whole, as its hashes say; that it does not follow the log is for others to see
    again = record.seal(
        _CLUSTER, found.index, found.term, found.ts_ns, found.prev_hash, found.payload, found.kind
    )
    assert again == found


def _sealed(payload: bytes, kind: int = record.COMMANDS) -> bytes:
    return record.seal(_CLUSTER, _INDEX, 3, START_NS, bytes(32), payload, kind).encoded()


def seed_records() -> list[bytes]:
    payloads = [b"", c.batch_of(_COMMANDS)]
    return [bytes((fix,)) + _sealed(one) for one in payloads for fix in (0, 3)]


def run_message(data: bytes) -> None:
    """What one replica says to another."""
    try:
        message = messages.decode(data)
    except messages.MalformedMessage as error:
        notice(str(error))
        return
    _tell_apart(message)
    assert messages.decode(messages.encode(message)) == message


def _tell_apart(message: messages.Message) -> int:
    """A branch for each kind of message, and more for what varies in it."""
    match message:
        case messages.VoteRequest():
            return 1 if message.pre else 2 if message.transfer else 3
        case messages.VoteReply():
            return 4 if message.granted else 5
        case messages.Append():
            return 6 if message.records else 7
        case messages.AppendReply():
            return 8 if message.ok else 9
        case messages.SnapshotChunk():
            return 10 if message.data else 11
        case messages.SnapshotReply():
            return 12 if message.done else 13
        case messages.Repair():
            return 14
        case messages.RepairReply():
            return 15 if message.lacks else 16 if message.compacted else 17
        case messages.TimeoutNow():
            return 18
        case _:
            return 19


def seed_messages() -> list[bytes]:
    base: dict[str, Any] = {"sender": 1, "to": 2, "term": 3}
    made: list[messages.Message] = [
        messages.VoteRequest(**base, last_index=4, last_term=2, pre=True),
        messages.VoteReply(**base, granted=True),
        messages.Append(**base, prev_index=4, prev_term=2, prev_hash=bytes(32), commit=3, round=9,
                        records=(_sealed(b""),)),
        messages.AppendReply(**base, ok=True, match=4, round=9, digest=bytes(32)),
        messages.SnapshotChunk(**base, meta=b"", size=4, whole_hash=bytes(32), offset=0,
                               data=b"data", data_hash=bytes(32), round=9),
        messages.SnapshotReply(**base, index=4, received=4, round=9, done=True),
        messages.Repair(**base, index=4, hash=bytes(32)),
        messages.RepairReply(**base, index=4, hash=bytes(32), record=b"r", lacks=True),
        messages.TimeoutNow(**base),
        messages.Join(**base, version=7),
    ]  # fmt: skip
    # An element more than the message has is passed over, however deep it is.
    deep = messages.encode(made[8])
    nested = bytes((deep[0] + 1,)) + deep[1:] + b"\x91" * 900 + b"\xc0"
    return [messages.encode(message) for message in made] + [nested]


def run_frames(data: bytes) -> None:
    """A byte stream from a peer: whole, and byte by byte, it says the same.

    The first byte: whether the checksum of the first frame is made good.
    """
    stream = bytearray(data[1:])
    if data[:1] and data[0] & 1 and len(stream) >= peer_frames.HEADER_BYTES:
        size = int.from_bytes(stream[4:8], "little")
        whole = stream[12 : 12 + size]
        stream[8:12] = zlib.crc32(whole, zlib.crc32(stream[:8])).to_bytes(4, "little")
    assert _frames([bytes(stream)]) == _frames([bytes((one,)) for one in stream])


def _frames(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    reader, found = peer_frames.FrameReader(1 << 16), list[bytes]()
    try:
        for piece in pieces:
            found += reader.feed(piece)
    except peer_frames.BadFrame:
        return found, False
    return found, True


def seed_frames() -> list[bytes]:
    one = peer_frames.frame(b"hello")
    return [b"\0" + one, b"\1" + one + peer_frames.frame(b""), b"\1" + one[:-2]]


# --- what stands beside commands, and who is in the cluster ---------------------------------------


def run_metadata(data: bytes) -> None:
    """The door of packed batches, and the reader of the log behind it."""
    try:
        rpc_metadata.check_names(data, 4)
        found = rpc_metadata.decode(data)
    except rpc_metadata.MalformedMetadata as error:
        notice(str(error))
        return
    assert rpc_metadata.decode(rpc_metadata.encode(found)) == found
    limits = batching.Limits()
    commands = b"".join(_COMMANDS)
    submission = batching.Submission(commands, 2, data, _nobody)
    if batching.submission_fault(submission, limits) == "":
        batching.join_metadata([submission, submission])


def _nobody(answer: Submitted | Unknown) -> None:
    raise AssertionError("nobody was to be answered")


def seed_metadata() -> list[bytes]:
    names = (b"command", b"correlation", b"trace")
    return [b"", *(rpc_metadata.encode(one) for one in ({0: names}, {0: names, 1: names}))]


def run_configuration(data: bytes) -> None:
    """The members of a cluster, as a record carries them."""
    try:
        found = membership.decode(data)
    except membership.BadConfiguration as error:
        notice(str(error))
        return
    assert membership.decode(membership.encode(found)) == found


def seed_configurations() -> list[bytes]:
    made = (
        membership.Configuration(voters=(1, 2, 3)),
        membership.Configuration(voters=(1, 2, 3), learners=(4,), invited=(5,),
                                 addresses=((4, "127.0.0.1:7"),), note=b"why"),
        membership.Configuration(voters=(1, 2), outgoing=(1, 2, 3)),
    )  # fmt: skip
    return [membership.encode(one) for one in made]


# --- what a client sends --------------------------------------------------------------------------

_BASE, _QUOTE = Asset(1, "BTC", 8), Asset(2, "KRW", 0)
_SYMBOL: Final = Symbol(
    1, "BTC-KRW", _BASE, _QUOTE, 1000, 10_000, 1, 1, 1 << 40, 1 << 40, 1, 1 << 60, 0, 0
)


class _Symbols:
    """The one symbol that there is."""

    def named(self, name: str) -> Symbol:
        if name != _SYMBOL.name:
            raise Refused(invalid("symbol", "must be listed"))
        return _SYMBOL


def run_body(data: bytes) -> None:
    """An order as JSON: refused, or a command that decodes."""
    for make in (_placed, _amended, _switched, _listed):
        try:
            command = make(data)
        except Refused:
            continue
        assert c.check_commands(command) == 1


def _placed(data: bytes) -> bytes:
    return orders.place_command(data, _Symbols(), 2, (1, 1)).command  # type: ignore[arg-type]


def _amended(data: bytes) -> bytes:
    order = Order()
    order.order_id, order.price = 1 << 24, len(data) & 1
    return orders.amend_command(data, _SYMBOL, order, 2, (1, 1)).command


def _switched(data: bytes) -> bytes:
    symbols: Any = _Symbols()
    return mass_orders.cancel_after_command(data, symbols, VERSION_KNOWN, 2, (1, 1))[0]


def _listed(data: bytes) -> bytes:
    symbols: Any = _Symbols()
    return order_lists.place_list_command(data, symbols, VERSION_KNOWN, 2, (1, 1)).command


def seed_bodies() -> list[bytes]:
    order = {"symbol": "BTC-KRW", "side": "BUY", "type": "LIMIT", "price": "1000", "qty": "0.001"}
    return [
        msgspec.json.encode(one)
        for one in (
            order,
            {**order, "timeInForce": "POST_ONLY", "clientOrderId": "a-1"},
            {"symbol": "BTC-KRW", "side": "SELL", "type": "MARKET", "quoteQty": "12.50"},
            {"price": "2000", "qty": "1.5"},
            {"qty": "1.5", "triggerPrice": "2000"},
            {"afterMs": "60000", "symbol": "BTC-KRW"},
            {**order, "type": "STOP_LIMIT", "triggerPrice": "2000", "displayQty": "0.001"},
            {
                "symbol": "BTC-KRW",
                "side": "SELL",
                "type": "TRAILING_STOP",
                "qty": "1",
                "trailBps": "100",
                "collar": "2000",
                "selfTrade": "DECREMENT",
                "selfTradeBy": "GROUP",
            },
            {**order, "type": "PEGGED", "pegTo": "OTHER", "pegOffset": "-1000", "minQty": "1"},
            {**order, "timeInForce": "GTD", "expiresAt": "1790000000000"},
            {**order, "timeInForce": "POST_ONLY", "onCross": "SLIDE"},
            {
                "symbol": "BTC-KRW",
                "type": "OCO",
                "first": {"side": "SELL", "type": "LIMIT", "price": "3000", "qty": "1"},
                "second": {"side": "SELL", "type": "STOP", "triggerPrice": "1000", "qty": "1"},
                "clientOrderListId": "a-2",
            },
        )
    ]
