"""The signature: golden vectors, and every way in which a signed request can be wrong."""

import json

import pytest

from gateway.signing import canonical, sign
from tests.gateway.exchange import Exchange, order, told

BODY = json.dumps(order()).encode()

VECTORS = [
    (
        ("POST", "/v1/orders", "1790000000000", "key-1", '{"symbol":"BTC-KRW"}'),
        "2d0ac03b514568554572f6133bc1cca56dbfc07fc9ba2e83c140d46ed26633fc",
    ),
    (
        ("GET", "/v1/orders?symbol=BTC-KRW&limit=5", "1790000000000", "", ""),
        "ef7d1a86229f2cb5c71681e9465ddf3c3f58fbe1a9630c77b1ad9f8e27406c89",
    ),
]
"""Computed with `openssl dgst -sha256 -hmac alice-secret` over the text."""


def test_the_canonical_string_has_six_lines_and_keeps_empty_ones() -> None:
    assert canonical(b"GET", b"/v1/orders?symbol=BTC-KRW", b"1790000000000", b"", b"") == (
        b"LOCKSTEP-V1\nGET\n/v1/orders?symbol=BTC-KRW\n1790000000000\n\n"
    )
    assert canonical(b"POST", b"/v1/orders", b"1", b"k", b"{}") == (
        b"LOCKSTEP-V1\nPOST\n/v1/orders\n1\nk\n{}"
    )


@pytest.mark.parametrize(("parts", "signature"), VECTORS)
def test_golden_vectors(parts: tuple[str, ...], signature: str) -> None:
    method, target, ts, key, body = (part.encode() for part in parts)
    assert sign(b"alice-secret", canonical(method, target, ts, key, body)) == signature


def test_a_signature_in_capital_letters_is_the_same_signature() -> None:
    exchange = Exchange()
    headers = exchange.headers("alice", "GET", "/v1/orders")
    headers[b"x-signature"] = headers[b"x-signature"].upper()
    assert exchange.send("GET", "/v1/orders", headers=headers).status == 200


@pytest.mark.parametrize(
    ("header", "value", "field", "kind"),
    [
        ("x-signature", b"0" * 64, "X-SIGNATURE", "signature"),
        ("x-signature", b"zz", "X-SIGNATURE", "signature"),
        ("x-signature", b"\xff" * 64, "X-SIGNATURE", "signature"),
        ("x-signature", None, "X-SIGNATURE", "signature"),
        ("x-api-key", b"bob", "X-SIGNATURE", "signature"),
        ("x-api-key", b"nobody", "X-SIGNATURE", "signature"),
        ("x-api-key", b"no body", "X-API-KEY", "api-key"),
        ("x-api-key", None, "X-API-KEY", "api-key"),
        ("x-ts", b"1790000000001", "X-SIGNATURE", "signature"),
        ("x-ts", b"now", "X-TS", "timestamp"),
        ("x-ts", b"+179000000000", "X-TS", "timestamp"),
        ("x-ts", b"1790000000000000000", "X-TS", "timestamp"),
        ("x-ts", None, "X-TS", "timestamp"),
        ("idempotency-key", b"other", "X-SIGNATURE", "signature"),
    ],
)
def test_a_wrong_header_is_401_and_changes_nothing(
    header: str, value: bytes | None, field: str, kind: str
) -> None:
    exchange = Exchange()
    before = exchange.state()
    response = exchange.signed("alice", "POST", "/v1/orders", BODY, changes={header: value})
    answer = told(response)
    assert response.status == 401
    assert answer["code"] == "VALIDATION"
    assert answer["type"] == f"urn:lockstep:problem:{kind}"
    assert answer["errors"][0]["field"] == field
    assert exchange.state() == before


@pytest.mark.parametrize(
    ("change", "target", "body"),
    [
        ("body", "/v1/orders", BODY.replace(b"0.001", b"0.002")),
        ("query", "/v1/orders?x=1", BODY),
    ],
)
def test_what_was_signed_cannot_be_changed(change: str, target: str, body: bytes) -> None:
    exchange = Exchange()
    headers = exchange.headers("alice", "POST", "/v1/orders", BODY)
    before = exchange.state()
    assert exchange.send("POST", target, body, headers).status == 401, change
    assert exchange.state() == before


@pytest.mark.parametrize(
    ("skew_ms", "status"), [(0, 201), (5_000, 201), (5_001, 401), (-1_000, 201), (-1_001, 401)]
)
def test_the_window_is_five_seconds_back_and_one_ahead(skew_ms: int, status: int) -> None:
    exchange = Exchange()
    headers = exchange.headers("alice", "POST", "/v1/orders", BODY)
    exchange.clock.ms += skew_ms
    response = exchange.send("POST", "/v1/orders", BODY, headers)
    assert response.status == status
    if status == 401:
        assert told(response)["errors"][0]["field"] == "X-TS"


def test_an_unknown_key_and_a_wrong_signature_answer_alike() -> None:
    exchange = Exchange()
    wrong = told(exchange.signed("alice", "GET", "/v1/orders", changes={"x-signature": b"0" * 64}))
    unknown = told(exchange.signed("alice", "GET", "/v1/orders", changes={"x-api-key": b"nobody"}))
    wrong.pop("traceId")
    unknown.pop("traceId")
    assert wrong == unknown
