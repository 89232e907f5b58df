"""Orders that must be refused: the body, and the status, code and field of the refusal.

Why it exists: the same table is sent to the rules in process and to a running exchange; an answer
that differs between the two is a fault of the edge.
"""

import json
from typing import Any, NamedTuple

from tests.gateway.exchange import order


class Bad(NamedTuple):
    name: str
    body: bytes
    status: int
    code: str
    field: str


def changed(name: str, status: int, code: str, field: str, **changes: Any) -> Bad:
    return Bad(name, json.dumps(order(**changes)).encode(), status, code, field)


def raw(name: str, body: bytes, field: str = "body") -> Bad:
    return Bad(name, body, 400, "VALIDATION", field)


def invalid(name: str, field: str, **changes: Any) -> Bad:
    return changed(name, 400, "VALIDATION", field, **changes)


GOOD = json.dumps(order()).encode()

MALFORMED = [
    raw("empty body", b""),
    raw("not JSON", b"symbol=BTC-KRW"),
    raw("cut short", GOOD[:-1]),
    raw("two documents", GOOD + GOOD),
    raw("an array", b"[" + GOOD + b"]"),
    raw("a string", b'"order"'),
    raw("null", b"null"),
    raw("not UTF-8", GOOD.replace(b"BUY", b"B\xffY")),
    raw("a byte order mark", b"\xef\xbb\xbf" + GOOD),
    raw("nested without end", b'{"symbol":' + b"[" * 8_000, "symbol"),
    raw("duplicate field", GOOD[:-1] + b',"qty":"0.002"}', "qty"),
    raw("duplicate field, equal", GOOD[:-1] + b',"qty":"0.001"}', "qty"),
    raw("duplicate field, escaped", GOOD[:-1] + b',"q\\u0074y":"0.002"}', "qty"),
    raw("unknown field", GOOD[:-1] + b',"leverage":"10"}', "leverage"),
    raw("hostile field name", GOOD[:-1] + b',"' + b"x" * 5_000 + b'":"1"}', "x" * 64 + "..."),
]  # fmt: skip

FIELDS = [
    invalid("no symbol", "symbol", symbol=None),
    invalid("no side", "side", side=None),
    invalid("no type", "type", type=None),
    invalid("no price", "price", price=None),
    invalid("no qty", "qty", qty=None),
    raw("null qty", GOOD.replace(b'"0.001"', b"null"), "qty"),
    raw("float price", GOOD.replace(b'"50000000"', b"50000000.0"), "price"),
    raw("integer price", GOOD.replace(b'"50000000"', b"50000000"), "price"),
    raw("exponent number", GOOD.replace(b'"50000000"', b"5e7"), "price"),
    raw("NaN", GOOD.replace(b'"0.001"', b"NaN"), "qty"),
    raw("Infinity", GOOD.replace(b'"0.001"', b"Infinity"), "qty"),
    raw("minus Infinity", GOOD.replace(b'"0.001"', b"-Infinity"), "qty"),
    raw("boolean", GOOD.replace(b'"0.001"', b"true"), "qty"),
    raw("object", GOOD.replace(b'"0.001"', b"{}"), "qty"),
    raw("huge number", GOOD.replace(b'"0.001"', b"9" * 5_000), "qty"),
    invalid("unknown side", "side", side="buy"),
    invalid("unknown type", "type", type="STOPPED"),
    invalid("unknown time in force", "timeInForce", timeInForce="GTX"),
    invalid("GTD without an end", "expiresAt", timeInForce="GTD"),
    invalid("end that is no number", "expiresAt", timeInForce="GTD", expiresAt="1.5"),
    invalid("end beyond time", "expiresAt", timeInForce="GTD", expiresAt="9" * 16),
    invalid("stop without a trigger", "triggerPrice", type="STOP_LIMIT"),
    invalid("stop with a limit", "price", type="STOP", timeInForce=None, triggerPrice="52000000"),
    invalid("stop limit without one", "price", type="STOP_LIMIT", price=None,
            triggerPrice="52000000"),
    invalid("limit with a trigger", "triggerPrice", triggerPrice="52000000"),
    changed("trigger between ticks", 422, "TICK_SIZE", "triggerPrice", type="STOP_LIMIT",
            triggerPrice="52000000.5"),
    invalid("stop that rests", "timeInForce", type="STOP", price=None, triggerPrice="52000000"),
    invalid("trailing without a distance", "trailBy", type="TRAILING_STOP_LIMIT"),
    invalid("trailing by two distances", "trailBy", type="TRAILING_STOP_LIMIT",
            trailBy="1000", trailBps="5"),
    invalid("trailing by everything", "trailBps", type="TRAILING_STOP_LIMIT", trailBps="10000"),
    invalid("limit that trails", "trailBps", trailBps="10"),
    invalid("limit with a collar", "collar", collar="52000000"),
    changed("tip between lots", 422, "LOT_SIZE", "displayQty", displayQty="0.0001"),
    invalid("limit with an offset", "pegOffset", pegOffset="1000"),
    invalid("limit pegged", "pegTo", pegTo="OTHER"),
    invalid("offset with two signs", "pegOffset", type="PEGGED", pegOffset="--1000"),
    invalid("slide of a GTC order", "onCross", onCross="SLIDE"),
    invalid("group without a mode", "selfTradeBy", selfTradeBy="GROUP"),
    invalid("unknown self-trade mode", "selfTrade", selfTrade="DECREMENT_AND_CANCEL"),
    invalid("exponent", "qty", qty="1e-3"),
    invalid("capital exponent", "price", price="5E7"),
    invalid("NaN in a string", "price", price="NaN"),
    invalid("infinity in a string", "price", price="Infinity"),
    invalid("negative price", "price", price="-50000000"),
    invalid("negative qty", "qty", qty="-0.001"),
    invalid("zero price", "price", price="0"),
    invalid("zero qty", "qty", qty="0.000"),
    invalid("plus sign", "qty", qty="+0.001"),
    invalid("space", "qty", qty=" 0.001"),
    invalid("trailing newline", "qty", qty="0.001\n"),
    invalid("underscore", "price", price="50_000_000"),
    invalid("comma", "price", price="50,000,000"),
    invalid("full-width digits", "qty", qty="\uff11"),
    invalid("arabic digits", "qty", qty="\u0661"),
    invalid("hexadecimal", "price", price="0x10"),
    invalid("leading zero", "price", price="050000000"),
    invalid("no digit before the point", "qty", qty=".001"),
    invalid("no digit after the point", "qty", qty="1."),
    invalid("empty number", "qty", qty=""),
    invalid("overflowing price", "price", price="99999999999999999999"),
    invalid("overflowing qty", "qty", qty="46116860184.27387905"),
    invalid("thousands of digits", "qty", qty="9" * 4_000),
    invalid("too many places", "qty", qty="0." + "0" * 30 + "1"),
    changed("price between ticks", 422, "TICK_SIZE", "price", price="50000001"),
    changed("over-precise price", 422, "TICK_SIZE", "price", price="50000000.5"),
    changed("qty between lots", 422, "LOT_SIZE", "qty", qty="0.0015"),
    changed("over-precise qty", 422, "LOT_SIZE", "qty", qty="0.0010000001"),
    changed("unknown symbol", 404, "UNKNOWN_SYMBOL", "symbol", symbol="DOGE-KRW"),
    changed("empty symbol", 404, "UNKNOWN_SYMBOL", "symbol", symbol=""),
    changed("symbol in lower case", 404, "UNKNOWN_SYMBOL", "symbol", symbol="btc-krw"),
    invalid("market with a price", "price", type="MARKET", timeInForce="IOC"),
    invalid("market GTC", "timeInForce", type="MARKET", price=None),
    invalid("market with both quantities", "qty", type="MARKET", price=None, timeInForce=None,
            quoteQty="100000"),
    invalid("limit by quote", "quoteQty", quoteQty="100000", qty=None),
    invalid("over-precise quote", "quoteQty", type="MARKET", price=None, timeInForce=None,
            qty=None, quoteQty="100.5"),
    invalid("long client id", "clientOrderId", clientOrderId="x" * 37),
    invalid("client id with a space", "clientOrderId", clientOrderId="a b"),
    invalid("client id not ASCII", "clientOrderId", clientOrderId="\u00e9"),
    invalid("empty client id", "clientOrderId", clientOrderId=""),
]  # fmt: skip

ALL = MALFORMED + FIELDS
