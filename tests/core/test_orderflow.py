"""The bare book against the recorded order flow that the public engines agree on."""

import gzip
import hashlib
import struct
from pathlib import Path

import pytest

from core.orderflow import FLOW_HEADER, FLOW_RECORD_BYTES, FlowRun, check_flow

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

AGREED = {
    "orderflow_normal": "f04bbcd71a09950123ea2a6a81e4fe6d04f7324e7a4431c8739491fb43fe46eb",
    "orderflow_static": "4466040d984b108766fe0c099cb45730cf87dadc5dbe692d8cb35b6112ff0048",
    "orderflow_swing_40": "c51527b99719db310c64a50924514ebc50470f2a2fe4f2238abd5dd089e82301",
}
"""SHA-256 of the reports, from the page beside the recorded data."""

NEW, CANCEL, MODIFY = 0, 1, 2


def flow(*records: tuple[int, int, int, int, int, int]) -> bytes:
    """Records of type, side, ioc, quantity, order id, price; numbered from 0."""
    body = b"".join(
        struct.pack("<BBBBIQQqq", kind, side, ioc, 0, qty, seq, order_id, price, 0)
        for seq, (kind, side, ioc, qty, order_id, price) in enumerate(records)
    )
    return FLOW_HEADER.pack(1, 1, len(records)) + body


def reports(data: bytes) -> str:
    count, greatest = check_flow(data)
    run = FlowRun(greatest + 1)
    run.run(data, 0, count)
    return run.report_text()


@pytest.mark.parametrize("name", AGREED)
def test_the_reports_are_those_that_engines_agree_on(name: str) -> None:
    path = DATA / f"{name}.bin.gz"
    if not path.exists():
        pytest.skip("the recorded flow is not there: ../shared/data")
    text = reports(gzip.decompress(path.read_bytes()))
    assert hashlib.sha256(text.encode()).hexdigest() == AGREED[name]


def test_each_report_line_is_as_the_page_says() -> None:
    text = reports(
        flow(
            (NEW, 0, 0, 5, 0, 100),  # a bid of 5
            (NEW, 1, 1, 7, 1, 99),  # an IOC sell of 7 takes it, and its remainder is canceled
            (CANCEL, 0, 0, 0, 0, 0),  # nothing rests any more
            (MODIFY, 0, 0, 3, 0, 101),
            (NEW, 1, 0, 4, 2, 105),
            (MODIFY, 1, 0, 6, 2, 104),
            (CANCEL, 1, 0, 0, 2, 0),
        )
    )
    assert text.splitlines() == [
        "0,0,0,0,100,5",
        "0,1,1,1,99,7",
        "1,1,100,5,0,1",
        "2,1,1,1,99",
        "4,2,0",
        "5,3,0",
        "0,4,1,2,105,4",
        "3,5,1,2,104,6",
        "2,6,1,2,104",
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"short", "shorter than its header"),
        (flow((NEW, 0, 0, 1, 0, 1))[:-1], "are not 1 records"),
        (flow((3, 0, 0, 1, 0, 1)), "record 0 has an unknown type or side"),
        (flow((NEW, 2, 0, 1, 0, 1)), "record 0 has an unknown type or side"),
        (flow((NEW, 0, 0, 0, 0, 1)), "record 0 has quantity 0"),
        (flow((NEW, 0, 0, 1, 1 << 40, 1)), "record 0 has order id 1099511627776"),
    ],
)
def test_a_flow_that_is_none_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match="flow: ") as caught:
        check_flow(data)
    assert said in str(caught.value)


def test_a_run_can_be_cut_anywhere() -> None:
    data = flow((NEW, 0, 0, 5, 0, 100), (NEW, 1, 0, 9, 1, 100), (CANCEL, 1, 0, 0, 1, 0))
    whole = reports(data)
    run = FlowRun(2)
    for first in range((len(data) - 16) // FLOW_RECORD_BYTES):
        run.run(data, first, 1)
    assert run.report_text() == whole
