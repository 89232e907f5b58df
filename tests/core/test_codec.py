"""Records there and back: commands, batches, events, replies, names and keys.

The encoders here are written from the layouts in the docstrings of `core.commands` and
`core.events`, word by word, and share no code with what they check.
"""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import codes
from core import commands as c
from core import event_text
from core import events as e
from sim.twin.state import unpack_commands

i64s = st.integers(-(2**63), 2**63 - 1)
u64s = st.integers(0, 2**63 - 1)
u16s = st.integers(0, 0xFFFF)
keys = st.tuples(i64s, i64s)
names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)


# --- commands -------------------------------------------------------------------------------------


@given(i64s, u16s, st.integers(0, 1), st.integers(0, 1), st.integers(0, 3), i64s, i64s, keys, keys,
       st.booleans())  # fmt: skip
def test_place(
    account: int, symbol: int, side: int, order_type: int, time_in_force: int, price: int,
    qty: int, key: c.Key, client: c.Key, by_quote: bool,
) -> None:  # fmt: skip
    record = c.place(
        account, symbol, side, order_type, time_in_force, price, qty, key, client, by_quote
    )
    (command,) = unpack_commands(record)
    assert c.check_commands(record) == 1
    assert command.kind == codes.CMD_PLACE
    assert (command.symbol, command.side, command.order_type) == (symbol, side, order_type)
    assert (command.time_in_force, command.flags) == (time_in_force, int(by_quote))
    assert command.words[1:] == (account, *key, price, qty, *client)
    assert command.words[c.PLACE_PRICE] == price
    assert command.words[c.PLACE_QTY] == qty
    assert command.words[c.PLACE_CLIENT_HI : c.PLACE_CLIENT_LO + 1] == client


@given(i64s, u16s, i64s, i64s, i64s, keys)
def test_commands_about_orders(
    account: int, symbol: int, order_id: int, price: int, qty: int, key: c.Key
) -> None:
    batch = [
        c.cancel(account, symbol, order_id, key),
        c.amend(account, symbol, order_id, price, qty, key),
        c.cancel_all(account, symbol, key),
        c.set_mode(symbol, price, key),
    ]
    cancel, amend, cancel_all, set_mode = unpack_commands(b"".join(batch))
    assert [one.kind for one in (cancel, amend, cancel_all, set_mode)] == [2, 3, 4, 5]
    assert {one.symbol for one in (cancel, amend, cancel_all, set_mode)} == {symbol}
    assert cancel.words[1:] == (account, *key, order_id, 0, 0, 0)
    assert amend.words[1:] == (account, *key, order_id, price, qty, 0)
    assert cancel_all.words[1:] == (account, *key, 0, 0, 0, 0)
    assert set_mode.words[1:] == (0, *key, price, 0, 0, 0)


@given(
    st.integers(0, 1), st.integers(0, 8), st.integers(0, 5), st.integers(0, 15),
    st.integers(0, 4), st.booleans(), st.lists(i64s, min_size=8, max_size=8), keys, keys,
)  # fmt: skip
def test_an_order_with_further_terms(
    side: int, order_type: int, tif: int, flags: int, stp: int, by_group: bool,
    values: list[int], key: c.Key, client: c.Key,
) -> None:  # fmt: skip
    price, qty, trigger, trail, display, min_qty, expire_ns, peg = values
    record = c.place_terms(
        5, 3, side, order_type, tif, price=price, qty=qty, key=key, client=client, flags=flags,
        stp=stp, by_group=by_group, trigger=trigger, trail=trail, display=display,
        min_qty=min_qty, expire_ns=expire_ns, peg_offset=peg,
    )  # fmt: skip
    assert c.check_commands(record) == 1
    (command,) = unpack_commands(record)
    assert (command.kind, command.symbol, command.side) == (14, 3, side)
    assert (command.order_type, command.time_in_force, command.flags) == (order_type, tif, flags)
    assert command.words[1:] == (
        5, *key, price, qty, *client, stp | by_group << 8, trigger, trail, display, min_qty,
        expire_ns, peg, 0,
    )  # fmt: skip


@given(st.lists(i64s, min_size=7, max_size=7), keys, keys, keys)
def test_an_order_list(values: list[int], key: c.Key, client: c.Key, of_leg: c.Key) -> None:
    price, qty, trigger, trail, display, expire_ns, kind = values
    leg = c.leg(
        1, 3, 4, price=price, qty=qty, client=of_leg, flags=4, trigger=trigger, trail=trail,
        display=display, expire_ns=expire_ns,
    )  # fmt: skip
    record = c.place_list(5, 3, kind, [leg, leg], key=key, client=client, stp=2, by_group=True)
    assert c.check_commands(record) == 1
    (command,) = unpack_commands(record)
    assert command.words[1:8] == (5, *key, kind, 2 | 1 << 8, *client)
    assert command.words[8:17] == command.words[17:26] == (
        1 | 3 << 4 | 4 << 8 | 4 << 12, price, qty, *of_leg, trigger, trail, display, expire_ns
    )  # fmt: skip
    assert command.words[26:] == (0,) * 9


@given(i64s, i64s, i64s, i64s, i64s, keys)
def test_filters_switches_and_groups(
    account: int, what: int, low: int, high: int, after: int, key: c.Key
) -> None:
    batch = [
        c.cancel_all(account, 3, key, what, low, high),
        c.cancel_after(account, 3, after, key),
        c.set_group(account, low),
        c.amend(account, 3, what, low, high, key, after),
    ]
    cancel_all, cancel_after, group, amend = unpack_commands(b"".join(batch))
    assert [one.kind for one in (cancel_all, cancel_after, group, amend)] == [4, 16, 17, 3]
    assert cancel_all.words[1:] == (account, *key, what, low, high, 0)
    assert cancel_after.words[1:] == (account, *key, after, 0, 0, 0)
    assert group.words[1:] == (account, 0, 0, low, 0, 0, 0)
    assert amend.words[4:] == (what, low, high, after)


@given(i64s, i64s, i64s, keys, names, i64s)
def test_operators_commands(
    account: int, asset: int, amount: int, reference: c.Key, name: str, scale: int
) -> None:
    batch = [
        c.deposit(account, asset, amount, reference),
        c.withdraw(account, asset, amount, reference),
        c.open_account(reference),
        c.list_asset(name, scale),
        c.set_limits(account, asset, amount),
        c.set_version(amount),
        c.checkpoint(asset, bytes(range(32))),
    ]
    deposit, withdraw, opened, listed, limits, version, checkpoint = unpack_commands(
        b"".join(batch)
    )
    assert deposit.words[1:] == withdraw.words[1:] == (account, *reference, asset, amount, 0, 0)
    assert opened.words[1:] == (0, 0, 0, *reference, 0, 0)
    assert listed.words[1:] == (0, 0, 0, *c.name_words(name), scale, 0)
    assert limits.words[1:] == (0, 0, 0, account, asset, amount, 0)
    assert version.words[1:] == (0, 0, 0, amount, 0, 0, 0)
    assert checkpoint.words[4] == asset
    assert struct.pack("<4q", *checkpoint.words[5:9]) == bytes(range(32))


@given(names, st.lists(i64s, min_size=11, max_size=11))
def test_list_symbol(name: str, values: list[int]) -> None:
    fields = (
        "tick_units", "lot_units", "min_price", "max_price", "max_qty", "min_notional",
        "max_notional", "maker_ppm", "taker_ppm",
    )  # fmt: skip
    base, quote, *rest = values
    record = c.list_symbol(name, base, quote, **dict(zip(fields, rest, strict=True)))
    (command,) = unpack_commands(record)
    assert command.words[1:] == (0, 0, 0, *c.name_words(name), *values, 0)
    assert len(record) == 8 * c.LIST_SYMBOL_WORDS


@given(names)
def test_names(name: str) -> None:
    assert c.name_text(*c.name_words(name)) == name


@pytest.mark.parametrize("name", ["", "A" * 17, "A\0B"])
def test_names_that_do_not_fit(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        c.name_words(name)


@given(st.text(), st.text())
def test_keys(one: str, other: str) -> None:
    assert c.key128(one) == c.key128(one) != c.NO_KEY
    assert (c.key128(one) == c.key128(other)) == (one == other)


def test_a_key_never_changes() -> None:
    """Clients' keys stand in logs for ever: this number may not move."""
    assert c.key128("lockstep") == (1391209063709355972, -3827213975700074493)


some_records = st.lists(
    st.sampled_from((
        c.place(2, 1, 0, 0, 0, 100, 5), c.cancel(2, 1, 7), c.checkpoint(3, bytes(32)),
        c.list_asset("BTC", 8), c.set_limits(1, 2, 3),
        c.list_symbol("X", 1, 2, tick_units=1, lot_units=1, min_price=1, max_price=1, max_qty=1,
                      min_notional=0, max_notional=1, maker_ppm=0, taker_ppm=0),
    )), max_size=20,
)  # fmt: skip


@given(some_records, st.binary(max_size=50))
def test_batches(records: list[bytes], metadata: bytes) -> None:
    payload = c.batch_of(records, metadata)
    assert c.split_batch(payload) == (b"".join(records), len(records), metadata)
    assert [c.command_name(one.kind) for one in unpack_commands(b"".join(records))] == [
        codes.COMMAND_NAMES[record[0]] for record in records
    ]


# --- events ---------------------------------------------------------------------------------------

DIGEST = st.binary(min_size=32, max_size=32)
BODIES: dict[type, tuple[int, tuple[str, ...]]] = {
    # type: kind, then the fields of words 2, 3, ...; what is packed in word 0 is not among them
    e.OrderAccepted: (1, ("order_id", "account", "price", "qty", "quote_qty", "hold",
                          "client_hi", "client_lo")),
    e.OrderRejected: (2, ("account", "bound", "order_id", "client_hi", "client_lo")),
    e.OrderCanceled: (3, ("order_id", "account", "qty", "released", "price")),
    e.CancelRejected: (4, ("order_id", "account")),
    e.OrderAmended: (5, ("order_id", "account", "price", "qty", "remaining", "hold_delta",
                         "kept_priority")),
    e.TradeExecuted: (6, ("trade_id", "price", "qty", "maker_order", "taker_order",
                          "maker_account", "taker_account", "quote_units", "maker_fee",
                          "taker_fee", "maker_remaining", "taker_remaining", "taker_release")),
    e.BookDelta: (7, ("price", "total", "orders")),
    e.SymbolModeChanged: (8, ("old_mode",)),
    e.BalanceChanged: (9, ("account", "asset", "delta", "available", "hold", "ref_hi",
                           "ref_lo")),
    e.EngineCheckpoint: (10, ("index", "digest", "balances_digest")),
    e.AccountOpened: (11, ("account", "ref_hi", "ref_lo")),
    e.AssetListed: (12, ("asset", "name", "scale")),
    e.SymbolListed: (13, ("name", "base", "quote", "tick_units", "lot_units", "tick_value",
                          "min_price", "max_price", "max_qty", "min_notional", "max_notional",
                          "maker_ppm", "taker_ppm")),
    e.LimitsChanged: (14, ("open_orders", "dedup_window_ns", "dedup_rows")),
    e.VersionChanged: (15, ("version", "old_version")),
    e.OrderTermsAccepted: (16, ("order_id", "account", "trigger", "trail", "display", "min_qty",
                        "expire_ns", "peg_offset", "stp_and_group", "flags", "list_id")),
    e.OrderTriggered: (17, ("order_id", "account", "price", "hold_delta", "qty", "area")),
    e.OrderListChanged: (18, ("list_id", "account", "first", "second", "third", "client_hi",
                              "client_lo")),
    e.CancelAfterSet: (19, ("account", "deadline_ns")),
    e.GroupChanged: (20, ("account", "group", "old_group")),
    e.AuctionCalled: (21, ("until_ns",)),
    e.AuctionIndicated: (22, ("price", "volume", "surplus")),
    e.AuctionEnded: (23, ("price", "volume")),
    e.RulesChanged: (24, c.RULE_NAMES),
    e.DeskChanged: (25, ("account", *c.RULE_NAMES[-6:], "killed")),
    e.AccountRestricted: (26, ("account", "state", "withdrawals_halted")),
    e.ReferenceSet: (27, ("price",)),
    e.MarketProtected: (28, ("action", "price", "begin")),
    e.FeesChanged: (29, ("account", "version", "tiers")),
    e.FeesApplied: (30, ("trade_id", "maker_version", "maker_ppm", "taker_version", "taker_ppm")),
    e.TransferChanged: (31, ("transfer_hi", "transfer_lo", "account", "asset", "amount",
                             "available", "hold", "partner", "their_account",
                             "deadline_ns", "proof")),
}  # fmt: skip
TIERS = st.lists(st.tuples(i64s, i64s, i64s), max_size=6).map(tuple)
PACKED = {
    "tiers": TIERS,
    "action": st.integers(0, 5), "tripped_by": st.integers(1, 2), "state": st.integers(0, 2),
    "side": st.integers(0, 1), "order_type": st.integers(0, 8), "stp": st.integers(0, 4),
    "transfer_state": st.integers(1, 6),
    "by_group": st.integers(0, 1), "list_kind": st.integers(1, 3), "list_state": st.integers(1, 2),
    "time_in_force": st.integers(0, 5), "mode": st.integers(0, 4), "code": st.integers(1, 23),
    "reason": st.integers(1, 2), "cause": u16s, "symbol": u16s, "seq": u64s,
    "old_mode": st.integers(0, 4), "name": names, "digest": DIGEST, "balances_digest": DIGEST,
}  # fmt: skip


@st.composite
def any_event(draw: st.DrawFn) -> e.AnyEvent:
    event_type = draw(st.sampled_from(sorted(BODIES, key=lambda one: one.__name__)))
    fields = {
        field: draw(PACKED.get(field, i64s))
        for field in event_type.__struct_fields__  # type: ignore[attr-defined]
    }
    event: e.AnyEvent = event_type(**fields)
    return event


def _encoded(event: e.AnyEvent) -> bytes:
    kind, fields = BODIES[type(event)]
    body = b""
    for field in fields:
        if field == "stp_and_group":
            assert isinstance(event, e.OrderTermsAccepted)
            body += struct.pack("<q", event.stp | event.by_group << 8)
            continue
        value = getattr(event, field)
        if isinstance(value, tuple):
            words = [word for tier in value for word in tier]
            body += struct.pack("<19q", len(value), *words, *[0] * (18 - len(words)))
        elif isinstance(value, bytes):
            body += value
        elif isinstance(value, str):
            body += value.encode("ascii").ljust(16, b"\0")
        else:
            body += struct.pack("<q", value)
    if isinstance(event, e.OrderAccepted):
        detail = event.order_type | event.time_in_force << 4
    elif isinstance(event, e.OrderListChanged):
        detail = event.list_kind | event.list_state << 4
    else:
        one_of = ("mode", "code", "reason", "tripped_by", "transfer_state")
        detail = sum(getattr(event, name, 0) for name in one_of)  # an event has at most one
    length = len(body) // 8 + 2
    head = (
        kind | length << 8 | event.symbol << 16 | event.cause << 32
        | getattr(event, "side", 0) << 48 | detail << 52
    )  # fmt: skip
    return struct.pack("<qq", head, event.seq) + body


@given(st.lists(any_event(), max_size=8))
def test_events(events: list[e.AnyEvent]) -> None:
    data = b"".join(map(_encoded, events))
    assert e.decode_events(data) == events
    rows = list(e.event_rows(data))
    assert [len(row) for row in rows] == [e.EVENT_WORDS[row[0] & 0xFF] for row in rows]


@given(any_event())
def test_event_text_shows_every_field(event: e.AnyEvent) -> None:
    kind, *parts = event_text.text(event).split(" ")
    assert kind == type(event).__name__
    assert [part.partition("=")[0] for part in parts] == list(event.__struct_fields__)
    shown = dict(part.partition("=")[::2] for part in parts)
    for field, value in shown.items():
        raw = getattr(event, field)
        if isinstance(raw, bytes):
            assert bytes.fromhex(value) == raw
        elif isinstance(raw, int) and value.lstrip("-").isdigit():
            assert int(value) == raw
        elif isinstance(raw, str):
            assert value == raw
        elif isinstance(raw, tuple):
            tiers = [] if value == "none" else value.split(",")
            assert tuple(tuple(map(int, tier.split(":"))) for tier in tiers) == raw
        else:
            assert value.replace("_", "").isalpha()


def test_every_event_kind_has_a_layout() -> None:
    assert sorted(kind for kind, _ in BODIES.values()) == list(range(1, len(codes.EVENT_NAMES)))
    for event_type, (kind, _) in BODIES.items():
        assert codes.EVENT_NAMES[kind] == event_type.__name__


@pytest.mark.parametrize("head", [0, 15 | 5 << 8, 31 | 5 << 8, 255 | 2 << 8])
def test_unknown_events_are_refused(head: int) -> None:
    with pytest.raises(ValueError, match="events"):
        e.decode_events(struct.pack("<5q", head, 1, 0, 0, 0))


@pytest.mark.parametrize("length", [0, 1, 6, 255])
def test_events_of_a_wrong_length_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="words"):
        e.decode_events(struct.pack("<5q", 7 | length << 8, 1, 0, 0, 0))


# --- replies --------------------------------------------------------------------------------------


@given(st.integers(0, 23), st.integers(0, 6), st.booleans(), st.integers(1, 12),
       st.lists(i64s, min_size=7, max_size=7), st.integers(0, 3))  # fmt: skip
def test_replies(
    code: int, status: int, duplicate: bool, command: int, values: list[int], ordinal: int
) -> None:
    head = code | status << 8 | duplicate << 16 | command << 24
    data = bytes(e.REPLY_BYTES * ordinal) + struct.pack("<8q", head, *values)
    reply = e.decode_reply(data, ordinal)
    assert (reply.code, reply.status, reply.duplicate) == (code, status, duplicate)
    assert reply.command == command
    assert [
        reply.id, reply.seq, reply.ts_ns, reply.filled, reply.filled_quote, reply.remaining,
        reply.detail,
    ] == values  # fmt: skip
    line = event_text.text(reply)
    assert f"code={codes.REJECT_NAMES[code]} status={codes.STATUS_NAMES[status]}" in line
    assert f"command={codes.COMMAND_NAMES[command]}" in line
